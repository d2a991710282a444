import type { ChargeId } from "../core/charge.ts";
import { budgetOf, instrumentKeyOf } from "../core/instrument-record.ts";
import { awaitAttempt, type LedgerEntry } from "../core/ledger.ts";
import { isRetryable, type RetryableEntry } from "../core/plan-retry.ts";
import { retriesLater } from "../core/policy.ts";
import type { RetryDecision, RetryRecord, WishDecision } from "../core/retry-record.ts";
import { feeOf, limitIds } from "../core/retry-rules/limits.ts";
import type { RouteMessage } from "../core/route-message.ts";
import type { RetryReleaser } from "../ports.ts";
import { lastWordOf, noteDecision } from "./schedule-retries.ts";

/** How many are looked for at a time, and worked at once. */
const pageMax = 100;
const atOnce = 10;
/** What one release may take at the worst. */
const reserveMs = 15_000;

/**
 * Releases the later attempts that are due, the longest due first: the entry waits under a new request id, because the
 * attempt before was answered (S2) and, by its record, nobody has heard otherwise; then its charge's message goes onto
 * the queue of charges. What stops between the two is found again as it stands.
 * @returns how many were released
 * @throws `LedgerUnavailable` where the index cannot be read: the next turn begins anew
 */
export const releaseRetries = async (clerk: RetryReleaser): Promise<number> => {
  let released = 0;
  const seen = new Set<ChargeId>();
  for (;;) {
    // What failed in this turn stays due: it must not keep the turn from ending, nor those behind it from their own.
    const due = await clerk.due(clerk.clock.nowMs(), pageMax + seen.size);
    const fresh = due.filter((chargeId) => !seen.has(chargeId));
    if (fresh.length === 0) return released;
    for (let from = 0; from < fresh.length; from += atOnce) {
      if (clerk.remainingMs() < reserveMs) return released;
      const page = fresh.slice(from, from + atOnce);
      for (const chargeId of page) seen.add(chargeId);
      const ends = await Promise.all(page.map((chargeId) => releaseOrSay(chargeId, clerk)));
      released += ends.filter((end) => end).length;
    }
  }
};

const releaseOrSay = async (chargeId: ChargeId, clerk: RetryReleaser): Promise<boolean> => {
  try {
    return await release(chargeId, clerk);
  } catch (error) {
    clerk.log.event("message_failed", {
      chargeId,
      error: error instanceof Error ? `${error.name}: ${error.message}` : "unknown",
    });
    return false;
  }
};

/** A record whose attempt is due, with the message that holds its charge. */
type Due = RetryRecord & { readonly dueMs: number; readonly message: RouteMessage };

const isDue = (record: RetryRecord | undefined, nowMs: number): record is Due =>
  record?.state === "scheduled" &&
  record.message !== undefined &&
  record.dueMs !== undefined &&
  record.dueMs <= nowMs;

const release = async (chargeId: ChargeId, clerk: RetryReleaser): Promise<boolean> => {
  const record = await clerk.retries.read(chargeId);
  const nowMs = clerk.clock.nowMs();
  // The index lags behind.
  if (!isDue(record, nowMs)) return false;
  const entry = (await clerk.ledger.read([chargeId])).get(chargeId);
  if (isReleased(entry, record)) return finish(record, clerk);
  if (!isRetryable(entry) || entry.attempt !== record.attempt) {
    // Whoever moved it on has it in hand.
    await end(record, undefined, clerk);
    return false;
  }
  const held = await heldBack(entry, clerk);
  if (held !== undefined) return settle(entry, record, held, clerk);
  const waiting = awaitAttempt(entry, {
    requestId: clerk.ids.requestId(),
    token: clerk.ids.leaseToken(),
    nowMs,
  });
  const released = { ...record, token: clerk.ids.leaseToken() };
  const previous = { entry: entry.token, record: record.token };
  // Whoever has heard meanwhile that the money was taken has ended the record.
  if ((await clerk.release(previous, waiting, released)).kind === "lost") return false;
  clerk.log.metric("RetryLagMs", nowMs - record.dueMs, { gateway: record.gateway });
  return finish(released, clerk);
};

/**
 * Stopped after its entry was written, and before its message was sent or the record said so. What state the attempt is
 * in by now says nothing: a worker that stood still may have taken it up whose own message is long gone, and stops
 * wherever it stops, before the outcome is told for one.
 */
const isReleased = (entry: LedgerEntry | undefined, { attempt }: RetryRecord): boolean =>
  entry?.attempt === attempt + 1;

/** Sends the charge, and then says so: sent twice it does no harm, its lease is taken once. */
const finish = async (record: Due, clerk: RetryReleaser): Promise<boolean> => {
  if (record.message.charge === undefined) throw new Error("a scheduled retry without its charge");
  await clerk.sendCharge(record.message.charge);
  await end(record, { at: clerk.clock.nowMs(), attempt: record.attempt, kind: "released" }, clerk);
  clerk.log.event("retry_released", {
    chargeId: record.chargeId,
    gateway: record.gateway,
    attempt: record.attempt,
  });
  return true;
};

/** The record without its message: nobody needs it any more, and a token in it should not stay (S12). */
const end = async (
  record: RetryRecord,
  decision: RetryDecision | undefined,
  clerk: RetryReleaser,
): Promise<void> => {
  const { message: _message, dueMs: _dueMs, ...rest } = record;
  await clerk.retries.replace(record.token, {
    ...rest,
    token: clerk.ids.leaseToken(),
    state: decision?.kind === "released" ? "released" : "ended",
    decisions: decision === undefined ? rest.decisions : [...rest.decisions, decision],
  });
};

/** What became of the wish in the meantime: off, too late, forbidden, or not yet. */
const heldBack = async (entry: RetryableEntry, clerk: RetryReleaser): Promise<WishDecision | undefined> => {
  const { policy } = clerk;
  const nowMs = clerk.clock.nowMs();
  const base = { at: nowMs, attempt: entry.attempt };
  if (!retriesLater(policy)) return { ...base, kind: "refused", because: "retries_off" };
  if (entry.notAfterMs !== undefined && nowMs > entry.notAfterMs)
    return { ...base, kind: "refused", because: "past_not_after" };
  const key = instrumentKeyOf(entry, policy);
  if (key === undefined) return undefined;
  const budget = budgetOf(await clerk.instruments.read(key), entry, policy, nowMs);
  const rules = { nowMs, region: policy.retryRegion };
  if (budget.kind === "closed") {
    const fee = feeOf(budget.closure.rule, rules);
    return { ...base, kind: "refused", because: "instrument_closed", ...(fee && { fee }) };
  }
  if (budget.kind === "free") return undefined;
  const limit = limitIds.find((id) => id === budget.limit);
  const fee = limit && feeOf(limit, rules);
  return {
    ...base,
    kind: "postponed",
    dueMs: budget.untilMs,
    because: "network_limit",
    ...(limit && { limit }),
    ...(fee && { fee }),
  };
};

/** Puts it off, or tells the merchant that there is no later attempt: first told, then recorded (S8). */
const settle = async (
  entry: RetryableEntry,
  record: Due,
  decision: WishDecision,
  clerk: RetryReleaser,
): Promise<boolean> => {
  if (decision.kind !== "refused") {
    await clerk.retries.replace(record.token, {
      ...record,
      token: clerk.ids.leaseToken(),
      dueMs: decision.dueMs,
      decisions: [...record.decisions, decision],
    });
  } else {
    const off = decision.because === "retries_off";
    // Without a schedule a retryable decline is the merchant's to read, on the queue that has its name.
    await clerk.queues.send(
      off ? "retryable-declines" : "permanent-declines",
      off ? record.message : lastWordOf(record.message, decision.because),
    );
    await end(record, decision, clerk);
  }
  noteDecision(entry, decision, clerk);
  return false;
};
