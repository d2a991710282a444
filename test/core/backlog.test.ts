import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type BacklogAge, backlogAges, backlogCount } from "../../lib/core/backlog.ts";
import type { LedgerEntry } from "../../lib/core/ledger.ts";
import { final, opened, pending, review, t0, unknown, waiting } from "./builders.ts";

const hourMs = 3_600_000;

const countAt = (nowMs: number, ...entries: readonly LedgerEntry[]) => {
  const count = backlogCount(nowMs);
  for (const entry of entries) count.add(entry);
  return count.backlog();
};

/** What is not zero, as `state age`. */
const told = (nowMs: number, entry: LedgerEntry): readonly string[] =>
  countAt(nowMs, entry)
    .charges.filter(({ count }) => count > 0)
    .map(({ state, age }) => `${state} ${age}`);

describe("the backlog", () => {
  test.each<[entry: LedgerEntry, afterMs: number, cells: string[], reason: string]>([
    [unknown(), 0, ["unknown all"], "new"],
    [unknown(), hourMs - 1, ["unknown all"], "not an hour yet"],
    [unknown(), hourMs, ["unknown all", "unknown over_1h"], "an hour from its first send"],
    [
      unknown(),
      30 * hourMs,
      ["unknown all", "unknown over_1h", "unknown over_6h", "unknown over_24h"],
      "what is old stays in every count that it has reached",
    ],
    [unknown(), -hourMs, ["unknown all"], "a clock that runs behind hides nothing"],
    [
      unknown({ firstSendAtMs: t0 + hourMs }),
      hourMs,
      ["unknown all"],
      "a later attempt counts from its own send",
    ],
    [
      pending(),
      6 * hourMs,
      ["pending all", "pending over_1h", "pending over_6h"],
      "accepted, and no last word",
    ],
    [review({ finalAtMs: t0 }), hourMs, ["review all", "review over_1h"], "a person's turn since then"],
    [
      review({ finalAtMs: t0 + 9 * hourMs }),
      9 * hourMs,
      ["review all"],
      "however long it was unknown before",
    ],
    [final(), 9 * hourMs, [], "has ended"],
    [waiting(), 9 * hourMs, [], "was never sent: its message is on the queue, and counted there"],
    [opened(), 9 * hourMs, [], "is in a worker's hand"],
  ])("%#: %s", (entry, afterMs, cells) => {
    expect(told(t0 + afterMs, entry)).toEqual(cells);
    expect(countAt(t0 + afterMs, entry).money.map(({ state, age }) => `${state} ${age}`)).toEqual(cells);
  });

  test("has every state and age, zeros too, and money by currency", () => {
    const { charges, money } = countAt(
      t0,
      unknown({ amount: "1999" }),
      unknown({ amount: "1" }),
      unknown({ amount: "500", currency: "JPY" }),
      review({ amount: "7" }),
    );
    expect(charges).toHaveLength(3 * Object.keys(backlogAges).length);
    expect(charges).toContainEqual({ state: "pending", age: "all", count: 0 });
    expect(charges).toContainEqual({ state: "unknown", age: "all", count: 3 });
    expect(money).toEqual([
      { state: "unknown", age: "all", currency: "EUR", amountMinor: 2000n },
      { state: "unknown", age: "all", currency: "JPY", amountMinor: 500n },
      { state: "review", age: "all", currency: "EUR", amountMinor: 7n },
    ]);
  });

  test("nothing gets less by getting older", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            sinceMs: fc.integer({ min: 0, max: 40 * hourMs }),
            amount: fc.integer({ min: 1, max: 99_999_999 }),
          }),
        ),
        fc.integer({ min: 0, max: 40 * hourMs }),
        (waits, laterMs) => {
          const entries = waits.map(({ sinceMs, amount }) =>
            unknown({ firstSendAtMs: t0 - sinceMs, amount: String(amount) }),
          );
          const of = (nowMs: number, age: BacklogAge) => {
            const { charges, money } = countAt(nowMs, ...entries);
            return {
              count: charges.find((cell) => cell.state === "unknown" && cell.age === age)?.count ?? 0,
              sum: money.find((cell) => cell.age === age)?.amountMinor ?? 0n,
            };
          };
          for (const age of Object.keys(backlogAges) as BacklogAge[]) {
            const [now, later] = [of(t0, age), of(t0 + laterMs, age)];
            expect(later.count).toBeGreaterThanOrEqual(now.count);
            expect(later.sum >= now.sum).toBe(true);
          }
        },
      ),
    );
  });
});
