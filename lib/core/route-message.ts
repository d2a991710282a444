import type { Charge, ChargeId, GatewayName, Problem, RequestId } from "./charge.ts";
import type { RetryAdvice } from "./decline.ts";
import type { Evidence } from "./evidence.ts";
import type { Finding, RefundProposal } from "./finding.ts";
import { asString, defined, isJsonObject, type Json, type JsonObject, member, parseJson } from "./json.ts";
import type { LedgerEntry, Rejection, ReviewReason } from "./ledger.ts";
import type { NotedNotice } from "./notice.ts";
import type { Mismatch } from "./outcome.ts";
import type { ChargeQueueName } from "./queues.ts";
import { networkWordOf } from "./retry-rules/network-word.ts";
import { type DecisionEvent, isDecisionEvent, type ReviewDecision } from "./review-decision.ts";
import { queueOf } from "./verdict.ts";

/** A state that is told to a queue: every ledger state but `opened` and `waiting`. */
export type RoutedOutcome = Exclude<LedgerEntry["state"], "opened" | "waiting">;

/** What a rejected message rests on: its own text. */
export type MessageEvidence = {
  readonly kind: "message";
  readonly bodySha256: string;
  readonly problems: readonly Problem[];
};

/** What goes onto an outcome queue (contract, section 2). `id` is the same however often it is sent (S8). */
export type RouteMessage = {
  readonly v: 1;
  readonly id: string;
  readonly chargeId?: ChargeId;
  readonly gateway?: GatewayName;
  readonly attempt: number;
  readonly requestId?: RequestId;
  readonly outcome: RoutedOutcome;
  readonly category?: string;
  readonly code?: string;
  readonly networkCode?: string;
  readonly description?: string;
  readonly amount?: string;
  readonly currency?: string;
  readonly retry?: { readonly advice: RetryAdvice; readonly notBefore?: string };
  readonly reason?: ReviewReason | string;
  readonly mismatch?: Mismatch;
  /** a refund that a person may confirm (S13): every capture but the first */
  readonly refundProposal?: readonly RefundProposal[];
  /** what reconciliation found: both sides, and what to do next */
  readonly finding?: Finding;
  readonly evidence?: Evidence | MessageEvidence;
  /** by whom, where a person decided it; `hash` is the head of the audit record in the ledger */
  readonly decided?: { readonly decision: ReviewDecision; readonly by: string; readonly hash: string };
  readonly at: string;
  /** the message as accepted */
  readonly charge?: JsonObject;
  /** the text of a message that was not accepted: masked, and cut where it is very long */
  readonly message?: string;
};

export type Route = { readonly queue: ChargeQueueName; readonly message: RouteMessage };

const iso = (ms: number): string => new Date(ms).toISOString();

const refundProposal = (entry: LedgerEntry): RouteMessage["refundProposal"] => {
  if (entry.state !== "review" || entry.reason !== "double_charge" || entry.evidence.kind !== "feed_rows")
    return undefined;
  return entry.evidence.rows
    .slice(1)
    .flatMap(({ transactionId }): RefundProposal[] =>
      transactionId === undefined ? [] : [{ gateway: entry.gateway, transactionId }],
    );
};

/**
 * What may follow a decline, as far as it can be said without knowing the instrument: the category's word, or the
 * networks' where it is stricter; and from when on, where a count is full or Mastercard's advice names a wait.
 */
const retryOf = (entry: LedgerEntry): RouteMessage["retry"] => {
  if (!("ending" in entry)) return undefined;
  const { ending, finalAtMs, evidence, instrumentNetwork: network } = entry;
  const { retry, networkCode, adviceCode } = ending;
  if (retry === undefined) return undefined;
  if (retry !== "later") return { advice: retry };
  const word = networkWordOf({ network, networkCode, adviceCode }, { nowMs: finalAtMs, region: "global" });
  if (word.kind === "closes" || word.kind === "stops") return { advice: "never" };
  const fromMs =
    evidence.kind === "network_limit"
      ? evidence.untilMs
      : word.kind === "waits" && word.waitMs > 0
        ? finalAtMs + word.waitMs
        : undefined;
  return fromMs === undefined ? { advice: retry } : { advice: retry, notBefore: iso(fromMs) };
};

/**
 * The name of what is told of an entry: the same however often it is told (S8). A charge that a person has sent again
 * and that comes back to review is told again: a consumer has the first one behind it.
 */
export const routeIdOf = (entry: LedgerEntry): string => {
  const { chargeId, attempt, state, history } = entry;
  const id = `${chargeId}#${attempt}#${state}`;
  if (state !== "review") return id;
  const from = history.findLastIndex(({ e }) => e === "opened");
  const times = history.slice(from).filter((one) => one.e === "recorded" && one.state === "review").length;
  return times < 2 ? id : `${id}#${times}`;
};

/** What an outcome rests on that a person decided: the head of the audit record (`decision-chain.ts`). */
const decidedOf = (entry: LedgerEntry): RouteMessage["decided"] => {
  const last = entry.history.findLast(isDecisionEvent);
  return last?.e === "decided" && entry.state !== "review"
    ? { decision: last.decision, by: last.by, hash: last.hash }
    : undefined;
};

/**
 * The message that tells of a decision which ends with no outcome: money to give back, or nothing more to do. Its id
 * is one of its own, since the charge was told as in review before; `charge` is not in it.
 */
export const routeOfDecision = (
  entry: LedgerEntry,
  event: DecisionEvent,
  refund: RefundProposal | undefined,
): Route => ({
  queue: "review",
  message: defined({
    v: 1 as const,
    id: `${entry.chargeId}#${entry.attempt}#review#${event.decision}#${event.hash.slice(0, 16)}`,
    chargeId: entry.chargeId,
    gateway: entry.gateway,
    attempt: entry.attempt,
    requestId: entry.requestId,
    outcome: "review" as const,
    description: event.reason,
    amount: entry.amount,
    currency: entry.currency,
    reason: "reason" in entry ? entry.reason : undefined,
    refundProposal: refund === undefined ? undefined : [refund],
    decided: { decision: event.decision, by: event.by, hash: event.hash },
    at: iso(event.at),
  }) as RouteMessage,
});

/**
 * The message that tells an entry's outcome, or `undefined` while a worker still has the charge in hand.
 * @param charge the message as accepted; `undefined` where nobody holds it any more
 */
export const routeOfEntry = (entry: LedgerEntry, charge: Charge | undefined): Route | undefined => {
  const queue = queueOf[entry.state];
  if (queue === undefined || entry.state === "opened" || entry.state === "waiting") return undefined;
  const ended = "evidence" in entry ? entry : undefined;
  const { category, code, networkCode, description } = ended?.ending ?? {};
  return {
    queue,
    message: defined({
      v: 1 as const,
      id: routeIdOf(entry),
      chargeId: entry.chargeId,
      gateway: entry.gateway,
      attempt: entry.attempt,
      requestId: entry.requestId,
      outcome: entry.state,
      category,
      code,
      networkCode,
      description,
      amount: entry.amount,
      currency: entry.currency,
      retry: retryOf(entry),
      reason: "reason" in entry ? entry.reason : undefined,
      mismatch: entry.state === "review" ? entry.mismatch : undefined,
      refundProposal: refundProposal(entry),
      evidence: ended?.evidence,
      decided: decidedOf(entry),
      at: iso(ended?.finalAtMs ?? entry.updatedAtMs),
      charge: charge?.message,
    }) as RouteMessage,
  };
};

/**
 * The message that tells a rejection. A message without a readable charge id is named by its text's hash, so
 * that a repeat has the same id.
 */
export const routeOfRejection = (rejection: Rejection, text: string): Route => {
  const name = rejection.chargeId ?? `message.${rejection.bodySha256.slice(0, 32)}`;
  return {
    queue: "request-errors",
    message: defined({
      v: 1 as const,
      id: `${name}#0#request_error`,
      chargeId: rejection.chargeId,
      attempt: 0,
      outcome: "request_error" as const,
      code: rejection.code,
      description: rejection.problems
        .map(({ field, must }) => `${field} must ${must}`)
        .join("; ")
        .slice(0, 500),
      evidence: {
        kind: "message" as const,
        bodySha256: rejection.bodySha256,
        problems: rejection.problems,
      },
      at: iso(rejection.atMs),
      message: text,
    }) as RouteMessage,
  };
};

/**
 * The message that tells a person of a notice which contradicts what the ledger holds. Its id is one of its own:
 * the charge may have been told before, and be told again. `charge` is not in it: nobody holds it any more.
 */
export const routeOfNoted = (noted: NotedNotice, entry: Pick<LedgerEntry, "amount" | "currency">): Route => ({
  queue: "review",
  message: defined({
    v: 1 as const,
    id: `${noted.chargeId}#${noted.attempt}#review#${noted.id}`,
    chargeId: noted.chargeId,
    gateway: noted.gateway,
    attempt: noted.attempt,
    requestId: noted.requestId,
    outcome: "review" as const,
    code: noted.evidence.code,
    description: `the ledger has ${noted.state}; the gateway's notice says: ${noted.words}`,
    amount: entry.amount,
    currency: entry.currency,
    reason: noted.reason,
    mismatch: noted.mismatch,
    evidence: noted.evidence,
    at: iso(noted.atMs),
  }) as RouteMessage,
});

/** What a worker of `unknown-outcomes` needs of a message; the ledger holds the rest. */
export type UnknownMessage = { readonly chargeId: ChargeId; readonly charge: JsonObject };

/** Reads a message of the `unknown-outcomes` queue, or says what is wrong with it. Never throws. */
export const parseUnknownMessage = (body: string): UnknownMessage | { readonly problem: string } => {
  const message: Json | undefined = parseJson(body);
  if (!isJsonObject(message)) return { problem: "not a JSON object" };
  if (message["v"] !== 1) return { problem: "v: must be 1" };
  const chargeId = asString(message["chargeId"]);
  const charge = message["charge"];
  if (chargeId === undefined) return { problem: "chargeId: must be a string" };
  if (!isJsonObject(charge)) return { problem: "charge: must be an object" };
  if (member(charge, "chargeId") !== chargeId) return { problem: "charge.chargeId: must be the chargeId" };
  return { chargeId: chargeId as ChargeId, charge };
};
