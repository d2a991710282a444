import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Currency, currencies } from "../../lib/core/currency.ts";
import type { FeedRow } from "../../lib/core/feed.ts";
import { type LedgerEntry, ledgerStates } from "../../lib/core/ledger.ts";
import { fromDecimal } from "../../lib/core/money.ts";
import {
  agreed,
  agreeingEnd,
  chargeIdOfLine,
  comparedPage,
  type GatewaySide,
  gatewayLine,
  gatewaySideOf,
  type LedgerSide,
  ledgerLine,
  ledgerSideOf,
  readGatewayLine,
  readLedgerLine,
  sidesAgree,
} from "../../lib/core/sides.ts";
import { final, opened, requestIdOf, review, t0, unknown, waiting } from "./builders.ts";

describe("what the ledger says of a charge", () => {
  const bare = { ...final(), firstSendAtMs: undefined, lastSendAtMs: undefined } as unknown as LedgerEntry;
  const common = (entry: LedgerEntry): LedgerSide => ({
    chargeId: entry.chargeId,
    requestId: entry.requestId,
    earlierRequestIds: [],
    attempt: entry.attempt,
    amount: entry.amount,
    currency: entry.currency,
    state: entry.state,
    firstSentAtMs: entry.firstSendAtMs ?? entry.openedAtMs,
    consumerMarks: [],
  });
  const sent = (entry: LedgerEntry, changes: object): LedgerEntry =>
    ({ ...entry, openedAtMs: t0, firstSendAtMs: t0 + 1, lastSendAtMs: t0 + 2, ...changes }) as LedgerEntry;
  test.each<[string, LedgerEntry, Partial<LedgerSide>]>([
    ["nothing is known of its sends", bare, { firstSentAtMs: bare.openedAtMs }],
    ["first and last send", sent(final(), {}), { firstSentAtMs: t0 + 1, lastSentAtMs: t0 + 2 }],
    ["one send", sent(final(), { lastSendAtMs: undefined }), { firstSentAtMs: t0 + 1, lastSentAtMs: t0 + 1 }],
    ["waiting: nothing left", sent(waiting(), {}), { firstSentAtMs: t0 + 1 }],
    ["expired: nothing left", sent(final("expired"), {}), { firstSentAtMs: t0 + 1 }],
    [
      "what the gateway called it",
      sent(final(), { ids: { transactionId: "t", orderId: "o" } }),
      { firstSentAtMs: t0 + 1, lastSentAtMs: t0 + 2, transactionId: "t", orderId: "o" },
    ],
    [
      "an order that may be several charges': a Payment Request that was authorised beforehand",
      sent(final(), { gateway: "centrapay", ids: { transactionId: "t", orderId: "pre-1" } }),
      { firstSentAtMs: t0 + 1, lastSentAtMs: t0 + 2, transactionId: "t" },
    ],
    [
      "an order of its own: the Payment Request that was made for it",
      sent(final(), {
        gateway: "centrapay",
        ids: { orderId: "pr-1" },
        preparation: { prepared: { id: "pr-1" } },
      }),
      { firstSentAtMs: t0 + 1, lastSentAtMs: t0 + 2, orderId: "pr-1", preparedId: "pr-1" },
    ],
    ["no such name", sent(final(), { ids: {} }), { firstSentAtMs: t0 + 1, lastSentAtMs: t0 + 2 }],
    [
      "what was made before",
      sent(final(), { preparation: { prepared: { id: "pr-1" } } }),
      { firstSentAtMs: t0 + 1, lastSentAtMs: t0 + 2, preparedId: "pr-1" },
    ],
    [
      "what was to be made before",
      sent(final(), { preparation: {} }),
      { firstSentAtMs: t0 + 1, lastSentAtMs: t0 + 2 },
    ],
    [
      "why it waits",
      sent(unknown({ reason: "no_answer" }), {}),
      { firstSentAtMs: t0 + 1, lastSentAtMs: t0 + 2, reason: "no_answer" },
    ],
    [
      "why a person has it",
      sent(review({ reason: "absent" }), {}),
      { firstSentAtMs: t0 + 1, lastSentAtMs: t0 + 2, reason: "absent" },
    ],
    [
      "until when a worker has it",
      sent(opened(), { leaseUntilMs: t0 + 9 }),
      { firstSentAtMs: t0 + 1, lastSentAtMs: t0 + 2, leaseUntilMs: t0 + 9 },
    ],
    [
      "its attempts before, and who was charged",
      sent(final(), { attempt: 2, earlierRequestIds: [requestIdOf("r-0")], consumerMarks: ["anna"] }),
      {
        firstSentAtMs: t0 + 1,
        lastSentAtMs: t0 + 2,
        attempt: 2,
        earlierRequestIds: ["r-0"],
        consumerMarks: ["anna"],
      },
    ],
  ])("%s", (_, entry, own) => {
    expect(ledgerSideOf(entry)).toStrictEqual({ ...common(entry), ...own });
  });
});

const feedRow = (changes: object = {}): FeedRow =>
  ({
    kind: "charge",
    reply: { kind: "captured", code: "0", echo: {}, ids: {} },
    consumers: [],
    raw: {},
    ...changes,
  }) as unknown as FeedRow;

describe("what a row says", () => {
  test.each<[object, Partial<GatewaySide>]>([
    [{}, { code: "0" }],
    [{ reply: { kind: "unproven", why: "unlisted", ids: {} } }, { says: "unproven" }],
    [
      {
        transactionId: "t",
        orderId: "o",
        parentTransactionId: "p",
        requestId: "r",
        chargeId: "c",
        atMs: 7,
        consumers: ["anna"],
      },
      {
        code: "0",
        transactionId: "t",
        orderId: "o",
        parentTransactionId: "p",
        requestId: "r",
        chargeId: "c",
        atMs: 7,
        consumers: ["anna"],
      },
    ],
    [
      { kind: "reversal", failed: true },
      { kind: "reversal", code: "0", failed: true },
    ],
    [{ failed: false }, { code: "0" }],
    [
      { amount: "19.99", currency: "EUR" },
      { code: "0", amount: "1999", currency: "EUR" },
    ],
    [
      { amount: "19.999", currency: "EUR" },
      { code: "0", written: "19.999", currency: "EUR" },
    ],
    [{ amount: "19.99" }, { code: "0", written: "19.99" }],
    [
      { amount: `${"9".repeat(64)}.00`, currency: "EUR" },
      { code: "0", written: `${"9".repeat(64)}.00`, currency: "EUR" },
    ],
    [
      { amount: "19.99", currency: "XXX" },
      { code: "0", written: "19.99", currency: "XXX" },
    ],
    [
      { amount: "1999", currency: "JPY" },
      { code: "0", amount: "1999", currency: "JPY" },
    ],
    [{ currency: "EUR" }, { code: "0", currency: "EUR" }],
  ])("%j → %j", (changes, own) => {
    expect(gatewaySideOf(feedRow(changes))).toStrictEqual({
      kind: "charge",
      says: "captured",
      consumers: [],
      ...own,
    });
  });

  test("a page is compared row by row; of one that cannot be read it is told why", () => {
    const rows = [feedRow({ transactionId: "t-1" }), feedRow({ transactionId: "t-2" })];
    expect(comparedPage({ kind: "page", rows, unreadRows: 1, next: 2 })).toEqual({
      kind: "page",
      rows: rows.map(gatewaySideOf),
      unreadRows: 1,
      next: 2,
    });
    const unreadable = { kind: "unreadable", why: "not JSON" } as const;
    expect(comparedPage(unreadable)).toEqual(unreadable);
  });

  test("amounts are read as they are anywhere else, in every currency", () => {
    const decimal = fc.oneof(
      fc.tuple(fc.nat(10 ** 9), fc.nat(999), fc.nat(3)).map(([whole, part, digits]) =>
        digits === 0
          ? `${whole}`
          : `${whole}.${String(part)
              .padStart(3, "0")
              .slice(3 - digits)}`,
      ),
      fc.constantFrom("0.00", "0.05", "05.00", "-1.50", "1.5", "1.", ".5", "1e2", " 1.00", "1.00 ", "x1.00"),
      fc.constantFrom("999999999999.99", "9999999999999.99", "99999999999999999999.99"),
    );
    fc.assert(
      fc.property(decimal, fc.constantFrom(...([...currencies.keys()] as Currency[])), (amount, currency) => {
        const side = gatewaySideOf(feedRow({ amount, currency }));
        const minor = fromDecimal(amount, currency);
        expect([side.amount, side.written]).toEqual(
          minor === undefined ? [undefined, amount] : [String(minor), undefined],
        );
      }),
      { numRuns: 400 },
    );
  });
});

const ledgerSide: LedgerSide = {
  chargeId: "c-1",
  requestId: "r-1",
  earlierRequestIds: [],
  attempt: 1,
  amount: "1999",
  currency: "EUR",
  state: "approved",
  firstSentAtMs: 5,
  consumerMarks: [],
};
const gatewaySide: GatewaySide = { kind: "charge", says: "captured", consumers: [] };
const there = (line: string): string => {
  expect(line.endsWith("\n")).toBe(true);
  expect(line.indexOf("\n")).toBe(line.length - 1);
  return line.slice(0, -1);
};

describe("a side comes back from its line as it went", () => {
  test.each<Partial<LedgerSide>>([
    {},
    { lastSentAtMs: 5 },
    { lastSentAtMs: 6 },
    { transactionId: "t", orderId: "o" },
    { attempt: 2 },
    { earlierRequestIds: ["r-0", "r-00"] },
    { preparedId: "pr-1" },
    { leaseUntilMs: 9 },
    { reason: "no_answer" },
    { consumerMarks: ["anna"] },
    { consumerMarks: ["anna", "id-7"], attempt: 3, reason: "absent" },
    ...ledgerStates.map((state) => ({ state })),
  ])("of the ledger: %j", (changes) => {
    const side = { ...ledgerSide, ...changes };
    expect(readLedgerLine(there(ledgerLine(side)))).toStrictEqual(side);
    expect(chargeIdOfLine(ledgerLine(side))).toBe("c-1");
  });

  test.each<Partial<GatewaySide>>([
    {},
    ...(["captured", "accepted", "refused", "invalid", "unproven"] as const).map((says) => ({ says })),
    { kind: "reversal", says: "unproven" },
    { kind: "reversal", says: "unproven", failed: true },
    { code: "5051", transactionId: "t", orderId: "o", requestId: "r", chargeId: "c" },
    { parentTransactionId: "p" },
    { amount: "-5", currency: "EUR", atMs: 0 },
    { written: "1.999", currency: "EUR" },
    { consumers: ["anna", "7"] },
  ])("of the gateway: %j", (changes) => {
    const side = { ...gatewaySide, ...changes };
    expect(readGatewayLine(there(gatewayLine(side)))).toStrictEqual(side);
    expect(chargeIdOfLine(gatewayLine(side))).toBe(side.chargeId ?? "");
  });

  test("of many consumers four are enough, and what is no plain text of theirs is no longer theirs", () => {
    const consumers = ["a", "b", "c", "d", "e"];
    expect(readGatewayLine(there(gatewayLine({ ...gatewaySide, consumers }))).consumers).toEqual([
      "a",
      "b",
      "c",
      "d",
    ]);
    const long = "x".repeat(65);
    const back = readGatewayLine(
      there(gatewayLine({ ...gatewaySide, chargeId: "a\tb\né", requestId: long, consumers: ["\x1e"] })),
    );
    expect(back).toMatchObject({ chargeId: "a?b??", requestId: `${"x".repeat(63)}?`, consumers: ["?"] });
    expect(readGatewayLine(there(gatewayLine({ ...gatewaySide, requestId: `é${long}` }))).requestId).toBe(
      `?${"x".repeat(62)}?`,
    );
    expect(readGatewayLine(there(gatewayLine({ ...gatewaySide, chargeId: "x".repeat(64) }))).chargeId).toBe(
      "x".repeat(64),
    );
  });
});

describe("two lines agree", () => {
  const ours: LedgerSide = { ...ledgerSide, transactionId: "t" };
  const theirs: GatewaySide = {
    ...gatewaySide,
    amount: "1999",
    currency: "EUR",
    chargeId: "c-1",
    requestId: "r-1",
    transactionId: "t",
    atMs: 7,
  };
  const compare = (side: Partial<LedgerSide>, row: Partial<GatewaySide>) =>
    agreed(ledgerLine({ ...ours, ...side }), gatewayLine({ ...theirs, ...row }));
  const all = { amount: 1999, currency: "EUR", atMs: 7 };
  test.each<[Partial<LedgerSide>, Partial<GatewaySide>, object | undefined, string]>([
    [{}, {}, all, "on a capture, in all of it"],
    [{ orderId: "o", attempt: 2 }, { code: "0", consumers: ["anna"] }, all, "whatever else they say"],
    [{}, { atMs: undefined } as never, { ...all, atMs: Number.NaN }, "at a time that nobody says"],
    [{}, { amount: "1998" }, undefined, "not on another amount"],
    [{}, { amount: "199" }, undefined, "nor on a part of it"],
    [{}, { currency: "USD" }, undefined, "nor another currency"],
    [{}, { chargeId: "c-2" }, undefined, "nor another charge"],
    [{}, { requestId: "r-2" }, undefined, "nor another send"],
    [{}, { transactionId: "t2" }, undefined, "nor another transaction"],
    [{ transactionId: "t2" }, {}, undefined, "whose name begins the same"],
    [{ transactionId: undefined } as never, { transactionId: undefined } as never, undefined, "nor on none"],
    [{ state: "declined_permanent" }, {}, undefined, "nor where the ledger has no capture"],
    [{ state: "declined_permanent" }, { says: "refused" }, undefined, "nor on anything but a capture"],
    [{}, { says: "accepted" }, undefined, "nor where the gateway has none"],
    [{}, { kind: "reversal", says: "unproven" }, undefined, "nor on money given back"],
  ])("%j and %j: %j (%s)", (side, row, expected) => {
    expect(compare(side, row)).toStrictEqual(expected);
    // As sides they are compared in the same way.
    expect(sidesAgree({ ...ours, ...side }, { ...theirs, ...row })).toBe(expected !== undefined);
  });

  test("what has no amount agrees with nothing", () => {
    const { amount: _amount, ...unread } = theirs;
    const { amount: _none, ...nothing } = ours;
    expect(sidesAgree(ours, unread)).toBe(false);
    expect(sidesAgree(nothing as LedgerSide, unread)).toBe(false);
    expect(sidesAgree(ours, { ...theirs, kind: "reversal" })).toBe(false);
  });

  test("however long what has to agree is", () => {
    for (const length of [1, 60, 64]) {
      const chargeId = "c".repeat(length);
      const line = gatewayLine({ ...theirs, chargeId, requestId: "r".repeat(length) });
      expect(line.slice(agreeingEnd(line)).startsWith("7\t")).toBe(true);
      expect(agreed(ledgerLine({ ...ours, chargeId, requestId: "r".repeat(length) }), line)).toStrictEqual(
        all,
      );
    }
    const short = gatewayLine({ kind: "charge", says: "captured", consumers: [] });
    expect(agreeingEnd(short)).toBe(3 + 6);
    for (const [chargeId, requestId, length] of [
      ["c".repeat(4), undefined, 10],
      ["c".repeat(47), "r".repeat(47), 100],
    ] as const) {
      const line = gatewayLine({ ...gatewaySide, chargeId, ...(requestId && { requestId }) });
      expect(agreeingEnd(line)).toBe(3 + length);
      expect(chargeIdOfLine(line)).toBe(chargeId);
    }
  });
});
