import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { chargeHistory } from "../../cli/charge-history.ts";
import { progressLines, type RunState, startProgress } from "../../cli/progress.ts";
import { firstSentAtMs, openResultsFile, rowOfEntry } from "../../cli/results-file.ts";
import { summaryJson, summaryText, verdictSentence } from "../../cli/run-summary.ts";
import { createRunTotals } from "../../cli/run-totals.ts";
import type { HistoryEvent, LedgerEntry, OpenedEntry } from "../../lib/core/ledger.ts";
import { recordVerdict } from "../../lib/core/verdict.ts";
import { chargeMessage, openedEntry } from "../doubles/samples.ts";
import { seededIds } from "../doubles/seeded-ids.ts";

const ids = seededIds();
const opened = (chargeId = "inv-1"): OpenedEntry => openedEntry(chargeMessage(chargeId), ids);
const by = (entry: OpenedEntry) => ({ token: ids.leaseToken(), nowMs: entry.openedAtMs + 900 });
const approved = (entry = opened()): LedgerEntry =>
  recordVerdict(
    {
      ...entry,
      sends: 1,
      history: [
        ...entry.history,
        { e: "replied", at: entry.openedAtMs + 50, ms: 100, status: 201, code: "0", sha256: "ab".repeat(32) },
      ],
    },
    {
      kind: "settle",
      state: "approved",
      ending: { code: "0" },
      evidence: { kind: "reply", atMs: entry.openedAtMs + 150, status: 201, bodySha256: "ab".repeat(32) },
    },
    by(entry),
  );
const inReview = (entry = opened("inv-2")): LedgerEntry =>
  recordVerdict(
    entry,
    {
      kind: "review",
      reason: "mismatch",
      evidence: { kind: "lookups", atMs: 1, made: 2, failed: 0, lastSendAtMs: 0 },
      mismatch: { field: "amount", asked: "1999", got: "2000" },
    },
    by(entry),
  );

describe("a row of the results", () => {
  test("of an approved charge", () => {
    const entry = approved();
    expect(rowOfEntry(entry, 3)).toEqual({
      chargeId: "inv-1",
      line: 3,
      outcome: "approved",
      attempts: 1,
      sends: 1,
      lookups: 0,
      code: "0",
      evidence: expect.objectContaining({ kind: "reply" }),
      firstSentAt: new Date(entry.openedAtMs + 50).toISOString(),
      finalAt: new Date(entry.openedAtMs + 900).toISOString(),
    });
  });

  test("of one in review says why, and of one that was never sent has no first send", () => {
    expect(rowOfEntry(inReview(), 1)).toMatchObject({ outcome: "review", reason: "mismatch" });
    expect(rowOfEntry(opened(), 1)).not.toHaveProperty("firstSentAt");
  });

  test("a worker that was lost may have sent from its intent on", () => {
    const entry = opened();
    const lost = {
      ...entry,
      sends: 1,
      history: [...entry.history, { e: "taken_over", at: 9, leaseUntil: 8 } as const],
    };
    expect(firstSentAtMs(lost)).toBe(entry.openedAtMs);
  });

  test("the file is there when it is whole, and not before", () => {
    const folder = mkdtempSync(join(tmpdir(), "chargeonce-results-"));
    const path = join(folder, "out.ndjson");
    const file = openResultsFile(path);
    file.add(rowOfEntry(approved(), 1));
    expect(existsSync(path)).toBe(false);
    file.close();
    expect(JSON.parse(readFileSync(path, "utf8"))).toMatchObject({ chargeId: "inv-1" });
    rmSync(folder, { recursive: true });
  });
});

describe("the live view", () => {
  const state: RunState = {
    sent: 10,
    allSent: true,
    ended: 6,
    open: 4,
    counts: new Map([
      ["approved", 5],
      ["declined_retryable", 1],
    ]),
    unknown: 3,
    pending: 1,
    nextLookUpMs: 61_000,
    longestWaitMs: 3_700_000,
  };

  test.each<[RunState, number, readonly string[]]>([
    [
      state,
      12_000,
      [
        "12 s  6 of 10 ended, 2.5/s",
        "approved 5, declined for now 1",
        "waiting: 3 unknown, 1 pending; next look-up in 1 min 1 s; the oldest since 1 h 1 min",
      ],
    ],
    [
      { ...state, unknown: 0, pending: 0, closed: ["centrobill closed (outage), since …"] },
      12_000,
      ["12 s  6 of 10 ended, 2.5/s", "approved 5, declined for now 1", "centrobill closed (outage), since …"],
    ],
    [
      { sent: 0, allSent: false, ended: 0, open: 0, counts: new Map(), unknown: 0, pending: 0 },
      0,
      ["0 s  0 of 0+ ended, 2.5/s"],
    ],
  ])("says counts, rate, and what waits for how long", (now, elapsedMs, lines) => {
    expect(progressLines(now, elapsedMs, 2.5)).toEqual(lines);
  });

  test("is redrawn on a terminal, and gone when it stops", () => {
    const written: string[] = [];
    const stream = { isTTY: true, columns: 80, write: (text: string) => written.push(text) > 0 };
    const progress = startProgress(stream as unknown as NodeJS.WriteStream, () => state);
    progress.note("a note");
    progress.stop();
    expect(written[0]).toMatch(/6 of 10 ended/);
    expect(written[1]).toBe("\x1b[3A\x1b[Ja note\n");
    expect(written).toHaveLength(3);
  });
});

describe("the summary", () => {
  const totals = createRunTotals();
  totals.addCharge(approved());
  totals.addCharge(inReview());
  totals.addRefusal("request_error");
  const truth = {
    chargesCaptured: 2,
    doubleCharges: [],
    capturedByCurrency: { EUR: "3999" },
    capturedInReview: 1,
    disagreeing: [],
  };
  const summary = { lines: 3, totals, gatewayName: "the sandbox", elapsedMs: 1_500 };

  test("says the sentence that matters", () => {
    expect(verdictSentence({ ...summary, truth })).toBe(
      "charges 2, captured at the gateway 2, double charges 0, unknown 0",
    );
    expect(verdictSentence(summary)).toBe(
      "charges 2, approved by the gateway's own word 1, double charges seen 0, unknown 0",
    );
  });

  test("has money by outcome and currency, and what waits for a person", () => {
    const text = summaryText({ ...summary, truth });
    expect(text).toMatch(/^approved +1 {2}19\.99 EUR$/m);
    expect(text).toMatch(/^review +1 {2}19\.99 EUR$/m);
    expect(text).toMatch(/1 wait for a person: mismatch 1/);
    expect(text).toMatch(/1 of the captured are in review/);
  });

  test("says how the notices came, and what they were worth", () => {
    const notices = {
      sent: { early: 4, late: 3, twice: 2, forged: 1 },
      believed: 12,
      refused: 1,
      forgedAndNotRefused: 0,
    };
    const line =
      /^notices: 4 early, 3 late, 2 twice, 1 after a forged one; 12 requests believed, 1 refused; 0 charges ended by one$/m;
    expect(summaryText({ ...summary, truth, notices })).toMatch(line);
    expect(summaryText({ ...summary, notices: { ...notices, forgedAndNotRefused: 1 } })).toMatch(
      /FORGED AND NOT REFUSED: 1/,
    );
    expect(summaryText(summary)).not.toMatch(/notices/);
    expect(summaryJson({ ...summary, notices })).toMatchObject({
      notices: { believed: 12, endedByNotice: 0 },
    });
  });

  test("does not hide that ledger and gateway tell another story", () => {
    const text = summaryText({ ...summary, truth: { ...truth, disagreeing: ["inv-9"] } });
    expect(text).toMatch(/LEDGER AND GATEWAY DISAGREE on 1: inv-9/);
  });
});

test("a charge's history has words for everything that can happen", () => {
  const events: HistoryEvent[] = [
    { e: "leased", at: 1 },
    { e: "unanswered", at: 1, ms: 30_000, cause: "timeout" },
    { e: "never_sent", at: 1, cause: "refused" },
    { e: "taken_over", at: 1, leaseUntil: 2 },
    { e: "looked_up", at: 1, from: 1, to: 2, rows: 3, whole: false, found: 1, weak: 2 },
    { e: "lookup_failed", at: 1, why: "HTTP 500" },
    { e: "absent", at: 1 },
    { e: "prepared", at: 1, id: "pr-1" },
    { e: "prepare_failed", at: 1, why: "timeout" },
    { e: "voided", at: 1, status: "HTTP 200" },
    { e: "notice", at: 1, id: "404168112.success.charge.sale", words: "charge sale success" },
  ];
  const entry = inReview();
  const text = chargeHistory({
    notices: [
      {
        v: 1,
        id: "404168113.success.credit.refund",
        chargeId: entry.chargeId,
        gateway: "centrobill",
        atMs: 4,
        attempt: 1,
        requestId: entry.requestId,
        state: "approved",
        reason: "refunded_or_charged_back",
        words: "credit refund success",
        mismatch: { field: "amount", asked: "1999", got: "500" },
        evidence: { kind: "notice", atMs: 4, id: "404168113.success.credit.refund", bodySha256: "ab" },
      },
    ],
    entry: { ...entry, history: [...entry.history, ...events] },
    rejections: [
      {
        v: 1,
        bodySha256: "ab",
        code: "conflicting_duplicate",
        problems: [{ field: "chargeId", must: "be new" }],
        atMs: 5,
      },
    ],
  });
  for (const words of [
    /inv-2 {2}19\.99 EUR/,
    /asked amount 1999, the gateway says 2000/,
    /no answer after 30000 ms \(timeout\)/,
    /not sent: refused/,
    /3 rows at the gateway .*\(not read to the end\), 1 of this charge, 2 that only look like it/,
    /look-up failed: HTTP 500/,
    /certified absent/,
    /prepared: pr-1/,
    /voided, since it stayed undetermined: HTTP 200/,
    /notice says: charge sale success {2}\[404168112/,
    /notice says: credit refund success \(amount 500, asked 1999\); told to review as refunded_or_charged_back/,
    /refused message under this id .*conflicting_duplicate/,
  ])
    expect(text).toMatch(words);
});
