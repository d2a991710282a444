import { createHash, randomBytes, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { startSandboxCentrapay } from "../infra/local/sandbox-centrapay/server.ts";
import { startSandboxCentrobill } from "../infra/local/sandbox-centrobill/server.ts";
import { dynamodbInstruments } from "../lib/adapters/dynamodb-instruments.ts";
import { dynamodbLedger } from "../lib/adapters/dynamodb-ledger.ts";
import { dynamodbPace } from "../lib/adapters/dynamodb-pace.ts";
import { httpWire } from "../lib/adapters/http-wire.ts";
import { sqsQueues } from "../lib/adapters/sqs-queues.ts";
import type { LeaseToken, RequestId } from "../lib/core/charge.ts";
import { isJsonObject, parseJson } from "../lib/core/json.ts";
import { gatewayPaces } from "../lib/flows/gateway-pace.ts";
import { gatewaysOf } from "../lib/gateways/registry.ts";
import type { Clock, Ids, Log, Worker } from "../lib/ports.ts";
import { type Credential, readSettings, type Settings, SettingsError } from "../lib/settings.ts";
import { demonstrationGatewayTimeoutMs, demonstrationPolicy, sandboxApiKey } from "./demonstration.ts";
import {
  type LedgerFlags,
  openStackAccess,
  refuseTwoLedgers,
  type StackAccess,
  useAwsVariables,
  withEnvFile,
} from "./ledger-access.ts";
import { readRunRecord } from "./run-record.ts";
import { UsageProblem } from "./usage-problem.ts";

/** What a command works on: a deployed stack's variables, or those of a run that has ended. */
export type Place = {
  readonly settings: Settings;
  readonly access: StackAccess;
  /** whether it is deployed: somebody consumes its queues */
  readonly deployed: boolean;
  close(): Promise<void>;
};

type Environment = Readonly<Record<string, string | undefined>>;

const settingsOf = (env: Environment): Settings => {
  try {
    return readSettings(env);
  } catch (error) {
    if (error instanceof SettingsError) throw new UsageProblem(error.problems);
    throw error;
  }
};

/** Opens what the flags name. Throws `UsageProblem` where there is nothing. */
export const openPlace = async (flags: LedgerFlags): Promise<Place> => {
  refuseTwoLedgers(flags);
  return flags.dataDir === undefined ? deployedPlace(flags) : localPlace(flags.dataDir);
};

const deployedPlace = async (flags: LedgerFlags): Promise<Place> => {
  const env = withEnvFile(process.env, flags.envFile);
  const access = await openStackAccess(flags, process.env);
  try {
    useAwsVariables(env);
    return { settings: settingsOf(env), access, deployed: true, close: () => access.close() };
  } catch (error) {
    await access.close();
    throw error;
  }
};

/** A run against sandboxes has their waits; what the environment says comes on top. */
const sandboxPolicy = (policy: string | undefined): string | undefined => {
  const own = policy === undefined ? {} : parseJson(policy);
  return isJsonObject(own) ? JSON.stringify({ ...demonstrationPolicy, ...own }) : policy;
};

/**
 * The ledger and queues of a data dir, and its sandboxes started again on what they did; the feeds of other gateways
 * are named by the environment.
 */
const localPlace = async (dataDir: string): Promise<Place> => {
  const access = await openStackAccess({ dataDir }, {});
  const opened: { close(): Promise<void> }[] = [access];
  const close = async (): Promise<void> => {
    for (const one of opened.toReversed()) await one.close();
  };
  try {
    const ofSandbox = readRunRecord(resolve(dataDir))?.gateway.includes("sandbox") ?? true;
    const fileOf = (name: string): string | undefined => {
      const path = join(resolve(dataDir), `sandbox-${name}.ndjson`);
      return ofSandbox && existsSync(path) ? path : undefined;
    };
    const [centrobillFile, centrapayFile] = [fileOf("centrobill"), fileOf("centrapay")];
    const centrobill =
      centrobillFile === undefined ? undefined : await startSandboxCentrobill({ dataFile: centrobillFile });
    if (centrobill !== undefined) opened.push(centrobill);
    const centrapay =
      centrapayFile === undefined ? undefined : await startSandboxCentrapay({ dataFile: centrapayFile });
    if (centrapay !== undefined) opened.push(centrapay);
    const { env } = process;
    const settings = settingsOf({
      ...access.queues,
      LEDGER_TABLE: access.table,
      POLICY: centrobill === undefined ? env["POLICY"] : sandboxPolicy(env["POLICY"]),
      GATEWAY_TIMEOUT_MS:
        env["GATEWAY_TIMEOUT_MS"] ??
        (centrobill === undefined ? undefined : String(demonstrationGatewayTimeoutMs)),
      ...(centrobill === undefined
        ? {
            CENTROBILL_API_KEY: env["CENTROBILL_API_KEY"] ?? "none",
            CENTROBILL_FEED_URL: env["CENTROBILL_FEED_URL"],
            CENTROBILL_FEED_PROFILE: env["CENTROBILL_FEED_PROFILE"],
          }
        : { CENTROBILL_API_KEY: sandboxApiKey, CENTROBILL_FEED_URL: centrobill.feedUrl }),
      ...(centrapay === undefined
        ? {
            CENTRAPAY_API_KEY: env["CENTRAPAY_API_KEY"],
            CENTRAPAY_URL: env["CENTRAPAY_URL"],
            CENTRAPAY_MERCHANT_ID: env["CENTRAPAY_MERCHANT_ID"],
          }
        : {
            CENTRAPAY_API_KEY: sandboxApiKey,
            CENTRAPAY_URL: centrapay.url,
            CENTRAPAY_MERCHANT_ID: "sandbox-merchant",
          }),
    });
    return { settings, access, deployed: false, close };
  } catch (error) {
    await close();
    throw error;
  }
};

const clock: Clock = {
  nowMs: () => Date.now(),
  sleep: (ms) => new Promise((wake) => setTimeout(wake, ms)),
};
const ids: Ids = {
  requestId: () => randomUUID() as RequestId,
  leaseToken: () => randomBytes(9).toString("base64url") as LeaseToken,
  fraction: Math.random,
};
const silent: Log = { event() {}, metric() {} };

const keyOf = (name: string, credential: Credential): string => {
  if (credential.kind === "value") return credential.value;
  throw new UsageProblem(`${name}: is not set; a command does not read the secret store`);
};

/** What a command that asks gateways works with; one thing after another, and it logs nothing. */
export const workerAt = ({ settings, access }: Place): Worker & { readonly close: () => void } => {
  const { centrapay } = settings;
  const wire = httpWire({ clock });
  const limit = Object.assign(<T>(task: () => Promise<T>): Promise<T> => task(), { concurrency: 1 });
  return {
    clock,
    ids,
    sha256: (text) => createHash("sha256").update(text).digest("hex"),
    wire,
    ledger: dynamodbLedger(access.dynamodb, access.table),
    instruments: dynamodbInstruments(access.dynamodb, access.table),
    queues: sqsQueues({ client: access.sqs, urlOf: (queue) => settings.queueUrls[queue] }),
    log: silent,
    limit,
    gateways: gatewaysOf({
      centrobill: {
        ...settings.centrobill,
        apiKey: keyOf("CENTROBILL_API_KEY", settings.centrobill.apiKey),
      },
      ...(centrapay === undefined
        ? {}
        : { centrapay: { ...centrapay, apiKey: keyOf("CENTRAPAY_API_KEY", centrapay.apiKey) } }),
    }),
    paces: gatewayPaces({
      book: dynamodbPace(access.dynamodb, access.table),
      clock,
      ids,
      log: silent,
      policy: settings.policy,
      limit: () => limit,
    }),
    policy: settings.policy,
    gatewayTimeoutMs: settings.gatewayTimeoutMs,
    remainingMs: () => Number.POSITIVE_INFINITY,
    close: () => wire.close(),
  };
};
