import { outcomeOfReply } from "./classify.ts";
import { endingOf } from "./decide.ts";
import { type Evidence, evidenceRowsMax, type FeedRowEvidence, type Search } from "./evidence.ts";
import type { FeedRow, FeedWindow } from "./feed.ts";
import { lastWords } from "./last-words.ts";
import { mayFollow, type ReviewReason, type UnknownEntry } from "./ledger.ts";
import { nextLookAtMs } from "./lookup-schedule.ts";
import { type Found, tookNothing } from "./matching.ts";
import { keyLifeEndMs, type Policy } from "./policy.ts";
import type { Asked, GatewayRules } from "./reply.ts";
import type { Verdict } from "./verdict.ts";

/** One pass over the feed, as far as it came. */
export type Scan = Search & {
  /** every page of the window was read to its end; otherwise what was not seen proves nothing */
  readonly whole: boolean;
};

/** What follows a look-up: a verdict, or a send that the absence certificate (S5) allows. */
export type Resolution =
  | Exclude<Verdict, { kind: "resendNow" | "sendAgain" }>
  /** the same request id again, inside its key life */
  | { readonly kind: "resendAbsent" }
  /** a new request id: the attempt before is certified absent */
  | { readonly kind: "newAttempt" };

/**
 * The stretch of the gateway's time in which the row of this attempt may stand: from the first send to the
 * last one with what is in flight, and, as time goes by, up to `lateProcessingMs` beyond; clocks may differ.
 */
export const windowOf = (
  entry: UnknownEntry,
  policy: Policy,
  gatewayTimeoutMs: number,
  nowMs: number,
): FeedWindow => {
  const firstSendAtMs = entry.firstSendAtMs ?? entry.openedAtMs;
  const lastSendAtMs = entry.lastSendAtMs ?? nowMs;
  const late = Math.max(gatewayTimeoutMs, Math.min(nowMs - lastSendAtMs, policy.lateProcessingMs));
  return {
    fromMs: firstSendAtMs - policy.clockSkewMs,
    toMs: lastSendAtMs + late + policy.clockSkewMs,
  };
};

/** Whether a scan counts towards the absence certificate of this attempt (S5). */
export const certifiesAbsence = (
  entry: UnknownEntry,
  scan: Scan,
  policy: Policy,
  gatewayTimeoutMs: number,
): boolean => {
  const firstSendAtMs = entry.firstSendAtMs ?? entry.openedAtMs;
  // Without a last send no search is late enough.
  const lastSendAtMs = entry.lastSendAtMs ?? Number.POSITIVE_INFINITY;
  return (
    scan.whole &&
    scan.atMs >= lastSendAtMs + gatewayTimeoutMs + policy.feedLagMs &&
    scan.fromMs <= firstSendAtMs - policy.clockSkewMs &&
    scan.toMs >= lastSendAtMs + gatewayTimeoutMs + policy.clockSkewMs
  );
};

export const searchesForAbsence = 2;

/** Look-ups in the history, of those since the last send, that were late, wide and whole enough to count. */
const certifyingLooks = (entry: UnknownEntry, policy: Policy, gatewayTimeoutMs: number): number =>
  entry.history.filter(
    (event) =>
      event.e === "looked_up" &&
      certifiesAbsence(
        entry,
        { atMs: event.at, fromMs: event.from, toMs: event.to, rows: event.rows, whole: event.whole },
        policy,
        gatewayTimeoutMs,
      ),
  ).length;

const captured = (row: FeedRow): boolean => row.reply.kind === "captured";

export type Looked = {
  readonly entry: UnknownEntry;
  readonly found: Found;
  readonly scan: Scan;
  /** the hash of a row, for its evidence */
  readonly rowSha256: (row: FeedRow) => string;
};

/**
 * What a look-up proves of one unknown. `entry` already holds it (`noteLookUp`). Total.
 *
 * A capture counts even where the scan is not whole: it cannot be unseen. Anything that rests on *not*
 * having seen a row (a decline, an absence) needs a whole scan.
 */
export const resolve = (
  { entry, found, scan, rowSha256 }: Looked,
  asked: Asked,
  rules: GatewayRules,
  policy: Policy,
  gatewayTimeoutMs: number,
  nowMs: number,
): Resolution => {
  const evidenceOf = (row: FeedRow): FeedRowEvidence => ({
    kind: "feed_row",
    atMs: scan.atMs,
    ...("code" in row.reply ? { code: row.reply.code } : {}),
    rowSha256: rowSha256(row),
    ...(row.transactionId === undefined ? {} : { transactionId: row.transactionId }),
    ...(row.orderId === undefined ? {} : { orderId: row.orderId }),
  });
  const rowsEvidence = (rows: readonly FeedRow[]): Evidence => ({
    kind: "feed_rows",
    rows: rows.slice(0, evidenceRowsMax).map(evidenceOf),
  });
  const review = (reason: ReviewReason, evidence: Evidence): Resolution => ({
    kind: "review",
    reason,
    evidence,
  });
  const lookedEvidence: Evidence = {
    kind: "lookups",
    atMs: scan.atMs,
    made: entry.lookups,
    failed: failedLookUps(entry),
    lastSendAtMs: entry.lastSendAtMs ?? entry.openedAtMs,
  };
  const waitOr = (reason: ReviewReason, evidence: Evidence, state: "unknown" | "pending"): Resolution => {
    const atMs = nextLookAtMs(policy, entry, nowMs);
    if (atMs === undefined) return review(reason, evidence);
    return {
      kind: "wait",
      state,
      reason: state === "pending" ? "gateway_pending" : entry.reason,
      nextAct: "lookUp",
      atMs,
    };
  };

  const own = lastWords(found.own, captured);
  const others = lastWords(found.otherAttempt, captured).filter(captured);
  const captures = own.filter(captured);
  if (captures.length + others.length > 1)
    return review("double_charge", rowsEvidence([...captures, ...others]));
  if (others.length > 0) return review("captured_by_earlier_attempt", rowsEvidence(others));

  const [capture] = captures;
  if (capture !== undefined) {
    if (found.reversals.length > 0)
      return review("refunded_or_charged_back", rowsEvidence([capture, ...found.reversals]));
    // A void gives back what was paid, and what we look at may go on saying "paid" (Centrapay: a refund changes no
    // status): whether it took hold, only a person can find out.
    if (entry.voidingAtMs !== undefined) return review("refunded_or_charged_back", evidenceOf(capture));
    const outcome = outcomeOfReply(capture.reply, asked, rules);
    if (outcome.kind === "approved")
      return {
        kind: "settle",
        state: "approved",
        ending: { code: outcome.code },
        evidence: evidenceOf(capture),
        ids: outcome.ids,
      };
    return {
      kind: "review",
      reason: outcome.kind === "mismatch" ? "mismatch" : "contradiction",
      evidence: evidenceOf(capture),
      ...(outcome.kind === "mismatch" ? { mismatch: outcome.mismatch } : {}),
    };
  }

  const accepted = own.find((row) => row.reply.kind === "accepted");
  if (accepted !== undefined) return waitOr("lookups_used_up", evidenceOf(accepted), "pending");

  const refused = own.find((row) => row.reply.kind === "refused");
  const certifies = certifiesAbsence(entry, scan, policy, gatewayTimeoutMs);
  const sawNoCapture = certifies && certifyingLooks(entry, policy, gatewayTimeoutMs) >= searchesForAbsence;
  if (refused !== undefined) {
    // Unpaid by itself is no answer to a refusal that nobody understood.
    if (entry.reason === "unlisted" && refused.reply.kind === "refused" && refused.reply.lapsed === true)
      return review("unlisted_answer", evidenceOf(refused));
    // A row answers for one send, and it may be one that was answered already. Where that leaves a send open,
    // its capture may be still to come: saying that there is none takes what an absence takes (S5), or a word
    // of the gateway that covers every send.
    const outcome = outcomeOfReply(refused.reply, asked, rules);
    const onlyRefusals = own.every((row) => row.reply.kind === "refused");
    const oneForOne =
      own.length === 1 && (entry.openSends === 0 || (entry.openSends === 1 && entry.sends === 1));
    const conclusive = refused.reply.kind === "refused" && refused.reply.conclusive === true;
    if (
      scan.whole &&
      onlyRefusals &&
      outcome.kind === "declined" &&
      (oneForOne || sawNoCapture || conclusive)
    ) {
      // A send is open still, and a row that names nobody may be its capture (S14).
      const strangers = oneForOne || conclusive ? [] : found.weak.filter((row) => !tookNothing(row));
      if (strangers.length > 0) return review("weak_match", rowsEvidence(strangers));
      // Why it was refused is what was answered, where that was held until now.
      const held =
        conclusive && entry.held !== undefined && mayFollow[entry.state].includes(entry.held.state);
      const { state, ending } = (held ? entry.held : undefined) ?? endingOf(outcome);
      return { kind: "settle", state, ending, evidence: evidenceOf(refused), ids: outcome.ids };
    }
    return waitOr("lookups_used_up", evidenceOf(refused), "unknown");
  }
  const [unproven] = own;
  if (unproven !== undefined) return waitOr("contradiction", evidenceOf(unproven), "unknown");
  // Something of this charge stands in the feed: whatever it is, "absent" would be a lie.
  const traces = [...found.otherAttempt.filter((row) => row.reply.kind !== "refused"), ...found.reversals];
  if (traces.length > 0) return waitOr("contradiction", rowsEvidence(traces), "unknown");

  const evidence: Evidence =
    entry.absences.length > 0 ? { kind: "absence", searches: entry.absences } : lookedEvidence;
  if (entry.absences.length < searchesForAbsence || !certifies || entry.state === "pending")
    return waitOr(
      found.weak.length > 0 ? "weak_match" : "lookups_used_up",
      found.weak.length > 0 ? rowsEvidence(found.weak) : evidence,
      "unknown",
    );

  if (found.weak.length > 0) return review("weak_match", rowsEvidence(found.weak));
  if (entry.held !== undefined)
    return {
      kind: "settle",
      state: entry.held.state,
      ending: entry.held.ending,
      evidence: { kind: "reply_and_absence", reply: entry.held.evidence, searches: entry.absences },
    };
  if (entry.ids !== undefined) return waitOr("contradiction", evidence, "unknown");
  return afterAbsence(entry, evidence, policy, nowMs);
};

/** What the certificate allows: nothing that a machine does goes past the key life (S3). */
const afterAbsence = (entry: UnknownEntry, evidence: Evidence, policy: Policy, nowMs: number): Resolution => {
  const review = (reason: ReviewReason): Resolution => ({ kind: "review", reason, evidence });
  // A refusal in a word that no row knows is not sent again by a machine.
  if (entry.reason === "unlisted") return review("unlisted_answer");
  if (nowMs > keyLifeEndMs(policy, entry.firstSendAtMs ?? entry.openedAtMs))
    return review("absent_past_key_life");
  if (nowMs > (entry.notAfterMs ?? Number.POSITIVE_INFINITY)) return review("absent_not_sendable");
  switch (policy.afterAbsence) {
    case "resendWithinLife":
      return { kind: "resendAbsent" };
    case "newAttempt":
      return entry.attempt < policy.attemptsMax ? { kind: "newAttempt" } : review("absent_not_sendable");
    case "review":
      return review("absent");
  }
};

/** The entry with one more look-up in its history. */
export const noteLookUp = (
  entry: UnknownEntry,
  scan: Scan,
  found: Found,
  policy: Policy,
  gatewayTimeoutMs: number,
): UnknownEntry => {
  const rows = found.own.length + found.otherAttempt.length;
  const { whole, ...search } = scan;
  const absent =
    rows + found.reversals.length === 0 && certifiesAbsence(entry, scan, policy, gatewayTimeoutMs);
  return {
    ...entry,
    lookups: entry.lookups + 1,
    looked: entry.looked + 1,
    lookFailures: 0,
    absences: absent ? [...entry.absences, search] : entry.absences,
    history: [
      ...entry.history,
      {
        e: "looked_up",
        at: scan.atMs,
        from: scan.fromMs,
        to: scan.toMs,
        rows: scan.rows,
        whole,
        found: rows,
        ...(found.weak.length === 0 ? {} : { weak: found.weak.length }),
      },
    ],
  };
};

const failedLookUps = (entry: UnknownEntry): number =>
  entry.history.filter(({ e }) => e === "lookup_failed").length;

/** The entry with one more look-up that could not be made. It does not use up the schedule. */
export const noteLookUpFailure = (entry: UnknownEntry, atMs: number, why: string): UnknownEntry => ({
  ...entry,
  lookups: entry.lookups + 1,
  lookFailures: entry.lookFailures + 1,
  history: [...entry.history, { e: "lookup_failed", at: atMs, why: why.slice(0, 120) }],
});

/** Look-ups in a row that may fail after the schedule has ended before a person is called. */
const failuresAfterHorizon = 3;
/**
 * Look-ups that may fail from the last send to the end of the schedule, about: each costs a receive of the
 * message, which becomes a dead letter after 240, and a line of the entry, which may have 400 KB.
 */
const failuresToHorizon = 100;

/**
 * What follows a look-up that could not be made: soon again, after pauses that double, and a person when the
 * horizon is over (S6).
 */
export const afterLookUpFailure = (entry: UnknownEntry, policy: Policy, nowMs: number): Resolution => {
  const lastSendAtMs = entry.lastSendAtMs ?? entry.openedAtMs;
  const horizonMs = lastSendAtMs + (policy.lookupScheduleMs.at(-1) ?? 0);
  if (nowMs >= horizonMs && entry.lookFailures >= failuresAfterHorizon)
    return {
      kind: "review",
      reason: "lookups_used_up",
      evidence: {
        kind: "lookups",
        atMs: nowMs,
        made: entry.lookups,
        failed: failedLookUps(entry),
        lastSendAtMs,
      },
    };
  const before = policy.lookupScheduleMs[entry.looked - 1] ?? 0;
  const gap = (policy.lookupScheduleMs[entry.looked] ?? before) - before;
  const first = Math.max(gap / 4, 1_000);
  const longest = Math.max((horizonMs - lastSendAtMs) / failuresToHorizon, 1_000);
  return {
    kind: "wait",
    state: entry.state,
    reason: entry.reason,
    nextAct: "lookUp",
    atMs: nowMs + Math.min(first * 2 ** Math.min(entry.lookFailures - 1, 30), longest),
  };
};

/** The attempt certified absent: no send of it is open any more. */
export const certifyAbsent = (entry: UnknownEntry, atMs: number): UnknownEntry => ({
  ...entry,
  openSends: 0,
  history: [...entry.history, { e: "absent", at: atMs }],
});

/**
 * What an unknown does while its gateway cannot be asked: the one resend that the gateway documents for a
 * time-out, then it waits for a notice until the schedule is over, and a person decides.
 */
export const resolveWithoutFeed = (
  entry: UnknownEntry,
  policy: Policy,
  nowMs: number,
): Resolution | "resend" => {
  const firstSendAtMs = entry.firstSendAtMs ?? entry.openedAtMs;
  if (
    entry.state === "unknown" &&
    entry.held === undefined &&
    entry.ids === undefined &&
    entry.resends < policy.resendsMax &&
    nowMs <= keyLifeEndMs(policy, firstSendAtMs)
  )
    return "resend";
  const lastSendAtMs = entry.lastSendAtMs ?? entry.openedAtMs;
  const horizonMs = lastSendAtMs + (policy.lookupScheduleMs.at(-1) ?? 0);
  if (nowMs >= horizonMs)
    return {
      kind: "review",
      reason: "lookups_used_up",
      evidence: {
        kind: "lookups",
        atMs: nowMs,
        made: entry.lookups,
        failed: failedLookUps(entry),
        lastSendAtMs,
      },
    };
  return { kind: "wait", state: entry.state, reason: entry.reason, nextAct: "lookUp", atMs: horizonMs };
};
