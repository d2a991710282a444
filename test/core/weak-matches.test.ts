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
  [
    "as late as a row may be",
    [charge("a")],
    [loose("1", { atMs: t0 + view.rowWithinMs + view.clockSkewMs })],
    ["a 1"],
  ],
  ["later", [charge("a")], [loose("1", { atMs: t0 + view.rowWithinMs + view.clockSkewMs + 1 })], []],
  ["as early as a clock may be wrong", [charge("a")], [loose("1", { atMs: t0 - view.clockSkewMs })], ["a 1"]],
  ["earlier", [charge("a")], [loose("1", { atMs: t0 - view.clockSkewMs - 1 })], []],
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

const timeless = loose("1");
test("a row without a time is nobody's", () => {
  const { atMs: _atMs, ...row } = timeless.row;
  expect(weakMatches([{ ...timeless, row }], [charge("a")], view).findings).toEqual([]);
});

test("a proposal names both sides, what is at stake, and whether somebody has it already", () => {
  const proposed = (changes: Partial<LedgerSide>, row: Partial<GatewaySide> = {}) =>
    weakMatches([loose("1", row)], [charge("a", changes)], view).findings;
  const common = {
    kind: "unmatched_weak",
    gateway: view.gateway,
    chargeId: "a",
    money: { amount: "1999", currency: "EUR" },
    next: "confirm_the_match",
    atMs: t0 + 1_000,
  };
  expect(proposed({})).toStrictEqual([
    { ...common, id: "a#reconcile#unmatched_weak#1", ledger: charge("a"), rows: [loose("1").row] },
  ]);
  for (const [reason, inReview] of [
    ["weak_match", true],
    ["contradiction", undefined],
  ] as const)
    expect(proposed({ state: "review", reason })[0]?.inReview).toBe(inReview);
  expect(Object.keys(proposed({ state: "unknown", reason: "weak_match" })[0] ?? {})).not.toContain(
    "inReview",
  );
});

test.each<[Partial<GatewaySide>, string]>([
  [{ transactionId: "1", orderId: "o" }, "1"],
  [{ orderId: "o" }, "o"],
  [{}, "row"],
])("a row %j is called %s", (ids, name) => {
  const { transactionId: _id, ...row } = loose("1").row;
  const [finding] = weakMatches([{ row: { ...row, ...ids }, marks: ["anna"] }], [charge("a")], view).findings;
  expect(finding?.id).toBe(`a#reconcile#unmatched_weak#${name}`);
});

test("of pairs that are equally near the first by name is proposed, whatever the order they came in", () => {
  const rows = ["1", "2"].map((id) => loose(id));
  const charges = ["a", "b"].map((id) => charge(id));
  const names = (some: typeof rows, others: typeof charges): string[] =>
    weakMatches(some, others, view).findings.map(({ id }) => id);
  const expected = ["a#reconcile#unmatched_weak#1", "b#reconcile#unmatched_weak#2"];
  expect(names(rows, charges)).toEqual(expected);
  expect(names(rows.toReversed(), charges)).toEqual(expected);
  expect(names(rows, charges.toReversed())).toEqual(expected);
  expect(names(rows.toReversed(), charges.toReversed())).toEqual(expected);
});
