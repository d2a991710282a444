import type { InstrumentRecord } from "./instrument-record.ts";
import type { FinalEntry, HistoryEvent, LedgerEntry } from "./ledger.ts";
import { type Declined, type NextAttempt, nextAttempt, type RetryWish } from "./next-attempt.ts";
import { networkSlackMs, type Policy } from "./policy.ts";
import type { RetryFee, WishDecision } from "./retry-record.ts";
import { type FeeFor, feeOf } from "./retry-rules/limits.ts";

/** A decline after which time alone may help. */
export type RetryableEntry = FinalEntry & { readonly state: "declined_retryable" };

export const isRetryable = (entry: LedgerEntry | undefined): entry is RetryableEntry =>
  entry?.state === "declined_retryable";

/** What says that an attempt may have reached the gateway. */
const wasMade = new Set<HistoryEvent["e"]>(["replied", "unanswered", "taken_over", "looked_up", "notice"]);

/** Attempts that were made: one that a network's count kept from being sent uses none up. */
export const attemptsMade = ({ history }: Pick<LedgerEntry, "history">): number => {
  let made = 0;
  let counted = true;
  for (const { e } of history) {
    if (e === "opened") counted = false;
    else if (!counted && wasMade.has(e)) {
      counted = true;
      made += 1;
    }
  }
  return made;
};

const wishOf = (policy: Policy, scheduleMs: readonly number[]): RetryWish => ({
  scheduleMs,
  attemptsMax: policy.attemptsMax,
  region: policy.retryRegion,
  slackMs: networkSlackMs(policy),
});

const declinedOf = (entry: RetryableEntry): Declined => ({
  network: entry.instrumentNetwork,
  networkCode: entry.ending.networkCode,
  adviceCode: entry.ending.adviceCode,
  category: entry.ending.category ?? "unrecognised",
  atMs: entry.finalAtMs,
  attempts: attemptsMade(entry),
  sent: entry.evidence.kind !== "network_limit",
  money: `${entry.amount} ${entry.currency}`,
  notAfterMs: entry.notAfterMs,
});

/** When the attempt after a decline may be made, and that decision as it is kept. */
export const planRetry = (
  entry: RetryableEntry,
  instrument: InstrumentRecord | undefined,
  scheduleMs: readonly number[],
  policy: Policy,
  at: { readonly nowMs: number; readonly fraction: number },
): { readonly next: NextAttempt; readonly decision: WishDecision } => {
  const { nowMs } = at;
  const view = instrument && { spends: instrument.spends, closed: instrument.closed !== undefined };
  const next = nextAttempt(declinedOf(entry), view, wishOf(policy, scheduleMs), nowMs, at.fraction);
  const base = { at: nowMs, attempt: entry.attempt };
  const fee = (what: FeeFor | undefined): { readonly fee?: RetryFee } => {
    const found = what && feeOf(what, { nowMs, region: policy.retryRegion });
    return found === undefined ? {} : { fee: found };
  };
  if (next.kind === "never") {
    const rule = next.because === "instrument_closed" ? instrument?.closed?.rule : next.fee;
    return { next, decision: { ...base, kind: "refused", because: next.because, ...fee(rule) } };
  }
  const { name, limit } = next.last;
  return {
    next,
    decision: {
      ...base,
      kind: name === "schedule" ? "scheduled" : "postponed",
      dueMs: next.atMs,
      because: name,
      ...(limit === undefined ? {} : { limit }),
      ...fee(limit),
    },
  };
};
