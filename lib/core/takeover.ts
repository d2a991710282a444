import type { LeaseToken } from "./charge.ts";
import { nextEntry, type OpenedEntry, type UnknownEntry, type WaitingEntry } from "./ledger.ts";
import { nextLookAtMs } from "./lookup-schedule.ts";
import type { Policy } from "./policy.ts";

const isUnprepared = ({ preparation }: OpenedEntry): boolean =>
  preparation !== undefined && preparation.prepared === undefined;

/**
 * The last moment at which a lease is left alone. A worker whose clock is ahead takes it over early, which costs a
 * look-up; of what is not prepared yet it would take the making away, and make another, as often as both come by. So
 * there it leaves time for the clocks.
 */
export const leftAloneUntilMs = (entry: OpenedEntry, { clockSkewMs }: Policy): number =>
  entry.leaseUntilMs + (isUnprepared(entry) ? clockSkewMs : 0);

/**
 * An attempt whose worker let the lease run out without a word. It may have sent until the lease's last
 * moment, first send and resends alike, so all of them are open, and the look-ups begin from there.
 * What was not prepared yet cannot have been sent: it waits, and what may have been made is looked for first.
 */
export const takeOver = (
  entry: OpenedEntry,
  policy: Policy,
  by: { readonly token: LeaseToken; readonly nowMs: number },
): UnknownEntry | WaitingEntry => {
  if (isUnprepared(entry)) {
    const { firstSendAtMs: _unsent, ...unsent } = entry;
    return nextEntry<WaitingEntry>(
      unsent as OpenedEntry,
      { state: "waiting", nextAtMs: by.nowMs },
      {
        preparation: { lostAtMs: entry.leaseUntilMs },
        history: [...entry.history, { e: "taken_over", at: by.nowMs, leaseUntil: entry.leaseUntilMs }],
      },
      by,
    );
  }
  const counted = {
    lastSendAtMs: entry.leaseUntilMs,
    sends: entry.sends + 1,
    openSends: entry.openSends + 1 + policy.resendsMax,
    looked: 0,
    lookFailures: 0,
    absences: [],
  };
  return nextEntry<UnknownEntry>(
    entry,
    {
      state: "unknown",
      reason: "worker_lost",
      nextAct: "lookUp",
      nextAtMs: nextLookAtMs(policy, { ...entry, ...counted }, by.nowMs) ?? by.nowMs,
    },
    {
      ...counted,
      history: [
        ...entry.history,
        { e: "taken_over", at: by.nowMs, leaseUntil: entry.leaseUntilMs },
        { e: "recorded", at: by.nowMs, state: "unknown", route: "unknown-outcomes" },
      ],
    },
    by,
  );
};
