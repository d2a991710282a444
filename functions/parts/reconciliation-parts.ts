import { tmpdir } from "node:os";
import type { Context } from "aws-lambda";
import { diskSpills } from "../../lib/adapters/disk-spills.ts";
import { dynamodbReconciliation } from "../../lib/adapters/dynamodb-reconciliation.ts";
import { dynamodbRetries } from "../../lib/adapters/dynamodb-retries.ts";
import { dynamodbSentCharges } from "../../lib/adapters/dynamodb-sent-charges.ts";
import { hideMessages } from "../../lib/adapters/sqs-queues.ts";
import type { Reconciler } from "../../lib/ports.ts";
import { workerOf, workerParts } from "./worker-parts.ts";

/** What a function that reconciles is built of, once, at start, and what one invocation of it works with. */
export const reconciliationParts = (functionName: string) => {
  const parts = workerParts(functionName);
  const { dynamodb, settings, sqs, log } = parts;
  const reconcilerOf = async (context: Context): Promise<Reconciler> => ({
    ...workerOf(parts, await parts.gateways(), context),
    wake: (receiptHandle) =>
      hideMessages(sqs, settings.queueUrls["unknown-outcomes"], [{ receiptHandle, delayMs: 0 }], log),
    sentCharges: dynamodbSentCharges(dynamodb, settings.ledgerTable),
    retries: dynamodbRetries(dynamodb, settings.ledgerTable),
    book: dynamodbReconciliation(dynamodb, settings.ledgerTable),
    spills: diskSpills(tmpdir()),
  });
  return { settings, sqs, log, reconcilerOf };
};
