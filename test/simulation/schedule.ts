import { heapOf } from "./heap.ts";

type Due = { readonly atMs: number; readonly order: number; act: (() => void) | undefined };

/** Something that is to happen. `cancel`: it is not, any more. */
export type Appointment = { cancel(): void };

/** Virtual time: acts in the order of their moments, and of their making where two moments are one. */
export type Schedule = {
  nowMs(): number;
  /** runs `act` after `ms` of virtual time */
  after(ms: number, act: () => void): Appointment;
  sleep(ms: number): Promise<void>;
  /** takes the next act, unless it lies beyond `untilMs` */
  step(untilMs: number): boolean;
};

export const scheduleFrom = (startMs: number): Schedule => {
  let now = startMs;
  let made = 0;
  const due = heapOf<Due>((a, b) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order));
  const after = (ms: number, act: () => void): Appointment => {
    made += 1;
    const item: Due = { atMs: now + Math.max(0, ms), order: made, act };
    due.push(item);
    return {
      cancel() {
        item.act = undefined;
      },
    };
  };
  return {
    nowMs: () => now,
    after,
    sleep: (ms) => new Promise((resolve) => after(ms, resolve)),
    step(untilMs) {
      for (;;) {
        const next = due.first();
        if (next === undefined || next.atMs > untilMs) return false;
        due.pop();
        const { act } = next;
        if (act === undefined) continue;
        now = next.atMs;
        act();
        return true;
      }
    },
  };
};
