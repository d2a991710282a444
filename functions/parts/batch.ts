import type { SQSClient } from "@aws-sdk/client-sqs";
import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import { hideMessages } from "../../lib/adapters/sqs-queues.ts";
import type { Delivery, DeliveryEnd, Log } from "../../lib/ports.ts";

/** The messages of an invocation, as a flow takes them. */
export const deliveriesOf = (event: SQSEvent): readonly Delivery[] =>
  event.Records.map((record) => ({
    messageId: record.messageId,
    body: record.body,
    receives: Number(record.attributes.ApproximateReceiveCount),
    receipt: record.receiptHandle,
  }));

/** Hides what goes back onto its queue, and names it to Lambda. */
export const answerOf = async (
  event: SQSEvent,
  ends: ReadonlyMap<string, DeliveryEnd>,
  {
    sqs,
    queueUrl,
    log,
  }: { readonly sqs: Pick<SQSClient, "send">; readonly queueUrl: string; readonly log: Log },
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
