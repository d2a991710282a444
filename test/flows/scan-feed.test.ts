import { describe, expect, test } from "vitest";
import type { Feed, FeedPage, FeedRow } from "../../lib/core/feed.ts";
import type { Matcher } from "../../lib/core/matching.ts";
import { lookUpById, scanFeed } from "../../lib/flows/scan-feed.ts";
import { manualClock } from "../doubles/manual-clock.ts";
import { memoryLedger } from "../doubles/memory-ledger.ts";
import { memoryLog } from "../doubles/memory-log.ts";
import { memoryQueues } from "../doubles/memory-queues.ts";
import { replied, type Scripted, scriptedWire } from "../doubles/scripted-wire.ts";
import { gatewayTimeoutMs, testGateway, testWorker } from "../doubles/worker.ts";

const window = { fromMs: 100, toMs: 200 };
const reserveMs = 10_000;
const row = (transactionId: string): FeedRow =>
  ({ kind: "charge", transactionId, consumers: [], raw: {} }) as unknown as FeedRow;
const page = (rows: number, more: object = {}): FeedPage =>
  ({
    kind: "page",
    rows: Array.from({ length: rows }, (_, nth) => row(`tx-${nth}`)),
    unreadRows: 0,
    ...more,
  }) as FeedPage;

/** Scans a feed of these pages; each is answered with a body of its own unless `bodies` says otherwise. */
const scan = async (
  pages: readonly FeedPage[],
  more: {
    readonly answers?: (nth: number) => Scripted;
    readonly remainingMs?: number;
    readonly tries?: number;
    readonly pagesMax?: number;
    /** whether the rows of a page are wanted; asked before they are added */
    readonly wanted?: (rows: number, total: number) => boolean;
  } = {},
) => {
  const clock = manualClock();
  const startMs = clock.nowMs();
  const log = memoryLog();
  const rows: FeedRow[] = [];
  let asked = 0;
  const wire = scriptedWire({
    clock,
    script: () => {
      asked += 1;
      return more.answers?.(asked) ?? replied(200, `page ${asked}`);
    },
  });
  const feed: Feed = {
    firstCursor: 0,
    pagesMax: more.pagesMax ?? 9,
    pageRequest: (_, cursor) => ({ method: "GET", url: `https://feed.test/${cursor}`, headers: {} }),
    readPage: (_, cursor) => pages[Number(cursor)] ?? page(0),
    idRequest: () => undefined,
  };
  const scanned = await scanFeed(
    { gateway: testGateway(), feed },
    window,
    {
      add: (one) => void rows.push(one),
      ...(more.wanted && { page: async (some, total) => more.wanted?.(some.length, total) === true }),
    },
    testWorker({
      clock,
      wire,
      log,
      ledger: memoryLedger(),
      queues: memoryQueues(),
      ...(more.remainingMs === undefined
        ? {}
        : { remainingMs: () => (more.remainingMs ?? 0) - (clock.nowMs() - startMs) }),
    }),
    reserveMs,
    ...(more.tries === undefined ? [] : [more.tries]),
  );
  return {
    scanned,
    asked,
    rows: rows.length,
    tookMs: clock.nowMs() - startMs,
    told: log.events.map(({ name, members }) => [name, members.reason] as const),
    startMs,
  };
};

const result = (startMs: number, rows: number, whole: boolean, more: object): object => ({
  scan: { atMs: startMs, ...window, rows, whole },
  total: 0,
  cut: false,
  ...more,
});

describe("a scan is whole", () => {
  test.each<[readonly FeedPage[], rows: number, whole: boolean, more: object, why: string]>([
    [[page(2, { next: 1 }), page(1)], 3, true, { pages: 2 }, "every page came"],
    [[page(2, { total: 2 })], 2, true, { pages: 1, total: 2 }, "as many rows as the gateway counts"],
    [[page(2, { total: 3 })], 2, false, { pages: 1, total: 3 }, "fewer than it counts"],
    [
      [page(1, { total: 3, next: 1 }), page(1, { total: 1 })],
      2,
      false,
      { pages: 2, total: 3 },
      "its largest word",
    ],
    [[page(2, { unreadRows: 1 })], 2, false, { pages: 1 }, "one could not be read"],
    [[page(0)], 0, true, { pages: 1 }, "there are none"],
  ])("%j: %i rows, %s (%4$s)", async (pages, rows, whole, more) => {
    const on = await scan(pages);
    expect(on.scanned).toStrictEqual(result(on.startMs, rows, whole, more));
    expect(on.rows).toBe(rows);
    expect(on.told).toEqual([["feed_scanned", undefined]]);
  });
});

describe("a scan that does not come to its end", () => {
  test("goes on as long as its rows are wanted, and is cut then, and not whole", async () => {
    const heard: [number, number][] = [];
    const on = await scan([page(2, { next: 1, total: 4 }), page(1, { next: 2 }), page(1)], {
      wanted: (rows, total) => heard.push([rows, total]) < 2,
    });
    expect(heard).toEqual([
      [2, 4],
      [1, 0],
    ]);
    expect(on.scanned).toEqual(result(on.startMs, 2, false, { pages: 1, total: 4, cut: true }));
    expect([on.rows, on.asked]).toEqual([2, 2]);
    const whole = await scan([page(1, { next: 1 }), page(1)], { wanted: () => true });
    expect(whole.scanned.scan.whole).toBe(true);
  });

  test("has more pages than are read in one: cut, and not failed", async () => {
    const on = await scan([page(1, { next: 1 }), page(1, { next: 2 }), page(1)], { pagesMax: 2 });
    expect(on.scanned).toStrictEqual(result(on.startMs, 2, false, { pages: 2, cut: true }));
    expect(on.told).toEqual([["feed_scanned", undefined]]);
  });

  test("has just as many pages as are read in one: whole", async () => {
    const on = await scan([page(1, { next: 1 }), page(1)], { pagesMax: 2 });
    expect(on.scanned).toStrictEqual(result(on.startMs, 2, true, { pages: 2 }));
  });

  test.each<[string, readonly FeedPage[], (nth: number) => Scripted, rows: number, pages: number]>([
    [
      "another shape",
      [page(1, { next: 1 }), { kind: "unreadable", why: "another shape" }],
      (nth) => replied(200, `${nth}`),
      1,
      1,
    ],
    ["the same page again", [page(1, { next: 1 }), page(1, { next: 2 })], () => replied(200, "same"), 1, 1],
    ["HTTP 503", [page(1)], () => replied(503), 0, 0],
    ["neverSent: refused", [page(1)], () => ({ kind: "neverSent", cause: "refused" }), 0, 0],
  ])("%s: what was read until then, and why", async (failure, pages, answers, rows, read) => {
    const on = await scan(pages, { answers });
    expect(on.scanned).toStrictEqual(result(on.startMs, rows, false, { pages: read, failure }));
    expect(on.told).toEqual([["feed_failed", failure]]);
  });

  test("empty pages may be the same", async () => {
    const on = await scan([page(0, { next: 1 }), page(0, { next: 2 }), page(0)], {
      answers: () => replied(200, "same"),
    });
    expect(on.scanned).toStrictEqual(result(on.startMs, 0, true, { pages: 3 }));
  });
});

describe("one transaction, by the gateway's own id", () => {
  const look = async (read: FeedPage, answer: Scripted, hasIds = true) => {
    const clock = manualClock();
    const rows: FeedRow[] = [];
    const wire = scriptedWire({ clock, script: () => answer });
    const feed: Feed = {
      firstCursor: 0,
      pagesMax: 1,
      pageRequest: () => ({ method: "GET", url: "https://feed.test/0", headers: {} }),
      readPage: () => read,
      idRequest: () => (hasIds ? { method: "GET", url: "https://feed.test/id", headers: {} } : undefined),
    };
    const matcher = { add: (one: FeedRow) => void rows.push(one) } as unknown as Matcher;
    const worker = testWorker({ clock, wire, ledger: memoryLedger(), queues: memoryQueues() });
    await lookUpById({ gateway: testGateway(), feed }, { orderId: "o" }, matcher, worker, reserveMs);
    return [wire.sent.length, rows.length];
  };
  test.each<[string, FeedPage, Scripted, hasIds: boolean, asked: number, rows: number]>([
    ["its rows are added", page(2), replied(200), true, 1, 2],
    ["a feed that cannot be asked so is not", page(2), replied(200), false, 0, 0],
    ["a fault is asked for once", page(2), replied(503), true, 1, 0],
    ["what cannot be read adds nothing", { kind: "unreadable", why: "" }, replied(200), true, 1, 0],
  ])("%s", async (_, read, answer, hasIds, asked, rows) => {
    expect(await look(read, answer, hasIds)).toEqual([asked, rows]);
  });
});

describe("a page", () => {
  const flaky = (good: number) => (nth: number) => (nth < good ? replied(503) : replied(200));
  test.each<[good: number, tries: number | undefined, asked: number, whole: boolean, why: string]>([
    [2, undefined, 2, true, "once more, half a second later"],
    [3, undefined, 2, false, "and no more"],
    [4, 4, 4, true, "more often where it is worth it"],
    [2, 1, 1, false, "or once"],
  ])("good at the %i. of %s tries: asked %i times (%4$s)", async (good, tries, asked, whole) => {
    const on = await scan([page(1)], { answers: flaky(good), ...(tries === undefined ? {} : { tries }) });
    expect(on.asked).toBe(asked);
    expect(on.scanned.scan.whole).toBe(whole);
    expect(on.tookMs).toBe((asked - 1) * 500);
  });

  test.each<[number, asked: number, failure: string | undefined]>([
    [reserveMs + gatewayTimeoutMs, 1, undefined],
    [reserveMs + gatewayTimeoutMs - 1, 0, "out of time"],
  ])("with %i ms left is asked for %i times (%s)", async (remainingMs, asked, failure) => {
    const on = await scan([page(1)], { remainingMs });
    expect(on.asked).toBe(asked);
    expect(on.scanned.failure).toBe(failure);
  });

  test("that failed is not asked for again without the time for it", async () => {
    const on = await scan([page(1)], {
      answers: () => replied(503),
      remainingMs: reserveMs + gatewayTimeoutMs + 100,
    });
    expect([on.asked, on.scanned.failure]).toEqual([1, "HTTP 503"]);
  });
});
