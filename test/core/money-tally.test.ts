import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type MoneySums, moneyTally } from "../../lib/core/money-tally.ts";

const day = 86_400_000;
const t0 = Date.UTC(2026, 10, 24);
type Class = keyof MoneySums;

describe("moneyTally", () => {
  test("sums by day and currency, days and currencies in order", () => {
    const tally = moneyTally(t0);
    tally.add("unknown", 7n, "USD", t0 + day);
    tally.add("matched", 1_999, "EUR", t0 + day);
    tally.add("matched", 1, "EUR", t0 + 2 * day - 1);
    tally.add("unmatched", 500, "JPY", t0);
    tally.add("matched", 3n, "EUR", t0);
    expect(tally.byDay()).toStrictEqual([
      { day: "2026-11-24", currency: "EUR", matched: "3", unmatched: "0", unknown: "0" },
      { day: "2026-11-24", currency: "JPY", matched: "0", unmatched: "500", unknown: "0" },
      { day: "2026-11-25", currency: "EUR", matched: "2000", unmatched: "0", unknown: "0" },
      { day: "2026-11-25", currency: "USD", matched: "0", unmatched: "0", unknown: "7" },
    ]);
    const byCurrency = tally.byCurrency();
    expect(Object.keys(byCurrency)).toEqual(["EUR", "JPY", "USD"]);
    expect(byCurrency).toStrictEqual({
      EUR: { matched: "2003", unmatched: "0", unknown: "0" },
      JPY: { matched: "0", unmatched: "500", unknown: "0" },
      USD: { matched: "0", unmatched: "0", unknown: "7" },
    });
  });

  test("of one currency each day by itself, and currencies in order however they come", () => {
    const tally = moneyTally(t0);
    tally.add("matched", 1, "EUR", t0);
    tally.add("matched", 2, "EUR", t0 + day);
    tally.add("matched", 4, "USD", t0 + day);
    tally.add("matched", 8, "CHF", t0 + day);
    tally.add("matched", 16, "EUR", t0);
    expect(tally.byDay().map((one) => `${one.day} ${one.currency} ${one.matched}`)).toEqual([
      "2026-11-24 EUR 17",
      "2026-11-25 CHF 8",
      "2026-11-25 EUR 2",
      "2026-11-25 USD 4",
    ]);
    expect(Object.keys(tally.byCurrency())).toEqual(["CHF", "EUR", "USD"]);
  });

  test("what has no time is under the day of the run", () => {
    const tally = moneyTally(t0 + 5);
    tally.add("unmatched", 1, "EUR", Number.NaN);
    expect(tally.byDay()).toMatchObject([{ day: "2026-11-24", unmatched: "1" }]);
  });

  test("of nothing there is nothing", () => {
    expect(moneyTally(t0).byDay()).toEqual([]);
    expect(moneyTally(t0).byCurrency()).toEqual({});
  });

  test("is exact beyond what a double can count, in whichever way the amounts come", () => {
    const amounts = fc.array(
      fc.tuple(
        fc.constantFrom<Class>("matched", "unmatched", "unknown"),
        fc.oneof(
          fc.bigInt({ min: 0n, max: 10n ** 24n }),
          fc.nat(),
          fc.constant(2 ** 50),
          fc.constant(2 ** 52 + 1),
        ),
        fc.constantFrom("EUR", "JPY"),
        fc.constantFrom(t0, t0 + day, Number.NaN),
      ),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(amounts, (some) => {
        const tally = moneyTally(t0);
        for (const one of some) tally.add(...one);
        const sums: Record<string, Record<Class, bigint>> = {};
        for (const [money, amount, currency] of some) {
          sums[currency] ??= { matched: 0n, unmatched: 0n, unknown: 0n };
          sums[currency][money] += BigInt(amount);
        }
        const told = tally.byCurrency();
        const days: typeof sums = {};
        for (const { day: _day, currency, ...of } of tally.byDay()) {
          days[currency] ??= { matched: 0n, unmatched: 0n, unknown: 0n };
          for (const money of ["matched", "unmatched", "unknown"] as const)
            days[currency][money] += BigInt(of[money]);
        }
        const texts = Object.entries(sums).map(([currency, { matched, unmatched, unknown }]) => [
          currency,
          { matched: String(matched), unmatched: String(unmatched), unknown: String(unknown) },
        ]);
        expect(told).toEqual(Object.fromEntries(texts));
        expect(days).toEqual(sums);
      }),
    );
  });

  test("carries over before a sum of doubles could be wrong", () => {
    const tally = moneyTally(t0);
    for (let nth = 0; nth < 9; nth++) tally.add("matched", 2 ** 50 - 1, "EUR", t0);
    for (let nth = 0; nth < 9; nth++) tally.add("matched", 1, "EUR", t0);
    expect(tally.byCurrency()["EUR"]?.matched).toBe(String(9n * (2n ** 50n - 1n) + 9n));
    for (let nth = 0; nth < 5; nth++) tally.add("matched", 2 ** 52 + 1, "JPY", t0);
    expect(tally.byCurrency()["JPY"]?.matched).toBe(String(5n * (2n ** 52n + 1n)));
  });
});
