import type { GatewayName } from "../core/charge.ts";
import type { FeedWindow } from "../core/feed.ts";
import type { LedgerSide } from "../core/sides.ts";
import type { SentBatch, SentCharges, SentOrder } from "../ports.ts";

/** The charges of a stretch of time, read as far as a feed has come, so that both sides meet in the memory. */
export type LedgerStream = {
  /** Reads on until the charges of this moment have come; the first call says in which order. */
  advance(atMs: number, order: SentOrder): Promise<void>;
  /** Reads what is left. */
  rest(): Promise<void>;
  entries(): number;
  /** entries of a version that is not known here */
  unreadable(): number;
};

/**
 * @param add told of each charge
 * @param check called between reads; it may throw
 */
export const ledgerStream = (
  charges: SentCharges,
  gateway: GatewayName,
  window: FeedWindow,
  add: (side: LedgerSide) => void,
  check: () => void,
): LedgerStream => {
  let order: SentOrder = "oldestFirst";
  let batches: AsyncIterator<SentBatch> | undefined;
  let [entries, unreadable] = [0, 0];
  let reachedMs: number | undefined;
  let isOver = false;

  const next = async (): Promise<void> => {
    check();
    batches ??= charges.read(gateway, window, order)[Symbol.asyncIterator]();
    const { value, done } = await batches.next();
    if (done === true) {
      isOver = true;
      return;
    }
    entries += value.sides.length;
    unreadable += value.unreadable;
    for (const side of value.sides) add(side);
    reachedMs = value.sides.at(-1)?.firstSentAtMs ?? reachedMs;
  };

  const isBehind = (atMs: number): boolean =>
    reachedMs === undefined || (order === "newestFirst" ? reachedMs >= atMs : reachedMs <= atMs);

  return {
    async advance(atMs, wanted) {
      if (batches === undefined) order = wanted;
      while (!isOver && isBehind(atMs)) await next();
    },
    async rest() {
      while (!isOver) await next();
    },
    entries: () => entries,
    unreadable: () => unreadable,
  };
};
