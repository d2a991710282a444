import { describe, expect, test } from "vitest";
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
