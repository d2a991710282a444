import { parse } from "csv-parse/sync";
import { describe, expect, test } from "vitest";
import type { Finding } from "../../lib/core/finding.ts";
import { missingReasons } from "../../lib/core/reconciled-day.ts";
import {
  csvColumns,
  csvHead,
  findingCsv,
  findingJson,
  missingCsv,
  missingJson,
} from "../../lib/reports/finding-lines.ts";
import { final } from "../core/builders.ts";

const finding: Finding = {
  id: 'inv-1#reconcile#double_charge#4"4',
  kind: "double_charge",
  gateway: "centrobill",
  chargeId: "=cmd()",
  ledger: {
    chargeId: "=cmd()",
    requestId: "r-1",
    earlierRequestIds: [],
    attempt: 1,
    amount: "1999",
    currency: "EUR",
    state: "approved",
    transactionId: "44",
    firstSentAtMs: 0,
    consumerMarks: [],
  },
  rows: [
    { kind: "charge", says: "captured", transactionId: "44", amount: "1999", currency: "EUR", consumers: [] },
  ],
  money: { amount: "-1999", currency: "EUR" },
  next: "confirm_the_refund",
  refundProposal: [{ gateway: "centrobill", transactionId: "44", amount: "1999", currency: "EUR" }],
  inReview: true,
  atMs: Date.UTC(2026, 10, 24),
};
const part = { fromMs: 0, toMs: 3_600_000, reason: "feed_moved", why: 'rows, "twice"\n' } as const;
const rowsOf = (text: string): readonly Record<string, string>[] =>
  parse(text, { columns: true }) as Record<string, string>[];

describe("lines of findings", () => {
  test("CSV reads back as it was meant, and no cell is a formula", () => {
    const [row] = rowsOf(csvHead + findingCsv({ finding, entry: undefined }));
    expect(Object.keys(row ?? {})).toEqual([...csvColumns]);
    expect(row).toMatchObject({
      id: finding.id,
      kind: "double_charge",
      chargeId: "'=cmd()",
      amountMinor: "-1999",
      closedAs: "",
      inReview: "yes",
      at: "2026-11-24T00:00:00.000Z",
      ledgerState: "approved",
      gatewayRows: "captured, 19.99 EUR, transaction 44, no request id",
      refundProposal: "refund transaction 44 at centrobill, 19.99 EUR",
    });
  });

  test("JSON is the finding with its charge's history, one line each", () => {
    const entry = final("approved");
    expect(JSON.parse(findingJson({ finding, entry }))).toEqual({ ...finding, history: entry.history });
    expect(JSON.parse(findingJson({ finding, entry: undefined }))).toEqual(finding);
    expect(findingJson({ finding, entry })).toMatch(/^[^\n]+\n$/);
  });

  test("what was not compared stands among them, in both", () => {
    const id = "centrapay#incomplete#1970-01-01T00:00:00.000Z#1970-01-01T01:00:00.000Z";
    expect(JSON.parse(missingJson("centrapay", part))).toEqual({
      id,
      kind: "incomplete",
      gateway: "centrapay",
      from: "1970-01-01T00:00:00.000Z",
      to: "1970-01-01T01:00:00.000Z",
      reason: "feed_moved",
      why: part.why,
    });
    const [row] = rowsOf(csvHead + missingCsv("centrapay", part));
    expect(row).toMatchObject({
      id,
      kind: "incomplete",
      gateway: "centrapay",
      at: "1970-01-01T00:00:00.000Z",
    });
    expect(row?.["next"]).toContain('rows moved while the feed was read (rows, "twice"');
    for (const reason of missingReasons)
      expect(missingCsv("centrobill", { fromMs: 0, toMs: 1, reason })).not.toContain("undefined");
  });
});
