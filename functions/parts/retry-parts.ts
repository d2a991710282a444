import { dynamodbInstruments } from "../../lib/adapters/dynamodb-instruments.ts";
import { ledgerReader } from "../../lib/adapters/dynamodb-ledger.ts";
import { dynamodbRetries } from "../../lib/adapters/dynamodb-retries.ts";
import { sqsQueues } from "../../lib/adapters/sqs-queues.ts";
import type { RetryClerk } from "../../lib/ports.ts";
import { type RetryQueue, type RetrySettings, readRetrySettings } from "../../lib/settings.ts";
import { dynamodbClient, sqsClient } from "./aws-clients.ts";
import { buildOrSay } from "./build-or-say.ts";
import { logOf } from "./function-log.ts";
import { clock, ids } from "./machine.ts";

/** What a function of later attempts is built of, once, at start. */
export const retryParts = (functionName: string) =>
  buildOrSay(functionName, () => {
    const log = logOf(functionName);
    const settings: RetrySettings = readRetrySettings(process.env);
    const sqs = sqsClient();
    const dynamodb = dynamodbClient();
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
