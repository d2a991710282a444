import type { Context, SQSBatchResponse, SQSEvent } from "aws-lambda";
import { workWindowMessages } from "../lib/flows/work-window-messages.ts";
import { deliveriesOf } from "./parts/batch.ts";
import { reconciliationParts } from "./parts/reconciliation-parts.ts";

const { log, reconcilerOf } = reconciliationParts("reconcile-window");

/**
 * Compares ledger and gateway over the window that a message names. A run that fails throws, so that it is counted
 * as the function's error and its message comes again.
 */
export const handler = async (event: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
  try {
    await workWindowMessages(deliveriesOf(event), await reconcilerOf(context));
    return { batchItemFailures: [] };
  } finally {
    log.flush();
  }
};
