import {
  ChangeMessageVisibilityBatchCommand,
  SendMessageBatchCommand,
  type SendMessageBatchRequestEntry,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { queueJson } from "../core/queue-json.ts";
import type { ChargeQueueName } from "../core/queues.ts";
import type { Log, Queues } from "../ports.ts";
import { CallFailed, withDeadline } from "./deadline.ts";

/** The queue did not say that it took the message; it may have. */
export class QueueUnavailable extends CallFailed {
  override readonly name = "QueueUnavailable";
}

/** SQS takes ten messages a request, and 256 KiB in all (1 MiB since 2025, which not every endpoint knows). */
const batchMax = 10;
const batchBytesMax = 250_000;
const deadlineDefaultMs = 5_000;

type Waiting = {
  readonly body: string;
  readonly bytes: number;
  readonly delaySeconds: number;
  readonly accepted: () => void;
  readonly refused: (error: Error) => void;
};

export type SqsQueuesOptions = {
  readonly client: Pick<SQSClient, "send">;
  readonly urlOf: (queue: ChargeQueueName) => string;
  /** how long a message waits for others to share a request with */
  readonly lingerMs?: number;
  /** how long one request may take, its retries included */
  readonly deadlineMs?: number;
};

/** Outcome queues on SQS. Each message is accepted or refused on its own, whatever its request became. */
export const sqsQueues = ({
  client,
  urlOf,
  lingerMs = 200,
  deadlineMs = deadlineDefaultMs,
}: SqsQueuesOptions): Queues => {
  const waiting = new Map<ChargeQueueName, Waiting[]>();
  const timers = new Map<ChargeQueueName, NodeJS.Timeout>();

  const sendOnce = async (queue: ChargeQueueName, batch: readonly Waiting[]): Promise<readonly Waiting[]> => {
    const answer = await withDeadline(
      deadlineMs,
      (abortSignal) =>
        client.send(
          new SendMessageBatchCommand({
            QueueUrl: urlOf(queue),
            Entries: batch.map(
              ({ body, delaySeconds }, index): SendMessageBatchRequestEntry => ({
                Id: String(index),
                MessageBody: body,
                ...(delaySeconds > 0 ? { DelaySeconds: delaySeconds } : {}),
              }),
            ),
          }),
          { abortSignal },
        ),
      (message) => new QueueUnavailable(`send to ${queue}: ${message}`),
    );
    const taken = new Set((answer.Successful ?? []).map(({ Id }) => Id));
    return batch.filter((message, index) => {
      if (taken.has(String(index))) message.accepted();
      return !taken.has(String(index));
    });
  };

  const send = async (queue: ChargeQueueName, batch: readonly Waiting[]): Promise<void> => {
    let left = batch;
    try {
      left = await sendOnce(queue, left);
      // What a batch refuses by entry is mostly throttling: once more, and then the charge message comes back.
      if (left.length > 0) left = await sendOnce(queue, left);
      for (const message of left) message.refused(new QueueUnavailable(`send to ${queue}: entry refused`));
    } catch (error) {
      for (const message of left) message.refused(error as Error);
    }
  };

  const flush = (queue: ChargeQueueName): void => {
    clearTimeout(timers.get(queue));
    timers.delete(queue);
    const batch = waiting.get(queue) ?? [];
    waiting.delete(queue);
    if (batch.length > 0) void send(queue, batch);
  };

  return {
    send(queue, message, delayMs = 0) {
      // Refused by its queue, a charge that was captured would never be told.
      const body = queueJson(JSON.stringify(message));
      const bytes = Buffer.byteLength(body);
      return new Promise((accepted, refused) => {
        const before = waiting.get(queue) ?? [];
        if (before.length > 0 && before.reduce((sum, one) => sum + one.bytes, bytes) > batchBytesMax)
          flush(queue);
        const batch = waiting.get(queue) ?? [];
        batch.push({ body, bytes, delaySeconds: Math.ceil(delayMs / 1_000), accepted, refused });
        waiting.set(queue, batch);
        if (batch.length >= batchMax) flush(queue);
        else if (!timers.has(queue))
          timers.set(
            queue,
            setTimeout(() => flush(queue), lingerMs),
          );
      });
    },
    flush() {
      for (const queue of [...waiting.keys()]) flush(queue);
    },
  };
};

export type Hidden = { readonly receiptHandle: string; readonly delayMs: number };

/**
 * Hides received messages for so long. Whatever fails here only means that a message comes back at its
 * queue's own visibility time-out instead.
 */
export const hideMessages = async (
  client: Pick<SQSClient, "send">,
  queueUrl: string,
  messages: readonly Hidden[],
  log: Log,
  deadlineMs = deadlineDefaultMs,
): Promise<void> => {
  const batches: Hidden[][] = [];
  for (let from = 0; from < messages.length; from += batchMax)
    batches.push(messages.slice(from, from + batchMax));
  await Promise.all(
    batches.map(async (batch) => {
      try {
        const answer = await withDeadline(
          deadlineMs,
          (abortSignal) =>
            client.send(
              new ChangeMessageVisibilityBatchCommand({
                QueueUrl: queueUrl,
                Entries: batch.map(({ receiptHandle, delayMs }, index) => ({
                  Id: String(index),
                  ReceiptHandle: receiptHandle,
                  VisibilityTimeout: Math.ceil(delayMs / 1_000),
                })),
              }),
              { abortSignal },
            ),
          (message) => new QueueUnavailable(`hide: ${message}`),
        );
        const failed = answer.Failed?.length ?? 0;
        if (failed > 0) log.event("queue_failed", { count: failed, error: "visibility not changed" });
      } catch (error) {
        log.event("queue_failed", { count: batch.length, error: (error as Error).message });
      }
    }),
  );
};
