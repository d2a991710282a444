import type { LedgerEntry } from "../core/ledger.ts";
import { isRetryable } from "../core/plan-retry.ts";
import type { WishDecision } from "../core/retry-record.ts";
import type { Worker } from "../ports.ts";
import { noteDecision } from "./schedule-retries.ts";

/**
 * A decline whose money the gateway says it took all the same: what is final stays (S15), a person is told, and no
 * later attempt takes it again (S2: its answer no longer stands). What was released already is not called back. Doing
 * it twice changes nothing more.
 * @throws `LedgerUnavailable`
 */
export const stopRetries = async (entry: LedgerEntry, worker: Worker): Promise<void> => {
  const { retries, ids, clock } = worker;
  if (retries === undefined || !isRetryable(entry)) return;
  const { chargeId, gateway } = entry;
  for (;;) {
    const before = await retries.read(chargeId);
    const known = before !== undefined && before.attempt >= entry.attempt;
    const { attempt } = known ? before : entry;
    if (known && (before.state === "released" || before.decisions.at(-1)?.kind === "refused")) return;
    const decision: WishDecision = { at: clock.nowMs(), attempt, kind: "refused", because: "money_taken" };
    const written = await retries.replace(before?.token, {
      v: 1,
      chargeId,
      gateway,
      token: ids.leaseToken(),
      attempt,
      state: "ended",
      decisions: [...(before?.decisions ?? []), decision],
    });
    // Whoever came in between may have planned it just now.
    if (written.kind === "lost") continue;
    return noteDecision(entry, decision, worker);
  }
};
