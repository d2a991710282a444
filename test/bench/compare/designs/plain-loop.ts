import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import { type ChargeMessage, chargeByFetch } from "./gateway-call.ts";
import { keepOutcome } from "./outcome-row.ts";

/** One charge after the other, try and catch around each, and an outcome row. Nothing stops a repeat. */
export const handler = async (event: SQSEvent): Promise<SQSBatchResponse> => {
  const batchItemFailures: { itemIdentifier: string }[] = [];
  for (const { body, messageId } of event.Records) {
    try {
      const message = JSON.parse(body) as ChargeMessage;
      await keepOutcome(message, await chargeByFetch(message));
    } catch {
      batchItemFailures.push({ itemIdentifier: messageId });
    }
  }
  return { batchItemFailures };
};
