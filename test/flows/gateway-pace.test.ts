import pLimit from "p-limit";
import { describe, expect, test } from "vitest";
import type { Answered } from "../../lib/core/answered.ts";
import type { GatewayName, LeaseToken } from "../../lib/core/charge.ts";
import type { Closing, PaceRecord } from "../../lib/core/pace.ts";
import { defaultPolicy, type Policy } from "../../lib/core/policy.ts";
import { gatewayPace } from "../../lib/flows/gateway-pace.ts";
import type { PaceBook, Purpose } from "../../lib/ports.ts";
import { manualClock } from "../doubles/manual-clock.ts";
import { memoryLog } from "../doubles/memory-log.ts";
import { memoryPace } from "../doubles/memory-pace.ts";
import { seededIds } from "../doubles/seeded-ids.ts";

const fault: Answered = { kind: "fault" };
const well: Answered = { kind: "well" };
const limitedFor = (retryAfterMs: number): Answered => ({ kind: "limited", retryAfterMs });

type Options = {
  readonly gateway?: GatewayName;
  readonly policy?: Partial<Policy>;
  readonly book?: (book: PaceBook, clock: ReturnType<typeof manualClock>) => Partial<PaceBook>;
};

/** One worker at an account, and the record that it shares with others. */
const workerAt = ({ gateway = "centrobill", policy = {}, book: change }: Options = {}) => {
  const clock = manualClock();
  const startMs = clock.nowMs();
  const book = memoryPace();
  const log = memoryLog();
  const limit = pLimit(8);
  const inHand = pLimit(8);
  const pace = gatewayPace({
    gateway,
    book: { ...book, ...change?.(book, clock) },
    clock,
    ids: seededIds(),
    log,
    policy: {
      ...defaultPolicy,
      concurrencyMin: 2,
      closeAfterFaults: 2,
      closeAfterRefusals: 2,
      probeDelayMs: 5_000,
      rateLimits: {},
      ...policy,
    },
    exchange: limit,
    inHand,
  });
  let versions = 0;
  return {
    clock,
    startMs,
    book,
    log,
    limit,
    pace,
    /** another worker writes the record */
    async stands(record: Omit<PaceRecord, "v" | "version">): Promise<void> {
      versions += 1;
      const version = `other-${versions}` as LeaseToken;
      await book.replace(gateway, book.recordOf(gateway)?.version, { v: 1, version, ...record });
      book.calls.length = 0;
    },
    calls: (call: keyof PaceBook): number => book.calls.filter((one) => one === call).length,
    record: () => book.recordOf(gateway),
    /** an exchange that has just ended */
    notes: (answered: Answered | undefined, begunMs = 0, purpose: Purpose = "charge") =>
      pace.note(purpose, answered, startMs + begunMs, 0),
    reasons: () => log.eventsOf("gateway_closed").map(({ reason }) => reason),
    unread: () => log.eventsOf("pace_unread"),
  };
};

const closing = (at: number, changes: Partial<Closing> = {}): Closing => ({
  because: "outage",
  sinceMs: at,
  untilMs: at + 5_000,
  times: 1,
  ...changes,
});

describe("the shared record", () => {
  test("is read once a second, by all who ask at once together", async () => {
    const on = workerAt();
    await Promise.all([on.pace.gate(), on.pace.gate()]);
    expect(on.calls("read")).toBe(1);
    on.clock.advance(999);
    await on.pace.gate();
    expect(on.calls("read")).toBe(1);
    on.clock.advance(1);
    await on.pace.gate();
    expect(on.calls("read")).toBe(2);
  });

  test("is as old as its asking, however late the answer came", async () => {
    const on = workerAt({
      book: (book, clock) => ({
        async read(gateway) {
          const answer = await book.read(gateway);
          await clock.sleep(700);
          return answer;
        },
      }),
    });
    await on.pace.gate();
    on.clock.advance(300);
    await on.pace.gate();
    expect(on.calls("read")).toBe(2);
  });

  test("that cannot be read closes nothing, and is asked for again in a second", async () => {
    const on = workerAt();
    on.book.failBy(() => "before");
    expect(await on.pace.gate()).toStrictEqual({ kind: "open" });
    await on.pace.gate();
    expect(on.unread()).toStrictEqual([{ gateway: "centrobill", error: "LedgerUnavailable" }]);
    expect(on.calls("read")).toBe(1);
    on.clock.advance(1_000);
    await on.pace.gate();
    expect(on.calls("read")).toBe(2);
  });

  test("is tried for twelve times, each time from what stands then", async () => {
    const on = workerAt({
      book: (book) => ({
        async replace(gateway) {
          book.replace(gateway, "lost" as LeaseToken, { v: 1, version: "x" as LeaseToken });
          const record = await book.read(gateway);
          return { kind: "lost", ...(record && { record }) };
        },
      }),
    });
    await on.stands({ closing: closing(on.startMs - 10_000) });
    await on.pace.gate();
    expect(await on.pace.claimProbe(1_000)).toBeUndefined();
    expect(on.calls("replace")).toBe(12);
  });
});

describe("an account that was opened again", () => {
  test.each<[string, Omit<PaceRecord, "v" | "version"> | undefined]>([
    ["nothing", undefined],
    ["a record without a closing", { workedAtMs: 1 }],
    ["it closed", { closing: closing(0) }],
  ])("begins with few at once, and once for each opening (known before: %s)", async (_, before) => {
    const on = workerAt();
    if (before !== undefined) await on.stands(before);
    await on.pace.gate();
    expect(on.limit.concurrency).toBe(8);
    await on.stands({ closing: closing(on.startMs - 9_000, { openedAtMs: on.startMs }) });
    on.clock.advance(1_000);
    await on.pace.gate();
    expect(on.limit.concurrency).toBe(2);
    for (let nth = 0; nth < 3; nth++) await on.notes(well, 1_000);
    expect(on.limit.concurrency).toBe(3);
    for (const record of [undefined, { closing: closing(on.startMs) }]) {
      if (record !== undefined) await on.stands(record);
      on.clock.advance(1_000);
      await on.pace.gate();
      await on.notes(well, 5_000);
      expect(on.limit.concurrency).toBe(3);
    }
  });

  test.each<[Answered, number, number, why: string]>([
    [fault, -1, 2, "on its way before: says nothing of the account as it is now"],
    [well, -1, 2, "nor does a good answer"],
    [limitedFor(9_000), -1, 2, "a pause counts whenever it was asked for"],
    [well, 0, 2.5, "sent as it was opened: counts"],
  ])("%j of what was sent %i ms after: as it is at %d (%s)", async (answered, begunMs, wide) => {
    const on = workerAt();
    await on.stands({ closing: closing(on.startMs - 9_000, { openedAtMs: on.startMs }) });
    await on.pace.gate();
    await on.notes(answered, begunMs);
    // One more good answer shows the part of a charge that the limit itself does not.
    await on.notes(well, 1);
    await on.notes(well, 1);
    expect(on.limit.concurrency).toBe(wide > 2 ? 3 : 2);
    expect(on.reasons()).toEqual(answered.kind === "limited" ? ["rate_limited"] : []);
  });
});

test.each([60_000, -60_000])(
  "an opening counts from when it was seen, whose clock ever it stands by: %i ms away",
  async (awayMs) => {
    const on = workerAt();
    await on.stands({ closing: closing(on.startMs - 90_000, { openedAtMs: on.startMs + awayMs }) });
    on.clock.advance(1_000);
    await on.pace.gate();
    for (let nth = 0; nth < 3; nth++) await on.notes({ kind: "refused" }, 999);
    expect(on.reasons()).toEqual([]);
    for (let nth = 0; nth < 3; nth++) await on.notes({ kind: "refused" }, 1_000);
    expect(on.reasons()).toEqual(["credential"]);
  },
);

describe("faults in a row", () => {
  const afterOne = async (record: Omit<PaceRecord, "v" | "version">, again = record) => {
    const on = workerAt();
    await on.stands({});
    await on.pace.gate();
    await on.notes(fault);
    await on.stands(record);
    on.clock.advance(1_000);
    await on.pace.gate();
    await on.notes(fault);
    const first = on.reasons().length;
    await on.stands(again);
    on.clock.advance(1_000);
    await on.pace.gate();
    await on.notes(fault);
    return [first, on.reasons().length];
  };
  test.each<[Parameters<typeof afterOne>, number[], string]>([
    [[{}], [1, 1], "two close it"],
    [[{ workedAtMs: 7 }], [0, 1], "the gateway worked a charge in between: begun anew, once"],
    [[{ workedAtMs: 7 }, { workedAtMs: 8 }], [0, 0], "and again with the next charge"],
    [[{ workedAtMs: 7 }, {}], [0, 1], "and not by a record that no longer says so"],
  ])("records %j: closed after the second and the third %j (%s)", async (records, closed) => {
    expect(await afterOne(...records)).toEqual(closed);
  });

  test("of look-ups close nothing, and a pause that one hears of closes all", async () => {
    const on = workerAt();
    for (let nth = 0; nth < 5; nth++) await on.notes(fault, 0, "lookUp");
    expect([on.limit.concurrency, on.reasons()]).toEqual([8, []]);
    await on.notes(limitedFor(9_000), 0, "lookUp");
    expect([on.limit.concurrency, on.reasons()]).toEqual([4, ["rate_limited"]]);
  });

  test("what was never tried says nothing", async () => {
    const on = workerAt();
    await on.notes(undefined);
    expect([on.limit.concurrency, on.reasons()]).toEqual([8, []]);
  });
});

describe("what this worker heard itself", () => {
  const deaf = async (answers: readonly Answered[]) => {
    const on = workerAt();
    on.book.failBy((call) => (call === "replace" ? "before" : undefined));
    for (const answered of answers) await on.notes(answered);
    on.book.failBy(undefined);
    return on;
  };
  type Row = readonly [
    answers: readonly Answered[],
    record: Omit<PaceRecord, "v" | "version"> | undefined,
    afterMs: number,
    gate: { kind: string; because?: string; untilMs?: number },
    why: string,
  ];
  const t0 = manualClock().nowMs();
  test.each<Row>([
    [
      [fault, fault],
      undefined,
      1_000,
      { kind: "closed", because: "outage", untilMs: t0 + 5_000 },
      "is in force, though it could not be written",
    ],
    [[fault, fault], undefined, 5_000, { kind: "open" }, "until its time is over: others know better then"],
    [
      [fault, fault],
      { closing: closing(t0, { because: "credential", untilMs: t0 + 60_000 }) },
      1_000,
      { kind: "closed", because: "credential", untilMs: t0 + 60_000 },
      "what all know goes first",
    ],
    [
      [limitedFor(30_000)],
      { closing: closing(t0) },
      1_000,
      { kind: "closed", because: "rate_limited", untilMs: t0 + 30_000 },
      "but for a pause, which holds back look-ups, too",
    ],
  ])("%j, record %j: after %i ms %j (%s)", async (answers, record, afterMs, gate) => {
    const on = await deaf(answers);
    expect(on.unread()).toHaveLength(1);
    if (record !== undefined) await on.stands(record);
    on.clock.advance(afterMs);
    expect(await on.pace.gate()).toStrictEqual(gate);
  });

  test.each<[readonly Answered[], number, string]>([
    [[limitedFor(30_000), limitedFor(10_000)], 1, "a shorter pause changes nothing"],
    [[limitedFor(30_000), limitedFor(30_000)], 1, "nor does the same one"],
    [[limitedFor(10_000), limitedFor(30_000)], 2, "a longer one does"],
  ])("%j: told %i times (%s)", async (answers, times) => {
    const on = await deaf(answers);
    expect(on.reasons()).toHaveLength(times);
  });

  test("is told with how long it lasts, and counted by why", async () => {
    const on = workerAt();
    for (let nth = 0; nth < 2; nth++) await on.notes(fault);
    expect(on.log.eventsOf("gateway_closed")).toStrictEqual([
      { gateway: "centrobill", reason: "outage", delayMs: 5_000 },
    ]);
    expect(on.log.metrics).toStrictEqual([
      { name: "GatewayClosed", value: 1, members: { gateway: "centrobill", reason: "outage" } },
    ]);
  });

  test("is written once, however many hear of it while it is", async () => {
    const on = workerAt();
    await Promise.all(Array.from({ length: 4 }, () => on.notes(limitedFor(48_000))));
    expect(on.calls("replace")).toBe(1);
  });

  test.each<[Answered, string]>([
    [limitedFor(48_000), "a pause"],
    [fault, "an outage"],
  ])(
    "that could not be written is written with the next answer that says the same: %j (%s)",
    async (answered) => {
      const on = workerAt();
      await on.notes(fault);
      on.book.failBy(() => "before");
      await on.notes(answered);
      expect(on.record()).toBeUndefined();
      on.book.failBy(undefined);
      for (let nth = 0; nth < 2; nth++) await on.notes(answered);
      expect(on.record()?.closing).toMatchObject({ sinceMs: on.startMs });
      expect(on.calls("replace")).toBe(2);
      expect(on.reasons()).toHaveLength(1);
    },
  );

  test("that is longer, and could not be written, is not taken for written because a shorter one was", async () => {
    const on = workerAt();
    on.book.failBy(() => "before");
    await on.notes(limitedFor(60_000));
    on.book.failBy(undefined);
    await on.notes(limitedFor(10_000));
    expect(on.record()?.closing?.untilMs).toBe(on.startMs + 10_000);
    await on.notes(limitedFor(60_000));
    expect(on.record()?.closing?.untilMs).toBe(on.startMs + 60_000);
    expect(on.reasons()).toHaveLength(1);
  });

  test.each<[atMs: number, pausedUntilMs: number, string]>([
    [1_000, 4_000, "for look-ups, too, which nothing held until then"],
    [0, 3_000, "and not before it is longer than the pause before it"],
  ])(
    "a pause that ends before an outage does counts all the same, after %i ms until %i (%s)",
    async (afterMs, pausedUntilMs) => {
      const on = workerAt();
      for (let nth = 0; nth < 10; nth++) await on.notes(fault);
      await on.notes(limitedFor(2_000));
      on.clock.advance(afterMs);
      await on.notes(limitedFor(3_000), afterMs);
      expect(on.record()?.closing).toMatchObject({
        because: "outage",
        pausedUntilMs: on.startMs + pausedUntilMs,
      });
      on.clock.advance(pausedUntilMs - afterMs - 1);
      expect(await on.pace.turn("lookUp", 0)).toMatchObject({ kind: "held" });
      on.clock.advance(1);
      expect(await on.pace.turn("lookUp", 0)).toEqual({ kind: "go" });
    },
  );

  test("of an account that is known to be closed is told no more, and not written", async () => {
    const on = workerAt();
    await on.stands({ closing: closing(on.startMs) });
    await on.pace.gate();
    for (let nth = 0; nth < 3; nth++) await on.notes(fault);
    expect(on.reasons()).toEqual([]);
    expect(on.calls("replace")).toBe(0);
  });
});

describe("turns", () => {
  const rate = { requests: 4, perMs: 1_000 };
  const known = { policy: { rateLimits: { centrobill: rate } } };
  /** After the burst of half the rate, turns of that stretch stand this far apart. */
  const apartMs = 1_000 / (2 * 0.97);

  test("of an account without a rate are there at once, and cost no write", async () => {
    const on = workerAt();
    for (let nth = 0; nth < 9; nth++) {
      expect(await on.pace.admit(0)).toStrictEqual({ kind: "go" });
      expect(await on.pace.turn("charge", 0)).toStrictEqual({ kind: "go" });
    }
    expect(on.calls("replace")).toBe(0);
  });

  test("beyond the burst are waited for, if soon enough", async () => {
    const on = workerAt(known);
    for (let nth = 0; nth < 3; nth++) expect(await on.pace.admit(0)).toStrictEqual({ kind: "go" });
    const writes = on.calls("replace");
    const untilMs = on.startMs + apartMs;
    expect(await on.pace.admit(500)).toStrictEqual({ kind: "held", untilMs });
    // Nothing was taken, so nothing is written.
    expect(on.calls("replace")).toBe(writes);
    expect(await on.pace.admit(600)).toStrictEqual({ kind: "go" });
    expect(on.clock.nowMs()).toBeCloseTo(untilMs, 3);
  });

  test("that are near are come back for in a quarter of a second", async () => {
    const on = workerAt(known);
    for (let nth = 0; nth < 3; nth++) await on.pace.admit(0);
    on.clock.advance(400);
    expect(await on.pace.admit(0)).toStrictEqual({ kind: "held", untilMs: on.clock.nowMs() + 250 });
  });

  test.each<[string, Omit<PaceRecord, "v" | "version"> | undefined]>([
    ["nobody wrote yet", undefined],
    ["that has no turns yet", { workedAtMs: 1 }],
  ])("cannot be had from a record %s, and that cannot be written", async (_, record) => {
    const on = workerAt(known);
    if (record !== undefined) await on.stands(record);
    await on.pace.gate();
    on.book.failBy(() => "before");
    expect(await on.pace.admit(9_000)).toStrictEqual({ kind: "held", untilMs: on.startMs + 250 });
    expect(on.unread()).toStrictEqual([{ gateway: "centrobill", error: "LedgerUnavailable" }]);
  });

  test("asked for together are taken with one write, and given to the first who asked", async () => {
    const on = workerAt(known);
    const together = await Promise.all([0, 0, 0, 0].map((waitMs) => on.pace.admit(waitMs)));
    expect(together.map(({ kind }) => kind)).toEqual(["go", "go", "go", "held"]);
    expect(on.calls("replace")).toBe(1);
  });

  test("of a charge that was admitted is used once, by a charge, within a second", async () => {
    const on = workerAt({ policy: { rateLimits: { centrobill: { requests: 40, perMs: 1_000 } } } });
    const writesOf = async (purpose: Purpose): Promise<number> => {
      const before = on.calls("replace");
      expect(await on.pace.turn(purpose, 0)).toStrictEqual({ kind: "go" });
      return on.calls("replace") - before;
    };
    await on.pace.admit(0);
    expect(await writesOf("lookUp")).toBe(1);
    expect(await writesOf("charge")).toBe(0);
    expect(await writesOf("charge")).toBe(1);
    await on.pace.admit(0);
    on.clock.advance(999);
    expect(await writesOf("charge")).toBe(0);
    await on.pace.admit(0);
    on.clock.advance(1_000);
    expect(await writesOf("charge")).toBe(1);
  });

  test("that was not given is not used", async () => {
    const on = workerAt(known);
    for (let nth = 0; nth < 3; nth++) await on.pace.turn("charge", 0);
    expect(await on.pace.admit(0)).toMatchObject({ kind: "held" });
    expect(await on.pace.turn("charge", 0)).toMatchObject({ kind: "held" });
  });

  test("an account may be closed while one waits for its turn", async () => {
    const on = workerAt({ policy: { rateLimits: { centrobill: { requests: 4, perMs: 4_000 } } } });
    for (let nth = 0; nth < 3; nth++) await on.pace.turn("charge", 0);
    const [turn] = await Promise.all([
      on.pace.turn("charge", 3_000),
      (async () => {
        await on.clock.sleep(100);
        await on.stands({ closing: closing(on.startMs, { untilMs: on.startMs + 60_000 }) });
      })(),
    ]);
    expect(turn).toStrictEqual({ kind: "held", untilMs: on.startMs + 60_000 });
  });

  test("are not taken while the account is closed", async () => {
    const on = workerAt(known);
    await on.stands({ closing: closing(on.startMs) });
    expect(await on.pace.turn("charge", 0)).toStrictEqual({ kind: "held", untilMs: on.startMs + 5_000 });
    expect(on.calls("replace")).toBe(0);
  });

  test("a rate that is only documented is kept after the first 429", async () => {
    const on = workerAt({ gateway: "centrapay" });
    await on.stands({ workedAtMs: 1 });
    await on.pace.gate();
    on.clock.advance(990);
    // Admitted while no rate was kept: that is no turn.
    await on.pace.admit(0);
    expect(on.calls("replace")).toBe(0);
    await on.stands({ limited: true });
    on.clock.advance(10);
    expect(await on.pace.turn("charge", 0)).toStrictEqual({ kind: "go" });
    expect(on.calls("replace")).toBe(1);
    expect(on.record()?.turns).toMatchObject({ burstLeft: 99 });
  });
});

describe("what a closed account holds back", () => {
  const t0 = manualClock().nowMs();
  const due = closing(t0 - 9_000);
  test.each<[Closing, Purpose, number | undefined, string]>([
    [closing(t0), "charge", t0 + 5_000, "an outage: charges"],
    [closing(t0), "lookUp", undefined, "and not look-ups"],
    [closing(t0), "probe", undefined, "nor the one that may open it"],
    [closing(t0, { because: "credential" }), "lookUp", undefined, "nor do they wait for a key"],
    [closing(t0, { because: "rate_limited" }), "charge", t0 + 5_000, "a pause: charges"],
    [closing(t0, { because: "rate_limited" }), "lookUp", t0 + 5_000, "and look-ups"],
    [due, "charge", t0, "it may be tried: charges wait until it was"],
    [due, "lookUp", undefined, "it may be tried: that is what look-ups do"],
    [closing(t0 - 9_000, { openedAtMs: t0 }), "charge", undefined, "it is open again"],
  ])("%j: a %s until %s (%s)", async (record, purpose, untilMs) => {
    const on = workerAt();
    await on.stands({ closing: record });
    expect(await on.pace.turn(purpose, 0)).toStrictEqual(
      untilMs === undefined ? { kind: "go" } : { kind: "held", untilMs },
    );
  });
});

describe("an outage that this worker saw itself, of which it could write and read nothing since", () => {
  const blind = async () => {
    const on = workerAt();
    await on.pace.gate();
    on.book.failBy(() => "before");
    on.clock.advance(10_000);
    for (const at of [10_000, 10_000]) await on.notes({ kind: "fault" }, at);
    on.clock.advance(600_000);
    return on;
  };

  test("stays closed after its wait, and nobody's look-up opens it", async () => {
    const on = await blind();
    expect(await on.pace.gate()).toStrictEqual({ kind: "probe", because: "outage" });
    expect(await on.pace.turn("charge", 0)).toMatchObject({ kind: "held" });
    expect(await on.pace.claimProbe(7_000)).toBeUndefined();
  });

  test("is what the record says, as soon as that can be read", async () => {
    const on = await blind();
    on.book.failBy(undefined);
    on.clock.advance(1_000);
    expect(await on.pace.gate()).toStrictEqual({ kind: "open" });
  });
});

describe("the look-up that may open it", () => {
  test("is claimed by one worker, for as long as it says", async () => {
    const on = workerAt();
    await on.stands({ closing: closing(on.startMs - 9_000) });
    await on.pace.gate();
    expect(await on.pace.claimProbe(7_000)).toBeDefined();
    expect(on.record()?.probeUntilMs).toBe(on.startMs + 7_000);
    expect(await on.pace.claimProbe(7_000)).toBeUndefined();
  });

  test("that another has claimed meanwhile is left to that one", async () => {
    const on = workerAt();
    await on.stands({ closing: closing(on.startMs - 9_000) });
    await on.pace.gate();
    await on.stands({ closing: closing(on.startMs - 9_000), probeUntilMs: on.startMs + 3_000 });
    expect(await on.pace.claimProbe(7_000)).toBeUndefined();
    expect(on.record()?.probeUntilMs).toBe(on.startMs + 3_000);
    expect(await on.pace.gate()).toMatchObject({ kind: "closed", untilMs: on.startMs + 3_000 });
    expect(on.calls("read")).toBe(0);
  });

  test("that is claimed is for what the account is closed for then, and not for what it was", async () => {
    const on = workerAt();
    await on.stands({ closing: closing(on.startMs - 9_000) });
    expect(await on.pace.gate()).toEqual({ kind: "probe", because: "outage" });
    // Opened meanwhile, and closed again for its key: any answer would do for an outage, and this takes another one.
    await on.stands({ closing: closing(on.startMs - 6_000, { because: "credential" }) });
    expect(await on.pace.claimProbe(7_000)).toMatchObject({ because: "credential" });
  });

  test.each<[string, Omit<PaceRecord, "v" | "version"> | undefined]>([
    ["nothing is known", undefined],
    ["it is open", { workedAtMs: 1 }],
  ])("is nobody's while %s", async (_, record) => {
    const on = workerAt();
    if (record !== undefined) await on.stands(record);
    await on.pace.gate();
    expect(await on.pace.claimProbe(7_000)).toBeUndefined();
    expect(on.calls("replace")).toBe(0);
  });

  test("opens it, and says so; or keeps it closed for longer", async () => {
    const on = workerAt();
    await on.stands({ closing: closing(on.startMs - 9_000) });
    await on.pace.gate();
    await (await on.pace.claimProbe(7_000))?.note(false);
    expect(on.record()?.closing).toMatchObject({ times: 2, untilMs: on.startMs + 10_000 });
    expect(on.log.eventsOf("gateway_opened")).toEqual([]);
    on.clock.advance(10_000);
    await (await on.pace.claimProbe(7_000))?.note(true);
    expect(on.record()?.closing).toMatchObject({ openedAtMs: on.startMs + 10_000 });
    expect(on.log.eventsOf("gateway_opened")).toStrictEqual([{ gateway: "centrobill" }]);
  });

  test.each([true, false])(
    "says nothing of an account that was closed for something else meanwhile: passed %s",
    async (passed) => {
      const on = workerAt();
      await on.stands({ closing: closing(on.startMs - 9_000) });
      await on.pace.gate();
      const claim = await on.pace.claimProbe(7_000);
      on.clock.advance(300_000);
      const paused: Closing = {
        because: "rate_limited",
        sinceMs: on.clock.nowMs(),
        untilMs: on.clock.nowMs() + 90_000,
        times: 1,
      };
      await on.stands({ closing: paused });
      await claim?.note(passed);
      expect(on.record()?.closing).toStrictEqual(paused);
      expect(on.log.eventsOf("gateway_opened")).toEqual([]);
    },
  );

  test("that cannot be claimed or noted opens nothing", async () => {
    const on = workerAt();
    await on.stands({ closing: closing(on.startMs - 9_000) });
    await on.pace.gate();
    on.book.failBy(() => "before");
    expect(await on.pace.claimProbe(7_000)).toBeUndefined();
    on.book.failBy(() => undefined);
    const claim = await on.pace.claimProbe(7_000);
    on.book.failBy(() => "before");
    await claim?.note(true);
    expect(on.unread()).toHaveLength(2);
    expect(on.log.eventsOf("gateway_opened")).toEqual([]);
  });
});

test("a charge that was worked after all shortens the outage, and a record that cannot be written does no harm", async () => {
  const on = workerAt();
  await on.stands({
    closing: closing(on.startMs - 9_000, {
      faultsFromMs: on.startMs - 9_500,
      untilMs: on.startMs + 60_000,
      times: 4,
    }),
  });
  await on.pace.gate();
  on.book.failBy(() => "before");
  await on.pace.noteWorked(on.startMs - 9_400);
  expect(on.unread()).toHaveLength(1);
  on.book.failBy(undefined);
  await on.pace.noteWorked(on.startMs - 9_400);
  expect(on.record()).toMatchObject({
    workedAtMs: on.startMs - 9_400,
    closing: { times: 1, untilMs: on.startMs + 5_000 },
  });
});
