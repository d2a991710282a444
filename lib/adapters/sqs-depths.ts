import { GetQueueAttributesCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { deadLetterNameOf, isConsumed, QUEUES, type QueueName } from "../core/queues.ts";
import type { QueueDepth } from "../ports.ts";

const deadlineMs = 5_000;

/** The depth of every queue of a stack and of its dead-letter queues. A queue that cannot be asked stands there without. */
export const readQueueDepths = (
  sqs: Pick<SQSClient, "send">,
  urlOf: (queue: QueueName) => string | undefined,
): Promise<readonly QueueDepth[]> =>
  Promise.all(
    QUEUES.flatMap((queue) => {
      const url = urlOf(queue.name);
      return [
        depthOf(sqs, queue.name, url),
        ...(isConsumed(queue)
          ? [depthOf(sqs, deadLetterNameOf(queue.name), url === undefined ? url : deadLetterNameOf(url))]
          : []),
      ];
    }),
  );

const depthOf = async (
  sqs: Pick<SQSClient, "send">,
  queue: string,
  url: string | undefined,
): Promise<QueueDepth> => {
  if (url === undefined) return { queue };
  try {
    const { Attributes = {} } = await sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl: url,
        AttributeNames: [
          "ApproximateNumberOfMessages",
          "ApproximateNumberOfMessagesNotVisible",
          "ApproximateNumberOfMessagesDelayed",
        ],
      }),
      { abortSignal: AbortSignal.timeout(deadlineMs) },
    );
    const count = (name: keyof typeof Attributes): number => Number(Attributes[name] ?? 0);
    return {
      queue,
      visible: count("ApproximateNumberOfMessages"),
      hidden: count("ApproximateNumberOfMessagesNotVisible") + count("ApproximateNumberOfMessagesDelayed"),
    };
  } catch {
    return { queue };
  }
};
