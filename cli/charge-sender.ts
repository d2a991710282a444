import { SendMessageBatchCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { fairGroupOf } from "../lib/gateways/fair-group.ts";

/** SQS takes ten messages a request, and 256 KiB in all. */
const batchMax = 10;
const batchBytesMax = 262_144;
const callDeadlineMs = 10_000;
const pauseMs = 100;
const pauseMaxMs = 5_000;

/** The queue would not take messages however often it was asked. What it took stays there. */
export class QueueRefuses extends Error {
  override readonly name = "QueueRefuses";
}

/** Splits messages into batches that SQS takes, in their order. */
export const batchesOf = <T extends { readonly body: string }>(messages: readonly T[]): T[][] => {
  const batches: T[][] = [];
  let bytes = 0;
  for (const message of messages) {
    const size = Buffer.byteLength(message.body);
    const last = batches.at(-1);
    if (last === undefined || last.length === batchMax || bytes + size > batchBytesMax) {
      batches.push([message]);
      bytes = size;
    } else {
      last.push(message);
      bytes += size;
    }
  }
  return batches;
};

const sendOnce = async (
  sqs: SQSClient,
  queueUrl: string,
  bodies: readonly string[],
  grouped: boolean,
  delayMs: number,
): Promise<readonly string[]> => {
  const answer = await sqs.send(
    new SendMessageBatchCommand({
      QueueUrl: queueUrl,
      Entries: bodies.map((body, index) => {
        const group = grouped ? fairGroupOf(body) : undefined;
        return {
          Id: String(index),
          MessageBody: body,
          ...(group === undefined ? {} : { MessageGroupId: group }),
          ...(delayMs === 0 ? {} : { DelaySeconds: Math.ceil(delayMs / 1_000) }),
        };
      }),
    }),
    { abortSignal: AbortSignal.timeout(callDeadlineMs) },
  );
  const taken = new Set((answer.Successful ?? []).map(({ Id }) => Id));
  return bodies.filter((_, index) => !taken.has(String(index)));
};

/** What Node says of a connection has no other name than its code. */
const nameOf = (error: NodeJS.ErrnoException): string => error.code ?? error.name;

/**
 * Sends a batch and resolves when the queue has every message; what it refuses entry by entry, and a request
 * that fails, is sent again after rising pauses. A message that is sent twice is harmless: the ledger knows it.
 * Each account's charges are a group of their own, which no other account's flood holds up; an endpoint that
 * knows no groups on a standard queue gets them without. Throws `QueueRefuses` after `giveUpAfterMs`.
 */
export const sendBatch = async (
  sqs: SQSClient,
  queueUrl: string,
  bodies: readonly string[],
  {
    giveUpAfterMs = 60_000,
    delayMs = 0,
  }: { readonly giveUpAfterMs?: number; readonly delayMs?: number } = {},
): Promise<void> => {
  const giveUpAt = performance.now() + giveUpAfterMs;
  let left = bodies;
  for (let round = 0; left.length > 0; round += 1) {
    if (round > 0)
      await new Promise((resolve) => setTimeout(resolve, Math.min(pauseMs * 2 ** (round - 1), pauseMaxMs)));
    let why = "some messages of a batch are refused";
    try {
      left = await sendOnce(sqs, queueUrl, left, round === 0, delayMs);
    } catch (error) {
      why = error instanceof Error ? nameOf(error) : "no answer";
    }
    if (left.length > 0 && performance.now() > giveUpAt)
      throw new QueueRefuses(`the charges queue takes no messages: ${why}`);
  }
};
