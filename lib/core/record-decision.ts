import type { LeaseToken, RequestId } from "./charge.ts";
import { chained } from "./decision-chain.ts";
import { type GatewayWord, wordText } from "./gateway-word.ts";
import { defined } from "./json.ts";
import { type DecisionVerdict, type Effect, statedEvidence } from "./judge-decision.ts";
import {
  awaitAttempt,
  type FinalEntry,
  type LedgerEntry,
  nextEntry,
  type ReviewEntry,
  type UnknownEntry,
} from "./ledger.ts";
import type { DecisionEvent, Wish } from "./review-decision.ts";
import { queueOf } from "./verdict.ts";

export type DecidedBy = {
  readonly token: LeaseToken;
  readonly nowMs: number;
  /** of a new attempt */
  readonly requestId: RequestId;
  readonly sha256: (text: string) => string;
};

/**
 * The next version of a charge in review with a decision, or a proposal, in its history: its audit record and what it
 * does are one write. The caller replaces the entry that it was judged on, and no other (S7).
 */
export const recordDecision = (
  entry: ReviewEntry,
  verdict: Extract<DecisionVerdict, { kind: "proposes" | "decides" }>,
  wish: Wish,
  word: GatewayWord,
  by: DecidedBy,
): { readonly entry: LedgerEntry; readonly event: DecisionEvent } => {
  const confirms = verdict.kind === "decides" ? verdict.confirms : undefined;
  // What is given back is named, whether the person named it or it was found.
  const refunded = verdict.effect.kind === "refund" ? verdict.effect.refund.transactionId : undefined;
  const event = chained(
    entry,
    defined({
      e: verdict.kind === "decides" ? ("decided" as const) : ("proposed" as const),
      at: by.nowMs,
      decision: wish.decision,
      by: wish.by,
      reason: wish.reason,
      stated: wish.stated,
      transactionId: refunded ?? confirms?.transactionId ?? wish.transactionId,
      amount: confirms?.amount ?? wish.amount,
      saw: wordText(word),
      on: entry.token,
      confirms: confirms?.hash,
    }) as Omit<DecisionEvent, "hash">,
    by.sha256,
  );
  const decided = { ...entry, history: [...entry.history, event] };
  if (verdict.kind === "proposes") return { entry: stays(decided, {}, by), event };
  return { entry: carriedOut(decided, verdict.effect, event, confirms, by), event };
};

/** The entry stays in review, as it was but for its history. */
const stays = (
  { reason, evidence, finalAtMs, ending, mismatch, droppedAtMs, ...entry }: ReviewEntry,
  changes: { readonly droppedAtMs?: number },
  by: DecidedBy,
): ReviewEntry =>
  nextEntry<ReviewEntry>(
    entry as ReviewEntry,
    {
      state: "review",
      reason,
      evidence,
      finalAtMs,
      ending,
      ...(mismatch === undefined ? {} : { mismatch }),
      ...(droppedAtMs === undefined ? {} : { droppedAtMs }),
      ...changes,
    },
    {},
    by,
  );

const carriedOut = (
  entry: ReviewEntry,
  effect: Effect,
  event: DecisionEvent,
  confirms: DecisionEvent | undefined,
  by: DecidedBy,
): LedgerEntry => {
  switch (effect.kind) {
    case "settle": {
      const { state, ending, ids } = effect;
      const evidence =
        effect.evidence.kind === "persons_word"
          ? statedEvidence(event, confirms, effect.evidence.rows)
          : effect.evidence;
      return nextEntry<FinalEntry>(
        entry,
        { state, ending, evidence, finalAtMs: by.nowMs },
        {
          history: [...entry.history, { e: "recorded", at: by.nowMs, state, route: queueOf[state] }],
          ...(ids === undefined ? {} : { ids: { ...entry.ids, ...ids } }),
        },
        by,
      );
    }
    case "resend":
      return nextEntry<UnknownEntry>(
        entry,
        {
          state: "unknown",
          // A refusal in a word that no row knows stays one until the gateway has said another.
          reason: entry.reason === "unlisted_answer" ? "unlisted" : "no_answer",
          nextAct: "resend",
          nextAtMs: by.nowMs,
        },
        {
          history: [
            ...entry.history,
            { e: "recorded", at: by.nowMs, state: "unknown", route: queueOf.unknown },
          ],
        },
        by,
      );
    case "newAttempt":
      return awaitAttempt(entry, by);
    case "refund":
      return stays(entry, {}, by);
    case "drop":
      return stays(entry, { droppedAtMs: by.nowMs }, by);
  }
};
