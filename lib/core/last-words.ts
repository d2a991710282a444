import type { FeedRow } from "./feed.ts";

/** What tells which transaction a row is of, and when it was written. */
type Word = Pick<FeedRow, "transactionId" | "orderId" | "atMs">;

/**
 * The rows of one transaction tell one story, and its last word counts. Without times, a capture is not
 * unsaid. A row without an id of the gateway's stands for itself: two of them may be two transactions.
 */
export const lastWords = <Row extends Word>(rows: readonly Row[], captured: (row: Row) => boolean): Row[] => {
  const isLater = (row: Row, before: Row): boolean =>
    row.atMs === undefined || before.atMs === undefined
      ? captured(row) || !captured(before)
      : row.atMs >= before.atMs;
  const byTransaction = new Map<string | number, Row>();
  for (const [place, row] of rows.entries()) {
    const key = row.transactionId ?? row.orderId ?? place;
    const before = byTransaction.get(key);
    if (before === undefined || isLater(row, before)) byTransaction.set(key, row);
  }
  return [...byTransaction.values()];
};
