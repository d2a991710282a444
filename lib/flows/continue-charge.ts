import { backoffMs, pauseMs } from "../core/backoff.ts";
import {
  expire,
  type LedgerEntry,
  leaseEntry,
  type OpenedEntry,
  refuse,
  type UnknownEntry,
} from "../core/ledger.ts";
import { leftAloneUntilMs, takeOver } from "../core/takeover.ts";
import type { Delivery, Limit, Worker } from "../ports.ts";
import { type Addressed, giveBack, stamp, type Worked } from "./charge-worker.ts";
import { replaceEntry, replaceOpening } from "./replace-entry.ts";
import { workAttempt } from "./send-attempt.ts";

/** A message that finds its charge in another's hands comes back when that one's word is in the ledger. */
export const soonMs = 1_000;

/** A charge in the hands of one worker, and how it tells what the ledger holds. */
export type InHand = Addressed & {
  readonly delivery: Delivery;
  /** bounds how many are on their way; none: whoever has it in hand is bounded already */
  readonly exchange?: Limit;
  /** what becomes of the message now that the ledger holds this */
  readonly tell: (entry: LedgerEntry) => Worked;
};

export const isOpen = (entry: LedgerEntry): entry is UnknownEntry =>
  entry.state === "unknown" || entry.state === "pending";

/** Sends under the lease that `entry` names, and turns what was recorded into what to tell. */
export const sendLeased = async (entry: OpenedEntry, inHand: InHand, worker: Worker): Promise<Worked> => {
  const recorded = await workAttempt(entry, inHand, worker);
  if (recorded === "lost") return giveBack(soonMs);
  if (recorded.state !== "waiting") return inHand.tell(recorded);
  // Waiting for its turn cost receives, too: what was only held back must not pay for them as for failures.
  const wait = wasHeldBack(recorded) ? pauseMs : backoffMs;
  return giveBack(
    Math.max(wait(inHand.delivery.receives, worker.ids.fraction()), recorded.nextAtMs - worker.clock.nowMs()),
  );
};

/** Whether the pace alone kept it from being sent, from being prepared, or from being looked for. */
const wasHeldBack = ({ history }: LedgerEntry): boolean => {
  const last = history.findLast(({ e }) => e !== "recorded");
  if (last?.e === "never_sent") return last.cause === "held_back";
  return last?.e === "prepare_failed" && last.why.endsWith("held_back");
};

/**
 * A message whose charge is in the ledger already: a redelivery, a duplicate, a redrive, an unknown. A lease
 * that lives is left alone, one that has run out is taken over, what was never sent is sent, and the rest is
 * told as it stands.
 */
export const continueCharge = async (entry: LedgerEntry, inHand: InHand, worker: Worker): Promise<Worked> => {
  const nowMs = worker.clock.nowMs();
  switch (entry.state) {
    case "opened": {
      const leftMs = leftAloneUntilMs(entry, worker.policy) - nowMs;
      if (leftMs >= 0) return giveBack(leftMs + soonMs);
      const unknown = takeOver(entry, worker.policy, stamp(worker));
      worker.log.event("lease_taken_over", { chargeId: entry.chargeId, requestId: entry.requestId });
      return (await replaceEntry(entry, unknown, worker)) ? inHand.tell(unknown) : giveBack(soonMs);
    }
    case "waiting": {
      const { notAfterMs } = inHand.charge;
      if (notAfterMs !== undefined && nowMs > notAfterMs) {
        const expired = expire(entry, notAfterMs, stamp(worker));
        return (await replaceEntry(entry, expired, worker)) ? inHand.tell(expired) : giveBack(soonMs);
      }
      const leased = leaseEntry(entry, stamp(worker));
      const written = await replaceOpening(entry, leased, worker);
      if (written === true) return sendLeased(leased, inHand, worker);
      if (written === false) return giveBack(soonMs);
      const refused = refuse(entry, written, stamp(worker));
      return (await replaceEntry(entry, refused, worker)) ? inHand.tell(refused) : giveBack(soonMs);
    }
    default:
      return inHand.tell(entry);
  }
};
