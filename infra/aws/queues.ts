import { Duration, RemovalPolicy, Validations } from "aws-cdk-lib";
import { Queue, QueueEncryption, type QueueProps } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import { deadLetterNameOf, isConsumed, QUEUES, type QueueName } from "../../lib/core/queues.ts";
import { MAX_RECEIVE_COUNT, MESSAGE_RETENTION_SECONDS, RECEIVE_WAIT_SECONDS } from "../queue-limits.ts";

export type StackQueue = { readonly queue: Queue; readonly deadLetters?: Queue };
export type StackQueues = Readonly<Record<QueueName, StackQueue>>;

export type QueuesProps = {
  readonly prefix: string;
  /** how long a received message stays hidden; `undefined` where no function works the queue */
  visibilityOf(queueName: QueueName): Duration | undefined;
};

/**
 * Every queue of the list, and a dead-letter queue for each that a function works. None is ever removed with
 * the stack: what is on them is money.
 */
export const stackQueues = (scope: Construct, { prefix, visibilityOf }: QueuesProps): StackQueues =>
  Object.fromEntries(
    QUEUES.map((listed) => {
      const name = `${prefix}${listed.name}`;
      if (!isConsumed(listed)) {
        const queue = make(scope, listed.name, name);
        Validations.of(queue).acknowledge({
          id: "AwsSolutions-SQS3",
          reason:
            "The merchant reads it, so when a message is given up is the merchant's to say; its age is alarmed.",
        });
        return [listed.name, { queue }];
      }
      const deadLetters = make(scope, deadLetterNameOf(listed.name), deadLetterNameOf(name));
      const visibilityTimeout = visibilityOf(listed.name);
      const queue = make(scope, listed.name, name, {
        deadLetterQueue: { queue: deadLetters, maxReceiveCount: MAX_RECEIVE_COUNT },
        ...(visibilityTimeout && { visibilityTimeout }),
      });
      return [listed.name, { queue, deadLetters }];
    }),
  ) as Record<QueueName, StackQueue>;

const make = (scope: Construct, id: string, queueName: string, props: QueueProps = {}): Queue =>
  new Queue(scope, id, {
    queueName,
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: Duration.seconds(MESSAGE_RETENTION_SECONDS),
    receiveMessageWaitTime: Duration.seconds(RECEIVE_WAIT_SECONDS),
    removalPolicy: RemovalPolicy.RETAIN,
    ...props,
  });
