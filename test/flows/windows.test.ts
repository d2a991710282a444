import { describe, expect, test } from "vitest";
import type { LeaseToken } from "../../lib/core/charge.ts";
import type { Feed } from "../../lib/core/feed.ts";
import { NoRoom } from "../../lib/core/no-room.ts";
import { type DueWindow, lookBackMs, windowMs } from "../../lib/core/window-plan.ts";
import type { RunRecord, WindowRecord } from "../../lib/core/window-record.ts";
import { planWindows } from "../../lib/flows/plan-windows.ts";
import { reconcileDue } from "../../lib/flows/reconcile-due.ts";
import { OutOfTime } from "../../lib/flows/reconcile-window.ts";
import { claimWindow, readWindows, workWindow } from "../../lib/flows/work-window.ts";
import { workWindowMessages } from "../../lib/flows/work-window-messages.ts";
import type { Reconciler } from "../../lib/ports.ts";
import { manualClock } from "../doubles/manual-clock.ts";
import { memoryLedger } from "../doubles/memory-ledger.ts";
import { memoryLog } from "../doubles/memory-log.ts";
import { memoryQueues } from "../doubles/memory-queues.ts";
import { memorySpills } from "../doubles/memory-spills.ts";
import { replied, scriptedWire } from "../doubles/scripted-wire.ts";
import { seededIds } from "../doubles/seeded-ids.ts";
import { testGateway, testWorker } from "../doubles/worker.ts";

const hour = 3_600_000;
const day = 24 * hour;
const nowMs = Date.UTC(2026, 10, 24, 0, 30);
const at = (hours: number): number => Date.UTC(2026, 10, 24) + hours * hour;
const tokenOf = (text: string): LeaseToken => text as LeaseToken;

type Parts = {
  readonly records?: readonly WindowRecord[];
  /** what every run ends with; where not given, it reads a feed and a ledger that have nothing */
  readonly error?: unknown;
  readonly remainingMs?: number;
  /** gateways without a feed beside the one with it */
  readonly feedless?: boolean;
  /** tells which writes come second */
  readonly isLost?: (record: WindowRecord) => boolean;
};

/** A worker, and everything that it writes into the book. */
const setUp = ({
  records = [],
  error,
  remainingMs = 900_000,
  feedless,
  isLost = () => false,
}: Parts = {}) => {
  const clock = manualClock(nowMs);
  const log = memoryLog();
  const feed: Feed = {
    firstCursor: 0,
    pagesMax: 9,
    pageRequest: () => ({ method: "GET", url: "https://feed.test/", headers: {} }),
    readPage: () => ({ kind: "page", rows: [], unreadRows: 0 }),
    idRequest: () => undefined,
  };
  const gateway = { ...testGateway(), feed };
  const standing = [...records];
  const written: (readonly [previous: LeaseToken | undefined, record: WindowRecord])[] = [];
  const asked: unknown[] = [];
  let tokens = 0;
  const worker: Reconciler = {
    ...testWorker({
      clock,
      wire: scriptedWire({ clock, script: () => replied(200, "") }),
      ledger: memoryLedger(),
      log,
      queues: memoryQueues(),
      ids: { ...seededIds(), leaseToken: () => tokenOf(`token-${++tokens}`) },
    }),
    gateways: {
      ...(feedless === true ? { centrapay: { ...testGateway({ feed: false }), name: "centrapay" } } : {}),
      centrobill: gateway,
    },
    remainingMs: () => remainingMs,
    sentCharges: {
      async *read() {
        if (error !== undefined) throw error;
        yield { sides: [], unreadable: 0 };
      },
    },
    book: {
      async windows(...of) {
        asked.push(of);
        return standing;
      },
      async replace(previous, record) {
        if (isLost(record)) return { kind: "lost" };
        written.push([previous, record]);
        const { fromMs, toMs, pass } = record;
        const place = standing.findIndex(
          (one) => one.fromMs === fromMs && one.toMs === toMs && one.pass === pass,
        );
        standing.splice(place === -1 ? standing.length : place, 1, record);
        return { kind: "replaced" };
      },
      keepFindings: async () => {},
    },
    spills: memorySpills(),
  };
  return { worker, of: { gateway, feed }, log, written, asked };
};

const waiting = (fromMs: number, toMs: number, changes: Partial<WindowRecord> = {}): WindowRecord =>
  ({
    v: 1,
    gateway: "centrobill",
    fromMs,
    toMs,
    pass: 0,
    token: tokenOf(`of-${fromMs}`),
    begun: 0,
    state: "waiting",
    ...changes,
  }) as WindowRecord;
const done = (fromMs: number, toMs: number, pass = 0): WindowRecord =>
  waiting(fromMs, toMs, {
    pass,
    state: "done",
    run: { complete: true, endedAtMs: nowMs } as RunRecord,
  } as Partial<WindowRecord>);
/** The grid's windows of the last day that an hour has passed since; nothing else is due. */
const grid = [done(at(-18), at(-12)), done(at(-12), at(-6))];

describe("which windows there are", () => {
  test("those are read that may reach into the time that is looked back on", async () => {
    const { worker, of, asked } = setUp({ records: grid });
    expect(await readWindows(of, worker)).toEqual({ records: grid, due: [] });
    expect(asked).toEqual([["centrobill", nowMs - lookBackMs - windowMs]]);
  });
});

describe("a window is taken", () => {
  const due: DueWindow = { fromMs: at(-12), toMs: at(-6), pass: 1, standing: undefined };
  test.each<[remainingMs: number, leaseMs: number, reason: string]>([
    [900_000, 960_000, "for what is left of the invocation, and a minute by which clocks may differ"],
    [0, 60_000, "though nothing is left"],
    [day, day + 60_000, "for a day"],
    [Number.POSITIVE_INFINITY, day + 60_000, "and no longer, where an invocation has no end"],
  ])("with %i ms left: by a lease of %i ms (%s)", async (remainingMs, leaseMs) => {
    const { worker, of, written } = setUp({ remainingMs });
    const claimed = await claimWindow(due, of, worker);
    expect(written).toEqual([[undefined, claimed]]);
    expect(claimed).toStrictEqual({
      v: 1,
      gateway: "centrobill",
      fromMs: at(-12),
      toMs: at(-6),
      pass: 1,
      token: "token-1",
      begun: 1,
      state: "leased",
      leaseUntilMs: nowMs + leaseMs,
    });
  });

  test("from what stands: begun once more, and only if nobody wrote it meanwhile", async () => {
    const standing = waiting(at(-12), at(-6), { begun: 4 });
    const one = setUp();
    expect(await claimWindow({ ...due, standing }, one.of, one.worker)).toMatchObject({ begun: 5 });
    expect(one.written).toMatchObject([[standing.token, { begun: 5 }]]);
    const other = setUp({ isLost: () => true });
    expect(await claimWindow({ ...due, standing }, other.of, other.worker)).toBeUndefined();
  });
});

describe("what becomes of a window", () => {
  const errors = {
    nothing: undefined,
    "a lack of time": new OutOfTime("the ledger"),
    "a full disk": new NoRoom("the disk is full"),
    "a fault": new Error("no table"),
    "what is no error": "a text",
  };
  type Row = readonly [
    becomes: "done" | "split" | "left" | "thrown",
    why: keyof typeof errors,
    lengthMs: number,
    begun: number,
    whole: boolean,
    reason: string,
  ];
  // biome-ignore format: one row a line
  test.each<Row>([
    ["done", "nothing", 6 * hour, 1, false, "the run came to its end"],
    ["left", "a lack of time", 6 * hour, 1, false, "begun anew with a whole invocation before it, it may fit"],
    ["split", "a lack of time", 6 * hour, 1, true, "it had a whole invocation"],
    ["split", "a lack of time", 6 * hour, 2, false, "it was begun twice"],
    ["split", "a lack of time", 120_000, 1, true, "it is just long enough"],
    ["left", "a lack of time", 119_999, 1, true, "it is too short to be cut"],
    ["left", "a lack of time", 119_999, 9, false, "however often it was begun"],
    ["split", "a full disk", 6 * hour, 1, false, "what did not fit onto the disk will not fit there later"],
    ["split", "a full disk", 120_000, 1, false, "it is just long enough"],
    ["thrown", "a full disk", 119_999, 1, true, "nothing shorter is there: somebody has to look"],
    ["thrown", "a fault", 6 * hour, 1, true, "it may be over the next time"],
    ["thrown", "a fault", 60_000, 1, true, "however short it is"],
    ["thrown", "what is no error", 6 * hour, 1, true, "whatever is thrown"],
  ])("%s after %s in %i ms, begun %i times, with the invocation to itself %s (%s)", async (becomes, why, lengthMs, begun, whole) => {
    const error = errors[why];
    const { worker, of, written, log } = setUp({ error });
    const [fromMs, toMs] = [at(-12), at(-12) + lengthMs];
    const claimed = waiting(fromMs, toMs, { pass: 1, begun, state: "leased", leaseUntilMs: 0 } as Partial<WindowRecord>);
    const base = { v: 1, gateway: "centrobill", fromMs, toMs, pass: 1, begun, token: "token-1" };
    const half = { ...base, begun: 0, state: "waiting" };
    const middleMs = fromMs + lengthMs / 2;
    const ended = workWindow(claimed, of, worker, whole);
    if (becomes === "thrown") await expect(ended).rejects.toBe(error);
    else expect(await ended).toBe(becomes);
    const expected = {
      done: [[claimed.token, { ...base, state: "done", run: expect.objectContaining({ complete: true, window: { fromMs, toMs } }) }]],
      left: [[claimed.token, { ...base, state: "waiting" }]],
      split: [
        [undefined, { ...half, toMs: middleMs, token: "token-2" }],
        [undefined, { ...half, fromMs: middleMs, token: "token-3" }],
        [claimed.token, { ...base, state: "split" }],
      ],
      thrown: [],
    };
    expect(written).toEqual(expected[becomes]);
    const told = error instanceof Error ? `${error.name}: ${error.message}` : "unknown";
    expect(log.eventsOf("reconciliation_failed")).toEqual(error === undefined ? [] : [{ gateway: "centrobill", error: told }]);
  });
});

describe("a message that names a window", () => {
  const window = waiting(at(-12), at(-6), { pass: 1 });
  const late = waiting(at(-24), at(-18));
  const bodyOf = (changes: object = {}): string => {
    const { v, gateway, fromMs, toMs, pass } = window;
    return JSON.stringify({ v, gateway, fromMs, toMs, pass, ...changes });
  };
  const deliver = async (parts: Parts, ...bodies: readonly string[]) => {
    const one = setUp({ records: [...grid, late, window], ...parts });
    await workWindowMessages(
      bodies.map((body, nth) => ({ messageId: `m-${nth}`, body, receives: 1, receipt: "r" })),
      one.worker,
    );
    return {
      worked: one.written.map(([, { fromMs, pass, state }]) => [fromMs, pass, state]),
      failed: one.log.eventsOf("message_failed"),
    };
  };

  test("has it worked, and no other", async () => {
    expect(await deliver({}, bodyOf())).toEqual({
      worked: [
        [at(-12), 1, "leased"],
        [at(-12), 1, "done"],
      ],
      failed: [],
    });
  });

  test.each<[string, object]>([
    ["beginning at another moment", { fromMs: at(-24) }],
    ["ending at another moment", { toMs: at(-7) }],
    ["of another look at it", { pass: 0 }],
    ["of a gateway without a feed", { gateway: "centrapay" }],
  ])("that is not due changes nothing: %s", async (_what, changes) => {
    expect(await deliver({ feedless: true }, bodyOf(changes))).toEqual({ worked: [], failed: [] });
    expect(await deliver({}, bodyOf(changes))).toEqual({ worked: [], failed: [] });
  });

  test("which somebody else takes at the same moment is left to them", async () => {
    const isLost = ({ state }: WindowRecord): boolean => state === "leased";
    expect(await deliver({ isLost }, bodyOf())).toEqual({ worked: [], failed: [] });
  });

  test("that cannot be read is told, and the others are worked", async () => {
    const { worked, failed } = await deliver({}, "{", bodyOf());
    expect(failed).toEqual([{ messageId: "m-0", error: "names no window of reconciliation" }]);
    expect(worked).toHaveLength(2);
  });

  test("alone has the whole invocation, and with another not", async () => {
    const error = new OutOfTime("the feed");
    const statesOf = async (...bodies: readonly string[]) =>
      (await deliver({ error }, ...bodies)).worked.map(([, , state]) => state);
    expect(await statesOf(bodyOf())).toEqual(["leased", "waiting", "waiting", "split"]);
    expect(await statesOf(bodyOf(), "{")).toEqual(["leased", "waiting"]);
  });
});

describe("what is put onto the queue of windows", () => {
  const plan = async (parts: Parts) => {
    const one = setUp(parts);
    const sent: object[] = [];
    const { queued } = await planWindows(one.worker, { send: async (window) => void sent.push(window) });
    return { queued, sent, metrics: one.log.metrics, asked: one.asked };
  };

  test("every window that is due, the oldest first, of the gateways that have a feed", async () => {
    const records = [waiting(at(-12), at(-9)), waiting(at(-9), at(-6), { pass: 1 }), ...grid];
    const { queued, sent, asked } = await plan({ records, feedless: true });
    expect(queued).toBe(2);
    expect(sent).toStrictEqual([
      { v: 1, gateway: "centrobill", fromMs: at(-12), toMs: at(-9), pass: 0 },
      { v: 1, gateway: "centrobill", fromMs: at(-9), toMs: at(-6), pass: 1 },
    ]);
    expect(asked).toHaveLength(1);
  });

  test("nothing, where nothing is due", async () => {
    expect(await plan({ records: grid })).toMatchObject({ queued: 0, sent: [] });
  });

  test.each<[string, readonly WindowRecord[], fromMs: number | undefined]>([
    ["up to where all is reconciled", grid, at(-6)],
    ["where nothing is yet, from the oldest that is due", [], at(-18)],
    [
      "nothing, and nothing due: nobody knows",
      [
        waiting(at(-18), at(-12), { state: "split" } as never),
        waiting(at(-12), at(-6), { state: "split" } as never),
      ],
      undefined,
    ],
  ])("how far it lies back: %s", async (_what, records, fromMs) => {
    const metric = {
      name: "ReconciliationLagMs",
      value: nowMs - (fromMs ?? 0),
      members: { gateway: "centrobill" },
    };
    expect((await plan({ records })).metrics).toEqual(fromMs === undefined ? [] : [metric]);
    const alone = setUp({ records, remainingMs: 0 });
    await reconcileDue(alone.worker);
    expect(alone.log.metrics).toEqual(fromMs === undefined ? [] : [metric]);
  });
});

describe("what is due is worked by an invocation", () => {
  const records = [waiting(at(-12), at(-9)), waiting(at(-9), at(-6)), ...grid];
  test("all of it, the oldest first", async () => {
    const { worker, written, asked } = setUp({ records, feedless: true });
    expect(await reconcileDue(worker)).toEqual({ done: 2, split: 0, left: 0 });
    expect(written.map(([, { fromMs, state }]) => [fromMs, state])).toEqual([
      [at(-12), "leased"],
      [at(-12), "done"],
      [at(-9), "leased"],
      [at(-9), "done"],
    ]);
    expect(asked).toHaveLength(3);
  });

  test.each<[number, object]>([
    [30_000, { done: 2, split: 0, left: 0 }],
    [29_999, { done: 0, split: 0, left: 2 }],
  ])("while it is worth to begin one: with %i ms left %j", async (remainingMs, worked) => {
    const { worker } = setUp({ records, remainingMs });
    // What a run needs itself is no question here.
    expect(await reconcileDue({ ...worker, gatewayTimeoutMs: 1_000 })).toEqual(worked);
  });

  test("what somebody else takes at the same moment is left to them, and the next is taken", async () => {
    const theirs = new Set([at(-12)]);
    const { worker, written } = setUp({
      records,
      isLost: ({ fromMs, state }) => state === "leased" && theirs.has(fromMs),
    });
    expect(await reconcileDue(worker)).toEqual({ done: 1, split: 0, left: 0 });
    expect(written.map(([, { fromMs }]) => fromMs)).toEqual([at(-9), at(-9)]);
  });

  test("what did not fit into its time waits, and is cut when it does not fit again", async () => {
    const error = new OutOfTime("the ledger");
    const { worker, written } = setUp({ records: [waiting(at(-12), at(-6)), ...grid.slice(0, 1)], error });
    const isCut = (): boolean => written.some(([, { state }]) => state === "split");
    const worked = await reconcileDue({ ...worker, remainingMs: () => (isCut() ? 0 : 900_000) });
    // Left once by itself, and then its halves.
    expect(worked).toEqual({ done: 0, split: 1, left: 3 });
  });
});
