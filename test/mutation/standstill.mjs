import { performance } from "node:perf_hooks";
import { Worker } from "node:worker_threads";

/** Whoever is waited for will never come. */
export class Standstill extends Error {}

/**
 * Rejects when nothing has happened for so long: a loaded machine is slow, but does not stand still. Tells when too
 * much has.
 * @param busyMs of the processor's time; 0 where there is no too much
 */
export function watchStandstill(maxMs, busyMs, tellBusy) {
  allowBusy(busyMs);
  const used = process.cpuUsage();
  const { promise, reject } = Promise.withResolvers();
  promise.catch(() => {});
  let stillMs = 0;
  let before = performance.eventLoopUtilization();
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization();
    const { idle, utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    stillMs = utilization < 0.05 ? stillMs + idle : 0;
    const { user, system } = process.cpuUsage(used);
    if (busyMs > 0 && (user + system) / 1_000 > busyMs) tellBusy();
    if (stillMs > maxMs) reject(new Standstill("waits for what never comes"));
  }, 100);
  return {
    stands: promise,
    stop() {
      clearInterval(timer);
      allowBusy(0);
    },
  };
}

/**
 * A loop that never ends and never meets the mutant is not stopped by counting, and lets no timer run. Another thread
 * sees that this one's heart does not beat while the processor works, and ends what runs: who waits for it stands still
 * then. (Node's own check that what was begun is ended has to be off for it: `--no-force-async-hooks-checks`.)
 */
const heart = new Int32Array(new SharedArrayBuffer(8));
setInterval(() => Atomics.add(heart, 0, 1), 100).unref();
/** @param busyMs of the processor's time between two beats; 0 while nothing is tried */
const allowBusy = (busyMs) => Atomics.store(heart, 1, Math.ceil(busyMs));
new Worker(
  `
  const { workerData: heart } = require("node:worker_threads");
  const { Session } = require("node:inspector");
  // Not connected for longer than that: a process waits for its debuggers before it ends.
  const end = () => {
    const session = new Session();
    session.connectToMainThread();
    session.post("Runtime.terminateExecution", () => session.disconnect());
  };
  let beat = -1;
  let used = process.cpuUsage();
  setInterval(() => {
    const now = Atomics.load(heart, 0);
    const busyMs = Atomics.load(heart, 1);
    const { user, system } = process.cpuUsage(used);
    if (now === beat && busyMs > 0 && (user + system) / 1_000 > busyMs) end();
    else if (now === beat) return;
    beat = now;
    used = process.cpuUsage();
  }, 200);
  `,
  { eval: true, workerData: heart },
).unref();
