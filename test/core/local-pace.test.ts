import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Answered } from "../../lib/core/answered.ts";
import {
  aheadOf,
  closeOf,
  type LocalLimits,
  type LocalPace,
  localPace,
  noteExchange,
  reopenedPace,
  workedPace,
} from "../../lib/core/local-pace.ts";

const t0 = Date.UTC(2026, 10, 24);
const limits: LocalLimits = {
  concurrencyMin: 1,
  concurrencyMax: 16,
  closeAfterFaults: 10,
  closeAfterRefusals: 3,
};
const well: Answered = { kind: "well" };
const fault: Answered = { kind: "fault" };
const limited: Answered = { kind: "limited" };
const refused: Answered = { kind: "refused" };
const exchange = (answered: Answered, begunMs = 0, tookMs = 300) => ({
  answered,
  begunAtMs: t0 + begunMs,
  tookMs,
});
const fresh = localPace(limits);
const at = (over: Partial<LocalPace>): LocalPace => ({ ...fresh, ...over });

describe("noteExchange", () => {
  test.each<[LocalPace, ReturnType<typeof exchange>, Partial<LocalPace>, string]>([
    [fresh, exchange(well), { concurrency: 16 }, "never above the ceiling"],
    [at({ concurrency: 4 }), exchange(well), { concurrency: 4.25 }, "a quarter of one more, of four at once"],
    [at({ concurrency: 4 }), exchange(fault), { concurrency: 2, faultsInRow: 1 }, "half after a fault"],
    [at({ concurrency: 4 }), exchange(limited), { concurrency: 2, limitedInRow: 1 }, "half after a 429"],
    [at({ concurrency: 4 }), exchange(refused), { concurrency: 2, refusalsInRow: 1 }, "half after a 401"],
    [at({ concurrency: 1 }), exchange(fault), { concurrency: 1 }, "never below the floor"],
    [
      at({ concurrency: 8, narrowedAtMs: t0 + 100 }),
      exchange(fault),
      { concurrency: 8, faultsInRow: 1 },
      "sent before it was narrowed: it counts, but narrows no more",
    ],
    [
      at({ concurrency: 8, narrowedAtMs: t0 }),
      exchange(fault),
      { concurrency: 4, narrowedAtMs: t0 + 300 },
      "sent as it was narrowed: it narrows again",
    ],
    [
      at({ concurrency: 8, usualMs: 300 }),
      exchange(well, 0, 1_300),
      { concurrency: 8.125, usualMs: 400 },
      "slow, but by no more than a second; a tenth of it becomes usual",
    ],
    [
      at({ concurrency: 8, usualMs: 2_000 }),
      exchange(well, 0, 3_500),
      { concurrency: 8.125, usualMs: 2_150 },
      "more than a second longer, but not four times the usual",
    ],
    [
      at({ concurrency: 8, usualMs: 1_000 }),
      exchange(well, 0, 4_000),
      { concurrency: 8.125 },
      "just four times the usual",
    ],
    [
      at({ concurrency: 8, usualMs: 300 }),
      exchange(well, 0, 1_301),
      { concurrency: 7.2 },
      "four times the usual and a second longer: a tenth less",
    ],
    [
      at({ faultsInRow: 9, refusalsInRow: 2, limitedInRow: 3 }),
      exchange(well),
      { faultsInRow: 0, refusalsInRow: 0, limitedInRow: 0, wellAtMs: t0 + 300 },
      "one that went well ends every row",
    ],
    [at({ refusalsInRow: 2 }), exchange(fault), { refusalsInRow: 2 }, "a fault says nothing of the key"],
    [
      at({ faultsInRow: 2, faultsFromMs: t0 - 900 }),
      exchange(fault),
      { faultsInRow: 3, faultsFromMs: t0 - 900 },
      "the row began with the first",
    ],
    [at({ faultsFromMs: t0 - 900 }), exchange(fault), { faultsFromMs: t0 }, "a new row begins now"],
  ])("%#", (local, one, expected) => {
    expect(noteExchange(local, one, limits)).toMatchObject(expected);
  });

  test("stays between floor and ceiling, whatever the gateway answers", () => {
    const answers = fc.array(
      fc.record({
        answered: fc.constantFrom(well, fault, limited, refused),
        afterMs: fc.nat(5_000),
        tookMs: fc.nat(60_000),
      }),
    );
    const ends = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 5, max: 100 }));
    fc.assert(
      fc.property(answers, ends, (all, [concurrencyMin, concurrencyMax]) => {
        const own = { ...limits, concurrencyMin, concurrencyMax };
        let local = localPace(own);
        let nowMs = t0;
        for (const { answered, afterMs, tookMs } of all) {
          nowMs += afterMs;
          local = noteExchange(local, { answered, begunAtMs: nowMs, tookMs }, own);
          expect(local.concurrency).toBeGreaterThanOrEqual(concurrencyMin);
          expect(local.concurrency).toBeLessThanOrEqual(concurrencyMax);
        }
      }),
    );
  });
});

describe("closeOf", () => {
  const openedAtMs = t0 - 10_000;
  test.each<
    [
      LocalPace,
      Answered,
      number | undefined,
      ReturnType<typeof closeOf> extends infer C ? Partial<C> | undefined : never,
      string,
    ]
  >([
    [at({ faultsInRow: 9 }), fault, undefined, undefined, "nine faults are not ten"],
    [
      at({ faultsInRow: 10, faultsFromMs: t0 - 5 }),
      fault,
      undefined,
      { because: "outage", faultsFromMs: t0 - 5 },
      "ten",
    ],
    [at({ faultsInRow: 1 }), fault, openedAtMs, undefined, "opened: one fault may be chance"],
    [
      at({ faultsInRow: 2 }),
      fault,
      openedAtMs,
      { because: "outage", relapse: true },
      "opened, and no charge went well: two are enough",
    ],
    [
      at({ faultsInRow: 2, wellAtMs: openedAtMs }),
      fault,
      openedAtMs,
      undefined,
      "it went well as it was opened",
    ],
    [
      at({ faultsInRow: 9, wellAtMs: t0 - 5 }),
      fault,
      openedAtMs,
      undefined,
      "it went well since: as many as at first",
    ],
    [
      at({ faultsInRow: 10, wellAtMs: t0 - 5 }),
      fault,
      openedAtMs,
      { because: "outage", relapse: false },
      "another outage",
    ],
    [at({ refusalsInRow: 2 }), refused, undefined, undefined, "two refusals are two bad charges"],
    [at({ refusalsInRow: 3 }), refused, undefined, { because: "credential" }, "three are a bad key"],
    [
      at({ limitedInRow: 1 }),
      { kind: "limited", retryAfterMs: 7_000 },
      undefined,
      { because: "rate_limited", forMs: 7_200 },
      "as long as it says, to the next quarter of a second",
    ],
    [at({ limitedInRow: 1 }), limited, undefined, { forMs: 1_200 }, "it does not say: a second"],
    [at({ limitedInRow: 4 }), limited, undefined, { forMs: 8_200 }, "doubling"],
    [at({ limitedInRow: 40 }), limited, undefined, { forMs: 60_200 }, "a minute at most"],
    [at({ faultsInRow: 50 }), well, undefined, undefined, "an answer closes nothing"],
  ])("%#", (local, answered, opened, expected) => {
    const close = closeOf(local, exchange(answered), limits, opened ?? Number.NEGATIVE_INFINITY);
    if (expected === undefined) expect(close).toBeUndefined();
    else expect(close).toMatchObject({ atMs: t0 + 300, ...expected });
  });
});

test("an account that was opened again begins with as few at once as there may be, and nothing in a row", () => {
  const before = at({ concurrency: 8, faultsInRow: 10, refusalsInRow: 3, wellAtMs: t0 - 60_000 });
  expect(reopenedPace(before, limits, t0)).toMatchObject({
    concurrency: 1,
    faultsInRow: 0,
    refusalsInRow: 0,
    narrowedAtMs: t0,
    wellAtMs: t0 - 60_000,
  });
});

test("a charge that another worker saw worked ends the rows, and never goes back in time", () => {
  const before = at({ concurrency: 2, faultsInRow: 9, wellAtMs: t0 });
  expect(workedPace(before, t0 - 5)).toMatchObject({ faultsInRow: 0, wellAtMs: t0, concurrency: 2 });
  expect(workedPace(before, t0 + 5)).toMatchObject({ wellAtMs: t0 + 5 });
});

describe("charges in hand beside those on their way", () => {
  const at = (concurrency: number, more: Partial<LocalPace> = {}): LocalPace => ({
    ...localPace({ concurrencyMax: concurrency }),
    usualMs: 50,
    ...more,
  });
  test.each<[string, LocalPace, number]>([
    ["an account that answers quickly", at(50), 12],
    ["a few at once", at(4.9), 1],
    ["too few for a quarter", at(3), 0],
    ["one at once", at(0.5), 0],
    ["as quick as it has to be", at(8, { usualMs: 250 }), 2],
    ["slower than that", at(8, { usualMs: 251 }), 0],
    ["one that has failed last", at(8, { faultsInRow: 1 }), 0],
  ])("%s", (_, local, ahead) => {
    expect(aheadOf(local)).toBe(ahead);
  });
  test("one that has not answered yet", () => {
    expect(aheadOf(localPace({ concurrencyMax: 50 }))).toBe(0);
  });
});
