import type { FunctionThread } from "../infra/local/function-thread.ts";

/** How often what is due is looked for: the waits of a run here are short ones. */
const everyMs = 500;

/** Calls `release-retries` again and again, as its schedule would, one call at a time. */
export const startReleaser = (thread: FunctionThread): { stop(): Promise<void> } => {
  let stopping = false;
  let running: Promise<unknown> = Promise.resolve();
  let busy = false;
  const timer = setInterval(() => {
    if (busy || stopping) return;
    busy = true;
    running = thread
      .invoke({})
      // What failed is due still.
      .catch(() => {})
      .finally(() => {
        busy = false;
      });
  }, everyMs);
  return {
    async stop() {
      stopping = true;
      clearInterval(timer);
      await running;
      await thread.stop();
    },
  };
};
