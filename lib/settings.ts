import type { DeclineTable } from "./core/decline.ts";
import { type Json, parseJson } from "./core/json.ts";
import { defaultPolicy, type Policy, parsePolicy } from "./core/policy.ts";
import { QUEUES, type QueueName } from "./core/queues.ts";
import { parseDeclineTable } from "./gateways/centrobill/decline-table.ts";
import {
  defaultFeedProfile,
  type FeedProfile,
  parseFeedProfile,
} from "./gateways/centrobill/feed-profile.ts";

/** A credential: in the environment itself, or the name under which the secret store keeps it. */
export type Credential =
  | { readonly kind: "value"; readonly value: string }
  | { readonly kind: "secret"; readonly arn: string };

/** Everything that a function reads from its environment, checked. */
export type Settings = {
  readonly ledgerTable: string;
  readonly queueUrls: Readonly<Record<QueueName, string>>;
  readonly centrobill: {
    readonly url: string;
    readonly apiKey: Credential;
    readonly feedUrl?: string;
    readonly feedProfile: FeedProfile;
    readonly declines?: DeclineTable;
  };
  /** `undefined`: no key of it is set, and its charges are refused as `gateway_not_available` */
  readonly centrapay?: { readonly url: string; readonly apiKey: Credential };
  readonly gatewayTimeoutMs: number;
  readonly concurrency: number;
  readonly policy: Policy;
};

/** Settings that cannot be worked with: every problem names its variable, and never a value. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Documented production host (facts/centrobill.md §1). The feed has no default: its host is not confirmed. */
const centrobillUrl = "https://api.centrobill.com";
/** The one host there is; test and live are told apart by the key (facts/centrapay.md §1). */
const centrapayUrl = "https://service.centrapay.com";

/** Readers of an environment; what is wrong with it gathers in `problems`. */
const readersOf = (env: Environment) => {
  const problems: string[] = [];
  const text = (name: string): string | undefined => (env[name] === "" ? undefined : env[name]);
  const required = (name: string): string => {
    const value = text(name);
    if (value === undefined) problems.push(`${name}: is not set`);
    return value ?? "";
  };
  const webAddress = (name: string, fallback?: string): string | undefined => {
    const value = text(name) ?? fallback;
    if (value !== undefined && !(URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)))
      problems.push(`${name}: must be a web address`);
    return value?.replace(/\/+$/, "");
  };
  const count = (name: string, fallback: number, max: number): number => {
    const value = text(name);
    if (value === undefined) return fallback;
    if (!/^[1-9]\d{0,8}$/.test(value) || Number(value) > max)
      problems.push(`${name}: must be a whole number from 1 to ${max}`);
    return Number(value);
  };
  const credential = (name: string): Credential => {
    const value = text(name);
    const arn = text(`${name}_SECRET_ARN`);
    if (value === undefined && arn === undefined)
      problems.push(`${name}: is not set, and neither is ${name}_SECRET_ARN`);
    if (value !== undefined && !/^[\x21-\x7e]+$/.test(value))
      problems.push(`${name}: must be visible ASCII characters`);
    return arn === undefined || value !== undefined
      ? { kind: "value", value: value ?? "" }
      : { kind: "secret", arn };
  };
  const isSet = (name: string): boolean =>
    text(name) !== undefined || text(`${name}_SECRET_ARN`) !== undefined;
  const json = <T>(
    name: string,
    parse: (value: Json) => T | { readonly ok: false; readonly problems: readonly string[] },
  ): T | undefined => {
    const value = text(name);
    if (value === undefined) return undefined;
    const parsed = parseJson(value);
    if (parsed === undefined) {
      problems.push(`${name}: must be JSON`);
      return undefined;
    }
    const read = parse(parsed);
    if (typeof read === "object" && read !== null && "ok" in read && read.ok === false) {
      problems.push(
        ...(read as { problems: readonly string[] }).problems.map((problem) => `${name}: ${problem}`),
      );
      return undefined;
    }
    return read as T;
  };
  return { problems, text, required, webAddress, count, credential, isSet, json };
};

/** Reads one function's settings, or throws `SettingsError` with everything that is wrong with them. */
export const readSettings = (env: Environment): Settings => {
  const { problems, required, webAddress, count, credential, isSet, json } = readersOf(env);

  const policy = json("POLICY", parsePolicy);
  const profile = json("CENTROBILL_FEED_PROFILE", parseFeedProfile);
  const declines = json("CENTROBILL_DECLINE_TABLE", parseDeclineTable);
  const feedUrl = webAddress("CENTROBILL_FEED_URL");
  const settings: Settings = {
    ledgerTable: required("LEDGER_TABLE"),
    queueUrls: Object.fromEntries(QUEUES.map(({ name, variable }) => [name, required(variable)])) as Record<
      QueueName,
      string
    >,
    centrobill: {
      url: webAddress("CENTROBILL_URL", centrobillUrl) ?? "",
      apiKey: credential("CENTROBILL_API_KEY"),
      ...(feedUrl === undefined ? {} : { feedUrl }),
      feedProfile: profile?.ok === true ? profile.profile : defaultFeedProfile,
      ...(declines?.ok === true ? { declines: declines.table } : {}),
    },
    ...(isSet("CENTRAPAY_API_KEY")
      ? {
          centrapay: {
            url: webAddress("CENTRAPAY_URL", centrapayUrl) ?? "",
            apiKey: credential("CENTRAPAY_API_KEY"),
          },
        }
      : {}),
    gatewayTimeoutMs: count("GATEWAY_TIMEOUT_MS", 30_000, 120_000),
    concurrency: count("CONCURRENCY", 10, 1_000),
    policy: policy?.ok === true ? policy.policy : defaultPolicy,
  };
  if (problems.length > 0) throw new SettingsError(problems);
  return settings;
};

/** What `receive-notices` reads, and nothing else: it can neither charge nor look anything up. */
export type NoticeSettings = {
  readonly ledgerTable: string;
  readonly unknownOutcomesUrl: string;
  /** `undefined`: its notices are not heard. Two secrets are valid while one is changed for the other. */
  readonly centrobill?: { readonly secrets: readonly Credential[] };
  /** `undefined`: its notices are not heard */
  readonly centrapay?: { readonly keysUrl: string; readonly audience: string };
};

/** Where Centrapay publishes its keys (facts: guides/webhooks.mdoc). */
const centrapayKeysUrl = "https://auth.centrapay.com/api/.well-known/jwks.json";

/** Reads the settings of `receive-notices`, or throws `SettingsError` with everything that is wrong with them. */
export const readNoticeSettings = (env: Environment): NoticeSettings => {
  const { problems, text, required, webAddress, credential, isSet } = readersOf(env);
  const [secret, previous] = ["CENTROBILL_IPN_SECRET", "CENTROBILL_IPN_SECRET_PREVIOUS"] as const;
  const audience = webAddress("CENTRAPAY_NOTICE_AUDIENCE");
  // Whoever hears neither has forgotten something.
  const hearsCentrobill = isSet(secret) || isSet(previous) || audience === undefined;
  const keysUrl = webAddress("CENTRAPAY_JWKS_URL", centrapayKeysUrl) ?? "";
  if (audience === undefined && text("CENTRAPAY_JWKS_URL") !== undefined)
    problems.push("CENTRAPAY_NOTICE_AUDIENCE: is not set, though CENTRAPAY_JWKS_URL is");
  const queue = QUEUES.find(({ name }) => name === "unknown-outcomes");
  const settings: NoticeSettings = {
    ledgerTable: required("LEDGER_TABLE"),
    unknownOutcomesUrl: required(queue?.variable ?? ""),
    ...(hearsCentrobill
      ? { centrobill: { secrets: [credential(secret), ...(isSet(previous) ? [credential(previous)] : [])] } }
      : {}),
    ...(audience === undefined ? {} : { centrapay: { keysUrl, audience } }),
  };
  if (problems.length > 0) throw new SettingsError(problems);
  return settings;
};
