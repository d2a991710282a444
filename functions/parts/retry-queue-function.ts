import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import type { Delivery, DeliveryEnd, RetryClerk } from "../../lib/ports.ts";
import { answerOf, deliveriesOf } from "./batch.ts";
import { retryParts } from "./retry-parts.ts";

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
