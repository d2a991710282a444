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
  /** rows without any reference of ours, but with the same consumer, amount and currency (S14) */
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

const weakKey = (amountMinor: string, currency: string, consumer: string): string =>
  `${amountMinor} ${currency} ${consumer}`;

export const matcherFor = (wanted: readonly Wanted[]): Matcher => {
  const found = new Map<string, Found>();
  const attempts = new Map<string, LedgerEntry>();
  const byRequestId = new Map<string, string>();
  const byTransactionId = new Map<string, string>();
  const byOrderId = new Map<string, string>();
  const byWeakKey = new Map<string, string[]>();

  for (const { entry, consumers } of wanted) {
    found.set(entry.chargeId, { own: [], otherAttempt: [], reversals: [], weak: [] });
    attempts.set(entry.chargeId, entry);
    byRequestId.set(entry.requestId, entry.chargeId);
    for (const earlier of entry.earlierRequestIds ?? []) byRequestId.set(earlier, entry.chargeId);
    if (entry.ids?.transactionId !== undefined) byTransactionId.set(entry.ids.transactionId, entry.chargeId);
    if (entry.ids?.orderId !== undefined) byOrderId.set(entry.ids.orderId, entry.chargeId);
    for (const consumer of consumers) {
      const key = weakKey(entry.amount, entry.currency, consumer);
      byWeakKey.set(key, [...(byWeakKey.get(key) ?? []), entry.chargeId]);
    }
  }

  const ownerOf = (row: FeedRow): string | undefined => {
    if (row.requestId !== undefined || row.chargeId !== undefined) {
      const byId = row.requestId === undefined ? undefined : byRequestId.get(row.requestId);
      return byId ?? (row.chargeId !== undefined && found.has(row.chargeId) ? row.chargeId : undefined);
    }
    return (
      (row.transactionId === undefined ? undefined : byTransactionId.get(row.transactionId)) ??
      (row.parentTransactionId === undefined ? undefined : byTransactionId.get(row.parentTransactionId)) ??
      (row.orderId === undefined ? undefined : byOrderId.get(row.orderId))
    );
  };

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
    const currency = row.currency === undefined ? undefined : parseCurrency(row.currency);
    if (currency === undefined || row.amount === undefined) return;
    const amountMinor = fromDecimal(row.amount, currency);
    if (amountMinor === undefined) return;
    const owners = new Set(
      row.consumers.flatMap(
        (consumer) => byWeakKey.get(weakKey(String(amountMinor), currency, consumer)) ?? [],
      ),
    );
    for (const owner of owners) {
      const rows = found.get(owner);
      if (rows !== undefined) keep(rows.weak, row);
    }
  };

  return {
    add(row) {
      const owner = ownerOf(row);
      const rows = owner === undefined ? undefined : found.get(owner);
      const entry = owner === undefined ? undefined : attempts.get(owner);
      if (rows === undefined || entry === undefined) {
        if (row.requestId === undefined && row.chargeId === undefined && row.kind === "charge") addWeak(row);
        return;
      }
      if (row.kind === "reversal") keep(rows.reversals, row);
      else if (row.requestId !== undefined && row.requestId !== entry.requestId) keep(rows.otherAttempt, row);
      else keep(rows.own, row);
    },
    foundOf: (chargeId) => found.get(chargeId) ?? { own: [], otherAttempt: [], reversals: [], weak: [] },
  };
};
