import { heapOf } from "./heap.ts";

/** Said by an act that has woken nobody: no promise was settled, and no asynchronous function began. */
export const still = "still";
/** What is to be done at a moment. */
export type Act = () => unknown;

/** Something that is to happen. `cancel`: it is not, any more. */
export type Appointment = { cancel(): void };

class Due implements Appointment {
  readonly atMs: number;
  readonly order: number;
  act: Act | undefined;

  constructor(atMs: number, order: number, act: Act) {
    this.atMs = atMs;
    this.order = order;
    this.act = act;
  }

  cancel(): void {
    this.act = undefined;
  }
}

/** Virtual time: acts in the order of their moments, and of their making where two moments are one. */
export type Schedule = {
  nowMs(): number;
  /** runs `act` after `ms` of virtual time */
  after(ms: number, act: Act): Appointment;
  sleep(ms: number): Promise<void>;
  /**
   * Takes the next act, unless it lies beyond `untilMs`. `woken`: what waited for it has to run before the next
   * one; after an act that was still there is nothing to run.
   */
  step(untilMs: number): "over" | "woken" | typeof still;
};

export const scheduleFrom = (startMs: number): Schedule => {
  let now = startMs;
  let made = 0;
  const due = heapOf<Due>();
  const after = (ms: number, act: Act): Appointment => {
    made += 1;
    const item = new Due(now + Math.max(0, ms), made, act);
    due.push(item);
    return item;
  };
  return {
    nowMs: () => now,
    after,
    sleep: (ms) => new Promise((resolve) => after(ms, resolve)),
    step(untilMs) {
      for (;;) {
        const next = due.first();
        if (next === undefined || next.atMs > untilMs) return "over";
        due.pop();
        const { act } = next;
        if (act === undefined) continue;
        now = next.atMs;
        return act() === still ? still : "woken";
      }
    },
  };
};
