import type { ChargeId } from "./charge.ts";
import type { FeedRow } from "./feed.ts";
import type { LedgerEntry } from "./ledger.ts";
import { fromDecimal, parseCurrency } from "./money.ts";

/** A charge that a scan looks for. */
export type Wanted = {
  readonly entry: LedgerEntry;
  /** who was charged, by every name that the charge message gives */
  readonly consumers: readonly string[];
};

/** Rows that a scan found for one charge. */
export type Found = {
  /** rows of this attempt: by its request id, else by our charge id or the gateway's own id */
  readonly own: FeedRow[];
  /** rows that carry our charge id and another attempt's request id */
  readonly otherAttempt: FeedRow[];
  /** money given back on this charge */
  readonly reversals: FeedRow[];
  /**
   * rows without any reference of ours, but of the same consumer (S14): of the amount that was asked for, or that
   * took another one or may yet, since a gateway that loses our references may have taken a wrong amount, too
   */
  readonly weak: FeedRow[];
};

/** Rows kept of one charge: more prove nothing more, and a hostile feed must not fill the memory. */
const rowsMax = 16;

/**
 * Finds the rows of many charges in one pass over a feed, in memory that depends on the charges and not on
 * the rows. One row is given to at most one charge by reference (S13).
 */
export type Matcher = {
  add(row: FeedRow): void;
  foundOf(chargeId: ChargeId): Found;
};

const isOfAmount = (row: FeedRow, { amount, currency }: LedgerEntry): boolean => {
  const code = row.currency === undefined ? undefined : parseCurrency(row.currency);
  if (code !== currency || row.amount === undefined) return false;
  return String(fromDecimal(row.amount, code)) === amount;
};

export const tookNothing = ({ reply }: FeedRow): boolean =>
  reply.kind === "refused" || reply.kind === "invalid";

type Sought = { readonly entry: LedgerEntry; readonly found: Found };
/** Nothing is kept under `undefined`: a row without the id finds nothing. */
type Index = Map<string | undefined, Sought>;

const nothing = (): Found => ({ own: [], otherAttempt: [], reversals: [], weak: [] });

export const matcherFor = (wanted: readonly Wanted[]): Matcher => {
  const byChargeId: Index = new Map();
  const byRequestId: Index = new Map();
  const byTransactionId: Index = new Map();
  const byOrderId: Index = new Map();
  const byConsumer = new Map<string, Sought[]>();

  for (const { entry, consumers } of wanted) {
    const sought = { entry, found: nothing() };
    byChargeId.set(entry.chargeId, sought);
    byRequestId.set(entry.requestId, sought);
    for (const earlier of entry.earlierRequestIds ?? []) byRequestId.set(earlier, sought);
    if (entry.ids?.transactionId !== undefined) byTransactionId.set(entry.ids.transactionId, sought);
    if (entry.ids?.orderId !== undefined) byOrderId.set(entry.ids.orderId, sought);
    for (const consumer of consumers) byConsumer.set(consumer, [...(byConsumer.get(consumer) ?? []), sought]);
  }

  const soughtBy = (row: FeedRow): Sought | undefined =>
    row.requestId === undefined && row.chargeId === undefined
      ? (byTransactionId.get(row.transactionId) ??
        byTransactionId.get(row.parentTransactionId) ??
        byOrderId.get(row.orderId))
      : (byRequestId.get(row.requestId) ?? byChargeId.get(row.chargeId));

  const keep = (rows: FeedRow[], row: FeedRow): void => {
    if (rows.length >= rowsMax) {
      // A capture cannot be unseen: the newest row takes the place of one that is none.
      const place = rows.findLastIndex(({ reply }) => reply.kind !== "captured");
      if (place === -1) return;
      rows.splice(place, 1);
    }
    rows.push(row);
  };

  const addWeak = (row: FeedRow): void => {
    const alike = new Set(row.consumers.flatMap((consumer) => byConsumer.get(consumer) ?? []));
    for (const { entry, found } of alike)
      if (!tookNothing(row) || isOfAmount(row, entry)) keep(found.weak, row);
  };

  return {
    add(row) {
      const sought = soughtBy(row);
      if (sought === undefined) {
        if (row.requestId === undefined && row.chargeId === undefined && row.kind === "charge") addWeak(row);
        return;
      }
      const { entry, found } = sought;
      if (row.kind === "reversal") keep(found.reversals, row);
      else if (row.requestId !== undefined && row.requestId !== entry.requestId)
        keep(found.otherAttempt, row);
      else keep(found.own, row);
    },
    foundOf: (chargeId) => byChargeId.get(chargeId)?.found ?? nothing(),
  };
};
