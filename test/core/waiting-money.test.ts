import { expect, test } from "vitest";
import type { LedgerEntry } from "../../lib/core/ledger.ts";
import { waitingMoney } from "../../lib/core/waiting-money.ts";
import { chargeMessage, openedEntry } from "../doubles/samples.ts";
import { seededIds } from "../doubles/seeded-ids.ts";

const minute = 60_000;
const ids = seededIds();
const nowMs = Date.UTC(2026, 10, 25);
const unknown = (chargeId: string, ageMs: number, amount = "1999", currency = "EUR"): LedgerEntry => ({
  ...openedEntry(chargeMessage(chargeId, { amount, currency }), ids),
  firstSendAtMs: nowMs - ageMs,
  state: "unknown",
  reason: "no_answer",
  nextAtMs: nowMs,
  nextAct: "lookUp",
});

test("money that waits, by state, age and currency", () => {
  const review: LedgerEntry = {
    ...openedEntry(chargeMessage("r"), ids),
    state: "review",
    reason: "weak_match",
    evidence: { kind: "absence", searches: [] },
    ending: {},
    finalAtMs: nowMs - 2 * 86_400_000,
  };
  const rows = waitingMoney(
    [
      unknown("a", minute),
      unknown("b", 9 * minute, "1"),
      unknown("c", 10 * minute),
      unknown("d", 59 * minute, "500", "JPY"),
      unknown("e", 60 * minute, "99999999"),
      unknown("f", 60 * minute, "99999999"),
      review,
    ].toReversed(),
    nowMs,
  );
  expect(rows).toEqual([
    { state: "review", age: "over 1 day", currency: "EUR", count: 1, amountMinor: 1999n },
    { state: "unknown", age: "under 10 min", currency: "EUR", count: 2, amountMinor: 2000n },
    { state: "unknown", age: "10 min to 1 h", currency: "EUR", count: 1, amountMinor: 1999n },
    { state: "unknown", age: "10 min to 1 h", currency: "JPY", count: 1, amountMinor: 500n },
    { state: "unknown", age: "1 h to 1 day", currency: "EUR", count: 2, amountMinor: 199999998n },
  ]);
  expect(waitingMoney([], nowMs)).toEqual([]);
});
