/** Items by an order of theirs: the first one is at hand. */
export type Heap<T> = {
  first(): T | undefined;
  push(item: T): void;
  pop(): T | undefined;
};

/** What is to happen at a moment; of two at one moment the one of the lower order. */
type Timed = { readonly atMs: number; readonly order: number };

// Not handed to the heap: it is asked a million times a second, and a function that is handed over is not inlined.
const before = (a: Timed, b: Timed): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

/** A binary heap. */
export const heapOf = <T extends Timed>(): Heap<T> => {
  const items: T[] = [];
  return {
    first: () => items[0],
    push(item) {
      let at = items.push(item) - 1;
      while (at > 0) {
        const parent = (at - 1) >> 1;
        const above = items[parent] as T;
        if (!before(item, above)) break;
        items[at] = above;
        at = parent;
      }
      items[at] = item;
    },
    pop() {
      const first = items[0];
      const last = items.pop();
      if (first === undefined || last === undefined || items.length === 0) return first;
      let at = 0;
      for (;;) {
        let child = 2 * at + 1;
        if (child >= items.length) break;
        if (child + 1 < items.length && before(items[child + 1] as T, items[child] as T)) child += 1;
        if (!before(items[child] as T, last)) break;
        items[at] = items[child] as T;
        at = child;
      }
      items[at] = last;
      return first;
    },
  };
};
