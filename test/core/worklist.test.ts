import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  firstOfWorklist,
  parseSpanMs,
  type Waiting,
  type WorklistFilter,
  worklist,
} from "../../lib/core/worklist.ts";
import { readFilter, type WrittenFilter } from "../../lib/core/worklist-filter.ts";

const nowMs = Date.UTC(2026, 10, 25);
const hour = 3_600_000;
const waits = (chargeId: string, amount: string, hours: number, changes: Partial<Waiting> = {}): Waiting => ({
  chargeId,
  gateway: "centrobill",
  reason: "lookups_used_up",
  sinceMs: nowMs - hours * hour,
  amount,
  currency: "EUR",
  ...changes,
});

const all = [
  waits("small-old", "100", 100),
  waits("large-new", "90000", 1),
  waits("middle", "2000", 10, { reason: "mismatch" }),
  waits("yen", "50000", 10, { currency: "JPY", gateway: "centrapay" }),
  waits("dinar", "1500", 2, { currency: "KWD" }),
  waits("this-moment", "4000", 0),
  waits("by-a-clock-that-is-behind", "3000", -1),
];

describe("the worklist", () => {
  test.each<[WorklistFilter, string[], reason: string]>([
    [
      {},
      ["yen", "large-new", "middle", "small-old", "dinar", "this-moment", "by-a-clock-that-is-behind"],
      "money times age: 50000 JPY are major units, 1500 KWD are 1.500",
    ],
    [{ reasons: ["mismatch"] }, ["middle"], "one reason"],
    [{ reasons: ["mismatch", "lookups_used_up"], gateway: "centrapay" }, ["yen"], "and one gateway"],
    [{ olderThanMs: 10 * hour }, ["yen", "middle", "small-old"], "exactly so old is old enough"],
    [
      { minMoney: "20.00" },
      ["yen", "large-new", "middle", "this-moment", "by-a-clock-that-is-behind"],
      "in each one's currency",
    ],
    [
      { minMoney: "1.5" },
      ["yen", "large-new", "middle", "dinar", "this-moment", "by-a-clock-that-is-behind"],
      "1.500 KWD is enough",
    ],
    [{ minMoney: "50000.5" }, [], "half a yen more than there is"],
    [{ gateway: "centrapay", minMoney: "1000000" }, [], "nothing"],
    [
      { minMoney: "20.005" },
      ["yen", "large-new", "this-moment", "by-a-clock-that-is-behind"],
      "half a cent more",
    ],
  ])("%j → %j (%s)", (filter, expected) => {
    expect(worklist(all, filter, nowMs).map(({ chargeId }) => chargeId)).toEqual(expected);
  });

  test("the minimum is the amount itself, and not what a fraction makes of it", () => {
    const one = [waits("a", "110", 1), waits("b", "109", 1)];
    expect(worklist(one, { minMoney: "1.1" }, nowMs).map(({ chargeId }) => chargeId)).toEqual(["a"]);
  });

  test("a currency that nobody knows counts as one with cents", () => {
    const some = [waits("a", "2000", 1, { currency: "XXX" }), waits("b", "1500", 1), waits("c", "2500", 1)];
    expect(worklist(some, {}, nowMs).map(({ chargeId }) => chargeId)).toEqual(["c", "a", "b"]);
    expect(worklist(some, { minMoney: "20" }, nowMs).map(({ chargeId }) => chargeId)).toEqual(["c", "a"]);
  });

  test("what weighs the same is in the order of its ids, and nothing is lost", () => {
    const same = ["c", "a", "b"].map((id) => waits(id, "100", 1));
    expect(worklist(same, {}, nowMs).map(({ chargeId }) => chargeId)).toEqual(["a", "b", "c"]);
  });
});

test.each<[string, number | undefined]>([
  ["90s", 90_000],
  ["15m", 900_000],
  ["6h", 21_600_000],
  ["2d", 172_800_000],
  ["0d", 0],
  ["", undefined],
  ["6", undefined],
  ["6 h", undefined],
  ["1h30m", undefined],
  ["-1h", undefined],
  ["1.5h", undefined],
])("%j is %j ms", (text, ms) => {
  expect(parseSpanMs(text)).toBe(ms);
});

describe("a filter as it is written", () => {
  test.each<[WrittenFilter, WorklistFilter, readonly string[], string]>([
    [{}, {}, [], "nothing is filtered"],
    [
      { reasons: ["mismatch", "absent"], gateway: "centrapay", olderThan: "6h", minMoney: "20.00" },
      { reasons: ["mismatch", "absent"], gateway: "centrapay", olderThanMs: 21_600_000, minMoney: "20.00" },
      [],
      "all of it",
    ],
    [
      { reasons: ["sad", "absent"] },
      { reasons: ["absent"] },
      ["reasons sad: no such reason"],
      "what is known stays",
    ],
    [{ reasons: [] }, {}, [], "none named: all"],
    [{ gateway: "bank" }, {}, ["gateway bank: no such gateway"], "no such gateway"],
    [{ gateway: "" }, {}, ["gateway : no such gateway"], "an empty one is none"],
    [{ olderThan: "6" }, {}, ["olderThan 6: must be a number with s, m, h or d"], "no unit"],
    [{ minMoney: "0" }, { minMoney: "0" }, [], "no point"],
    [{ minMoney: "5" }, { minMoney: "5" }, [], "one digit"],
    [{ minMoney: "12345678.125" }, { minMoney: "12345678.125" }, [], "the most"],
    [{ minMoney: "0.125" }, { minMoney: "0.125" }, [], "three digits"],
    [{ minMoney: "x1" }, {}, ["minMoney x1: must be an amount such as 20.00"], "no number"],
    [{ minMoney: "1x" }, {}, ["minMoney 1x: must be an amount such as 20.00"], "the same"],
    [{ minMoney: "01" }, {}, ["minMoney 01: must be an amount such as 20.00"], "a leading zero"],
    [{ minMoney: "1." }, {}, ["minMoney 1.: must be an amount such as 20.00"], "a point and nothing"],
    [{ minMoney: "123456789" }, {}, ["minMoney 123456789: must be an amount such as 20.00"], "too long"],
  ])("%j (%#)", (written, filter, problems) => {
    const read = readFilter(written);
    expect(read.filter).toEqual(filter);
    expect(read.problems.map(({ field, given, problem }) => `${field} ${given}: ${problem}`)).toEqual(
      problems,
    );
  });
});

test("the first of a worklist are the first of the whole of it, however many are wanted and however many are alike", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 3 })), { maxLength: 40 }),
      fc.integer({ min: 1, max: 50 }),
      (rows, most) => {
        const all = rows.map(([amount, hours], n) => waits(`c-${(n * 7) % 41}-${n}`, String(amount), hours));
        const { fitting, first } = firstOfWorklist(all, {}, nowMs, most);
        expect(fitting).toEqual(all);
        expect(first).toEqual(worklist(all, {}, nowMs).slice(0, most));
      },
    ),
  );
});
