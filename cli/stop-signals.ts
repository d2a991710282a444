import { readFileSync } from "node:fs";
import { identify, isRunning, type ProcessIdentity } from "../infra/local/process-identity.ts";

/** A terminal's Ctrl-C may come a second time through npm: that is still one. */
const sameSignalMs = 500;
const lookEveryMs = 1_000;

export type StopSignals = {
  /** aborted by the first signal */
  readonly stop: AbortSignal;
  /** aborted by the second one: do not wait for anything */
  readonly force: AbortSignal;
  /** what asked for the stop, for people */
  reason(): string;
  close(): void;
};

/**
 * SIGINT, SIGTERM and SIGHUP, and the end of the npm that started this process: npm passes no signal on when it
 * is killed, and a run whose terminal is gone must not go on for ever.
 */
export const watchStopSignals = (): StopSignals => {
  const stop = new AbortController();
  const force = new AbortController();
  let reason = "";
  let firstAt = 0;
  const onStop = (why: string): void => {
    if (!stop.signal.aborted) {
      reason = why;
      firstAt = performance.now();
      stop.abort();
    } else if (performance.now() - firstAt > sameSignalMs) force.abort();
  };
  const names = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const listeners = names.map((name) => [name, () => onStop(name)] as const);
  for (const [name, listener] of listeners) process.on(name, listener);

  const npm = startingNpm();
  const looking =
    npm === undefined
      ? undefined
      : setInterval(() => {
          if (!stop.signal.aborted && !isRunning(npm)) onStop("npm, which started this run, has ended");
        }, lookEveryMs);
  looking?.unref();
  return {
    stop: stop.signal,
    force: force.signal,
    reason: () => reason,
    close() {
      clearInterval(looking);
      for (const [name, listener] of listeners) process.off(name, listener);
    },
  };
};

/** The npm among this process's ancestors; undefined where there is none, and where there is no /proc. */
const startingNpm = (): ProcessIdentity | undefined => {
  if (process.platform !== "linux" || process.env["npm_lifecycle_event"] === undefined) return undefined;
  let pid = process.ppid;
  for (let generation = 0; generation < 6 && pid > 1; generation += 1) {
    try {
      // npm calls itself "npm run …" there, which is also all of its command line.
      const commandLine = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      if (/(^|\/)(npm|npm-cli\.js|npx|npx-cli\.js)( |$)/.test(commandLine)) return identify(pid);
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      pid = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    } catch {
      return undefined;
    }
  }
  return undefined;
};
