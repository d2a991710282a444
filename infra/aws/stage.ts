import type { RetentionDays } from "aws-cdk-lib/aws-logs";
import {
  type CredentialName,
  credentialNames,
  noticeCredentialNames,
  type SettingName,
} from "../../lib/settings.ts";
import type { ChargeonceProps, MoneyLimit } from "./props.ts";
import { WrongProps } from "./wrong-props.ts";

/** A stage as the context has it, checked: what one stack is made of. */
export type Stage = Omit<ChargeonceProps, "credentials" | "alarmTopic" | "egress"> & {
  /** credentials whose secrets are parameters of the stack */
  readonly credentials: readonly CredentialName[];
  readonly egress?: { readonly natGateways: 1 | 2 };
  readonly alarmEmail?: string;
  /** the stack may be removed: set by `npm run teardown` alone */
  readonly teardown: boolean;
};

const everyCredential = [...credentialNames, ...noticeCredentialNames];

type Check = readonly [check: (value: unknown) => boolean, must: string];

const isRecordOf = (value: unknown, check: (one: unknown) => boolean): boolean =>
  typeof value === "object" && value !== null && !Array.isArray(value) && Object.values(value).every(check);
const isText = (value: unknown): boolean => typeof value === "string" && value !== "";

/** What a stage may have, and what each must be. Amounts and settings are checked where they are used. */
const checks: Readonly<Record<Exclude<keyof Stage, "teardown">, Check>> = {
  prefix: [isText, "a text"],
  credentials: [
    (value) =>
      Array.isArray(value) && value.every((name) => (everyCredential as readonly unknown[]).includes(name)),
    `a list of ${everyCredential.join(", ")}`,
  ],
  settings: [(value) => isRecordOf(value, isText), "an object of variables and their texts"],
  submittersMax: [(value) => typeof value === "number", "a number"],
  egress: [
    (value) =>
      isRecordOf(value, (one) => one === 1 || one === 2) &&
      Object.keys(value as object).join() === "natGateways",
    '{"natGateways": 1 or 2}',
  ],
  secretsExtensionArn: [isText, "an ARN"],
  logRetention: [(value) => typeof value === "number", "a number of days that CloudWatch has"],
  alarmEmail: [(value) => isText(value) && (value as string).includes("@"), "an e-mail address"],
  moneyLimits: [
    (value) => isRecordOf(value, (limit) => isRecordOf(limit, isText)),
    'an object of currencies to {"unknown": "500.00", "review": "1000.00"}',
  ],
  tracing: [(value) => typeof value === "boolean", "true or false"],
  reviewDesk: [(value) => typeof value === "boolean", "true or false"],
};

/**
 * The stage that the context names: `-c stage=prod`, one of `stages` in cdk.json. Any member can be given on
 * the command line, too, where it wins: `-c alarmEmail=…`. Throws `WrongProps` with every problem.
 */
export const stageOf = (
  context: (name: string) => unknown,
): { readonly name: string; readonly stage: Stage } => {
  const name = String(context("stage") ?? "dev");
  const stages = context("stages");
  const listed = typeof stages === "object" && stages !== null ? (stages as Record<string, unknown>) : {};
  const own = listed[name];
  if (own === undefined || typeof own !== "object" || own === null)
    throw new WrongProps([
      `stage: ${name} is none of ${Object.keys(listed).join(", ")} (cdk.json, "stages")`,
    ]);
  const given: Record<string, unknown> = {
    prefix: `chargeonce-${name}-`,
    credentials: ["CENTROBILL_API_KEY"],
  };
  Object.assign(given, own);
  for (const member of Object.keys(checks)) {
    const value = context(member);
    // The command line knows texts only.
    if (value !== undefined) given[member] = typeof value === "string" ? fromText(value) : value;
  }
  const problems = Object.entries(given).flatMap(([member, value]) => {
    if (!Object.hasOwn(checks, member)) return [`stages.${name}.${member}: is not a member of a stage`];
    const [check, must] = checks[member as keyof typeof checks];
    return check(value) ? [] : [`stages.${name}.${member}: must be ${must}`];
  });
  if (problems.length > 0) throw new WrongProps(problems);
  return {
    name,
    stage: { ...(given as StageMembers), teardown: String(context("teardown") ?? "") === "true" },
  };
};

type StageMembers = {
  readonly prefix: string;
  readonly credentials: readonly CredentialName[];
  readonly settings?: Readonly<Partial<Record<SettingName, string>>>;
  readonly submittersMax?: number;
  readonly egress?: { readonly natGateways: 1 | 2 };
  readonly secretsExtensionArn?: string;
  readonly logRetention?: RetentionDays;
  readonly alarmEmail?: string;
  readonly moneyLimits?: Readonly<Record<string, MoneyLimit>>;
  readonly tracing?: boolean;
};

const fromText = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};
