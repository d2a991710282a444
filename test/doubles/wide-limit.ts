import type { WideLimit } from "../../lib/flows/gateway-pace.ts";

/**
 * Stands for p-limit in the simulator, where it would be a tenth of all promises: runs so many tasks at a time, in the
 * order in which they came. A task that fails gives its place back as one that ends does.
 * @param width at the start; a whole number from 1 up, as every later one
 */
export const wideLimit = (width: number): WideLimit => {
  let [most, running] = [width, 0];
  const waiting: (() => void)[] = [];
  const fill = (): void => {
    while (running < most) {
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
    running < most
      ? begin(task)
      : new Promise((resolve) => {
          waiting.push(() => resolve(begin(task)));
        });
  return Object.defineProperty(come, "concurrency", {
    get: () => most,
    set(wider: number) {
      most = wider;
      fill();
    },
  }) as WideLimit;
};
