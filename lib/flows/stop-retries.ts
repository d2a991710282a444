import type { LedgerEntry } from "../core/ledger.ts";
import { isRetryable } from "../core/plan-retry.ts";
import type { WishDecision } from "../core/retry-record.ts";
import type { Worker } from "../ports.ts";
import { noteDecision } from "./schedule-retries.ts";

/**
 * A decline whose money the gateway says it took all the same: what is final stays (S15), a person is told, and no
 * later attempt takes it again (S2: its answer no longer stands). Doing it twice changes nothing more.
 * @param entry as it was judged
 * @returns `false`: its later attempt was released meanwhile. Whoever heard of the money judges the charge anew.
 * @throws `LedgerUnavailable`
 */
export const stopRetries = async (entry: LedgerEntry, worker: Worker): Promise<boolean> => {
  const { retries, ids, clock, ledger } = worker;
  if (retries === undefined || !isRetryable(entry)) return true;
  const { chargeId, gateway } = entry;
  for (;;) {
    const before = await retries.read(chargeId);
    // Read after the record: a release writes both, so one that comes after this makes the write below lose.
    if ((await ledger.read([chargeId])).get(chargeId)?.token !== entry.token) return false;
    const known = before !== undefined && before.attempt >= entry.attempt;
    const { attempt } = known ? before : entry;
    if (known && (before.state === "released" || before.decisions.at(-1)?.kind === "refused")) return true;
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
    noteDecision(entry, decision, worker);
    return true;
  }
};
