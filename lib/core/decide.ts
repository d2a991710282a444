import { adviceOf, routeOf } from "./decline.ts";
import type { ReplyEvidence } from "./evidence.ts";
import type { Ending, HistoryEvent, OpenedEntry } from "./ledger.ts";
import { nextLookAtMs } from "./lookup-schedule.ts";
import type { Outcome } from "./outcome.ts";
import type { Policy } from "./policy.ts";
import type { GatewayIds } from "./reply.ts";
import type { Transport } from "./transport.ts";
import type { Verdict } from "./verdict.ts";

/** One send and what it proved. */
export type Sent = {
  /** when it began */
  readonly atMs: number;
  readonly tookMs: number;
  readonly transport: Transport;
  readonly outcome: Outcome;
  /** what of the answer may be kept: masked and short */
  readonly excerpt?: string;
};

const codeOf = (outcome: Outcome): string | undefined => ("code" in outcome ? outcome.code : undefined);
const idsOf = (outcome: Outcome): GatewayIds => ("ids" in outcome ? outcome.ids : {});

const eventOf = ({ atMs, tookMs, transport, outcome, excerpt }: Sent): HistoryEvent => {
  switch (transport.kind) {
    case "neverSent":
      return { e: "never_sent", at: atMs, cause: transport.cause };
    case "sentUnanswered":
      return { e: "unanswered", at: atMs, ms: tookMs, cause: transport.cause };
    case "replied": {
      const code = codeOf(outcome);
      return {
        e: "replied",
        at: atMs,
        ms: tookMs,
        status: transport.status,
        ...(code === undefined ? {} : { code }),
        sha256: transport.bodySha256,
        ...(excerpt === undefined ? {} : { excerpt }),
      };
    }
  }
};

/**
 * The entry with one more send in its history. A send that may have arrived begins the wait for look-ups
 * anew, and stays open until something accounts for it.
 */
export const noteSend = (entry: OpenedEntry, sent: Sent): OpenedEntry => {
  const history = [...entry.history, eventOf(sent)];
  if (sent.transport.kind === "neverSent") return { ...entry, history };
  const ids = { ...entry.ids, ...idsOf(sent.outcome) };
  return {
    ...entry,
    history,
    sends: entry.sends + 1,
    // Accepted is open, too: a later no may be an answer to something else.
    openSends: entry.openSends + (sent.outcome.kind === "unknown" || sent.outcome.kind === "pending" ? 1 : 0),
    lastSendAtMs: sent.atMs,
    looked: 0,
    lookFailures: 0,
    absences: [],
    ...(Object.keys(ids).length === 0 ? {} : { ids }),
  };
};

const replyEvidence = (sent: Sent, code: string): ReplyEvidence | undefined => {
  if (sent.transport.kind !== "replied") return undefined;
  return {
    kind: "reply",
    atMs: sent.atMs + sent.tookMs,
    status: sent.transport.status,
    code,
    bodySha256: sent.transport.bodySha256,
    ...idsOf(sent.outcome),
  };
};

/** State and ending of an answer that says no. */
export const endingOf = (
  outcome: Extract<Outcome, { kind: "declined" | "requestError" }>,
): {
  readonly state: "declined_permanent" | "declined_retryable" | "request_error";
  readonly ending: Ending;
} => {
  const description = outcome.description === undefined ? {} : { description: outcome.description };
  if (outcome.kind === "requestError")
    return { state: "request_error", ending: { code: outcome.code, ...description } };
  return {
    state: routeOf[outcome.category] === "retryable-declines" ? "declined_retryable" : "declined_permanent",
    ending: {
      category: outcome.category,
      code: outcome.code,
      ...(outcome.networkCode === undefined ? {} : { networkCode: outcome.networkCode }),
      ...(outcome.adviceCode === undefined ? {} : { adviceCode: outcome.adviceCode }),
      ...description,
      retry: adviceOf[outcome.category],
    },
  };
};

/**
 * What follows a send. `entry` already holds it (`noteSend`). Total: every outcome ends in one verdict.
 *
 * An answer that says no ends the attempt only when no earlier send is open: the gateway may have taken the
 * money on the send whose answer was lost, and a resend may be answered from somewhere else (an expired key,
 * a second run of the same id). Then it is held, and look-ups confirm it.
 * @param canResendNow whether lease, key life and the function's remaining time allow a send after that wait
 */
export const decide = (
  entry: OpenedEntry,
  sent: Sent,
  policy: Policy,
  nowMs: number,
  canResendNow: (afterMs: number) => boolean,
): Verdict => {
  const { outcome } = sent;
  const lookUp = (reason: Extract<Verdict, { kind: "wait" }>["reason"]): Verdict => ({
    kind: "wait",
    state: "unknown",
    reason,
    nextAct: "lookUp",
    atMs: nextLookAtMs(policy, entry, nowMs) ?? nowMs,
  });
  switch (outcome.kind) {
    case "approved": {
      const evidence = replyEvidence(sent, outcome.code);
      if (evidence === undefined) return lookUp("contradiction");
      // The id may be answered as before the void, which gave back what was paid.
      if (entry.voidingAtMs !== undefined)
        return {
          kind: "review",
          reason: "refunded_or_charged_back",
          evidence,
          ending: { code: outcome.code },
        };
      return {
        kind: "settle",
        state: "approved",
        ending: { code: outcome.code },
        evidence,
        ids: outcome.ids,
      };
    }
    case "mismatch": {
      const evidence = replyEvidence(sent, outcome.code);
      if (evidence === undefined) return lookUp("contradiction");
      return {
        kind: "review",
        reason: "mismatch",
        evidence,
        ending: { code: outcome.code },
        mismatch: outcome.mismatch,
      };
    }
    case "declined":
    case "requestError": {
      const evidence = replyEvidence(sent, outcome.code);
      if (evidence === undefined) return lookUp("contradiction");
      const { state, ending } = endingOf(outcome);
      const conclusive = outcome.kind === "declined" && outcome.conclusive === true;
      if (entry.openSends === 0 || conclusive)
        return { kind: "settle", state, ending, evidence, ids: idsOf(outcome) };
      return {
        kind: "wait",
        state: "unknown",
        reason: "answer_to_confirm",
        nextAct: "lookUp",
        atMs: nextLookAtMs(policy, entry, nowMs) ?? nowMs,
        held: { state, ending, evidence },
      };
    }
    case "pending":
      return {
        kind: "wait",
        state: "pending",
        reason: "gateway_pending",
        nextAct: "lookUp",
        atMs: nextLookAtMs(policy, entry, nowMs) ?? nowMs,
      };
    case "notProcessed":
      // An earlier send of this request id makes it the look-ups' business, whatever became of this one.
      if (entry.lastSendAtMs !== undefined) return lookUp("no_answer");
      return { kind: "sendAgain", atMs: nowMs };
    case "unknown":
      switch (outcome.why) {
        case "no_answer":
          if (entry.resends < policy.resendsMax && canResendNow(policy.resendDelayMs))
            return { kind: "resendNow", afterMs: policy.resendDelayMs };
          return lookUp("no_answer");
        case "gateway_fault":
          if (entry.faultResends < policy.faultResendsMax)
            return {
              kind: "wait",
              state: "unknown",
              reason: "gateway_fault",
              nextAct: "resend",
              atMs: nowMs + policy.faultResendDelayMs * 2 ** entry.faultResends,
            };
          return lookUp("gateway_fault");
        case "unlisted_status":
        case "unreadable":
        case "unlisted":
        case "contradiction":
        case "not_a_capture":
        case "unconfirmed":
          return lookUp(outcome.why);
      }
  }
};
