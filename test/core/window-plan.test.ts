import { describe, expect, test } from "vitest";
import type { LeaseToken } from "../../lib/core/charge.ts";
import { dueWindows, halvesOf, triesMax, watermarkMs, windowMs } from "../../lib/core/window-plan.ts";
import type { RunRecord, WindowRecord } from "../../lib/core/window-record.ts";

const hour = 3_600_000;
const t0 = Date.UTC(2026, 10, 24);
const at = (hours: number): number => t0 + hours * hour;
const token = (text: string): LeaseToken => text as LeaseToken;

const base = (fromHour: number, toHour = fromHour + 6, pass = 0) => ({
  v: 1 as const,
  gateway: "centrobill" as const,
  fromMs: at(fromHour),
  toMs: at(toHour),
  pass,
  token: token(`${fromHour}`),
  begun: 1,
});
const done = (
  fromHour: number,
  toHour = fromHour + 6,
  complete = true,
  endedHour = toHour + 1,
): WindowRecord => ({
  ...base(fromHour, toHour),
  state: "done",
  run: { complete, endedAtMs: at(endedHour) } as RunRecord,
});
const leased = (fromHour: number, untilHour: number): WindowRecord => ({
  ...base(fromHour),
  state: "leased",
  leaseUntilMs: at(untilHour),
});
const split = (fromHour: number): WindowRecord => ({ ...base(fromHour), state: "split" });

describe("what is due", () => {
  test.each<readonly [string, readonly WindowRecord[], number, readonly string[]]>([
    ["the first time: the last day, but not what ended within the hour", [], 24.5, ["6-12", "12-18"]],
    ["an hour after its end", [done(6), done(12)], 25, ["18-24"]],
    [
      "what was missed for two days is made up for",
      [done(0)],
      48,
      ["6-12", "12-18", "18-24", "24-30", "30-36", "36-42"],
    ],
    ["in somebody's hands: not", [done(6), leased(12, 26)], 24.5, []],
    ["in somebody's hands to this very moment: not", [done(6), leased(12, 24.5)], 24.5, []],
    ["its lease is over: yes", [done(6), leased(12, 24)], 24.5, ["12-18"]],
    ["incomplete: again after an hour", [done(6), done(12, 18, false, 23.5)], 24.6, ["12-18"]],
    ["incomplete: after the hour to the moment", [done(6), done(12, 18, false, 23.5)], 24.5, ["12-18"]],
    [
      "incomplete, and tried often enough: left to a person",
      [done(6), { ...done(12, 18, false, 19), begun: triesMax }],
      24.5,
      [],
    ],
    [
      "incomplete, and tried nearly often enough",
      [done(6), { ...done(12, 18, false, 19), begun: triesMax - 1 }],
      24.5,
      ["12-18"],
    ],
    [
      "the oldest first, however they are kept",
      [done(6), split(12), { ...base(15, 18), state: "waiting" }, { ...base(12, 15), state: "waiting" }],
      24.5,
      ["12-15", "15-18"],
    ],
    ["incomplete: not within the hour", [done(6), done(12, 18, false, 24)], 24.6, []],
    [
      "cut: its halves are",
      [done(6), split(12), { ...base(12, 15), state: "waiting" }, done(15, 18)],
      24.5,
      ["12-15"],
    ],
  ])("%s", (_why, records, nowHour, expected) => {
    const due = dueWindows(records, at(nowHour)).filter(({ pass }) => pass === 0);
    expect(due.map(({ fromMs, toMs }) => `${(fromMs - t0) / hour}-${(toMs - t0) / hour}`)).toEqual(expected);
  });

  test("a window is looked at once more after three days, for what came late", () => {
    const records = Array.from({ length: 16 }, (_, window) => done(window * 6));
    const due = dueWindows(records, at(96));
    expect(due.map(({ fromMs, pass }) => [(fromMs - t0) / hour, pass])).toEqual([
      [0, 1],
      [6, 1],
      [12, 1],
      [18, 1],
    ]);
  });
});

test("of one window what comes late is read last", () => {
  const both = [1, 0].map((pass): WindowRecord => ({ ...base(90, 96, pass), state: "waiting" }));
  expect(
    dueWindows(both, at(96))
      .filter(({ standing }) => standing !== undefined)
      .map(({ pass }) => pass),
  ).toEqual([0, 1]);
});

test.each<readonly [string, readonly WindowRecord[], number | undefined]>([
  ["one after the other, however they are kept", [done(12), done(0), done(6)], 18],
  ["what comes late does not count", [done(0), { ...done(6), pass: 1 }], 6],
  ["nothing yet", [], undefined],
  ["begun, nothing done", [leased(0, 8)], undefined],
  ["one after the other", [done(0), done(6), done(12)], 18],
  ["a hole stops it", [done(0), leased(6, 30), done(12)], 6],
  ["incomplete is a hole", [done(0), done(6, 12, false), done(12)], 6],
  ["halves of a window that was cut fill it", [done(0), split(6), done(6, 9), done(9, 12), done(12)], 18],
])("the time that is reconciled: %s", (_why, records, hours) => {
  // Of a copy: a mutant that sorts what it was given would leave it in order for those after it.
  expect(watermarkMs([...records])).toBe(hours === undefined ? undefined : at(hours));
});

test("halves leave no gap and do not overlap", () => {
  const [earlier, later] = halvesOf(base(0), "centrobill", [token("a"), token("b")]);
  expect(earlier?.toMs).toBe(later?.fromMs);
  expect((later?.toMs ?? 0) - (earlier?.fromMs ?? 0)).toBe(windowMs);
  const { begun: _begun, ...half } = base(0);
  expect([earlier, later]).toStrictEqual([
    { ...half, toMs: at(3), token: "a", begun: 0, state: "waiting" },
    { ...half, fromMs: at(3), token: "b", begun: 0, state: "waiting" },
  ]);
});
