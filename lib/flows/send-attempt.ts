import { classify } from "../core/classify.ts";
import { decide, noteSend, type Sent } from "../core/decide.ts";
import type { LedgerEntry, OpenedEntry } from "../core/ledger.ts";
import { maskedExcerpt } from "../core/masked-message.ts";
import type { Outcome } from "../core/outcome.ts";
import { keyLifeEndMs } from "../core/policy.ts";
import { type RecordedVerdict, recordVerdict } from "../core/verdict.ts";
import type { Limit, Worker } from "../ports.ts";
import { type Addressed, hasTimeFor, stamp } from "./charge-worker.ts";
import { pacedSend } from "./paced-send.ts";
import { prepareAttempt } from "./prepare-attempt.ts";
import { replaceEntry } from "./replace-entry.ts";

const masked = (outcome: Outcome, secrets: readonly string[]): Outcome =>
  "description" in outcome && outcome.description !== undefined
    ? { ...outcome, description: maskedExcerpt(outcome.description, secrets, 200) }
    : outcome;

/**
 * The entry with the last poll of an accepted charge in the place of those before it. That it was accepted
 * stays open until something accounts for it; a poll that was not sent leaves the one before standing.
 */
const notePoll = (before: OpenedEntry, sent: Sent, polls: number, last: OpenedEntry): OpenedEntry => {
  if (sent.transport.kind === "neverSent") return last;
  const noted = noteSend({ ...before, lookups: before.lookups + polls }, sent);
  return { ...noted, openSends: before.openSends + 1 };
};

/**
 * Sends an attempt whose lease this worker holds, and again under the same request id where the policy, the
 * lease, the key life and the remaining time allow it. Nothing is written here.
 */
const sendAttempt = async (
  entry: OpenedEntry,
  { charge, gateway }: Addressed,
  worker: Worker,
): Promise<{ readonly entry: OpenedEntry; readonly verdict: RecordedVerdict }> => {
  const { clock, policy, log } = worker;
  const secrets = gateway.secretsOf(charge);
  const asked = {
    chargeId: charge.chargeId,
    requestId: entry.requestId,
    amountMinor: charge.money.amountMinor,
    currency: charge.money.currency,
  };
  const request = gateway.chargeRequest(charge, entry.requestId, entry.preparation?.prepared);
  const pollMs = gateway.pollMsOf?.(charge);
  /** the entry without the sends of this series: each poll of an accepted charge replaces the one before */
  let before = entry;
  let last = entry;
  let polls = 0;
  for (;;) {
    const keyLifeEnd = keyLifeEndMs(policy, before.firstSendAtMs ?? before.openedAtMs);
    const firstSend = before.lastSendAtMs === undefined && polls === 0;
    // The key life bounds what is sent again (S3); the first send of an id is bounded by its lease and its time.
    const notAfterMs = Math.min(
      before.leaseUntilMs,
      firstSend ? (charge.notAfterMs ?? Number.POSITIVE_INFINITY) : keyLifeEnd,
    );
    const { transport, atMs, tookMs } = await pacedSend(
      gateway,
      "charge",
      request,
      { timeoutMs: worker.gatewayTimeoutMs, notAfterMs },
      worker,
    );
    const outcome = masked(classify(transport, asked, gateway.rules), secrets);
    const sent: Sent = {
      atMs,
      tookMs,
      transport,
      outcome,
      ...(transport.kind === "replied"
        ? { excerpt: maskedExcerpt(gateway.excerptOf(transport), secrets, 240) }
        : {}),
    };
    const current = polls === 0 ? noteSend(before, sent) : notePoll(before, sent, polls, last);
    last = current;
    log.event("charge_sent", {
      chargeId: charge.chargeId,
      requestId: entry.requestId,
      gateway: gateway.name,
      attempt: entry.attempt,
      outcome: outcome.kind,
      durationMs: tookMs,
      ...(transport.kind === "replied" ? { status: transport.status } : { cause: transport.cause }),
      ...("code" in outcome ? { code: outcome.code } : {}),
    });
    log.metric("GatewayLatencyMs", tookMs, { gateway: gateway.name });
    const nowMs = clock.nowMs();
    const canSendAfter = (afterMs: number): boolean =>
      nowMs + afterMs <= keyLifeEnd &&
      nowMs + afterMs + worker.gatewayTimeoutMs <= current.leaseUntilMs &&
      hasTimeFor(worker, afterMs);
    if (outcome.kind === "pending" && pollMs !== undefined && canSendAfter(pollMs)) {
      await clock.sleep(pollMs);
      polls += 1;
      continue;
    }
    const verdict = decide(current, sent, policy, nowMs, canSendAfter);
    if (verdict.kind !== "resendNow") return { entry: current, verdict };
    log.metric("Resends", 1, { gateway: gateway.name });
    await clock.sleep(verdict.afterMs);
    before = { ...current, resends: current.resends + 1 };
    polls = 0;
  }
};

/**
 * Sends an attempt and records what became of it, under the lease that `entry` names (S7).
 * @returns the entry as recorded, or `lost` where the lease had gone to another worker: its word counts then.
 * @throws `LedgerUnavailable`: the lease runs out, and whoever comes next treats the attempt as unknown.
 */
export const workAttempt = async (
  entry: OpenedEntry,
  addressed: Addressed & { readonly exchange?: Limit },
  worker: Worker,
): Promise<LedgerEntry | "lost"> => {
  const { exchange = (task) => task() } = addressed;
  const sent = await exchange(async () => {
    const prepared = await prepareAttempt(entry, addressed, worker);
    if (prepared.kind === "lost") return "lost";
    const standing = prepared.kind === "ready" ? prepared.entry : entry;
    const [ended] = await Promise.all([
      prepared.kind === "ready" ? sendInTime(standing, addressed, worker) : prepared,
      prepared.kind === "ready" ? referNotices(standing, addressed, worker) : undefined,
    ]);
    return { standing, ended };
  });
  if (sent === "lost") return "lost";
  const { standing, ended } = sent;
  const recorded = recordVerdict(ended.entry, ended.verdict, stamp(worker));
  return (await replaceEntry(standing, recorded, worker)) ? recorded : "lost";
};

/**
 * Remembers the gateway's own name for this charge, under which its notices will come. Beside the send, and
 * never in its way: a charge without it loses no more than its notices.
 */
const referNotices = async (
  entry: OpenedEntry,
  { charge, gateway }: Addressed,
  worker: Worker,
): Promise<void> => {
  const reference = gateway.noticeReferenceOf?.(charge, entry.requestId, entry.preparation?.prepared);
  if (reference === undefined || entry.lastSendAtMs !== undefined) return;
  try {
    await worker.notices?.refer(gateway.name, reference, charge.chargeId);
  } catch (error) {
    worker.log.event("notice_failed", {
      chargeId: charge.chargeId,
      gateway: gateway.name,
      error: error instanceof Error ? `${error.name}: ${error.message}` : "unknown",
    });
  }
};

/**
 * Sends, unless waiting for a place on the way, or preparing, took the time that a send needs: then another
 * invocation sends, on what was made. What was sent before is not given back as if it had not been: its key life
 * goes on counting (S3), and it is sent within that and its lease, or not at all.
 */
const sendInTime = async (
  prepared: OpenedEntry,
  addressed: Addressed,
  worker: Worker,
): Promise<{ readonly entry: OpenedEntry; readonly verdict: RecordedVerdict }> =>
  prepared.lastSendAtMs !== undefined || hasTimeFor(worker, 0)
    ? sendAttempt(prepared, addressed, worker)
    : { entry: prepared, verdict: { kind: "sendAgain", atMs: worker.clock.nowMs() } };
