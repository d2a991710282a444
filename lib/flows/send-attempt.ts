import { classify } from "../core/classify.ts";
import { decide, noteSend, type Sent } from "../core/decide.ts";
import type { LedgerEntry, OpenedEntry } from "../core/ledger.ts";
import { maskedExcerpt } from "../core/masked-message.ts";
import type { Outcome } from "../core/outcome.ts";
import { keyLifeEndMs } from "../core/policy.ts";
import { type RecordedVerdict, recordVerdict } from "../core/verdict.ts";
import type { Worker } from "../ports.ts";
import { type Addressed, hasTimeFor, stamp } from "./charge-worker.ts";

const masked = (outcome: Outcome, secrets: readonly string[]): Outcome =>
  "description" in outcome && outcome.description !== undefined
    ? { ...outcome, description: maskedExcerpt(outcome.description, secrets, 200) }
    : outcome;

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
  let current = entry;
  for (;;) {
    const keyLifeEnd = keyLifeEndMs(policy, current.firstSendAtMs ?? current.openedAtMs);
    const firstSend = current.lastSendAtMs === undefined;
    const notAfterMs = Math.min(
      current.leaseUntilMs,
      keyLifeEnd,
      firstSend ? (charge.notAfterMs ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY,
    );
    const atMs = clock.nowMs();
    const transport = await worker.wire.send(gateway.chargeRequest(charge, entry.requestId), {
      timeoutMs: worker.gatewayTimeoutMs,
      notAfterMs,
    });
    const tookMs = Math.max(0, clock.nowMs() - atMs);
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
    current = noteSend(current, sent);
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
    const verdict = decide(
      current,
      sent,
      policy,
      nowMs,
      (afterMs) =>
        nowMs + afterMs <= keyLifeEnd &&
        nowMs + afterMs + worker.gatewayTimeoutMs <= current.leaseUntilMs &&
        hasTimeFor(worker, afterMs),
    );
    if (verdict.kind !== "resendNow") return { entry: current, verdict };
    log.metric("Resends", 1, { gateway: gateway.name });
    await clock.sleep(verdict.afterMs);
    current = { ...current, resends: current.resends + 1 };
  }
};

/**
 * Sends an attempt and records what became of it, under the lease that `entry` names (S7).
 * @returns the entry as recorded, or `lost` where the lease had gone to another worker: its word counts then.
 * @throws `LedgerUnavailable`: the lease runs out, and whoever comes next treats the attempt as unknown.
 */
export const workAttempt = async (
  entry: OpenedEntry,
  addressed: Addressed,
  worker: Worker,
): Promise<LedgerEntry | "lost"> => {
  const sent = await sendAttempt(entry, addressed, worker);
  const recorded = recordVerdict(sent.entry, sent.verdict, stamp(worker));
  return (await replaceEntry(entry, recorded, worker)) ? recorded : "lost";
};

/** Writes the next version of an entry, if the one it was made from still stands (S7). */
export const replaceEntry = async (from: LedgerEntry, to: LedgerEntry, worker: Worker): Promise<boolean> => {
  const members = {
    chargeId: to.chargeId,
    requestId: to.requestId,
    gateway: to.gateway,
    attempt: to.attempt,
    state: to.state,
  };
  const written = await worker.ledger.replace(from.token, to);
  if (written.kind === "lost") {
    worker.log.event("lease_lost", members);
    return false;
  }
  worker.log.event("charge_recorded", {
    ...members,
    ...("reason" in to ? { reason: to.reason } : {}),
    ...("ending" in to && to.ending.code !== undefined ? { code: to.ending.code } : {}),
    ...("ending" in to && to.ending.category !== undefined ? { category: to.ending.category } : {}),
  });
  if (from.state !== to.state)
    worker.log.metric("ChargeOutcome", 1, { gateway: to.gateway, outcome: to.state });
  if (to.state === "review") {
    worker.log.metric("MoneyToReview", Number(to.amount), { gateway: to.gateway, currency: to.currency });
    if (to.reason === "double_charge") {
      worker.log.event("double_charge", { ...members, amount: to.amount, currency: to.currency });
      worker.log.metric("DoubleCharges", 1, { gateway: to.gateway });
    }
  }
  return true;
};
