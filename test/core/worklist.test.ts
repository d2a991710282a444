import { describe, expect, test } from "vitest";
import { parseSpanMs, type Waiting, type WorklistFilter, worklist } from "../../lib/core/worklist.ts";

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
  ])("%j → %j (%s)", (filter, expected) => {
    expect(worklist(all, filter, nowMs).map(({ chargeId }) => chargeId)).toEqual(expected);
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
