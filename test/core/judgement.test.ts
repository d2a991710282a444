import { expect, test } from "vitest";
import { type Finding, findingKinds } from "../../lib/core/finding.ts";
import { judge, type MoneyClass, type View } from "../../lib/core/judgement.ts";
import type { GatewaySide, LedgerSide } from "../../lib/core/sides.ts";

const hour = 3_600_000;
const t0 = Date.UTC(2026, 10, 22, 12);
const view = (changes: Partial<View> = {}): View => ({
  gateway: "centrobill",
  window: { fromMs: t0 - hour, toMs: t0 + hour },
  read: { fromMs: t0 - 3 * hour, toMs: t0 + 3 * hour },
  whole: true,
  rowWithinMs: hour,
  clockSkewMs: 120_000,
  nowMs: t0 + 100 * hour,
  ...changes,
});
const ledger = (changes: Partial<LedgerSide> = {}): LedgerSide => ({
  chargeId: "c-1",
  requestId: "r-1",
  earlierRequestIds: [],
  attempt: 1,
  amount: "1999",
  currency: "EUR",
  state: "approved",
  transactionId: "t-1",
  orderId: "o-1",
  firstSentAtMs: t0,
  lastSentAtMs: t0,
  consumerMarks: [],
  ...changes,
});
/** As `ledger`, without the ids that the gateway gave. */
const unheard = (changes: Partial<LedgerSide> = {}): LedgerSide => {
  const { transactionId: _transactionId, orderId: _orderId, ...rest } = ledger(changes);
  return rest;
};
const row = (changes: Partial<GatewaySide> = {}): GatewaySide => ({
  kind: "charge",
  says: "captured",
  code: "0",
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
const refused = (changes: Partial<GatewaySide> = {}) => row({ says: "refused", code: "5051", ...changes });
const second = (changes: Partial<GatewaySide> = {}) =>
  row({ transactionId: "t-2", orderId: "o-2", atMs: t0 + 9_000, ...changes });
const refund = (changes: Partial<GatewaySide> = {}) =>
  row({
    kind: "reversal",
    says: "unproven",
    transactionId: "t-9",
    parentTransactionId: "t-1",
    atMs: t0 + 60_000,
    ...changes,
  });

type Row = readonly [
  why: string,
  ledger: LedgerSide | undefined,
  rows: readonly GatewaySide[],
  found: readonly string[],
  money: MoneyClass,
  view?: Partial<View>,
];

// found: kind, what to do next
const table: readonly Row[] = [
  ["both sides agree", ledger(), [row()], [], "matched"],
  [
    "the same row, pending first",
    ledger(),
    [row({ says: "accepted" }), row({ atMs: t0 + 5_000 })],
    [],
    "matched",
  ],
  [
    "a decline under another transaction before the capture",
    ledger(),
    [refused({ transactionId: "t-0" }), row()],
    [],
    "matched",
  ],
  ["declined, and a row that says so", ledger({ state: "declined_retryable" }), [refused()], [], "none"],
  [
    "declined, and no row: feeds need not show declines",
    unheard({ state: "declined_permanent" }),
    [],
    [],
    "none",
  ],
  ["never sent, and no row", unheard({ state: "expired" }), [], [], "none"],

  [
    "a capture that the ledger does not know",
    undefined,
    [row()],
    ["missing_in_ledger find_the_sender"],
    "unmatched",
  ],
  [
    "a capture without any reference",
    undefined,
    [row({ chargeId: undefined, requestId: undefined } as never)],
    ["missing_in_ledger find_the_sender"],
    "unmatched",
  ],
  [
    "a stranger's decline without reference moved no money",
    undefined,
    [refused({ chargeId: undefined, requestId: undefined } as never)],
    [],
    "none",
  ],
  [
    "a decline under our reference that the ledger does not know",
    undefined,
    [refused()],
    ["missing_in_ledger find_the_sender"],
    "none",
  ],
  [
    "an unknown charge captured twice",
    undefined,
    [row(), second()],
    ["missing_in_ledger find_the_sender", "double_charge confirm_the_refund"],
    "unmatched",
  ],
  ["a stranger outside the window is another run's", undefined, [row({ atMs: t0 + 2 * hour })], [], "none"],

  [
    "approved, and the whole feed has nothing",
    ledger(),
    [],
    ["missing_at_gateway ask_the_gateway"],
    "unmatched",
  ],
  ["the same, but the feed was cut: proves nothing", ledger(), [], [], "unknown", { whole: false }],
  [
    "the same, but its row may still come",
    ledger({ lastSentAtMs: t0 + 50 * 60_000, firstSentAtMs: t0 + 50 * 60_000 }),
    [],
    [],
    "unknown",
    { read: { fromMs: t0 - 3 * hour, toMs: t0 + hour } },
  ],
  [
    "the same, sent in another run's window",
    ledger({ firstSentAtMs: t0 + 2 * hour, lastSentAtMs: t0 + 2 * hour }),
    [],
    [],
    "none",
  ],
  ["unknown, and no row: it stays with the resolver", unheard({ state: "unknown" }), [], [], "unknown"],

  [
    "another amount",
    ledger(),
    [row({ amount: "2000" })],
    ["amount_differs settle_the_difference"],
    "unmatched",
  ],
  [
    "an amount that is none of the currency",
    ledger(),
    [row({ amount: undefined, written: "19.999" } as never)],
    ["amount_differs settle_the_difference"],
    "unmatched",
  ],
  [
    "another currency",
    ledger(),
    [row({ currency: "USD" })],
    ["currency_differs settle_the_difference"],
    "unmatched",
  ],

  [
    "approved, and the gateway says declined",
    ledger(),
    [refused()],
    ["state_differs revoke_the_approval"],
    "unmatched",
  ],
  [
    "approved, and the gateway unsaid it later",
    ledger(),
    [row(), refused({ atMs: t0 + 60_000 })],
    ["state_differs revoke_the_approval"],
    "unmatched",
  ],
  [
    "approved, another transaction declined, in a feed that was cut: the capture may be in what is missing",
    ledger(),
    [refused({ transactionId: "t-2", orderId: "o-2" })],
    [],
    "unknown",
    { whole: false },
  ],
  [
    "declined, and the gateway says captured",
    unheard({ state: "declined_permanent" }),
    [row()],
    ["state_differs do_not_charge_again"],
    "unmatched",
  ],
  [
    "request error, captured",
    unheard({ state: "request_error" }),
    [row()],
    ["state_differs do_not_charge_again"],
    "unmatched",
  ],
  [
    "never sent, captured",
    unheard({ state: "waiting" }),
    [row()],
    ["state_differs do_not_charge_again"],
    "unmatched",
  ],
  [
    "declined, captured, in a feed that was cut: a capture cannot be unseen",
    unheard({ state: "declined_permanent" }),
    [row()],
    ["state_differs do_not_charge_again"],
    "unmatched",
    { whole: false },
  ],

  [
    "two captures under one request id",
    ledger(),
    [row(), second()],
    ["double_charge confirm_the_refund"],
    "unmatched",
  ],
  [
    "two captures under two request ids",
    ledger(),
    [row(), second({ requestId: "r-2" })],
    ["double_charge confirm_the_refund"],
    "unmatched",
  ],
  [
    "the second capture alone: the ledger names the first",
    ledger({ firstSentAtMs: t0 - 50 * hour, lastSentAtMs: t0 - 50 * hour }),
    [second()],
    ["double_charge confirm_the_refund"],
    "unmatched",
  ],
  [
    "two captures, the second given back already",
    ledger(),
    [row(), second(), refund({ parentTransactionId: "t-2" })],
    ["double_charge book_the_reversal", "refunded_or_charged_back book_the_reversal"],
    "unmatched",
  ],
  [
    "two captures of an unknown",
    unheard({ state: "unknown" }),
    [row(), second()],
    ["double_charge confirm_the_refund"],
    "unmatched",
  ],
  ["one capture, two rows of it", ledger(), [row(), row({ atMs: t0 + 4_000 })], [], "matched"],

  [
    "an unknown that was captured",
    unheard({ state: "unknown" }),
    [row()],
    ["late_outcome nothing"],
    "unmatched",
  ],
  [
    "a pending that was declined",
    unheard({ state: "pending" }),
    [refused()],
    ["late_outcome nothing"],
    "unmatched",
  ],
  [
    "an unknown that is pending at the gateway",
    unheard({ state: "unknown" }),
    [row({ says: "accepted" })],
    [],
    "unknown",
  ],
  [
    "in review because nobody knew, and captured",
    unheard({ state: "review", reason: "lookups_used_up" }),
    [row()],
    ["late_outcome decide_the_review"],
    "unmatched",
  ],
  [
    "a worker has it in hand",
    unheard({ state: "opened", leaseUntilMs: t0 + 100 * hour }),
    [row()],
    [],
    "unknown",
  ],
  [
    "a worker had it in hand for days",
    unheard({ state: "opened", leaseUntilMs: t0 }),
    [row()],
    ["late_outcome decide_the_review"],
    "unmatched",
  ],

  [
    "captured and given back",
    ledger(),
    [row(), refund()],
    ["refunded_or_charged_back book_the_reversal"],
    "unmatched",
  ],
  [
    "given back in a later window",
    ledger(),
    [refund()],
    ["refunded_or_charged_back book_the_reversal"],
    "unmatched",
  ],
  ["a refund that failed is none", ledger(), [row(), refund({ failed: true })], [], "matched"],
];

test.each(
  table.map(([why, side, rows, found, money, changes]) => ({ why, side, rows, found, money, changes })),
)("$why", ({ side, rows, found, money, changes }) => {
  const judged = judge({ ...(side === undefined ? {} : { ledger: side }), rows }, view(changes));
  expect(judged.findings.map(({ kind, next }) => `${kind} ${next}`)).toEqual(found);
  expect(judged.money).toBe(money);
});

const doubleOf = (findings: readonly Finding[]) => findings.find(({ kind }) => kind === "double_charge");

test("the order in which rows come changes nothing", () => {
  const rows = [
    second({ requestId: "r-2" }),
    row(),
    refund(),
    refused({ transactionId: "t-5", orderId: "o-5" }),
  ];
  const names = (some: readonly GatewaySide[]) =>
    judge({ ledger: ledger(), rows: some }, view()).findings.map(({ id }) => id);
  expect(names([...rows].reverse())).toEqual(names(rows));
});

test("a double charge keeps the capture that the ledger names, and proposes to give back the other", () => {
  const { findings } = judge(
    { ledger: ledger({ transactionId: "t-2", orderId: "o-2" }), rows: [row(), second()] },
    view(),
  );
  expect(doubleOf(findings)).toMatchObject({
    by: "one_request_id",
    money: { amount: "1999", currency: "EUR" },
    refundProposal: [{ gateway: "centrobill", transactionId: "t-1", amount: "1999", currency: "EUR" }],
  });
});

test("the same double charge has the same id, seen whole or by its second capture alone", () => {
  const whole = judge({ ledger: ledger(), rows: [row(), second()] }, view());
  const half = judge({ ledger: ledger(), rows: [second()] }, view());
  expect(doubleOf(half.findings)?.id).toBe(doubleOf(whole.findings)?.id);
  const third = judge(
    { ledger: ledger(), rows: [row(), second(), second({ transactionId: "t-3", orderId: "o-3" })] },
    view(),
  );
  expect(doubleOf(third.findings)?.id).not.toBe(doubleOf(whole.findings)?.id);
});

test("what is in review for the same reason is not told again", () => {
  const { findings } = judge(
    { ledger: unheard({ state: "review", reason: "double_charge" }), rows: [row(), second()] },
    view(),
  );
  expect(findings).toMatchObject([{ kind: "double_charge", inReview: true }]);
});

test("every kind of finding but the weak one has a row in the table", () => {
  const kinds = new Set(table.flatMap(([, , , found]) => found.map((one) => one.split(" ")[0])));
  expect([...kinds].sort()).toEqual(findingKinds.filter((kind) => kind !== "unmatched_weak").sort());
});
