import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FeedRowEvidence } from "../../lib/core/evidence.ts";
import type { GatewayWord } from "../../lib/core/gateway-word.ts";
import { type DecisionVerdict, judgeDecision, type ToJudge } from "../../lib/core/judge-decision.ts";
import type { LedgerEntry, ReviewEntry, ReviewReason } from "../../lib/core/ledger.ts";
import type { NotedNotice } from "../../lib/core/notice.ts";
import type { Policy } from "../../lib/core/policy.ts";
import { recordDecision } from "../../lib/core/record-decision.ts";
import { type ReviewDecision, reviewDecisions, type Wish } from "../../lib/core/review-decision.ts";
import { sha256Of } from "../doubles/scripted-wire.ts";
import {
  final,
  opened,
  pending,
  policyOf,
  requestIdOf,
  review,
  search,
  t0,
  tokenOf,
  unknown,
  waiting,
} from "./builders.ts";

const minute = 60_000;
const feedRow = (transactionId = "tx-1"): FeedRowEvidence => ({
  kind: "feed_row",
  atMs: t0 + 400_000,
  code: "0",
  rowSha256: "a".repeat(64),
  transactionId,
});

const words = {
  captured: { says: "captured", evidence: feedRow(), code: "0", ids: { transactionId: "tx-1" } },
  twice: { says: "captured_otherwise", reason: "double_charge", rows: [feedRow("tx-1"), feedRow("tx-2")] },
  thrice: {
    says: "captured_otherwise",
    reason: "double_charge",
    rows: [feedRow("tx-1"), feedRow("tx-2"), feedRow("tx-3")],
  },
  mismatch: {
    says: "captured_otherwise",
    reason: "mismatch",
    rows: [feedRow()],
    mismatch: { field: "amount", asked: "1999", got: "999" },
  },
  givenBack: { says: "captured_otherwise", reason: "refunded_or_charged_back", rows: [feedRow()] },
  declined: { says: "declined", evidence: feedRow(), ending: { code: "5051", retry: "later" } },
  pending: { says: "pending" },
  absent: { says: "absent", searches: [search(400), search(500)] },
  weak: { says: "weak", rows: [feedRow("tx-7")], absent: true, searches: [search(400), search(500)] },
  weakOnce: { says: "weak", rows: [feedRow("tx-7")], absent: false, searches: [search(400)] },
  nothing: { says: "nothing", whole: true },
  failed: { says: "not_asked", why: "failed" },
  moves: { says: "not_asked", why: "asking_moves_money" },
} as const satisfies Record<string, GatewayWord>;
type WordName = keyof typeof words;

const wish = (decision: ReviewDecision, changes: Partial<Wish> = {}): Wish => ({
  decision,
  by: "Ann",
  reason: "called the gateway",
  ...changes,
});
const stated = { stated: "mail of 25 November, case 4711" };

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
  const lifeEnd = t0 + 900_000 - 90_000;
  test.each<[what: string, changes: Partial<ToJudge>, nowMs: number, expected: string, reason: string]>([
    ["resend", { wish: wish("resend") }, lifeEnd, "resend request-1", "the last moment of the key life"],
    ["resend", { wish: wish("resend") }, lifeEnd + 1, "S3", "past it"],
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

/** The entry after a decision, as it is written. */
const decideOn = (entry: ReviewEntry, by: Wish, word: GatewayWord, policy: Policy, minutes: number) => {
  const nowMs = t0 + minutes * minute;
  const judged = judge({ entry, wish: by, word }, policy, nowMs);
  if (judged.kind === "refused" || judged.kind === "already")
    throw new Error(`${judged.kind}: ${judged.why}`);
  return recordDecision(entry, judged, by, word, {
    token: tokenOf(`token-${minutes}`),
    nowMs,
    requestId: requestIdOf("request-2"),
    sha256: sha256Of,
  });
};

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
    const { entry: two } = decideOn(
      one as ReviewEntry,
      wish("settle-as-declined", { by: "Bo" }),
      words.absent,
      policy,
      6,
    );
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

  test("a record does not grow without end", () => {
    const event = decideOn(review(), wish("drop"), words.nothing, alone, 5).event;
    const entry = review({ history: [...review().history, ...Array.from({ length: 50 }, () => event)] });
    expect(judge({ entry, wish: wish("resend") })).toMatchObject({ kind: "refused", rule: "policy" });
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
