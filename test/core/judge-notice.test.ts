import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isSaidOther, judgeNotice, type NoticeVerdict } from "../../lib/core/judge-notice.ts";
import { type LedgerEntry, mayFollow, type UnknownEntry } from "../../lib/core/ledger.ts";
import { type Notice, noticeEvidenceOf, parseWakeUp, wakeUpOf } from "../../lib/core/notice.ts";
import type { GatewayReply } from "../../lib/core/reply.ts";
import { recordVerdict } from "../../lib/core/verdict.ts";
import {
  by,
  chargeIdOf,
  final,
  opened,
  pending,
  replies,
  requestIdOf,
  review,
  rules,
  t0,
  unknown,
  waiting,
} from "./builders.ts";

/** A genuine notice of `order-1`'s attempt, transaction `tx-1`, unless `changes` says else. */
const notice = (reply: GatewayReply | keyof typeof replies, changes: Partial<Notice> = {}): Notice => {
  const read = typeof reply === "string" ? replies[reply] : reply;
  return {
    v: 1,
    gateway: "centrobill",
    id: `tx-1.${read.kind}`,
    reference: "tx-1",
    receivedAtMs: t0 + 5_000,
    bodySha256: "c".repeat(64),
    kind: "charge",
    words: `charge sale ${read.kind}`,
    reply:
      "echo" in read && changes.requestId !== undefined
        ? { ...read, echo: { ...read.echo, requestId: changes.requestId } }
        : read,
    chargeId: chargeIdOf("order-1"),
    requestId: "request-1",
    transactionId: "tx-1",
    signed: "reference_and_status",
    ...changes,
  };
};
const without = (one: Notice, ...names: (keyof Notice)[]): Notice =>
  Object.fromEntries(Object.entries(one).filter(([name]) => !names.includes(name as keyof Notice))) as Notice;
const echoing = (kind: "captured" | "refused" | "accepted", echo: object): GatewayReply => ({
  ...replies[kind],
  echo: { ...replies[kind].echo, ...echo },
});
const reversal = (changes: Partial<Notice> = {}): Notice =>
  notice("unproven", {
    kind: "reversal",
    id: "tx-9.refund",
    reference: "tx-9",
    transactionId: "tx-9",
    ...changes,
  });
const knowing = <E extends LedgerEntry>(entry: E, transactionId = "tx-1"): E => ({
  ...entry,
  ids: { transactionId },
});
const attempt2 = <E extends LedgerEntry>(entry: E): E => ({
  ...entry,
  attempt: 2,
  requestId: requestIdOf("request-2"),
  earlierRequestIds: [requestIdOf("request-1")],
});

/** With a notice that is in its history. */
const hearing = <E extends LedgerEntry>(entry: E): E => ({
  ...entry,
  history: [...entry.history, { e: "notice", at: t0, id: "tx-1.captured", words: "" }],
});
/** With what was made for each of its attempts at the gateway. */
const made = <E extends LedgerEntry>(entry: E, ...ids: string[]): E => ({
  ...entry,
  preparation: { prepared: { id: ids.at(-1) ?? "" } },
  history: [...entry.history, ...ids.map((id) => ({ e: "prepared" as const, at: t0, id }))],
});
/** A notice that names what was made and paid, and no key. */
const paid = (orderId: string): Notice =>
  without(
    notice({ ...replies.captured, echo: { amount: "19.99", currency: "EUR" } }, { signed: "whole", orderId }),
    "requestId",
    "chargeId",
    "transactionId",
  );

/** A verdict in one line. */
const told = (verdict: NoticeVerdict): string => {
  switch (verdict.kind) {
    case "moves":
      return verdict.verdict.kind === "settle"
        ? `moves to ${verdict.verdict.state}${verdict.verdict.ending.category === undefined ? "" : ` ${verdict.verdict.ending.category}`}`
        : verdict.verdict.kind === "review"
          ? `moves to review ${verdict.verdict.reason}`
          : `moves to ${verdict.verdict.state}`;
    case "tells":
      return `tells ${verdict.reason}${verdict.lookUp ? ", looks up" : ""}`;
    default:
      return verdict.kind;
  }
};

const wrongAmount = echoing("captured", { amount: "20.00" });
const wrongCurrency = echoing("captured", { currency: "USD" });
const noAmount: GatewayReply = { ...replies.captured, echo: { currency: "EUR" } };
const answeredOnce = { openSends: 1, sends: 1 };
const sentTwice = { openSends: 2, sends: 2 };
const foreign = { saidOther: true };
const blind = { canAsk: false };

// biome-ignore format: one row a line
const table: readonly (readonly [expected: string, LedgerEntry, Notice, options: { saidOther?: boolean; canAsk?: boolean }, why: string])[] = [
  // early
  ["early", opened(), notice("captured"), {}, "who holds the lease records (S7)"],
  ["early", opened(), reversal(), {}, "even what is given back waits for its charge"],
  ["early", waiting(), notice("captured"), {}, "it is about to be sent: its next word comes first"],
  ["early", attempt2(waiting()), notice("refused"), {}, "what is known does not keep it"],
  ["early", attempt2(waiting()), notice("accepted"), {}, "nor what may be old news"],
  ["early", attempt2(waiting()), reversal(), {}, "nor what is given back"],
  ["early", attempt2(waiting()), notice("captured", { kind: "reversal" }), {}, "however it reads"],
  ["early", hearing(attempt2(waiting())), notice("captured"), {}, "whoever had it sent knew of that"],

  // a later attempt that is about to be sent, and money that an earlier one took
  ["moves to review captured_by_earlier_attempt", attempt2(waiting()), notice("captured"), {}, "it would be taken again (S2)"],
  ["moves to review captured_by_earlier_attempt", attempt2(waiting()), notice("captured"), blind, "whether the gateway can be asked or not"],
  ["moves to review captured_by_earlier_attempt", attempt2(waiting()), without(notice("captured"), "requestId"), {}, "which attempt is not said: of this one nothing was sent"],
  ["moves to review contradiction", attempt2(waiting()), notice("captured", { requestId: "request-x" }), {}, "a request id that nobody sent: a person says whose it is"],
  ["moves to review contradiction", attempt2(waiting()), notice("captured", { requestId: "request-2" }), {}, "its own, which was not sent"],
  ["moves to review contradiction", attempt2(waiting()), notice("captured"), foreign, "its transaction was named as another charge's"],

  // an unknown, and the gateway's yes
  ["moves to approved", unknown(), notice("captured"), {}, "it echoes everything that the ledger holds"],
  ["moves to approved", pending(), notice("captured"), {}, "the word that was to come"],
  ["moves to approved", unknown(sentTwice), notice("captured"), {}, "a capture is one, however often it was sent"],
  ["moves to approved", knowing(unknown()), notice("captured"), {}, "the transaction is the one that is known"],
  ["moves to approved", unknown(), notice("captured"), blind, "without a feed, too"],
  ["lookUp", knowing(unknown(), "tx-2"), notice("captured"), {}, "another transaction than the one that is known"],
  ["lookUp", unknown(), notice(wrongAmount), {}, "the amount is not signed: asked for"],
  ["lookUp", unknown(), notice(wrongCurrency), {}, "nor is the currency"],
  ["lookUp", unknown(), notice(noAmount), {}, "an echo without an amount is none (S9)"],
  ["lookUp", unknown(), without(notice("captured"), "requestId"), {}, "which attempt is not said"],
  ["lookUp", unknown(), without(notice("captured"), "chargeId"), {}, "found by another way than its own word"],
  ["lookUp", unknown(), notice("captured", { requestId: "request-x" }), {}, "a request id that nobody sent"],
  ["lookUp", unknown(), notice("captured"), foreign, "its transaction was named as another charge's"],
  ["moves to review captured_by_earlier_attempt", attempt2(unknown()), notice("captured"), {}, "an attempt that was taken for answered: no look-up reaches back so far, and another send would take it again"],
  ["moves to review captured_by_earlier_attempt", attempt2(pending()), without(notice("captured", { signed: "whole" }), "chargeId"), {}, "found by another way, and all of it signed"],
  ["lookUp", attempt2(unknown()), without(notice("captured"), "chargeId"), {}, "found by another way, and not signed"],
  ["moves to review captured_by_earlier_attempt", made(attempt2(unknown()), "pr-1", "pr-2"), paid("pr-1"), {}, "on what was made for the attempt before"],
  ["moves to approved", made(attempt2(unknown()), "pr-1", "pr-2"), paid("pr-2"), {}, "on what was made for this one"],
  ["moves to approved", made(attempt2(unknown()), "pr-1", "pr-2"), { ...paid("pr-1"), requestId: "request-2" }, {}, "by this one's own key"],
  ["moves to approved", made(attempt2(unknown()), "pr-1", "pr-2"), paid("pr-9"), {}, "on what nobody here has made: found by its own name"],
  ["moves to approved", hearing(made(attempt2(unknown()), "pr-1", "pr-2")), { ...paid("tx-1.captured"), id: "another" }, {}, "though a notice is called so"],
  ["moves to review captured_by_earlier_attempt", { ...made(attempt2(unknown()), "pr-1"), preparation: {} }, paid("pr-1"), {}, "and for this one nothing is made yet"],
  ["tells mismatch", unknown(), notice(wrongAmount), blind, "who cannot ask tells a person"],
  ["tells contradiction", unknown(), notice("captured"), { ...foreign, ...blind }, "the same"],
  ["moves to review captured_by_earlier_attempt", attempt2(unknown()), notice("captured"), blind, "without a feed, too"],
  ["moves to review mismatch", unknown(), notice(wrongAmount, { signed: "whole" }), {}, "signed, and not what was asked"],
  ["moves to approved", unknown(), without(notice("captured", { signed: "whole" }), "chargeId", "requestId"), {}, "signed whole, and found by our own reference"],
  ["lookUp", unknown(), notice("captured", { signed: "whole", requestId: "request-x" }), {}, "paid by another key than ours"],

  ["moves to approved", knowing(unknown()), without(notice("captured"), "transactionId"), {}, "which transaction is not said: no other one"],
  ["tells contradiction", unknown(), without(notice("captured"), "requestId"), blind, "which attempt is not said, and nobody to ask"],
  ["lookUp", unknown({ voidingAtMs: t0 }), notice("captured", { signed: "whole" }), {}, "taken, and being taken back: the rows tell what became of it"],

  // an unknown, and something else
  ["moves to pending", unknown(), notice("accepted"), {}, "it arrived: nothing sends it again"],
  ["agrees", pending(), notice("accepted"), {}, "known"],
  ["moves to pending", unknown(), without(notice("accepted", { signed: "whole" }), "requestId"), {}, "signed whole, and found by our own reference"],
  ["lookUp", unknown(), notice(echoing("accepted", { amount: "1.00" })), {}, "not what was asked"],
  ["lookUp", attempt2(unknown()), notice("accepted"), {}, "the attempt before"],
  ["lookUp", unknown(), { ...notice(echoing("accepted", { requestId: undefined })), signed: "whole", requestId: requestIdOf("request-9") }, {}, "an attempt that nobody made"],
  ["lookUp", knowing(unknown(), "tx-2"), notice("accepted"), {}, "another transaction"],
  ["lookUp", unknown(), without(notice("accepted"), "requestId"), {}, "which attempt is not said"],
  ["tells contradiction", attempt2(unknown()), notice("accepted"), blind, "and nobody to ask"],
  ["agrees", unknown(), notice("invalid"), {}, "the request was wrong: its answer says so, and that is not signed"],
  ["lookUp", unknown(), notice("accepted"), foreign, "another charge's"],
  ["lookUp", unknown(answeredOnce), notice("refused"), {}, "the code is not signed, and the row has it"],
  ["lookUp", unknown(sentTwice), notice("refused"), {}, "a no answers one send"],
  ["moves to declined_permanent unrecognised", unknown(answeredOnce), notice("refused"), blind, "a no for the one send; its code is not believed"],
  ["moves to declined_permanent unrecognised", unknown({ openSends: 0, sends: 1 }), notice("refused"), blind, "no send is open"],
  ["lookUp", unknown({ openSends: 1, sends: 2 }), notice("refused"), blind, "which of two it answers is not said"],
  ["lookUp", unknown({ openSends: 2, sends: 1 }), notice("refused"), blind, "more are open than were sent: nothing to rely on"],
  ["moves to declined_retryable insufficient_funds", unknown(answeredOnce), notice("refused", { signed: "whole" }), blind, "signed: the code's own row"],
  ["moves to declined_permanent never_approved", unknown(answeredOnce), notice({ ...replies.refused, code: "5043" }), blind, "a strict code may be believed"],
  ["lookUp", unknown(sentTwice), notice("refused"), blind, "the other send may have been captured"],
  ["lookUp", unknown(answeredOnce), notice(echoing("refused", { amount: "1.00" })), blind, "not what was asked"],
  ["agrees", attempt2(unknown()), notice("refused"), {}, "that attempt was answered so"],
  ["lookUp", unknown(), notice("unproven"), {}, "a word that no row knows"],
  ["tells contradiction", unknown(), notice("unproven"), blind, "and nobody to ask"],
  ["tells refunded_or_charged_back, looks up", unknown(), reversal(), {}, "what is given back was taken"],
  ["tells refunded_or_charged_back", unknown(), reversal(), blind, "the same"],

  // approved
  ["agrees", knowing(final()), notice("captured"), {}, "the usual case: it is known"],
  ["agrees", final(), notice("captured"), {}, "known, without its id"],
  ["agrees", knowing(final()), notice("accepted"), {}, "late news"],
  ["agrees", final(), notice({ kind: "unproven", why: "not_a_capture", ids: {} }), {}, "its authorisation"],
  ["tells double_charge", knowing(final(), "tx-2"), notice("captured"), {}, "a second transaction was captured"],
  ["tells mismatch", knowing(final()), notice(wrongAmount), {}, "another amount than was approved"],
  ["tells contradiction", knowing(final()), notice("refused"), {}, "success is not final with online banking"],
  ["tells contradiction", final(), notice("captured", { requestId: "request-x" }), {}, "under a request id that nobody sent"],
  ["agrees", { ...final(), voidingAtMs: t0 } as LedgerEntry, notice("captured"), {}, "approved is more than a void that was begun"],
  ["tells contradiction", final(), notice("captured"), foreign, "another charge's transaction"],
  ["tells contradiction", final(), notice("unproven"), {}, "a word that no row knows"],
  ["tells refunded_or_charged_back", final(), reversal(), {}, "a person books it"],
  ["tells double_charge", attempt2(final()), notice("captured"), {}, "the attempt before was captured, too"],

  // a final no
  ["tells contradiction", final("declined_permanent"), notice("captured"), {}, "late success after a recorded decline"],
  ["tells contradiction", final("declined_retryable"), notice("captured"), {}, "before a later attempt doubles it"],
  ["tells contradiction", final("request_error"), notice("captured"), {}, "refused, and taken all the same"],
  ["tells contradiction", final("expired"), notice("captured"), {}, "never sent, by our own record"],
  ["tells captured_by_earlier_attempt", attempt2(final("declined_permanent")), notice("captured"), {}, "the attempt before"],
  ["agrees", final("declined_permanent"), notice("refused"), {}, "known"],
  ["agrees", final("declined_retryable"), notice("refused"), {}, "known"],
  ["agrees", final("declined_permanent"), notice("accepted"), {}, "late news"],
  ["tells contradiction", knowing(final("declined_permanent"), "tx-2"), notice("captured"), {}, "by another transaction than the one that was refused"],
  ["tells contradiction", final("declined_permanent"), notice("refused", { requestId: "request-x" }), {}, "of an attempt that nobody made"],
  ["tells refunded_or_charged_back", final("declined_permanent"), reversal(), {}, "given back, though never taken"],

  // with a person
  ["tells contradiction", review(), notice("captured"), {}, "news for whoever decides"],
  ["tells contradiction", review(), notice("refused"), {}, "the same"],
  ["agrees", knowing(review({ reason: "mismatch" })), notice(wrongAmount), {}, "it is there because of this"],
  ["agrees", knowing(review()), notice("refused"), {}, "the same"],
  ["tells contradiction", review(), without(notice("refused"), "transactionId"), {}, "of a transaction that nobody names"],
  ["tells refunded_or_charged_back", review({ voidingAtMs: t0 }), notice("captured"), {}, "taken, while it was taken back"],
  ["tells mismatch", review(), notice(wrongAmount), {}, "news"],
  ["tells refunded_or_charged_back", review(), reversal(), {}, "news"],
];

const judged = (
  entry: LedgerEntry,
  one: Notice,
  options: { readonly saidOther?: boolean; readonly canAsk?: boolean } = {},
): NoticeVerdict => judgeNotice({ entry, notice: one, saidOther: false, canAsk: true, ...options }, rules);

describe("what follows from a notice", () => {
  test.each(table)("%s ‹%#›", (expected, entry, one, options, why) => {
    expect(told(judged(entry, one, options)), why).toBe(expected);
  });

  test("one that is in the history is known", () => {
    const entry = unknown();
    const noted: UnknownEntry = {
      ...entry,
      history: [...entry.history, { e: "notice", at: t0, id: "tx-1.captured", words: "" }],
    };
    expect(judged(noted, notice("captured"))).toEqual({ kind: "agrees" });
  });

  test("only a notice is one, whatever else bears its id", () => {
    const entry = unknown();
    const prepared: UnknownEntry = {
      ...entry,
      history: [...entry.history, { e: "prepared", at: t0, id: "tx-1.captured" }],
    };
    expect(judged(prepared, notice("captured"))).toMatchObject({ kind: "moves" });
  });

  test("who has to know of another value is told both, and of nothing else", () => {
    expect(judged(review(), notice(wrongAmount))).toStrictEqual({
      kind: "tells",
      reason: "mismatch",
      mismatch: { field: "amount", asked: "1999", got: "2000" },
      lookUp: false,
    });
    expect(judged(review(), reversal())).toStrictEqual({
      kind: "tells",
      reason: "refunded_or_charged_back",
      lookUp: false,
    });
  });

  test("what goes to a person has the notice as its evidence (S4), and both values where they differ", () => {
    const evidence = noticeEvidenceOf(notice("captured"));
    expect(judged(attempt2(waiting()), notice("captured"))).toStrictEqual({
      kind: "moves",
      verdict: { kind: "review", reason: "captured_by_earlier_attempt", evidence },
    });
    expect(judged(unknown(), notice(wrongAmount, { signed: "whole" }))).toStrictEqual({
      kind: "moves",
      verdict: {
        kind: "review",
        reason: "mismatch",
        evidence,
        mismatch: { field: "amount", asked: "1999", got: "2000" },
      },
    });
  });

  test("what is given back is told again though it is in the history: whoever wrote that may not have told it", () => {
    const { history } = unknown();
    const event = { e: "notice", at: t0, id: reversal().id, words: "" } as const;
    for (const entry of [unknown(), final()])
      expect(judged({ ...entry, history: [...history, event] }, reversal())).toEqual({
        kind: "tells",
        reason: "refunded_or_charged_back",
        lookUp: false,
      });
  });

  test("an approval has the notice as its evidence (S4), and the ids that it gave", () => {
    const captured: GatewayReply = { ...replies.captured, ids: { transactionId: "tx-1", orderId: "or-1" } };
    expect(judged(unknown(), notice(captured))).toMatchObject({
      kind: "moves",
      verdict: {
        kind: "settle",
        ending: { code: "0" },
        ids: { transactionId: "tx-1", orderId: "or-1" },
        evidence: {
          kind: "notice",
          atMs: t0 + 5_000,
          id: "tx-1.captured",
          code: "0",
          bodySha256: "c".repeat(64),
          transactionId: "tx-1",
        },
      },
    });
  });

  test("a pending charge keeps the time of its next look-up", () => {
    const entry = unknown();
    const verdict = judged(entry, notice("accepted"));
    expect(verdict).toStrictEqual({
      kind: "moves",
      verdict: {
        kind: "wait",
        state: "pending",
        reason: "gateway_pending",
        nextAct: "lookUp",
        atMs: entry.nextAtMs,
      },
    });
  });
});

describe("the first word about a transaction", () => {
  const ours = notice("captured");
  const other = chargeIdOf("order-2");
  const early = { receivedAtMs: t0 };
  // biome-ignore format: one row a line
  test.each<[says: string, others: readonly Notice[], why: string]>([
    ["ours", [], "nobody else said anything"],
    ["ours", [notice("accepted", early)], "an earlier one says the same"],
    ["another's", [notice("captured", { ...early, chargeId: other })], "the transaction was another charge's"],
    ["ours", [notice("captured", { receivedAtMs: t0 + 9_000, chargeId: other })], "who comes later is not believed against the first"],
    ["another's", [notice("captured", { chargeId: other })], "of two in one moment neither is the first"],
    ["another's", [without(notice("captured", early), "chargeId")], "a first one that names no charge might be anybody's"],
    ["another's", [notice(wrongAmount, early)], "another amount"],
    ["another's", [notice(wrongCurrency, early)], "another currency"],
    ["ours", [notice(wrongAmount, { receivedAtMs: t0 + 9_000 })], "another amount, but later"],
    ["ours", [notice(noAmount, early)], "what tells no amount tells no other"],
    ["ours", [notice({ ...replies.captured, echo: {} }, early)], "nor does what tells neither amount nor currency"],
    ["ours", [notice("unproven", early)], "nor does what has no echo at all"],
  ])("is %s ‹%#›", (says, others, why) => {
    expect(isSaidOther(ours, [...others, ours]), why).toBe(says !== "ours");
  });

  test("whoever tells no money contradicts no amount", () => {
    const quiet = notice("unproven");
    expect(isSaidOther(quiet, [notice(wrongAmount, early), quiet])).toBe(false);
  });
});

const entries = (): readonly LedgerEntry[] => [
  opened(),
  waiting(),
  unknown(),
  unknown(sentTwice),
  knowing(unknown(), "tx-2"),
  attempt2(unknown()),
  pending(),
  ...(["approved", "declined_permanent", "declined_retryable", "request_error", "expired"] as const).map(
    final,
  ),
  knowing(final()),
  review(),
  knowing(review()),
];
const anyEntry = fc.constantFrom(...entries());
const anyNotice: fc.Arbitrary<Notice> = fc
  .record({
    reply: fc.constantFrom<GatewayReply>(...Object.values(replies), wrongAmount, wrongCurrency, noAmount, {
      kind: "unproven",
      why: "not_a_capture",
      ids: {},
    }),
    chargeId: fc.constantFrom("order-1", "order-2", undefined),
    requestId: fc.constantFrom("request-1", "request-2", "request-x", undefined),
    transactionId: fc.constantFrom("tx-1", "tx-2", undefined),
    kind: fc.constantFrom("charge" as const, "reversal" as const),
    signed: fc.constantFrom("whole" as const, "reference_and_status" as const),
  })
  .map(({ reply, ...changes }) => {
    const given = Object.entries(changes).filter(([, value]) => value !== undefined);
    const all = {
      ...notice(reply, Object.fromEntries(given) as Partial<Notice>),
      id: JSON.stringify([reply, given]),
    };
    return without(
      all,
      ...(["chargeId", "requestId", "transactionId"] as const).filter((name) => changes[name] === undefined),
    );
  });
const anyOptions = fc.record({ saidOther: fc.boolean(), canAsk: fc.boolean() });

/** The entry after a notice; what only tells leaves it. */
const movedBy = (
  entry: LedgerEntry,
  one: Notice,
  options: { saidOther: boolean; canAsk: boolean },
): LedgerEntry => {
  const verdict = judged(entry, one, options);
  if (verdict.kind !== "moves") return entry;
  const withNotice: LedgerEntry = {
    ...entry,
    history: [...entry.history, { e: "notice", at: one.receivedAtMs, id: one.id, words: one.words }],
  };
  return recordVerdict(withNotice as UnknownEntry, verdict.verdict, by(60));
};

describe("whatever a notice says", () => {
  test("it moves a charge only forwards, and never one that has ended (S15)", () => {
    fc.assert(
      fc.property(anyEntry, anyNotice, anyOptions, (entry, one, options) => {
        const verdict = judged(entry, one, options);
        if (verdict.kind === "moves") {
          expect(["unknown", "pending"]).toContain(entry.state);
          const next = movedBy(entry, one, options);
          expect(mayFollow[entry.state]).toContain(next.state);
        }
        if (verdict.kind === "lookUp") expect(["unknown", "pending"]).toContain(entry.state);
      }),
      { numRuns: 3_000 },
    );
  });

  test("approved is only what echoes charge, request, amount and currency, and nobody else's transaction", () => {
    fc.assert(
      fc.property(anyEntry, anyNotice, anyOptions, (entry, one, options) => {
        const verdict = judged(entry, one, options);
        if (
          verdict.kind !== "moves" ||
          verdict.verdict.kind !== "settle" ||
          verdict.verdict.state !== "approved"
        )
          return;
        expect(one.reply).toMatchObject({ kind: "captured", echo: { amount: "19.99", currency: "EUR" } });
        expect(options.saidOther).toBe(false);
        if (one.signed === "reference_and_status")
          expect([one.chargeId, one.requestId]).toEqual([entry.chargeId, entry.requestId]);
      }),
      { numRuns: 3_000 },
    );
  });

  test("a second time it changes nothing", () => {
    fc.assert(
      fc.property(anyEntry, anyNotice, anyOptions, (entry, one, options) => {
        const once = movedBy(entry, one, options);
        expect(movedBy(once, one, options)).toBe(once);
      }),
      { numRuns: 2_000 },
    );
  });

  test("the order of genuine notices does not matter for where a charge ends", () => {
    const genuine = [
      notice("accepted"),
      notice("captured"),
      reversal(),
      notice("unproven", { id: "tx-1.odd" }),
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(unknown(), unknown(sentTwice), pending()),
        fc.shuffledSubarray([...genuine, ...genuine]),
        fc.boolean(),
        (entry, some, canAsk) => {
          const end = some.reduce(
            (at: LedgerEntry, one) => movedBy(at, one, { saidOther: false, canAsk }),
            entry,
          );
          const has = (id: string): boolean => some.some((one) => one.id === id);
          const expected = has("tx-1.captured") ? "approved" : has("tx-1.accepted") ? "pending" : entry.state;
          expect(end.state).toBe(expected);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test("a contradiction is told in every order: a yes and a no never go by in silence", () => {
    for (const [first, second] of [
      [notice("captured"), notice("refused")],
      [notice("refused"), notice("captured")],
    ] as const) {
      const options = { saidOther: false, canAsk: false };
      const ended = movedBy(unknown(answeredOnce), first, options);
      expect(["approved", "declined_permanent"]).toContain(ended.state);
      expect(judged(ended, second, options)).toMatchObject({ kind: "tells", reason: "contradiction" });
    }
  });
});

test("the evidence of a notice has what it names, and nothing else", () => {
  const bare = without(notice("captured"), "transactionId");
  const common = { kind: "notice", atMs: t0 + 5_000, id: "tx-1.captured", bodySha256: "c".repeat(64) };
  expect(noticeEvidenceOf(bare)).toStrictEqual({ ...common, code: "0" });
  expect(noticeEvidenceOf({ ...notice("unproven"), id: "tx-1.captured", orderId: "o-1" })).toStrictEqual({
    ...common,
    transactionId: "tx-1",
    orderId: "o-1",
  });
});

describe("a wake-up", () => {
  test("is short: a longer text is a charge, whatever it says", () => {
    const text = JSON.stringify(wakeUpOf(notice("captured")));
    expect(parseWakeUp(text.padEnd(2_000))).toBeDefined();
    expect(parseWakeUp(text.padEnd(2_001))).toBeUndefined();
  });

  test("names the notice and says nothing of it; it is read back from its text", () => {
    const wakeUp = wakeUpOf(notice("captured"));
    expect(wakeUp).toEqual({
      v: 1,
      kind: "notice",
      gateway: "centrobill",
      reference: "tx-1",
      notice: "tx-1.captured",
    });
    expect(parseWakeUp(JSON.stringify(wakeUp))).toEqual(wakeUp);
  });

  test.each([
    ["a charge", JSON.stringify({ v: 1, chargeId: "c", charge: {} })],
    [
      "another version",
      JSON.stringify({ v: 2, kind: "notice", gateway: "centrobill", reference: "a", notice: "b" }),
    ],
    [
      "one without its reference",
      JSON.stringify({ v: 1, kind: "notice", gateway: "centrobill", notice: "b" }),
    ],
    [
      "one of another kind",
      JSON.stringify({ v: 1, kind: "charge", gateway: "centrobill", reference: "a", notice: "b" }),
    ],
    ["one without its gateway", JSON.stringify({ v: 1, kind: "notice", reference: "a", notice: "b" })],
    [
      "one without its notice",
      JSON.stringify({ v: 1, kind: "notice", gateway: "centrobill", reference: "a" }),
    ],
    ["no JSON", "{"],
    ["a list", "[]"],
  ])("is not %s", (_what, body) => {
    expect(parseWakeUp(body)).toBeUndefined();
  });
});
