import { type ChargeId, parseChargeId } from "../core/charge.ts";
import type { EndedEntry } from "../core/charge-trace.ts";
import { consumerMarks } from "../core/consumer-marks.ts";
import type { FeedWindow } from "../core/feed.ts";
import { type Finding, type FindingKind, waitsForPerson } from "../core/finding.ts";
import { messageOfFinding, shownFinding } from "../core/finding-message.ts";
import type { Gateway } from "../core/gateway.ts";
import { type Group, type Judgement, judge, type View } from "../core/judgement.ts";
import type { LedgerEntry, UnknownEntry } from "../core/ledger.ts";
import { type MoneyTally, moneyTally } from "../core/money-tally.ts";
import { type GatewaySide, type LedgerSide, ledgerSideOf } from "../core/sides.ts";
import { type LooseRow, weakMatches } from "../core/weak-matches.ts";
import { firstFindingsMax, type RunRecord } from "../core/window-record.ts";
import type { Reconciler, SentOrder } from "../ports.ts";
import { callBack } from "./call-back.ts";
import { chargeOfReversal, isNamelessReversal } from "./charge-of-reversal.ts";
import { closeFromFeed } from "./close-from-feed.ts";
import { isOpen } from "./continue-charge.ts";
import { type Agreements, joinSides, type SideJoin } from "./join-sides.ts";
import { type LedgerStream, ledgerStream } from "./ledger-stream.ts";
import { ownersOfStrangers } from "./owners-of-strangers.ts";
import { type FeedOf, outOfTime, scanSides } from "./scan-feed.ts";
import { stopRetries } from "./stop-retries.ts";

/** What was begun does not fit into what is left of this invocation. */
export class OutOfTime extends Error {
  override readonly name = "OutOfTime";
}

export type ReconcileOptions = {
  /** told of each finding once, with the charge as the ledger has it now; the run waits for it */
  readonly onFinding?: (finding: Finding, entry: LedgerEntry | undefined) => void | Promise<void>;
  /** whether the queue `review` is told of what waits for a person; so it is where not given */
  readonly tellReview?: boolean;
};

/** Time that must be left for the end of a run: the record, and messages that are on their way. */
const reserveMs = 10_000;
/** Findings that are read again, closed and told together. */
const batchSize = 100;
/** Rows and charges that are compared by their looks; beyond it they are told as they are. */
const looseMax = 20_000;
/** A page of a long scan is worth more tries than a look-up's. */
const triesPerPage = 4;
const dayMs = 86_400_000;
/** Nearly every row is written so soon after its charge was sent; others wait for it outside the memory. */
const answeredWithinMs = 60_000;

/** The feed that a gateway's charges are reconciled with. */
export const feedOf = (gateway: Gateway): FeedOf | undefined => {
  const feed = gateway.reconciliationFeed ?? gateway.feed;
  return feed === undefined ? undefined : { gateway, feed };
};

/** A view before anything was read. */
type Planned = Omit<View, "whole">;

/** What a run over this window reads of the feed: with room for late rows, and only what the feed can show. */
const viewOf = (gateway: Gateway, window: FeedWindow, worker: Reconciler): Planned => {
  const { lateProcessingMs, clockSkewMs, requestIdLifeMs, feedLagMs } = worker.policy;
  const nowMs = worker.clock.nowMs();
  const rowWithinMs = Math.max(lateProcessingMs, worker.gatewayTimeoutMs) + clockSkewMs;
  const marginMs = rowWithinMs + clockSkewMs + Math.min(requestIdLifeMs, dayMs);
  return {
    gateway: gateway.name,
    window,
    read: {
      fromMs: window.fromMs - marginMs,
      toMs: Math.max(window.fromMs, Math.min(window.toMs + marginMs, nowMs - feedLagMs)),
    },
    rowWithinMs,
    clockSkewMs,
    nowMs,
  };
};

/** When charges were sent that may have a row in what is read, or that the window answers for. */
const sentWindowOf = (
  { read, window, rowWithinMs, clockSkewMs }: Planned,
  worker: Reconciler,
): FeedWindow => ({
  fromMs: read.fromMs - rowWithinMs - clockSkewMs - Math.min(worker.policy.requestIdLifeMs, dayMs),
  toMs: Math.max(read.toMs, window.toMs) + clockSkewMs,
});

const maxOf = (times: readonly number[]): number => times.reduce((a, b) => Math.max(a, b));
const minOf = (times: readonly number[]): number => times.reduce((a, b) => Math.min(a, b));

type FeedRead = {
  readonly pages: number;
  readonly rows: number;
  /** rows of the stretch by the gateway's own count; 0 where it gives none, or the stretch was read by halves */
  readonly total: number;
  /** why it is not whole; `undefined`: every row was read */
  readonly why: string | undefined;
};

/** Reads a stretch of the feed; one that has more pages than a scan may read is read by halves. */
const readFeed = async (
  of: FeedOf,
  window: FeedWindow,
  sides: SideJoin,
  ledger: LedgerStream,
  worker: Reconciler,
): Promise<FeedRead> => {
  let order: SentOrder | undefined;
  const scanned = await scanSides(
    of,
    window,
    {
      async page(rows, total) {
        // By its own count it has more than one scan reads: nothing is begun that would be read again.
        if (order === undefined && rows.length * of.feed.pagesMax < total && rows.length > 0) return false;
        const times = rows.flatMap(({ atMs }) => atMs ?? []);
        const [firstMs] = times;
        if (firstMs === undefined) return true;
        order ??= firstMs > (times.at(-1) ?? firstMs) ? "newestFirst" : "oldestFirst";
        await ledger.advance(order === "oldestFirst" ? maxOf(times) : minOf(times) - answeredWithinMs, order);
        return true;
      },
      add: sides.addRow,
    },
    worker,
    reserveMs,
    triesPerPage,
  );
  if (scanned.failure === outOfTime) throw new OutOfTime("the feed");
  const { pages, total, scan, cut, failure } = scanned;
  const middleMs = Math.floor((window.fromMs + window.toMs) / 2);
  if (!cut || middleMs <= window.fromMs) {
    const why = failure ?? (cut ? "more pages than one scan reads" : "rows are missing");
    return { pages, rows: scan.rows, total, why: scan.whole ? undefined : why };
  }
  const earlier = await readFeed(of, { fromMs: window.fromMs, toMs: middleMs }, sides, ledger, worker);
  const later = await readFeed(of, { fromMs: middleMs, toMs: window.toMs }, sides, ledger, worker);
  return {
    pages: pages + earlier.pages + later.pages,
    rows: scan.rows + earlier.rows + later.rows,
    total: 0,
    why: earlier.why ?? later.why,
  };
};

/**
 * One run: reads a window of a gateway's feed and the charges of its time, joins them, closes the unknowns that the feed
 * answers, tells the queue `review` what waits for a person, and answers with its record. Doing it again finds
 * the same under the same ids.
 * @throws `OutOfTime`, `LedgerUnavailable`: what was told and closed until then stays so
 */
export const reconcileWindow = async (
  of: FeedOf,
  window: FeedWindow,
  worker: Reconciler,
  options: ReconcileOptions = {},
): Promise<RunRecord> => {
  const startedAtMs = worker.clock.nowMs();
  const tally = moneyTally(window.fromMs);
  const sides = joinSides(worker.spills, window, agreementsIn(window, tally));
  try {
    const planned = viewOf(of.gateway, window, worker);
    const ledger = ledgerStream(
      worker.sentCharges,
      of.gateway.name,
      sentWindowOf(planned, worker),
      sides.addCharge,
      () => refuseIfLate(worker),
    );
    const feed = await readFeed(of, planned.read, sides, ledger, worker);
    await ledger.rest();
    const owners = await ownersOfStrangers(sides.strangers(), of, window, worker, reserveMs);
    if (owners.failure === outOfTime) throw new OutOfTime("whose rows they are");
    if (owners.byOrder.size > 0) sides.nameStrangers(({ orderId = "" }) => owners.byOrder.get(orderId));
    const unreadable = ledger.unreadable();
    const view: View = { ...planned, whole: feed.why === undefined && unreadable === 0 };
    const run = new Run(of, view, sides, tally, worker, options);
    await run.work();
    const repeatedRows = sides.repeatedRows();
    const moved = feed.rows - repeatedRows < feed.total;
    const incomplete =
      feed.why !== undefined
        ? { reason: "feed_incomplete" as const, why: feed.why }
        : owners.failure !== undefined
          ? { reason: "feed_incomplete" as const, why: `whose rows they are: ${owners.failure}` }
          : moved
            ? { reason: "feed_moved" as const, why: `${repeatedRows} rows came twice` }
            : unreadable > 0
              ? { reason: "ledger_unreadable" as const, why: `${unreadable} entries` }
              : undefined;
    const record: RunRecord = {
      v: 1,
      gateway: of.gateway.name,
      window,
      read: view.read,
      startedAtMs,
      endedAtMs: worker.clock.nowMs(),
      complete: incomplete === undefined,
      ...(incomplete === undefined ? {} : { incomplete }),
      pages: feed.pages,
      feedRows: feed.rows,
      repeatedRows,
      ledgerEntries: ledger.entries(),
      ...run.result(),
    };
    tellRun(record, worker);
    return record;
  } finally {
    sides.close();
  }
};

/** Money on which both sides agree, as far as this window answers for it. */
const agreementsIn = (window: FeedWindow, tally: MoneyTally): Agreements => {
  const add = (amount: number, currency: string, atMs: number): void => {
    if (Number.isNaN(atMs) || (atMs >= window.fromMs && atMs < window.toMs))
      tally.add("matched", amount, currency, atMs);
  };
  return {
    agree: ({ amount, currency, atMs }) => add(amount, currency, atMs),
    takeBack: ({ amount, currency, atMs }) => add(-amount, currency, atMs),
  };
};

const refuseIfLate = (worker: Reconciler): void => {
  if (worker.remainingMs() < reserveMs) throw new OutOfTime("the ledger");
};

const tellRun = (record: RunRecord, worker: Reconciler): void => {
  const { gateway } = record;
  worker.log.event("reconciled", {
    gateway,
    rows: record.feedRows,
    count: record.ledgerEntries,
    pages: record.pages,
    durationMs: record.endedAtMs - record.startedAtMs,
    state: record.complete ? "complete" : "incomplete",
    ...(record.incomplete === undefined ? {} : { reason: record.incomplete.reason }),
  });
  for (const [reason, count] of Object.entries(record.findings))
    worker.log.metric("ReconciliationFindings", count, { gateway, reason });
  if (record.incomplete !== undefined)
    worker.log.metric("ReconciliationIncomplete", 1, { gateway, reason: record.incomplete.reason });
};

/** A group about which there is something to say, until the ledger was asked for its charge once more. */
type Suspect = { readonly group: Group; readonly judged: Judgement };

/** The judging half of a run: what it counts, and what it tells. */
class Run {
  readonly #of: FeedOf;
  readonly #view: View;
  readonly #sides: SideJoin;
  readonly #worker: Reconciler;
  readonly #options: ReconcileOptions;
  readonly #tally: MoneyTally;
  readonly #counts: Partial<Record<FindingKind, number>> = {};
  readonly #first: Finding[] = [];
  readonly #loose: LooseRow[] = [];
  readonly #rowless = new Map<LedgerSide, Judgement>();
  #waiting = 0;
  #closed = 0;

  constructor(
    of: FeedOf,
    view: View,
    sides: SideJoin,
    tally: MoneyTally,
    worker: Reconciler,
    options: ReconcileOptions,
  ) {
    this.#of = of;
    this.#view = view;
    this.#sides = sides;
    this.#worker = worker;
    this.#options = options;
    this.#tally = tally;
  }

  result() {
    return {
      closed: this.#closed,
      findings: this.#counts,
      waiting: this.#waiting,
      money: this.#tally.byCurrency(),
      days: this.#tally.byDay(),
      first: this.#first,
    };
  }

  async work(): Promise<void> {
    let suspects: Suspect[] = [];
    for (const group of this.#sides.groups()) {
      const judged = judge(group, this.#view);
      if (this.#holdBack(group, judged)) continue;
      if (judged.findings.length === 0) this.#count(judged, group);
      else suspects.push({ group, judged });
      if (suspects.length < batchSize) continue;
      refuseIfLate(this.#worker);
      await this.#settle(suspects);
      suspects = [];
    }
    await this.#settle(suspects);
    await this.#settleLoose();
  }

  /** Keeps what may turn out to be two halves of one thing: a row without references, a charge without a row. */
  #holdBack(group: Group, judged: Judgement): boolean {
    if (this.#loose.length + this.#rowless.size >= looseMax) return false;
    const [row] = group.rows;
    if (group.ledger !== undefined) {
      if (!judged.rowless || group.ledger.consumerMarks.length === 0) return false;
      this.#rowless.set(group.ledger, judged);
      return true;
    }
    const isLoose =
      row !== undefined &&
      group.rows.length === 1 &&
      row.says === "captured" &&
      row.chargeId === undefined &&
      row.requestId === undefined &&
      row.consumers.length > 0 &&
      judged.findings.length > 0;
    if (isLoose) this.#loose.push({ row, marks: consumerMarks(row.consumers, this.#worker.sha256) });
    return isLoose;
  }

  async #settleLoose(): Promise<void> {
    const { findings, rows, charges } = weakMatches(this.#loose, [...this.#rowless.keys()], this.#view);
    for (let from = 0; from < findings.length; from += batchSize) {
      const some = findings.slice(from, from + batchSize);
      const entries = await this.#worker.ledger.read(some.map(({ chargeId }) => chargeId as ChargeId));
      for (const finding of some) {
        const { chargeId, money, atMs } = finding;
        this.#tally.add("unmatched", BigInt(money.amount), money.currency, atMs);
        await this.#tell(finding, entries.get(chargeId as ChargeId));
      }
    }
    const left: Group[] = [
      ...rows.map((row) => ({ rows: [row] })),
      ...charges.map((ledger) => ({ ledger, rows: [] })),
    ];
    let suspects: Suspect[] = [];
    for (const group of left) {
      const judged = judge(group, this.#view);
      if (judged.findings.length === 0) this.#count(judged, group);
      else suspects.push({ group, judged });
      if (suspects.length < batchSize) continue;
      await this.#settle(suspects);
      suspects = [];
    }
    await this.#settle(suspects);
  }

  /** Reads the ledger again, closes what the feed answers, and judges by what stands then. */
  async #settle(suspects: readonly Suspect[]): Promise<void> {
    const { gateway } = this.#of;
    const named = await this.#nameReversals(suspects);
    const idOf = (suspect: Suspect): ChargeId | undefined =>
      named.get(suspect) ?? parseChargeId(suspect.group.ledger?.chargeId ?? suspect.group.rows[0]?.chargeId);
    const ids = suspects.flatMap((suspect) => idOf(suspect) ?? []);
    const read: ReadonlyMap<ChargeId, LedgerEntry> =
      ids.length === 0 ? new Map() : await this.#worker.ledger.read(ids);
    // What another gateway was asked for is no charge of this feed's, and nothing is kept under `undefined`.
    const entries: ReadonlyMap<ChargeId | undefined, LedgerEntry> = new Map(
      [...read].filter(([, entry]) => entry.gateway === gateway.name),
    );
    const open = suspects.flatMap((suspect): UnknownEntry[] => {
      const entry = entries.get(idOf(suspect));
      return entry !== undefined && isOpen(entry) && suspect.group.rows.length > 0 ? [entry] : [];
    });
    const closed: ReadonlyMap<ChargeId | undefined, EndedEntry> =
      gateway.feed === undefined
        ? new Map()
        : await closeFromFeed(open, { gateway, feed: gateway.feed }, this.#worker, reserveMs);
    this.#closed += closed.size;
    for (const suspect of suspects) {
      const chargeId = idOf(suspect);
      const standing = entries.get(chargeId);
      const ended =
        closed.get(chargeId) ??
        (standing === undefined ? undefined : await this.#callBack(standing, suspect.group.rows));
      const entry = ended ?? standing;
      const now: Group = {
        ...(entry === undefined ? {} : { ledger: ledgerSideOf(entry) }),
        rows: suspect.group.rows,
      };
      const judged = judge(now, this.#view);
      this.#count(judged, now);
      for (const finding of judged.findings) {
        // What waits for more than the feed has is no outcome yet: it stays with the resolver.
        if (waitsForPerson(finding)) await this.#tell(finding, entry);
      }
      if (ended !== undefined) await this.#tell(lateOutcome(suspect, ended), ended);
    }
  }

  /** Gives to a person what would take money again that rows show as taken. */
  async #callBack(entry: LedgerEntry, rows: readonly GatewaySide[]): Promise<EndedEntry | undefined> {
    const called = await callBack(entry, rows, this.#worker);
    if (called !== undefined) this.#closed += 1;
    return called;
  }

  /** Ends the later attempt of a decline that was none; one that is released meanwhile is called back. */
  async #stop(entry: LedgerEntry, rows: readonly GatewaySide[]): Promise<void> {
    if (await stopRetries(entry, this.#worker)) return;
    const { chargeId } = entry;
    const now = (await this.#worker.ledger.read([chargeId])).get(chargeId);
    if (now !== undefined) await this.#callBack(now, rows);
  }

  /** Charges of which the run has read nothing, and whose money came back in its window. */
  async #nameReversals(suspects: readonly Suspect[]): Promise<ReadonlyMap<Suspect, ChargeId>> {
    const named = new Map<Suspect, ChargeId>();
    await Promise.all(
      suspects
        .filter(({ group }) => group.ledger === undefined && isNamelessReversal(group.rows))
        .map((suspect) =>
          this.#worker.limit(async () => {
            const entry = await chargeOfReversal(suspect.group.rows, this.#of, this.#worker, reserveMs);
            if (entry !== undefined) named.set(suspect, entry.chargeId);
          }),
        ),
    );
    return named;
  }

  #count(judged: Judgement, { ledger, rows }: Group): void {
    if (judged.money === "none") return;
    const money =
      judged.findings[0]?.money ??
      (ledger === undefined ? undefined : { amount: ledger.amount, currency: ledger.currency });
    if (money === undefined) return;
    const { fromMs, toMs } = this.#view.window;
    const atMs = rows[0]?.atMs ?? ledger?.firstSentAtMs ?? fromMs;
    this.#tally.add(
      judged.money,
      BigInt(money.amount),
      money.currency,
      Math.min(Math.max(atMs, fromMs), toMs - 1),
    );
  }

  async #tell(told: Finding, entry: LedgerEntry | undefined): Promise<void> {
    const finding = shownFinding(told);
    this.#counts[finding.kind] = (this.#counts[finding.kind] ?? 0) + 1;
    if (this.#first.length < firstFindingsMax) this.#first.push(finding);
    this.#worker.log.event("finding", {
      gateway: finding.gateway,
      reason: finding.kind,
      ...(finding.chargeId === undefined ? {} : { chargeId: finding.chargeId }),
      ...(finding.money ?? {}),
    });
    if (finding.kind === "double_charge")
      this.#worker.log.metric("DoubleCharges", 1, { gateway: finding.gateway });
    await this.#options.onFinding?.(finding, entry);
    if (finding.next === "do_not_charge_again" && entry !== undefined) await this.#stop(entry, told.rows);
    if (!waitsForPerson(finding)) return;
    this.#waiting += 1;
    if (this.#options.tellReview === false || finding.inReview === true) return;
    const sent = this.#worker.queues.send("review", messageOfFinding(finding, this.#worker.clock.nowMs()));
    this.#worker.queues.flush();
    await sent;
  }
}

/** The finding of an unknown that this run has closed. */
const lateOutcome = ({ group: { rows }, judged }: Suspect, entry: EndedEntry): Finding => ({
  ...(judged.findings.find(({ kind }) => kind === "late_outcome") ?? {
    id: `${entry.chargeId}#reconcile#late_outcome#${entry.attempt}`,
    kind: "late_outcome",
    gateway: entry.gateway,
    chargeId: entry.chargeId,
    rows,
    next: "nothing",
  }),
  ledger: ledgerSideOf(entry),
  closedAs: entry.state,
});
