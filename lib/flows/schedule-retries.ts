import { backoffMs } from "../core/backoff.ts";
import type { ChargeId } from "../core/charge.ts";
import { instrumentKeyOf } from "../core/instrument-record.ts";
import { isJsonObject, parseJson } from "../core/json.ts";
import { isRetryable, planRetry, type RetryableEntry } from "../core/plan-retry.ts";
import { retriesLater } from "../core/policy.ts";
import type { RetryRecord, WishDecision } from "../core/retry-record.ts";
import type { RouteMessage } from "../core/route-message.ts";
import type { Delivery, DeliveryEnd, RetryClerk } from "../ports.ts";

/** What this version cannot read must not be lost: another one may. As long as SQS hides a message. */
const parkedMs = 43_000_000;
const soonMs = 1_000;

const done: DeliveryEnd = { kind: "done" };
const giveBack = (delayMs: number): DeliveryEnd => ({ kind: "giveBack", delayMs });

/** Tells a decision to the log and its metric. */
export const noteDecision = (
  entry: RetryableEntry,
  decision: WishDecision,
  { log }: Pick<RetryClerk, "log">,
): void => {
  const { because } = decision;
  log.event("retry_decided", {
    chargeId: entry.chargeId,
    gateway: entry.gateway,
    attempt: entry.attempt,
    outcome: decision.kind,
    reason: because,
    ...("dueMs" in decision ? { delayMs: Math.max(0, Math.round(decision.dueMs - decision.at)) } : {}),
  });
  log.metric("RetryDecisions", 1, { gateway: entry.gateway, outcome: decision.kind, reason: because });
};

/** The merchant's last word on a retryable decline: there will be no later attempt, and why. */
export const lastWordOf = (message: RouteMessage, because: string): RouteMessage => ({
  ...message,
  reason: because,
  retry: { advice: "never" },
});

const readDecline = (body: string): RouteMessage | undefined => {
  const message = parseJson(body);
  if (!isJsonObject(message) || message["v"] !== 1 || typeof message["chargeId"] !== "string")
    return undefined;
  const isDecline = message["outcome"] === "declined_retryable" && isJsonObject(message["charge"]);
  return isDecline && typeof message["attempt"] === "number"
    ? (message as unknown as RouteMessage)
    : undefined;
};

/**
 * A retryable decline: its charge is put into the ledger's due index for a later attempt, with the message that holds
 * it, or the merchant is told that there is none. Doing it twice changes nothing: the record names the attempt that
 * it is about. The message goes when that stands (S8).
 * @throws `LedgerUnavailable`: the message comes back
 */
const scheduleRetry = async (delivery: Delivery, clerk: RetryClerk): Promise<DeliveryEnd> => {
  const message = readDecline(delivery.body);
  if (message === undefined) {
    clerk.log.event("message_failed", { messageId: delivery.messageId, error: "not a retryable decline" });
    return giveBack(parkedMs);
  }
  const chargeId = message.chargeId as ChargeId;
  const [entries, before] = await Promise.all([clerk.ledger.read([chargeId]), clerk.retries.read(chargeId)]);
  const entry = entries.get(chargeId);
  if (entry === undefined) {
    clerk.log.event("message_failed", { messageId: delivery.messageId, error: "not in the ledger" });
    return giveBack(parkedMs);
  }
  // A copy of what was decided already, or of a charge that has gone on since.
  if (!isRetryable(entry) || entry.attempt !== message.attempt) return done;
  const known = before !== undefined && before.attempt >= entry.attempt;
  if (known && before.state !== "ended") return done;
  const last = known ? before.decisions.at(-1) : undefined;
  if (last?.kind === "refused") {
    // A person was told what became of it: that it failed would be a lie.
    if (last.because === "money_taken") return done;
    await clerk.queues.send("permanent-declines", lastWordOf(message, last.because));
    return done;
  }

  const { retryScheduleMs } = clerk.policy;
  const key = instrumentKeyOf(entry, clerk.policy);
  const instrument = key === undefined ? undefined : await clerk.instruments.read(key);
  const nowMs = clerk.clock.nowMs();
  // Switched off: it is the merchant's to read, and stays.
  if (!retriesLater(clerk.policy)) return giveBack(parkedMs);
  const at = { nowMs, fraction: clerk.ids.fraction() };
  const { next, decision } = planRetry(entry, instrument, retryScheduleMs, clerk.policy, at);
  const record: RetryRecord = {
    v: 1,
    chargeId,
    gateway: entry.gateway,
    token: clerk.ids.leaseToken(),
    attempt: entry.attempt,
    decisions: [...(before?.decisions ?? []), decision],
    ...(next.kind === "at" ? { state: "scheduled", dueMs: next.atMs, message } : { state: "ended" }),
  };
  const written = await clerk.retries.replace(before?.token, record);
  if (written.kind === "lost") return giveBack(soonMs);
  noteDecision(entry, decision, clerk);
  if (next.kind === "never") await clerk.queues.send("permanent-declines", lastWordOf(message, next.because));
  return done;
};

/** A batch of the `retryable-declines` queue. One delivery's failure is its own. */
export const scheduleRetries = async (
  deliveries: readonly Delivery[],
  clerk: RetryClerk,
): Promise<ReadonlyMap<string, DeliveryEnd>> => {
  const ends = await Promise.all(
    deliveries.map(async (delivery): Promise<readonly [string, DeliveryEnd]> => {
      try {
        return [delivery.messageId, await scheduleRetry(delivery, clerk)];
      } catch (error) {
        clerk.log.event("message_failed", {
          messageId: delivery.messageId,
          error: error instanceof Error ? `${error.name}: ${error.message}` : "unknown",
        });
        return [delivery.messageId, giveBack(backoffMs(delivery.receives, clerk.ids.fraction()))];
      }
    }),
  );
  return new Map(ends);
};
