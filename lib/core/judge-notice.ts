import { mismatchOf, outcomeOfReply } from "./classify.ts";
import { endingOf } from "./decide.ts";
import { routeOf } from "./decline.ts";
import { isEarlierRequest, type LedgerEntry, type ReviewReason, type UnknownEntry } from "./ledger.ts";
import { type Notice, noticeEvidenceOf } from "./notice.ts";
import type { Mismatch } from "./outcome.ts";
import type { Asked, GatewayRules } from "./reply.ts";
import type { Verdict } from "./verdict.ts";

/** What follows from a notice. */
export type NoticeVerdict =
  /** the ledger knows it already, or more */
  | { readonly kind: "agrees" }
  /** a worker has the charge in hand, and its word comes first */
  | { readonly kind: "early"; readonly untilMs: number }
  /** it proves what became of an unknown, or that what waits must not be sent */
  | {
      readonly kind: "moves";
      readonly verdict: Extract<Verdict, { kind: "settle" | "review" | "wait" }>;
    }
  /** it proves nothing, but the gateway is asked now */
  | { readonly kind: "lookUp" }
  /** it contradicts what the ledger holds, and nothing is changed: a person is told */
  | {
      readonly kind: "tells";
      readonly reason: ReviewReason;
      readonly mismatch?: Mismatch;
      /** and the gateway is asked now */
      readonly lookUp: boolean;
    };

export type Judged = {
  readonly entry: LedgerEntry;
  readonly notice: Notice;
  /** an earlier notice about the same transaction named another charge or amount: one of the two is not the gateway's */
  readonly saidOther: boolean;
  /** whether the gateway can be asked what happened */
  readonly canAsk: boolean;
};

const isOpen = (entry: LedgerEntry): entry is UnknownEntry =>
  entry.state === "unknown" || entry.state === "pending";

/** Whether this notice was counted before: every one that changed an entry is in its history. */
const isNoted = (entry: LedgerEntry, notice: Notice): boolean =>
  entry.history.some((event) => event.e === "notice" && event.id === notice.id);

/**
 * Whether the first notice about this transaction named another charge, or told another amount of it; of two in one
 * moment neither is the first.
 * @param all every notice that is kept of the transaction, this one among them
 */
export const isSaidOther = (notice: Notice, all: readonly Notice[]): boolean => {
  const firstMs = Math.min(...all.map(({ receivedAtMs }) => receivedAtMs));
  return all.some(
    (one) =>
      one.receivedAtMs === firstMs && (one.chargeId !== notice.chargeId || tellsOtherMoney(one, notice)),
  );
};

const tellsOtherMoney = (one: Notice, other: Notice): boolean => {
  const [a, b] = [one.reply, other.reply].map((reply) => ("echo" in reply ? reply.echo : {}));
  return (
    (a?.amount !== undefined && b?.amount !== undefined && a.amount !== b.amount) ||
    (a?.currency !== undefined && b?.currency !== undefined && a.currency !== b.currency)
  );
};

type Whose = "this attempt's" | "an earlier attempt's" | "nobody's";

/** Which attempt a notice is of: by its request id, else by what was made for it at the gateway. */
const whoseIs = ({ requestId, orderId }: Notice, entry: LedgerEntry): Whose => {
  if (requestId === entry.requestId) return "this attempt's";
  if (requestId !== undefined)
    return isEarlierRequest(entry, requestId) ? "an earlier attempt's" : "nobody's";
  const isOfEarlier =
    orderId !== entry.preparation?.prepared?.id &&
    entry.history.some((event) => event.e === "prepared" && event.id === orderId);
  return isOfEarlier || entry.state === "waiting" ? "an earlier attempt's" : "this attempt's";
};

const toReview = (notice: Notice, reason: ReviewReason, mismatch?: Mismatch): NoticeVerdict => ({
  kind: "moves",
  verdict: {
    kind: "review",
    reason,
    evidence: noticeEvidenceOf(notice),
    ...(mismatch === undefined ? {} : { mismatch }),
  },
});

/**
 * What a verified notice means for its charge (S15). It moves a charge only forwards: what is final stays, and
 * whatever says otherwise goes to a person. Total.
 *
 * Where the signature leaves amount and references open, a notice is believed when it echoes what the ledger
 * holds: charge id, request id (a secret between us and the gateway), amount, currency, and the gateway's ids
 * where they are known. Otherwise the gateway is asked, or, where it cannot be, a person is told.
 */
export const judgeNotice = (
  { entry, notice, saidOther, canAsk }: Judged,
  rules: GatewayRules,
): NoticeVerdict => {
  const whose = whoseIs(notice, entry);
  if (entry.state === "opened") return { kind: "early", untilMs: entry.leaseUntilMs };
  if (entry.state === "waiting") {
    const early: NoticeVerdict = { kind: "early", untilMs: entry.nextAtMs };
    // In its history: whoever had it sent after that knew of it.
    const isNews = notice.kind === "charge" && notice.reply.kind === "captured" && !isNoted(entry, notice);
    if (!isNews || entry.attempt === 1) return early;
    // Of this attempt nothing was sent: another one took the money, and this one would take it again (S2).
    const byEarlier = whose === "an earlier attempt's" && !saidOther;
    return toReview(notice, byEarlier ? "captured_by_earlier_attempt" : "contradiction");
  }
  const noted = isNoted(entry, notice);
  // Told again where it is noted already: whoever noted it may have been lost before a person was told.
  if (notice.kind === "reversal")
    return {
      kind: "tells",
      reason: "refunded_or_charged_back",
      lookUp: isOpen(entry) && canAsk && !noted,
    };
  if (noted) return { kind: "agrees" };

  const tells = (reason: ReviewReason, mismatch?: Mismatch): NoticeVerdict => ({
    kind: "tells",
    reason,
    ...(mismatch === undefined ? {} : { mismatch }),
    lookUp: false,
  });
  /** What cannot be believed of an open charge is asked for; of one that has ended a person is told. */
  const doubts = (reason: ReviewReason, mismatch?: Mismatch): NoticeVerdict =>
    isOpen(entry) && canAsk ? { kind: "lookUp" } : tells(reason, mismatch);

  if (saidOther) return doubts("contradiction");

  const { reply } = notice;
  const known = entry.ids?.transactionId;
  const isKnown = known !== undefined && notice.transactionId === known;
  const isAnother = known !== undefined && notice.transactionId !== undefined && !isKnown;
  const asked: Asked = {
    chargeId: entry.chargeId,
    requestId: entry.requestId,
    amountMinor: BigInt(entry.amount),
    currency: entry.currency,
  };
  const echoes =
    notice.signed === "whole" || (notice.chargeId === entry.chargeId && notice.requestId === entry.requestId);

  switch (reply.kind) {
    case "captured": {
      if (whose === "an earlier attempt's") {
        // No look-up for this attempt reaches back so far, and to send it again would take the money again.
        if (isOpen(entry) && (notice.signed === "whole" || notice.chargeId === entry.chargeId))
          return toReview(notice, "captured_by_earlier_attempt");
        return doubts(entry.state === "approved" ? "double_charge" : "captured_by_earlier_attempt");
      }
      if (whose === "nobody's") return doubts("contradiction");
      if (isAnother) return doubts(entry.state === "approved" ? "double_charge" : "contradiction");
      // It was taken, and we are taking it back: what became of that the gateway has to say.
      if (entry.voidingAtMs !== undefined && entry.state !== "approved")
        return doubts("refunded_or_charged_back");
      const mismatch = mismatchOf(asked, reply.echo);
      // What is in a person's hands because of this very transaction is no news.
      if (entry.state === "review" && isKnown) return { kind: "agrees" };
      if (mismatch !== undefined) {
        if (!isOpen(entry) || notice.signed !== "whole") return doubts("mismatch", mismatch);
        return toReview(notice, "mismatch", mismatch);
      }
      if (entry.state === "approved") return { kind: "agrees" };
      if (!isOpen(entry)) return tells("contradiction");
      if (!echoes) return doubts("contradiction");
      return {
        kind: "moves",
        verdict: {
          kind: "settle",
          state: "approved",
          ending: { code: reply.code },
          evidence: noticeEvidenceOf(notice),
          ids: { ...entry.ids, ...reply.ids },
        },
      };
    }
    case "accepted":
      // News of yesterday, where the gateway's word is known or more than that is.
      if (entry.state !== "unknown") return { kind: "agrees" };
      if (whose !== "this attempt's" || isAnother || !echoes || mismatchOf(asked, reply.echo) !== undefined)
        return doubts("contradiction");
      return {
        kind: "moves",
        verdict: {
          kind: "wait",
          state: "pending",
          reason: "gateway_pending",
          nextAct: "lookUp",
          atMs: entry.nextAtMs,
        },
      };
    case "refused": {
      if (whose === "an earlier attempt's") return { kind: "agrees" };
      if (whose === "nobody's" || isAnother) return doubts("contradiction");
      if (entry.state === "approved") return tells("contradiction");
      if (entry.state === "review") return isKnown ? { kind: "agrees" } : tells("contradiction");
      if (!isOpen(entry)) return { kind: "agrees" };
      // A no answers one send, and why it was said is not signed: whoever can be asked is asked.
      const outcome = outcomeOfReply(reply, asked, rules);
      const oneForOne = entry.openSends === 0 || (entry.openSends === 1 && entry.sends === 1);
      if (
        canAsk ||
        !echoes ||
        !oneForOne ||
        outcome.kind !== "declined" ||
        mismatchOf(asked, reply.echo) !== undefined
      )
        return { kind: "lookUp" };
      const believed =
        notice.signed === "whole" || routeOf[outcome.category] !== "retryable-declines"
          ? outcome
          : // A code that nobody signed never makes a decline one that is tried again.
            { ...outcome, category: "unrecognised" as const };
      const { state, ending } = endingOf(believed);
      return {
        kind: "moves",
        verdict: { kind: "settle", state, ending, evidence: noticeEvidenceOf(notice), ids: outcome.ids },
      };
    }
    case "unproven":
      // An authorisation or a test takes nothing from what has ended.
      if (reply.why === "not_a_capture" && !isOpen(entry)) return { kind: "agrees" };
      return doubts("contradiction");
    case "invalid":
      return { kind: "agrees" };
  }
};
