import { backoffMs } from "../core/backoff.ts";
import type { ChargeId } from "../core/charge.ts";
import { isSaidOther, judgeNotice, type NoticeVerdict } from "../core/judge-notice.ts";
import type { HistoryEvent, LedgerEntry, ReviewEntry, UnknownEntry, WaitingEntry } from "../core/ledger.ts";
import { type NotedNotice, type Notice, noticeEvidenceOf, type WakeUp } from "../core/notice.ts";
import { routeOfNoted } from "../core/route-message.ts";
import { recordVerdict } from "../core/verdict.ts";
import type { Delivery, NoticeBook, Worker } from "../ports.ts";
import { giveBack, stamp, type Worked } from "./charge-worker.ts";
import { isOpen, soonMs } from "./continue-charge.ts";
import { replaceEntry } from "./replace-entry.ts";
import { stopRetries } from "./stop-retries.ts";

/** What this worker cannot read must not be lost: another version of it may. */
const parkedMs = 900_000;
/** Receives after which a charge that is not in the ledger is taken for another's: its write may be on the way. */
const findingsMax = 4;

const done: Worked = { kind: "done" };

/**
 * What follows from a notice that was verified and kept. The wake-up goes when the ledger holds it and, where a
 * person has to know, the queue of reviews has accepted it; until then it comes back. Doing it twice changes
 * nothing more.
 * @throws `LedgerUnavailable`: the wake-up comes back.
 */
export const applyNotice = async (delivery: Delivery, wakeUp: WakeUp, worker: Worker): Promise<Worked> => {
  const { notices } = worker;
  const gateway = worker.gateways[wakeUp.gateway];
  const kept = await notices?.read(wakeUp.gateway, wakeUp.reference);
  const notice = kept?.notices.find(({ id }) => id === wakeUp.notice);
  if (notices === undefined || gateway === undefined || kept === undefined || notice === undefined) {
    worker.log.event("message_failed", {
      messageId: delivery.messageId,
      error: gateway === undefined ? "a notice of a gateway that this worker has not" : "no such notice",
    });
    return giveBack(parkedMs);
  }
  const chargeId = notice.chargeId ?? kept.chargeId ?? (await chargeOfParent(notice, notices));
  const entry = chargeId === undefined ? undefined : (await worker.ledger.read([chargeId])).get(chargeId);
  if (chargeId === undefined || entry === undefined || entry.gateway !== notice.gateway) {
    if (delivery.receives < findingsMax) return giveBack(backoffMs(delivery.receives, worker.ids.fraction()));
    // The merchant's other traffic, or what cannot be told apart from it. It stays kept.
    tellApplied(notice, undefined, "unmatched", worker);
    return done;
  }
  const verdict = judgeNotice(
    {
      entry,
      notice,
      saidOther: isSaidOther(notice, kept.notices),
      canAsk: gateway.feed !== undefined || gateway.lookUpOf !== undefined,
    },
    gateway.rules,
  );
  const worked = await carryOut(verdict, { delivery, notice, entry, notices }, worker);
  if (worked.kind !== "giveBack") tellApplied(notice, entry, verdict.kind, worker);
  return worked;
};

type Judged = {
  readonly delivery: Delivery;
  readonly notice: Notice;
  readonly entry: LedgerEntry;
  readonly notices: NoticeBook;
};

const carryOut = async (
  verdict: NoticeVerdict,
  { delivery, notice, entry, notices }: Judged,
  worker: Worker,
): Promise<Worked> => {
  switch (verdict.kind) {
    case "agrees":
      return done;
    case "early": {
      // A lease that has run out is taken over by the charge's own message, whenever that comes.
      const untilMs = verdict.untilMs - worker.clock.nowMs();
      return giveBack(
        untilMs > 0
          ? Math.min(untilMs + soonMs, soonMs * delivery.receives)
          : backoffMs(delivery.receives, worker.ids.fraction()),
      );
    }
    case "moves": {
      if (!isOpen(entry) && entry.state !== "waiting") throw new Error(`a notice would move ${entry.state}`);
      const moved = recordVerdict(withNotice(entry, notice), verdict.verdict, stamp(worker));
      if (!(await replaceEntry(entry, keepReceipt(entry, moved), worker))) return giveBack(soonMs);
      // What waited is told by its own message, too, which is on its way to be sent.
      if (isOpen(entry)) await wake(entry, worker);
      return done;
    }
    case "lookUp":
      return (isOpen(entry) ? await lookUpNow(entry, notice, worker) : true) ? done : giveBack(soonMs);
    case "tells": {
      const noted = await notices.note(notedOf(verdict, notice, entry));
      if (entry.state === "review" && !(await renew(entry, worker))) return giveBack(soonMs);
      if (notice.reply.kind === "captured" && !(await stopRetries(entry, worker))) return giveBack(soonMs);
      if (verdict.lookUp && isOpen(entry) && !(await lookUpNow(entry, notice, worker)))
        return giveBack(soonMs);
      return { kind: "route", route: routeOfNoted(noted, entry) };
    }
  }
};

/**
 * A new version of a charge in review, and nothing else of it is new: whoever decides at this moment has not read what
 * is noted beside it by now, and their write finds another version (S7).
 * @returns `false`: they came first, and the notice is judged by what they decided
 */
const renew = async (entry: ReviewEntry, worker: Worker): Promise<boolean> => {
  const { token, nowMs } = stamp(worker);
  const next = { ...entry, token, updatedAtMs: nowMs };
  return (await worker.ledger.replace(entry.token, next)).kind === "replaced";
};

/** The charge that the notices of what is given back were about. */
const chargeOfParent = async (notice: Notice, notices: NoticeBook): Promise<ChargeId | undefined> => {
  if (notice.parentReference === undefined) return undefined;
  const parent = await notices.read(notice.gateway, notice.parentReference);
  const [first] = [...parent.notices].sort((a, b) => a.receivedAtMs - b.receivedAtMs);
  return first?.chargeId ?? parent.chargeId;
};

const withNotice = <E extends UnknownEntry | WaitingEntry>(
  entry: E,
  { receivedAtMs, id, words }: Notice,
): E => {
  const event: HistoryEvent = { e: "notice", at: receivedAtMs, id, words };
  return { ...entry, history: [...entry.history, event] };
};

/** A charge that stays open keeps the receipt of its hidden message. */
const keepReceipt = (from: UnknownEntry | WaitingEntry, to: LedgerEntry): LedgerEntry =>
  isOpen(to) && isOpen(from) && from.receipt !== undefined ? { ...to, receipt: from.receipt } : to;

/** Brings the next look-up forward. A resend that the gateway asked for keeps its own time. */
const lookUpNow = async (entry: UnknownEntry, notice: Notice, worker: Worker): Promise<boolean> => {
  const by = stamp(worker);
  const sooner = recordVerdict(
    withNotice(entry, notice),
    {
      kind: "wait",
      state: entry.state,
      reason: entry.reason,
      nextAct: entry.nextAct,
      atMs: entry.nextAct === "resend" ? entry.nextAtMs : Math.min(entry.nextAtMs, by.nowMs),
    },
    by,
  );
  if (!(await replaceEntry(entry, keepReceipt(entry, sooner), worker))) return false;
  await wake(entry, worker);
  return true;
};

/** The unknown's own message holds the charge, and tells it: it is made visible, where it is known by what. */
const wake = async ({ receipt }: UnknownEntry, worker: Worker): Promise<void> => {
  if (receipt !== undefined) await worker.wake?.(receipt);
};

const notedOf = (
  { reason, mismatch }: Extract<NoticeVerdict, { kind: "tells" }>,
  notice: Notice,
  entry: LedgerEntry,
): NotedNotice => ({
  v: 1,
  id: notice.id,
  chargeId: entry.chargeId,
  gateway: entry.gateway,
  atMs: notice.receivedAtMs,
  attempt: entry.attempt,
  requestId: entry.requestId,
  state: entry.state,
  reason,
  words: notice.words,
  ...(mismatch === undefined ? {} : { mismatch }),
  evidence: noticeEvidenceOf(notice),
});

const tellApplied = (
  notice: Notice,
  entry: LedgerEntry | undefined,
  outcome: NoticeVerdict["kind"] | "unmatched",
  worker: Worker,
): void => {
  worker.log.event("notice_applied", {
    ...(entry === undefined ? {} : { chargeId: entry.chargeId, state: entry.state }),
    gateway: notice.gateway,
    outcome,
    code: notice.words,
  });
  worker.log.metric("Notices", 1, { gateway: notice.gateway, outcome });
};
