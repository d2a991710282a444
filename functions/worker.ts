import { createHash, randomBytes, randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SQSClient } from "@aws-sdk/client-sqs";
import type { Context, SQSBatchResponse, SQSEvent } from "aws-lambda";
import pLimit from "p-limit";
import { clientLimits, sqsClientLimits } from "../lib/adapters/deadline.ts";
import { diskSpills } from "../lib/adapters/disk-spills.ts";
import { dynamodbInstruments } from "../lib/adapters/dynamodb-instruments.ts";
import { dynamodbLedger, ledgerReader } from "../lib/adapters/dynamodb-ledger.ts";
import { dynamodbNotices } from "../lib/adapters/dynamodb-notices.ts";
import { dynamodbPace } from "../lib/adapters/dynamodb-pace.ts";
import { dynamodbReconciliation } from "../lib/adapters/dynamodb-reconciliation.ts";
import { dynamodbRetries } from "../lib/adapters/dynamodb-retries.ts";
import { dynamodbSentCharges } from "../lib/adapters/dynamodb-sent-charges.ts";
import { httpWire } from "../lib/adapters/http-wire.ts";
import { type GatheringLog, jsonLog } from "../lib/adapters/log.ts";
import { readSecret } from "../lib/adapters/secrets.ts";
import { hideMessages, sqsQueues } from "../lib/adapters/sqs-queues.ts";
import { type XrayDaemon, xrayDaemon } from "../lib/adapters/xray-daemon.ts";
import type { LeaseToken, RequestId } from "../lib/core/charge.ts";
import { chargeTrace } from "../lib/core/charge-trace.ts";
import type { ChargeQueueName } from "../lib/core/queues.ts";
import { gatewayPaces } from "../lib/flows/gateway-pace.ts";
import { gatewaysOf } from "../lib/gateways/registry.ts";
import type { Clock, Delivery, DeliveryEnd, Ids, Log, Reconciler, RetryClerk, Worker } from "../lib/ports.ts";
import {
  type Credential,
  type RetryQueue,
  type RetrySettings,
  readRetrySettings,
  readSettings,
  type Settings,
  SettingsError,
} from "../lib/settings.ts";

export const clock: Clock = {
  nowMs: () => Date.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

const ids: Ids = {
  requestId: () => randomUUID() as RequestId,
  // A name for one version of one entry: 72 bits keep it apart from every other version of it.
  leaseToken: () => randomBytes(9).toString("base64url") as LeaseToken,
  fraction: Math.random,
};

export const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

export const credentialOf = async (credential: Credential, env: NodeJS.ProcessEnv): Promise<string> => {
  if (credential.kind === "value") return credential.value;
  const wire = httpWire({ clock });
  try {
    return await readSecret(credential.arn, wire, {
      url: `http://localhost:${env["PARAMETERS_SECRETS_EXTENSION_HTTP_PORT"] ?? "2773"}`,
      token: env["AWS_SESSION_TOKEN"] ?? "",
    });
  } finally {
    wire.close();
  }
};

/** The log of a function: lines on its standard output, as CloudWatch takes them. */
export const logOf = (functionName: string): GatheringLog =>
  jsonLog({
    gathers: true,
    write: (line) => process.stdout.write(`${line}\n`),
    nowMs: clock.nowMs,
    // Two stacks in one account have the same functions under different names: their metrics stay apart.
    functionName: process.env["AWS_LAMBDA_FUNCTION_NAME"] ?? functionName,
  });

/** What a batch of one queue is worked by. */
export type BatchFlow = (
  deliveries: readonly Delivery[],
  worker: Worker,
) => Promise<ReadonlyMap<string, DeliveryEnd>>;

type Gateways = ReturnType<typeof gatewaysOf>;

/**
 * The gateways, with the credentials of now. A secret is asked for by each invocation: the extension beside the
 * function keeps it for minutes, so a changed one comes into use by itself; and it serves only while an
 * invocation runs, so nothing is asked at start. One that cannot be read any more stays in use.
 * @throws `SecretUnavailable` while there is nothing to go on with
 */
const gatewaysNow = (settings: Settings, log: Log): (() => Promise<Gateways>) => {
  let last: { readonly keys: string; readonly gateways: Gateways } | undefined;
  return async () => {
    const { centrobill, centrapay } = settings;
    try {
      const [apiKey, centrapayKey] = await Promise.all(
        [centrobill.apiKey, centrapay?.apiKey].map(
          (credential) => credential && credentialOf(credential, process.env),
        ),
      );
      const keys = JSON.stringify([apiKey, centrapayKey]);
      if (last?.keys !== keys)
        last = {
          keys,
          gateways: gatewaysOf({
            centrobill: { ...centrobill, apiKey: apiKey ?? "" },
            ...(centrapay && { centrapay: { ...centrapay, apiKey: centrapayKey ?? "" } }),
          }),
        };
    } catch (error) {
      if (last === undefined) throw error;
      log.event("secret_unread", { error: error instanceof Error ? error.message : "unknown" });
    }
    return last.gateways;
  };
};

const build = (functionName: string) => {
  const log = logOf(functionName);
  const settings = readSettings(process.env);
  const sqs = new SQSClient({ ...sqsClientLimits });
  const dynamodb = new DynamoDBClient({ ...clientLimits });
  const ledger = dynamodbLedger(dynamodb, settings.ledgerTable);
  const instruments = dynamodbInstruments(dynamodb, settings.ledgerTable);
  const notices = dynamodbNotices(dynamodb, settings.ledgerTable);
  const limit = () => pLimit(settings.concurrency);
  const paces = gatewayPaces({
    book: dynamodbPace(dynamodb, settings.ledgerTable),
    clock,
    ids,
    log,
    policy: settings.policy,
    limit,
  });
  const queues = sqsQueues({ client: sqs, urlOf: (queue) => settings.queueUrls[queue] });
  log.event("started", { count: settings.concurrency });
  if (settings.centrobill.feedUrl === undefined)
    log.event("feed_missing", {
      gateway: "centrobill",
      reason:
        "CENTROBILL_FEED_URL is not set: unknown outcomes get one resend and notices, then go to review",
    });
  return {
    settings,
    gateways: gatewaysNow(settings, log),
    // One for all invocations: it keeps no connection across a freeze.
    wire: httpWire({ clock }),
    paces,
    limit,
    sqs,
    dynamodb,
    ledger,
    instruments,
    notices,
    queues,
    log,
  };
};

const buildOrSay = <T>(functionName: string, make: (functionName: string) => T): T => {
  try {
    return make(functionName);
  } catch (error) {
    if (error instanceof SettingsError) process.stderr.write(`${functionName}: ${error.message}\n`);
    throw error;
  }
};

type Parts = ReturnType<typeof build>;

let daemon: XrayDaemon | undefined;

/**
 * Traces of charges, for an invocation that X-Ray samples: Lambda runs the daemon for those alone, and says so in
 * `_X_AMZN_TRACE_ID` (AWS Lambda, environment variables of the runtime).
 */
const tracesOf = (env: NodeJS.ProcessEnv): Pick<Worker, "trace"> => {
  const address = env["AWS_XRAY_DAEMON_ADDRESS"];
  if (address === undefined || env["_X_AMZN_TRACE_ID"]?.includes("Sampled=1") !== true) return {};
  daemon ??= xrayDaemon(address);
  const { send } = daemon;
  return { trace: (entry) => send(chargeTrace(entry, sha256)) };
};

/** The worker of one invocation. */
const workerOf = (
  { settings, wire, paces, limit, ledger, instruments, notices, queues, log }: Parts,
  gateways: Worker["gateways"],
  context: Pick<Context, "getRemainingTimeInMillis">,
): Worker => ({
  clock,
  ids,
  sha256,
  wire,
  ledger,
  instruments,
  notices,
  queues,
  log,
  limit: limit(),
  gateways,
  paces,
  policy: settings.policy,
  gatewayTimeoutMs: settings.gatewayTimeoutMs,
  remainingMs: () => context.getRemainingTimeInMillis(),
  ...tracesOf(process.env),
});

export const deliveriesOf = (event: SQSEvent): readonly Delivery[] =>
  event.Records.map((record) => ({
    messageId: record.messageId,
    body: record.body,
    receives: Number(record.attributes.ApproximateReceiveCount),
    receipt: record.receiptHandle,
  }));

/** Hides what goes back onto its queue, and names it to Lambda. */
const answerOf = async (
  event: SQSEvent,
  ends: ReadonlyMap<string, DeliveryEnd>,
  { sqs, queueUrl, log }: { readonly sqs: SQSClient; readonly queueUrl: string; readonly log: Log },
): Promise<SQSBatchResponse> => {
  const back = event.Records.flatMap((record) => {
    const end = ends.get(record.messageId);
    // What the flow said nothing of is not done.
    if (end?.kind === "done") return [];
    return [{ record, delayMs: end?.delayMs ?? 0 }];
  });
  await hideMessages(
    sqs,
    queueUrl,
    back.map(({ record, delayMs }) => ({ receiptHandle: record.receiptHandle, delayMs })),
    log,
  );
  return { batchItemFailures: back.map(({ record }) => ({ itemIdentifier: record.messageId })) };
};

/**
 * The handler of a function that works one queue. Its adapters are built once, at start; settings that cannot
 * be worked with stop the function there, with every problem named.
 */
export const queueFunction = (
  functionName: string,
  queue: ChargeQueueName,
  flow: BatchFlow,
): ((event: SQSEvent, context: Context) => Promise<SQSBatchResponse>) => {
  const parts = buildOrSay(functionName, build);
  const { settings, sqs, log } = parts;
  return async (event, context) => {
    const current = await parts.gateways();
    const worker: Worker = {
      ...workerOf(parts, current, context),
      wake: (receiptHandle) =>
        hideMessages(sqs, settings.queueUrls[queue], [{ receiptHandle, delayMs: 0 }], log),
    };
    try {
      const ends = await flow(deliveriesOf(event), worker);
      return await answerOf(event, ends, { sqs, queueUrl: settings.queueUrls[queue], log });
    } finally {
      log.flush();
    }
  };
};

/** What a function that reconciles is built of, once, at start, and what one invocation of it works with. */
export const reconciliationParts = (functionName: string) => {
  const parts = buildOrSay(functionName, build);
  const { dynamodb, settings, sqs, log } = parts;
  const reconcilerOf = async (context: Context): Promise<Reconciler> => ({
    ...workerOf(parts, await parts.gateways(), context),
    wake: (receiptHandle) =>
      hideMessages(sqs, settings.queueUrls["unknown-outcomes"], [{ receiptHandle, delayMs: 0 }], log),
    sentCharges: dynamodbSentCharges(dynamodb, settings.ledgerTable),
    book: dynamodbReconciliation(dynamodb, settings.ledgerTable),
    spills: diskSpills(tmpdir()),
  });
  return { settings, sqs, log, reconcilerOf };
};

/** What a function of later attempts is built of, once, at start. */
export const retryParts = (functionName: string) =>
  buildOrSay(functionName, () => {
    const log = logOf(functionName);
    const settings: RetrySettings = readRetrySettings(process.env);
    const sqs = new SQSClient({ ...sqsClientLimits });
    const dynamodb = new DynamoDBClient({ ...clientLimits });
    const clerk: RetryClerk = {
      clock,
      ids,
      ledger: ledgerReader(dynamodb, settings.ledgerTable),
      instruments: dynamodbInstruments(dynamodb, settings.ledgerTable),
      retries: dynamodbRetries(dynamodb, settings.ledgerTable),
      queues: sqsQueues({ client: sqs, urlOf: (queue) => settings.queueUrls[queue as RetryQueue] }),
      log,
      policy: settings.policy,
    };
    log.event("started");
    return { clerk, settings, sqs, dynamodb, log };
  });

/** The handler of the function that schedules later attempts. */
export const retryQueueFunction = (
  functionName: string,
  flow: (deliveries: readonly Delivery[], clerk: RetryClerk) => Promise<ReadonlyMap<string, DeliveryEnd>>,
): ((event: SQSEvent) => Promise<SQSBatchResponse>) => {
  const { clerk, settings, sqs, log } = retryParts(functionName);
  return async (event) => {
    try {
      const ends = await flow(deliveriesOf(event), clerk);
      return await answerOf(event, ends, { sqs, queueUrl: settings.queueUrls["retryable-declines"], log });
    } finally {
      log.flush();
    }
  };
};
