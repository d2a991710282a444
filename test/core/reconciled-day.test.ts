import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LeaseToken } from "../../lib/core/charge.ts";
import {
  daysToTell,
  isBeingCompared,
  type MissingPart,
  reconciledDay,
  unreadPart,
} from "../../lib/core/reconciled-day.ts";
import { lookBackMs } from "../../lib/core/window-plan.ts";
import { incompleteReasons, type RunRecord, type WindowRecord } from "../../lib/core/window-record.ts";

const hour = 3_600_000;
const midnight = Date.UTC(2026, 10, 24);
const at = (hours: number): number => midnight + hours * hour;
/** Long after the day. */
const later = at(200);

type Form = {
  readonly state?: WindowRecord["state"];
  readonly pass?: number;
  readonly begun?: number;
  readonly incomplete?: RunRecord["incomplete"];
  readonly endedAtHours?: number;
  readonly found?: number;
  readonly first?: number;
  readonly kept?: number;
};

const recordOf = (fromHours: number, toHours: number, form: Form = {}): WindowRecord => {
  const { state = "done", pass = 0, begun = 1, incomplete, endedAtHours = toHours + 1 + 72 * pass } = form;
  const { found = 0, first = found, kept } = form;
  const window = { fromMs: at(fromHours), toMs: at(toHours) };
  const base = {
    v: 1 as const,
    gateway: "centrobill" as const,
    ...window,
    pass,
    begun,
    token: `${fromHours}-${toHours}-${pass}` as LeaseToken,
  };
  if (state === "leased") return { ...base, state, leaseUntilMs: at(endedAtHours) };
  if (state !== "done") return { ...base, state };
  const run = {
    window,
    complete: incomplete === undefined,
    ...(incomplete === undefined ? {} : { incomplete }),
    endedAtMs: at(endedAtHours),
    findings: found === 0 ? {} : { missing_in_ledger: found },
    first: Array.from({ length: first }, () => ({})),
  } as unknown as RunRecord;
  return { ...base, state: "done", run, ...(kept === undefined ? {} : { kept }) };
};

const cut = { reason: "feed_incomplete", why: "broke off" } as const;
const others = [recordOf(6, 12), recordOf(12, 18), recordOf(18, 24)];
const dayOf = (records: readonly WindowRecord[], nowMs = later) =>
  reconciledDay(records, "centrobill", midnight, nowMs);
const namesOf = (looks: readonly WindowRecord[]): readonly string[] =>
  looks.filter(({ fromMs }) => fromMs < at(6)).map(({ token }) => token);
const partsOf = (missing: readonly MissingPart[]): readonly string[] =>
  missing.map(
    ({ fromMs, toMs, reason, why }) =>
      `${(fromMs - midnight) / hour}-${(toMs - midnight) / hour} ${reason}${why === undefined ? "" : `: ${why}`}`,
  );

describe("what stands of a day, by the records of its first window (the others are reconciled)", () => {
  type Row = readonly [
    reason: string,
    first: readonly WindowRecord[],
    standing: readonly string[],
    told: readonly string[],
    missing: readonly string[],
  ];
  // biome-ignore format: one row a line
  test.each<Row>([
    ["one whole look is enough", [recordOf(0, 6)], ["0-6-0"], ["0-6-0"], []],
    ["a second one has the last word, and its findings are all", [recordOf(0, 6), recordOf(0, 6, { pass: 1 })], ["0-6-1"], ["0-6-1"], []],
    ["nobody has looked", [], [], [], ["0-6 not_compared"]],
    ["it waits and was never begun", [recordOf(0, 6, { state: "waiting", begun: 0 })], [], [], ["0-6 not_compared"]],
    ["it was begun, and its worker died", [recordOf(0, 6, { state: "leased" })], [], [], ["0-6 not_compared"]],
    ["the feed broke off", [recordOf(0, 6, { incomplete: cut })], ["0-6-0"], ["0-6-0"], ["0-6 feed_incomplete: broke off"]],
    ["the second look was not whole: what it saw is told beside the first one's, and the day is not clean", [recordOf(0, 6), recordOf(0, 6, { pass: 1, incomplete: cut })], ["0-6-0"], ["0-6-1", "0-6-0"], ["0-6 feed_incomplete: broke off"]],
    ["the second look was begun, and nobody knows what it will say", [recordOf(0, 6), recordOf(0, 6, { pass: 1, state: "waiting" })], ["0-6-0"], ["0-6-0"], ["0-6 not_compared"]],
    ["the second look is only planned", [recordOf(0, 6), recordOf(0, 6, { pass: 1, state: "waiting", begun: 0 })], ["0-6-0"], ["0-6-0"], []],
    ["the first look was not whole, the second one is", [recordOf(0, 6, { incomplete: cut }), recordOf(0, 6, { pass: 1 })], ["0-6-1"], ["0-6-1"], []],
    ["the first look was made again after the second one, and is whole", [recordOf(0, 6, { endedAtHours: 100 }), recordOf(0, 6, { pass: 1, endedAtHours: 90 })], ["0-6-0"], ["0-6-0"], []],
    ["the first look was made again after the second one, and is not", [recordOf(0, 6, { endedAtHours: 100, incomplete: cut }), recordOf(0, 6, { pass: 1, endedAtHours: 90 })], ["0-6-1"], ["0-6-0", "0-6-1"], ["0-6 feed_incomplete: broke off"]],
    ["neither look is whole: findings of both count", [recordOf(0, 6, { incomplete: cut }), recordOf(0, 6, { pass: 1, incomplete: { reason: "feed_moved", why: "2 rows" } })], ["0-6-1"], ["0-6-1", "0-6-0"], ["0-6 feed_moved: 2 rows"]],
    ["halves are as good as the whole", [recordOf(0, 6, { state: "split" }), recordOf(0, 3), recordOf(3, 6)], ["0-3-0", "3-6-0"], ["0-3-0", "3-6-0"], []],
    ["of two halves one is not there yet", [recordOf(0, 6, { state: "split" }), recordOf(3, 6)], ["3-6-0"], ["3-6-0"], ["0-3 not_compared"]],
    ["of two halves one is not whole", [recordOf(0, 6, { state: "split" }), recordOf(0, 3), recordOf(3, 6, { incomplete: cut })], ["0-3-0", "3-6-0"], ["0-3-0", "3-6-0"], ["3-6 feed_incomplete: broke off"]],
    ["the second look was cut, and one half of it is to come: the first one's rows count, and its findings, too", [recordOf(0, 6), recordOf(0, 6, { pass: 1, state: "split" }), recordOf(0, 3, { pass: 1 }), recordOf(3, 6, { pass: 1, state: "waiting", begun: 0 })], ["0-6-0"], ["0-3-1", "0-6-0"], ["3-6 not_compared"]],
    ["it was worked whole by somebody who came late, beside its halves: no row counts twice", [recordOf(0, 6), recordOf(0, 3), recordOf(3, 6)], ["0-6-0"], ["0-6-0"], []],
    ["halves and the whole come in any order", [recordOf(3, 6), recordOf(0, 3), recordOf(0, 6)], ["0-6-0"], ["0-6-0"], []],
    ["so do halves alone", [recordOf(3, 6), recordOf(0, 6, { state: "split" }), recordOf(0, 3)], ["0-3-0", "3-6-0"], ["0-3-0", "3-6-0"], []],
    ["one half of the second look broke off: the first one's rows count", [recordOf(0, 6), recordOf(0, 6, { pass: 1, state: "split" }), recordOf(0, 3, { pass: 1 }), recordOf(3, 6, { pass: 1, incomplete: cut })], ["0-6-0"], ["0-3-1", "3-6-1", "0-6-0"], ["3-6 feed_incomplete: broke off"]],
    ["both looks ended in one moment: the second one has the last word", [recordOf(0, 6, { endedAtHours: 90 }), recordOf(0, 6, { pass: 1, endedAtHours: 90 })], ["0-6-1"], ["0-6-1"], []],
    ["the first look broke off, and nobody knows what the second one will say", [recordOf(0, 6, { incomplete: cut }), recordOf(0, 6, { pass: 1, state: "leased" })], ["0-6-0"], ["0-6-0"], ["0-6 feed_incomplete: broke off"]],
    ["what is missing is told by its time: one half broke off, and the other is not there", [recordOf(0, 6, { state: "split" }), recordOf(0, 3, { incomplete: cut })], ["0-3-0"], ["0-3-0"], ["0-3 feed_incomplete: broke off", "3-6 not_compared"]],
    ["two halves broke off, each in its own way", [recordOf(0, 6, { state: "split" }), recordOf(0, 3, { incomplete: cut }), recordOf(3, 6, { incomplete: { ...cut, why: "HTTP 500" } })], ["0-3-0", "3-6-0"], ["0-3-0", "3-6-0"], ["0-3 feed_incomplete: broke off", "3-6 feed_incomplete: HTTP 500"]],
    ["more was found than was kept, by a version before", [recordOf(0, 6, { found: 70, first: 50 })], ["0-6-0"], ["0-6-0"], ["0-6 findings_not_kept: 20 findings"]],
    ["more was found than fits into the record, and is kept beside it", [recordOf(0, 6, { found: 70, first: 50, kept: 20 })], ["0-6-0"], ["0-6-0"], []],
  ])("%s", (_reason, first, standing, told, missing) => {
    const day = dayOf([...first, ...others]);
    expect(day).toMatchObject({ gateway: "centrobill", day: "2026-11-24", fromMs: at(0), toMs: at(24) });
    expect(namesOf(day.standing)).toEqual(standing);
    expect(namesOf(day.told)).toEqual(told);
    expect(partsOf(day.missing)).toEqual(missing);
  });

  test("neighbours that are missing for one reason are one part; windows of other days say nothing of this one", () => {
    expect(partsOf(dayOf([recordOf(12, 18), recordOf(-6, 0), recordOf(24, 30)]).missing)).toEqual([
      "0-12 not_compared",
      "18-24 not_compared",
    ]);
    expect(
      partsOf(dayOf([recordOf(0, 6, { incomplete: cut }), recordOf(6, 12, { incomplete: cut })]).missing),
    ).toEqual(["0-12 feed_incomplete: broke off", "12-24 not_compared"]);
  });

  test.each<[hours: number, missing: readonly string[], reason: string]>([
    [10, ["6-24 not_over"], "only its first window is over, and was looked at"],
    [12.9, ["6-24 not_over"], "the second one has not been over for an hour"],
    [13, ["6-12 not_compared", "12-24 not_over"], "the second one should have been looked at"],
    [25, ["6-24 not_compared"], "nobody looked at the rest of it"],
  ])("at %d o'clock: %j (%s)", (hours, missing) => {
    expect(partsOf(dayOf([recordOf(0, 6)], at(hours)).missing)).toEqual(missing);
  });

  test("whether it is looked at again: until each window had its second look, whole", () => {
    const again = (pass: number) => [0, 6, 12, 18].map((from) => recordOf(from, from + 6, { pass }));
    expect(dayOf(again(0)).lookedAtAgain).toBe(true);
    expect(dayOf([...again(0), ...again(1).slice(1)]).lookedAtAgain).toBe(true);
    expect(dayOf([...again(0), ...again(1)]).lookedAtAgain).toBe(false);
    expect(
      dayOf([...again(0), ...again(1).slice(1), recordOf(0, 6, { pass: 1, incomplete: cut })]).lookedAtAgain,
    ).toBe(true);
    expect(dayOf([recordOf(0, 6, { pass: 1, incomplete: cut }), ...again(1).slice(1)]).lookedAtAgain).toBe(
      true,
    );
    expect(dayOf(again(1).slice(1)).lookedAtAgain).toBe(true);
  });
});

test("a run that is not whole names its part, and one that is has none", () => {
  const runOf = (record: WindowRecord) => (record as { run: RunRecord }).run;
  expect(unreadPart(runOf(recordOf(0, 6)))).toBeUndefined();
  expect(unreadPart(runOf(recordOf(0, 6, { incomplete: cut })))).toEqual({
    fromMs: at(0),
    toMs: at(6),
    ...cut,
  });
  const { incomplete: _none, ...run } = runOf(recordOf(0, 6, { incomplete: cut }));
  expect(unreadPart(run)).toEqual({ fromMs: at(0), toMs: at(6), reason: "feed_incomplete" });
});

describe("which days there is something to tell of", () => {
  const days = (records: readonly WindowRecord[], nowHours: number) =>
    daysToTell(records, at(nowHours), lookBackMs).map((ms) => (ms - midnight) / (24 * hour));
  // biome-ignore format: one row a line
  test.each<[reason: string, records: readonly WindowRecord[], nowHours: number, days: readonly number[]]>([
    ["no window is known: none, since nothing says that there is a feed", [], 50, []],
    ["from the first window on, those without a run among them", [recordOf(18, 24), recordOf(72, 78)], 80, [0, 1, 2, 3]],
    ["the day that goes on, when a part of it was compared", [recordOf(0, 6)], 10, [0]],
    ["and not before", [recordOf(-6, 0), recordOf(0, 6, { state: "leased" })], 10, [-1]],
    ["a day that has just ended", [recordOf(18, 24, { state: "waiting" })], 24, [0]],
    ["not those that no window is made up for any more", [recordOf(0, 6)], 24 * 37, Array.from({ length: 35 }, (_, n) => n + 2)],
  ])("%s", (_reason, records, nowHours, expected) => {
    expect(days(records, nowHours)).toEqual(expected);
  });
});

describe("a day is being compared while a part of it is in somebody's hands", () => {
  const leased = recordOf(0, 6, { state: "leased", endedAtHours: 30 });
  const whole = { fromMs: at(0), toMs: at(24) };
  // biome-ignore format: one row a line
  test.each<[boolean, readonly WindowRecord[], { readonly fromMs: number; readonly toMs: number }, nowHours: number, reason: string]>([
    [true, [leased], whole, 30, "until the lease is over"],
    [true, [recordOf(6, 12), leased], whole, 30, "beside one that is done"],
    [false, [leased], whole, 30.01, "whoever held it is gone"],
    [false, [leased], { fromMs: at(6), toMs: at(30) }, 25, "it is another day's"],
    [false, [leased], { fromMs: at(-24), toMs: at(0) }, 25, "it is another day's"],
    [false, [recordOf(0, 6)], whole, 25, "it is done"],
    [false, [recordOf(0, 6, { state: "waiting" })], whole, 25, "nobody has it"],
  ])("%s: %j", (expected, records, day, nowHours) => {
    expect(isBeingCompared(records, day, at(nowHours))).toBe(expected);
  });
});

test("no minute is called reconciled of which no run that came to its end was whole, and none counts twice", () => {
  const boundary = fc.constantFrom<readonly (readonly [number, number])[]>(
    [[0, 6]],
    [
      [0, 3],
      [3, 6],
    ],
    [
      [0, 3],
      [3, 4.5],
      [4.5, 6],
    ],
  );
  const form = fc.record({
    there: fc.boolean(),
    state: fc.constantFrom<WindowRecord["state"]>("done", "done", "done", "waiting", "leased"),
    begun: fc.constantFrom(0, 1, 3),
    broken: fc.option(fc.constantFrom(...incompleteReasons), { freq: 4, nil: undefined }),
    endedAtHours: fc.integer({ min: 30, max: 150 }),
  });
  const pass = fc.tuple(boundary, fc.array(form, { minLength: 3, maxLength: 3 }));
  fc.assert(
    fc.property(fc.array(fc.tuple(pass, pass), { minLength: 4, maxLength: 4 }), (windows) => {
      const records = windows.flatMap((passes, nth) =>
        passes.flatMap(([parts, forms], number) =>
          parts.flatMap(([from, to], part) => {
            const { there, state, begun, broken, endedAtHours } = forms[part] as (typeof forms)[number];
            if (!there) return [];
            return [
              recordOf(nth * 6 + from, nth * 6 + to, {
                pass: number,
                state,
                begun: state === "done" ? Math.max(1, begun) : begun,
                endedAtHours,
                ...(broken === undefined ? {} : { incomplete: { reason: broken, why: "w" } }),
              }),
            ];
          }),
        ),
      );
      const day = dayOf(records);
      // Minute by minute, and by nothing that the code under test says.
      for (let minute = 0; minute < 24 * 60; minute += 30) {
        const ms = at(minute / 60);
        const over = records.filter((record) => record.fromMs <= ms && ms < record.toMs && record.begun > 0);
        const ended = over.flatMap((record) => (record.state === "done" ? [record.run] : []));
        const missing = day.missing.some(({ fromMs, toMs }) => fromMs <= ms && ms < toMs);
        if (ended.every(({ complete }) => !complete)) expect(missing).toBe(true);
        const last = ended.toSorted((a, b) => a.endedAtMs - b.endedAtMs).at(-1);
        // Alone, and broken off: nothing outweighs it.
        if (over.length === 1 && last?.complete !== true) expect(missing).toBe(true);
        // No part of the day's rows counts twice.
        expect(
          day.standing.filter(({ fromMs, toMs }) => fromMs <= ms && ms < toMs).length,
        ).toBeLessThanOrEqual(1);
        // Where nothing is missing, a whole run is what stands.
        if (!missing)
          expect(
            day.standing.some(({ fromMs, toMs, run }) => run.complete && fromMs <= ms && ms < toMs),
          ).toBe(true);
      }
      // What is told was found by a run of this day, each once.
      expect(new Set(day.told).size).toBe(day.told.length);
      for (const look of day.standing) expect(day.told).toContain(look);
    }),
    { numRuns: 300 },
  );
});
