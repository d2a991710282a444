import { type Durations, FUNCTIONS, queueWorkedBy } from "../../infra/functions.ts";
import { VISIBILITY_TIMEOUTS } from "../../infra/queue-limits.ts";

/** The queues that the world's workers work. */
export const workedQueues = ["charges", "unknown-outcomes"] as const;
export type WorkedQueue = (typeof workedQueues)[number];

/** How a queue's function runs. */
export type Deployed = {
  /** messages of one invocation */
  readonly batchSize: number;
  readonly batchingWindowMs: number;
  /** processes, each of which works one invocation at a time */
  readonly processes: number;
  readonly timeoutMs: number;
  /** how long a message that was received stays hidden */
  readonly visibilityMs: number;
};

/** What the stack makes of the rows of its functions: numbers of the world's own would prove another worker. */
export const deployedFor = (durations: Durations): Readonly<Record<WorkedQueue, Deployed>> =>
  Object.fromEntries(
    workedQueues.map((queue) => {
      for (const { name, trigger, timeoutMs } of FUNCTIONS) {
        if (trigger.kind !== "queue" || queueWorkedBy(name) !== queue) continue;
        const batchingWindowMs = trigger.batchingWindowSeconds * 1_000;
        const functionMs = timeoutMs(durations);
        return [
          queue,
          {
            batchSize: trigger.batchSize(durations),
            batchingWindowMs,
            processes: trigger.invocationsMax,
            timeoutMs: functionMs,
            visibilityMs: VISIBILITY_TIMEOUTS * functionMs + batchingWindowMs,
          },
        ];
      }
      throw new Error(`no function works ${queue}`);
    }),
  ) as Record<WorkedQueue, Deployed>;
