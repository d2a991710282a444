import { describe, expect, test } from "vitest";
import { consumerMarks } from "../../lib/core/consumer-marks.ts";
import type { Feed, FeedPage, FeedRow, FeedWindow, OrderOwners } from "../../lib/core/feed.ts";
import type { Finding } from "../../lib/core/finding.ts";
import type { Gateway } from "../../lib/core/gateway.ts";
import type { LedgerEntry, UnknownEntry } from "../../lib/core/ledger.ts";
import type { Policy } from "../../lib/core/policy.ts";
import { ledgerSideOf } from "../../lib/core/sides.ts";
import type { RunRecord } from "../../lib/core/window-record.ts";
import { OutOfTime, type ReconcileOptions, reconcileWindow } from "../../lib/flows/reconcile-window.ts";
import type { Reconciler, SentCharges, SentOrder } from "../../lib/ports.ts";
import {
  final,
  policyOf,
  replies,
  requestIdOf,
  reversal,
  review,
  row,
  stranger,
  t0,
  unknown,
  waiting,
} from "../core/builders.ts";
import { manualClock } from "../doubles/manual-clock.ts";
import { memoryLedger } from "../doubles/memory-ledger.ts";
import { memoryLog } from "../doubles/memory-log.ts";
import { memoryQueues } from "../doubles/memory-queues.ts";
import { memoryRetries } from "../doubles/memory-retries.ts";
import { memorySpills } from "../doubles/memory-spills.ts";
import { memoryWindows } from "../doubles/memory-windows.ts";
import { replied, scriptedWire, sha256Of } from "../doubles/scripted-wire.ts";
import { testGateway, testWorker } from "../doubles/worker.ts";

const minute = 60_000;
/** Not one: `{}` would match any. */
const none = { asymmetricMatch: (found: object) => Object.keys(found).length === 0 };
const hour = 60 * minute;
const day = 24 * hour;
const window: FeedWindow = { fromMs: t0 - hour, toMs: t0 + hour };
const times = {
  lateProcessingMs: 10 * minute,
  clockSkewMs: minute,
  requestIdLifeMs: 15 * minute,
  feedLagMs: 5 * minute,
};

type Parts = {
  readonly entries?: readonly LedgerEntry[];
  /** as the index has them; where not given, as the ledger has them */
  readonly indexed?: readonly LedgerEntry[];
  /** the same, some at a time */
  readonly batches?: readonly (readonly LedgerEntry[])[];
  readonly unreadable?: number;
  readonly pages?: readonly (readonly FeedRow[])[];
  readonly feed?: Partial<Feed>;
  readonly page?: (rows: readonly FeedRow[], cursor: number, window: FeedWindow) => Partial<FeedPage>;
  readonly policy?: Partial<Policy>;
  readonly nowMs?: number;
  readonly clock?: ReturnType<typeof manualClock>;
  readonly remainingMs?: () => number;
  readonly gatewayTimeoutMs?: number;
  readonly window?: FeedWindow;
  /** the gateway has a feed for reconciliation alone: no unknown is looked up in it */
  readonly isForReconciliation?: boolean;
  readonly options?: ReconcileOptions;
  /** the feed shows only what lies within the stretch that it is asked for */
  readonly isFiltered?: boolean;
  /** somebody else always writes first */
  readonly isLost?: boolean;
  /** what stands in the ledger once the retries' record was read */
  readonly released?: LedgerEntry;
};

/** One run over a ledger and a feed as they are given. */
const run = async (parts: Parts) => {
  const { entries = [], pages = [[]], nowMs = t0 + 100 * hour } = parts;
  const { clock = manualClock(nowMs) } = parts;
  const log = memoryLog();
  const queues = memoryQueues();
  const ledger = memoryLedger();
  for (const entry of entries) ledger.plant(entry.chargeId, JSON.stringify(entry));
  const asked: FeedWindow[] = [];
  const sent: { window: FeedWindow; order: SentOrder }[] = [];
  /** in which order pages and batches of charges were read */
  const steps: string[] = [];
  const feed: Feed = {
    firstCursor: 0,
    pagesMax: 10,
    pageRequest(stretch, cursor) {
      if (cursor === 0) asked.push(stretch);
      return { method: "GET", url: `https://feed.test/${cursor}`, headers: {} } as never;
    },
    readPage(reply, _cursor, stretch) {
      const at = Number(JSON.parse(reply.body));
      steps.push(`page ${at}`);
      const within = { fromMs: stretch?.fromMs ?? 0, toMs: stretch?.toMs ?? 0 };
      const isShown = ({ atMs = 0 }: FeedRow): boolean => atMs >= within.fromMs && atMs <= within.toMs;
      const all = (pages[at] ?? []).filter((one) => parts.isFiltered !== true || isShown(one));
      const next = at + 1 < pages.length ? { next: at + 1 } : {};
      return {
        kind: "page",
        rows: all,
        unreadRows: 0,
        ...next,
        ...parts.page?.(all, at, within),
      } as FeedPage;
    },
    idRequest: () => undefined,
    ...parts.feed,
  };
  const wire = scriptedWire({ clock, script: ({ url }) => replied(200, url.split("/").at(-1)) });
  const { feed: _feed, ...feedless } = testGateway();
  const gateway: Gateway =
    parts.isForReconciliation === true
      ? { ...feedless, feed: undefined, reconciliationFeed: feed }
      : { ...feedless, feed };
  const sentCharges: SentCharges = {
    async *read(_gateway, stretch, order) {
      sent.push({ window: stretch, order });
      for (const [at, batch] of (parts.batches ?? [parts.indexed ?? entries]).entries()) {
        steps.push(`batch ${at}`);
        yield { sides: batch.map(ledgerSideOf), unreadable: parts.unreadable ?? 0 };
      }
    },
  };
  const base = testWorker({ clock, wire, ledger, log, queues });
  const spills = memorySpills();
  const woken: string[] = [];
  const retries = memoryRetries();
  const worker: Reconciler = {
    ...base,
    retries: {
      ...retries,
      async read(chargeId) {
        const { released } = parts;
        if (released !== undefined) ledger.plant(chargeId, JSON.stringify(released));
        return retries.read(chargeId);
      },
    },
    ledger: parts.isLost === true ? { ...ledger, replace: async () => ({ kind: "lost" }) } : ledger,
    wake: async (receipt) => void woken.push(receipt),
    policy: policyOf({ ...times, ...parts.policy }),
    gateways: { centrobill: gateway },
    remainingMs: parts.remainingMs ?? (() => hour),
    sentCharges,
    book: memoryWindows(),
    spills,
    gatewayTimeoutMs: parts.gatewayTimeoutMs ?? base.gatewayTimeoutMs,
  };
  const running = reconcileWindow({ gateway, feed }, parts.window ?? window, worker, parts.options);
  const record = await running.finally(() => {
    expect(spills.unclosed()).toBe(0);
  });
  return {
    record,
    log,
    asked,
    sent,
    steps,
    reads: ledger.calls.filter(({ op }) => op === "read").map(({ chargeIds }) => chargeIds.length),
    told: queues.on("review"),
    woken,
    entry: () => ledger.entryOf("order-1"),
    retry: () => retries.recordOf("order-1"),
  };
};
const sentOnce = { sends: 1, firstSendAtMs: t0, lastSendAtMs: t0 };
const approved = (changes: object = {}): LedgerEntry =>
  ({ ...final(), ...sentOnce, ids: { transactionId: "tx-1" }, ...changes }) as LedgerEntry;
const lost = (changes: Partial<UnknownEntry> = {}): UnknownEntry => unknown({ ...sentOnce, ...changes });
const numbered = (at: number): { chargeId: string; requestId: string; transactionId: string } => ({
  chargeId: `c-${at}`,
  requestId: `r-${at}`,
  transactionId: `t-${at}`,
});
const captured = (changes: Partial<FeedRow> = {}): FeedRow => row("captured", changes);

describe("what a run reads", () => {
  const lateMs = 10 * minute + minute;
  const marginMs = lateMs + minute + 15 * minute;
  // biome-ignore format: one row a line
  test.each<[string, Parts, read: FeedWindow, sent: FeedWindow]>([
    ["the window with its margins, and charges that may have a row in it", {}, { fromMs: window.fromMs - marginMs, toMs: window.toMs + marginMs }, { fromMs: window.fromMs - marginMs - lateMs - minute - 15 * minute, toMs: window.toMs + marginMs + minute }],
    ["no more than the feed can show by now", { nowMs: window.toMs + 7 * minute }, { fromMs: window.fromMs - marginMs, toMs: window.toMs + 2 * minute }, { fromMs: window.fromMs - marginMs - lateMs - minute - 15 * minute, toMs: window.toMs + 3 * minute }],
    ["what the window answers for, though the feed cannot show it yet", { nowMs: window.toMs }, { fromMs: window.fromMs - marginMs, toMs: window.toMs - 5 * minute }, { fromMs: window.fromMs - marginMs - lateMs - minute - 15 * minute, toMs: window.toMs + minute }],
    ["nothing backwards", { nowMs: window.fromMs }, { fromMs: window.fromMs - marginMs, toMs: window.fromMs }, { fromMs: window.fromMs - marginMs - lateMs - minute - 15 * minute, toMs: window.toMs + minute }],
    ["an answer may be as late as the time-out", { policy: { lateProcessingMs: 1 } }, { fromMs: window.fromMs - 17.5 * minute, toMs: window.toMs + 17.5 * minute }, { fromMs: window.fromMs - 17.5 * minute - 17.5 * minute, toMs: window.toMs + 18.5 * minute }],
    ["a day of a request id's life, and no more", { policy: { requestIdLifeMs: 9 * day } }, { fromMs: window.fromMs - day - 12 * minute, toMs: window.toMs + day + 12 * minute }, { fromMs: window.fromMs - 2 * day - 24 * minute, toMs: window.toMs + day + 13 * minute }],
  ])("%s", async (_what, parts, read, sent) => {
    const one = await run(parts);
    expect(one.record.read).toEqual(read);
    expect(one.asked).toEqual([read]);
    expect(one.sent.map((stretch) => stretch.window)).toEqual([sent]);
  });

  const timed = (at: number, atMs: number | undefined): FeedRow => {
    const { atMs: _atMs, ...timeless } = captured(numbered(at));
    return atMs === undefined ? timeless : { ...timeless, atMs };
  };
  test.each<[SentOrder, readonly (number | undefined)[]]>([
    ["oldestFirst", [t0, t0 + 5]],
    ["newestFirst", [t0 + 5, t0]],
    ["oldestFirst", [t0]],
    ["newestFirst", [t0 + 5, t0 + 9, t0]],
    ["oldestFirst", [t0, t0 - 9, t0 + 5]],
    ["newestFirst", [undefined, t0 + 5, t0, undefined]],
  ])("charges come %s where rows stand at %j", async (order, moments) => {
    const rows = moments.map((atMs, at) => timed(at, atMs));
    expect((await run({ pages: [rows] })).sent.map((one) => one.order)).toEqual([order]);
  });

  // biome-ignore format: one row a line
  test.each<[reason: string, moments: readonly number[], sentAt: readonly number[], readWithThem: number]>([
    ["the oldest first, past the latest of its rows", [0, 40, 20], [10, 20, 40, 41, 50], 4],
    ["the newest first, past the earliest of its rows, and a minute more: a row comes after its charge", [40 * minute, 10 * minute, 20 * minute], [30 * minute, 10 * minute, 9 * minute, 9 * minute - 1, 0], 4],
  ])("with a page of the feed come the charges of its time: %s", async (_reason, moments, sentAt, count) => {
    const page = moments.map((afterMs, at) => timed(at, t0 + afterMs));
    const batches = sentAt.map((afterMs, at) => [
      { ...lost({ firstSendAtMs: t0 + afterMs }), ...numbered(90 + at) } as unknown as LedgerEntry,
    ]);
    const { steps } = await run({ pages: [page, []], batches });
    expect(steps.indexOf("page 1") - steps.indexOf("page 0") - 1).toBe(count);
  });

  test("rows without a time say nothing of the order", async () => {
    const { atMs: _atMs, ...timeless } = captured();
    const one = await run({ entries: [approved()], pages: [[timeless]] });
    expect(one.record).toMatchObject({
      complete: true,
      ledgerEntries: 1,
      findings: none,
      money: { EUR: { matched: "1999" } },
    });
  });
});

describe("a feed that is longer than a scan", () => {
  const rows = [captured(numbered(1)), captured(numbered(2))];
  const counted = (total: number): Parts => ({
    feed: { pagesMax: 2 },
    pages: [rows],
    // Halves have no more than fits.
    page: (_all, _at, { fromMs, toMs }) => (toMs - fromMs > 2 * hour ? { total } : { rows: [], total: 0 }),
  });
  test("is read by halves as soon as it says so, and every row counts once", async () => {
    const one = await run(counted(5));
    const [whole, ...halves] = one.asked;
    const middleMs = Math.floor(((whole?.fromMs ?? 0) + (whole?.toMs ?? 0)) / 2);
    expect(halves).toEqual([
      { fromMs: whole?.fromMs, toMs: middleMs },
      { fromMs: middleMs, toMs: whole?.toMs },
    ]);
    expect(one.record).toMatchObject({ complete: true, pages: 2, feedRows: 0 });
  });

  test("is not where all of it just fits, but then it has to come", async () => {
    const one = await run(counted(4));
    expect(one.asked).toHaveLength(1);
    expect(one.record).toMatchObject({ incomplete: { reason: "feed_incomplete", why: "rows are missing" } });
  });

  test("a last page of fewer rows is no reason to read halves", async () => {
    const one = await run({
      feed: { pagesMax: 2 },
      pages: [rows, [captured(numbered(3))]],
      page: () => ({ total: 3 }),
    });
    expect(one.asked).toHaveLength(1);
    expect(one.record).toMatchObject({ complete: true, pages: 2, feedRows: 3 });
  });

  test("and does not end is read by halves down to the millisecond, and is never whole", async () => {
    const one = await run({
      feed: { pagesMax: 1 },
      pages: [[], []],
      window: { fromMs: t0, toMs: t0 + 3 },
      policy: { lateProcessingMs: 0, clockSkewMs: 0, requestIdLifeMs: 0 },
      gatewayTimeoutMs: 0,
    });
    expect(one.asked.map(({ fromMs, toMs }) => [fromMs - t0, toMs - t0])).toEqual([
      [0, 3],
      [0, 1],
      [1, 3],
      [1, 2],
      [2, 3],
    ]);
    expect(one.record.incomplete).toEqual({
      reason: "feed_incomplete",
      why: "more pages than one scan reads",
    });
  });

  test("an empty page is no reason to read halves", async () => {
    const one = await run({ feed: { pagesMax: 2 }, pages: [[]], page: () => ({ total: 5 }) });
    expect(one.asked).toHaveLength(1);
  });

  test("pages of both halves are counted with those before, and what is wrong with one is wrong with all", async () => {
    const one = await run({
      feed: { pagesMax: 1 },
      pages: [[captured(numbered(1))], [captured(numbered(2))]],
      page: (_all, _at, { fromMs, toMs }) =>
        toMs - fromMs > 2 * hour
          ? {}
          : toMs > t0 + 10 * minute
            ? ({ kind: "unreadable", why: "odd" } as never)
            : { next: undefined as never },
    });
    expect(one.record).toMatchObject({
      pages: 2,
      feedRows: 2,
      repeatedRows: 1,
      complete: false,
      incomplete: { reason: "feed_incomplete", why: "odd" },
    });
  });
});

describe("why a run is not complete", () => {
  test.each<[string, Parts, RunRecord["incomplete"]]>([
    [
      "a row that nobody can read",
      { page: () => ({ unreadRows: 1 }) },
      { reason: "feed_incomplete", why: "rows are missing" },
    ],
    [
      "a page that nobody can read",
      { page: () => ({ kind: "unreadable", why: "no rows in it" }) as never },
      { reason: "feed_incomplete", why: "no rows in it" },
    ],
    [
      "rows that came twice, and others that did not",
      { pages: [[captured(), captured()]], page: () => ({ total: 2 }) },
      { reason: "feed_moved", why: "1 rows came twice" },
    ],
    ["entries that nobody can read", { unreadable: 2 }, { reason: "ledger_unreadable", why: "2 entries" }],
    ["rows that came twice, without a count", { pages: [[captured(), captured()]] }, undefined],
    ["nothing", {}, undefined],
  ])("%s", async (_what, parts, incomplete) => {
    const { record, log } = await run({ entries: [approved()], pages: [[captured()]], ...parts });
    expect(record.incomplete).toEqual(incomplete);
    expect("incomplete" in record).toBe(incomplete !== undefined);
    expect(record.complete).toBe(incomplete === undefined);
    const whole = { gateway: "centrobill", state: incomplete === undefined ? "complete" : "incomplete" };
    expect(log.eventsOf("reconciled")).toEqual([
      {
        ...whole,
        rows: record.feedRows,
        count: record.ledgerEntries,
        pages: record.pages,
        durationMs: 0,
        ...(incomplete === undefined ? {} : { reason: incomplete.reason }),
      },
    ]);
    expect(log.metrics.filter(({ name }) => name === "ReconciliationIncomplete")).toEqual(
      incomplete === undefined
        ? []
        : [
            {
              name: "ReconciliationIncomplete",
              value: 1,
              members: { gateway: "centrobill", reason: incomplete.reason },
            },
          ],
    );
  });

  test("what was not seen proves nothing then", async () => {
    for (const part of [{ unreadable: 1 }, { page: () => ({ unreadRows: 1 }) }])
      expect((await run({ entries: [approved()], ...part })).record.findings).toEqual({});
    expect((await run({ entries: [approved()] })).record.findings).toEqual({ missing_at_gateway: 1 });
  });
});

describe("money on which both agree", () => {
  test.each<[atMs: number | undefined, matched: string | undefined, reason: string]>([
    [window.fromMs, "1999", "at the window's first moment"],
    [window.toMs - 1, "1999", "at its last"],
    [window.toMs, undefined, "the next window's"],
    [window.fromMs - 1, undefined, "the one's before"],
    [undefined, "1999", "at no time"],
  ])("%s: %s (%s)", async (atMs, matched) => {
    const { atMs: _atMs, ...timeless } = captured();
    const one = await run({
      entries: [approved()],
      pages: [[atMs === undefined ? timeless : captured({ atMs })]],
    });
    expect(one.record.money["EUR"]?.matched).toBe(matched);
    expect(one.record.findings).toEqual({});
  });
});

describe("money that is told of a finding", () => {
  const days: FeedWindow = { fromMs: Date.UTC(2026, 10, 21), toMs: Date.UTC(2026, 10, 24) };
  const at = (date: number, hours = 12): number => Date.UTC(2026, 10, date, hours);
  const back = (changes: Partial<FeedRow> = {}): FeedRow =>
    stranger("unproven", {
      kind: "reversal",
      transactionId: "tx-9",
      parentTransactionId: "tx-1",
      atMs: t0 + 9_000,
      ...changes,
    });

  test("is not matched any more, though charge and row had met", async () => {
    const one = await run({ entries: [approved()], pages: [[captured(), back()]] });
    expect(one.record.findings).toEqual({ refunded_or_charged_back: 1 });
    expect(one.record.money).toEqual({ EUR: { matched: "0", unmatched: "1999", unknown: "0" } });
  });

  const timeless = (() => {
    const { atMs: _atMs, ...rest } = captured();
    return rest;
  })();
  // biome-ignore format: one row a line
  test.each<[reason: string, Parts, day: string, money: object]>([
    ["its first row", { entries: [approved({ firstSendAtMs: at(21) })], pages: [[captured({ amount: "25.00", atMs: at(22) })]] }, "2026-11-22", { unmatched: "501" }],
    ["its send, where there is no row", { entries: [approved({ firstSendAtMs: at(23), lastSendAtMs: at(23) })] }, "2026-11-23", { unmatched: "1999" }],
    ["its send, where no row says a time", { entries: [approved({ firstSendAtMs: at(23) })], pages: [[{ ...timeless, amount: "25.00" }]] }, "2026-11-23", { unmatched: "501" }],
    ["the window's first, where nobody says a time", { pages: [[timeless]] }, "2026-11-21", { unmatched: "1999" }],
    ["the window's first, where its first row was before it", { entries: [approved()], pages: [[captured({ atMs: at(20, 23) }), captured({ transactionId: "tx-2", atMs: at(22) })]] }, "2026-11-21", { unmatched: "1999" }],
    ["the window's last, where its first row comes after it", { entries: [approved()], pages: [[captured({ atMs: days.toMs }), captured({ transactionId: "tx-2", atMs: at(22) })]] }, "2026-11-23", { unmatched: "1999" }],
    ["its send, of what is not known yet", { entries: [lost({ firstSendAtMs: at(23) })] }, "2026-11-23", { unknown: "1999" }],
    ["its first row, of what agrees", { entries: [approved({ firstSendAtMs: at(21) })], pages: [[captured({ says: "accepted", atMs: at(22) } as never), captured({ atMs: at(23) })]] }, "2026-11-22", { matched: "1999" }],
  ])("is of the day of %s", async (_reason, parts, dayOfIt, money) => {
    const one = await run({ window: days, ...parts });
    expect(one.record.days).toEqual([
      { day: dayOfIt, currency: "EUR", matched: "0", unmatched: "0", unknown: "0", ...money },
    ]);
  });
});

describe("what is left of an invocation", () => {
  const late = (afterPages: number): (() => number) => {
    let asked = 0;
    return () => (++asked > afterPages ? 9_999 : hour);
  };
  test("too little for the feed, or for the ledger", async () => {
    await expect(run({ remainingMs: () => 39_999 })).rejects.toMatchObject({
      name: "OutOfTime",
      message: "the feed",
    });
    await expect(run({ remainingMs: late(1), pages: [[captured()]] })).rejects.toThrow(
      new OutOfTime("the ledger"),
    );
  });

  test("just enough for both", async () => {
    expect((await run({ remainingMs: () => 40_000 })).record.complete).toBe(true);
    let asked = 0;
    const enough = () => (++asked > 1 ? 10_000 : hour);
    expect((await run({ remainingMs: enough, pages: [[captured()]] })).record.complete).toBe(true);
  });
});

describe("what is told of a finding", () => {
  const twice = [captured(), captured({ transactionId: "tx-2", atMs: t0 + 9_000 })];
  test("the log, the metrics, whoever listens, and a person", async () => {
    const heard: [Finding, LedgerEntry | undefined][] = [];
    const onFinding = (finding: Finding, entry: LedgerEntry | undefined) => void heard.push([finding, entry]);
    const one = await run({ entries: [approved()], pages: [twice], options: { onFinding } });
    const money = { amount: "1999", currency: "EUR" };
    expect(one.log.eventsOf("finding")).toEqual([
      { gateway: "centrobill", reason: "double_charge", chargeId: "order-1", ...money },
    ]);
    expect(one.log.metrics).toEqual([
      { name: "DoubleCharges", value: 1, members: { gateway: "centrobill" } },
      {
        name: "ReconciliationFindings",
        value: 1,
        members: { gateway: "centrobill", reason: "double_charge" },
      },
    ]);
    expect(heard.map(([{ kind }, entry]) => [kind, entry])).toEqual([["double_charge", one.entry()]]);
    expect(one.told).toMatchObject([{ id: "order-1#reconcile#double_charge#tx-2", reason: "double_charge" }]);
    expect(one.record).toMatchObject({
      findings: { double_charge: 1 },
      waiting: 1,
      money: { EUR: { unmatched: "1999" } },
    });
  });

  test("nobody where it is not asked for, and not who has it in hand", async () => {
    const quiet = await run({ entries: [approved()], pages: [twice], options: { tellReview: false } });
    expect([quiet.told, quiet.record.waiting]).toEqual([[], 1]);
    const inReview = { ...review({ reason: "double_charge" }), ...sentOnce } as LedgerEntry;
    const known = await run({ entries: [inReview], pages: [twice] });
    expect(known.record.findings).toEqual({ double_charge: 1 });
    expect(known.told).toEqual([]);
  });

  test("of a stranger's row there is no charge, and of one without an amount no money", async () => {
    const { atMs: _atMs, ...rest } = stranger("captured", { consumers: [], amount: "x" });
    const one = await run({ pages: [[rest]] });
    expect(one.log.eventsOf("finding")).toStrictEqual([
      { gateway: "centrobill", reason: "missing_in_ledger" },
    ]);
    expect(one.log.metrics.map(({ name }) => name)).toEqual(["ReconciliationFindings"]);
    expect(one.record.money).toEqual({});
    expect(one.reads).toEqual([]);
  });

  test("a thousand are told all, a hundred at a time, and the record holds the first fifty", async () => {
    const rows = Array.from({ length: 250 }, (_, at) => captured({ ...numbered(at), atMs: t0 + at }));
    const one = await run({ pages: [rows] });
    expect(one.record).toMatchObject({ findings: { missing_in_ledger: 250 }, waiting: 250 });
    expect(one.record.first).toHaveLength(50);
    expect(one.told).toHaveLength(250);
    expect(one.reads).toEqual([100, 100, 50]);
    expect(one.record.money["EUR"]?.unmatched).toBe(String(250 * 1999));
  });

  test("so are those without a reference, which might have been somebody's", async () => {
    const rows = Array.from({ length: 150 }, (_, at) =>
      stranger("captured", { transactionId: `t-${at}`, atMs: t0 + at, consumers: [`u-${at}`] }),
    );
    const one = await run({ pages: [rows] });
    expect(one.record).toMatchObject({ findings: { missing_in_ledger: 150 } });
    expect(one.told).toHaveLength(150);
  });

  test("only charges that rows name are read again", async () => {
    const nameless = stranger("captured", { transactionId: "t-8", consumers: [] });
    const one = await run({ pages: [[captured(), nameless]] });
    expect(one.record.findings).toEqual({ missing_in_ledger: 2 });
    expect(one.reads).toEqual([1]);
  });
});

describe("an unknown that the feed answers", () => {
  test("is closed, and told as found", async () => {
    const one = await run({ entries: [lost()], pages: [[captured()]] });
    expect(one.entry()?.state).toBe("approved");
    expect(one.record).toMatchObject({ closed: 1, findings: { late_outcome: 1 }, waiting: 0 });
    expect(one.record.first).toMatchObject([
      {
        id: "order-1#reconcile#late_outcome#1",
        next: "nothing",
        closedAs: "approved",
        ledger: { state: "approved" },
      },
    ]);
    expect(one.record.money["EUR"]).toMatchObject({ matched: "1999", unknown: "0" });
  });

  test("otherwise than it was asked is closed to a person, and told as what it is", async () => {
    const echo = { amount: "25.00", currency: "EUR", chargeId: "order-1", requestId: "request-1" };
    const other = captured({
      amount: "25.00",
      reply: { ...replies.captured, echo, ids: { transactionId: "tx-1" } },
    });
    const one = await run({ entries: [lost()], pages: [[other]] });
    expect(one.entry()).toMatchObject({ state: "review", reason: "mismatch" });
    expect(one.record).toMatchObject({ closed: 1, findings: { amount_differs: 1, late_outcome: 1 } });
    expect(one.record.first.find(({ kind }) => kind === "late_outcome")).toMatchObject({
      id: "order-1#reconcile#late_outcome#1",
      chargeId: "order-1",
      gateway: "centrobill",
      closedAs: "review",
      next: "nothing",
      rows: [{ transactionId: "tx-1" }],
    });
  });

  test("is judged by what the ledger says now, and not by what its index said", async () => {
    const one = await run({ entries: [approved()], indexed: [lost()], pages: [[captured()]] });
    expect(one.record).toMatchObject({ closed: 0, findings: none, money: { EUR: { matched: "1999" } } });
  });

  test.each<LedgerEntry>([approved({ gateway: "centrapay" }), lost({ gateway: "centrapay" })])(
    "of another gateway's charge it is a stranger's: $state",
    async (entry) => {
      const one = await run({ entries: [entry], indexed: [], pages: [[captured()]] });
      expect(one.record).toMatchObject({ closed: 0, findings: { missing_in_ledger: 1 } });
      expect(one.entry()).toEqual(entry);
    },
  );

  describe("that no charge explains, where the gateway can be asked whose order it is", () => {
    const strange = (orderId: string, changes: Partial<FeedRow> = {}): FeedRow => {
      const {
        requestId: _r,
        chargeId: _c,
        ...row
      } = captured({ transactionId: `tx of ${orderId}`, orderId });
      return { ...row, ...changes };
    };
    /** `order-1` with an order that was made for it, which the ledger knows as `pr-1`. */
    const made = (changes: Partial<LedgerEntry> = {}) =>
      approved({ ids: { orderId: "pr-1" }, preparation: { prepared: { id: "pr-1" } }, ...changes } as never);
    const asking = (
      says: (orderId: string) => ReturnType<OrderOwners["read"]>,
      parts: Parts,
    ): Promise<Omit<Awaited<ReturnType<typeof run>>, "asked"> & { readonly asked: readonly string[] }> => {
      const asked: string[] = [];
      const owners: OrderOwners = {
        request({ orderId, says: word }) {
          if (orderId === undefined || word !== "captured") return undefined;
          asked.push(orderId);
          return { method: "GET", url: `https://feed.test/"${orderId}"`, headers: {} };
        },
        read: ({ body }) => says(String(JSON.parse(body))),
      };
      return run({ ...parts, feed: { owners } }).then((ran) => ({ ...ran, asked }));
    };
    const itsOwn = strange("pr-1", { transactionId: "tx-1" });
    const ofOrder1 = () => ({ chargeId: "order-1" });

    test("a second order of a charge is a double charge, with what to give back", async () => {
      const ran = await asking(ofOrder1, { entries: [made()], pages: [[itsOwn, strange("pr-2")]] });
      expect(ran.asked).toEqual(["pr-2"]);
      expect(ran.record).toMatchObject({ complete: true, findings: { double_charge: 1 } });
      expect(ran.record.first).toMatchObject([
        {
          kind: "double_charge",
          chargeId: "order-1",
          next: "confirm_the_refund",
          refundProposal: [{ transactionId: "tx of pr-2", amount: "1999", currency: "EUR" }],
        },
      ]);
      expect(ran.told).toHaveLength(1);
    });

    test("also where the charge itself is read by no run of this window", async () => {
      const ran = await asking(ofOrder1, { entries: [made()], indexed: [], pages: [[strange("pr-2")]] });
      expect(ran.record.findings).toEqual({ double_charge: 1 });
    });

    // biome-ignore format: one row a line
    test.each<[reason: string, entries: LedgerEntry[], says: object]>([
      ["it was made for no charge", [made()], {}],
      ["for a name that can be no charge's", [made()], { chargeId: "order 1" }],
      ["for a charge that the ledger does not have", [], { chargeId: "order-1" }],
      ["for a charge for which nothing was made", [approved()], { chargeId: "order-1" }],
      ["for another gateway's charge", [made({ gateway: "centrapay" })], { chargeId: "order-1" }],
    ])("%s: it stays a stranger's", async (_reason, entries, says) => {
      const ran = await asking(() => says as never, { entries, indexed: [], pages: [[strange("pr-2")]] });
      expect(ran.record).toMatchObject({ complete: true, findings: { missing_in_ledger: 1 } });
      expect(ran.asked).toEqual(["pr-2"]);
    });

    test("an answer that cannot be read leaves the run incomplete, and the row told as a stranger's", async () => {
      const ran = await asking(() => ({ failure: "HTTP 401" }), {
        entries: [made()],
        pages: [[itsOwn, strange("pr-2")]],
      });
      expect(ran.record).toMatchObject({
        complete: false,
        incomplete: { reason: "feed_incomplete", why: "whose rows they are: HTTP 401" },
        findings: { missing_in_ledger: 1 },
      });
    });

    test("what cannot be read at once is asked for again, and nothing else after it where it never can", async () => {
      let answers = 0;
      const parts = { entries: [made()], pages: [[itsOwn, strange("pr-2"), strange("pr-3")]] };
      const late = await asking(() => {
        answers += 1;
        return answers < 8 ? { failure: "HTTP 429" } : { chargeId: "order-1" };
      }, parts);
      expect(late.record).toMatchObject({ complete: true, findings: { double_charge: 1 } });
      expect(answers).toBe(9);
      answers = 0;
      const never = await asking(() => {
        answers += 1;
        return { failure: "HTTP 429" };
      }, parts);
      expect(never.record).toMatchObject({ complete: false, findings: { missing_in_ledger: 2 } });
      expect(answers).toBe(8);
    });

    test("an entry that cannot be read does so, too, and the others are named", async () => {
      const ran = await asking((orderId) => ({ chargeId: orderId === "pr-2" ? "order-1" : "order-9" }), {
        entries: [made(), { ...made(), v: 99, chargeId: "order-9" } as never],
        indexed: [],
        pages: [[strange("pr-2"), strange("pr-9")]],
      });
      expect(ran.record).toMatchObject({
        incomplete: { why: "whose rows they are: an entry that cannot be read" },
        findings: { double_charge: 1, missing_in_ledger: 1 },
      });
    });

    test("each order is asked of once, and only where its row is of the window", async () => {
      const { atMs: _at, ...timeless } = strange("pr-7");
      const ran = await asking(() => ({}), {
        pages: [
          [
            strange("pr-2"),
            strange("pr-2", { transactionId: "tx-3" }),
            strange("pr-4", { atMs: window.fromMs - 1 }),
            strange("pr-5", { atMs: window.fromMs }),
            strange("pr-6", { atMs: window.toMs }),
            timeless,
          ],
        ],
      });
      expect([...ran.asked].sort()).toEqual(["pr-2", "pr-5"]);
    });

    test("of very many, 200 are asked of, and the rest is told as it is", async () => {
      const pages = [Array.from({ length: 230 }, (_, n) => strange(`pr-${n}`))];
      const ran = await asking(() => ({}), { pages });
      expect(ran.asked).toHaveLength(200);
      // Nobody was named, so the ledger is asked for nobody.
      expect(ran.reads).toEqual([]);
      expect(ran.record).toMatchObject({ complete: true, findings: { missing_in_ledger: 230 } });
    });

    test("the charges that they name are read a hundred at a time", async () => {
      const pages = [Array.from({ length: 150 }, (_, n) => strange(`pr-${n}`))];
      const ran = await asking((orderId) => ({ chargeId: `order-of-${orderId}` }), { pages });
      expect(ran.reads).toEqual([100, 50]);
    });

    test("no time to ask: the run is begun anew by the next, and waits for nothing", async () => {
      let left = 2 * hour;
      const clock = manualClock(t0 + 100 * hour);
      const slow = asking(ofOrder1, {
        clock,
        entries: [made()],
        pages: [[itsOwn, strange("pr-2")]],
        remainingMs: () => left,
        page: () => {
          left = 15_000;
          return {};
        },
      });
      await expect(slow).rejects.toThrow(new OutOfTime("whose rows they are"));
      expect(clock.nowMs()).toBe(t0 + 100 * hour);
    });
  });

  // biome-ignore format: one row a line
  test.each<[reason: string, entry: Partial<UnknownEntry>, rows: FeedRow[]]>([
    ["captured_by_earlier_attempt", { attempt: 2, earlierRequestIds: [requestIdOf("request-0")] }, [captured({ requestId: "request-0" })]],
    ["refunded_or_charged_back", {}, [captured(), reversal()]],
    ["double_charge", {}, [captured(), captured({ transactionId: "tx-2" })]],
  ])("to which rows say more than an outcome is closed to a person: %s", async (reason, changes, rows) => {
    const one = await run({ entries: [lost(changes)], pages: [rows] });
    expect(one.entry()).toMatchObject({ state: "review", reason });
    expect(one.record.closed).toBe(1);
  });

  test("is told with what it was found with", async () => {
    const one = await run({ entries: [lost()], pages: [[captured()]] });
    expect(one.record.first).toEqual([
      {
        id: "order-1#reconcile#late_outcome#1",
        kind: "late_outcome",
        gateway: "centrobill",
        chargeId: "order-1",
        ledger: expect.objectContaining({ state: "approved", transactionId: "tx-1" }),
        rows: [expect.objectContaining({ transactionId: "tx-1", says: "captured" })],
        money: { amount: "1999", currency: "EUR" },
        next: "nothing",
        closedAs: "approved",
        atMs: t0 + 2_000,
      },
    ]);
  });

  test("in a feed that is for reconciliation alone stays with the resolver, and is no finding", async () => {
    const one = await run({ entries: [lost()], pages: [[captured()]], isForReconciliation: true });
    expect(one.record).toMatchObject({ closed: 0, findings: none, waiting: 0 });
    expect(one.told).toEqual([]);
    expect(one.entry()?.state).toBe("unknown");
  });

  test("without a row is not looked for once more, though its index said approved", async () => {
    const one = await run({ entries: [lost()], indexed: [approved()] });
    expect(one.record).toMatchObject({ closed: 0, findings: none });
    expect([one.asked.length, one.reads]).toEqual([1, [1]]);
  });

  test("without a row it stays unknown, and its money is counted so, in the window", async () => {
    const one = await run({ entries: [lost({ requestId: requestIdOf("request-1") })] });
    expect(one.entry()?.state).toBe("unknown");
    expect(one.record).toMatchObject({ closed: 0, findings: none, money: { EUR: { unknown: "1999" } } });
    expect(one.reads).toEqual([]);
  });
});

describe("money that was given back, of a charge of which the run has read nothing", () => {
  const back = (changes: Partial<FeedRow> = {}): FeedRow =>
    stranger("unproven", {
      kind: "reversal",
      transactionId: "tx-9",
      parentTransactionId: "tx-1",
      ...changes,
    });
  const asking = async (parts: Parts) => {
    const ids: object[] = [];
    const idRequest: Feed["idRequest"] = (id) => void ids.push(id);
    return { ...(await run({ ...parts, feed: { idRequest } })), ids };
  };

  test("is asked for by its transaction", async () => {
    const one = await asking({ pages: [[back()]] });
    expect(one.ids).toEqual([{ transactionId: "tx-1" }]);
    expect(one.record.findings).toEqual({ missing_in_ledger: 1 });
  });

  test("and of no other", async () => {
    const known = await asking({ entries: [approved()], pages: [[back()]] });
    expect(known.record.findings).toEqual({ refunded_or_charged_back: 1 });
    const taken = await asking({
      pages: [[stranger("captured", { parentTransactionId: "tx-1", consumers: [] })]],
    });
    expect(taken.record.findings).toEqual({ missing_in_ledger: 1 });
    expect([known.ids, taken.ids]).toEqual([[], []]);
  });
});

describe("what only looks like a charge (S14)", () => {
  const mark = consumerMarks(["anna"], sha256Of)[0] ?? "";
  const unheard = lost({ consumerMarks: [mark] });
  const marked = (at: number, changes: Partial<UnknownEntry> = {}): LedgerEntry => {
    const { chargeId, requestId } = numbered(at);
    return { ...unheard, chargeId, requestId, ...changes } as LedgerEntry;
  };
  const anna = (at: number, changes: Partial<FeedRow> = {}): FeedRow =>
    stranger("captured", { transactionId: `t-${at}`, orderId: `o-${at}`, consumers: ["anna"], ...changes });
  const kindsOf = ({ record }: { readonly record: RunRecord }) => record.findings;

  test("is proposed, with the charge as the ledger has it, and its money is matched to nothing", async () => {
    const heard: [Finding, LedgerEntry | undefined][] = [];
    const onFinding = (finding: Finding, entry: LedgerEntry | undefined) => void heard.push([finding, entry]);
    const one = await run({ entries: [marked(1)], pages: [[anna(1)]], options: { onFinding } });
    expect(kindsOf(one)).toEqual({ unmatched_weak: 1 });
    expect(heard).toMatchObject([[{ kind: "unmatched_weak", chargeId: "c-1" }, { chargeId: "c-1" }]]);
    expect(one.record.days).toEqual([
      { day: "2026-11-22", currency: "EUR", matched: "0", unmatched: "1999", unknown: "0" },
    ]);
    expect(one.record.closed).toBe(0);
  });

  // biome-ignore format: one row a line
  test.each<[reason: string, FeedRow[], found: object, rows: readonly number[]]>([
    ["taken and given back: both rows tell more together", [anna(1), anna(9, { kind: "reversal", parentTransactionId: "t-1" })], { missing_in_ledger: 1 }, [2]],
    ["a row that names a request", [{ ...anna(1), requestId: "r-9" }], { missing_in_ledger: 1 }, [1]],
    ["a row that names a charge", [{ ...anna(1), chargeId: "c-9" }], { missing_in_ledger: 1 }, [1]],
    ["money given back", [{ ...anna(1), kind: "reversal" }], { missing_in_ledger: 1 }, [1]],
    ["a refusal", [stranger("refused", { consumers: ["anna"] })], {}, []],
    ["of nobody", [anna(1, { consumers: [] })], { missing_in_ledger: 1 }, [1]],
    ["of another window", [anna(1, { atMs: window.toMs })], {}, []],
  ])("is not %s", async (_reason, rows, found, counts) => {
    const sentLate = { firstSendAtMs: window.toMs - minute, lastSendAtMs: window.toMs - minute };
    const one = await run({ entries: [marked(1, rows[0]?.atMs === window.toMs ? sentLate : {})], pages: [rows] });
    expect(kindsOf(one)).toEqual(found);
    expect(one.record.first.map((finding) => finding.rows.length)).toEqual(counts);
    expect(one.record.money["EUR"]?.unknown).toBe("1999");
  });

  test("a hundred at a time are read again and told", async () => {
    const many = Array.from({ length: 101 }, (_, at) => at);
    const one = await run({
      entries: many.map((at) => marked(at, { amount: String(1_000 + at) })),
      pages: [many.map((at) => anna(at, { amount: `${(1_000 + at) / 100}`, atMs: t0 + 2_000 + at }))],
    });
    expect(kindsOf(one)).toEqual({ unmatched_weak: 101 });
    expect(one.reads).toEqual([100, 1]);
  });

  test("what no row looks like is told as it is, a hundred at a time, and what is no finding is not read", async () => {
    const missing = (at: number): LedgerEntry =>
      ({
        ...approved(numbered(at)),
        ids: { transactionId: `t-${at}` },
        consumerMarks: [mark],
      }) as LedgerEntry;
    const many = Array.from({ length: 150 }, (_, at) => missing(at));
    const one = await run({ entries: many });
    expect(kindsOf(one)).toEqual({ missing_at_gateway: 150 });
    expect(one.reads).toEqual([100, 50]);
    expect(one.record.first.map(({ rows }) => rows.length)).toEqual(Array(50).fill(0));
    const open = await run({ entries: [marked(1)] });
    expect(open.reads).toEqual([]);
    expect(open.record.money).toEqual({ EUR: { matched: "0", unmatched: "0", unknown: "1999" } });
  });

  test.each<[marked: number, unmarked: number, found: object, reason: string]>([
    [20_000, 0, { missing_in_ledger: 1 }, "there is no room for the row"],
    [19_999, 9, { unmatched_weak: 1 }, "there is just room for it: charges of nobody known take none"],
  ])("with %i charges without a row, and %i of nobody known: %j (%s)", async (count, others, found) => {
    const entries = [
      marked(0),
      ...Array.from({ length: count - 1 }, (_, at) => marked(at + 1, { amount: "1" })),
      ...Array.from({ length: others }, (_, at) => marked(-at - 1, { amount: "1", consumerMarks: [] })),
    ];
    const one = await run({ indexed: entries, pages: [[anna(1)]] });
    expect(kindsOf(one)).toEqual(found);
  });
});

describe("a later attempt of what the feed shows as captured", () => {
  // biome-ignore format: one row a line
  test.each<[string, LedgerEntry, FeedRow, decisions: object[] | undefined]>([
    ["is not made, where the ledger says declined", { ...final("declined_retryable"), ...sentOnce } as LedgerEntry, captured(), [{ attempt: 1, kind: "refused", because: "money_taken" }]],
    ["was never wished for, after a decline that is final", { ...final("declined_permanent"), ...sentOnce } as LedgerEntry, captured(), undefined],
    ["is none, where the feed says declined, too", { ...final("declined_retryable"), ...sentOnce } as LedgerEntry, row("refused"), undefined],
    ["is none of an approval", approved(), captured(), undefined],
    ["is not ended by money that comes back", { ...final("declined_retryable"), ...sentOnce } as LedgerEntry, reversal(), undefined],
  ])("%s", async (_what, entry, one, decisions) => {
    const { retry } = await run({ entries: [entry], pages: [[one]] });
    if (decisions === undefined) expect(retry()).toBeUndefined();
    else expect(retry()).toMatchObject({ state: "ended", attempt: 1, decisions });
  });

  const later = {
    attempt: 2,
    requestId: requestIdOf("request-2"),
    earlierRequestIds: [requestIdOf("request-1")],
    openedAtMs: t0,
  };
  const waitingLater: LedgerEntry = { ...waiting(), ...later };
  const sentLater = { sends: 2, firstSendAtMs: t0 + 90 * hour, lastSendAtMs: t0 + 90 * hour };
  const unknownLater = unknown({ ...later, ...sentLater });
  const unnamed = (({ requestId: _requestId, ...rest }) => rest)(captured()) as FeedRow;
  const parts = [captured({ transactionId: "tx-1" }), captured({ transactionId: "tx-2" })];
  // biome-ignore format: one row a line
  test.each<[what: string, LedgerEntry, readonly FeedRow[], reason: string | undefined, why: string]>([
    ["waits", waitingLater, [captured()], "captured_by_earlier_attempt", "it would take the money again (S2)"],
    ["waits", waitingLater, parts, "captured_by_earlier_attempt", "which was taken twice already"],
    ["waits", waitingLater, [unnamed], "captured_by_earlier_attempt", "which attempt is not said: of this one nothing was sent"],
    ["waits", waitingLater, [captured({ requestId: "request-x" })], "contradiction", "by a request id that nobody sent"],
    ["waits", waitingLater, [row("refused")], undefined, "the feed says no, too"],
    ["waits", waitingLater, [captured({ kind: "reversal" })], undefined, "money that comes back"],
    ["has no outcome yet", unknownLater, [captured()], "captured_by_earlier_attempt", "its look-ups begin with its own first send"],
    ["has no outcome yet", { ...unknownLater, receipt: "r-1" }, [captured()], "captured_by_earlier_attempt", "and its message is woken"],
    ["has no outcome yet", unknownLater, [unnamed], "captured_by_earlier_attempt", "which attempt is not said: before its own first send"],
    ["has no outcome yet", unknownLater, [(({ atMs: _atMs, ...rest }) => rest)(unnamed)], undefined, "which attempt is not said, nor when"],
    ["has no outcome yet", unknownLater, [captured({ requestId: "request-x" })], undefined, "a request id that nobody sent"],
  ])("that %s, after rows %#: %s (%s)", async (_what, entry, rows, reason) => {
    const one = await run({ entries: [entry], indexed: [], pages: [rows], isFiltered: true });
    if (reason === undefined) return expect(one.entry()).toMatchObject({ state: entry.state });
    const evidence = { kind: "feed_rows", rows: rows.map(({ transactionId }) => ({ transactionId })) };
    expect(one.entry()).toMatchObject({ state: "review", reason, attempt: 2, evidence });
    expect(one.woken).toEqual("receipt" in entry ? ["r-1"] : []);
    expect(one.record).toMatchObject({ closed: 1 });
  });

  test("is none of a first attempt, however early its row stands", async () => {
    const first = unknown({ ...sentLater, openedAtMs: t0, sends: 1 });
    const one = await run({ entries: [first], indexed: [], pages: [[unnamed]], isFiltered: true });
    expect(one.entry()).toMatchObject({ state: "unknown", attempt: 1 });
  });

  test("that is the first one, and was never sent: whose capture it is a person says", async () => {
    const one = await run({ entries: [waiting()], indexed: [], pages: [[captured()]] });
    expect(one.entry()).toMatchObject({ state: "review", reason: "contradiction", attempt: 1 });
  });

  test("whose lease was taken meanwhile is not called back", async () => {
    const one = await run({ entries: [waitingLater], indexed: [], pages: [[captured()]], isLost: true });
    expect(one.entry()).toMatchObject({ state: "waiting" });
    expect(one.record).toMatchObject({ closed: 0 });
    expect(one.told).toMatchObject([{ finding: { next: "do_not_charge_again" } }]);
  });

  test("that was released while the run ended its record is called back", async () => {
    const entry = { ...final("declined_retryable"), ...sentOnce } as LedgerEntry;
    const released: LedgerEntry = { ...waitingLater, token: "released" as LedgerEntry["token"] };
    const one = await run({ entries: [entry], pages: [[captured()]], released });
    expect(one.entry()).toMatchObject({ state: "review", reason: "captured_by_earlier_attempt" });
    expect(one.retry()).toBeUndefined();
  });
});
