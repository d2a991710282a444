import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Ending,
  type HistoryEvent,
  type LedgerEntry,
  ledgerStates,
  type Rejection,
  type ReviewEntry,
} from "../../lib/core/ledger.ts";
import type { NotedNotice } from "../../lib/core/notice.ts";
import {
  parseUnknownMessage,
  routeOfEntry,
  routeOfNoted,
  routeOfRejection,
} from "../../lib/core/route-message.ts";
import { queueOf } from "../../lib/core/verdict.ts";
import { aCharge, chargeIdOf, final, opened, pending, review, t0, unknown, waiting } from "./builders.ts";

const charge = aCharge();
const messageOf = (entry: LedgerEntry) => {
  const route = routeOfEntry(entry, charge);
  if (route === undefined) throw new Error("no route");
  return route.message;
};

describe("routeOfEntry", () => {
  test.each<[LedgerEntry, queue: string | undefined, id: string | undefined, reason: string]>([
    [opened(), undefined, undefined, "in a worker's hands"],
    [waiting(), undefined, undefined, "its message goes back"],
    [unknown(), "unknown-outcomes", "order-1#1#unknown", "to be looked up"],
    [pending(), "unknown-outcomes", "order-1#1#pending", "to be looked up"],
    [final("approved"), "approved", "order-1#1#approved", "taken"],
    [final("declined_permanent"), "permanent-declines", "order-1#1#declined_permanent", "refused"],
    [final("declined_retryable"), "retryable-declines", "order-1#1#declined_retryable", "refused for now"],
    [final("request_error"), "request-errors", "order-1#1#request_error", "wrong"],
    [final("expired"), "request-errors", "order-1#1#expired", "too late"],
    [review(), "review", "order-1#1#review", "a person's turn"],
    [{ ...final(), attempt: 3 }, "approved", "order-1#3#approved", "the third attempt's"],
    [
      { ...final(), chargeId: chargeIdOf("a:b.c-d_e") },
      "approved",
      "a:b.c-d_e#1#approved",
      "no mark of ours",
    ],
  ])("%# → %2$s %3$s (%4$s)", (entry, queue, id) => {
    const route = routeOfEntry(entry, charge);
    expect(route?.queue).toBe(queue);
    expect(route?.message.id).toBe(id);
    if (route !== undefined) expect(route.message.outcome).toBe(entry.state);
  });

  test("an approval, whole", () => {
    expect(messageOf(final())).toStrictEqual({
      v: 1,
      id: "order-1#1#approved",
      chargeId: "order-1",
      gateway: "centrobill",
      attempt: 1,
      requestId: "request-1",
      outcome: "approved",
      code: "0",
      amount: "1999",
      currency: "EUR",
      evidence: { kind: "reply", atMs: t0 + 900, status: 201, bodySha256: "b".repeat(64) },
      at: "2026-11-22T12:00:01.000Z",
      charge: charge.message,
    });
  });

  test("a decline says why, and what may follow", () => {
    const ending = {
      category: "insufficient_funds",
      code: "5051",
      networkCode: "51",
      description: "no money",
      retry: "later",
    } as const;
    expect(messageOf({ ...final("declined_retryable"), ending })).toMatchObject({
      category: "insufficient_funds",
      code: "5051",
      networkCode: "51",
      description: "no money",
      retry: { advice: "later" },
    });
  });

  test.each<[ending: Partial<Ending>, network: string | undefined, retry: object, reason: string]>([
    [{}, "visa", { advice: "later" }, "time may heal it"],
    [{ networkCode: "41" }, "visa", { advice: "never" }, "a network's no is stricter than the category"],
    [{ networkCode: "41" }, "mastercard", { advice: "later" }, "Visa's code on another card"],
    [
      { networkCode: "57" },
      "visa",
      { advice: "never" },
      "a code that counts from a day on, and the day is over",
    ],
    [{ adviceCode: "03" }, undefined, { advice: "never" }, "Mastercard's never"],
    [{ adviceCode: "01" }, "mastercard", { advice: "never" }, "not this charge"],
    [
      { adviceCode: "24" },
      "mastercard",
      { advice: "later", notBefore: "2026-11-22T13:00:01.000Z" },
      "an hour",
    ],
    [{ adviceCode: "02" }, "mastercard", { advice: "later" }, "later, without a time"],
    [{ retry: "after_update", adviceCode: "24" }, "mastercard", { advice: "after_update" }, "new data first"],
  ])("%j on %s: %j (%s)", (ending, network, retry) => {
    const entry = {
      ...final("declined_retryable"),
      ending: { category: "insufficient_funds", retry: "later", ...ending } as const,
      ...(network === undefined ? {} : { instrumentNetwork: network }),
    };
    expect(messageOf(entry).retry).toStrictEqual(retry);
  });

  test("what no count had room for may follow when there is room", () => {
    const evidence = {
      kind: "network_limit",
      atMs: t0,
      limit: "visa_amount_30_days",
      untilMs: t0 + 60_000,
    } as const;
    const ending = { category: "limit_reached", code: "network_limit", retry: "later" } as const;
    expect(messageOf({ ...final("declined_retryable"), ending, evidence }).retry).toStrictEqual({
      advice: "later",
      notBefore: "2026-11-22T12:01:00.000Z",
    });
  });

  test("a review of this attempt is told again under a name of its own, and nothing else is", () => {
    const opening = opened().history[0] as HistoryEvent;
    const inReview: HistoryEvent = { e: "recorded", at: t0, state: "review", route: "review" };
    const idOf = (entry: LedgerEntry, ...history: HistoryEvent[]) => messageOf({ ...entry, history }).id;
    expect(idOf(review(), opening, inReview)).toBe("order-1#1#review");
    expect(idOf(review(), opening, inReview, inReview)).toBe("order-1#1#review#2");
    expect(idOf(review(), opening, inReview, inReview, opening, inReview)).toBe("order-1#1#review");
    expect(idOf(final(), opening, inReview, inReview)).toBe("order-1#1#approved");
  });

  test("an unknown says why, and has no evidence yet", () => {
    const message = messageOf(unknown());
    expect(message).toMatchObject({ reason: "no_answer", at: "2026-11-22T12:00:32.000Z" });
    for (const name of ["evidence", "code", "category", "retry", "mismatch", "refundProposal"])
      expect(message).not.toHaveProperty(name);
  });

  test("a review says why, with both values of a mismatch (S9)", () => {
    const mismatch = { field: "amount", asked: "1999", got: "1998" } as const;
    expect(messageOf(review({ reason: "mismatch", mismatch }))).toMatchObject({
      reason: "mismatch",
      mismatch,
    });
    expect(messageOf(review())).not.toHaveProperty("mismatch");
  });

  const rowOf = (transactionId?: string) => ({
    kind: "feed_row" as const,
    atMs: t0,
    rowSha256: "c".repeat(64),
    ...(transactionId === undefined ? {} : { transactionId }),
  });
  const doubled = (...ids: (string | undefined)[]): ReviewEntry =>
    review({ reason: "double_charge", evidence: { kind: "feed_rows", rows: ids.map(rowOf) } });
  test.each<[ReviewEntry, refunds: string[] | undefined, reason: string]>([
    [doubled("tx-1", "tx-2"), ["tx-2"], "the first capture stays"],
    [doubled("tx-1", "tx-2", "tx-3"), ["tx-2", "tx-3"], "every other one goes"],
    [doubled("tx-1", undefined, "tx-3"), ["tx-3"], "what has no id cannot be named"],
    [doubled(undefined, "tx-2"), ["tx-2"], "the first stays, named or not"],
    [doubled("tx-1"), [], "one is no double charge"],
    [doubled(), [], "nor is none"],
    [review({ reason: "double_charge" }), undefined, "without rows there is nothing to go by"],
    [
      { ...doubled("tx-1", "tx-2"), reason: "refunded_or_charged_back" },
      undefined,
      "two rows of another story",
    ],
    [{ ...doubled("tx-1", "tx-2"), reason: "weak_match" }, undefined, "strangers' rows (S14)"],
  ])("%# → refunds %2$j (%3$s)", (entry, refunds) => {
    expect(messageOf(entry).refundProposal).toStrictEqual(
      refunds?.map((transactionId) => ({ gateway: "centrobill", transactionId })),
    );
  });

  test("an approval is no double charge, whatever its evidence", () => {
    const entry = { ...final(), evidence: doubled("tx-1", "tx-2").evidence };
    expect(messageOf(entry)).not.toHaveProperty("refundProposal");
  });

  test("the same state is the same message, however often it is told, and no absent member is sent (S8)", () => {
    fc.assert(
      fc.property(
        fc.constantFrom<LedgerEntry>(unknown(), pending(), final(), final("expired"), review()),
        fc.integer({ min: 1, max: 20 }),
        (entry, attempt) => {
          const one = messageOf({ ...entry, attempt });
          expect(messageOf({ ...entry, attempt })).toStrictEqual(one);
          expect(one.id).toBe(`order-1#${attempt}#${entry.state}`);
          expect(JSON.parse(JSON.stringify(one))).toStrictEqual(one);
        },
      ),
    );
  });

  test("every state with a queue has a route, and no other", () => {
    for (const state of ledgerStates) {
      const entry = { ...review(), state } as unknown as LedgerEntry;
      expect(routeOfEntry(entry, charge)?.queue).toBe(queueOf[state]);
    }
  });
});

test("what a notice contradicts is told under an id of its own, with what both say", () => {
  const entry = unknown();
  const noted: NotedNotice = {
    v: 1,
    id: "tx-1.success",
    chargeId: entry.chargeId,
    gateway: "centrobill",
    atMs: t0,
    attempt: 2,
    requestId: entry.requestId,
    state: "declined_permanent",
    reason: "contradiction",
    words: "charge sale success",
    evidence: { kind: "notice", atMs: t0, id: "tx-1.success", code: "0", bodySha256: "b0" },
  };
  expect(routeOfNoted(noted, entry)).toStrictEqual({
    queue: "review",
    message: {
      v: 1,
      id: "order-1#2#review#tx-1.success",
      chargeId: "order-1",
      gateway: "centrobill",
      attempt: 2,
      requestId: entry.requestId,
      outcome: "review",
      code: "0",
      description: "the ledger has declined_permanent; the gateway's notice says: charge sale success",
      amount: entry.amount,
      currency: entry.currency,
      reason: "contradiction",
      evidence: noted.evidence,
      at: new Date(t0).toISOString(),
    },
  });
});

describe("routeOfRejection", () => {
  const rejection: Rejection = {
    v: 1,
    bodySha256: "0123456789abcdef".repeat(4),
    chargeId: chargeIdOf("order-1"),
    code: "invalid_message",
    problems: [
      { field: "amount", must: "be a string of digits" },
      { field: "currency", must: "be one" },
    ],
    atMs: t0,
  };

  test("says what is wrong, where, and with which text", () => {
    expect(routeOfRejection(rejection, '{"masked":"text"}')).toStrictEqual({
      queue: "request-errors",
      message: {
        v: 1,
        id: "order-1#0#request_error",
        chargeId: "order-1",
        attempt: 0,
        outcome: "request_error",
        code: "invalid_message",
        description: "amount must be a string of digits; currency must be one",
        evidence: {
          kind: "message",
          bodySha256: rejection.bodySha256,
          problems: rejection.problems,
        },
        at: "2026-11-22T12:00:00.000Z",
        message: '{"masked":"text"}',
      },
    });
  });

  test("a message without a readable charge id is named by its text's hash", () => {
    const { chargeId: _unreadable, ...nameless } = rejection;
    const { message } = routeOfRejection(nameless, "[[[[");
    expect(message.id).toBe("message.0123456789abcdef0123456789abcdef#0#request_error");
    expect(message).not.toHaveProperty("chargeId");
  });

  test("a long description is cut", () => {
    const problems = Array.from({ length: 20 }, (_, at) => ({ field: `field${at}`, must: "be".repeat(50) }));
    const { message } = routeOfRejection({ ...rejection, problems }, "");
    expect(message.description).toHaveLength(500);
    expect(message.evidence).toMatchObject({ problems });
  });

  test("is told apart from every outcome of that charge's entry (S8)", () => {
    const id = routeOfRejection({ ...rejection, code: "conflicting_duplicate" }, "").message.id;
    for (const state of ledgerStates) expect(id).not.toBe(`order-1#1#${state}`);
  });
});

describe("parseUnknownMessage", () => {
  const good = { v: 1, chargeId: "order-1", charge: charge.message };
  test.each<[unknown, problem: string, reason: string]>([
    [good, "", "as it is told"],
    [{ ...good, outcome: "unknown", later: true }, "", "members that a later version adds"],
    [{ ...good, v: 2 }, "v: must be 1", "another version"],
    [{ ...good, v: "1" }, "v: must be 1", "text"],
    [{ ...good, chargeId: undefined }, "chargeId: must be a string", "no charge id"],
    [{ ...good, chargeId: 1 }, "chargeId: must be a string", "a number"],
    [{ ...good, charge: undefined }, "charge: must be an object", "no charge"],
    [{ ...good, charge: [] }, "charge: must be an object", "a list"],
    [{ ...good, charge: null }, "charge: must be an object", "null"],
    [{ ...good, charge: "{}" }, "charge: must be an object", "JSON in JSON"],
    [{ ...good, charge: {} }, "charge.chargeId: must be the chargeId", "an empty charge"],
    [{ ...good, chargeId: "order-2" }, "charge.chargeId: must be the chargeId", "another charge's"],
    [{}, "v: must be 1", "nothing in it"],
    [[good], "not a JSON object", "a list"],
    [null, "not a JSON object", "null"],
    ["order-1", "not a JSON object", "text"],
    [1, "not a JSON object", "a number"],
  ])("%j → %j (%s)", (message, problem) => {
    expect(parseUnknownMessage(JSON.stringify(message))).toStrictEqual(
      problem === "" ? { chargeId: "order-1", charge: charge.message } : { problem },
    );
  });

  test.each([
    ["", "nothing"],
    ["{", "cut"],
    ["[[[[", "open lists"],
    ["[".repeat(100_000), "many of them"],
  ])("%# is not JSON (%2$s)", (body) => {
    expect(parseUnknownMessage(body)).toStrictEqual({ problem: "not a JSON object" });
  });

  test("a charge id in a prototype is none", () => {
    const body = '{"v":1,"chargeId":"a","charge":{"__proto__":{"chargeId":"a"}}}';
    expect(parseUnknownMessage(body)).toStrictEqual({ problem: "charge.chargeId: must be the chargeId" });
  });

  test("never throws", () => {
    const member = fc.oneof(fc.jsonValue(), fc.constantFrom(1, "order-1", charge.message));
    const near = fc.record({ v: member, chargeId: member, charge: member }, { requiredKeys: [] });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          near.map((message) => JSON.stringify(message)),
        ),
        (body) => {
          const parsed = parseUnknownMessage(body);
          expect(Object.keys(parsed).join()).toMatch(/^(problem|chargeId,charge)$/);
        },
      ),
    );
  });

  test("reads what routeOfEntry told", () => {
    for (const entry of [unknown(), pending()])
      expect(parseUnknownMessage(JSON.stringify(messageOf(entry)))).toStrictEqual({
        chargeId: "order-1",
        charge: charge.message,
      });
  });
});
