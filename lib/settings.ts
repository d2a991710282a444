import type { DeclineTable } from "./core/decline.ts";
import { type Json, parseJson } from "./core/json.ts";
import { defaultPolicy, gatewayTimeoutMaxMs, type Policy, parsePolicy } from "./core/policy.ts";
import { CHARGE_QUEUES, type ChargeQueueName, type QueueVariable } from "./core/queues.ts";
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

/** What a user may set; each has a default, or is left out. */
export const settingNames = [
  "CENTROBILL_URL",
  "CENTROBILL_FEED_URL",
  "CENTROBILL_FEED_PROFILE",
  "CENTROBILL_DECLINE_TABLE",
  "CENTRAPAY_URL",
  "CENTRAPAY_MERCHANT_ID",
  "GATEWAY_TIMEOUT_MS",
  "CONCURRENCY",
  "POLICY",
] as const;
/** What a user may set for `receive-notices` alone. */
export const noticeSettingNames = ["CENTRAPAY_NOTICE_AUDIENCE", "CENTRAPAY_JWKS_URL"] as const;
export type SettingName = (typeof settingNames)[number] | (typeof noticeSettingNames)[number];

/** Credentials, each by its own name or, as a name in the secret store, by `secretVariableOf` it. */
export const credentialNames = ["CENTROBILL_API_KEY", "CENTRAPAY_API_KEY"] as const;
/** What the gateways sign their notices with. */
export const noticeCredentialNames = ["CENTROBILL_IPN_SECRET", "CENTROBILL_IPN_SECRET_PREVIOUS"] as const;
export type CredentialName = (typeof credentialNames)[number] | (typeof noticeCredentialNames)[number];

export const secretVariableOf = <Name extends CredentialName>(name: Name): `${Name}_SECRET_ARN` =>
  `${name}_SECRET_ARN`;

/** The ledger's table, which every function works on. */
export const tableVariable = "LEDGER_TABLE";

/** The address of the bucket of reports, which `write-reports` alone is given. */
export const reportsVariable = "REPORTS_URL";

type Variable =
  | SettingName
  | typeof reportsVariable
  | "AWS_REGION"
  | CredentialName
  | ReturnType<typeof secretVariableOf>
  | QueueVariable
  | typeof tableVariable;

/** Everything that a function reads from its environment, checked. */
export type Settings = {
  readonly ledgerTable: string;
  readonly queueUrls: Readonly<Record<ChargeQueueName, string>>;
  /** `undefined`: `reconcile` works its windows itself */
  readonly windowsUrl?: string;
  readonly centrobill: {
    readonly url: string;
    readonly apiKey: Credential;
    readonly feedUrl?: string;
    readonly feedProfile: FeedProfile;
    readonly declines?: DeclineTable;
  };
  /** `undefined`: no key of it is set, and its charges are refused as `gateway_not_available` */
  readonly centrapay?: {
    readonly url: string;
    readonly apiKey: Credential;
    /** whose activities are reconciled */
    readonly merchantId?: string;
  };
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

const webAddressPattern = /^https?:\/\/[^\s?#@]+$/i;

type Environment = Readonly<Record<string, string | undefined>>;

/** Documented production host (facts/centrobill.md §1). The feed has no default: its host is not confirmed. */
const centrobillUrl = "https://api.centrobill.com";
/** The one host there is; test and live are told apart by the key (facts/centrapay.md §1). */
const centrapayUrl = "https://service.centrapay.com";

/** Reads the settings of a function that only reads the ledger, or throws `SettingsError`. */
export const readLedgerSettings = (env: Environment): Pick<Settings, "ledgerTable"> => {
  const ledgerTable = env[tableVariable];
  if (ledgerTable === undefined || ledgerTable === "")
    throw new SettingsError([`${tableVariable}: is not set`]);
  return { ledgerTable };
};

/** Readers of an environment; what is wrong with it gathers in `problems`. */
const readersOf = (env: Environment) => {
  const problems: string[] = [];
  const text = (name: Variable): string | undefined => (env[name] === "" ? undefined : env[name]);
  const required = (name: Variable): string => {
    const value = text(name);
    if (value === undefined) problems.push(`${name}: is not set`);
    return value ?? "";
  };
  const webAddress = (name: SettingName | typeof reportsVariable, fallback?: string): string | undefined => {
    const value = text(name) ?? fallback;
    // Paths are put behind it: behind a query or a `#` they would lead elsewhere.
    if (value !== undefined && !(webAddressPattern.test(value) && URL.canParse(value)))
      problems.push(`${name}: must be a web address, without spaces, query or password`);
    return value?.replace(/\/+$/, "");
  };
  const count = (name: SettingName, fallback: number, max: number): number => {
    const value = text(name);
    if (value === undefined) return fallback;
    if (!/^[1-9]\d{0,8}$/.test(value) || Number(value) > max)
      problems.push(`${name}: must be a whole number from 1 to ${max}`);
    return Number(value);
  };
  const credential = (name: CredentialName): Credential => {
    const value = text(name);
    const arn = text(secretVariableOf(name));
    if (value === undefined && arn === undefined)
      problems.push(`${name}: is not set, and neither is ${secretVariableOf(name)}`);
    if (value !== undefined && !/^[\x21-\x7e]+$/.test(value))
      problems.push(`${name}: must be visible ASCII characters`);
    return arn === undefined || value !== undefined
      ? { kind: "value", value: value ?? "" }
      : { kind: "secret", arn };
  };
  const isSet = (name: CredentialName): boolean =>
    text(name) !== undefined || text(secretVariableOf(name)) !== undefined;
  const json = <T>(
    name: SettingName,
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

/** The rate that Centrapay documents is its own host's; what another host takes is the user's to say. */
const ratesOfHost = (policy: Policy, url: string | undefined): Policy =>
  policy.rateLimits !== defaultPolicy.rateLimits || (url ?? centrapayUrl).replace(/\/+$/, "") === centrapayUrl
    ? policy
    : { ...policy, rateLimits: {} };

/** Reads one function's settings, or throws `SettingsError` with everything that is wrong with them. */
export const readSettings = (env: Environment): Settings => {
  const { problems, text, required, webAddress, count, credential, isSet, json } = readersOf(env);

  const policy = json("POLICY", parsePolicy);
  const profile = json("CENTROBILL_FEED_PROFILE", parseFeedProfile);
  const declines = json("CENTROBILL_DECLINE_TABLE", parseDeclineTable);
  const feedUrl = webAddress("CENTROBILL_FEED_URL");
  const windowsUrl = text("QUEUE_URL_RECONCILE_WINDOWS");
  const merchantId = text("CENTRAPAY_MERCHANT_ID");
  if (merchantId !== undefined && !/^[\w.:-]{1,64}$/.test(merchantId))
    problems.push("CENTRAPAY_MERCHANT_ID: must be an id");
  const settings: Settings = {
    ledgerTable: required(tableVariable),
    queueUrls: Object.fromEntries(
      CHARGE_QUEUES.map(({ name, variable }) => [name, required(variable)]),
    ) as Record<ChargeQueueName, string>,
    ...(windowsUrl === undefined ? {} : { windowsUrl }),
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
            ...(merchantId === undefined ? {} : { merchantId }),
          },
        }
      : {}),
    gatewayTimeoutMs: count("GATEWAY_TIMEOUT_MS", 30_000, gatewayTimeoutMaxMs),
    concurrency: count("CONCURRENCY", 20, 1_000),
    policy: ratesOfHost(policy?.ok === true ? policy.policy : defaultPolicy, text("CENTRAPAY_URL")),
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
  const [secret, previous] = noticeCredentialNames;
  const audience = webAddress("CENTRAPAY_NOTICE_AUDIENCE");
  // Whoever hears neither has forgotten something.
  const hearsCentrobill = isSet(secret) || isSet(previous) || audience === undefined;
  const keysUrl = webAddress("CENTRAPAY_JWKS_URL", centrapayKeysUrl) ?? "";
  if (audience === undefined && text("CENTRAPAY_JWKS_URL") !== undefined)
    problems.push("CENTRAPAY_NOTICE_AUDIENCE: is not set, though CENTRAPAY_JWKS_URL is");
  const settings: NoticeSettings = {
    ledgerTable: required(tableVariable),
    unknownOutcomesUrl: required("QUEUE_URL_UNKNOWN_OUTCOMES"),
    ...(hearsCentrobill
      ? { centrobill: { secrets: [credential(secret), ...(isSet(previous) ? [credential(previous)] : [])] } }
      : {}),
    ...(audience === undefined ? {} : { centrapay: { keysUrl, audience } }),
  };
  if (problems.length > 0) throw new SettingsError(problems);
  return settings;
};

/** What the functions of later attempts read: they can neither charge nor look anything up. */
export type RetrySettings = {
  readonly ledgerTable: string;
  readonly queueUrls: Readonly<Record<RetryQueue, string>>;
  readonly policy: Policy;
};

/** The queues of later attempts. */
export const retryQueues = ["charges", "permanent-declines", "retryable-declines"] as const;
export type RetryQueue = (typeof retryQueues)[number];
/** What a user may set for them. */
export const retrySettingNames = ["POLICY"] as const;

/** Reads the settings of `schedule-retries` and `release-retries`, or throws `SettingsError` with every problem. */
export const readRetrySettings = (env: Environment): RetrySettings => {
  const { problems, required, json } = readersOf(env);
  const policy = json("POLICY", parsePolicy);
  const settings: RetrySettings = {
    ledgerTable: required(tableVariable),
    queueUrls: {
      charges: required("QUEUE_URL_CHARGES"),
      "permanent-declines": required("QUEUE_URL_PERMANENT_DECLINES"),
      "retryable-declines": required("QUEUE_URL_RETRYABLE_DECLINES"),
    },
    policy: policy?.ok === true ? policy.policy : defaultPolicy,
  };
  if (problems.length > 0) throw new SettingsError(problems);
  return settings;
};

/** What `write-reports` reads: the table, and where reports are kept. */
export type ReportSettings = {
  readonly ledgerTable: string;
  readonly reportsUrl: string;
  /** of the bucket, which is the function's own */
  readonly region: string;
};

/** Reads the settings of `write-reports`, or throws `SettingsError` with every problem. */
export const readReportSettings = (env: Environment): ReportSettings => {
  const { problems, required, webAddress } = readersOf(env);
  const settings: ReportSettings = {
    ledgerTable: required(tableVariable),
    reportsUrl: required(reportsVariable) === "" ? "" : (webAddress(reportsVariable) ?? ""),
    region: required("AWS_REGION"),
  };
  if (problems.length > 0) throw new SettingsError(problems);
  return settings;
};
