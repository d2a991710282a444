import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LeaseToken } from "../../lib/core/charge.ts";
import {
  type Close,
  type Closing,
  closeGate,
  type Gate,
  gateOf,
  noteProbe,
  noteWorked,
  type PaceRecord,
  type RateLimit,
  type Turns,
  takeTurns,
} from "../../lib/core/pace.ts";

const t0 = Date.UTC(2026, 10, 24);
const delays = { firstMs: 5_000, longestMs: 300_000 };
const closing = (over: Partial<Closing> = {}): Closing => ({
  because: "outage",
  sinceMs: t0,
  untilMs: t0 + 5_000,
  times: 1,
  ...over,
});
const record = (over: Partial<Closing> | undefined, more: Partial<PaceRecord> = {}): PaceRecord => ({
  v: 1,
  version: "v1" as LeaseToken,
  ...(over === undefined ? {} : { closing: closing(over) }),
  ...more,
});

describe("gateOf", () => {
  test.each<[PaceRecord | undefined, number, Gate["kind"], string]>([
    [undefined, 0, "open", "nothing was ever written"],
    [record(undefined), 0, "open", "never closed"],
    [record({ because: "rate_limited" }), 4_999, "closed", "its Retry-After is not over"],
    [record({ because: "rate_limited" }), 5_000, "open", "it is over: nothing else is needed"],
    [record({}), 4_999, "closed", "an outage, the look-up is not due"],
    [record({}), 5_000, "probe", "it is due; time alone opens nothing"],
    [record({ because: "credential" }), 86_400_000, "probe", "a day later just as well"],
    [record({}, { probeUntilMs: t0 + 9_000 }), 6_000, "closed", "another worker makes the look-up"],
    [record({}, { probeUntilMs: t0 + 9_000 }), 9_000, "probe", "that one never said what came of it"],
    [record({ openedAtMs: t0 + 6_000 }), 7_000, "open", "a look-up opened it"],
    [record({ openedAtMs: t0 + 1_000 }), 2_000, "open", "opened before its time was over"],
    [record({ pausedUntilMs: t0 + 60_000 }), 59_999, "closed", "a look-up that is due waits for a 429, too"],
    [record({ pausedUntilMs: t0 + 60_000 }), 60_000, "probe", "then it is made"],
    [
      record({ openedAtMs: t0 + 6_000, pausedUntilMs: t0 + 60_000 }),
      7_000,
      "closed",
      "a look-up opens nothing that the gateway wants closed",
    ],
  ])("%#: after %3$i", (standing, afterMs, kind) => {
    expect(gateOf(standing, t0 + afterMs).kind).toBe(kind);
  });

  test("while a 429's pause runs, that is why it is closed: not even a look-up is made", () => {
    const limited: Close = { because: "rate_limited", atMs: t0 + 100, forMs: 60_000 };
    const paused = closeGate(record({}), limited, delays);
    expect(gateOf(paused, t0 + 10_000)).toMatchObject({ kind: "closed", because: "rate_limited" });
    const probed = { v: 1, ...paused, probeUntilMs: t0 + 11_000 } as const;
    const failed = noteProbe(probed, false, t0 + 11_000, t0 + 10_000, delays);
    expect(gateOf(failed, t0 + 60_000)).toMatchObject({ kind: "closed", because: "rate_limited" });
    const outage = closeGate(record({ because: "rate_limited" }), { because: "outage", atMs: t0 }, delays);
    expect(gateOf(outage, t0 + 1)).toMatchObject({ kind: "closed", because: "rate_limited" });
  });
});

describe("closeGate", () => {
  const at = (afterMs: number, because: Closing["because"], forMs?: number): Close => ({
    because,
    atMs: t0 + afterMs,
    ...(forMs === undefined ? {} : { forMs }),
  });
  const relapse = (afterMs: number, because: Closing["because"]): Close => ({
    ...at(afterMs, because),
    relapse: true,
  });
  test.each<[PaceRecord | undefined, Close, Partial<Closing> | undefined, string]>([
    [
      undefined,
      at(0, "rate_limited", 7_000),
      { untilMs: t0 + 7_000, times: 1, because: "rate_limited" },
      "first",
    ],
    [undefined, at(0, "outage"), { untilMs: t0 + 5_000, times: 1 }, "the first wait of the policy"],
    [record({}), at(100, "outage"), undefined, "closed already: what was on its way adds nothing"],
    [record({}), at(6_000, "outage"), undefined, "its look-up is due: only that one says more"],
    [record({}), at(100, "credential"), undefined, "closed already"],
    [
      record({ because: "rate_limited" }),
      at(100, "rate_limited", 2_000),
      undefined,
      "a shorter pause ends nothing sooner",
    ],
    [
      record({ because: "rate_limited" }),
      at(100, "rate_limited", 8_000),
      { untilMs: t0 + 8_100, because: "rate_limited" },
      "a longer one counts",
    ],
    [
      record({}),
      at(100, "rate_limited", 60_000),
      { untilMs: t0 + 60_100, because: "outage" },
      "later, but it still waits for a look-up",
    ],
    [
      record({ because: "rate_limited", untilMs: t0 + 60_000 }),
      at(100, "outage"),
      { untilMs: t0 + 60_000, because: "outage" },
      "no sooner than the gateway said",
    ],
    [
      record({ openedAtMs: t0 + 6_000 }),
      relapse(10_000, "outage"),
      { untilMs: t0 + 20_000, times: 2 },
      "not well yet: twice as long",
    ],
    [
      record({ openedAtMs: t0 + 6_000, times: 9 }),
      relapse(10_000, "outage"),
      { untilMs: t0 + 310_000, times: 10 },
      "the longest wait",
    ],
    [
      record({ openedAtMs: t0 + 6_000, times: 9 }),
      at(10_000, "outage"),
      { untilMs: t0 + 15_000, times: 1 },
      "it was well between: another outage",
    ],
    [
      record({ openedAtMs: t0 + 6_000, times: 9 }),
      relapse(10_000, "credential"),
      { untilMs: t0 + 15_000, times: 1 },
      "another cause",
    ],
  ])("%#", (standing, close, expected) => {
    const closed = closeGate(standing, close, delays);
    if (expected === undefined) expect(closed).toBeUndefined();
    else expect(closed?.closing).toMatchObject(expected);
  });

  test.each<[Partial<Closing> | undefined, Close, Closing, string]>([
    [
      undefined,
      { ...at(0, "outage"), faultsFromMs: t0 - 9 },
      { because: "outage", sinceMs: t0, untilMs: t0 + 5_000, times: 1, faultsFromMs: t0 - 9 },
      "with the first of its faults",
    ],
    [
      { because: "rate_limited" },
      at(5_000, "rate_limited", 7_000),
      { because: "rate_limited", sinceMs: t0 + 5_000, untilMs: t0 + 12_000, times: 1 },
      "a pause that is over is followed by another",
    ],
    [
      { because: "rate_limited" },
      at(9_000, "outage"),
      { because: "outage", sinceMs: t0 + 9_000, untilMs: t0 + 14_000, times: 1 },
      "or by an outage, which knows nothing of it",
    ],
    [
      { because: "rate_limited", untilMs: t0 + 60_000 },
      at(100, "outage"),
      { because: "outage", sinceMs: t0 + 100, untilMs: t0 + 60_000, times: 1, pausedUntilMs: t0 + 60_000 },
      "one that runs is kept within an outage",
    ],
    [
      { openedAtMs: t0 + 1, pausedUntilMs: t0 + 60_000 },
      at(100, "rate_limited", 1_000),
      { because: "rate_limited", sinceMs: t0 + 100, untilMs: t0 + 60_000, times: 1 },
      "a pause is no shorter than the one before, and is one",
    ],
    [
      { openedAtMs: t0 + 1, pausedUntilMs: t0 + 100 },
      at(100, "outage"),
      { because: "outage", sinceMs: t0 + 100, untilMs: t0 + 5_100, times: 1 },
      "one that ends at this moment is over",
    ],
    [
      { pausedUntilMs: t0 + 9_000 },
      at(100, "rate_limited", 60_000),
      { ...closing(), untilMs: t0 + 60_100, pausedUntilMs: t0 + 60_100 },
      "a longer one within an outage",
    ],
  ])("%#: the closing to its last member", (before, close, expected) => {
    const standing = before === undefined ? undefined : record(before);
    expect(closeGate(standing, close, delays)?.closing).toStrictEqual(expected);
  });

  test.each<[Partial<Closing>, Close, string]>([
    [{ because: "rate_limited" }, at(0, "rate_limited", 5_000), "the same pause again"],
    [{ pausedUntilMs: t0 + 60_100 }, at(100, "rate_limited", 60_000), "the same pause within an outage"],
    [{ pausedUntilMs: t0 + 60_100 }, at(100, "rate_limited", 50_000), "a shorter one"],
  ])("%#: nothing changes (%2$s)", (before, close) => {
    expect(closeGate(record(before), close, delays)).toBeUndefined();
  });

  test.each<[PaceRecord | undefined, Close, true | undefined, string]>([
    [undefined, at(0, "rate_limited", 7_000), true, "the first 429"],
    [record({ because: "rate_limited" }), at(100, "rate_limited", 8_000), true, "a longer pause"],
    [record({}), at(100, "rate_limited", 8_000), true, "during an outage"],
    [record(undefined, { limited: true }), at(0, "outage"), true, "it stays so, whatever else happens"],
    [undefined, at(0, "outage"), undefined, "an outage says nothing of a rate"],
  ])("%#: an account that ever answered 429 is known to have a rate", (standing, close, limited) => {
    expect(closeGate(standing, close, delays)?.limited).toBe(limited);
  });

  test("never ends a pause sooner than it was to end, whatever comes in whatever order", () => {
    const closes = fc.array(
      fc.record({
        because: fc.constantFrom<Closing["because"]>("rate_limited", "outage", "credential"),
        afterMs: fc.integer({ min: 0, max: 20_000 }),
        forMs: fc.option(fc.integer({ min: 1, max: 100_000 }), { nil: undefined }),
      }),
      { minLength: 1, maxLength: 20 },
    );
    fc.assert(
      fc.property(closes, (asked) => {
        let standing: PaceRecord | undefined;
        let nowMs = t0;
        for (const { because, afterMs, forMs } of asked) {
          nowMs += afterMs;
          const before = gateOf(standing, nowMs);
          const close =
            because === "rate_limited" ? at(nowMs - t0, because, forMs ?? 1) : at(nowMs - t0, because);
          const changed = closeGate(standing, close, delays);
          if (changed !== undefined) standing = { ...changed, version: "v" as LeaseToken };
          const after = gateOf(standing, nowMs);
          expect(after.kind).not.toBe("open");
          if (before.kind === "closed" && after.kind === "closed")
            expect(after.untilMs).toBeGreaterThanOrEqual(before.untilMs);
          if (before.kind === "closed") expect(after.kind).toBe("closed");
          if (because === "rate_limited" && after.kind === "closed")
            expect(after.untilMs).toBeGreaterThanOrEqual(nowMs + (forMs ?? 1));
        }
      }),
    );
  });
});

describe("noteProbe", () => {
  const probed = { probeUntilMs: t0 + 9_000, turns: { nextMs: t0, burstLeft: 1, burstAtMs: t0 } };
  test.each<[PaceRecord, boolean, Partial<Closing>, Gate["kind"], string]>([
    [record({}, probed), true, { openedAtMs: t0 + 8_000, times: 1 }, "open", "the look-up succeeded"],
    [record({}, probed), false, { untilMs: t0 + 18_000, times: 2 }, "closed", "it failed: twice as long"],
    [
      record({ times: 20 }, probed),
      false,
      { untilMs: t0 + 308_000, times: 21 },
      "closed",
      "but no longer than the longest",
    ],
    [
      record({ openedAtMs: t0 + 7_000 }, probed),
      false,
      { openedAtMs: t0 + 7_000, times: 1 },
      "open",
      "another's look-up had opened it",
    ],
  ])("%#", (standing, passed, expected, kind) => {
    const noted = noteProbe(standing, passed, t0 + 9_000, t0 + 8_000, delays);
    expect(noted).toMatchObject({ v: 1, closing: expected, turns: probed.turns });
    expect(noted).not.toHaveProperty("probeUntilMs");
    expect(gateOf({ ...noted, version: "v2" as LeaseToken }, t0 + 8_000).kind).toBe(kind);
  });
});

test("a look-up of an account that was never closed leaves nothing of itself", () => {
  expect(noteProbe(record(undefined, { probeUntilMs: t0 }), true, t0, t0 - 1, delays)).toStrictEqual(
    record(undefined),
  );
});

test.each<[number | undefined, number, string]>([
  [undefined, 0, "it was closed anew since"],
  [t0 + 9_001, 0, "another has claimed it"],
  [t0 + 9_000, 9_000, "the claim is over"],
])("a look-up claimed until %s that is told %i ms on says nothing: %s", (probeUntilMs, afterMs) => {
  const standing = record({}, probeUntilMs === undefined ? {} : { probeUntilMs });
  for (const passed of [true, false])
    expect(noteProbe(standing, passed, t0 + 9_000, t0 + afterMs, delays)).toBeUndefined();
});

describe("noteWorked", () => {
  const nowMs = t0 + 20_000;
  const fell: Partial<Closing> = { faultsFromMs: t0 - 1_000, untilMs: t0 + 300_000, times: 7 };
  test.each<[PaceRecord | undefined, number, object | undefined, string]>([
    [undefined, t0, undefined, "nothing was ever written"],
    [record(undefined), t0, undefined, "it was never closed"],
    [record({}), t0, undefined, "nobody knows when its faults began"],
    [record(fell), t0 - 1_001, undefined, "sent before its faults: no news"],
    [
      record(fell),
      t0 - 1_000,
      record({ ...fell, times: 1, untilMs: nowMs + 5_000 }, { workedAtMs: t0 - 1_000 }),
      "the first of its faults was none: tried again as after a first closing",
    ],
    [
      record({ ...fell, untilMs: t0 + 21_000 }),
      t0,
      record({ ...fell, times: 1, untilMs: t0 + 21_000 }, { workedAtMs: t0 }),
      "no later than it was to be",
    ],
    [record(fell, { workedAtMs: t0 }), t0, undefined, "known"],
    [record(fell, { workedAtMs: t0 + 1 }), t0, undefined, "a later one is known"],
    [
      record({ ...fell, openedAtMs: t0 + 10_000 }),
      t0 + 10_000,
      record({ ...fell, openedAtMs: t0 + 10_000 }, { workedAtMs: t0 + 10_000 }),
      "open again: a word on what was sent since",
    ],
    [record({ ...fell, openedAtMs: t0 + 10_000 }), t0 + 9_999, undefined, "and on nothing before"],
    [
      record({ ...fell, because: "credential" }),
      t0,
      record({ ...fell, because: "credential" }, { workedAtMs: t0 }),
      "a key is not mended by it",
    ],
  ])("%#", (standing, sentAtMs, expected) => {
    expect(noteWorked(standing, sentAtMs, nowMs, delays)).toStrictEqual(expected);
  });
});

describe("takeTurns, to the moment", () => {
  const limit: RateLimit = { requests: 4, perMs: 1_000 };
  const slowMs = 1_000 / (2 * 0.97);
  const fastMs = 1_000 / (4 * 0.97);
  const standing = (nextMs: number, burstLeft = 2, burstAtMs = t0): Turns => ({
    nextMs,
    burstLeft,
    burstAtMs,
  });
  test.each<
    [Turns | undefined, wanted: number, afterMs: number, untilMs: number, at: number[], Turns, string]
  >([
    [undefined, 2, 0, 0, [0, 0], standing(t0, 0), "the burst alone"],
    [undefined, 1, 0, 9_000, [0], standing(t0, 1), "no more than is wanted"],
    [undefined, 4, 0, 600, [0, 0, 0, slowMs], standing(t0 + slowMs * 2, 0), "then slowly"],
    [
      standing(t0 - 1_000, 0, t0 - 2_000),
      1,
      0,
      0,
      [0],
      standing(t0 + fastMs, 0, t0 - 2_000),
      "idle for just a stretch",
    ],
    [standing(t0 - 1_001, 0, t0 - 2_000), 2, 0, 0, [0, 0], standing(t0, 0), "idle for longer: a new burst"],
    [standing(t0 + 50), 1, 99, 99, [99], standing(t0 + 50, 1), "the burst lasts a tenth of the stretch"],
    [standing(t0 + 50), 1, 100, 100, [100], standing(t0 + 100 + slowMs, 0), "and no longer"],
    [
      standing(t0 + 1_099, 0),
      1,
      1_099,
      1_099,
      [1_099],
      standing(t0 + 1_099 + slowMs, 0),
      "slow until the burst's stretch is over",
    ],
    [
      standing(t0 + 1_100, 0),
      1,
      1_100,
      1_100,
      [1_100],
      standing(t0 + 1_100 + fastMs, 0),
      "then as fast as is allowed",
    ],
    [standing(t0 + 500, 0), 1, 200, 499, [], standing(t0 + 500, 0), "none is free so soon"],
    [standing(t0 + 500, 0), 1, 200, 500, [500], standing(t0 + 500 + slowMs, 0), "one is, at the last moment"],
  ])("%#: %6$s", (turns, wanted, afterMs, untilMs, at, next) => {
    const took = takeTurns(turns, limit, wanted, t0 + afterMs, t0 + untilMs);
    expect(took.at.map((ms) => ms - t0)).toEqual(at.map((ms) => expect.closeTo(ms, 3)));
    expect(took.turns).toEqual({ ...next, nextMs: expect.closeTo(next.nextMs, 3) });
  });
});

describe("takeTurns", () => {
  const limit: RateLimit = { requests: 200, perMs: 60_000 };

  test("after an idle stretch half of what is allowed goes at once", () => {
    const { at } = takeTurns(undefined, limit, 150, t0, t0 + 1);
    expect(at.filter((turn) => turn === t0).length).toBeGreaterThanOrEqual(100);
    expect(at.length).toBeLessThanOrEqual(101);
  });

  test("a full timetable gives none, and says so by its next turn", () => {
    const first = takeTurns(undefined, limit, 200, t0, t0 + 10_000);
    const second = takeTurns(first.turns, limit, 5, t0, t0 + 1);
    expect(second.at).toStrictEqual([]);
    expect(second.turns.nextMs).toBeGreaterThan(t0);
  });

  test("whoever cannot wait gets a turn that is free now", () => {
    const { turns } = takeTurns(undefined, limit, 100, t0, t0);
    const { at } = takeTurns(turns, limit, 1, t0 + 30_000, t0 + 30_000);
    expect(at).toEqual([t0 + 30_000]);
  });

  test("nine tenths and more of the rate are used when there is enough to do", () => {
    let turns: Turns | undefined;
    const at: number[] = [];
    for (let nowMs = t0; nowMs < t0 + 600_000; nowMs += 500) {
      const took = takeTurns(turns, limit, 20, nowMs, nowMs + 500);
      turns = took.turns;
      at.push(...took.at);
    }
    expect(at.length / 2_000).toBeGreaterThan(0.9);
    expect(at.length / 2_000).toBeLessThan(1.06);
  });

  test("no stretch has more turns than are allowed, wherever it begins", () => {
    const asks = fc.array(
      fc.record({
        afterMs: fc.oneof(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 0, max: 150_000 })),
        wanted: fc.integer({ min: 1, max: 60 }),
        waitMs: fc.integer({ min: 0, max: 5_000 }),
      }),
      { minLength: 1, maxLength: 120 },
    );
    const limits = fc.record({
      requests: fc.integer({ min: 2, max: 300 }),
      perMs: fc.constantFrom(1_000, 10_000, 60_000),
    });
    fc.assert(
      fc.property(asks, limits, (asked, limit) => {
        let turns: Turns | undefined;
        let nowMs = t0;
        const at: number[] = [];
        for (const { afterMs, wanted, waitMs } of asked) {
          nowMs += afterMs;
          const took = takeTurns(turns, limit, wanted, nowMs, nowMs + waitMs);
          turns = took.turns;
          for (const turn of took.at) {
            expect(turn).toBeGreaterThanOrEqual(nowMs);
            expect(turn).toBeLessThanOrEqual(nowMs + waitMs);
          }
          at.push(...took.at);
        }
        at.sort((a, b) => a - b);
        for (let from = 0, to = 0; to < at.length; to++) {
          while ((at[to] as number) - (at[from] as number) >= limit.perMs) from++;
          expect(to - from + 1).toBeLessThanOrEqual(limit.requests);
        }
      }),
    );
  });
});
