type Due = { readonly atMs: number; readonly order: number; readonly act: () => void };

/** Virtual time: acts in the order of their moments, and of their making where two moments are one. */
export type Schedule = {
  nowMs(): number;
  /** runs `act` after `ms` of virtual time */
  after(ms: number, act: () => void): void;
  sleep(ms: number): Promise<void>;
  /** takes the next act, unless it lies beyond `untilMs` */
  step(untilMs: number): boolean;
};

export const scheduleFrom = (startMs: number): Schedule => {
  let now = startMs;
  let made = 0;
  // A binary heap: the earliest act is at 0.
  const heap: Due[] = [];
  const before = (a: Due, b: Due): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
  const push = (due: Due): void => {
    let at = heap.push(due) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Due;
      if (!before(due, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = due;
  };
  const pop = (): Due | undefined => {
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Due, heap[child] as Due)) child += 1;
      if (!before(heap[child] as Due, last)) break;
      heap[at] = heap[child] as Due;
      at = child;
    }
    heap[at] = last;
    return first;
  };
  const after = (ms: number, act: () => void): void => {
    made += 1;
    push({ atMs: now + Math.max(0, ms), order: made, act });
  };
  return {
    nowMs: () => now,
    after,
    sleep: (ms) => new Promise((resolve) => after(ms, resolve)),
    step(untilMs) {
      const next = heap[0];
      if (next === undefined || next.atMs > untilMs) return false;
      pop();
      now = next.atMs;
      next.act();
      return true;
    },
  };
};
