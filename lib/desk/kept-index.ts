import type { ChargeId } from "../core/charge.ts";
import type { Clock, DeskIndex, WaitingList, WaitingReview } from "../ports.ts";

export type KeptList = WaitingList & {
  /** when it was read; milliseconds since 1970 */
  readonly atMs: number;
};

/** The worklist in memory, so that a page, a filter and the next page are of one reading. */
export type KeptIndex = {
  /**
   * All that waits. What was read a moment ago is given again; what is older is given again, too, and read anew
   * meanwhile; what is too old is waited for. Throws `LedgerUnavailable`.
   */
  waiting(): Promise<KeptList>;
  /**
   * Does what a person waits for: while the list is read it goes before the next page of that. A list that grows old
   * meanwhile is read anew, so that it is at hand when the person comes back to it.
   */
  first<T>(work: () => Promise<T>): Promise<T>;
  /** A charge was decided: the list goes on with what the ledger has of it now, `undefined` where nobody waits. */
  changed(chargeId: ChargeId, row: WaitingReview | undefined): void;
};

/** @param freshMs how long a reading is as good as new; @param keptMs how long it is shown while the next one comes */
export const keptIndex = (
  index: DeskIndex,
  clock: Pick<Clock, "nowMs">,
  freshMs: number,
  keptMs: number,
): KeptIndex => {
  let last: KeptList | undefined;
  let reading: Promise<KeptList> | undefined;
  /** what was decided while the list was read: the index lags a moment behind, and so may this reading */
  let decided: {
    readonly atMs: number;
    readonly chargeId: ChargeId;
    readonly row: WaitingReview | undefined;
  }[] = [];

  const firsts = new Set<Promise<unknown>>();
  /** Waits for what is asked for now, and not for what comes then: so the list gets on, however much is asked. */
  const turn = async (): Promise<void> => {
    if (firsts.size > 0) await Promise.allSettled(firsts);
  };

  const withDecided = (rows: readonly WaitingReview[]): readonly WaitingReview[] => {
    if (decided.length === 0) return rows;
    const now = new Map(decided.map(({ chargeId, row }) => [chargeId, row]));
    return [
      ...rows.filter(({ chargeId }) => !now.has(chargeId)),
      ...[...now.values()].filter((row) => row !== undefined),
    ];
  };

  const read = async (isUnhurried: boolean): Promise<KeptList> => {
    const atMs = clock.nowMs();
    try {
      const { rows, unreadable } = await index.waiting(undefined, { isUnhurried, turn });
      // What was decided well before this reading is in it.
      decided = decided.filter((one) => one.atMs >= atMs - freshMs);
      last = { rows: withDecided(rows), unreadable, atMs };
      return last;
    } finally {
      reading = undefined;
    }
  };

  const ageMs = (): number =>
    last === undefined ? Number.POSITIVE_INFINITY : Math.abs(clock.nowMs() - last.atMs);

  /** Nobody waits for it, so it fails for nobody. */
  const readAnew = (): void => {
    reading ??= read(true);
    reading.catch(() => {});
  };

  return {
    async waiting() {
      const age = ageMs();
      const shown = age < keptMs ? last : undefined;
      if (shown === undefined) {
        reading ??= read(false);
        return reading;
      }
      if (age >= freshMs) readAnew();
      return shown;
    },
    async first(work) {
      const age = ageMs();
      if (age >= Math.max(freshMs, keptMs / 2) && age < keptMs) readAnew();
      const working = work();
      firsts.add(working);
      try {
        return await working;
      } finally {
        firsts.delete(working);
      }
    },
    changed(chargeId, row) {
      decided.push({ atMs: clock.nowMs(), chargeId, row });
      if (last !== undefined) last = { ...last, rows: withDecided(last.rows) };
    },
  };
};
