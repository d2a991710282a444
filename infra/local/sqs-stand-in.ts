import { type ChildProcess, fork } from "node:child_process";
import { childModule } from "./child-module.ts";
import { type StandIn, StandInUnavailable } from "./stand-in.ts";
import { Tail } from "./tail.ts";

const START_DEADLINE_MS = 30_000;
const CLOSE_DEADLINE_MS = 3_000;

/**
 * Starts an SQS stand-in (fauxqs) on a free port of 127.0.0.1: in memory, or, with a folder, written through
 * to SQLite there, so that messages, delays and visibility time-outs survive a kill.
 *
 * It runs in a process of its own, which ends when this one does, however that ends. In this process it would
 * cost less memory, but each persistent message costs a synchronous fsync that would stall every poll and
 * the progress display. Throws `StandInUnavailable` when it does not start.
 */
export async function startSqsStandIn(options: { folder?: string | undefined } = {}): Promise<StandIn> {
  const stderr = new Tail();
  const child = fork(childModule("sqs-server"), options.folder === undefined ? [] : [options.folder], {
    // Most of its memory would be garbage of requests: 90 instead of 134 MB under load, as fast.
    execArgv: ["--max-semi-space-size=1", "--heap-growing-percent=20"],
    // A session of its own: Ctrl-C in the terminal must reach the owner alone, which then closes in order.
    detached: true,
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  child.stderr?.on("data", (chunk: Buffer) => stderr.add(chunk));
  const ended = new Promise<string>((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(`exit ${signal ?? code}; ${stderr.text()}`));
  });

  let closing = false;
  const endpoint = await said(child, ended);
  return {
    endpoint,
    pid: child.pid ?? null,
    brokeDown: new Promise((resolve) => {
      void ended.then((how) => {
        if (!closing) resolve(`the SQS stand-in ended: ${how}`);
      });
    }),
    async close() {
      if (!closing) {
        closing = true;
        if (child.connected) child.send("close", () => {});
      }
      const force = setTimeout(() => child.kill("SIGKILL"), CLOSE_DEADLINE_MS);
      await ended;
      clearTimeout(force);
    },
  };
}

async function said(child: ChildProcess, ended: Promise<string>): Promise<string> {
  const deadline = setTimeout(() => child.kill("SIGKILL"), START_DEADLINE_MS);
  const answer = await Promise.race([
    new Promise<{ endpoint: string }>((resolve) => {
      child.once("message", (message) => resolve(message as { endpoint: string }));
    }),
    ended,
  ]);
  clearTimeout(deadline);
  if (typeof answer !== "string") return answer.endpoint;
  throw new StandInUnavailable(
    `the SQS stand-in (fauxqs, Node 22.5 or newer) did not start: ${answer.trim()}`,
  );
}
