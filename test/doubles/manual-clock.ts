import type { Clock } from "../../lib/ports.ts";

export type ManualClock = Clock & {
  /** Moves time on; who sleeps until then wakes late. */
  advance(ms: number): void;
  /** Moves time to this moment; back, too: a clock may be wrong. */
  set(nowMs: number): void;
  /** The same time seen by a worker whose clock is wrong by so much. */
  skewed(byMs: number): Clock;
};

type Sleeper = { readonly atMs: number; readonly wake: () => void };

/**
 * Virtual time. Nothing is waited for: once everybody sleeps or waits for a sleeper, the clock jumps to the
 * next moment at which one wakes, so that sleeps side by side overlap as they would in real time. It knows
 * that nobody has anything to do by letting all microtasks run, so what it is used with must not do real I/O.
 */
export const manualClock = (startMs = Date.UTC(2026, 10, 22, 12)): ManualClock => {
  let nowMs = startMs;
  let stepping = false;
  /** soonest first; of one moment, who slept first */
  const sleepers: Sleeper[] = [];

  const add = (sleeper: Sleeper): void => {
    let [from, to] = [0, sleepers.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((sleepers[middle]?.atMs ?? 0) <= sleeper.atMs) from = middle + 1;
      else to = middle;
    }
    sleepers.splice(from, 0, sleeper);
  };

  const wakeNext = (): void => {
    const next = sleepers.shift();
    if (next === undefined) return;
    nowMs = Math.max(nowMs, next.atMs);
    next.wake();
  };

  const step = (): void => {
    if (stepping) return;
    stepping = true;
    setImmediate(() => {
      stepping = false;
      wakeNext();
      if (sleepers.length > 0) step();
    });
  };

  const clock: ManualClock = {
    nowMs: () => nowMs,
    sleep: (ms) =>
      new Promise((wake) => {
        add({ atMs: nowMs + Math.max(0, ms), wake });
        step();
      }),
    advance(ms) {
      nowMs += ms;
    },
    set(toMs) {
      nowMs = toMs;
    },
    skewed: (byMs) => ({ nowMs: () => nowMs + byMs, sleep: clock.sleep }),
  };
  return clock;
};
