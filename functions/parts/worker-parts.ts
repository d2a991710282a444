import type { Context } from "aws-lambda";
import pLimit from "p-limit";
import { dynamodbInstruments } from "../../lib/adapters/dynamodb-instruments.ts";
import { dynamodbLedger } from "../../lib/adapters/dynamodb-ledger.ts";
import { dynamodbNotices } from "../../lib/adapters/dynamodb-notices.ts";
import { dynamodbPace } from "../../lib/adapters/dynamodb-pace.ts";
import { httpWire } from "../../lib/adapters/http-wire.ts";
import { sqsQueues } from "../../lib/adapters/sqs-queues.ts";
import { gatewayPaces } from "../../lib/flows/gateway-pace.ts";
import type { Worker } from "../../lib/ports.ts";
import { readSettings } from "../../lib/settings.ts";
import { dynamodbClient, quickClients, sqsClient } from "./aws-clients.ts";
import { buildOrSay } from "./build-or-say.ts";
import { logOf } from "./function-log.ts";
import { gatewaysNow } from "./gateways-now.ts";
import { clock, ids, sha256 } from "./machine.ts";
import { tracesOf } from "./traces.ts";

const build = (functionName: string) => {
  const log = logOf(functionName);
  const settings = readSettings(process.env);
  const { dynamodb, sqs } = quickClients(dynamodbClient(), sqsClient(), log);
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

/** What a function that works charges is built of, once, at start. */
export const workerParts = (functionName: string) => buildOrSay(functionName, build);

export type WorkerParts = ReturnType<typeof build>;

/** The worker of one invocation. */
export const workerOf = (
  { settings, wire, paces, limit, ledger, instruments, notices, queues, log }: WorkerParts,
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
