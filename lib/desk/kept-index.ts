import type { Clock, DeskIndex, WaitingReview } from "../ports.ts";

/** The worklist, kept for a moment: pages, filters and the next page are of one reading. */
export type KeptIndex = {
  /** All that waits, and when it was read. Those who ask at once share a reading. Throws `LedgerUnavailable`. */
  waiting(): Promise<{ readonly rows: readonly WaitingReview[]; readonly atMs: number }>;
  /** The next one is read anew: something was decided. */
  forget(): void;
};

export const keptIndex = (index: DeskIndex, clock: Pick<Clock, "nowMs">, keptMs: number): KeptIndex => {
  let last: { readonly atMs: number; readonly rows: Promise<readonly WaitingReview[]> } | undefined;
  return {
    async waiting() {
      const nowMs = clock.nowMs();
      if (last === undefined || nowMs - last.atMs >= keptMs || nowMs < last.atMs)
        last = { atMs: nowMs, rows: index.waiting() };
      const mine = last;
      try {
        return { rows: await mine.rows, atMs: mine.atMs };
      } catch (error) {
        // A reading that failed is nobody's.
        if (last === mine) last = undefined;
        throw error;
      }
    },
    forget() {
      last = undefined;
    },
  };
};
