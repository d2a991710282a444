import {
  type Durations,
  FUNCTIONS,
  timeoutSecondsOf,
  visibilitySecondsOf,
  workerOf,
} from "../../infra/functions.ts";

/** The queues that the world's workers work. */
export type WorkedQueue = "charges" | "unknown-outcomes";

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
export const deployedFor = (durations: Durations): Readonly<Record<WorkedQueue, Deployed>> => {
  const of = (queue: WorkedQueue): Deployed => {
    const row = FUNCTIONS.find(({ name }) => name === workerOf(queue));
    const visibilitySeconds = visibilitySecondsOf(queue, durations);
    if (row?.trigger.kind !== "queue" || visibilitySeconds === undefined)
      throw new Error(`no function works ${queue}`);
    return {
      batchSize: row.trigger.batchSize(durations),
      batchingWindowMs: row.trigger.batchingWindowSeconds * 1_000,
      processes: row.trigger.invocationsMax,
      timeoutMs: timeoutSecondsOf(row, durations) * 1_000,
      visibilityMs: visibilitySeconds * 1_000,
    };
  };
  return { charges: of("charges"), "unknown-outcomes": of("unknown-outcomes") };
};
