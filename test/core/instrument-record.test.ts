import { describe, expect, test } from "vitest";
import {
  actOn,
  budgetOf,
  closeBy,
  droppableAtMs,
  giveBackPlace,
  type InstrumentRecord,
  instrumentKeyOf,
  takePlace,
} from "../../lib/core/instrument-record.ts";
import {
  type Ending,
  type LedgerEntry,
  leaseEntry,
  type OpenedEntry,
  openAttempt,
  type WaitingEntry,
} from "../../lib/core/ledger.ts";
import { recordVerdict } from "../../lib/core/verdict.ts";
import { by, opened, policyOf, requestIdOf, t0, tokenOf, unknown } from "./builders.ts";

const policy = policyOf();
const day = 86_400_000;
const card = { merchant: "all", ref: "card-1" };
const own = (changes: Partial<OpenedEntry> = {}): OpenedEntry =>
  opened({ instrumentRef: "card-1", instrumentNetwork: "mastercard", ...changes });
const settled = (
  entry: OpenedEntry,
  state: "approved" | "declined_permanent" | "declined_retryable",
  ending: Ending,
) =>
  recordVerdict(
    entry,
    { kind: "settle", state, ending, evidence: { kind: "reply", atMs: t0, status: 201, bodySha256: "ab" } },
    by(5),
  );
const waiting = (entry = own()): WaitingEntry =>
  recordVerdict(entry, { kind: "sendAgain", atMs: t0 }, by(1)) as WaitingEntry;
const recordOf = (times: readonly number[], changes: Partial<InstrumentRecord> = {}): InstrumentRecord => ({
  v: 1,
  ...card,
  token: tokenOf("record-1"),
  spends: times.map((at, nth) => ({ at, money: "1999 EUR", requestId: requestIdOf(`r-${nth}`) })),
  ...changes,
});

describe("at whom attempts are counted", () => {
  test("one merchant for the whole ledger, or each gateway account one of its own; without a reference nowhere", () => {
    expect(instrumentKeyOf(own(), policy)).toEqual(card);
    expect(instrumentKeyOf(own(), policyOf({ budgetBy: "gateway" }))).toEqual({
      ...card,
      merchant: "centrobill",
    });
    expect(instrumentKeyOf(opened(), policy)).toBeUndefined();
  });
});

describe("what a write of an entry does to its instrument", () => {
  const unknownOwn = { ...unknown(), instrumentRef: "card-1" };
  test.each<[from: LedgerEntry | undefined, to: LedgerEntry, act: string | undefined, reason: string]>([
    [undefined, own(), "take", "a new charge"],
    [undefined, opened(), undefined, "one without an instrument"],
    [waiting(), leaseEntry(waiting(), by(9)), "take", "never sent, and begun again"],
    [own(), waiting(), "giveBack", "proved never to have been sent"],
    [own(), { ...own(), token: tokenOf("t2") }, undefined, "the same attempt, prepared"],
    [
      unknownOwn,
      leaseEntry(unknownOwn, by(9)),
      undefined,
      "the same request id again (S2): the same attempt",
    ],
    [
      unknownOwn,
      openAttempt(unknownOwn, { ...by(9), requestId: requestIdOf("r-2") }),
      "take",
      "a new attempt",
    ],
    [own(), settled(own(), "declined_permanent", {}), "judge", "a decline"],
    [own(), settled(own(), "declined_retryable", {}), "judge", "a decline that time may heal"],
    [own(), settled(own(), "approved", {}), undefined, "an approval keeps its place"],
    [
      undefined,
      settled(own(), "declined_permanent", {}),
      undefined,
      "refused as it was opened: nothing was sent",
    ],
    [
      settled(own(), "declined_permanent", {}),
      settled(own(), "declined_permanent", {}),
      undefined,
      "judged when it was declined",
    ],
    [unknownOwn, waiting(), undefined, "it may have been sent: its place stays taken"],
    [undefined, waiting(), undefined, "opened by nobody"],
  ])("%# (%4$s)", (from, to, act) => {
    expect(actOn(from, to)).toBe(act);
  });
});

describe("the budget", () => {
  const nine = Array.from({ length: 9 }, (_, at) => t0 - at * 60_000);
  test("the tenth of a day is within Mastercard's limit, the eleventh is not", () => {
    expect(budgetOf(undefined, own(), policy, t0)).toEqual({ kind: "free" });
    expect(budgetOf(recordOf(nine), own(), policy, t0)).toEqual({ kind: "free" });
    const full = recordOf([...nine, t0 - 9 * 60_000]);
    expect(budgetOf(full, own(), policy, t0)).toEqual({
      kind: "full",
      limit: "mastercard_24_hours",
      untilMs: t0 - 9 * 60_000 + day + policy.requestIdLifeMs + policy.clockSkewMs,
    });
    expect(budgetOf(full, own({ instrumentNetwork: "visa" }), policy, t0)).toEqual({ kind: "free" });
  });

  test("a place that was taken is in the record, and one that was given back is not", () => {
    const before = recordOf(nine);
    const taken = takePlace(card, before, own(), by(0), policy);
    expect(taken.previous).toBe(before.token);
    expect(budgetOf(taken.record, own(), policy, t0)).toMatchObject({ kind: "full" });
    const back = giveBackPlace(card, taken.record, own(), by(1), policy);
    expect(back?.record.spends).toEqual(before.spends);
    expect(giveBackPlace(card, before, own(), by(1), policy)).toBeUndefined();
    expect(giveBackPlace(card, undefined, own(), by(1), policy)).toBeUndefined();
  });

  test("an attempt is kept with its moment, its money and its request id", () => {
    const spend = { at: t0, money: "1999 EUR", requestId: "request-1" };
    const { record, previous } = takePlace(card, undefined, own(), by(0), policy);
    expect([previous, record]).toEqual([undefined, { v: 1, ...card, token: "token-at-0", spends: [spend] }]);
    expect(takePlace(card, recordOf([t0 - 1]), own(), by(0), policy).record.spends[1]).toEqual(spend);
  });

  test("of one amount and currency it counts by itself", () => {
    const twenty = recordOf(Array.from({ length: 20 }, (_, at) => t0 - at));
    const visa = { instrumentNetwork: "visa" };
    expect(budgetOf(twenty, own(visa), policy, t0).kind).toBe("full");
    expect(budgetOf(twenty, own({ ...visa, amount: "500" }), policy, t0).kind).toBe("free");
    expect(budgetOf(twenty, own({ ...visa, currency: "USD" }), policy, t0).kind).toBe("free");
  });

  test("it is kept for 32 days and what an attempt may take, to the moment", () => {
    const keptMs = 32 * day + policy.requestIdLifeMs + policy.clockSkewMs;
    const old = recordOf([t0 - keptMs, t0 - keptMs + 1]);
    const { record } = takePlace(card, old, own(), by(0), policy);
    expect(record.spends.map(({ at }) => at)).toEqual([t0 - keptMs + 1, t0]);
  });

  test("what no window counts any more is dropped", () => {
    const old = recordOf([t0 - 40 * day, t0 - day]);
    expect(takePlace(card, old, own(), by(0), policy).record.spends).toHaveLength(2);
    expect(droppableAtMs(recordOf([t0]))).toBeGreaterThan(t0 + 33 * day);
  });

  test("more attempts than a record holds are none", () => {
    const many = recordOf(Array.from({ length: 2_000 }, (_, at) => t0 - at));
    const other = own({ instrumentNetwork: "visa", amount: "1" });
    const mixed = { ...many, spends: [...many.spends.slice(1_000), ...many.spends.slice(0, 1_000)] };
    expect(budgetOf(mixed, other, policy, t0)).toEqual({
      kind: "full",
      limit: "kept_attempts",
      untilMs: t0 - 1_999 + 32 * day + policy.requestIdLifeMs + policy.clockSkewMs,
    });
    const fewer = { ...many, spends: many.spends.slice(1) };
    expect(budgetOf(fewer, other, policy, t0)).toEqual({ kind: "free" });
  });
});

describe("closing an instrument", () => {
  test.each<[network: string | undefined, ending: Ending, rule: string | undefined, reason: string]>([
    ["visa", { networkCode: "41" }, "visa_category_1", "lost"],
    [undefined, { networkCode: "04" }, "visa_category_1", "it may be a Visa card"],
    [
      "visa",
      { networkCode: "57" },
      "visa_category_1",
      "a code that counts from a day on, and the day is over",
    ],
    ["mastercard", { networkCode: "41" }, undefined, "Visa's list is not Mastercard's"],
    ["mastercard", { networkCode: "51", adviceCode: "21" }, "mastercard_advice_close", "never again"],
    ["mastercard", { adviceCode: "01" }, undefined, "this charge, not this card"],
    ["visa", { networkCode: "51" }, undefined, "not enough money now"],
    ["visa", {}, undefined, "no code at all"],
  ])("%s %j: %s (%s)", (network, ending, rule) => {
    const { instrumentNetwork: _none, ...bare } = own();
    const entry = settled(
      { ...bare, ...(network === undefined ? {} : { instrumentNetwork: network }) },
      "declined_permanent",
      ending,
    );
    const change = closeBy(card, recordOf([t0]), entry, by(6), policy);
    expect(closeBy(card, undefined, entry, by(6), policy)?.record.closed?.rule).toBe(rule);
    expect(change?.record.closed?.rule).toBe(rule);
    if (change === undefined) return;
    expect(budgetOf(change.record, own(), policy, t0 + 400 * day)).toMatchObject({
      kind: "closed",
      closure: { chargeId: "order-1", rule },
    });
    expect(droppableAtMs(change.record)).toBeUndefined();
    expect(closeBy(card, change.record, entry, by(7), policy)).toBeUndefined();
  });
});
