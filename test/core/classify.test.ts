import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { classify, mismatchOf, outcomeOfReply } from "../../lib/core/classify.ts";
import type { Mismatch, Outcome } from "../../lib/core/outcome.ts";
import type { Asked, Echo, GatewayReply, GatewayRules, UnprovenWhy } from "../../lib/core/reply.ts";
import type { NeverSentCause, Transport, UnansweredCause } from "../../lib/core/transport.ts";
import { asked, declined, paid, replied, requestIdOf, rules } from "./builders.ts";

const echoed: Echo = { amount: "19.99", currency: "EUR", chargeId: "order-1", requestId: "request-1" };
const echo = (changes: { [K in keyof Echo]?: Echo[K] | undefined }): Echo =>
  Object.fromEntries(Object.entries({ ...echoed, ...changes }).filter(([, value]) => value !== undefined));

const neverSentCauses: readonly NeverSentCause[] = ["refused", "unresolved", "connect_timeout", "too_late"];
const unansweredCauses: readonly UnansweredCause[] = [
  "timeout",
  "reset",
  "closed",
  "cut",
  "not_http",
  "tls",
  "too_large",
  "other",
];

/** The outcome in a few words. */
const told = (outcome: Outcome): string => {
  switch (outcome.kind) {
    case "unknown":
      return `unknown ${outcome.why}`;
    case "mismatch":
      return `mismatch ${outcome.mismatch.field}`;
    case "declined":
      return `declined ${outcome.category}`;
    default:
      return outcome.kind;
  }
};

describe("mismatchOf (S9)", () => {
  test.each<[Echo, Mismatch | undefined, reason: string]>([
    [echoed, undefined, "everything as asked"],
    [echo({ amount: "19.9900" }), undefined, "the same amount, written longer"],
    [echo({ chargeId: undefined }), undefined, "our reference is compared where it is returned"],
    [echo({ requestId: undefined }), undefined, "our reference is compared where it is returned"],
    [echo({ chargeId: undefined, requestId: undefined }), undefined, "neither of them"],
    [echo({ amount: "19.98" }), { field: "amount", asked: "1999", got: "1998" }, "a cent less"],
    [echo({ amount: "20.00" }), { field: "amount", asked: "1999", got: "2000" }, "a cent more"],
    [echo({ amount: "1999" }), { field: "amount", asked: "1999", got: "199900" }, "a hundred times"],
    [echo({ amount: "-19.99" }), { field: "amount", asked: "1999", got: "-1999" }, "given back"],
    [echo({ amount: "0" }), { field: "amount", asked: "1999", got: "0" }, "nothing"],
    [echo({ amount: "19.999" }), { field: "amount", asked: "1999", got: "19.999" }, "no amount of EUR"],
    [echo({ amount: "19,99" }), { field: "amount", asked: "1999", got: "19,99" }, "no amount"],
    [echo({ amount: "1999 " }), { field: "amount", asked: "1999", got: "1999 " }, "no amount, nearly"],
    [echo({ amount: "" }), { field: "amount", asked: "1999", got: "" }, "empty"],
    [echo({ amount: undefined }), { field: "amount", asked: "1999", got: "nothing" }, "no amount there"],
    [echo({ currency: "USD" }), { field: "currency", asked: "EUR", got: "USD" }, "another currency"],
    [echo({ currency: "eur" }), { field: "currency", asked: "EUR", got: "eur" }, "in other letters"],
    [echo({ currency: undefined }), { field: "currency", asked: "EUR", got: "nothing" }, "none there"],
    [echo({ chargeId: "order-2" }), { field: "chargeId", asked: "order-1", got: "order-2" }, "another"],
    [echo({ chargeId: "" }), { field: "chargeId", asked: "order-1", got: "" }, "an empty one is there"],
    [echo({ requestId: "r-2" }), { field: "requestId", asked: "request-1", got: "r-2" }, "another send"],
    [
      { amount: "1", currency: "USD", chargeId: "x", requestId: "y" },
      { field: "currency", asked: "EUR", got: "USD" },
      "the currency first: without it an amount says nothing",
    ],
    [
      echo({ amount: "1", chargeId: "x" }),
      { field: "amount", asked: "1999", got: "100" },
      "the amount before the references",
    ],
    [
      echo({ chargeId: "x", requestId: "y" }),
      { field: "chargeId", asked: "order-1", got: "x" },
      "the charge before the send",
    ],
    [
      echo({ currency: "x".repeat(100) }),
      { field: "currency", asked: "EUR", got: "x".repeat(64) },
      "what came is cut",
    ],
  ])("%j → %j (%s)", (got, mismatch) => {
    expect(mismatchOf(asked, got)).toStrictEqual(mismatch);
  });

  test.each<[currency: string, minor: bigint, amount: string, same: boolean, reason: string]>([
    ["JPY", 500n, "500", true, "no minor unit"],
    ["JPY", 500n, "5.00", false, "read with two digits"],
    ["JPY", 500n, "50000", false, "written in minor units of two digits"],
    ["KWD", 1_500n, "1.500", true, "three digits"],
    ["KWD", 1_500n, "1.5", true, "three digits, written short"],
    ["KWD", 1_500n, "15.00", false, "read with two digits"],
    ["ZZZ", 500n, "5.00", false, "a currency that nobody knows matches no amount"],
  ])("%s %s is %s: %s (%s)", (currency, amountMinor, amount, same) => {
    const mismatch = mismatchOf({ ...asked, currency, amountMinor }, { amount, currency });
    expect(mismatch === undefined).toBe(same);
  });

  test("an amount is the same in one value only", () => {
    fc.assert(
      fc.property(fc.nat(99_999_999), fc.nat(99_999_999), (want, got) => {
        const amount = (got / 100).toFixed(2);
        const mismatch = mismatchOf({ ...asked, amountMinor: BigInt(want) }, { amount, currency: "EUR" });
        expect(mismatch === undefined).toBe(want === got);
      }),
    );
  });
});

describe("outcomeOfReply", () => {
  const ids = { transactionId: "tx-1", orderId: "or-1" };
  test.each<[GatewayReply, Outcome, reason: string]>([
    [
      { kind: "captured", echo: echoed, ids, code: "0" },
      { kind: "approved", code: "0", ids },
      "the money, as asked",
    ],
    [
      { kind: "captured", echo: echo({ amount: "1" }), ids, code: "0" },
      { kind: "mismatch", mismatch: { field: "amount", asked: "1999", got: "100" }, code: "0", ids },
      "money, but not as asked (S9)",
    ],
    [
      { kind: "captured", echo: echo({ chargeId: "order-2" }), ids, code: "0" },
      { kind: "mismatch", mismatch: { field: "chargeId", asked: "order-1", got: "order-2" }, code: "0", ids },
      "money for another charge",
    ],
    [
      { kind: "captured", echo: {}, ids, code: "0" },
      { kind: "mismatch", mismatch: { field: "currency", asked: "EUR", got: "nothing" }, code: "0", ids },
      "money without an amount is no approval",
    ],
    [
      { kind: "accepted", echo: echoed, ids, code: "0" },
      { kind: "pending", code: "0", ids },
      "its word is to come",
    ],
    [
      { kind: "accepted", echo: {}, ids, code: "0" },
      { kind: "pending", code: "0", ids },
      "no echo yet: nothing is closed by it",
    ],
    [
      { kind: "accepted", echo: { chargeId: "order-2" }, ids, code: "0" },
      { kind: "unknown", why: "contradiction", ids: {} },
      "another charge was accepted; its ids are not ours",
    ],
    [
      { kind: "refused", echo: echoed, ids, code: "5051", description: "no money" },
      {
        kind: "declined",
        code: "5051",
        category: "insufficient_funds",
        networkCode: "51",
        description: "no money",
        ids,
      },
      "a decline, in our category",
    ],
    [
      { kind: "refused", echo: echoed, ids, code: "5051", codeCategory: "1" },
      { kind: "declined", code: "5051", category: "never_approved", networkCode: "51", ids },
      "the gateway's category is stricter",
    ],
    [
      { kind: "refused", echo: {}, ids, code: "no such code" },
      { kind: "declined", code: "no such code", category: "unrecognised", ids },
      "refused in a word that no row knows: never tried again",
    ],
    [
      { kind: "refused", echo: echo({ amount: "1", currency: "USD" }), ids: {}, code: "5051" },
      { kind: "declined", code: "5051", category: "insufficient_funds", networkCode: "51", ids: {} },
      "what was not taken need not be the amount",
    ],
    [
      { kind: "refused", echo: { requestId: "request-2" }, ids, code: "5051" },
      { kind: "unknown", why: "contradiction", ids: {} },
      "another send's decline is not ours",
    ],
    [
      { kind: "refused", echo: { chargeId: "order-2" }, ids, code: "5051" },
      { kind: "unknown", why: "contradiction", ids: {} },
      "another charge's decline is not ours",
    ],
    [
      { kind: "refused", echo: {}, ids: {}, code: "5051", conclusive: true },
      {
        kind: "declined",
        code: "5051",
        category: "insufficient_funds",
        networkCode: "51",
        ids: {},
        conclusive: true,
      },
      "it speaks of every send",
    ],
    [
      { kind: "invalid", code: "http_400", description: "no sku" },
      { kind: "requestError", code: "http_400", description: "no sku" },
      "the request is wrong",
    ],
    [{ kind: "invalid", code: "http_400" }, { kind: "requestError", code: "http_400" }, "without a word"],
    [
      { kind: "unproven", why: "not_a_capture", ids },
      { kind: "unknown", why: "not_a_capture", ids },
      "the ids are kept: something was made",
    ],
  ])("%j → %j (%s)", (reply, outcome) => {
    expect(outcomeOfReply(reply, asked, rules)).toStrictEqual(outcome);
  });

  test.each<UnprovenWhy>(["unreadable", "unlisted", "contradiction", "not_a_capture", "unconfirmed"])(
    "unproven (%s) is unknown (S10)",
    (why) => {
      expect(outcomeOfReply({ kind: "unproven", why, ids: {} }, asked, rules)).toStrictEqual({
        kind: "unknown",
        why,
        ids: {},
      });
    },
  );

  test("an approval is an echo of amount and currency, always (S9)", () => {
    const text = (right: string) =>
      fc.option(fc.oneof(fc.constant(right), fc.string()), { nil: undefined, freq: 5 });
    const anyEcho = fc
      .record({
        amount: text("19.99"),
        currency: text("EUR"),
        chargeId: text("order-1"),
        requestId: text("request-1"),
      })
      .map((record) => echo(record));
    fc.assert(
      fc.property(anyEcho, (given) => {
        const outcome = outcomeOfReply({ kind: "captured", echo: given, ids: {}, code: "0" }, asked, rules);
        const right =
          given.currency === "EUR" &&
          /^19\.990*$/.test(given.amount ?? "") &&
          (given.chargeId ?? "order-1") === "order-1" &&
          (given.requestId ?? "request-1") === "request-1";
        expect(outcome.kind).toBe(right ? "approved" : "mismatch");
      }),
    );
  });
});

describe("classify", () => {
  test.each<[Transport, outcome: string, reason: string]>([
    [paid(), "approved", "201, success, code 0, all echoed"],
    [paid({ code: "0" }), "approved", "the code comes as a text, too"],
    [paid({ amount: 19.98 }), "mismatch amount", "S9"],
    [paid({ currency: "USD" }), "mismatch currency", "S9"],
    [paid({}, { chargeId: "order-2" }), "mismatch chargeId", "S9"],
    [paid({}, { requestId: "request-2" }), "mismatch requestId", "S9"],
    [paid({ status: "pending" }), "pending", "code 0 and pending: a redirect says that"],
    [declined(), "declined insufficient_funds", "a decline, though HTTP says 201"],
    [declined("5005"), "declined issuer_refused", "the code as a text"],
    [declined(9_999), "declined unrecognised", "a code without a row"],
    [replied(201, ""), "unknown unreadable", "an empty answer"],
    [replied(201, '{"payment":{"status":"succ'), "unknown unreadable", "cut short"],
    [replied(201, "<html>"), "unknown unreadable", "another format"],
    [replied(200, paid().body), "unknown unlisted_status", "the right body under a status without a row"],
    [replied(202, paid().body), "unknown unlisted_status", "the right body under a status without a row"],
    [replied(409, ""), "unknown unlisted_status", "not documented"],
    [replied(429, ""), "unknown unlisted_status", "not documented"],
    [replied(501, ""), "unknown unlisted_status", "not documented"],
    [replied(302, ""), "unknown unlisted_status", "a redirect"],
    [replied(400, { message: "no sku" }), "requestError", "documented"],
    [replied(401, ""), "requestError", "documented"],
    [replied(403, ""), "requestError", "documented"],
    [replied(404, ""), "requestError", "documented"],
    [replied(400, paid().body), "requestError", "the status decides, not a body"],
    [replied(500, ""), "unknown gateway_fault", "the documented fault"],
    [replied(500, paid().body), "unknown gateway_fault", "the status decides, not a body"],
    [replied(502, ""), "unknown no_answer", "a proxy's word"],
    [replied(503, declined().body), "unknown no_answer", "a proxy's word"],
    [replied(504, ""), "unknown no_answer", "a proxy's word"],
  ])("%# → %s (%s)", (transport, outcome) => {
    expect(told(classify(transport, asked, rules))).toBe(outcome);
  });

  test.each(neverSentCauses)("never sent (%s): not processed", (cause) => {
    expect(classify({ kind: "neverSent", cause }, asked, rules)).toStrictEqual({
      kind: "notProcessed",
      cause,
    });
  });

  test.each(unansweredCauses)("sent and unanswered (%s): unknown", (cause) => {
    expect(classify({ kind: "sentUnanswered", cause }, asked, rules)).toStrictEqual({
      kind: "unknown",
      why: "no_answer",
      cause,
      ids: {},
    });
  });

  /** Every reader says what is best for nobody: that the money was taken. */
  const credulous: GatewayRules = {
    statuses: {
      201: { meaning: "read", source: "test" },
      400: { meaning: "requestError", source: "test" },
      500: { meaning: "fault", source: "test" },
      502: { meaning: "noAnswer", source: "test" },
    },
    declines: rules.declines,
    refusesAccount: () => false,
    readReply: () => ({ kind: "captured", echo: echoed, ids: {}, code: "0" }),
    readRequestError: () => ({ code: "http_400", description: "no sku" }),
  };

  test("a request error has the reader's words", () => {
    expect(classify(replied(400, ""), asked, credulous)).toStrictEqual({
      kind: "requestError",
      code: "http_400",
      description: "no sku",
    });
  });

  const anyReply = fc
    .tuple(
      fc.oneof(fc.integer({ min: 100, max: 599 }), fc.integer(), fc.constantFrom(200, 201, 202, 409, 429)),
      fc.oneof(fc.string(), fc.json(), fc.constantFrom(paid().body, declined().body)),
    )
    .map(([status, body]): Transport => replied(status, body));
  const anyTransport = fc.oneof(
    anyReply,
    fc.constantFrom(...neverSentCauses).map((cause): Transport => ({ kind: "neverSent", cause })),
    fc.constantFrom(...unansweredCauses).map((cause): Transport => ({ kind: "sentUnanswered", cause })),
  );

  test("a status without a row is unknown, whatever a reader would make of it (S10)", () => {
    fc.assert(
      fc.property(anyReply, (transport) => {
        if (transport.kind !== "replied" || Object.hasOwn(credulous.statuses, transport.status)) return;
        expect(classify(transport, asked, credulous)).toStrictEqual({
          kind: "unknown",
          why: "unlisted_status",
          ids: {},
        });
      }),
    );
  });

  test("a status that is not a number of HTTP finds no row in a prototype", () => {
    const odd = { ...replied(201, ""), status: "constructor" as unknown as number };
    expect(told(classify(odd, asked, credulous))).toBe("unknown unlisted_status");
  });

  test("not processed is what was never sent, and nothing else (S11)", () => {
    fc.assert(
      fc.property(anyTransport, fc.constantFrom(rules, credulous), (transport, table) => {
        const outcome = classify(transport, asked, table);
        expect(outcome.kind === "notProcessed").toBe(transport.kind === "neverSent");
      }),
    );
  });

  test("a decline and an approval rest on a whole answer that says so (S10)", () => {
    fc.assert(
      fc.property(anyTransport, (transport) => {
        const outcome = classify(transport, asked, rules);
        if (outcome.kind !== "approved" && outcome.kind !== "declined") return;
        expect(transport).toMatchObject({ kind: "replied", status: 201 });
        expect(outcome.code === "0").toBe(outcome.kind === "approved");
      }),
    );
  });

  test("an answer is an answer to what was asked, and to nothing else", () => {
    const other: Asked = { ...asked, requestId: requestIdOf("request-2") };
    expect(told(classify(paid(), other, rules))).toBe("mismatch requestId");
    expect(told(classify(declined(), other, rules))).toBe("unknown contradiction");
    expect(told(classify(paid({ status: "pending" }), other, rules))).toBe("unknown contradiction");
  });
});
