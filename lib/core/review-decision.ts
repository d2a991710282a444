import { holdsCardNumber } from "./card-number.ts";
import type { Problem } from "./charge.ts";
import type { HistoryEvent, LedgerEntry } from "./ledger.ts";
import { problemOfName } from "./person-name.ts";

/** What a person can decide about a charge in review. Stored words. */
export const reviewDecisions = [
  /** the money was taken as asked, or a person takes it for that */
  "settle-as-approved",
  /** no money was taken, and none will be by this charge */
  "settle-as-declined",
  /** the same request id once more, inside its key life (S2, S3) */
  "resend",
  /** a new request id, because the attempt before is answered or certified absent (S2, S5) */
  "new-attempt",
  /** money has to be given back: recorded and told, and made by a person at the gateway's desk */
  "refund",
  /** nothing more is done, and nothing is said about the money */
  "drop",
] as const;
export type ReviewDecision = (typeof reviewDecisions)[number];

/**
 * Decisions that a second person confirms by default: those that move money, and those that say where it is. A
 * wrong `settle-as-declined` makes the merchant charge again, which is as bad as a wrong `resend`. `drop` says
 * nothing about money and tells no outcome.
 */
export const decidedByTwo: readonly ReviewDecision[] = [
  "settle-as-approved",
  "settle-as-declined",
  "resend",
  "new-attempt",
  "refund",
];

/** A decision as a person makes it. */
export type Wish = {
  readonly decision: ReviewDecision;
  /** who decides */
  readonly by: string;
  readonly reason: string;
  /** what this person knows beyond what the gateway says here: only ever a person's word */
  readonly stated?: string;
  /** the gateway's id of what it is about: what is given back, or what was taken */
  readonly transactionId?: string;
  /** how much is given back, minor units; the whole transaction where absent */
  readonly amount?: string;
};

export type DecisionEvent = Extract<HistoryEvent, { e: "proposed" | "decided" }>;

export const isDecisionEvent = (event: HistoryEvent): event is DecisionEvent =>
  event.e === "proposed" || event.e === "decided";

/** Decisions and proposals of a charge, oldest first. */
export const decisionsOf = ({ history }: Pick<LedgerEntry, "history">): readonly DecisionEvent[] =>
  history.filter(isDecisionEvent);

/** Decisions and proposals since the charge came to review the last time. */
export const sinceReview = (entry: LedgerEntry): readonly DecisionEvent[] => {
  // What is in review was recorded as that last.
  const from = entry.history.findLastIndex(({ e }) => e === "recorded");
  return decisionsOf({ history: entry.history.slice(from + 1) });
};

const textMax = { by: 100, reason: 500, stated: 1_000, transactionId: 100 } as const;

/** Anything that a terminal or a page would not show as text. */
const holdsControl = (text: string): boolean => /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u.test(text);

/** What is wrong with a wish as it was typed. No problem shows a value (S12). */
export const problemsOfWish = (wish: Wish): readonly Problem[] => {
  const problems: Problem[] = [];
  for (const [field, max] of Object.entries(textMax)) {
    const text = wish[field as keyof typeof textMax];
    if (text === undefined) continue;
    if (text.trim() === "" || text.length > max)
      problems.push({ field, must: `be 1 to ${max} characters that can be read` });
    else if (holdsControl(text)) problems.push({ field, must: "be on one line, without control characters" });
    else if (holdsCardNumber(text)) problems.push({ field, must: "not hold a card number" });
  }
  const must = problems.some(({ field }) => field === "by") ? undefined : problemOfName(wish.by);
  if (must !== undefined) problems.push({ field: "by", must });
  if (wish.amount !== undefined && !/^[1-9][0-9]{0,7}$/.test(wish.amount))
    problems.push({ field: "amount", must: "be digits, minor units, over 0 and under 10^8" });
  if (wish.decision !== "refund" && wish.amount !== undefined)
    problems.push({ field: "amount", must: "be given with refund alone" });
  if (wish.amount !== undefined && wish.transactionId === undefined)
    problems.push({ field: "amount", must: "name its transaction, too" });
  return problems;
};
