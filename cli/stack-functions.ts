import type { StackFunction } from "../infra/local/stack.ts";
import { type Policy, retriesLater } from "../lib/core/policy.ts";

/** How a run's functions are cut: how many processes, how large their batches, how long one may take. */
export type StackFunctions = {
  readonly functions: readonly StackFunction[];
  /** charges that one process submits at a time */
  readonly concurrencyEach: number;
};

/** Two, so that one batch's time-outs do not hold up everything; more cost 70 MB of memory each. */
const submitWorkersMax = 2;
const batchMin = 10;
/** A resolver takes all it can get, so that one feed scan serves an outage's unknowns. */
const resolveBatch = 1_000;
/** What a batch needs beside its charges: receiving, writing, routing, a busy machine. */
const batchOverheadMs = 8_000;
/** What a round of look-ups may take before it has to end. */
const scanMs = 60_000;

/**
 * @param concurrency charges that may be on their way to the gateway at once, over all processes
 */
export const stackFunctions = (
  concurrency: number,
  policy: Policy,
  gatewayTimeoutMs: number,
): StackFunctions => {
  const workers = Math.min(submitWorkersMax, concurrency);
  const concurrencyEach = Math.floor(concurrency / workers);
  const batchSize = Math.max(batchMin, concurrencyEach);
  const worstMs = gatewayTimeoutMs * (policy.resendsMax + 1) + policy.resendDelayMs * policy.resendsMax;
  const rounds = Math.ceil(batchSize / concurrencyEach);
  return {
    concurrencyEach,
    functions: [
      {
        name: "submit-charges",
        queue: "charges",
        batchSize,
        batchingWindowMs: 0,
        timeoutMs: rounds * worstMs + batchOverheadMs,
        workers,
      },
      {
        name: "resolve-unknowns",
        queue: "unknown-outcomes",
        batchSize: resolveBatch,
        batchingWindowMs: 500,
        timeoutMs: scanMs + 2 * worstMs + batchOverheadMs,
        workers: 1,
      },
      // Without a schedule of later attempts the retryable declines are read as a merchant would.
      ...(!retriesLater(policy)
        ? []
        : [
            {
              name: "schedule-retries",
              queue: "retryable-declines" as const,
              batchSize: batchMin,
              batchingWindowMs: 0,
              timeoutMs: scanMs,
              workers: 1,
            },
          ]),
    ],
  };
};
