import {
  ChangeMessageVisibilityBatchCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";

const receiveMax = 10;
const callDeadlineMs = 10_000;
/** Long enough to look through what is there; whoever consumes the queue waits no longer for any of it. */
const hiddenSeconds = 30;
const rounds = 200;

/**
 * Looks for something in the messages that stand on a queue now. They are given back whatever comes of it, and none is
 * deleted.
 */
export const lookThroughQueue = async <T>(
  sqs: Pick<SQSClient, "send">,
  queueUrl: string,
  find: (body: string) => T | undefined,
): Promise<T | undefined> => {
  const seen: Message[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      const { Messages: messages = [] } = await sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: queueUrl,
          MaxNumberOfMessages: receiveMax,
          WaitTimeSeconds: 0,
          VisibilityTimeout: hiddenSeconds,
        }),
        { abortSignal: AbortSignal.timeout(callDeadlineMs) },
      );
      if (messages.length === 0) return undefined;
      seen.push(...messages);
      for (const { Body = "" } of messages) {
        const found = find(Body);
        if (found !== undefined) return found;
      }
    }
    return undefined;
  } finally {
    await giveBack(sqs, queueUrl, seen);
  }
};

const giveBack = async (
  sqs: Pick<SQSClient, "send">,
  queueUrl: string,
  messages: readonly Message[],
): Promise<void> => {
  for (let from = 0; from < messages.length; from += receiveMax)
    await sqs
      .send(
        new ChangeMessageVisibilityBatchCommand({
          QueueUrl: queueUrl,
          Entries: messages.slice(from, from + receiveMax).map(({ ReceiptHandle }, index) => ({
            Id: String(index),
            ReceiptHandle,
            VisibilityTimeout: 0,
          })),
        }),
        { abortSignal: AbortSignal.timeout(callDeadlineMs) },
      )
      // They come back by themselves, half a minute later.
      .catch(() => {});
};
