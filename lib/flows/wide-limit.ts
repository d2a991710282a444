import type { Limit } from "../ports.ts";

/** A limit whose width can be changed: it is heeded whenever a task comes or ends. What is running runs on. */
export type WideLimit = Limit & { concurrency: number };

/**
 * Runs so many tasks at a time, in the order in which they came, and at once where there is room. A task that fails
 * gives its place back as one that ends does.
 * @param width at the start; a whole number from 1 up, as every later one
 */
export const wideLimit = (width: number): WideLimit => {
  let running = 0;
  const waiting: (() => void)[] = [];
  const ended = (): void => {
    running -= 1;
    while (running < limit.concurrency) {
      const start = waiting.shift();
      if (start === undefined) return;
      start();
    }
  };
  const begin = <T>(task: () => Promise<T>): Promise<T> => {
    running += 1;
    const run = task();
    run.then(ended, ended);
    return run;
  };
  const come: Limit = (task) =>
    running < limit.concurrency
      ? begin(task)
      : new Promise((resolve) => {
          waiting.push(() => resolve(begin(task)));
        });
  const limit = Object.assign(come, { concurrency: width });
  return limit;
};
