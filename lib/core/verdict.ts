import type { Evidence } from "./evidence.ts";
import type {
  Ending,
  FinalEntry,
  FinalState,
  HeldAnswer,
  LedgerEntry,
  OpenedEntry,
  OpenReason,
  ReviewEntry,
  ReviewReason,
  UnknownEntry,
  WaitingEntry,
} from "./ledger.ts";
import { IllegalTransition, isFinal, nextEntry } from "./ledger.ts";
import type { Mismatch } from "./outcome.ts";
import type { ChargeQueueName } from "./queues.ts";
import type { GatewayIds } from "./reply.ts";

/** What is to be done about a charge now. */
export type Verdict =
  | {
      readonly kind: "settle";
      readonly state: Exclude<FinalState, "expired">;
      readonly ending: Ending;
      readonly evidence: Evidence;
      readonly ids?: GatewayIds;
    }
  | {
      readonly kind: "review";
      readonly reason: ReviewReason;
      readonly evidence: Evidence;
      readonly ending?: Ending;
      readonly mismatch?: Mismatch;
    }
  | {
      readonly kind: "wait";
      readonly state: "unknown" | "pending";
      readonly reason: OpenReason;
      readonly nextAct: "resend" | "lookUp";
      readonly atMs: number;
      readonly held?: HeldAnswer;
    }
  /** never sent: give the message back and let a later delivery send it */
  | { readonly kind: "sendAgain"; readonly atMs: number }
  /** the same request id again, by the same worker, under the same lease */
  | { readonly kind: "resendNow"; readonly afterMs: number };

export type RecordedVerdict = Exclude<Verdict, { kind: "resendNow" }>;

/** The queue of each state that ends on one, or `undefined` while a worker still has the charge in hand. */
export const queueOf = {
  opened: undefined,
  waiting: undefined,
  unknown: "unknown-outcomes",
  pending: "unknown-outcomes",
  approved: "approved",
  declined_permanent: "permanent-declines",
  declined_retryable: "retryable-declines",
  request_error: "request-errors",
  expired: "request-errors",
  review: "review",
} as const satisfies Readonly<Record<LedgerEntry["state"], ChargeQueueName | undefined>>;

/** Every queue that an outcome is told to. */
export const outcomeQueues: readonly ChargeQueueName[] = [
  ...new Set(Object.values(queueOf).filter((queue) => queue !== undefined)),
];

/** The entry that records a verdict. */
export const recordVerdict = (
  entry: OpenedEntry | UnknownEntry | WaitingEntry,
  verdict: RecordedVerdict,
  by: { readonly token: LedgerEntry["token"]; readonly nowMs: number },
): LedgerEntry => {
  // A retryable decline may wait for a later attempt, but nothing that is found out later is recorded over it (S15).
  if (isFinal(entry)) throw new IllegalTransition(`nothing is recorded over ${(entry as LedgerEntry).state}`);
  const recorded = (state: Exclude<LedgerEntry["state"], "opened" | "waiting">) => [
    ...entry.history,
    { e: "recorded", at: by.nowMs, state, route: queueOf[state] } as const,
  ];
  switch (verdict.kind) {
    case "settle":
      return nextEntry<FinalEntry>(
        entry,
        { state: verdict.state, ending: verdict.ending, evidence: verdict.evidence, finalAtMs: by.nowMs },
        {
          history: recorded(verdict.state),
          ...(verdict.ids === undefined || Object.keys(verdict.ids).length === 0 ? {} : { ids: verdict.ids }),
        },
        by,
      );
    case "review":
      return nextEntry<ReviewEntry>(
        entry,
        {
          state: "review",
          reason: verdict.reason,
          evidence: verdict.evidence,
          ending: verdict.ending ?? {},
          finalAtMs: by.nowMs,
          ...(verdict.mismatch === undefined ? {} : { mismatch: verdict.mismatch }),
        },
        { history: recorded("review") },
        by,
      );
    case "wait": {
      // What the gateway has accepted stays accepted: a later look that sees less does not unsay it.
      const state = entry.state === "pending" ? "pending" : verdict.state;
      return nextEntry<UnknownEntry>(
        entry,
        {
          state,
          reason: verdict.reason,
          nextAtMs: verdict.atMs,
          nextAct: verdict.nextAct,
        },
        {
          // Waiting again in the same state is not worth a line: the look-up has its own.
          history: entry.state === state ? entry.history : recorded(state),
          ...(verdict.held === undefined ? {} : { held: verdict.held }),
        },
        by,
      );
    }
    case "sendAgain": {
      if (entry.lastSendAtMs !== undefined)
        throw new IllegalTransition("what was sent does not wait unsent (S3)");
      // Nothing was sent yet, so the key life has not begun either.
      const { firstSendAtMs: _unsent, ...unsent } = entry;
      return nextEntry<WaitingEntry>(
        unsent as OpenedEntry,
        { state: "waiting", nextAtMs: verdict.atMs },
        {},
        by,
      );
    }
  }
};
