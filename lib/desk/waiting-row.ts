import type { LedgerEntry } from "../core/ledger.ts";
import { sinceReview } from "../core/review-decision.ts";
import type { WaitingReview } from "../ports.ts";

/** A charge as it stands in a worklist; `undefined`: nobody waits for a person. */
export const waitingRow = (entry: LedgerEntry | undefined): WaitingReview | undefined => {
  if (entry?.state !== "review" || entry.droppedAtMs !== undefined) return undefined;
  const { chargeId, gateway, reason, finalAtMs: sinceMs, amount, currency } = entry;
  const last = sinceReview(entry).at(-1);
  return {
    chargeId,
    gateway,
    reason,
    sinceMs,
    amount,
    currency,
    ...(last === undefined ? {} : { mark: { e: last.e, decision: last.decision } }),
  };
};
