import type { LedgerEntry } from "./ledger.ts";
import type { Policy } from "./policy.ts";

/**
 * When the next look-up is due, or `undefined` when the schedule is used up. A look-up that came late moves
 * the next one: two searches of one moment would prove no more than one.
 */
export const nextLookAtMs = (
  policy: Policy,
  entry: Pick<LedgerEntry, "lastSendAtMs" | "looked" | "openedAtMs">,
  nowMs: number,
): number | undefined => {
  const wait = policy.lookupScheduleMs[entry.looked];
  if (wait === undefined) return undefined;
  const due = (entry.lastSendAtMs ?? entry.openedAtMs) + wait;
  const before = policy.lookupScheduleMs[entry.looked - 1];
  const apart = before === undefined ? 0 : Math.min((wait - before) / 2, 60_000);
  return Math.max(due, nowMs + apart);
};
