import { canonicalJson, type Json } from "./json.ts";
import type { HistoryEvent, LedgerEntry } from "./ledger.ts";
import { isSamePerson } from "./person-name.ts";
import { type DecisionEvent, isDecisionEvent } from "./review-decision.ts";

/**
 * The audit record of people's decisions: one chain a charge, in the charge's own history. It is written by the same
 * conditional write as what it decides, so there is no decision without its record and no lock. Each hash covers the
 * charge's whole history up to its own event, the hashes before it and what the decision was made on among it.
 *
 * Whoever may write the table could compute a whole new chain: what it cannot do is change one that somebody else
 * has the head of. Route messages carry it, `review verify` prints all of them, and compares with those of before.
 */
export type DecisionHead = { readonly chargeId: string; readonly decisions: number; readonly hash: string };

type Unhashed<E> = E extends DecisionEvent ? Omit<E, "hash"> : never;

/** The event with its hash, to be the last one of the history that it was made on. */
export const chained = (
  entry: Pick<LedgerEntry, "chargeId" | "fingerprint" | "history">,
  event: Unhashed<DecisionEvent>,
  sha256: (text: string) => string,
): DecisionEvent => ({ ...event, hash: hashOf(entry, entry.history, event, sha256) }) as DecisionEvent;

const hashOf = (
  { chargeId, fingerprint }: Pick<LedgerEntry, "chargeId" | "fingerprint">,
  before: readonly HistoryEvent[],
  event: Unhashed<DecisionEvent>,
  sha256: (text: string) => string,
): string => sha256(canonicalJson({ chargeId, fingerprint, history: [...before, event] } as unknown as Json));

/** What is wrong with a charge's record of decisions, in words; empty: nothing. */
export const chainProblems = (entry: LedgerEntry, sha256: (text: string) => string): readonly string[] => {
  const problems: string[] = [];
  const { history } = entry;
  const decisions = history.filter(isDecisionEvent);
  let inReview = false;
  for (const [place, event] of history.entries()) {
    if (isDecisionEvent(event)) {
      const { hash, ...unhashed } = event;
      if (hashOf(entry, history.slice(0, place), unhashed as Unhashed<DecisionEvent>, sha256) !== hash)
        problems.push(`event ${place + 1}: ${event.e} ${event.decision}: its hash is another`);
      if (!inReview) problems.push(`event ${place + 1}: ${event.e} ${event.decision}, not in review`);
      if (event.confirms !== undefined) {
        const confirmed = decisions.find(({ hash: proposed }) => proposed === event.confirms);
        if (confirmed?.decision !== event.decision)
          problems.push(`event ${place + 1}: confirms a proposal that is not there`);
        else if (isSamePerson(confirmed.by, event.by))
          problems.push(`event ${place + 1}: confirmed by the person who proposed it`);
      }
      if (event.e === "decided" && leavesReview(event)) inReview = false;
    } else if (event.e === "recorded" && event.state === "review") inReview = true;
    else if (inReview) {
      problems.push(`event ${place + 1}: ${event.e} without a decision`);
      inReview = false;
    }
  }
  if (inReview !== (entry.state === "review"))
    problems.push(`it is ${entry.state}, which its history does not say`);
  if ("evidence" in entry && entry.evidence.kind === "stated") {
    const { decision } = entry.evidence;
    if (!decisions.some(({ e, hash }) => e === "decided" && hash === decision))
      problems.push("its evidence names a decision that is not there");
  }
  return problems;
};

/** The state that a decision leads to is recorded after it; what stays in review has nothing after it. */
const leavesReview = ({ decision }: DecisionEvent): boolean => decision !== "refund" && decision !== "drop";

/** The last hash of a charge's chain, or `undefined` where nobody has decided anything. */
export const headOf = ({ chargeId, history }: LedgerEntry): DecisionHead | undefined => {
  const decisions = history.filter(isDecisionEvent);
  const last = decisions.at(-1);
  return last === undefined ? undefined : { chargeId, decisions: decisions.length, hash: last.hash };
};

/** Whether a chain still goes through a head that was seen before. */
export const stillHolds = (entry: LedgerEntry | undefined, head: DecisionHead): boolean =>
  entry?.history.filter(isDecisionEvent)[head.decisions - 1]?.hash === head.hash;
