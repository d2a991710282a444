import { describe, expect, test } from "vitest";
import type { LeaseToken } from "../../lib/core/charge.ts";
import type { JsonObject } from "../../lib/core/json.ts";
import { NoRoom } from "../../lib/core/no-room.ts";
import { planWindows } from "../../lib/flows/plan-windows.ts";
import { reconcileDue } from "../../lib/flows/reconcile-due.ts";
import { feedOf, reconcileWindow } from "../../lib/flows/reconcile-window.ts";
import { workWindowMessages } from "../../lib/flows/work-window-messages.ts";
import { defaultFeedProfile } from "../../lib/gateways/centrobill/feed-profile.ts";
import { centrobill } from "../../lib/gateways/centrobill/index.ts";
import type { Reconciler } from "../../lib/ports.ts";
import { memorySpills } from "../doubles/memory-spills.ts";
import { type MemoryWindows, memoryWindows } from "../doubles/memory-windows.ts";
import { chargeMessage } from "../doubles/samples.ts";
import type { Act } from "../doubles/scripted-bank.ts";
import { declines, pays, paysUnheard, swallows } from "../doubles/scripted-bank.ts";
import { type Stage, type StageOptions, stage } from "./stage.ts";

const hour = 3_600_000;
/** Not one: `{}` would match any. */
const none = { asymmetricMatch: (found: object) => Object.keys(found).length === 0 };

const reconcilerOf = (
  on: Stage,
  remainingMs: () => number = () => 900_000,
): Reconciler & { readonly book: MemoryWindows } => ({
  ...on.worker(),
  remainingMs,
  sentCharges: on.ledger.sentCharges,
  book: memoryWindows(),
  spills: memorySpills(),
});

const acts: Readonly<Record<string, readonly Act[]>> = {
  "a-paid": [pays()],
  "b-declined": [declines(5051)],
  "c-declined-but-captured": [
    { makes: { status: "success", code: 0 }, says: { kind: "replied", status: 400, body: {} } },
  ],
  "d-lost": [paysUnheard(), paysUnheard()],
};

const staged = async (
  options: StageOptions = {},
  ids: readonly string[] = Object.keys(acts),
): Promise<Stage> => {
  const on = stage({
    // Nothing is ever due: what stays unknown waits for the run.
    policy: { lookupScheduleMs: [400 * hour], resendsMax: 0, feedLagMs: 60_000 },
    bank: (chargeId, nth) => acts[chargeId]?.[nth - 1] ?? swallows,
    ...options,
  });
  for (const id of ids) on.send(chargeMessage(id));
  await on.round();
  on.clock.set(on.startMs + 20 * hour);
  return on;
};

const run = (on: Stage, worker = reconcilerOf(on)) => {
  const [gateway] = Object.values(worker.gateways);
  const of = gateway === undefined ? undefined : feedOf(gateway);
  if (of === undefined) throw new Error("no feed");
  return reconcileWindow(of, { fromMs: on.startMs - hour, toMs: on.startMs + hour }, worker);
};

describe("a run", () => {
  test("closes what the feed answers, tells what waits for a person, and counts the rest", async () => {
    const on = await staged();
    expect(on.entry("d-lost")).toMatchObject({ state: "unknown" });
    const record = await run(on);
    expect(record).toMatchObject({
      complete: true,
      ledgerEntries: 4,
      feedRows: 4,
      closed: 1,
      findings: { late_outcome: 1, state_differs: 1 },
      waiting: 1,
      money: { EUR: { matched: "3998", unmatched: "1999", unknown: "0" } },
    });
    expect(on.entry("d-lost")).toMatchObject({ state: "approved", evidence: { kind: "feed_row" } });
    expect(on.told().filter(({ finding }) => finding !== undefined)).toMatchObject([
      {
        id: "c-declined-but-captured#reconcile#state_differs#tx-3",
        outcome: "review",
        reason: "state_differs",
        amount: "1999",
        currency: "EUR",
        finding: {
          next: "do_not_charge_again",
          ledger: { state: "request_error" },
          rows: [{ says: "captured" }],
        },
      },
    ]);
    expect(on.entry("c-declined-but-captured")).toMatchObject({ state: "request_error" });
  });

  test("a second run finds the same under the same ids, and nothing that was closed", async () => {
    const on = await staged();
    await run(on);
    const again = await run(on);
    expect(again).toMatchObject({ closed: 0, findings: { state_differs: 1 } });
    const told = on.told().flatMap(({ id, finding }) => (finding === undefined ? [] : [id]));
    expect(told).toHaveLength(2);
    expect(new Set(told).size).toBe(1);
  });

  test("the message of an unknown that a run closed is woken, and tells the outcome at once", async () => {
    const on = await staged();
    await on.round("unknown-outcomes");
    expect(on.waiting("unknown-outcomes")).toMatchObject([{ inMs: 43_000_000 }]);
    await run(on);
    expect(on.waiting("unknown-outcomes")).toMatchObject([{ inMs: 0 }]);
    await on.round("unknown-outcomes");
    expect(on.told()).toMatchObject(
      expect.arrayContaining([expect.objectContaining({ id: "d-lost#1#approved", outcome: "approved" })]),
    );
    expect(on.waiting("unknown-outcomes")).toEqual([]);
  });

  test("money given back of a charge of long ago is told as such, by what the gateway says of its transaction", async () => {
    const back = (transactionId: string, parentTransactionId: string, at: number): JsonObject => ({
      code: 0,
      status: "success",
      action: "chargeback",
      mode: "sale",
      amount: 19.99,
      currency: "EUR",
      transactionId,
      parentTransactionId,
      timestamp: { unixTime: Math.floor(at / 1_000) },
    });
    const strangers: JsonObject[] = [];
    const on = await staged({ strangers }, ["a-paid"]);
    on.clock.set(on.startMs + 600 * hour);
    const then = on.clock.nowMs() - 10 * hour;
    strangers.push(back("cb-1", "tx-1", then), back("cb-2", "tx-of-others", then));
    const worker = reconcilerOf(on);
    const [gateway] = Object.values(worker.gateways);
    const of = gateway === undefined ? undefined : feedOf(gateway);
    if (of === undefined) throw new Error("no feed");
    const record = await reconcileWindow(of, { fromMs: then - hour, toMs: then + hour }, worker);
    expect(record).toMatchObject({
      ledgerEntries: 0,
      findings: { refunded_or_charged_back: 1, missing_in_ledger: 1 },
    });
    expect(record.first.map(({ id }) => id).sort()).toEqual([
      "a-paid#reconcile#refunded_or_charged_back#cb-1",
      "row#reconcile#missing_in_ledger#cb-2",
    ]);
  });

  test("a feed with more pages than one scan reads is read by halves, and nothing of it twice", async () => {
    const ids = ["p-1", "p-2", "p-3", "p-4", "p-5", "p-6"];
    const feedProfile = {
      ...defaultFeedProfile,
      paging: { ...defaultFeedProfile.paging, limit: 2, pagesMax: 2 },
    };
    const gateway = centrobill({
      url: "https://pay.test",
      apiKey: "k",
      feedUrl: "https://feed.test",
      feedProfile,
    });
    const on = await staged({ bank: () => pays(), gateway }, []);
    on.clock.set(on.startMs);
    for (const [at, id] of ids.entries()) {
      on.clock.set(on.startMs + 7_000 + at * 590_000);
      on.send(chargeMessage(id));
      await on.round();
    }
    on.clock.set(on.startMs + 20 * hour);
    const record = await run(on);
    expect(record).toMatchObject({
      complete: true,
      ledgerEntries: 6,
      feedRows: 6,
      repeatedRows: 0,
      findings: none,
      money: { EUR: { matched: "11994" } },
    });
  });

  test("an unknown that the feed does not show stays as it is: no look-up is used up, nothing is sent", async () => {
    const on = await staged({}, ["x-swallowed"]);
    const before = on.entry("x-swallowed");
    const posts = on.effects.filter((effect) => effect === "sent").length;
    expect(await run(on)).toMatchObject({ closed: 0, findings: none, money: { EUR: { unknown: "1999" } } });
    expect(on.entry("x-swallowed")).toEqual(before);
    expect(on.effects.filter((effect) => effect === "sent")).toHaveLength(posts);
  });

  test("a feed that is cut in the middle is incomplete, and proves no absence", async () => {
    let pages = 0;
    const on = await staged({
      feed: (_looks, page) => {
        pages += 1;
        const { data, meta } = page() as { data: readonly JsonObject[]; meta: JsonObject };
        return pages > 1
          ? { kind: "replied", status: 500, body: {} }
          : {
              kind: "replied",
              status: 200,
              body: { data: data.slice(0, 1), meta: { ...meta, lastPage: 2 } },
            };
      },
    });
    const record = await run(on);
    expect(record).toMatchObject({
      complete: false,
      incomplete: { reason: "feed_incomplete", why: "HTTP 500" },
      findings: none,
    });
  });

  test("rows that came twice while others may have been missed: incomplete", async () => {
    const on = await staged({
      feed: (_looks, page) => {
        const { data, meta } = page() as { data: readonly JsonObject[]; meta: JsonObject };
        const [first = {}] = data;
        return { kind: "replied", status: 200, body: { data: [first, ...data.slice(0, -1)], meta } };
      },
    });
    expect(await run(on)).toMatchObject({
      complete: false,
      repeatedRows: 1,
      incomplete: { reason: "feed_moved" },
    });
  });

  test("approved, and gone from the gateway's books: money that only we believe in", async () => {
    const on = await staged(
      {
        feed: (_looks, page) => {
          const { meta } = page() as { meta: JsonObject };
          return { kind: "replied", status: 200, body: { data: [], meta: { ...meta, total: 0 } } };
        },
      },
      ["a-paid"],
    );
    expect(await run(on)).toMatchObject({ findings: { missing_at_gateway: 1 }, waiting: 1 });
  });

  test("a row without our references that looks like an unknown is only proposed", async () => {
    const on = await staged({ bank: () => paysUnheard({ metadata: null }) }, ["w-weak"]);
    const record = await run(on);
    expect(record).toMatchObject({ closed: 0, findings: { unmatched_weak: 1 } });
    expect(record.first[0]).toMatchObject({
      kind: "unmatched_weak",
      chargeId: "w-weak",
      next: "confirm_the_match",
    });
    expect(on.entry("w-weak")).toMatchObject({ state: "unknown" });
  });
});

describe("the schedule", () => {
  test("works every window that is due, and the next invocation finds nothing to do", async () => {
    const on = await staged();
    const worker = reconcilerOf(on);
    const first = await reconcileDue(worker);
    expect(first.done).toBeGreaterThan(2);
    expect(await reconcileDue(worker)).toMatchObject({ done: 0, left: 0 });
    const runs = [...worker.book.records.values()].flatMap((record) =>
      record.state === "done" ? [record.run] : [],
    );
    expect(runs.every(({ complete }) => complete)).toBe(true);
    expect(runs.reduce((sum, { closed }) => sum + closed, 0)).toBe(1);
    // Overlapping reads, and each capture is counted once.
    expect(runs.reduce((sum, { money }) => sum + BigInt(money["EUR"]?.matched ?? "0"), 0n)).toBe(3998n);
  });

  test("what a run found beyond what its record holds is kept under the record's token", async () => {
    const strangers: JsonObject[] = [];
    const on = await staged({ strangers }, ["a-paid"]);
    for (let nth = 0; nth < 64; nth++)
      strangers.push({
        code: 0,
        status: "success",
        action: "charge",
        mode: "sale",
        amount: 19.99,
        currency: "EUR",
        transactionId: `tx-of-others-${nth}`,
        timestamp: { unixTime: Math.floor(on.startMs / 1_000) + nth },
      });
    const worker = reconcilerOf(on);
    const { book } = worker;
    await reconcileDue(worker);
    const [own, more] = [...book.records.values()].filter(
      (record) => record.state === "done" && record.run.first.length > 0,
    );
    expect(more).toBeUndefined();
    expect(own).toMatchObject({ state: "done", kept: 14, run: { findings: { missing_in_ledger: 64 } } });
    const ids: string[] = own?.state === "done" ? own.run.first.map(({ id }) => id) : [];
    for await (const some of book.findings(own?.token as LeaseToken)) ids.push(...some.map(({ id }) => id));
    expect(new Set(ids).size).toBe(64);
  });

  test("two invocations at once share the windows, and none is worked twice", async () => {
    const on = await staged();
    const one = reconcilerOf(on);
    const two = { ...reconcilerOf(on), book: one.book };
    const [a, b] = await Promise.all([reconcileDue(one), reconcileDue(two)]);
    const windows = [...one.book.records.values()];
    expect(a.done + b.done).toBe(windows.length);
    expect(windows.every(({ begun }) => begun === 1)).toBe(true);
  });

  test("what a killed invocation had in hand is taken up when its lease is over, and not before", async () => {
    const on = await staged();
    const dying = reconcilerOf(on);
    const killed: Reconciler = {
      ...dying,
      sentCharges: {
        async *read() {
          yield await new Promise<never>(() => {});
        },
      },
    };
    void reconcileDue(killed);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const [leased] = [...dying.book.records.values()];
    expect(leased).toMatchObject({ state: "leased", begun: 1 });
    const next = { ...reconcilerOf(on), book: dying.book };
    await reconcileDue(next);
    expect([...dying.book.records.values()].find(({ fromMs }) => fromMs === leased?.fromMs)).toMatchObject({
      state: "leased",
    });
    on.clock.set(on.clock.nowMs() + 900_000 + 60_001);
    await reconcileDue(next);
    expect([...dying.book.records.values()].find(({ fromMs }) => fromMs === leased?.fromMs)).toMatchObject({
      state: "done",
      begun: 2,
    });
  });

  test("a window that does not fit into an invocation twice is cut into halves, which are worked", async () => {
    const on = await staged();
    let left = 900_000;
    const worker = reconcilerOf(on, () => left);
    const slow: Reconciler = {
      ...worker,
      sentCharges: {
        async *read(...asked) {
          yield* worker.sentCharges.read(...asked);
          left = 5_000;
          yield { sides: [], unreadable: 0 };
        },
      },
    };
    for (let invocation = 0; invocation < 2; invocation++) {
      left = 900_000;
      await reconcileDue(slow);
    }
    const cut = [...worker.book.records.values()];
    expect(cut.map(({ state }) => state).sort()).toEqual(["split", "waiting", "waiting"]);
    left = 900_000;
    await reconcileDue(worker);
    expect([...worker.book.records.values()].filter(({ state }) => state === "waiting")).toEqual([]);
  });

  test("an incomplete window is tried again after an hour", async () => {
    let broken = true;
    const on = await staged({
      feed: (_looks, page) =>
        broken ? { kind: "replied", status: 500, body: {} } : { kind: "replied", status: 200, body: page() },
    });
    const worker = reconcilerOf(on);
    await reconcileDue(worker);
    expect(on.log.metrics.map(({ name }) => name)).toContain("ReconciliationIncomplete");
    broken = false;
    expect(await reconcileDue(worker)).toMatchObject({ done: 0 });
    on.clock.set(on.clock.nowMs() + hour + 60_000);
    expect((await reconcileDue(worker)).done).toBeGreaterThan(0);
    const states = [...worker.book.records.values()].map(
      (record) => record.state === "done" && record.run.complete,
    );
    expect(states.every(Boolean)).toBe(true);
  });

  test("how far it lies back is told by every invocation", async () => {
    const on = await staged();
    const worker = reconcilerOf(on);
    await reconcileDue(worker);
    const lags = on.log.metrics
      .filter(({ name }) => name === "ReconciliationLagMs")
      .map(({ value }) => value);
    expect(lags.at(0)).toBeGreaterThan(lags.at(-1) ?? 0);
    expect(lags.at(-1)).toBeLessThan(13 * hour);
  });
});

describe("the queue of windows", () => {
  type Planned = { readonly worker: ReturnType<typeof reconcilerOf>; readonly bodies: readonly string[] };
  const bodiesOf = async (worker: Reconciler): Promise<readonly string[]> => {
    const bodies: string[] = [];
    await planWindows(worker, { send: async (window) => void bodies.push(JSON.stringify(window)) });
    return bodies;
  };
  const planned = async (on: Stage): Promise<Planned> => {
    const worker = reconcilerOf(on);
    return { worker, bodies: await bodiesOf(worker) };
  };
  const deliver = async (worker: Reconciler, bodies: readonly string[]): Promise<void> => {
    for (const body of bodies)
      await workWindowMessages([{ messageId: body, body, receives: 1, receipt: "r" }], worker);
  };
  const statesOf = ({ book }: Planned["worker"]): readonly string[] =>
    [...book.records.values()].map(({ state }) => state);

  test("a message a window, each worked by whoever gets it: the same runs as without a queue", async () => {
    const { worker, bodies } = await planned(await staged());
    expect(worker.book.records.size).toBe(0);
    await Promise.all(bodies.map((body) => deliver(worker, [body])));
    const alone = reconcilerOf(await staged());
    await reconcileDue(alone);
    const told = ({ book }: Planned["worker"]) =>
      [...book.records.values()]
        .map((record) =>
          record.state === "done"
            ? [record.fromMs, record.toMs, record.pass, record.begun, record.run.findings, record.run.closed]
            : record.state,
        )
        .sort();
    expect(told(worker)).toEqual(told(alone));
    expect(await bodiesOf(worker)).toEqual([]);
  });

  test("one that comes again, or is of a window that nobody planned, is harmless", async () => {
    const on = await staged();
    const { worker, bodies } = await planned(on);
    await deliver(worker, [...bodies, ...bodies, ...(await bodiesOf(worker))]);
    const [own] = bodies.map((body) => JSON.parse(body) as object);
    await deliver(worker, [
      JSON.stringify({ ...own, toMs: 1 }),
      JSON.stringify({ ...own, pass: 7 }),
      JSON.stringify({ ...own, gateway: "centrapay" }),
      JSON.stringify({ ...own, gateway: "__proto__" }),
      JSON.stringify({ ...own, v: 2 }),
      JSON.stringify({ ...own, fromMs: "0" }),
      "{",
      "x".repeat(2_000),
    ]);
    expect([...worker.book.records.values()].map(({ state, begun }) => `${state} ${begun}`)).toEqual(
      bodies.map(() => "done 1"),
    );
    expect(on.log.events.filter(({ name }) => name === "message_failed")).toHaveLength(5);
  });

  test("two that get it at once: one works it", async () => {
    const { worker, bodies } = await planned(await staged());
    await Promise.all([deliver(worker, bodies), deliver(worker, bodies)]);
    expect([...worker.book.records.values()].map(({ begun }) => begun)).toEqual(bodies.map(() => 1));
  });

  test("what a worker that died had in hand is worked when its lease is over, and not before", async () => {
    const on = await staged();
    const { worker, bodies } = await planned(on);
    const [body = ""] = bodies;
    const dying: Reconciler = {
      ...worker,
      sentCharges: {
        async *read() {
          yield await new Promise<never>(() => {});
        },
      },
    };
    void deliver(dying, [body]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await deliver(worker, [body]);
    expect(statesOf(worker)).toEqual(["leased"]);
    expect(await bodiesOf(worker)).not.toContain(body);
    on.clock.set(on.clock.nowMs() + 900_000 + 60_001);
    expect(await bodiesOf(worker)).toContain(body);
    await deliver(worker, [body, body]);
    expect([...worker.book.records.values()]).toMatchObject([{ state: "done", begun: 2 }]);
  });

  test("a run that fails throws, so that its message comes again, and its window stays leased until then", async () => {
    const { worker, bodies } = await planned(await staged());
    const broken: Reconciler = { ...worker, sentCharges: failing(() => new Error("no table")) };
    await expect(deliver(broken, bodies)).rejects.toThrow("no table");
    expect(statesOf(worker)).toEqual(["leased"]);
  });

  const failing = (error: () => Error): Reconciler["sentCharges"] => ({
    // biome-ignore lint/correctness/useYield: it never gets so far
    async *read() {
      throw error();
    },
  });
  const outOfTime = (worker: Reconciler, left = { ms: 900_000 }): Reconciler => ({
    ...worker,
    remainingMs: () => left.ms,
    sentCharges: {
      async *read() {
        left.ms = 5_000;
        yield { sides: [], unreadable: 0 };
      },
    },
  });
  test.each<readonly [string, (worker: Reconciler) => Reconciler]>([
    ["its time, though it had a whole invocation", (worker) => outOfTime(worker)],
    [
      "its disk",
      (worker) => ({ ...worker, sentCharges: failing(() => new NoRoom("cannot write: /tmp is full")) }),
    ],
  ])(
    "a window that does not fit into %s is cut into halves, which the next turn plans",
    async (_what, as) => {
      const { worker, bodies } = await planned(await staged());
      const [body = ""] = bodies;
      await deliver(as(worker), [body]);
      expect([...statesOf(worker)].sort()).toEqual(["split", "waiting", "waiting"]);
      const next = await bodiesOf(worker);
      expect(next).toHaveLength(bodies.length + 1);
      await deliver(worker, next);
      expect(statesOf(worker).filter((state) => state !== "done")).toEqual(["split"]);
    },
  );

  test("the shortest window that does not fit onto the disk fails, and is never done", async () => {
    const { worker } = await planned(await staged());
    const { clock } = worker;
    const toMs = clock.nowMs() - 3 * hour;
    await worker.book.replace(undefined, {
      v: 1,
      gateway: "centrobill",
      fromMs: toMs - 60_000,
      toMs,
      pass: 0,
      token: "t" as LeaseToken,
      begun: 0,
      state: "waiting",
    });
    const small = (await bodiesOf(worker)).filter((body) => body.includes(`"toMs":${toMs}`));
    const full = { ...worker, sentCharges: failing(() => new NoRoom("cannot write: /tmp is full")) };
    await expect(deliver(full, small)).rejects.toThrow("/tmp is full");
    expect(statesOf(worker)).toEqual(["leased"]);
  });

  test("how far it lies back is told by every turn, also while nobody works", async () => {
    const on = await staged();
    const { worker } = await planned(on);
    await bodiesOf(worker);
    expect(on.log.metrics.filter(({ name }) => name === "ReconciliationLagMs")).toHaveLength(2);
  });
});

test("a lease token is what a window is replaced by", async () => {
  const book = memoryWindows();
  const record = {
    v: 1,
    gateway: "centrobill",
    fromMs: 0,
    toMs: 1,
    pass: 0,
    begun: 0,
    state: "waiting",
  } as const;
  expect(await book.replace(undefined, { ...record, token: "a" as LeaseToken })).toEqual({
    kind: "replaced",
  });
  expect(await book.replace(undefined, { ...record, token: "b" as LeaseToken })).toEqual({ kind: "lost" });
});
