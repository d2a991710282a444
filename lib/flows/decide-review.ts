import type { Charge, ChargeId } from "../core/charge.ts";
import type { GatewayWord } from "../core/gateway-word.ts";
import { canonicalJson } from "../core/json.ts";
import { type DecisionVerdict, type Effect, judgeDecision } from "../core/judge-decision.ts";
import type { LedgerEntry, ReviewEntry } from "../core/ledger.ts";
import type { NotedNotice } from "../core/notice.ts";
import { recordDecision } from "../core/record-decision.ts";
import type { DecisionEvent, Wish } from "../core/review-decision.ts";
import { routeOfDecision, routeOfEntry } from "../core/route-message.ts";
import type { Desk } from "../ports.ts";
import { stamp } from "./charge-worker.ts";
import { lookAtReview } from "./look-at-review.ts";
import { replaceEntry } from "./replace-entry.ts";

/** A charge as the desk sees it: what the ledger has, and what the gateway says now. */
export type Shown = {
  readonly entry: LedgerEntry;
  readonly notices: readonly NotedNotice[];
  readonly word: GatewayWord;
};

export type AskedDecision = {
  readonly chargeId: ChargeId;
  readonly wish: Wish;
  /** the version that the person saw */
  readonly on?: string;
  /** the charge's own message, where it is at hand */
  readonly charge?: Charge;
  /** say what would be done, and do nothing */
  readonly dryRun: boolean;
};

/** What became of a decision. */
export type MadeDecision = Shown & {
  readonly verdict: DecisionVerdict;
  /** what was written; absent: nothing was */
  readonly event?: DecisionEvent;
  /** somebody else's decision came first: nothing was written */
  readonly lost: boolean;
};

/** The ledger has no such charge, or the message at hand is not its own. */
export class NotThisCharge extends Error {
  override readonly name = "NotThisCharge";
}

/**
 * How long the charge's message stays hidden when it is put back onto its queue before the decision is written: whoever
 * gets it has to find the decision in the ledger.
 */
const hiddenMs = 10_000;

/** How the gateway is asked. */
export type Look = typeof lookAtReview;

/** A charge in review, and what its gateway says now where asking is harmless. Writes nothing. */
export const showReview = async (
  chargeId: ChargeId,
  charge: Charge | undefined,
  desk: Desk,
  look: Look = lookAtReview,
): Promise<Shown> => {
  const { entry, notices } = await desk.recordOf(chargeId);
  if (entry === undefined) throw new NotThisCharge(`${chargeId}: the ledger has no such charge`);
  if (charge !== undefined && desk.sha256(canonicalJson(charge.message)) !== entry.fingerprint)
    throw new NotThisCharge(`${chargeId}: the message has another content than the charge in the ledger`);
  const word: GatewayWord =
    entry.state === "review"
      ? await look(entry, charge, desk)
      : { says: "not_asked", why: "failed", text: "not in review" };
  return { entry, notices, word };
};

/**
 * Makes a decision, or says what it would do. What leads to a send is sent by nobody here: the charge's own message
 * goes back onto the queue `charges`, and whoever gets it does what the ledger then says, as with any redelivery. It
 * is put there first and comes out later, so that a desk that dies in between leaves either nothing, or a decision
 * with its message (S8). Two desks write on the same version, and one of them loses (S7).
 * @throws `NotThisCharge`; `LedgerUnavailable`, with the decision made or not: making it again is harmless.
 */
export const decideReview = async (
  asked: AskedDecision,
  desk: Desk,
  look: Look = lookAtReview,
): Promise<MadeDecision> => {
  const { wish, charge, dryRun } = asked;
  const shown = await showReview(asked.chargeId, charge, desk, look);
  const { entry, notices, word } = shown;
  const verdict = judgeDecision(
    {
      entry,
      notices,
      wish,
      ...(asked.on === undefined ? {} : { on: asked.on }),
      word,
      hasMessage: charge !== undefined,
    },
    desk.policy,
    desk.clock.nowMs(),
  );
  const made = (event?: DecisionEvent, lost = false): MadeDecision => ({
    ...shown,
    verdict,
    lost,
    ...(event === undefined ? {} : { event }),
  });
  if (dryRun || verdict.kind === "refused") return made();
  if (verdict.kind === "already") {
    // Whoever decided it may not have come to tell it.
    if (verdict.event.e === "decided") await tellDecided(entry, verdict.event, charge, desk);
    return made();
  }
  // A verdict that decides is only ever of a charge in review.
  const { entry: next, event } = recordDecision(entry as ReviewEntry, verdict, wish, word, {
    ...stamp(desk),
    requestId: desk.ids.requestId(),
    sha256: desk.sha256,
  });
  if (verdict.kind === "proposes")
    return (await replaceEntry(entry, next, desk)) ? made(event) : made(undefined, true);
  const isTold = charge !== undefined && leavesReview(verdict.effect);
  const putAtMs = desk.clock.nowMs();
  if (isTold) await desk.charges.send(JSON.stringify(charge.message), hiddenMs);
  if (!(await replaceEntry(entry, next, desk))) return made(undefined, true);
  // A desk that stood still in between may have let its message come out too early.
  if (!isTold || desk.clock.nowMs() - putAtMs >= hiddenMs) await tellDecided(next, event, charge, desk);
  return made(event);
};

const leavesReview = ({ kind }: Effect): boolean => kind !== "refund" && kind !== "drop";

/** Tells what was decided; telling it again tells the same (S8). */
const tellDecided = async (
  entry: LedgerEntry,
  event: DecisionEvent,
  charge: Charge | undefined,
  desk: Desk,
): Promise<void> => {
  const refund =
    event.decision === "refund" && event.transactionId !== undefined
      ? {
          gateway: entry.gateway,
          transactionId: event.transactionId,
          ...(event.amount === undefined ? {} : { amount: event.amount, currency: entry.currency }),
        }
      : undefined;
  const endsHere = event.decision === "refund" || event.decision === "drop";
  if (!endsHere && charge !== undefined) {
    await desk.charges.send(JSON.stringify(charge.message), 0);
    return;
  }
  // What was sent again is told by whoever sent it, with the charge that a later attempt needs.
  if (event.decision === "resend" || event.decision === "new-attempt") return;
  const route = endsHere ? routeOfDecision(entry, event, refund) : routeOfEntry(entry, undefined);
  if (route === undefined) return;
  const sent = desk.queues.send(route.queue, route.message);
  desk.queues.flush();
  await sent;
};
