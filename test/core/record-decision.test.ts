import { describe, expect, test } from "vitest";
import type { GatewayWord } from "../../lib/core/gateway-word.ts";
import { wordText } from "../../lib/core/gateway-word.ts";
import type { LedgerEntry } from "../../lib/core/ledger.ts";
import type { ReviewDecision, Wish } from "../../lib/core/review-decision.ts";
import { policyOf, review, t0 } from "./builders.ts";
import { decideOn, feedRow, stated, wish, words } from "./decided.ts";

const alone = policyOf({ secondPersonFor: [] });
const nowMs = t0 + 300_000;
const decided = (
  decision: ReviewDecision,
  word: GatewayWord,
  from: LedgerEntry = review(),
  terms: Partial<Wish> = {},
) => decideOn(from, wish(decision, terms), word, alone, 5);

describe("the next version of a charge that a person decided about", () => {
  const told = (state: string, route: string) => ({ e: "recorded", at: nowMs, state, route });
  const mismatch = { field: "amount", asked: "1999", got: "2000" } as const;
  const unlisted = review({ reason: "unlisted_answer" });
  const knowing = review({ ids: { orderId: "o-1", transactionId: "tx-0" } });
  const dropped = decided("drop", words.nothing, review({ reason: "mismatch", mismatch })).entry;
  // biome-ignore format: one row a line
  test.each<[ReviewDecision, GatewayWord, LedgerEntry, Partial<Wish>, entry: object, then: object | undefined, reason: string]>([
    ["settle-as-approved", words.captured, knowing, {}, { state: "approved", ending: { code: "0" }, evidence: words.captured.evidence, finalAtMs: nowMs, ids: { orderId: "o-1", transactionId: "tx-1" } }, told("approved", "approved"), "the gateway's ids beside those that were known"],
    ["settle-as-declined", words.declined, knowing, {}, { state: "declined_permanent", evidence: words.declined.evidence, finalAtMs: nowMs, ids: { orderId: "o-1", transactionId: "tx-0" } }, told("declined_permanent", "permanent-declines"), "the ids stay as they were"],
    ["resend", words.nothing, review(), {}, { state: "unknown", reason: "no_answer", nextAct: "resend", nextAtMs: nowMs, requestId: "request-1" }, told("unknown", "unknown-outcomes"), "the same request id, at once"],
    ["resend", words.absent, unlisted, {}, { state: "unknown", reason: "unlisted", nextAct: "resend" }, told("unknown", "unknown-outcomes"), "a word that no row knows stays one"],
    ["new-attempt", words.absent, review(), {}, { state: "waiting", attempt: 2, requestId: "request-2", earlierRequestIds: ["request-1"] }, undefined, "another request id"],
    ["refund", words.twice, review({ reason: "mismatch", mismatch }), {}, { state: "review", reason: "mismatch", mismatch, evidence: review().evidence, finalAtMs: review().finalAtMs, ending: review().ending }, undefined, "it stays in review, as it was"],
    ["drop", words.nothing, review(), {}, { state: "review", reason: "lookups_used_up", droppedAtMs: nowMs }, undefined, "it stays in review, dropped"],
    ["refund", words.nothing, dropped, { transactionId: "tx-9", ...stated }, { state: "review", mismatch, droppedAtMs: nowMs }, undefined, "what was dropped stays dropped"],
  ])("%s ‹%#›", (decision, word, from, terms, expected, then, reason) => {
    const { entry, event } = decided(decision, word, from, terms);
    expect(entry, reason).toMatchObject({ ...expected, token: "token-5" });
    const added = entry.history.slice(from.history.length);
    expect(added[0], reason).toEqual(event);
    if (then !== undefined) expect(added.slice(1), reason).toEqual([then]);
  });

  test("what was not there is not there afterwards either", () => {
    for (const decision of ["refund", "drop"] as const) {
      const { entry } = decided(decision, decision === "drop" ? words.nothing : words.twice);
      expect(entry).not.toHaveProperty("mismatch");
      expect("droppedAtMs" in entry).toBe(decision === "drop");
    }
    expect(decided("settle-as-approved", words.nothing, review(), stated).entry).not.toHaveProperty("ids");
  });
});

describe("the record of a decision", () => {
  test("names what is given back, though the person named nothing", () => {
    const { event } = decided("refund", words.twice);
    expect(event).toStrictEqual({
      e: "decided",
      at: nowMs,
      decision: "refund",
      by: "Ann",
      reason: "called the gateway",
      transactionId: "tx-2",
      saw: wordText(words.twice),
      on: review().token,
      hash: event.hash,
    });
  });

  test("has the terms of the one who proposed, and names that proposal", () => {
    const terms = { transactionId: "tx-2", amount: "500" };
    const first = decideOn(review(), wish("refund", terms), words.twice, policyOf(), 5);
    expect(first.entry).toMatchObject({ state: "review", token: "token-5" });
    const second = decideOn(first.entry, wish("refund", { by: "Bo" }), words.twice, policyOf(), 6);
    expect(second.event).toMatchObject({ ...terms, e: "decided", by: "Bo", confirms: first.event.hash });
    expect(second.event).not.toHaveProperty("stated");
  });
});

describe("a person's word as evidence", () => {
  test("names everybody who stands for it, and what was seen beside it", () => {
    const two = policyOf();
    const rows = Array.from({ length: 12 }, (_, at) => feedRow(`tx-${at}`));
    const from = review({ reason: "weak_match" });
    const word = { ...words.weak, rows };
    const terms = wish("settle-as-approved", { ...stated, transactionId: "tx-3" });
    const first = decideOn(from, terms, word, two, 5);
    const { entry, event } = decideOn(first.entry, wish("settle-as-approved", { by: "Bo" }), word, two, 6);
    expect("evidence" in entry && entry.evidence).toStrictEqual({
      kind: "stated",
      atMs: t0 + 360_000,
      by: ["Ann", "Bo"],
      stated: stated.stated,
      decision: event.hash,
      rows: rows.slice(0, 8),
      transactionId: "tx-3",
    });
  });

  test("of one person and nothing else is just that", () => {
    const { entry, event } = decided("settle-as-declined", words.nothing, review(), stated);
    expect("evidence" in entry && entry.evidence).toStrictEqual({
      kind: "stated",
      atMs: nowMs,
      by: ["Ann"],
      stated: stated.stated,
      decision: event.hash,
    });
  });
});
