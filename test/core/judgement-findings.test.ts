import { describe, expect, test } from "vitest";
import type { Finding, FindingKind, FindingMoney, NextStep } from "../../lib/core/finding.ts";
import { type Judgement, judge, type View } from "../../lib/core/judgement.ts";
import type { GatewaySide, LedgerSide } from "../../lib/core/sides.ts";

const hour = 3_600_000;
const t0 = Date.UTC(2026, 10, 22, 12);
const view: View = {
  gateway: "centrobill",
  window: { fromMs: t0 - hour, toMs: t0 + hour },
  read: { fromMs: t0 - 3 * hour, toMs: t0 + 3 * hour },
  whole: true,
  rowWithinMs: hour,
  clockSkewMs: 120_000,
  nowMs: t0 + 100 * hour,
};
const bare: LedgerSide = {
  chargeId: "c-1",
  requestId: "r-1",
  earlierRequestIds: [],
  attempt: 2,
  amount: "1999",
  currency: "EUR",
  state: "approved",
  firstSentAtMs: t0,
  lastSentAtMs: t0,
  consumerMarks: [],
};
const approved: LedgerSide = { ...bare, transactionId: "t-1", orderId: "o-1" };
const charge = (changes: Partial<GatewaySide> = {}): GatewaySide => ({
  kind: "charge",
  says: "captured",
  transactionId: "t-1",
  orderId: "o-1",
  requestId: "r-1",
  chargeId: "c-1",
  amount: "1999",
  currency: "EUR",
  atMs: t0 + 2_000,
  consumers: [],
  ...changes,
});
const drop = <T extends object>(side: T, ...names: (keyof T)[]): T =>
  Object.fromEntries(Object.entries(side).filter(([name]) => !names.includes(name as keyof T))) as T;
const second = charge({ transactionId: "t-2", orderId: "o-2", atMs: t0 + 9_000 });
const refund = (changes: Partial<GatewaySide> = {}): GatewaySide =>
  charge({
    kind: "reversal",
    says: "unproven",
    transactionId: "t-9",
    parentTransactionId: "t-1",
    atMs: t0 + 60_000,
    ...changes,
  });
const of = (
  ledger: LedgerSide | undefined,
  rows: readonly GatewaySide[],
  changes: Partial<View> = {},
): Judgement => judge({ ...(ledger === undefined ? {} : { ledger }), rows }, { ...view, ...changes });
const told = (
  ledger: LedgerSide | undefined,
  rows: readonly GatewaySide[],
  changes: Partial<View> = {},
): string[] => of(ledger, rows, changes).findings.map(({ kind, next }) => `${kind} ${next}`);
const eur = (amount: string) => ({ amount, currency: "EUR" });

describe("what a finding says, and nothing more", () => {
  type Told = readonly [
    kind: FindingKind,
    name: string,
    next: NextStep,
    money: FindingMoney | undefined,
    /** where it is not as usual: every row of the charge, when the first of them was made */
    more?: Omit<Partial<Finding>, "atMs"> & { readonly atMs?: number | undefined },
  ];
  const anonymous = drop(charge(), "chargeId", "requestId");
  const elsewhere = { ...approved, firstSentAtMs: t0 - 50 * hour };
  const own = drop(charge(), "atMs");
  const again = drop(second, "requestId");
  const proposal = {
    refundProposal: [{ gateway: "centrobill" as const, transactionId: "t-2", ...eur("1999") }],
  };
  const unnamed = drop(charge({ written: "x" }), "amount");
  const inUsd = { amount: "5", currency: "USD" };
  // biome-ignore format: one row a line
  test.each<[string, LedgerSide | undefined, readonly GatewaySide[], readonly Told[]]>([
    ["missing in the ledger, and captured twice", undefined, [charge(), second], [
      ["missing_in_ledger", "t-1", "find_the_sender", eur("1999")],
      ["double_charge", "t-2", "confirm_the_refund", eur("1999"), { by: "one_request_id", ...proposal, atMs: t0 + 9_000 }]]],
    ["missing in the ledger, without any reference", undefined, [anonymous], [["missing_in_ledger", "t-1", "find_the_sender", eur("1999"), { id: "row#reconcile#missing_in_ledger#t-1" }]]],
    ["missing at the gateway", approved, [], [["missing_at_gateway", "2", "ask_the_gateway", eur("1999"), { atMs: t0 }]]],
    ["another amount", approved, [charge({ amount: "2500" })], [["amount_differs", "t-1", "settle_the_difference", eur("501")]]],
    ["a smaller amount", approved, [charge({ amount: "1000" })], [["amount_differs", "t-1", "settle_the_difference", eur("999")]]],
    ["an amount that is none", approved, [unnamed], [["amount_differs", "t-1", "settle_the_difference", undefined]]],
    ["another currency", approved, [charge(inUsd)], [["currency_differs", "t-1", "settle_the_difference", inUsd]]],
    ["approved here, declined there", approved, [charge({ says: "refused" })], [["state_differs", "t-1", "revoke_the_approval", eur("1999")]]],
    ["declined here, captured there", { ...bare, state: "declined_permanent" }, [charge()], [["state_differs", "t-1", "do_not_charge_again", eur("1999")]]],
    ["an unknown that was captured", { ...bare, state: "unknown" }, [charge()], [["late_outcome", "2", "nothing", eur("1999")]]],
    ["an unknown that was refused", { ...bare, state: "unknown" }, [charge({ says: "refused" })], [["late_outcome", "2", "nothing", undefined]]],
    ["opened days ago", { ...bare, state: "opened" }, [charge()], [["late_outcome", "2", "decide_the_review", eur("1999")]]],
    ["in review, since nobody knew", { ...bare, state: "review", reason: "absent" }, [charge()], [["late_outcome", "2", "decide_the_review", eur("1999")]]],
    ["given back, in two parts", approved, [charge(), refund({ transactionId: "t-b", amount: "900" }), refund({ transactionId: "t-a", amount: "1099" })], [
      ["refunded_or_charged_back", "t-a+t-b", "book_the_reversal", eur("900"), { atMs: t0 + 60_000 }]]],
    ["given back, in an amount that nobody says", approved, [charge(), drop(refund(), "amount", "atMs")], [["refunded_or_charged_back", "t-9", "book_the_reversal", eur("1999"), { atMs: undefined }]]],
    ["given back, and nobody says what", approved, [drop(refund(), "currency")], [["refunded_or_charged_back", "t-9", "book_the_reversal", undefined, { atMs: t0 + 60_000 }]]],
    ["captured again, while the ledger's own capture stands elsewhere", elsewhere, [again], [
      ["double_charge", "t-2", "confirm_the_refund", eur("1999"), { by: "several_request_ids", rows: [own, again], ...proposal, atMs: t0 + 9_000 }]]],
  ])("%s", (_, ledger, rows, all) => {
    const expected = all.map(([kind, name, next, money, more = {}]) => {
      const finding = { id: `c-1#reconcile#${kind}#${name}`, kind, gateway: "centrobill", rows, next, money, atMs: t0 + 2_000 };
      const whose = { ...(rows[0] === anonymous ? {} : { chargeId: "c-1" }), ...(ledger === undefined ? {} : { ledger }) };
      return Object.fromEntries(
        Object.entries({ ...finding, ...whose, ...more }).filter(([, value]) => value !== undefined),
      );
    });
    expect(of(ledger, rows).findings).toStrictEqual(expected);
  });

  test.each<[Partial<LedgerSide>, Partial<GatewaySide>]>([
    [{ transactionId: "t-1" }, { transactionId: "t-1" }],
    [{ orderId: "o-1" }, { orderId: "o-1" }],
  ])("of the ledger's own capture the name that it has: %j", (known, named) => {
    const [finding] = of({ ...bare, ...known }, [charge({ transactionId: "t-2", orderId: "o-2" })]).findings;
    expect(Object.keys(finding?.rows[0] ?? {})).toEqual(expect.arrayContaining(Object.keys(named)));
    expect(
      Object.keys(finding?.rows[0] ?? {})
        .filter((name) => name.endsWith("Id"))
        .sort(),
    ).toEqual(["chargeId", "requestId", ...Object.keys(named)].sort());
  });

  test("eight rows are enough", () => {
    const many = Array.from({ length: 12 }, (_, nth) =>
      charge({ transactionId: `t-${nth + 10}`, orderId: `o-${nth}`, atMs: t0 + nth }),
    );
    for (const finding of of(undefined, many).findings) expect(finding.rows).toHaveLength(8);
  });
});

describe("several captures", () => {
  const doubleOf = (ledger: LedgerSide | undefined, rows: readonly GatewaySide[]): Finding | undefined =>
    of(ledger, rows).findings.find(({ kind }) => kind === "double_charge");
  const unknown: LedgerSide = { ...bare, state: "unknown" };
  const at = (transactionId: string, atMs?: number): GatewaySide =>
    atMs === undefined
      ? drop(charge({ transactionId }), "atMs", "orderId")
      : drop(charge({ transactionId, atMs }), "orderId");

  test.each<[GatewaySide[], string, string]>([
    [[at("b", t0 + 5), at("a", t0 + 9)], "a", "the first stays"],
    [[at("b", t0 + 9), at("a", t0 + 5)], "b", "whatever it is called"],
    [[at("b", t0 + 5), at("a", t0 + 5)], "b", "of one moment the first by name stays"],
    [[at("a", t0 + 5), at("b", t0 + 5)], "b", "in whichever order they come"],
    [[at("b"), at("a", t0 + 5)], "a", "without a time it is the first"],
    [[at("a", t0 + 5), at("b")], "a", "in whichever order they come"],
    [[at("c", t0 + 7), at("a", t0 + 5), at("b", t0 + 6)], "b+c", "all but one are too many"],
  ])("%j: too many is %s (%s)", (rows, names) => {
    expect(doubleOf(unknown, rows)?.id).toBe(`c-1#reconcile#double_charge#${names}`);
  });

  test("of what is not approved the first stays, though the ledger knows the second by its name", () => {
    const rows = [at("a", t0 + 5), at("b", t0 + 9)];
    expect(doubleOf({ ...unknown, transactionId: "b" }, rows)?.id).toBe("c-1#reconcile#double_charge#b");
    expect(doubleOf({ ...bare, transactionId: "b" }, rows)?.id).toBe("c-1#reconcile#double_charge#a");
    // One capture is one, whatever name the ledger was told before.
    expect(doubleOf({ ...unknown, transactionId: "z" }, [at("a", t0 + 5)])).toBeUndefined();
  });

  test("what they are named by, without a transaction", () => {
    const rows = [at("a", t0 + 1)];
    const nameless = (changes: Partial<GatewaySide>) =>
      doubleOf(unknown, [
        ...rows,
        {
          ...drop(charge({ atMs: t0 + 3 }), "transactionId", "orderId", "requestId", "chargeId"),
          ...changes,
        },
      ])?.id;
    expect(nameless({ orderId: "o", requestId: "r", chargeId: "c" })).toBe("c-1#reconcile#double_charge#o");
    expect(nameless({ requestId: "r", chargeId: "c" })).toBe("c-1#reconcile#double_charge#r");
    expect(nameless({ chargeId: "c" })).toBe("c-1#reconcile#double_charge#c");
    expect(nameless({})).toBe("c-1#reconcile#double_charge#row");
  });

  test("what is proposed and what is at stake: those of one currency that have a name and an amount", () => {
    const b = at("b", t0 + 6);
    const proposed = (extra: GatewaySide) => {
      const { money, refundProposal } = doubleOf(unknown, [at("a", t0 + 1), b, extra]) ?? {};
      return { money, refundProposal };
    };
    const own = { gateway: "centrobill", transactionId: "b", ...eur("1999") };
    expect(proposed(at("c", t0 + 7))).toStrictEqual({
      money: eur("3998"),
      refundProposal: [own, { ...own, transactionId: "c" }],
    });
    expect(proposed({ ...at("c", t0 + 7), currency: "USD" })).toStrictEqual({
      money: eur("1999"),
      refundProposal: [own, { gateway: "centrobill", transactionId: "c", amount: "1999", currency: "USD" }],
    });
    expect(proposed(drop(at("c", t0 + 7), "amount"))).toStrictEqual({
      money: undefined,
      refundProposal: [own, { gateway: "centrobill", transactionId: "c" }],
    });
    expect(proposed({ ...drop(at("c", t0 + 7), "transactionId"), orderId: "o" })).toStrictEqual({
      money: eur("3998"),
      refundProposal: [own],
    });
    expect(doubleOf(unknown, [at("a", t0 + 1), drop(b, "currency")])?.money).toBeUndefined();
    expect(
      Object.keys(doubleOf(unknown, [at("a", t0 + 1), { ...drop(b, "transactionId"), orderId: "o" }]) ?? {}),
    ).not.toContain("refundProposal");
  });

  test("one that was given back is not proposed again, and the others are", () => {
    const rows = [at("a", t0 + 1), at("b", t0 + 5), at("c", t0 + 6), refund({ parentTransactionId: "b" })];
    const finding = doubleOf(unknown, rows);
    expect(finding?.next).toBe("confirm_the_refund");
    expect(finding?.refundProposal?.map(({ transactionId }) => transactionId)).toEqual(["c"]);
  });

  test("one that nobody can name was not given back by a reversal that names nothing", () => {
    const nameless = { ...drop(charge({ atMs: t0 + 5 }), "transactionId"), orderId: "o-5" };
    const back = drop(refund(), "parentTransactionId");
    const finding = doubleOf(unknown, [at("a", t0 + 1), nameless, back]);
    expect(finding?.next).toBe("confirm_the_refund");
  });

  // Centrapay's refunds name a Payment Request, and of a confirmation its key.
  // biome-ignore format: one row a line
  test.each<[string, Partial<GatewaySide>, Partial<GatewaySide>, proposed: boolean]>([
    ["its order was given back", { orderId: "o-2" }, { orderId: "o-2" }, false],
    ["one of several under that order, by its key", { orderId: "o-2", requestId: "r-2" }, { orderId: "o-2", requestId: "r-2" }, false],
    ["another under that order, by its key", { orderId: "o-2", requestId: "r-2" }, { orderId: "o-2", requestId: "r-3" }, true],
    ["all of its order was, whatever its key", { orderId: "o-2", requestId: "r-2" }, { orderId: "o-2" }, false],
    ["neither names an order", {}, {}, true],
    ["another order was", { orderId: "o-2" }, { orderId: "o-3" }, true],
    ["another transaction of that order was", { orderId: "o-2" }, { orderId: "o-2", parentTransactionId: "a" }, true],
  ])("by an order alone, too: %s", (_reason, row, reversal, isProposed) => {
    const back = { ...drop(refund(), "parentTransactionId", "requestId", "orderId"), ...reversal };
    const extra = { ...drop(at("b", t0 + 5), "requestId", "orderId"), ...row };
    const finding = doubleOf(unknown, [at("a", t0 + 1), extra, back]);
    expect(finding?.next).toBe(isProposed ? "confirm_the_refund" : "book_the_reversal");
    expect(finding?.refundProposal?.map(({ transactionId }) => transactionId)).toEqual(isProposed ? ["b"] : undefined);
  });

  test("of an unknown charge, too, what was given back is not proposed again", () => {
    const finding = doubleOf(undefined, [charge(), second, refund({ parentTransactionId: "t-2" })]);
    expect(finding?.next).toBe("book_the_reversal");
    expect(Object.keys(finding ?? {})).not.toContain("refundProposal");
  });

  test("without a reference strangers are no double charge: each stands for itself", () => {
    const rows = ["a", "b"].map((id) => drop(at(id, t0 + 1), "chargeId", "requestId"));
    expect(told(undefined, rows)).toEqual(["missing_in_ledger find_the_sender"]);
    expect(told(undefined, [at("a", t0 + 1)])).toEqual(["missing_in_ledger find_the_sender"]);
  });
});

describe("payments of one order that come to no more than was asked", () => {
  const part = (id: string, amount: string, changes: Partial<GatewaySide> = {}): GatewaySide =>
    drop(charge({ transactionId: id, amount, ...changes }), "requestId", "chargeId");
  const byOrder: LedgerSide = { ...bare, orderId: "o-1" };
  // biome-ignore format: one row a line
  test.each<[string, LedgerSide, GatewaySide[], Judgement["money"], string[]]>([
    ["all of it, in two", byOrder, [part("a", "1000"), part("b", "999")], "matched", []],
    ["in three, of which the ledger knows one", approved, [part("a", "1000"), part("t-1", "900"), part("c", "99")], "matched", []],
    ["less than was asked", byOrder, [part("a", "1000"), part("b", "900")], "unmatched", ["amount_differs a 99"]],
    ["more than was asked", byOrder, [part("a", "1000"), part("b", "1000")], "unmatched", ["amount_differs a 999", "double_charge b 1000"]],
    ["of two orders", byOrder, [part("a", "1000"), part("b", "999", { orderId: "o-2" })], "unmatched", ["amount_differs a 999", "double_charge b 999"]],
    ["of no order", { ...bare, transactionId: "a" }, [drop(part("a", "1000"), "orderId"), drop(part("b", "999"), "orderId")], "unmatched", ["amount_differs a 999", "double_charge b 999"]],
    ["in another currency", byOrder, [part("a", "1000"), part("b", "999", { currency: "USD" })], "unmatched", ["amount_differs a 999", "double_charge b 999"]],
    ["of no amount", byOrder, [part("a", "1000"), drop(part("b", "999"), "amount")], "unmatched", ["amount_differs a 999", "double_charge b -"]],
    ["a whole payment beside a part", byOrder, [part("a", "1999"), part("b", "1")], "unmatched", ["double_charge b 1"]],
    ["one of nothing is a part of it, too", byOrder, [part("a", "1999"), part("b", "0")], "matched", []],
  ])("are one payment: %s", (_reason, ledger, rows, money, findings) => {
    const judged = of(ledger, rows);
    expect(judged.findings.map((one) => `${one.kind} ${one.id.split("#").at(-1)} ${one.money?.amount ?? "-"}`).sort()).toEqual(findings);
    expect(judged.money).toBe(money);
  });

  test("of a second order are given back one by one", () => {
    const rows = [part("a", "1000", { orderId: "o-2" }), part("b", "999", { orderId: "o-2" })];
    const [finding] = of({ ...byOrder, preparedId: "o-1" }, rows).findings;
    expect(finding).toMatchObject({ kind: "double_charge", money: eur("1999") });
    expect(finding?.refundProposal).toEqual([
      { gateway: "centrobill", transactionId: "a", ...eur("1000") },
      { gateway: "centrobill", transactionId: "b", ...eur("999") },
    ]);
  });

  test("name all of them where they are told", () => {
    const [finding] = of({ ...byOrder, state: "declined_permanent" }, [
      part("a", "1000"),
      part("b", "999"),
    ]).findings;
    expect(finding).toMatchObject({ kind: "state_differs", money: eur("1999") });
    expect(finding?.rows.map(({ transactionId, amount }) => [transactionId, amount])).toEqual([
      ["a", "1999"],
    ]);
  });
});

describe("strangers", () => {
  const refused = (...names: ("chargeId" | "requestId")[]): GatewaySide =>
    drop(charge({ says: "refused" }), ...names);
  test.each<[string, GatewaySide[], Partial<View>, string[], Judgement["money"]]>([
    [
      "a decline under our charge id",
      [refused("requestId")],
      {},
      ["missing_in_ledger find_the_sender"],
      "none",
    ],
    [
      "a decline under our request id",
      [refused("chargeId")],
      {},
      ["missing_in_ledger find_the_sender"],
      "none",
    ],
    ["a decline under neither", [refused("chargeId", "requestId")], {}, [], "none"],
    [
      "money given back",
      [drop(refund(), "chargeId", "requestId")],
      {},
      ["missing_in_ledger find_the_sender"],
      "none",
    ],
    [
      "money not given back after all",
      [drop(refund({ failed: true }), "chargeId", "requestId")],
      {},
      [],
      "none",
    ],
    [
      "no time: it may be of this window",
      [drop(charge(), "atMs")],
      {},
      ["missing_in_ledger find_the_sender"],
      "unmatched",
    ],
    [
      "one of two in the window",
      [charge(), charge({ transactionId: "t-5", orderId: "o-5", atMs: t0 + 5 * hour })],
      {},
      ["missing_in_ledger find_the_sender", "double_charge confirm_the_refund"],
      "unmatched",
    ],
    [
      "as the window begins",
      [charge({ atMs: view.window.fromMs })],
      {},
      ["missing_in_ledger find_the_sender"],
      "unmatched",
    ],
    ["as it ends: the next one's", [charge({ atMs: view.window.toMs })], {}, [], "none"],
    ["before it begins: the one's before", [charge({ atMs: view.window.fromMs - 1 })], {}, [], "none"],
    [
      "money given back, by a row that repeats what the capture said",
      [drop(refund({ says: "captured" }), "chargeId", "requestId")],
      {},
      ["missing_in_ledger find_the_sender"],
      "none",
    ],
  ])("%s", (_, rows, changes, findings, money) => {
    expect(told(undefined, rows, changes)).toEqual(findings);
    expect(of(undefined, rows, changes)).toMatchObject({ money, rowless: false });
  });

  test("the capture leads, whatever came before it", () => {
    const [finding] = of(undefined, [
      refused(),
      charge({ transactionId: "t-7", orderId: "o-7", amount: "5" }),
    ]).findings;
    expect(finding).toMatchObject({ id: "c-1#reconcile#missing_in_ledger#t-7", money: eur("5") });
  });
});

describe("whose window it is", () => {
  test.each<[string, LedgerSide, GatewaySide[], string[]]>([
    [
      "a row without a time",
      approved,
      [drop(charge({ amount: "1" }), "atMs")],
      ["amount_differs settle_the_difference"],
    ],
    ["a row of another window", approved, [charge({ amount: "1", atMs: t0 + 5 * hour })], []],
    [
      "one of two in it",
      approved,
      [charge({ amount: "1" }), charge({ amount: "1", atMs: t0 + 5 * hour })],
      ["amount_differs settle_the_difference"],
    ],
    [
      "sent as the window begins",
      { ...approved, firstSentAtMs: view.window.fromMs },
      [],
      ["missing_at_gateway ask_the_gateway"],
    ],
    ["sent as it ends", { ...approved, firstSentAtMs: view.window.toMs }, [], []],
    ["sent before it begins", { ...approved, firstSentAtMs: view.window.fromMs - 1 }, [], []],
  ])("%s", (_, ledger, rows, findings) => {
    expect(told(ledger, rows)).toEqual(findings);
  });

  test("what is another's says nothing here, and is compared with nobody's rows", () => {
    const elsewhere: LedgerSide = { ...bare, state: "unknown", firstSentAtMs: view.window.toMs };
    expect(of(elsewhere, [])).toStrictEqual({ findings: [], money: "none", rowless: false });
  });

  test("money that was not given back after all is no word on the charge", () => {
    expect(told(approved, [refund({ failed: true, says: "captured" })])).toEqual([
      "missing_at_gateway ask_the_gateway",
    ]);
  });
});

describe("what was not seen", () => {
  const read = (fromMs: number, toMs: number): Partial<View> => ({ read: { fromMs, toMs } });
  test.each<[string, Partial<LedgerSide>, Partial<View>, boolean]>([
    ["all of its time was read, to the moment", {}, read(t0 - view.clockSkewMs, t0 + hour), true],
    ["its beginning was not", {}, read(t0 - view.clockSkewMs + 1, t0 + hour), false],
    ["its end was not", {}, read(t0 - view.clockSkewMs, t0 + hour - 1), false],
    ["the feed was cut", {}, { whole: false }, false],
    ["nobody knows when it was last sent", { lastSentAtMs: undefined } as never, {}, false],
  ])("proves something only if all was seen: %s", (_, changes, seen, proves) => {
    const ledger =
      changes.lastSentAtMs === undefined && "lastSentAtMs" in changes
        ? drop(approved, "lastSentAtMs")
        : approved;
    expect(of(ledger, [], seen)).toMatchObject(
      proves ? { money: "unmatched", rowless: true } : { findings: [], money: "unknown", rowless: false },
    );
    // Another transaction's refusal is this charge's word only where its own would have been seen.
    const other = charge({ says: "refused", transactionId: "t-2", orderId: "o-2" });
    expect(told(ledger, [other], seen)).toEqual(proves ? ["state_differs revoke_the_approval"] : []);
  });

  test.each<[string, Partial<LedgerSide>, Partial<GatewaySide>, boolean]>([
    ["both name the transaction", { transactionId: "t-1" }, { transactionId: "t-1" }, true],
    ["both name the order", { orderId: "o-1" }, { orderId: "o-1" }, true],
    ["the ledger names nothing", {}, { transactionId: "t-1" }, false],
    ["the row names nothing", { transactionId: "t-1" }, {}, false],
    [
      "they name two transactions",
      { transactionId: "t-1", orderId: "o-1" },
      { transactionId: "t-2", orderId: "o-1" },
      false,
    ],
    ["they name two orders", { orderId: "o-1" }, { orderId: "o-2" }, false],
    ["they name what cannot be compared", { transactionId: "t-1" }, { orderId: "o-1" }, true],
    ["the other way round", { orderId: "o-1" }, { transactionId: "t-1" }, true],
  ])("a refusal in a feed that was cut is its word if it is its own: %s", (_, known, named, isOwn) => {
    const refusal = { ...drop(charge({ says: "refused" }), "transactionId", "orderId"), ...named };
    expect(told({ ...bare, ...known }, [refusal], { whole: false })).toEqual(
      isOwn ? ["state_differs revoke_the_approval"] : [],
    );
  });
});

describe("what stays open", () => {
  test.each<[Partial<LedgerSide>, GatewaySide[], Judgement["money"], rowless: boolean]>([
    [{ state: "unknown" }, [], "unknown", true],
    [{ state: "pending" }, [], "unknown", true],
    [{ state: "opened" }, [], "unknown", true],
    [{ state: "review", reason: "absent" }, [], "unknown", true],
    [{ state: "review", reason: "mismatch" }, [], "unknown", false],
    [{ state: "review" }, [], "unknown", false],
    [{ state: "unknown" }, [charge({ says: "accepted" })], "unknown", false],
    [{ state: "review", reason: "absent" }, [charge({ says: "refused" })], "unknown", false],
    [{ state: "review", reason: "mismatch" }, [charge()], "unknown", false],
    [{ state: "review" }, [charge()], "unknown", false],
    [{ state: "declined_permanent", reason: "absent" }, [], "none", false],
    [{ state: "waiting" }, [], "none", false],
    [{ state: "request_error" }, [], "none", false],
    [{ state: "declined_retryable" }, [], "none", false],
  ])("%j with %j: money %s, compared with rows of nobody %s", (changes, rows, money, rowless) => {
    expect(of({ ...bare, ...changes }, rows)).toStrictEqual({ findings: [], money, rowless });
  });

  test.each<LedgerSide["state"]>(["approved", "unknown", "pending", "review"])(
    "%s: another amount or currency is told as such, and as nothing else",
    (state) => {
      const own: LedgerSide = { ...bare, state, reason: "absent" };
      expect(told(own, [charge({ amount: "5" })])).toEqual(["amount_differs settle_the_difference"]);
      expect(told(own, [charge({ currency: "USD" })])).toEqual(["currency_differs settle_the_difference"]);
    },
  );

  test.each<LedgerSide["state"]>([
    "declined_permanent",
    "declined_retryable",
    "request_error",
    "expired",
    "waiting",
  ])("%s: what was taken is told, whatever its amount, and money that was given back as well", (state) => {
    const rows = [charge({ amount: "5" }), refund()];
    expect(told({ ...bare, state }, rows)).toEqual([
      "refunded_or_charged_back book_the_reversal",
      "state_differs do_not_charge_again",
    ]);
  });

  test.each<LedgerSide["state"]>(["unknown", "pending", "review"])(
    "%s: captured twice is told as that alone",
    (state) => {
      const own: LedgerSide = { ...bare, state, reason: "absent" };
      expect(told(own, [charge(), second])).toEqual(["double_charge confirm_the_refund"]);
    },
  );

  test.each([
    "lookups_used_up",
    "absent_past_key_life",
    "absent",
    "absent_not_sendable",
    "weak_match",
    "contradiction",
    "unlisted_answer",
  ])("in review for %s: nobody knew, so a capture is news", (reason) => {
    expect(told({ ...bare, state: "review", reason }, [charge()])).toEqual([
      "late_outcome decide_the_review",
    ]);
  });

  test("a worker's charge is nobody else's for a day after its lease", () => {
    const opened: LedgerSide = { ...bare, state: "opened", leaseUntilMs: t0 };
    const day = 86_400_000;
    expect(told(opened, [charge()], { nowMs: t0 + day })).toEqual([]);
    expect(told(opened, [charge()], { nowMs: t0 + day + 1 })).toEqual(["late_outcome decide_the_review"]);
    expect(told(opened, [charge({ says: "refused" })], { nowMs: t0 + 9 * day })).toEqual([]);
  });

  test.each<[string, LedgerSide["state"], string, GatewaySide[], string]>([
    ["double_charge", "review", "double_charge", [charge(), second], "double_charge"],
    ["mismatch", "review", "mismatch", [charge({ amount: "1" })], "amount_differs"],
    ["mismatch", "review", "mismatch", [charge({ currency: "USD" })], "currency_differs"],
    ["refund", "review", "refunded_or_charged_back", [charge(), refund()], "refunded_or_charged_back"],
  ])("a person has it already: %s", (_, state, reason, rows, kind) => {
    const flags = (own: LedgerSide) =>
      of(own, rows)
        .findings.filter((one) => one.kind === kind)
        .map(({ inReview }) => inReview);
    expect(flags({ ...bare, state, reason })).toEqual([true]);
    expect(flags({ ...bare, state, reason: "absent" })).toEqual([undefined]);
    expect(flags({ ...bare, state: "unknown", reason })).toEqual([undefined]);
    expect(flags({ ...bare, state })).toEqual([undefined]);
  });
});
