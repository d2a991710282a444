import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FeedRowEvidence } from "../../lib/core/evidence.ts";
import type { GatewayWord } from "../../lib/core/gateway-word.ts";
import { type DecisionVerdict, judgeDecision, type ToJudge } from "../../lib/core/judge-decision.ts";
import type { LedgerEntry, ReviewEntry, ReviewReason } from "../../lib/core/ledger.ts";
import type { NotedNotice } from "../../lib/core/notice.ts";
import type { Policy } from "../../lib/core/policy.ts";
import { type ReviewDecision, reviewDecisions, type Wish } from "../../lib/core/review-decision.ts";
import { final, opened, pending, policyOf, requestIdOf, review, t0, unknown, waiting } from "./builders.ts";
import { decideOn, feedRow, stated, type WordName, wish, words } from "./decided.ts";

const minute = 60_000;
const notice = (changes: Partial<NotedNotice> = {}): NotedNotice => ({
  v: 1,
  id: "tx-1.success",
  chargeId: "order-1" as NotedNotice["chargeId"],
  gateway: "centrobill",
  atMs: t0 + 1_000_000,
  attempt: 1,
  requestId: requestIdOf("request-1"),
  state: "review",
  reason: "contradiction",
  words: "charge sale success",
  evidence: { kind: "notice", atMs: t0, id: "tx-1.success", bodySha256: "c".repeat(64) },
  ...changes,
});

/** One person is enough, so that the rules show by themselves. */
const alone = policyOf({ secondPersonFor: [] });

const judge = (
  changes: Partial<ToJudge>,
  policy: Policy = alone,
  nowMs = t0 + 10 * minute,
): DecisionVerdict =>
  judgeDecision(
    { entry: review(), notices: [], wish: wish("drop"), word: words.nothing, hasMessage: true, ...changes },
    policy,
    nowMs,
  );

/** What comes out, in one word: the rule that refuses it, or what is done. */
const short = (verdict: DecisionVerdict): string => {
  if (verdict.kind === "refused") return verdict.rule;
  if (verdict.kind === "already") return "already";
  const { effect } = verdict;
  switch (effect.kind) {
    case "settle":
      return `${effect.state} on ${effect.evidence.kind}`;
    case "resend":
      return `resend ${effect.requestId}`;
    case "newAttempt":
      return `attempt ${effect.attempt}`;
    case "refund":
      return `refund ${effect.refund.transactionId}`;
    case "drop":
      return "drop";
  }
};

describe("what a decision does, and which rule refuses it", () => {
  const used = "lookups_used_up";
  test.each<[ReviewDecision, WordName, ReviewReason, "stated" | "", expected: string, reason: string]>([
    ["settle-as-approved", "captured", used, "", "approved on feed_row", "the gateway's own row"],
    ["settle-as-approved", "captured", "mismatch", "", "approved on feed_row", "the amount came right"],
    ["settle-as-approved", "nothing", used, "", "S4", "no evidence"],
    [
      "settle-as-approved",
      "nothing",
      used,
      "stated",
      "approved on persons_word",
      "a person's word, labelled",
    ],
    ["settle-as-approved", "failed", used, "", "S4", "not asked is no evidence"],
    ["settle-as-approved", "failed", used, "stated", "approved on persons_word", "a person's word"],
    ["settle-as-approved", "moves", used, "stated", "approved on persons_word", "asking would pay"],
    ["settle-as-approved", "weak", "weak_match", "", "S14", "a row that only looks like it"],
    [
      "settle-as-approved",
      "weak",
      "weak_match",
      "stated",
      "approved on persons_word",
      "a person says whose it is",
    ],
    ["settle-as-approved", "mismatch", "mismatch", "", "S4", "another amount is accepted by nobody yet"],
    [
      "settle-as-approved",
      "mismatch",
      "mismatch",
      "stated",
      "approved on persons_word",
      "accepted by a person",
    ],
    ["settle-as-approved", "twice", "double_charge", "", "S13", "what is too much first"],
    ["settle-as-approved", "twice", "double_charge", "stated", "S13", "no word replaces the refund"],
    ["settle-as-approved", "givenBack", "refunded_or_charged_back", "stated", "S4", "the money is not here"],
    ["settle-as-approved", "declined", used, "stated", "S4", "the gateway says no"],
    ["settle-as-approved", "pending", used, "stated", "S10", "its last word is to come"],
    ["settle-as-approved", "absent", used, "stated", "S4", "nothing was taken"],
    ["settle-as-declined", "declined", used, "", "declined_permanent on feed_row", "the gateway's own row"],
    ["settle-as-declined", "absent", used, "", "declined_permanent on absence", "certified absent"],
    ["settle-as-declined", "nothing", used, "", "S6", "an unknown is no failure"],
    [
      "settle-as-declined",
      "nothing",
      used,
      "stated",
      "declined_permanent on persons_word",
      "a person's word",
    ],
    ["settle-as-declined", "failed", used, "", "S6", "nor is one that could not be asked for"],
    ["settle-as-declined", "captured", used, "stated", "S13", "the money was taken"],
    ["settle-as-declined", "twice", used, "stated", "S13", "twice"],
    ["settle-as-declined", "failed", "mismatch", "stated", "S13", "it is here because it was taken"],
    ["settle-as-declined", "failed", "double_charge", "stated", "S13", "it is here because it was taken"],
    ["settle-as-declined", "failed", "captured_by_earlier_attempt", "stated", "S13", "by an earlier attempt"],
    [
      "settle-as-declined",
      "failed",
      "refunded_or_charged_back",
      "stated",
      "S13",
      "it was taken, and given back",
    ],
    ["settle-as-declined", "pending", used, "stated", "S6", "accepted"],
    ["settle-as-declined", "weak", "weak_match", "", "S14", "a row may be its"],
    [
      "settle-as-declined",
      "weak",
      "weak_match",
      "stated",
      "declined_permanent on persons_word",
      "it is another's",
    ],
    ["resend", "nothing", used, "", "resend request-1", "the same id, in its life"],
    ["resend", "absent", "absent", "", "resend request-1", "the same id, in its life"],
    ["resend", "failed", used, "", "resend request-1", "the same id needs no look"],
    ["resend", "moves", used, "", "resend request-1", "asking is the same send"],
    ["resend", "captured", used, "stated", "S13", "the money was taken"],
    ["resend", "failed", "mismatch", "stated", "S13", "the money was taken"],
    ["resend", "pending", used, "", "S2", "accepted"],
    ["resend", "declined", used, "", "S2", "answered"],
    ["resend", "weak", "weak_match", "", "S14", "a row may be its"],
    ["resend", "nothing", "contradiction", "", "S10", "nothing on top of a contradiction"],
    ["resend", "absent", "contradiction", "", "resend request-1", "it is gone now"],
    ["new-attempt", "absent", "absent_past_key_life", "", "attempt 2", "a certificate"],
    ["new-attempt", "declined", "unlisted_answer", "", "attempt 2", "answered"],
    ["new-attempt", "nothing", used, "", "S5", "once not found is not absent"],
    ["new-attempt", "nothing", used, "stated", "S5", "and no word makes it so"],
    ["new-attempt", "failed", used, "stated", "S2", "nothing is known"],
    ["new-attempt", "moves", used, "stated", "S2", "nothing is known"],
    ["new-attempt", "pending", used, "stated", "S2", "accepted"],
    ["new-attempt", "captured", used, "stated", "S13", "the money was taken"],
    ["new-attempt", "twice", used, "stated", "S13", "twice"],
    ["new-attempt", "absent", "captured_by_earlier_attempt", "stated", "S13", "by an earlier attempt"],
    ["new-attempt", "weak", "weak_match", "", "S14", "a row may be its"],
    ["new-attempt", "weak", "weak_match", "stated", "attempt 2", "certified, and the row is another's"],
    ["new-attempt", "weakOnce", "weak_match", "stated", "S5", "not certified"],
    ["refund", "twice", "double_charge", "", "refund tx-2", "every capture but the first"],
    ["refund", "mismatch", "mismatch", "", "refund tx-1", "what was not asked for"],
    ["refund", "captured", used, "", "refund tx-1", "what was taken"],
    ["refund", "thrice", "double_charge", "", "S13", "two could be meant: one is named"],
    ["refund", "nothing", used, "", "S13", "nothing was taken that is known"],
    ["refund", "failed", "double_charge", "", "S13", "and which, nobody knows"],
    ["drop", "nothing", used, "", "drop", "nobody finds out more"],
    ["drop", "failed", used, "", "drop", "nobody finds out more"],
    ["drop", "givenBack", "refunded_or_charged_back", "", "drop", "taken and given back"],
    ["drop", "captured", used, "", "S6", "settle it"],
    ["drop", "declined", used, "", "S6", "settle it"],
    ["drop", "pending", used, "", "S6", "wait for it"],
  ])("%s, the gateway says %s, in review for %s, %s → %s (%s)", (decision, word, reason, says, expected) => {
    const judged = judge({
      entry: review({ reason }),
      wish: wish(decision, says === "stated" ? stated : {}),
      word: words[word],
    });
    expect(short(judged)).toBe(expected);
  });

  test("what is declined by a person is not tried again by itself", () => {
    const judged = judge({ wish: wish("settle-as-declined"), word: words.declined });
    expect(judged).toMatchObject({ effect: { ending: { code: "5051" } } });
    expect(judged).not.toHaveProperty("effect.ending.retry");
  });
});

describe("what else stands in the way", () => {
  const lifeEnd = t0 + 900_000 - 150_000;
  test.each<[what: string, changes: Partial<ToJudge>, nowMs: number, expected: string, reason: string]>([
    ["resend", { wish: wish("resend") }, lifeEnd, "resend request-1", "the last moment of the key life"],
    ["resend", { wish: wish("resend") }, lifeEnd + 1, "S3", "past it"],
    [
      "resend",
      { wish: wish("resend"), entry: review({ voidingAtMs: t0 }) },
      lifeEnd,
      "S10",
      "answered as before the void",
    ],
    [
      "resend",
      { wish: wish("resend", stated), word: words.absent },
      lifeEnd + 1,
      "S3",
      "no certificate lifts it",
    ],
    [
      "resend",
      { wish: wish("resend"), hasMessage: false },
      t0 + minute,
      "S12",
      "the ledger never has the token",
    ],
    [
      "new-attempt",
      { wish: wish("new-attempt"), word: words.absent, hasMessage: false },
      t0,
      "S12",
      "the same",
    ],
    [
      "resend",
      { wish: wish("resend"), entry: review({ notAfterMs: t0 + minute }) },
      t0 + 2 * minute,
      "notAfter",
      "too late for the merchant",
    ],
    [
      "new-attempt",
      { wish: wish("new-attempt"), word: words.absent, entry: review({ attempt: 4 }) },
      t0 + minute,
      "policy",
      "attempts are used up",
    ],
    [
      "resend",
      { wish: wish("resend"), notices: [notice()] },
      t0 + minute,
      "S15",
      "a notice says that it was taken",
    ],
    [
      "new-attempt",
      { wish: wish("new-attempt", stated), word: words.absent, notices: [notice()] },
      t0 + minute,
      "S15",
      "a notice says that it was taken",
    ],
    [
      "settle-as-declined",
      { wish: wish("settle-as-declined"), word: words.absent, notices: [notice()] },
      t0 + minute,
      "S15",
      "a notice says that it was taken",
    ],
    [
      "settle-as-declined",
      { wish: wish("settle-as-declined", stated), word: words.absent, notices: [notice()] },
      t0 + minute,
      "declined_permanent on absence",
      "a person answers for the notice",
    ],
    [
      "settle-as-approved",
      {
        wish: wish("settle-as-approved"),
        word: words.captured,
        notices: [notice({ reason: "refunded_or_charged_back" })],
      },
      t0 + minute,
      "S15",
      "a notice says that it was given back",
    ],
    [
      "refund of a named one",
      { wish: wish("refund", { transactionId: "tx-9" }), word: words.twice },
      t0 + minute,
      "S4",
      "nothing shows it",
    ],
    [
      "refund of a named one",
      { wish: wish("refund", { transactionId: "tx-9", ...stated }), word: words.twice },
      t0 + minute,
      "refund tx-9",
      "a person's word",
    ],
    [
      "refund of a named one",
      { wish: wish("refund", { transactionId: "tx-3" }), word: words.thrice },
      t0 + minute,
      "refund tx-3",
      "one of three",
    ],
    ["any, on a version that is gone", { on: "token-9" }, t0 + minute, "version", "the facts changed"],
    ["any, on the version that stands", { on: "token-at-1" }, t0 + minute, "drop", "as it was shown"],
  ])("%s: %j at %i → %s (%s)", (_what, changes, nowMs, expected) => {
    expect(short(judge(changes, alone, nowMs))).toBe(expected);
  });

  test.each<LedgerEntry>([opened(), waiting(), unknown(), pending(), final(), final("declined_permanent")])(
    "what is $state is not decided here",
    (entry) => {
      for (const decision of reviewDecisions)
        expect(judge({ entry, wish: wish(decision, stated), word: words.captured })).toMatchObject({
          kind: "refused",
          rule: "state",
        });
    },
  );
});

describe("the second person", () => {
  const policy = policyOf();

  test("the first proposes, and another one decides by the same words", () => {
    const first = judge({ wish: wish("new-attempt"), word: words.absent }, policy);
    expect(first.kind).toBe("proposes");
    const { entry } = decideOn(review(), wish("new-attempt"), words.absent, policy, 5);
    const second = judge({ entry, wish: wish("new-attempt", { by: "Bo" }), word: words.absent }, policy);
    expect(second).toMatchObject({
      kind: "decides",
      effect: { kind: "newAttempt", attempt: 2 },
      confirms: { by: "Ann" },
    });
  });

  test.each(["Ann", "ANN", " ann ", "Ａｎｎ"])("%j is the same person", (by) => {
    const { entry } = decideOn(review(), wish("new-attempt"), words.absent, policy, 5);
    expect(judge({ entry, wish: wish("new-attempt", { by }), word: words.absent }, policy).kind).toBe(
      "already",
    );
  });

  test("another decision is another proposal, and confirms nothing", () => {
    const { entry } = decideOn(review(), wish("new-attempt"), words.absent, policy, 5);
    expect(
      judge({ entry, wish: wish("settle-as-declined", { by: "Bo" }), word: words.absent }, policy).kind,
    ).toBe("proposes");
  });

  test("a proposal that was overtaken by another is confirmed by nobody", () => {
    const { entry: one } = decideOn(review(), wish("new-attempt"), words.absent, policy, 5);
    const { entry: two } = decideOn(one, wish("settle-as-declined", { by: "Bo" }), words.absent, policy, 6);
    expect(
      judge({ entry: two, wish: wish("new-attempt", { by: "Cy" }), word: words.absent }, policy).kind,
    ).toBe("proposes");
  });

  test("what the gateway says when it is confirmed counts, not what it said when it was proposed", () => {
    const { entry } = decideOn(review(), wish("new-attempt"), words.absent, policy, 5);
    const second = judge({ entry, wish: wish("new-attempt", { by: "Bo" }), word: words.captured }, policy);
    expect(second).toMatchObject({ kind: "refused", rule: "S13" });
  });

  test("the key life counts then, too", () => {
    const { entry } = decideOn(review(), wish("resend"), words.nothing, policy, 5);
    const second = judge({ entry, wish: wish("resend", { by: "Bo" }) }, policy, t0 + 14 * minute);
    expect(second).toMatchObject({ kind: "refused", rule: "S3" });
  });

  test("the terms are those of the proposal", () => {
    const proposed = wish("refund", { transactionId: "tx-2", amount: "500" });
    const { entry } = decideOn(review(), proposed, words.twice, policy, 5);
    const second = judge({ entry, wish: wish("refund", { by: "Bo" }), word: words.twice }, policy);
    expect(second).toMatchObject({
      kind: "decides",
      effect: { refund: { transactionId: "tx-2", amount: "500", currency: "EUR" } },
    });
    const other = wish("refund", { by: "Bo", transactionId: "tx-2", amount: "600" });
    expect(judge({ entry, wish: other, word: words.twice }, policy).kind).toBe("proposes");
  });

  test("what the gateway itself says needs no second one: a worker would have settled it alone", () => {
    for (const [decision, word] of [
      ["settle-as-approved", words.captured],
      ["settle-as-declined", words.declined],
    ] as const)
      expect(judge({ wish: wish(decision), word }, policy).kind).toBe("decides");
    expect(judge({ wish: wish("settle-as-declined"), word: words.absent }, policy).kind).toBe("proposes");
    expect(judge({ wish: wish("settle-as-approved", stated) }, policy).kind).toBe("proposes");
  });
});

describe("deciding twice", () => {
  test.each<[ReviewDecision, WordName]>([
    ["settle-as-approved", "captured"],
    ["settle-as-declined", "declined"],
    ["resend", "nothing"],
    ["new-attempt", "absent"],
    ["refund", "twice"],
    ["drop", "nothing"],
  ])("%s a second time is known as decided", (decision, word) => {
    const { entry } = decideOn(review(), wish(decision), words[word], alone, 5);
    for (const by of ["Ann", "Bo"])
      expect(judge({ entry, wish: wish(decision, { by }), word: words[word] }).kind).toBe("already");
  });

  test("a double charge is approved once the refund of what is too much is decided", () => {
    const { entry } = decideOn(review({ reason: "double_charge" }), wish("refund"), words.twice, alone, 5);
    expect(short(judge({ entry, wish: wish("settle-as-approved"), word: words.twice }))).toBe(
      "approved on feed_rows",
    );
    expect(short(judge({ entry, wish: wish("settle-as-approved"), word: words.thrice }))).toBe("S13");
  });

  const byNotice = (transactionId?: string) => ({
    kind: "notice" as const,
    atMs: t0,
    id: "tx-9.success",
    bodySha256: "c".repeat(64),
    ...(transactionId === undefined ? {} : { transactionId }),
  });
  const rows = (...ids: string[]) => ({ kind: "feed_rows" as const, rows: ids.map((id) => feedRow(id)) });
  const earlier = { reason: "captured_by_earlier_attempt", lastSendAtMs: t0 } as const;
  const { lastSendAtMs: _lastSendAtMs, ...unsent } = review({ ...earlier, evidence: byNotice("tx-9") });
  const refunding = (entry: ReviewEntry, transactionId: string): LedgerEntry =>
    decideOn(entry, wish("refund", { transactionId, ...stated }), words.captured, alone, 5).entry;
  const byNine = review({ ...earlier, evidence: byNotice("tx-9") });
  const giveNine = wish("refund", { transactionId: "tx-9" });
  const proposedOnly = decideOn(byNine, giveNine, words.captured, policyOf(), 5).entry;
  const dropped = decideOn(byNine, wish("drop"), words.nothing, alone, 4).entry as ReviewEntry;
  // biome-ignore format: one row a line
  test.each<[expected: string, LedgerEntry, readonly NotedNotice[], reason: string]>([
    ["S13", review({ ...earlier, evidence: byNotice("tx-9") }), [], "the gateway's row is this attempt's, and an earlier one was captured, too"],
    ["S13", review({ ...earlier, evidence: byNotice() }), [], "in a transaction that nobody names"],
    ["S13", review({ ...earlier, evidence: rows("tx-9") }), [], "the same by the feed"],
    ["S13", review({ reason: "double_charge", evidence: rows("tx-1", "tx-9"), lastSendAtMs: t0 }), [], "twice, though one of them is out of sight now"],
    ["S13", review(), [notice({ reason: "captured_by_earlier_attempt", evidence: byNotice("tx-9") })], "a notice beside it said so"],
    ["approved on feed_row", refunding(review({ ...earlier, evidence: byNotice("tx-9") }), "tx-9"), [], "it is decided to be given back"],
    ["S13", refunding(review({ ...earlier, evidence: byNotice("tx-9") }), "tx-1"), [], "not that, but the one that is shown"],
    ["approved on feed_row", refunding(review({ ...earlier, evidence: byNotice() }), "tx-1"), [], "one is decided to be given back, whichever it was"],
    ["approved on feed_row", review({ ...earlier, evidence: byNotice("tx-1") }), [], "it is the same transaction"],
    ["approved on feed_row", review({ ...earlier, evidence: rows("tx-1") }), [], "the same by the feed"],
    ["S13", proposedOnly, [], "a refund that is proposed is not decided"],
    ["approved on feed_row", unsent, [], "nothing of this attempt was ever sent: the row is the earlier one's"],
    ["approved on feed_row", review(), [notice({ evidence: byNotice("tx-9") })], "another notice says nothing of a second capture"],
    ["approved on feed_row", review({ reason: "mismatch", evidence: rows("tx-9"), lastSendAtMs: t0 }), [], "nor does another reason"],
  ])("what the gateway shows as captured, and another capture that is known: %s ‹%#›", (expected, entry, notices, reason) => {
    const one = { entry, notices, wish: wish("settle-as-approved"), word: words.captured };
    expect(short(judge(one)), reason).toBe(expected);
  });

  test.each<[refunded: string, Partial<Wish>, expected: string, reason: string]>([
    ["tx-1", {}, "S13", "what is left is out of sight"],
    ["tx-1", stated, "approved on persons_word", "a person says that it is there"],
    ["tx-7", stated, "S13", "no word replaces a refund of one of the two"],
  ])("the refund of %s, %j: %s (%s)", (refunded, terms, expected) => {
    for (const before of [byNine, dropped]) {
      const one = { entry: refunding(before, refunded), word: words.captured };
      expect(short(judge({ ...one, wish: wish("settle-as-approved", terms) }))).toBe(expected);
    }
    expect(judge({ entry: byNine, wish: wish("settle-as-approved"), word: words.captured })).toMatchObject({
      why: "another attempt took the money, too: decide the refund of one of them first",
    });
  });

  test("a transaction that a notice told of is seen: its refund needs no other word", () => {
    const entry = review({ ...earlier, evidence: byNotice("tx-9") });
    const refund = (transactionId: string) =>
      short(judge({ entry, wish: wish("refund", { transactionId }), word: words.captured }));
    expect(["tx-9", "tx-8"].map(refund)).toEqual(["refund tx-9", "S4"]);
  });

  test("a record does not grow without end", () => {
    const event = decideOn(review(), wish("drop"), words.nothing, alone, 5).event;
    const entry = review({ history: [...review().history, ...Array.from({ length: 50 }, () => event)] });
    expect(judge({ entry, wish: wish("resend") })).toMatchObject({ kind: "refused", rule: "policy" });
  });
});

/** The same charge, back in review after whatever was decided. */
const cameBack = (entry: LedgerEntry, changes: Partial<ReviewEntry> = {}): ReviewEntry =>
  review({
    ...changes,
    history: [
      ...entry.history,
      { e: "recorded", at: t0, state: "unknown" },
      { e: "recorded", at: t0, state: "review" },
    ],
  });
const double = { reason: "double_charge" } as const;
const tx2 = { transactionId: "tx-2", amount: "500" };

describe("what was decided before", () => {
  const two = policyOf();
  const refunded = decideOn(review(double), wish("refund", tx2), words.twice, alone, 5).entry;
  const wholly = decideOn(review(double), wish("refund"), words.twice, alone, 5).entry;
  const proposed = decideOn(review(), wish("new-attempt"), words.absent, two, 5).entry;
  const proposedRefund = decideOn(review(double), wish("refund"), words.twice, two, 5).entry;
  const dropped = decideOn(proposed, wish("drop", { by: "Cy" }), words.absent, two, 6).entry;
  const resent = decideOn(review(), wish("resend"), words.nothing, alone, 5).entry;
  const by = { by: "Bo" };
  // biome-ignore format: one row a line
  test.each<[expected: string, LedgerEntry, Wish, WordName, Policy, reason: string]>([
    ["already", refunded, wish("refund"), "twice", alone, "a term that is not named is the one that was found"],
    ["already", refunded, wish("refund", tx2), "twice", alone, "all terms are the same"],
    ["refund tx-1", refunded, wish("refund", { transactionId: "tx-1" }), "twice", alone, "another transaction is another refund"],
    ["refund tx-2", refunded, wish("refund", { ...tx2, amount: "1499" }), "twice", alone, "another amount is another part"],
    ["S13", refunded, wish("refund", { ...tx2, amount: "1500" }), "twice", alone, "all parts together are more than was asked for"],
    ["refund tx-2", refunded, wish("refund", { ...tx2, amount: "1500", ...stated }), "twice", alone, "a person says that more was taken"],
    ["S13", cameBack(refunded, double), wish("refund", { ...tx2, amount: "1500" }), "twice", alone, "and nothing decided before it came back is forgotten"],
    ["S13", wholly, wish("refund", tx2), "twice", alone, "a part of what is given back as a whole"],
    ["S13", wholly, wish("refund", { ...tx2, ...stated }), "twice", alone, "which no word changes"],
    ["refund tx-1", wholly, wish("refund", { ...tx2, transactionId: "tx-1" }), "twice", alone, "another transaction is not given back yet"],
    ["S13", review(double), wish("refund", { ...tx2, amount: "2000" }), "twice", alone, "one part alone is more than was asked for"],
    ["resend request-1", cameBack(resent), wish("resend"), "nothing", alone, "it came back: what was decided before was about something else"],
    ["S13", cameBack(refunded, double), wish("settle-as-approved"), "twice", alone, "nor does a refund of then make room for an approval now"],
    ["attempt 2", cameBack(proposed), wish("new-attempt", by), "absent", alone, "nor is a proposal of then confirmed"],
    ["S13", proposedRefund, wish("settle-as-approved"), "twice", alone, "a refund that is proposed is not decided"],
    ["S13", decideOn(review(double), wish("drop"), words.twice, alone, 5).entry, wish("settle-as-approved"), "twice", alone, "nor is any other decision a refund"],
    ["approved on feed_rows", decideOn(refunded, wish("refund", { transactionId: "tx-3" }), words.thrice, alone, 6).entry, wish("settle-as-approved"), "thrice", alone, "two of three are given back"],
    ["S13", decideOn(refunded, wish("refund", { transactionId: "tx-2", amount: "600" }), words.twice, alone, 6).entry, wish("settle-as-approved"), "thrice", alone, "one of three, in two parts"],
    ["refund tx-2", proposedRefund, wish("refund", { by: "Bo", amount: "100" }), "twice", two, "what is only proposed is still to be given back"],
    ["S4", refunded, wish("settle-as-approved"), "failed", alone, "what was given back is decided, and what was taken nobody shows"],
    ["refund tx-3", refunded, wish("refund", { by: "Bo", amount: "700" }), "thrice", alone, "what is decided is not proposed again"],
  ])("%s ‹%#›", (expected, entry, wanted, word, policy, reason) => {
    expect(short(judge({ entry, wish: wanted, word: words[word] }, policy)), reason).toBe(expected);
  });

  test("a proposal of then is not confirmed when the charge has come back: it is proposed anew", () => {
    const judged = judge(
      { entry: cameBack(proposed), wish: wish("new-attempt", by), word: words.absent },
      two,
    );
    expect(judged.kind).toBe("proposes");
  });

  test("a drop in between takes no proposal back", () => {
    const judged = judge({ entry: dropped, wish: wish("new-attempt", by), word: words.absent }, two);
    expect(judged.kind).toBe("decides");
  });

  test("what has left review is decided so, if that was the last word", () => {
    const approved = decideOn(review(), wish("settle-as-approved"), words.captured, alone, 5).entry;
    expect(short(judge({ entry: approved, wish: wish("settle-as-approved") }))).toBe("already");
    expect(short(judge({ entry: approved, wish: wish("drop") }))).toBe("state");
    const overtaken = { ...final(), history: proposed.history };
    expect(short(judge({ entry: overtaken, wish: wish("new-attempt") }))).toBe("state");
  });

  test("the reason and the evidence of whoever proposed hold, and nothing that they did not name", () => {
    const terms = wish("settle-as-approved", { ...stated, transactionId: "tx-5" });
    const { entry } = decideOn(review(), terms, words.nothing, two, 5);
    const second = judge({ entry, wish: wish("settle-as-approved", by) }, two);
    expect(second).toMatchObject({ kind: "decides", effect: { ids: { transactionId: "tx-5" } } });
    const bare = decideOn(review(double), wish("refund"), words.twice, two, 5).entry;
    expect(judge({ entry: bare, wish: wish("refund", by), word: words.twice }, two)).toMatchObject({
      effect: { refund: { gateway: "centrobill", transactionId: "tx-2" } },
    });
  });

  test("a decline that is certified needs no second one either: a worker would have made it", () => {
    const reply = { kind: "reply", atMs: t0, status: 200, bodySha256: "b".repeat(64) } as const;
    const evidence = { kind: "reply_and_absence", reply, searches: [] } as const;
    const word = { ...words.declined, evidence };
    expect(judge({ wish: wish("settle-as-declined"), word }, two).kind).toBe("decides");
  });
});

describe("what a decision does, whole", () => {
  const [row1, row2] = words.twice.rows;
  const seenRows = { evidence: { kind: "feed_rows", rows: [row1, row2] } } as const;
  const { kind, atMs, rowSha256 } = row1 as FeedRowEvidence;
  const unnamedRows = { evidence: { kind: "feed_rows", rows: [row1, { kind, atMs, rowSha256 }] } } as const;
  const own = { evidence: { ...row1, transactionId: "tx-8" } } as const;
  const approve = wish("settle-as-approved", stated);
  const byWord = (rows: readonly unknown[], more: object = {}) => ({
    kind: "settle",
    state: "approved",
    ending: {},
    evidence: { kind: "persons_word", rows },
    ...more,
  });
  const refund = (transactionId: string) => ({
    kind: "refund",
    refund: { gateway: "centrobill", transactionId },
  });
  // biome-ignore format: one row a line
  test.each<[Partial<ToJudge>, effect: object, reason: string]>([
    [{ wish: wish("settle-as-approved"), word: words.captured }, { kind: "settle", state: "approved", ending: { code: "0" }, evidence: row1, ids: { transactionId: "tx-1" } }, "the gateway's row, its code and its ids"],
    [{ wish: wish("settle-as-declined"), word: words.absent }, { kind: "settle", state: "declined_permanent", ending: { code: "absent" }, evidence: { kind: "absence", searches: words.absent.searches } }, "the searches"],
    [{ wish: approve }, byWord([]), "a person's word, and no row beside it"],
    [{ wish: approve, entry: review(seenRows) }, byWord([row1, row2]), "the rows that brought it here"],
    [{ wish: approve, entry: review(own) }, byWord([own.evidence]), "the row that brought it here"],
    [{ wish: approve, entry: review({ ...seenRows, reason: "weak_match" }), word: words.weak }, byWord(words.weak.rows), "what looks like it now"],
    [{ wish: { ...approve, transactionId: "tx-5" } }, byWord([], { ids: { transactionId: "tx-5" } }), "the transaction that the person names"],
    [{ wish: approve, entry: review({ ending: { code: "77" } }) }, byWord([], { ending: { code: "77" } }), "the code that it had"],
    [{ wish: wish("refund"), word: words.failed, entry: review({ ...seenRows, ...double }) }, refund("tx-2"), "of what brought it here all but the first"],
    [{ wish: wish("refund"), word: words.failed, entry: review({ ...own, reason: "mismatch" }) }, refund("tx-8"), "of what was not asked for all"],
    [{ wish: wish("refund"), word: words.captured, entry: review(double) }, refund("tx-1"), "taken once, by the gateway's word now"],
    [{ wish: wish("refund"), word: words.twice, entry: review({ reason: "mismatch" }) }, refund("tx-2"), "twice, by the gateway's word now"],
    [{ wish: wish("refund"), word: words.mismatch, entry: review(double) }, refund("tx-1"), "once, and otherwise, by the gateway's word now"],
    [{ wish: wish("refund", { transactionId: "tx-6" }), entry: review({ ids: { transactionId: "tx-6" } }) }, refund("tx-6"), "the transaction that the ledger has"],
    [{ wish: wish("settle-as-declined"), word: words.absent, entry: review({ attempt: 2 }), notices: [notice()] }, { kind: "settle", state: "declined_permanent", ending: { code: "absent" }, evidence: { kind: "absence", searches: words.absent.searches } }, "a notice of another attempt is nothing to answer for"],
    [{ wish: wish("settle-as-approved"), word: words.captured, notices: [notice()] }, { kind: "settle", state: "approved", ending: { code: "0" }, evidence: row1, ids: { transactionId: "tx-1" } }, "a notice that says something else than given back stands in nobody's way"],
    [{ wish: wish("new-attempt"), word: words.absent, entry: review({ attempt: 3 }) }, { kind: "newAttempt", attempt: 4 }, "the last one that the policy allows"],
    [{ wish: wish("resend"), entry: review({ notAfterMs: t0 + 10 * minute }) }, { kind: "resend", requestId: "request-1", untilMs: t0 + 750_000 }, "the merchant's last moment"],
    [{ wish: wish("resend"), entry: review({ firstSendAtMs: t0 + 60_000 }) }, { kind: "resend", requestId: "request-1", untilMs: t0 + 810_000 }, "the key life begins with the first byte"],
  ])("‹%#›", (changes, effect, reason) => {
    const judged = judge(changes);
    expect("effect" in judged ? judged.effect : judged, reason).toStrictEqual(effect);
  });

  // biome-ignore format: one row a line
  test.each<[expected: string, Partial<ToJudge>, reason: string]>([
    ["S13", { wish: wish("settle-as-approved", stated), word: words.failed, entry: review({ ...double, ...seenRows }) }, "taken twice, by what brought it here"],
    ["S4", { wish: wish("settle-as-approved"), word: words.mismatch, entry: review(double) }, "the gateway's word now comes before what brought it here"],
    ["S4", { wish: wish("settle-as-approved", stated), word: words.givenBack, entry: review(double) }, "the same"],
    ["S13", { wish: wish("settle-as-approved", stated), word: words.twice }, "the same"],
    ["S13", { wish: wish("refund"), word: words.failed, entry: review({ ...double, ...unnamedRows }) }, "what is too much has no name under which it could be given back"],
  ])("%s ‹%#›", (expected, changes, reason) => {
    expect(short(judge(changes)), reason).toBe(expected);
  });
});

describe("the words in which it is told to a person", () => {
  const two = policyOf();
  const full = {
    history: [
      ...review().history,
      ...Array.from({ length: 50 }, () => decideOn(review(), wish("drop"), words.nothing, alone, 5).event),
    ],
  };
  const approved = decideOn(review(), wish("settle-as-approved"), words.captured, alone, 5).entry;
  const refunded = decideOn(review(double), wish("refund"), words.twice, alone, 5).entry;
  const proposed = decideOn(review(), wish("new-attempt"), words.absent, two, 5).entry;
  const approve = { wish: wish("settle-as-approved") };
  const decline = { wish: wish("settle-as-declined") };
  const resend = { wish: wish("resend") };
  const again = { wish: wish("new-attempt") };
  const partly = decideOn(
    review(double),
    wish("refund", { transactionId: "tx-2", amount: "1500" }),
    words.twice,
    alone,
    5,
  ).entry;
  const refund = { wish: wish("refund") };
  const drop = { wish: wish("drop") };
  const nothing = "nothing that proves an outcome";
  const told = { notices: [notice()] };
  // biome-ignore format: one row a line
  test.each<[why: string, Partial<ToJudge>, policy?: Policy, nowMs?: number]>([
    ["decided by Ann; the charge is approved", { ...approve, entry: approved }],
    ["the charge is approved: only what is in review is decided", { ...drop, entry: approved }],
    ["all of tx-2 is to be given back already, decided by Ann", { wish: wish("refund", { transactionId: "tx-2", amount: "100" }), entry: refunded, word: words.twice }],
    ["with what is decided that would be 3100 of the 1999 that were asked for: state what was taken (--evidence)", { wish: wish("refund", { transactionId: "tx-2", amount: "1600" }), entry: partly, word: words.twice }],
    ["decided by Ann before", { ...refund, entry: refunded, word: words.twice }],
    ["proposed by the same person: another one confirms it", { ...again, entry: proposed }, two],
    ["the charge has changed since it was shown: look at it again", { ...drop, on: "token-9" }],
    ["a charge has at most 50 decisions and proposals", { ...resend, entry: review(full) }],
    ["S5: attempt 1 is certified absent (absent by 2 searches); another person has to confirm it", { ...again, word: words.absent }, two],
    ["S5: attempt 1 is certified absent (absent by 2 searches); proposed by Ann", { wish: wish("new-attempt", { by: "Bo" }), entry: proposed, word: words.absent }, two],
    ["S4: the gateway's own row says captured, as asked (captured: tx-1)", { ...approve, word: words.captured }],
    ["a notice says that it was given back (charge sale success): state what holds (--evidence)", { ...approve, notices: [notice({ reason: "refunded_or_charged_back" })] }],
    ["the gateway says declined, code 5051: no statement outweighs that here", { ...approve, word: words.declined }],
    ["the gateway says that its last word is to come: wait for it", { ...approve, word: words.pending }],
    ["the gateway says absent by 2 searches: nothing was taken that could be approved", { ...approve, word: words.absent }],
    ["the money was given back: an approval would say that it is here", { ...approve, word: words.givenBack }],
    ["it was taken twice: decide the refund of what is too much first", { ...approve, word: words.twice }],
    ["S13: captured, and the refund of what is too much is decided (captured, but double_charge: tx-1, tx-2)", { ...approve, entry: refunded, word: words.twice }],
    [`no final state without its evidence: the gateway says "${nothing}"; state what you know (--evidence)`, approve],
    [`S4: on a person's word alone (the gateway says "${nothing}")`, { wish: wish("settle-as-approved", stated) }],
    ["the gateway shows a capture (captured: tx-1): a decline would be false", { ...decline, word: words.captured }],
    ["it is here because money was taken (mismatch): a decline would be false", { ...decline, entry: review({ reason: "mismatch" }) }],
    ["the gateway accepted it, and its last word is to come", { ...decline, word: words.pending }],
    ["a notice says otherwise (charge sale success): state what became of it (--evidence)", { ...decline, ...told }],
    ["S4: the gateway's own word is no (declined, code 5051); it is not tried again by itself", { ...decline, word: words.declined }],
    ["S5: certified absent (absent by 2 searches): nothing was taken", { ...decline, word: words.absent }],
    ["a row looks like this charge: state whose it is (--evidence), or settle on it", { ...decline, word: words.weak }],
    [`an unknown is never called a failure: the gateway says "${nothing}"; state what you know (--evidence)`, decline],
    [`S4: on a person's word alone (the gateway says "${nothing}")`, { wish: wish("settle-as-declined", stated) }],
    ["the gateway knows request-1 until 2026-11-22T12:12:30.000Z: past it the same id may charge again", resend, alone, t0 + 15 * minute],
    ["the gateway shows a capture (captured: tx-1): another send could take it again", { ...resend, word: words.captured }],
    ["the gateway accepted it, and its last word is to come", { ...resend, word: words.pending }],
    ["a notice says otherwise (charge sale success): it has to be settled, not sent again", { ...resend, ...told }],
    ["a row looks like this charge: state whose it is (--evidence)", { ...resend, word: words.weak }],
    ["it may not be sent after 2026-11-22T12:01:00.000Z", { ...resend, entry: review({ notAfterMs: t0 + minute }) }],
    ["the charge's own message is needed to send it, and the ledger never has it (--charge)", { ...resend, hasMessage: false }],
    ["it is answered: the same id would be answered the same (new-attempt takes another)", { ...resend, word: words.declined }],
    ["a void of it was begun: the same id would be answered as before it (new-attempt takes another)", { ...resend, entry: review({ voidingAtMs: t0 }) }],
    ["the gateway contradicts itself about this charge: nothing is sent on top of it", { ...resend, entry: review({ reason: "contradiction" }) }],
    ["S2, S3: the same request id, while the gateway knows it (until 2026-11-22T12:12:30.000Z): it cannot charge twice; a worker that comes later looks up and does not send", resend],
    ["a charge has at most 4 attempts (attemptsMax)", { ...again, entry: review({ attempt: 4 }), word: words.absent }],
    ["S2: attempt 1 is answered (declined, code 5051)", { ...again, word: words.declined }],
    [`a new request id needs an answer to the one before, or a certificate of its absence: the gateway says "${nothing}"`, again],
    ["nothing here shows that transaction: state where you saw it (--evidence)", { wish: wish("refund", { transactionId: "tx-9" }) }],
    ["S13: the gateway's own transaction", { wish: wish("refund", { transactionId: "tx-2" }), word: words.twice }],
    ["S13: a transaction on a person's word alone", { wish: wish("refund", { transactionId: "tx-9", ...stated }) }],
    [`nothing shows that money was taken: the gateway says "${nothing}"`, refund],
    ["no transaction is known that could be given back: name it (--transaction)", { ...refund, entry: review(double) }],
    ["several transactions could be given back: name one (--transaction): tx-2, tx-3", { ...refund, word: words.thrice }],
    ["S13: the gateway shows a capture (captured, but double_charge: tx-1, tx-2)", { ...refund, word: words.twice }],
    ["the gateway knows its outcome (captured: tx-1): settle it", { ...drop, word: words.captured }],
    ["the gateway accepted it, and its last word is to come", { ...drop, word: words.pending }],
    ["nothing is sent, and no outcome is told; reconciliation still reports what the gateway has of it", drop],
  ])("%s", (why, changes, policy = alone, nowMs = t0 + 10 * minute) => {
    expect(judge(changes, policy, nowMs).why).toBe(why);
  });
});

test("never: a send on what was taken, a new id on what is not answered, a false no", () => {
  const anyWord = fc.constantFrom(...(Object.keys(words) as WordName[]));
  const anyReason = fc.constantFrom<ReviewReason>(
    "lookups_used_up",
    "absent_past_key_life",
    "mismatch",
    "double_charge",
    "captured_by_earlier_attempt",
    "refunded_or_charged_back",
    "unlisted_answer",
    "contradiction",
  );
  fc.assert(
    fc.property(
      anyWord,
      anyReason,
      fc.constantFrom(...reviewDecisions),
      fc.boolean(),
      fc.boolean(),
      fc.integer({ min: 0, max: 30 }),
      (name, reason, decision, isStated, hasMessage, minutes) => {
        const word: GatewayWord = words[name];
        const nowMs = t0 + minutes * minute;
        const judged = judge(
          { entry: review({ reason }), wish: wish(decision, isStated ? stated : {}), word, hasMessage },
          alone,
          nowMs,
        );
        if (judged.kind !== "decides") return;
        const { effect } = judged;
        const taken = word.says === "captured" || word.says === "captured_otherwise";
        if (effect.kind === "resend") {
          expect(taken).toBe(false);
          expect(nowMs).toBeLessThanOrEqual(effect.untilMs);
          expect(hasMessage).toBe(true);
        }
        if (effect.kind === "newAttempt") expect(["absent", "declined", "weak"]).toContain(word.says);
        if (effect.kind === "settle" && effect.state === "declined_permanent") expect(taken).toBe(false);
        if (effect.kind === "settle" && effect.evidence.kind === "persons_word") expect(isStated).toBe(true);
      },
    ),
    { numRuns: 2_000 },
  );
});
