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
  visibilitySecondsOf,
} from "../functions.ts";
import type { CheckedSettings } from "./function-settings.ts";
import type { StackFunctions } from "./functions.ts";
import type { ChargeonceProps } from "./props.ts";
import type { StackQueues } from "./queues.ts";

/** How long a message that a function received stays hidden. */
export const visibilityOf = (queueName: QueueName, durations: Durations): Duration | undefined => {
  const seconds = visibilitySecondsOf(queueName, durations);
  return seconds === undefined ? undefined : Duration.seconds(seconds);
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
