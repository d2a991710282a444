import type { Context } from "aws-lambda";
import { sqsWindows } from "../lib/adapters/sqs-windows.ts";
import { planWindows } from "../lib/flows/plan-windows.ts";
import { reconcileDue } from "../lib/flows/reconcile-due.ts";
import { reconciliationParts } from "./parts/reconciliation-parts.ts";

const { settings, sqs, log, reconcilerOf } = reconciliationParts("reconcile");
const windows = settings.windowsUrl === undefined ? undefined : sqsWindows(sqs, settings.windowsUrl);

/**
 * Runs by schedule: puts the windows that are due onto their queue, for `reconcile-window`. Where it knows no such
 * queue it works them itself, until its time is over.
 */
export const handler = async (_event: unknown, context: Context): Promise<object> => {
  try {
    const worker = await reconcilerOf(context);
    return windows === undefined ? await reconcileDue(worker) : await planWindows(worker, windows);
  } finally {
    log.flush();
  }
};
