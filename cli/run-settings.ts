import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { GatewayName } from "../lib/core/charge.ts";
import { isJsonObject, type JsonObject, parseJson } from "../lib/core/json.ts";
import { QUEUES } from "../lib/core/queues.ts";
import { readSettings, type Settings, SettingsError } from "../lib/settings.ts";
import { builtFile } from "./built-file.ts";
import { demonstrationGatewayTimeoutMs, demonstrationPolicy, sandboxApiKey } from "./demonstration.ts";
import { fileTrouble, UsageProblem } from "./usage-problem.ts";

/** The flags of `run`, as typed. */
export type RunFlags = {
  readonly charges?: string;
  readonly centrobillUrl?: string;
  readonly centrobillFeedUrl?: string;
  readonly centrobillFeedProfile?: string;
  readonly centrobillDeclineTable?: string;
  readonly centrapayUrl?: string;
  readonly gatewayTimeoutMs?: string;
  readonly policy?: string;
  readonly concurrency?: string;
  readonly dataDir?: string;
  readonly results?: string;
  readonly quiet?: boolean;
  readonly json?: boolean;
};

export type RunSettings = {
  readonly chargesFile: string;
  /** whether it is the sample that comes with the command */
  readonly isSample: boolean;
  readonly gateways: Readonly<Record<GatewayName, RunGateway>>;
  /** the functions' own variables; of the sandbox everything but its addresses */
  readonly environment: Readonly<Record<string, string>>;
  readonly policy: Settings["policy"];
  readonly gatewayTimeoutMs: number;
  readonly concurrency: number;
  readonly dataDir?: string;
  readonly resultsFile?: string;
  readonly quiet: boolean;
  readonly json: boolean;
  /** one line each, for stderr */
  readonly warnings: readonly string[];
};

/** Where charges of a gateway go. `name` is its address without credentials or query. */
export type RunGateway = { readonly kind: "sandbox" } | { readonly kind: "outside"; readonly name: string };

const concurrencyDefault = 20;
/** A variable of an environment may have 128 KiB on Linux. */
const variableLengthMax = 100_000;

/** Which flag a variable comes from, for problems that `readSettings` finds. */
const flagOf: Readonly<Record<string, string>> = {
  CENTROBILL_URL: "--centrobill-url",
  CENTRAPAY_URL: "--centrapay-url",
  CENTROBILL_FEED_URL: "--centrobill-feed-url",
  CENTROBILL_FEED_PROFILE: "--centrobill-feed-profile",
  CENTROBILL_DECLINE_TABLE: "--centrobill-decline-table",
  GATEWAY_TIMEOUT_MS: "--gateway-timeout-ms",
  CONCURRENCY: "--concurrency",
  POLICY: "--policy",
};

const loopback = /^(localhost|.*\.localhost|127(\.\d{1,3}){3}|\[::1\])$/i;

const resultsProblem = (path: string): string | undefined => {
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return "is a folder";
    const folder = dirname(path);
    if (!statSync(folder).isDirectory()) return "is not in a folder";
    accessSync(folder, constants.W_OK);
    return undefined;
  } catch (error) {
    return fileTrouble(error);
  }
};

/**
 * Reads the flags of `run` and every file that they name, but the charges. Throws `UsageProblem` with all that
 * is wrong, before anything has been started.
 */
export const readRunSettings = (
  flags: RunFlags,
  env: Readonly<Record<string, string | undefined>>,
): RunSettings => {
  const problems: string[] = [];
  const warnings: string[] = [];
  const outside = flags.centrobillUrl !== undefined;
  const outsideCentrapay = flags.centrapayUrl !== undefined;

  /** The JSON object in the file of a flag; the problem, where there is one, names flag and file. */
  const jsonFile = (flag: string, path: string | undefined): JsonObject | undefined => {
    if (path === undefined) return undefined;
    let text: string;
    try {
      text = readFileSync(path, "utf8");
    } catch (error) {
      problems.push(`${flag} ${path}: ${fileTrouble(error)}`);
      return undefined;
    }
    const value = parseJson(text.replace(/^\ufeff/, ""));
    if (isJsonObject(value)) {
      if (JSON.stringify(value).length <= variableLengthMax) return value;
      problems.push(`${flag} ${path}: is too long: at most ${variableLengthMax} characters`);
    } else problems.push(`${flag} ${path}: must be ${value === undefined ? "JSON" : "a JSON object"}`);
    return undefined;
  };

  const ownPolicy = jsonFile("--policy", flags.policy);
  const feedProfile = jsonFile("--centrobill-feed-profile", flags.centrobillFeedProfile);
  const declineTable = jsonFile("--centrobill-decline-table", flags.centrobillDeclineTable);
  if (!outside)
    for (const [flag, value] of [
      ["--centrobill-feed-url", flags.centrobillFeedUrl],
      ["--centrobill-feed-profile", flags.centrobillFeedProfile],
    ] as const)
      if (value !== undefined) problems.push(`${flag}: needs --centrobill-url: the sandbox has its own feed`);

  // The short waits are the sandboxes' own: no gateway of the world is asked so soon.
  const demonstration = !outside && !outsideCentrapay;
  const policy: JsonObject = {
    // A run ends with the declines of today: it waits for later attempts where it is told how long.
    retryScheduleMs: [],
    ...(demonstration ? demonstrationPolicy : {}),
    ...ownPolicy,
  };
  const variables: Record<string, string | undefined> = {
    CENTROBILL_URL: flags.centrobillUrl,
    CENTROBILL_FEED_URL: outside ? flags.centrobillFeedUrl : undefined,
    CENTROBILL_FEED_PROFILE: feedProfile === undefined ? undefined : JSON.stringify(feedProfile),
    CENTROBILL_DECLINE_TABLE: declineTable === undefined ? undefined : JSON.stringify(declineTable),
    CENTRAPAY_URL: flags.centrapayUrl,
    GATEWAY_TIMEOUT_MS:
      flags.gatewayTimeoutMs ?? (demonstration ? String(demonstrationGatewayTimeoutMs) : undefined),
    CONCURRENCY: flags.concurrency ?? String(concurrencyDefault),
    POLICY: JSON.stringify(policy),
    CENTROBILL_API_KEY: outside ? env["CENTROBILL_API_KEY"] : sandboxApiKey,
    CENTRAPAY_API_KEY: outsideCentrapay ? env["CENTRAPAY_API_KEY"] : sandboxApiKey,
    // So that an outside gateway with a certificate of the house can be reached.
    NODE_EXTRA_CA_CERTS: env["NODE_EXTRA_CA_CERTS"],
  };
  // An empty flag is a mistake, not a flag that is not there.
  for (const [name, flag] of Object.entries(flagOf))
    if (variables[name] === "") problems.push(`${flag}: is empty`);
  for (const [url, key] of [
    [flags.centrobillUrl, "CENTROBILL_API_KEY"],
    [flags.centrapayUrl, "CENTRAPAY_API_KEY"],
  ] as const) {
    // What is no address is told as that alone.
    if (url === undefined || !URL.canParse(url) || variables[key]) continue;
    if (URL.canParse(url) && loopback.test(new URL(url).hostname)) {
      variables[key] = "none";
      warnings.push(`${key} is not set: a made-up key is sent, since the gateway is on this machine`);
    } else problems.push(`${key}: is not set in the environment, and the gateway is not on this machine`);
  }
  if (!demonstration && outside !== outsideCentrapay) {
    const [given, other] = outside
      ? ["--centrobill-url", "--centrapay-url"]
      : ["--centrapay-url", "--centrobill-url"];
    warnings.push(`${given} without ${other}: the other gateway's charges go to its sandbox`);
  }
  if (outside && flags.centrobillFeedUrl === undefined)
    warnings.push(
      "--centrobill-feed-url is not given: charges whose answer is lost get one resend with the same id, and then wait for a person (review)",
    );
  if (!demonstration && flags.dataDir === undefined)
    warnings.push("--data-dir is not given: if this run is killed, what it knows of its charges is lost");

  const resultsFile = flags.results === undefined ? undefined : resolve(flags.results);
  const trouble = resultsFile === undefined ? undefined : resultsProblem(resultsFile);
  if (trouble !== undefined) problems.push(`--results ${flags.results}: ${trouble}`);
  const dataDir = flags.dataDir === undefined ? undefined : resolve(flags.dataDir);
  if (flags.dataDir === "") problems.push("--data-dir: is empty");
  else if (dataDir !== undefined && statSync(dataDir, { throwIfNoEntry: false })?.isDirectory() === false)
    problems.push(`--data-dir ${flags.dataDir}: is not a folder`);

  const settings = checkedSettings(variables, problems);
  if (problems.length > 0 || settings === undefined) throw new UsageProblem([...new Set(problems)]);
  return {
    chargesFile: flags.charges ?? builtFile("../samples/charges.ndjson", "../dist/samples/charges.ndjson"),
    isSample: flags.charges === undefined,
    gateways: {
      centrobill: outside ? { kind: "outside", name: nameOf(settings.centrobill.url) } : { kind: "sandbox" },
      centrapay: outsideCentrapay
        ? { kind: "outside", name: nameOf(settings.centrapay?.url ?? "") }
        : { kind: "sandbox" },
    },
    environment: withoutAbsent(variables),
    policy: settings.policy,
    gatewayTimeoutMs: settings.gatewayTimeoutMs,
    concurrency: settings.concurrency,
    ...(dataDir === undefined ? {} : { dataDir }),
    ...(resultsFile === undefined ? {} : { resultsFile }),
    quiet: flags.quiet === true,
    json: flags.json === true,
    warnings,
  };
};

/** What the functions would read, or undefined; the problems are told by the flags' names. */
const checkedSettings = (
  variables: Readonly<Record<string, string | undefined>>,
  problems: string[],
): Settings | undefined => {
  const stackVariables = Object.fromEntries(
    ["LEDGER_TABLE", ...QUEUES.map(({ variable }) => variable)].map((name) => [name, "-"]),
  );
  try {
    return readSettings({
      CENTROBILL_API_KEY: "-",
      CENTRAPAY_API_KEY: "-",
      ...withoutAbsent(variables),
      ...stackVariables,
    });
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    for (const problem of error.problems)
      problems.push(problem.replace(/^[A-Z_]+(?=:)/, (name) => flagOf[name] ?? name));
    return undefined;
  }
};

const withoutAbsent = (variables: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(variables).filter((entry): entry is [string, string] => (entry[1] ?? "") !== ""),
  );

const nameOf = (url: string): string => {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`.replace(/\/+$/, "");
};
