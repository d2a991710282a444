import { Duration } from "aws-cdk-lib";
import { EventSourceMapping } from "aws-cdk-lib/aws-lambda";
import type { Construct } from "constructs";
import type { QueueName } from "../../lib/core/queues.ts";
import {
  type Durations,
  FUNCTIONS,
  type FunctionRow,
  isAtWork,
  queueWorkedBy,
  workerOf,
} from "../functions.ts";
import { VISIBILITY_TIMEOUTS } from "../queue-limits.ts";
import type { CheckedSettings } from "./function-settings.ts";
import { type StackFunctions, timeoutOf } from "./functions.ts";
import type { ChargeonceProps } from "./props.ts";
import type { StackQueues } from "./queues.ts";

/** How long a message that a function received stays hidden: six of its time-outs, and the wait for its batch. */
export const visibilityOf = (queueName: QueueName, durations: Durations): Duration | undefined => {
  const worker = FUNCTIONS.find(({ name }) => name === workerOf(queueName));
  if (worker === undefined || worker.trigger.kind !== "queue") return undefined;
  return Duration.seconds(
    VISIBILITY_TIMEOUTS * timeoutOf(worker, durations).toSeconds() + worker.trigger.batchingWindowSeconds,
  );
};

/**
 * Each queue function on its queue, with partial batch responses. How many run at once is bounded here and not
 * by reserved concurrency: throttled by that, messages use up their receives without ever having run.
 */
export const eventSources = (
  scope: Construct,
  functions: StackFunctions,
  queues: StackQueues,
  { submittersMax }: ChargeonceProps,
  { durations, atWork }: Pick<CheckedSettings, "durations" | "atWork">,
): void => {
  for (const row of FUNCTIONS) {
    const { name, trigger } = row;
    const listed: FunctionRow = row;
    const target = functions[name];
    if (trigger.kind !== "queue" || target === undefined) continue;
    new EventSourceMapping(scope, `${name}-source`, {
      target,
      eventSourceArn: queues[queueWorkedBy(name)].queue.queueArn,
      batchSize: trigger.batchSize(durations),
      ...(trigger.batchingWindowSeconds > 0 && {
        maxBatchingWindow: Duration.seconds(trigger.batchingWindowSeconds),
      }),
      maxConcurrency: (name === "submit-charges" ? submittersMax : undefined) ?? trigger.invocationsMax,
      reportBatchItemFailures: true,
      // Nothing is taken off a queue that the merchant reads.
      enabled: isAtWork(listed, atWork),
    });
  }
};
