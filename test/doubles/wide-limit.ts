import type { WideLimit } from "../../lib/flows/gateway-pace.ts";

type Filled = { most: number; readonly fill: () => void };

/** The same for all: accessors of each one's own are kept by its hidden class, and with them a world that is over. */
const concurrency = {
  get(this: Filled): number {
    return this.most;
  },
  set(this: Filled, wider: number): void {
    this.most = wider;
    // As p-limit does: whoever sets it goes on first.
    queueMicrotask(this.fill);
  },
};

/**
 * Stands for p-limit in the simulator, where it would be a tenth of all promises: runs so many tasks at a time, in the
 * order in which they came. A task that fails gives its place back as one that ends does.
 * @param width at the start; a whole number from 1 up, as every later one
 */
export const wideLimit = (width: number): WideLimit => {
  let running = 0;
  const waiting: (() => void)[] = [];
  const fill = (): void => {
    while (running < limit.most) {
      const start = waiting.shift();
      if (start === undefined) return;
      start();
    }
  };
  const ended = (): void => {
    running -= 1;
    fill();
  };
  const begin = <T>(task: () => Promise<T>): Promise<T> => {
    running += 1;
    const run = task();
    run.then(ended, ended);
    return run;
  };
  const come = <T>(task: () => Promise<T>): Promise<T> =>
    running < limit.most
      ? begin(task)
      : new Promise((resolve) => {
          waiting.push(() => resolve(begin(task)));
        });
  const limit: Filled = Object.assign(come, { most: width, fill });
  return Object.defineProperty(limit, "concurrency", concurrency) as Filled & WideLimit;
};
