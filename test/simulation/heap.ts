/** Items by an order of theirs: the first one is at hand. */
export type Heap<T> = {
  first(): T | undefined;
  push(item: T): void;
  pop(): T | undefined;
};

/** What is to happen at a moment; of two at one moment the one of the lower order. Neither changes. */
type Timed = { readonly atMs: number; readonly order: number };

/**
 * A binary heap. Moments and orders stand in lists of their own: to compare two items is what it does most, by far, and
 * items lie all over the memory.
 */
export const heapOf = <T extends Timed>(): Heap<T> => {
  const items: T[] = [];
  const moments: number[] = [];
  const orders: number[] = [];
  const put = (at: number, item: T, atMs: number, order: number): void => {
    items[at] = item;
    moments[at] = atMs;
    orders[at] = order;
  };
  /** Whether the item at a place comes before what is said. */
  const isBefore = (at: number, atMs: number, order: number): boolean => {
    const moment = moments[at] as number;
    return moment < atMs || (moment === atMs && (orders[at] as number) < order);
  };
  const move = (from: number, to: number): void =>
    put(to, items[from] as T, moments[from] as number, orders[from] as number);
  return {
    first: () => items[0],
    push(item) {
      const { atMs, order } = item;
      let at = items.length;
      while (at > 0) {
        const parent = (at - 1) >> 1;
        // Of two alike the one that was there stays above.
        if (isBefore(parent, atMs, order) || (moments[parent] === atMs && orders[parent] === order)) break;
        move(parent, at);
        at = parent;
      }
      put(at, item, atMs, order);
    },
    pop() {
      const first = items[0];
      const last = items.pop();
      const atMs = moments.pop();
      const order = orders.pop();
      if (last === undefined || atMs === undefined || order === undefined || items.length === 0) return first;
      let at = 0;
      for (;;) {
        let child = 2 * at + 1;
        if (child >= items.length) break;
        if (
          child + 1 < items.length &&
          isBefore(child + 1, moments[child] as number, orders[child] as number)
        )
          child += 1;
        if (!isBefore(child, atMs, order)) break;
        move(child, at);
        at = child;
      }
      put(at, last, atMs, order);
      return first;
    },
  };
};
