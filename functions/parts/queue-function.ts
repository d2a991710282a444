import type { Context, SQSBatchResponse, SQSEvent } from "aws-lambda";
import { hideMessages } from "../../lib/adapters/sqs-queues.ts";
import type { ChargeQueueName } from "../../lib/core/queues.ts";
import type { Delivery, DeliveryEnd, Worker } from "../../lib/ports.ts";
import { answerOf, deliveriesOf } from "./batch.ts";
import { type WorkerParts, workerOf, workerParts } from "./worker-parts.ts";

/** What a batch of one queue is worked by. */
export type BatchFlow = (
  deliveries: readonly Delivery[],
  worker: Worker,
) => Promise<ReadonlyMap<string, DeliveryEnd>>;

/**
 * The handler of a function that works one queue. Its adapters are built once, at start; settings that cannot
 * be worked with stop the function there, with every problem named.
 * @param more what this function works with beyond the others
 */
export const queueFunction = (
  functionName: string,
  queue: ChargeQueueName,
  flow: BatchFlow,
  more: (parts: WorkerParts) => Partial<Worker> = () => ({}),
): ((event: SQSEvent, context: Context) => Promise<SQSBatchResponse>) => {
  const parts = workerParts(functionName);
  const { settings, sqs, log } = parts;
  const own = more(parts);
  return async (event, context) => {
    const current = await parts.gateways();
    const worker: Worker = {
      ...workerOf(parts, current, context),
      ...own,
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
