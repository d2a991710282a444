import { describe, expect, test } from "vitest";
import type { Feed, FeedPage, FeedRow, FeedWindow } from "../../lib/core/feed.ts";
import type { Finding } from "../../lib/core/finding.ts";
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
  review,
  row,
  stranger,
  t0,
  unknown,
} from "../core/builders.ts";
import { manualClock } from "../doubles/manual-clock.ts";
import { memoryLedger } from "../doubles/memory-ledger.ts";
import { memoryLog } from "../doubles/memory-log.ts";
import { memoryQueues } from "../doubles/memory-queues.ts";
import { memorySpills } from "../doubles/memory-spills.ts";
import { replied, scriptedWire } from "../doubles/scripted-wire.ts";
import { testGateway, testWorker } from "../doubles/worker.ts";

const minute = 60_000;
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
  readonly unreadable?: number;
  readonly pages?: readonly (readonly FeedRow[])[];
  readonly feed?: Partial<Feed>;
  readonly page?: (rows: readonly FeedRow[], cursor: number, window: FeedWindow) => Partial<FeedPage>;
  readonly policy?: Partial<Policy>;
  readonly nowMs?: number;
  readonly remainingMs?: () => number;
  readonly window?: FeedWindow;
  readonly options?: ReconcileOptions;
};

/** One run over a ledger and a feed as they are given. */
const run = async (parts: Parts) => {
  const { entries = [], pages = [[]], nowMs = t0 + 100 * hour } = parts;
  const clock = manualClock(nowMs);
  const log = memoryLog();
  const queues = memoryQueues();
  const ledger = memoryLedger();
  for (const entry of entries) ledger.plant(entry.chargeId, JSON.stringify(entry));
  const asked: FeedWindow[] = [];
  const sent: { window: FeedWindow; order: SentOrder }[] = [];
  const feed: Feed = {
    firstCursor: 0,
    pagesMax: 10,
    pageRequest(stretch, cursor) {
      if (cursor === 0) asked.push(stretch);
      return { method: "GET", url: `https://feed.test/${cursor}`, headers: {} } as never;
    },
    readPage(reply, _cursor, stretch) {
      const at = Number(JSON.parse(reply.body));
      const all = pages[at] ?? [];
      const within = { fromMs: stretch?.fromMs ?? 0, toMs: stretch?.toMs ?? 0 };
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
  const gateway = { ...testGateway(), feed };
  const sentCharges: SentCharges = {
    async *read(_gateway, stretch, order) {
      sent.push({ window: stretch, order });
      yield { sides: (parts.indexed ?? entries).map(ledgerSideOf), unreadable: parts.unreadable ?? 0 };
    },
  };
  const base = testWorker({ clock, wire, ledger, log, queues });
  const worker: Reconciler = {
    ...base,
    policy: policyOf({ ...times, ...parts.policy }),
    gateways: { centrobill: gateway },
    remainingMs: parts.remainingMs ?? (() => hour),
    sentCharges,
    book: { windows: async () => [], replace: async () => ({ kind: "lost" }) },
    spills: memorySpills(),
  };
  const record = await reconcileWindow({ gateway, feed }, parts.window ?? window, worker, parts.options);
  return {
    record,
    log,
    asked,
    sent,
    reads: ledger.calls.filter(({ op }) => op === "read").map(({ chargeIds }) => chargeIds.length),
    told: queues.on("review"),
    entry: () => ledger.entryOf("order-1"),
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

  test.each<[SentOrder, readonly number[]]>([
    ["oldestFirst", [t0, t0 + 5]],
    ["newestFirst", [t0 + 5, t0]],
    ["oldestFirst", [t0]],
  ])("charges come %s where rows stand at %j", async (order, moments) => {
    const rows = moments.map((atMs, at) => captured({ ...numbered(at), atMs }));
    expect((await run({ pages: [rows] })).sent.map((one) => one.order)).toEqual([order]);
  });

  test("rows without a time say nothing of the order", async () => {
    const { atMs: _atMs, ...timeless } = captured();
    const one = await run({ entries: [approved()], pages: [[timeless]] });
    expect(one.record).toMatchObject({
      complete: true,
      ledgerEntries: 1,
      findings: {},
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
    const one = await run({ entries: [approved()], unreadable: 1 });
    expect(one.record.findings).toEqual({});
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
    expect(one.log.eventsOf("finding")).toEqual([{ gateway: "centrobill", reason: "missing_in_ledger" }]);
    expect(one.record.money).toEqual({});
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
    expect(one.record).toMatchObject({ closed: 0, findings: {}, money: { EUR: { matched: "1999" } } });
  });

  test("of another gateway's charge it is a stranger's", async () => {
    const one = await run({
      entries: [approved({ gateway: "centrapay" })],
      indexed: [],
      pages: [[captured()]],
    });
    expect(one.record.findings).toEqual({ missing_in_ledger: 1 });
  });

  test("without a row it stays unknown, and its money is counted so, in the window", async () => {
    const one = await run({ entries: [lost({ requestId: requestIdOf("request-1") })] });
    expect(one.entry()?.state).toBe("unknown");
    expect(one.record).toMatchObject({ closed: 0, findings: {}, money: { EUR: { unknown: "1999" } } });
  });
});
