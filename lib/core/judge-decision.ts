import { type Evidence, evidenceRowsMax, type FeedRowEvidence, type StatedEvidence } from "./evidence.ts";
import type { RefundProposal } from "./finding.ts";
import { type GatewayWord, wordText } from "./gateway-word.ts";
import type { Ending, LedgerEntry, ReviewEntry, ReviewReason } from "./ledger.ts";
import type { NotedNotice } from "./notice.ts";
import { isSamePerson } from "./person-name.ts";
import { keyLifeEndMs, type Policy } from "./policy.ts";
import type { GatewayIds } from "./reply.ts";
import {
  type DecisionEvent,
  decisionsOf,
  type ReviewDecision,
  sinceReview,
  type Wish,
} from "./review-decision.ts";

/** A rule of money safety (S1-S15), or what else refuses a decision. */
export type DecisionRule = `S${number}` | "state" | "version" | "person" | "notAfter" | "policy";

/** What a decision does, exactly. */
export type Effect =
  | {
      readonly kind: "settle";
      readonly state: "approved" | "declined_permanent";
      readonly ending: Ending;
      /** what it rests on: the gateway's word, or a person's, whose record is made when it is written */
      readonly evidence:
        | Evidence
        | { readonly kind: "persons_word"; readonly rows: readonly FeedRowEvidence[] };
      readonly ids?: GatewayIds;
    }
  /** the same request id, at the latest then */
  | { readonly kind: "resend"; readonly requestId: string; readonly untilMs: number }
  /** a request id that is drawn when it is written */
  | { readonly kind: "newAttempt"; readonly attempt: number }
  /** nothing here makes a refund: a person makes it at the gateway */
  | { readonly kind: "refund"; readonly refund: RefundProposal }
  | { readonly kind: "drop" };

/** What follows from a decision. */
export type DecisionVerdict =
  | { readonly kind: "refused"; readonly rule: DecisionRule; readonly why: string }
  /** it was decided so, or proposed so by this person: nothing is written a second time */
  | { readonly kind: "already"; readonly event: DecisionEvent; readonly why: string }
  /** another person has to confirm it */
  | { readonly kind: "proposes"; readonly effect: Effect; readonly why: string }
  | {
      readonly kind: "decides";
      readonly effect: Effect;
      readonly why: string;
      /** the proposal that it confirms; its terms hold */
      readonly confirms?: DecisionEvent;
    };

export type ToJudge = {
  readonly entry: LedgerEntry;
  /** what a person was told of beside the entry */
  readonly notices: readonly NotedNotice[];
  readonly wish: Wish;
  /** the version that the person saw, where they say so */
  readonly on?: string;
  readonly word: GatewayWord;
  /** the charge's own message is at hand: without it nothing can be sent */
  readonly hasMessage: boolean;
};

/** A record of one charge grows no further: it is written whole, and may have 400 KB. */
const decisionsMax = 50;

/** Reviews that are there because money was taken. */
const capturedReasons: readonly ReviewReason[] = [
  "mismatch",
  "double_charge",
  "captured_by_earlier_attempt",
  "refunded_or_charged_back",
];

/**
 * What a decision in review would do, and why that is safe; or which rule refuses it. Total, and the only place that
 * says so: a dry run and the decision itself ask here.
 */
export const judgeDecision = (
  { entry, notices, wish, on, word, hasMessage }: ToJudge,
  policy: Policy,
  nowMs: number,
): DecisionVerdict => {
  const made = sinceReview(entry);
  const last = decisionsOf(entry).at(-1);
  if (entry.state !== "review") {
    if (last !== undefined && last.e === "decided" && isSameWish(last, wish))
      return { kind: "already", event: last, why: `decided by ${last.by}; the charge is ${entry.state}` };
    return refused("state", `the charge is ${entry.state}: only what is in review is decided`);
  }
  const decidedSo = made.find((one) => one.e === "decided" && isSameWish(one, wish));
  if (decidedSo !== undefined)
    return { kind: "already", event: decidedSo, why: `decided by ${decidedSo.by} before` };
  const proposal = made.findLast((one) => one.e === "proposed");
  const ownProposal =
    proposal !== undefined && isSameWish(proposal, wish) && isSamePerson(proposal.by, wish.by);
  if (ownProposal)
    return { kind: "already", event: proposal, why: "proposed by the same person: another one confirms it" };
  if (on !== undefined && on !== entry.token)
    return refused("version", "the charge has changed since it was shown: look at it again");
  if (decisionsOf(entry).length >= decisionsMax)
    return refused("policy", `a charge has at most ${decisionsMax} decisions and proposals`);

  const needsTwo = policy.secondPersonFor.includes(wish.decision);
  const confirms = needsTwo && proposal !== undefined && isConfirmedBy(proposal, wish) ? proposal : undefined;
  // What holds is what was proposed: the second person adds a reason, not other terms.
  const terms = confirms === undefined ? wish : termsOf(confirms);
  const judged = effectOf({ entry, made, notices, wish: terms, word, hasMessage }, policy, nowMs);
  if ("refused" in judged) return judged.refused;
  const { effect, why } = judged;
  if (!needsTwo || isGatewaysWord(effect)) return { kind: "decides", effect, why };
  return confirms === undefined
    ? { kind: "proposes", effect, why: `${why}; another person has to confirm it` }
    : { kind: "decides", effect, why: `${why}; proposed by ${confirms.by}`, confirms };
};

const refused = (rule: DecisionRule, why: string): Extract<DecisionVerdict, { kind: "refused" }> => ({
  kind: "refused",
  rule,
  why,
});

/** What the gateway itself says a worker settles alone: nobody's judgement is in it that a second one could check. */
const isGatewaysWord = (effect: Effect): boolean =>
  effect.kind === "settle" &&
  (effect.evidence.kind === "feed_row" || effect.evidence.kind === "reply_and_absence");

/** The same decision with the same terms; a term that is not named is the one that was found. */
const isSameWish = (event: DecisionEvent, wish: Wish): boolean =>
  event.decision === wish.decision &&
  (wish.transactionId === undefined || wish.transactionId === event.transactionId) &&
  (wish.amount === undefined || wish.amount === event.amount);

/** A second person names the decision; terms that they name have to be the proposed ones. */
const isConfirmedBy = (proposal: DecisionEvent, wish: Wish): boolean =>
  isSameWish(proposal, wish) && !isSamePerson(proposal.by, wish.by);

const termsOf = ({ decision, by, reason, stated, transactionId, amount }: DecisionEvent): Wish => ({
  decision,
  by,
  reason,
  ...(stated === undefined ? {} : { stated }),
  ...(transactionId === undefined ? {} : { transactionId }),
  ...(amount === undefined ? {} : { amount }),
});

type Judging = {
  readonly entry: ReviewEntry;
  readonly made: readonly DecisionEvent[];
  readonly notices: readonly NotedNotice[];
  readonly wish: Wish;
  readonly word: GatewayWord;
  readonly hasMessage: boolean;
};

type Judged =
  | { readonly effect: Effect; readonly why: string }
  | { readonly refused: Extract<DecisionVerdict, { kind: "refused" }> };

const no = (rule: DecisionRule, why: string): Judged => ({ refused: refused(rule, why) });

const effectOf = (judging: Judging, policy: Policy, nowMs: number): Judged => {
  const rules: Readonly<Record<ReviewDecision, () => Judged>> = {
    "settle-as-approved": () => approve(judging),
    "settle-as-declined": () => decline(judging),
    resend: () => resend(judging, policy, nowMs),
    "new-attempt": () => newAttempt(judging, policy, nowMs),
    refund: () => refund(judging),
    drop: () => drop(judging),
  };
  return rules[judging.wish.decision]();
};

/** Money was taken, by the gateway's word now or by what brought the charge here. */
const knownCapture = ({ entry, word }: Judging): string | undefined => {
  if (word.says === "captured" || word.says === "captured_otherwise")
    return `the gateway shows a capture (${wordText(word)})`;
  return capturedReasons.includes(entry.reason)
    ? `it is here because money was taken (${entry.reason})`
    : undefined;
};

/** A verified notice that says something else than what the entry holds, and that nobody has answered for. */
const openNotice = ({ entry, notices }: Judging): NotedNotice | undefined =>
  notices.find(({ attempt }) => attempt === entry.attempt);

const rowsSeen = ({ entry, word }: Judging): readonly FeedRowEvidence[] => {
  if (word.says === "captured") return [word.evidence];
  if (word.says === "captured_otherwise" || word.says === "weak") return word.rows;
  if (entry.evidence.kind === "feed_rows") return entry.evidence.rows;
  return entry.evidence.kind === "feed_row" ? [entry.evidence] : [];
};

/** Reviews that are there, and notices that told, because of money that was taken beside what was asked for last. */
const besideReasons: readonly ReviewReason[] = ["double_charge", "captured_by_earlier_attempt"];

/** The transactions of such money; `undefined`: one that nobody names. */
const takenBeside = ({ entry, notices }: Judging): readonly (string | undefined)[] => {
  const rests = besideReasons.includes(entry.reason) ? entry.evidence : undefined;
  const own = rests === undefined ? [] : rests.kind === "feed_rows" ? rests.rows : [rests];
  const told = notices.flatMap(({ reason, evidence }) => (besideReasons.includes(reason) ? [evidence] : []));
  return [...own, ...told].map((one) => ("transactionId" in one ? one.transactionId : undefined));
};

const isRefunded = ({ made }: Judging, id: string | undefined): boolean =>
  made.some((event) => isDecidedRefund(event) && event.transactionId === id);

/** Whether money was taken beside this transaction, of which no refund is decided. */
const isTakenBeside = (judging: Judging, transactionId: string | undefined): boolean => {
  // Where nothing of this attempt was sent, the transaction that is seen is the one that was taken before it.
  if (judging.entry.lastSendAtMs === undefined) return false;
  const refunded = new Set(judging.made.filter(isDecidedRefund).map((event) => event.transactionId));
  return takenBeside(judging).some((id) =>
    id === undefined ? refunded.size === 0 : id !== transactionId && !refunded.has(id),
  );
};

const settleStated = (judging: Judging, state: "approved" | "declined_permanent", why: string): Judged => {
  const { wish } = judging;
  return {
    effect: {
      kind: "settle",
      state,
      ending: { ...(judging.entry.ending.code === undefined ? {} : { code: judging.entry.ending.code }) },
      evidence: { kind: "persons_word", rows: rowsSeen(judging) },
      ...(wish.transactionId === undefined ? {} : { ids: { transactionId: wish.transactionId } }),
    },
    why,
  };
};

const approve = (judging: Judging): Judged => {
  const { entry, made, notices, wish, word } = judging;
  const reason = word.says === "captured_otherwise" ? word.reason : entry.reason;
  const isStated = wish.stated !== undefined;
  const givenBack = notices.find((notice) => notice.reason === "refunded_or_charged_back");
  if (givenBack !== undefined && !isStated)
    return no(
      "S15",
      `a notice says that it was given back (${givenBack.words}): state what holds (--evidence)`,
    );
  switch (word.says) {
    case "captured":
      if (isTakenBeside(judging, word.evidence.transactionId)) {
        // The one that is shown is given back, and what is left is out of sight: a person has to say so.
        if (isStated && isRefunded(judging, word.evidence.transactionId)) break;
        return no("S13", "another attempt took the money, too: decide the refund of one of them first");
      }
      return {
        effect: {
          kind: "settle",
          state: "approved",
          ending: { code: word.code },
          evidence: word.evidence,
          ids: word.ids,
        },
        why: `S4: the gateway's own row says captured, as asked (${wordText(word)})`,
      };
    case "declined":
      return no("S4", `the gateway says ${wordText(word)}: no statement outweighs that here`);
    case "pending":
      return no("S10", "the gateway says that its last word is to come: wait for it");
    case "absent":
      return no("S4", `the gateway says ${wordText(word)}: nothing was taken that could be approved`);
  }
  if (reason === "refunded_or_charged_back")
    return no("S4", "the money was given back: an approval would say that it is here");
  if (reason === "double_charge" && refundsLeft(rowsSeen(judging), made) > 1)
    return no("S13", "it was taken twice: decide the refund of what is too much first");
  if (word.says === "captured_otherwise" && reason === "double_charge")
    return {
      effect: {
        kind: "settle",
        state: "approved",
        ending: {},
        evidence: { kind: "feed_rows", rows: word.rows },
      },
      why: `S13: captured, and the refund of what is too much is decided (${wordText(word)})`,
    };
  if (!isStated)
    return no(
      word.says === "weak" ? "S14" : "S4",
      `no final state without its evidence: the gateway says "${wordText(word)}"; state what you know (--evidence)`,
    );
  return settleStated(
    judging,
    "approved",
    `S4: on a person's word alone (the gateway says "${wordText(word)}")`,
  );
};

/** Captures that no refund is decided of; of what is not named, one that is decided accounts for one. */
const refundsLeft = (rows: readonly FeedRowEvidence[], made: readonly DecisionEvent[]): number => {
  const refunded = new Set(made.filter(isDecidedRefund).map(({ transactionId }) => transactionId));
  return Math.max(rows.length, 2) - refunded.size;
};

const isDecidedRefund = (event: DecisionEvent): boolean =>
  event.e === "decided" && event.decision === "refund";

const decline = (judging: Judging): Judged => {
  const { wish, word } = judging;
  const capture = knownCapture(judging);
  if (capture !== undefined) return no("S13", `${capture}: a decline would be false`);
  if (word.says === "pending") return no("S6", "the gateway accepted it, and its last word is to come");
  const isStated = wish.stated !== undefined;
  const notice = openNotice(judging);
  if (notice !== undefined && !isStated)
    return no("S15", `a notice says otherwise (${notice.words}): state what became of it (--evidence)`);
  switch (word.says) {
    case "declined": {
      const { retry: _retry, ...ending } = word.ending;
      return {
        effect: { kind: "settle", state: "declined_permanent", ending, evidence: word.evidence },
        why: `S4: the gateway's own word is no (${wordText(word)}); it is not tried again by itself`,
      };
    }
    case "absent":
      return {
        effect: {
          kind: "settle",
          state: "declined_permanent",
          ending: { code: "absent" },
          evidence: { kind: "absence", searches: word.searches },
        },
        why: `S5: certified absent (${wordText(word)}): nothing was taken`,
      };
    case "weak":
      if (!isStated)
        return no("S14", "a row looks like this charge: state whose it is (--evidence), or settle on it");
      break;
    default:
      if (!isStated)
        return no(
          "S6",
          `an unknown is never called a failure: the gateway says "${wordText(word)}"; state what you know (--evidence)`,
        );
  }
  return settleStated(
    judging,
    "declined_permanent",
    `S4: on a person's word alone (the gateway says "${wordText(word)}")`,
  );
};

/** What stands in the way of sending anything on this charge. */
const unsendable = (judging: Judging, nowMs: number): Judged | undefined => {
  const { entry, word, wish, hasMessage } = judging;
  const capture = knownCapture(judging);
  if (capture !== undefined) return no("S13", `${capture}: another send could take it again`);
  if (word.says === "pending") return no("S2", "the gateway accepted it, and its last word is to come");
  const notice = openNotice(judging);
  if (notice !== undefined)
    return no("S15", `a notice says otherwise (${notice.words}): it has to be settled, not sent again`);
  if (word.says === "weak" && wish.stated === undefined)
    return no("S14", "a row looks like this charge: state whose it is (--evidence)");
  if (entry.notAfterMs !== undefined && nowMs > entry.notAfterMs)
    return no("notAfter", `it may not be sent after ${new Date(entry.notAfterMs).toISOString()}`);
  if (!hasMessage)
    return no("S12", "the charge's own message is needed to send it, and the ledger never has it (--charge)");
  return undefined;
};

const resend = (judging: Judging, policy: Policy, nowMs: number): Judged => {
  const { entry, word } = judging;
  const untilMs = keyLifeEndMs(policy, entry.firstSendAtMs ?? entry.openedAtMs);
  if (nowMs > untilMs)
    return no(
      "S3",
      `the gateway knows ${entry.requestId} until ${new Date(untilMs).toISOString()}: past it the same id may charge again`,
    );
  const stopped = unsendable(judging, nowMs);
  if (stopped !== undefined) return stopped;
  if (word.says === "declined")
    return no("S2", "it is answered: the same id would be answered the same (new-attempt takes another)");
  if (entry.voidingAtMs !== undefined)
    return no(
      "S10",
      "a void of it was begun: the same id would be answered as before it (new-attempt takes another)",
    );
  if (entry.reason === "contradiction" && word.says !== "absent")
    return no("S10", "the gateway contradicts itself about this charge: nothing is sent on top of it");
  return {
    effect: { kind: "resend", requestId: entry.requestId, untilMs },
    why: `S2, S3: the same request id, while the gateway knows it (until ${new Date(untilMs).toISOString()}): it cannot charge twice; a worker that comes later looks up and does not send`,
  };
};

const newAttempt = (judging: Judging, policy: Policy, nowMs: number): Judged => {
  const { entry, word } = judging;
  const stopped = unsendable(judging, nowMs);
  if (stopped !== undefined) return stopped;
  const attempt = entry.attempt + 1;
  if (attempt > policy.attemptsMax)
    return no("policy", `a charge has at most ${policy.attemptsMax} attempts (attemptsMax)`);
  const effect: Effect = { kind: "newAttempt", attempt };
  if (word.says === "declined")
    return { effect, why: `S2: attempt ${entry.attempt} is answered (${wordText(word)})` };
  if (word.says === "absent" || (word.says === "weak" && word.absent))
    return { effect, why: `S5: attempt ${entry.attempt} is certified absent (${wordText(word)})` };
  return no(
    word.says === "nothing" || word.says === "weak" ? "S5" : "S2",
    `a new request id needs an answer to the one before, or a certificate of its absence: the gateway says "${wordText(word)}"`,
  );
};

const refund = (judging: Judging): Judged => {
  const { entry, made, wish, word } = judging;
  const rows = rowsSeen(judging);
  const { transactionId, amount } = wish;
  const refundOf = (id: string): Effect => ({
    kind: "refund",
    refund: {
      gateway: entry.gateway,
      transactionId: id,
      ...(amount === undefined ? {} : { amount, currency: entry.currency }),
    },
  });
  if (transactionId !== undefined) {
    const isSeen =
      rows.some((row) => row.transactionId === transactionId) ||
      [entry.ids?.transactionId, ...takenBeside(judging)].includes(transactionId);
    if (!isSeen && wish.stated === undefined)
      return no("S4", "nothing here shows that transaction: state where you saw it (--evidence)");
    const beyond = beyondTaken(judging, transactionId);
    if (beyond !== undefined) return no("S13", beyond);
    return {
      effect: refundOf(transactionId),
      why: isSeen ? "S13: the gateway's own transaction" : "S13: a transaction on a person's word alone",
    };
  }
  const taken = knownCapture(judging);
  if (taken === undefined)
    return no("S13", `nothing shows that money was taken: the gateway says "${wordText(word)}"`);
  const reason = word.says === "captured_otherwise" ? word.reason : entry.reason;
  const decided = new Set(made.filter(isDecidedRefund).map((event) => event.transactionId));
  const tooMuch = word.says !== "captured" && reason === "double_charge" ? rows.slice(1) : rows;
  const ids = tooMuch.flatMap((row) => row.transactionId ?? []).filter((id) => !decided.has(id));
  const [only, ...others] = ids;
  if (only === undefined || others.length > 0)
    return no(
      "S13",
      only === undefined
        ? "no transaction is known that could be given back: name it (--transaction)"
        : `several transactions could be given back: name one (--transaction): ${ids.join(", ")}`,
    );
  return { effect: refundOf(only), why: `S13: ${taken}` };
};

/** Why a refund of this transaction would give back more than was taken, with what was decided of it whenever. */
const beyondTaken = ({ entry, wish }: Judging, transactionId: string): string | undefined => {
  const before = decisionsOf(entry).filter(
    (event) => isDecidedRefund(event) && event.transactionId === transactionId,
  );
  const whole = before.find(({ amount }) => amount === undefined);
  if (whole !== undefined)
    return `all of ${transactionId} is to be given back already, decided by ${whole.by}`;
  const parts = [...before, wish].reduce((sum, { amount }) => sum + BigInt(amount ?? 0), 0n);
  return parts > BigInt(entry.amount) && wish.stated === undefined
    ? `with what is decided that would be ${parts} of the ${entry.amount} that were asked for: state what was taken (--evidence)`
    : undefined;
};

const drop = (judging: Judging): Judged => {
  const { word } = judging;
  if (word.says === "captured" || word.says === "declined")
    return no("S6", `the gateway knows its outcome (${wordText(word)}): settle it`);
  if (word.says === "pending") return no("S6", "the gateway accepted it, and its last word is to come");
  return {
    effect: { kind: "drop" },
    why: "nothing is sent, and no outcome is told; reconciliation still reports what the gateway has of it",
  };
};

/** A stated word as evidence, with everybody who stands for it. */
export const statedEvidence = (
  event: DecisionEvent,
  confirms: DecisionEvent | undefined,
  rows: readonly FeedRowEvidence[],
): StatedEvidence => {
  const terms = confirms ?? event;
  return {
    kind: "stated",
    atMs: event.at,
    by: confirms === undefined ? [event.by] : [confirms.by, event.by],
    stated: terms.stated ?? "",
    decision: event.hash,
    ...(rows.length === 0 ? {} : { rows: rows.slice(0, evidenceRowsMax) }),
    ...(terms.transactionId === undefined ? {} : { transactionId: terms.transactionId }),
  };
};
