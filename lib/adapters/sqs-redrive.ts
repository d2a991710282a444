import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import type { HeldMessage, RedriveQueue } from "../ports.ts";
import { CallFailed, withDeadline } from "./deadline.ts";

/** A queue did not answer in time; what was asked may have been done, and doing it again is harmless. */
export class RedriveUnavailable extends CallFailed {
  override readonly name = "RedriveUnavailable";
}

/** Carries when a message was first sent: SQS would count its age anew. */
const firstSentAttribute = "first-sent-at";
const batchMax = 10;
/** A dry run over ten thousand messages is through by then. */
const hiddenSeconds = 900;

/** Messages of one SQS queue on their way to another. */
export const sqsRedrive = (
  client: Pick<SQSClient, "send">,
  urls: { readonly from: string; readonly to: string },
  deadlineMs = 10_000,
): RedriveQueue => {
  const call = <T>(what: string, run: (abortSignal: AbortSignal) => Promise<T>): Promise<T> =>
    withDeadline(deadlineMs, run, (message) => new RedriveUnavailable(`${what}: ${message}`));
  return {
    async receive() {
      const { Messages: messages = [] } = await call("receive", (abortSignal) =>
        client.send(
          new ReceiveMessageCommand({
            QueueUrl: urls.from,
            MaxNumberOfMessages: batchMax,
            VisibilityTimeout: hiddenSeconds,
            WaitTimeSeconds: 1,
            MessageSystemAttributeNames: ["SentTimestamp"],
            MessageAttributeNames: [firstSentAttribute],
          }),
          { abortSignal },
        ),
      );
      return messages.map((message): HeldMessage => {
        const first = message.MessageAttributes?.[firstSentAttribute]?.StringValue;
        return {
          messageId: message.MessageId ?? "",
          body: message.Body ?? "",
          receipt: message.ReceiptHandle ?? "",
          firstSentAtMs: Number(first ?? message.Attributes?.SentTimestamp ?? 0),
        };
      });
    },
    async putBack({ receipt, firstSentAtMs }, body) {
      await call("send", (abortSignal) =>
        client.send(
          new SendMessageCommand({
            QueueUrl: urls.to,
            MessageBody: body,
            MessageAttributes: {
              [firstSentAttribute]: { DataType: "Number", StringValue: String(firstSentAtMs) },
            },
          }),
          { abortSignal },
        ),
      );
      await call("delete", (abortSignal) =>
        client.send(new DeleteMessageCommand({ QueueUrl: urls.from, ReceiptHandle: receipt }), {
          abortSignal,
        }),
      );
    },
    async giveBack(messages) {
      for (let from = 0; from < messages.length; from += batchMax)
        await call("give back", (abortSignal) =>
          client.send(
            new ChangeMessageVisibilityBatchCommand({
              QueueUrl: urls.from,
              Entries: messages.slice(from, from + batchMax).map(({ receipt }, index) => ({
                Id: String(index),
                ReceiptHandle: receipt,
                VisibilityTimeout: 0,
              })),
            }),
            { abortSignal },
          ),
        ).catch(() => {});
    },
  };
};
