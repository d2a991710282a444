import { ThreadsPoolWorker } from "vitest/node";

/** A thread learns more with each run (listeners, modules); a new one is cheap beside so many runs. */
const runsMax = 50;

/** The threads of one vitest, of which the last is kept for the next run: to start one takes longer than most tests. */
export const keptThreads = () => {
  let kept;
  return {
    name: "kept-threads",
    createPoolWorker: (options) =>
      new (class extends ThreadsPoolWorker {
        name = "kept-threads";
        #listeners = new Set();
        #runs = 0;

        async start() {
          if (kept === undefined) return super.start();
          this._thread = kept.thread;
          this.#runs = kept.runs;
          kept = undefined;
        }

        on(event, listener) {
          if (event === "message") this.#listeners.add(listener);
          super.on(event, listener);
        }

        off(event, listener) {
          this.#listeners.delete(listener);
          if (this._thread !== undefined) super.off(event, listener);
        }

        send(message) {
          if (message.type !== "stop") return super.send(message);
          // Only said, not done.
          queueMicrotask(() => {
            for (const listener of [...this.#listeners])
              listener({ type: "stopped", __vitest_worker_response__: true });
          });
        }

        async stop() {
          this.#runs += 1;
          if (this.#runs >= runsMax || kept !== undefined) return super.stop();
          for (const listener of this.#listeners) super.off("message", listener);
          kept = { thread: this.thread, runs: this.#runs };
          this._thread = undefined;
        }
      })(options),
  };
};
