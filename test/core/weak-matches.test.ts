import { expect, test } from "vitest";
import type { GatewaySide, LedgerSide } from "../../lib/core/sides.ts";
import { weakMatches } from "../../lib/core/weak-matches.ts";
import { plantedStartMs as t0, plantedView as view } from "../doubles/planted.ts";

const charge = (chargeId: string, changes: Partial<LedgerSide> = {}): LedgerSide => ({
  chargeId,
  requestId: `r-${chargeId}`,
  earlierRequestIds: [],
  attempt: 1,
  amount: "1999",
  currency: "EUR",
  state: "unknown",
  firstSentAtMs: t0,
  lastSentAtMs: t0,
  consumerMarks: ["anna"],
  ...changes,
});
const loose = (transactionId: string, changes: Partial<GatewaySide> = {}, marks = ["anna"]) => ({
  row: {
    kind: "charge" as const,
    says: "captured" as const,
    transactionId,
    amount: "1999",
    currency: "EUR",
    atMs: t0 + 1_000,
    consumers: [],
    ...changes,
  },
  marks,
});

test.each([
  ["alike in all", [charge("a")], [loose("1")], ["a 1"]],
  ["another amount", [charge("a")], [loose("1", { amount: "2000" })], []],
  ["another currency", [charge("a")], [loose("1", { currency: "USD" })], []],
  ["another consumer", [charge("a")], [loose("1", {}, ["berta"])], []],
  ["nobody known", [charge("a", { consumerMarks: [] })], [loose("1", {}, [])], []],
  ["hours later", [charge("a")], [loose("1", { atMs: t0 + 7_200_000 })], []],
  ["before it was sent", [charge("a")], [loose("1", { atMs: t0 - 600_000 })], []],
  [
    "one row, two charges: the nearer one",
    [charge("a", { firstSentAtMs: t0 - 60_000 }), charge("b")],
    [loose("1")],
    ["b 1"],
  ],
  [
    "two rows, one charge: the nearer one",
    [charge("a")],
    [loose("1", { atMs: t0 + 9_000 }), loose("2")],
    ["a 2"],
  ],
  [
    "two and two: one to one",
    [charge("a"), charge("b", { firstSentAtMs: t0 + 60_000 })],
    [loose("1"), loose("2", { atMs: t0 + 61_000 })],
    ["a 1", "b 2"],
  ],
  [
    "by two names at once, still one pair",
    [charge("a", { consumerMarks: ["anna", "id-7"] })],
    [loose("1", {}, ["anna", "id-7"])],
    ["a 1"],
  ],
])("%s", (_why, charges, rows, pairs) => {
  const { findings, ...left } = weakMatches(rows, charges, view);
  expect(findings.map(({ chargeId, rows: [row] }) => `${chargeId} ${row?.transactionId}`).sort()).toEqual(
    pairs,
  );
  expect(left.rows.length).toBe(rows.length - pairs.length);
  expect(left.charges.length).toBe(charges.length - pairs.length);
  for (const finding of findings)
    expect(finding).toMatchObject({ kind: "unmatched_weak", next: "confirm_the_match" });
});
