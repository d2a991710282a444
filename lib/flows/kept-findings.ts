import type { LeaseToken } from "../core/charge.ts";
import type { Finding } from "../core/finding.ts";
import { firstFindingsMax } from "../core/window-record.ts";
import type { Reconciler } from "../ports.ts";

/** UTF-16 units of the findings that are kept in one piece; an item of the ledger's table holds 400 KB. */
const pieceMax = 100_000;

export type KeptFindings = {
  add(finding: Finding): Promise<void>;
  /** Keeps what is left. */
  end(): Promise<void>;
  /** how many are kept */
  count(): number;
};

/**
 * Keeps the findings of a run that its record does not hold, under the token that the record will have, in the order in
 * which they come. What a run kept that did not come to its end is under no record's token, and is forgotten in time.
 */
export const keptFindings = (
  token: LeaseToken,
  { book, clock }: Pick<Reconciler, "book" | "clock">,
): KeptFindings => {
  let piece: Finding[] = [];
  let length = 0;
  let pieces = 0;
  let first = 0;
  let kept = 0;
  const flush = async (): Promise<void> => {
    if (piece.length === 0) return;
    const full = piece;
    [piece, length] = [[], 0];
    await book.keepFindings(token, pieces, full, clock.nowMs());
    pieces += 1;
    kept += full.length;
  };
  return {
    async add(finding) {
      first += 1;
      if (first <= firstFindingsMax) return;
      const own = JSON.stringify(finding).length;
      if (length + own > pieceMax) await flush();
      piece.push(finding);
      length += own;
    },
    end: flush,
    count: () => kept,
  };
};
