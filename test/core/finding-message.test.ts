import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findCardNumber } from "../../lib/core/card-number.ts";
import { type Finding, nextSteps, waitsForPerson } from "../../lib/core/finding.ts";
import { messageOfFinding, shownFinding } from "../../lib/core/finding-message.ts";
import type { LedgerSide } from "../../lib/core/sides.ts";
import { t0 } from "./builders.ts";

const card = "4111111111111111";
const ledger: LedgerSide = {
  chargeId: "order-1",
  requestId: "request-1",
  earlierRequestIds: [],
  attempt: 3,
  amount: "1999",
  currency: "EUR",
  state: "approved",
  firstSentAtMs: t0,
  consumerMarks: ["anna"],
};
const finding: Finding = {
  id: "row#reconcile#missing_in_ledger#t-1",
  kind: "missing_in_ledger",
  gateway: "centrobill",
  rows: [{ kind: "charge", says: "captured", consumers: ["anna"] }],
  next: "find_the_sender",
};

describe("a finding as it leaves the run (S12)", () => {
  test("names nobody who was charged, on either side", () => {
    expect(shownFinding({ ...finding, ledger })).toStrictEqual({
      ...finding,
      ledger: { ...ledger, consumerMarks: [] },
      rows: [{ kind: "charge", says: "captured", consumers: [] }],
    });
  });

  test("has no card number where a reference should be", () => {
    const shown = shownFinding({
      ...finding,
      id: `${card}#reconcile#missing_in_ledger#t-1`,
      chargeId: card,
      rows: [{ kind: "charge", says: "captured", consumers: [], chargeId: card, requestId: card }],
    });
    expect(JSON.stringify(shown)).not.toContain(card);
    expect(Object.keys(shown)).toContain("chargeId");
    expect(Object.keys(shown.rows[0] ?? {})).toEqual(expect.arrayContaining(["chargeId", "requestId"]));
  });

  const row = { kind: "charge", says: "captured", consumers: [] } as const;

  test("has none in any word of the gateway's either, and none in its own id", () => {
    const shown = shownFinding({
      ...finding,
      id: `row#reconcile#double_charge#t-1+${card}`,
      atMs: t0,
      ledger: { ...ledger, transactionId: card, orderId: card, preparedId: card },
      rows: [
        {
          ...row,
          transactionId: card,
          orderId: card,
          parentTransactionId: `r:${card}`,
          code: card,
          written: card,
          currency: card,
        },
      ],
      refundProposal: [{ gateway: "centrobill", transactionId: card }],
    });
    expect(JSON.stringify(shown)).not.toMatch(/4111111111111111/);
    const masked = "411111******1111";
    expect(shown.refundProposal).toEqual([{ gateway: "centrobill", transactionId: masked }]);
    expect(shown.ledger).toMatchObject({ transactionId: masked, orderId: masked, preparedId: masked });
    expect(shown.rows[0]).toMatchObject({ transactionId: masked, parentTransactionId: `r:${masked}` });
    // The time stands for the digits that are gone.
    expect(shown.id).toBe(`row#reconcile#double_charge#t-1+${masked}@${t0}`);
  });

  test("tells two numbers apart that look alike when they are masked, wherever they stand", () => {
    const [one, two] = ["4111111111111111", "4111110000091111"];
    const shown = shownFinding({
      ...finding,
      rows: [
        { ...row, transactionId: one },
        { ...row, transactionId: two, orderId: one },
      ],
      refundProposal: [{ gateway: "centrobill", transactionId: two }],
    });
    const [first, second] = ["411111******1111", "411111******1111(2)"];
    expect(shown.rows).toMatchObject([{ transactionId: first }, { transactionId: second, orderId: first }]);
    expect(shown.refundProposal?.[0]?.transactionId).toBe(second);
  });

  test("tells a number apart from what the gateway itself wrote with stars", () => {
    const shown = shownFinding({
      ...finding,
      rows: [
        { ...row, transactionId: "411111******1111" },
        { ...row, transactionId: card },
      ],
    });
    expect(shown.rows.map(({ transactionId }) => transactionId)).toEqual([
      "411111******1111",
      "411111******1111(2)",
    ]);
  });

  test.each([
    ["404168112", "a transaction of Centrobill's: too short"],
    ["1234567890123456", "no check digit"],
    ["9999999999999995", "a check digit by chance, as one in ten has, and no brand's prefix"],
    ["41111111111111111111", "too long"],
    ["550e8400-e29b-41d4-a716-446655440000", "a UUID"],
  ])("leaves the gateway's own id %s whole: %s", (id) => {
    const whole: Finding = {
      ...finding,
      id: `row#reconcile#missing_in_ledger#${id}`,
      atMs: t0,
      ledger: { ...ledger, consumerMarks: [], transactionId: id, orderId: id },
      rows: [{ ...row, transactionId: id, orderId: id, parentTransactionId: id }],
      refundProposal: [{ gateway: "centrobill", transactionId: id }],
    };
    expect(shownFinding(whole)).toStrictEqual(whole);
  });

  test("leaves a charge id of the ledger's whole, so that the desk finds it; a stranger's may be any number", () => {
    const chargeId = "9999999999999995";
    const own: Finding = {
      ...finding,
      id: `${chargeId}#reconcile#amount_differs#t-1`,
      chargeId,
      ledger: {
        ...ledger,
        chargeId,
        requestId: "9999999999999987",
        earlierRequestIds: ["9999999999999979"],
        consumerMarks: [],
      },
      rows: [
        { ...row, chargeId, requestId: "9999999999999987" },
        { ...row, chargeId, requestId: "9999999999999979" },
      ],
    };
    expect(shownFinding(own)).toStrictEqual(own);
    const { ledger: _none, ...stranger } = own;
    expect(shownFinding(stranger)).toMatchObject({
      id: "999999******9995#reconcile#amount_differs#t-1",
      chargeId: "999999******9995",
      rows: [
        { chargeId: "999999******9995", requestId: "999999******9987" },
        { chargeId: "999999******9995", requestId: "999999******9979" },
      ],
    });
  });

  test("holds no card number in any text, whatever the gateway wrote where", () => {
    const text = fc
      .array(fc.constantFrom(card, "5555 5555-5555 4444", "t-1", "+", "#", " ", "0", "x"), { maxLength: 4 })
      .map((parts) => parts.join(""));
    const members = fc.record({
      transactionId: text,
      orderId: text,
      parentTransactionId: text,
      requestId: text,
      chargeId: text,
      code: text,
      written: text,
      currency: text,
    });
    fc.assert(
      fc.property(fc.array(members, { minLength: 1, maxLength: 4 }), fc.boolean(), (rows, isKnown) => {
        const [first] = rows;
        const shown = shownFinding({
          ...finding,
          id: `${first?.chargeId}#reconcile#double_charge#${rows.map((one) => one.transactionId).join("+")}`,
          chargeId: first?.chargeId ?? "",
          rows: rows.map((one) => ({ ...row, ...one })),
          ...(isKnown ? { ledger } : {}),
          refundProposal: [{ gateway: "centrobill", transactionId: first?.transactionId ?? "" }],
        });
        expect(findCardNumber(shown)).toBeUndefined();
      }),
    );
  });

  test("is otherwise as it was, without a member that was not there", () => {
    const named: Finding = {
      ...finding,
      chargeId: "order-1",
      rows: [
        { kind: "charge", says: "captured", consumers: [], chargeId: "order-1", requestId: "request-1" },
      ],
    };
    expect(shownFinding(named)).toStrictEqual(named);
    expect(Object.keys(shownFinding(finding)).sort()).toEqual(Object.keys(finding).sort());
  });
});

describe("what the queue `review` is told of it", () => {
  test("what is at stake, and the finding itself, under its own id", () => {
    const refundProposal = [{ gateway: "centrobill", transactionId: "t-1" }] as const;
    const all: Finding = {
      ...finding,
      chargeId: "order-1",
      ledger,
      money: { amount: "1999", currency: "EUR" },
      refundProposal,
    };
    expect(messageOfFinding(all, t0)).toStrictEqual({
      v: 1,
      id: finding.id,
      chargeId: "order-1",
      gateway: "centrobill",
      attempt: 3,
      requestId: "request-1",
      outcome: "review",
      amount: "1999",
      currency: "EUR",
      reason: "missing_in_ledger",
      refundProposal,
      at: new Date(t0).toISOString(),
      finding: all,
    });
  });

  test("and of a row that no charge explains no attempt, and no member that is not there", () => {
    expect(messageOfFinding(finding, t0)).toStrictEqual({
      v: 1,
      id: finding.id,
      gateway: "centrobill",
      attempt: 0,
      outcome: "review",
      reason: "missing_in_ledger",
      at: new Date(t0).toISOString(),
      finding,
    });
  });
});

test("somebody has to act on every finding but the one that is done", () => {
  expect(nextSteps.filter((next) => !waitsForPerson({ ...finding, next }))).toEqual(["nothing"]);
});
