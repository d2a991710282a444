import { fromDecimal, parseCurrency } from "../../lib/core/money.ts";
import { retriesLater, worstCaseMsOf } from "../../lib/core/policy.ts";
import { QUEUES, type QueueName } from "../../lib/core/queues.ts";
import {
  credentialNames,
  noticeSettingNames,
  readSettings,
  type Settings,
  SettingsError,
  settingNames,
  tableVariable,
} from "../../lib/settings.ts";
import { type AtWork, type Durations, FUNCTIONS, type FunctionRow, timeoutMaxMs } from "../functions.ts";
import { propProblems } from "./prop-problems.ts";
import type { ChargeonceProps } from "./props.ts";
import { secretVariables } from "./secrets.ts";
import { WrongProps } from "./wrong-props.ts";

/** Lambda takes 4 KB of variables; what the stack adds takes less than the rest. */
const settingBytesMax = 2_400;
/** Lambda's names have at most 64 characters, and the longest of ours takes 16 of them. */
const prefixPattern = /^[A-Za-z0-9_-]{1,40}$/;

const allSettings = [...settingNames, ...noticeSettingNames];

export type CheckedSettings = {
  readonly durations: Durations;
  /** when the last look-up of an unknown is due, after its last send */
  readonly lookupsEndMs: number;
  readonly atWork: AtWork;
};

/**
 * The settings as the functions will read them, read now: what is wrong with them is found before anything is
 * deployed, and time-outs follow from them. Throws `WrongProps` with every problem.
 */
export const checkedSettings = (props: ChargeonceProps): CheckedSettings => {
  const problems: string[] = [...propProblems(props)];
  if (problems.length > 0) throw new WrongProps(problems);
  if (!prefixPattern.test(props.prefix)) problems.push(`prefix: must be 1 to 40 letters, digits, "-" or "_"`);
  const { submittersMax = 2 } = props;
  if (!Number.isInteger(submittersMax) || submittersMax < 2 || submittersMax > 1_000)
    problems.push("submittersMax: must be a whole number from 2 to 1000");
  for (const name of Object.keys(props.settings ?? {}))
    if (!(allSettings as readonly string[]).includes(name))
      problems.push(`settings.${name}: is not a setting; there are ${allSettings.join(", ")}`);
  const bytes = Buffer.byteLength(JSON.stringify(props.settings ?? {}));
  if (bytes > settingBytesMax)
    problems.push(`settings: take ${bytes} bytes, and Lambda has room for ${settingBytesMax}`);
  problems.push(...moneyProblems(props));
  const settings = readOrTell(props, problems);
  if (settings === undefined || problems.length > 0) throw new WrongProps(problems);
  const durations: Durations = {
    worstCaseMs: worstCaseMsOf(settings.policy, settings.gatewayTimeoutMs),
    concurrency: settings.concurrency,
  };
  for (const row of FUNCTIONS) {
    const timeoutMs = row.timeoutMs(durations);
    if (timeoutMs > timeoutMaxMs)
      problems.push(
        `settings: with them ${row.name} may take ${Math.ceil(timeoutMs / 1_000)} s, and Lambda ends it after 900 s; ` +
          "lower GATEWAY_TIMEOUT_MS, or resendsMax or resendDelayMs of POLICY, or raise CONCURRENCY",
      );
  }
  if (problems.length > 0) throw new WrongProps(problems);
  return {
    durations,
    lookupsEndMs: settings.policy.lookupScheduleMs.at(-1) ?? 0,
    atWork: { retrySchedule: retriesLater(settings.policy) },
  };
};

/** What the functions' own reader says of these settings. */
const readOrTell = (props: ChargeonceProps, problems: string[]): Settings | undefined => {
  try {
    return readSettings({
      ...props.settings,
      ...secretVariables(credentialNames, props.credentials),
      [tableVariable]: "ledger",
      ...Object.fromEntries(QUEUES.map(({ variable, name }) => [variable, name])),
    });
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    problems.push(...error.problems.map((problem) => `settings and credentials: ${problem}`));
    return undefined;
  }
};

const moneyProblems = ({ moneyLimits = {} }: ChargeonceProps): readonly string[] =>
  Object.entries(moneyLimits).flatMap(([code, limit]) => {
    const currency = parseCurrency(code);
    if (currency === undefined) return [`moneyLimits.${code}: is not a currency of ISO 4217`];
    return (["unknown", "review"] as const).flatMap((name) => {
      const text: unknown = limit[name];
      return typeof text === "string" && (fromDecimal(text, currency) ?? 0n) > 0n
        ? []
        : [`moneyLimits.${code}.${name}: must be an amount above 0 like "500.00"`];
    });
  });

/** A limit that was checked, in minor units. */
export const minorOf = (text: string, code: string): number => {
  const currency = parseCurrency(code);
  return Number(currency === undefined ? 0n : (fromDecimal(text, currency) ?? 0n));
};

/** Every variable of a function: what its row reads, as far as it is given. */
export const variablesOf = (
  { reads }: FunctionRow,
  props: ChargeonceProps,
  tableName: string,
  urlOf: (queue: QueueName) => string,
): Record<string, string> => ({
  ...Object.fromEntries(
    reads.settings.flatMap((name) => {
      const value = props.settings?.[name];
      return value === undefined ? [] : [[name, value]];
    }),
  ),
  ...secretVariables(reads.credentials, props.credentials),
  ...addressVariables(tableName, urlOf, reads.queues),
});

const everyQueue = QUEUES.map(({ name }) => name);

/** The variables that `chargeonce bootstrap` writes, for this stack. */
export const addressVariables = (
  tableName: string,
  urlOf: (queue: QueueName) => string,
  queues: readonly QueueName[] = everyQueue,
): Record<string, string> => ({
  [tableVariable]: tableName,
  ...Object.fromEntries(
    QUEUES.filter(({ name }) => queues.includes(name)).map(({ variable, name }) => [variable, urlOf(name)]),
  ),
});
