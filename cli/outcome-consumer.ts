import {
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import type { RouteMessage } from "../lib/core/route-message.ts";
import { type OutcomeLog, type OutcomeQueue, outcomeQueues, readRouteMessage } from "./outcome-log.ts";
import type { Tally } from "./tally.ts";

/** Short, so that stopping need not abort a poll: an aborted long poll swallows a message. */
const pollSeconds = 1;
/** A message that was received and not deleted (a kill in between) comes back after this. */
const visibilitySeconds = 5;
const callDeadlineMs = 10_000;
const pollDeadlineMs = pollSeconds * 1_000 + callDeadlineMs;
const faultPauseMs = 250;

export type OutcomeConsumer = {
  /** Resolves when the polls that run have ended and everything they brought is written and deleted. */
  stop(): Promise<void>;
};

export type OutcomeConsumerOptions = {
  readonly sqs: SQSClient;
  readonly urlOf: (queue: OutcomeQueue) => string;
  /** that a function of the stack works, and so nobody else reads */
  readonly except?: OutcomeQueue;
  readonly log: OutcomeLog;
  readonly tally: Tally;
  /** told after each batch that held something new */
  readonly onNews: () => void;
};

/**
 * Takes the outcomes off their queues as a merchant's consumer would: write, then delete, and drop what came
 * before (a route may repeat, S8). A queue that does not answer is asked again until `stop`.
 */
export const startOutcomeConsumer = ({
  sqs,
  urlOf,
  except,
  log,
  tally,
  onNews,
}: OutcomeConsumerOptions): OutcomeConsumer => {
  let stopping = false;

  const remove = async (queueUrl: string, messages: readonly Message[]): Promise<void> => {
    try {
      await sqs.send(
        new DeleteMessageBatchCommand({
          QueueUrl: queueUrl,
          Entries: messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle })),
        }),
        { abortSignal: AbortSignal.timeout(callDeadlineMs) },
      );
    } catch {
      // They come again, and are dropped as repeats.
    }
  };

  const keep = (queue: OutcomeQueue, messages: readonly Message[]): void => {
    type Fresh = { readonly text: string; readonly message: RouteMessage | undefined };
    const fresh = messages.flatMap(({ Body = "" }): Fresh[] => {
      const message = readRouteMessage(Body);
      // One line, whatever the text is; a message of ours is JSON on one line.
      if (message === undefined) return [{ text: JSON.stringify(Body), message }];
      return tally.knows(message) ? [] : [{ text: Body, message }];
    });
    if (fresh.length === 0) return;
    const places = log.append(
      queue,
      fresh.map(({ text }) => text),
    );
    for (const [index, { message }] of fresh.entries()) {
      const place = places[index];
      if (message !== undefined && place !== undefined) tally.noteOutcome(message, place);
    }
    onNews();
  };

  const drain = async (queue: OutcomeQueue): Promise<void> => {
    const queueUrl = urlOf(queue);
    let deleting: Promise<void> = Promise.resolve();
    while (!stopping) {
      let messages: readonly Message[];
      try {
        const answer = await sqs.send(
          new ReceiveMessageCommand({
            QueueUrl: queueUrl,
            MaxNumberOfMessages: 10,
            WaitTimeSeconds: pollSeconds,
            VisibilityTimeout: visibilitySeconds,
          }),
          { abortSignal: AbortSignal.timeout(pollDeadlineMs) },
        );
        messages = answer.Messages ?? [];
      } catch {
        await new Promise((resolve) => setTimeout(resolve, faultPauseMs));
        continue;
      }
      if (messages.length === 0) continue;
      keep(queue, messages);
      await deleting;
      deleting = remove(queueUrl, messages);
    }
    await deleting;
  };

  const draining = Promise.all(outcomeQueues.filter((queue) => queue !== except).map(drain));
  // A write that fails (a full disk) must be told, and not be thrown where nobody listens.
  draining.catch(() => {});
  return {
    async stop() {
      stopping = true;
      await draining;
    },
  };
};
