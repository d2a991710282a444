import { DeleteMessageBatchCommand, ReceiveMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { CHARGE_QUEUES, type QueueName } from "../../lib/core/queues.ts";
import type { RouteMessage } from "../../lib/core/route-message.ts";

export type Outcomes = {
  /** what a consumer was told of a charge: each message id once, and how often it came in all */
  toldOf(chargeId: string): readonly RouteMessage[];
  messages(): number;
  stop(): Promise<void>;
};

const queues = CHARGE_QUEUES.map(({ name }) => name).filter(
  (name) => name !== "charges" && name !== "unknown-outcomes",
);

/** Takes everything off the outcome queues, and drops repeats by their id as a merchant's consumer does. */
export const collectOutcomes = (sqs: SQSClient, urlOf: (queue: QueueName) => string): Outcomes => {
  const told = new Map<string, Map<string, RouteMessage>>();
  let messages = 0;
  let stopping = false;

  const keep = (message: RouteMessage): void => {
    messages += 1;
    const chargeId = message.chargeId ?? message.id;
    const ids = told.get(chargeId) ?? new Map<string, RouteMessage>();
    told.set(chargeId, ids.set(message.id, message));
  };
  const drain = async (queue: QueueName): Promise<void> => {
    const QueueUrl = urlOf(queue);
    // One more look after `stop`: what was accepted before it is there by then.
    for (let last = false; !last; ) {
      last = stopping;
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: last ? 0 : 1 }),
        { abortSignal: AbortSignal.timeout(20_000) },
      );
      if (Messages.length === 0) continue;
      last = false;
      for (const { Body = "" } of Messages) keep(JSON.parse(Body) as RouteMessage);
      await sqs.send(
        new DeleteMessageBatchCommand({
          QueueUrl,
          Entries: Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle })),
        }),
        { abortSignal: AbortSignal.timeout(10_000) },
      );
    }
  };
  const draining = Promise.all(queues.map(drain));
  draining.catch(() => {});
  return {
    toldOf: (chargeId) => [...(told.get(chargeId)?.values() ?? [])],
    messages: () => messages,
    async stop() {
      stopping = true;
      await draining;
    },
  };
};
