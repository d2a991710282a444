import { describe, expect, test } from "vitest";
import type { Json, JsonObject } from "../../lib/core/json.ts";
import type { Echo, GatewayReply } from "../../lib/core/reply.ts";
import {
  echoOfMonetary,
  idOf,
  minorOf,
  readActivity,
  readPaymentRequest,
  readRefusal,
  readReply,
} from "../../lib/gateways/centrapay/charge-reply.ts";
import { activity, gateway, paymentRequest, prepared, requests } from "./centrapay-subject.ts";
import { askedOf, chargeOf } from "./gateway-contract.ts";
import { replied } from "./replied.ts";

const charge = chargeOf(gateway, requests.pay, { currency: "NZD", amount: "1999" });
const asked = askedOf(charge);
const value = { amount: "1999", currency: "NZD" };

test.each<[Json | undefined, string | undefined, reason: string]>([
  ["94a5-64_c.9:a", "94a5-64_c.9:a", "every kind of character"],
  ["a".repeat(64), "a".repeat(64), "the longest"],
  ["a".repeat(65), undefined, "longer"],
  ["", undefined, "empty"],
  ["a b", undefined, "a space"],
  ["/a", undefined, "it may stand in a path"],
  ["a/", undefined, "it may stand in a path"],
  [7, undefined, "ids are texts here"],
  [["a"], undefined, "a list"],
  [undefined, undefined, "nothing"],
])("an id in %j: %j (%s)", (given, id) => {
  expect(idOf(given)).toBe(id);
});

test.each<[Json | undefined, bigint | undefined, reason: string]>([
  ["1999", 1999n, "digits"],
  [1999, 1999n, "a number, in some samples"],
  ["0", 0n, "nothing"],
  [0, 0n, "nothing"],
  ["9".repeat(15), 999_999_999_999_999n, "as long as may be"],
  ["9".repeat(16), undefined, "longer"],
  ["01", undefined, "a zero before it"],
  ["-1", undefined, "a sign"],
  [-1, undefined, "a sign"],
  ["19.99", undefined, "a point"],
  [19.99, undefined, "a point"],
  [2 ** 53, undefined, "a number that lost digits"],
  ["1e3", undefined, "an exponent"],
  ["1 ", undefined, "a space"],
  [" 1", undefined, "a space"],
  [["1"], undefined, "a list"],
  [null, undefined, "null"],
])("minor units in %j: %s (%s)", (given, minor) => {
  expect(minorOf(given)).toBe(minor);
});

test.each<[Json | undefined, remaining: Json | undefined, Pick<Echo, "amount" | "currency">, reason: string]>(
  [
    [value, undefined, { amount: "19.99", currency: "NZD" }, "all of it"],
    [value, null, { amount: "19.99", currency: "NZD" }, "nothing is said to remain"],
    [value, "0", { amount: "19.99", currency: "NZD" }, "nothing remains"],
    [value, "999", { amount: "10.00", currency: "NZD" }, "a part"],
    [value, "x", { currency: "NZD" }, "a remainder that cannot be read: no amount (S9)"],
    [{ currency: "NZD" }, undefined, { currency: "NZD" }, "no amount"],
    [{ amount: "1999" }, undefined, {}, "no currency: the amount says nothing"],
    [{ amount: "1999", currency: "ZZZ" }, undefined, { currency: "ZZZ" }, "a currency that nobody knows"],
    [{ amount: "1999", currency: 554 }, undefined, {}, "a currency that is no text"],
    [{ amount: ["1999"], currency: "NZD" }, undefined, { currency: "NZD" }, "an amount in a list"],
    [undefined, undefined, {}, "nothing"],
  ],
)("%j less %j: %j (%s)", (given, remaining, echo) => {
  expect(echoOfMonetary(given, remaining)).toStrictEqual(echo);
});

describe("a Payment Activity", () => {
  const ids = { transactionId: "94a564c9a66d4893b7edf8ccafe3c5fb", orderId: prepared.id };
  const captured = (changes: Partial<Extract<GatewayReply, { kind: "captured" }>> = {}): GatewayReply => ({
    kind: "captured",
    echo: { amount: "19.99", currency: "NZD", requestId: asked.requestId },
    ids,
    code: "payment",
    ...changes,
  });
  const unlisted: GatewayReply = { kind: "unproven", why: "unlisted", ids };
  const nobody = { amount: "19.99", currency: "NZD" };
  test.each<[JsonObject, GatewayReply, reason: string]>([
    [{}, captured(), "a payment"],
    [{ type: "confirmation" }, captured({ code: "confirmation" }), "a capture"],
    [{ id: "" }, captured({ ids: { orderId: prepared.id } }), "without an id of its own"],
    [{ paymentRequestId: 7 }, captured({ ids: { transactionId: ids.transactionId } }), "on no request"],
    [{ idempotencyKey: null }, captured({ echo: nobody }), "under no key"],
    [{ idempotencyKey: 7 }, captured({ echo: { ...nobody, requestId: "7" } }), "a key that is a number"],
    [
      { idempotencyKey: { key: asked.requestId } },
      captured({ echo: { ...nobody, requestId: "(not a text)" } }),
      "a key that is no text is not ours",
    ],
    [{ type: "refund" }, unlisted, "money given back is none taken"],
    [{ type: "authorization" }, unlisted, "nothing is taken yet"],
    [{ type: "PAYMENT" }, unlisted, "not the word that is documented"],
    [{ type: ["payment"] }, unlisted, "no word"],
  ])("%j → %j (%s)", (changes, reply) => {
    expect(readActivity(activity(asked, changes))).toStrictEqual(reply);
  });
});

describe("a Payment Request", () => {
  const ids = { orderId: prepared.id };
  const echo = { amount: "19.99", currency: "NZD", chargeId: charge.chargeId };
  const cancelled = { status: "cancelled" };
  test.each<[JsonObject, GatewayReply, reason: string]>([
    [{ status: "paid" }, { kind: "captured", echo, ids, code: "paid" }, "money"],
    [{ status: "new" }, { kind: "accepted", echo, ids, code: "new" }, "to come"],
    [
      { status: "expired" },
      { kind: "refused", echo, ids, code: "PAYMENT_REQUEST_EXPIRED", lapsed: true, conclusive: true },
      "it ended by itself, and nothing can be paid on it",
    ],
    [
      cancelled,
      { kind: "refused", echo, ids, code: "CANCELLED", conclusive: true },
      "for nobody knows what reason",
    ],
    [
      { ...cancelled, cancellationReason: "payment declined" },
      { kind: "refused", echo, ids, code: "CANCELLED:PAYMENT_DECLINED", conclusive: true },
      "its reason stands apart from a 403's message",
    ],
    [
      { ...cancelled, cancellationReason: 7 },
      { kind: "refused", echo, ids, code: "CANCELLED", conclusive: true },
      "a reason that is no text",
    ],
    [{ status: "refunded" }, { kind: "unproven", why: "unlisted", ids }, "a word without a row"],
    [{ status: "new", id: "" }, { kind: "accepted", echo, ids: {}, code: "new" }, "without an id"],
    [
      { status: "new", externalRef: null },
      { kind: "accepted", echo: { amount: "19.99", currency: "NZD" }, ids, code: "new" },
      "without our reference",
    ],
    [
      { status: "new", externalRef: ["x"] },
      { kind: "accepted", echo: { ...echo, chargeId: "(not a text)" }, ids, code: "new" },
      "a reference that is no text is not ours",
    ],
    [
      { status: "new", externalRef: 7 },
      { kind: "accepted", echo: { ...echo, chargeId: "7" }, ids, code: "new" },
      "a number may be ours",
    ],
  ])("%j → %j (%s)", (changes, reply) => {
    expect(readPaymentRequest(paymentRequest(asked, changes))).toStrictEqual(reply);
  });
});

describe("an answer", () => {
  const unreadable: GatewayReply = { kind: "unproven", why: "unreadable", ids: {} };
  test.each<[status: number, unknown, GatewayReply, reason: string]>([
    [200, {}, unreadable, "neither an activity nor a request"],
    [200, [], unreadable, "a list"],
    [200, "<html>", unreadable, "a page"],
    [200, { type: "payment" }, { kind: "captured", echo: {}, ids: {}, code: "payment" }, "an activity"],
    [200, { status: "new" }, { kind: "accepted", echo: {}, ids: {}, code: "new" }, "a Payment Request"],
    [403, { message: 7 }, unreadable, "a message that is no text"],
    [403, { message: "REQUEST_PAID" }, { kind: "unproven", why: "unconfirmed", ids: {} }, "ask"],
    [403, { message: "WHO_KNOWS" }, { kind: "unproven", why: "unlisted", ids: {} }, "no row"],
    [403, { message: "Forbidden" }, { kind: "invalid", code: "FORBIDDEN" }, "not permitted, or not there"],
    [
      403,
      { message: "Forbidden", reason: "no such asset" },
      { kind: "invalid", code: "FORBIDDEN", description: "no such asset" },
      "with a reason, for people",
    ],
    [
      403,
      { message: "INACTIVE_ASSET", reason: 7 },
      { kind: "refused", echo: {}, ids: {}, code: "INACTIVE_ASSET" },
      "a reason that is no text is none",
    ],
  ])("%i %j → %j (%s)", (status, body, reply) => {
    expect(readReply(replied(status, body))).toStrictEqual(reply);
  });

  test("a 403 without a body is read as one", () => {
    expect(readRefusal(undefined)).toStrictEqual(unreadable);
  });

  test.each<[status: number, unknown, object, reason: string]>([
    [400, { message: "wrong", reason: "amount" }, { code: "http_400", description: "wrong; amount" }, "both"],
    [404, { message: "wrong" }, { code: "http_404", description: "wrong" }, "what is wrong"],
    [400, { reason: "amount" }, { code: "http_400", description: "amount" }, "why"],
    [401, { message: 7, reason: [] }, { code: "http_401" }, "no text"],
    [401, "", { code: "http_401" }, "nothing"],
  ])("a request error %i %j → %j (%s)", (status, body, error) => {
    expect(gateway.rules.readRequestError(replied(status, body))).toStrictEqual(error);
  });
});

describe("what is kept of an answer", () => {
  test.each<[unknown, string, reason: string]>([
    [
      activity(asked),
      `type=payment id=94a564c9a66d4893b7edf8ccafe3c5fb paymentRequestId=${prepared.id} ` +
        "shortCode=CP-C7F-ZS5-015 value=19.99 NZD",
      "of an activity",
    ],
    [
      paymentRequest(asked, {
        status: "cancelled",
        cancellationReason: "PAYMENT_DECLINED",
        remainingAmount: 5,
      }),
      `status=cancelled cancellationReason=PAYMENT_DECLINED remainingAmount=5 id=${prepared.id} ` +
        "shortCode=CP-X4V-6N value=19.99 NZD",
      "of a Payment Request",
    ],
    [
      { statusCode: 403, message: "INACTIVE_ASSET", reason: "closed", error: "Forbidden" },
      "statusCode=403 message=INACTIVE_ASSET reason=closed",
      "of a refusal",
    ],
    [{ status: ["new"], id: null, assetId: "secret" }, "", "nothing that is no text or number, nor a secret"],
    ["<html>502</html>", "<html>502</html>", "of any other body its beginning"],
    ["[1]", "[1]", "of a list, too"],
  ])("%j → %j (%s)", (body, kept) => {
    expect(gateway.excerptOf(replied(200, body))).toBe(kept);
  });

  test("of a long one its beginning", () => {
    expect(gateway.excerptOf(replied(200, { message: "word ".repeat(2_000) })).length).toBeLessThanOrEqual(
      4_096,
    );
    expect(gateway.excerptOf(replied(502, "word ".repeat(2_000))).length).toBeLessThanOrEqual(4_096);
  });
});

describe("the rows of a look-up", () => {
  const rowsOf = (mode: keyof typeof requests, ...bodies: readonly unknown[]) => {
    const own = chargeOf(gateway, requests[mode], { currency: "NZD", amount: "1999" });
    return gateway.lookUpOf?.(own).read(
      bodies.map((body) => replied(200, body)),
      own,
      asked.requestId,
    );
  };
  const atMs = Date.parse("2026-11-24T09:00:01.427Z");
  const paid = activity(asked);

  test("a payment: by its key and our reference, when it was made, as it came", () => {
    expect(rowsOf("pay", paymentRequest(asked, { status: "paid" }), { items: [paid] })).toStrictEqual({
      kind: "rows",
      rows: [
        {
          kind: "charge",
          reply: readActivity(paid),
          transactionId: paid["id"],
          orderId: prepared.id,
          chargeId: charge.chargeId,
          requestId: asked.requestId,
          consumers: [],
          amount: "19.99",
          currency: "NZD",
          atMs,
          raw: paid,
        },
      ],
    });
  });

  test("a payment without a key, an amount or a time is a row all the same", () => {
    const bare = { type: "payment" };
    expect(rowsOf("pay", paymentRequest(asked, { status: "paid" }), { items: [bare] })).toStrictEqual({
      kind: "rows",
      rows: [
        { kind: "charge", reply: readActivity(bare), chargeId: charge.chargeId, consumers: [], raw: bare },
      ],
    });
  });

  test("what was given back proves nothing taken", () => {
    const back = activity(asked, { type: "refund", id: "r1" });
    expect(rowsOf("pay", paymentRequest(asked), { items: [back] })).toStrictEqual({
      kind: "rows",
      rows: [
        {
          kind: "reversal",
          reply: { kind: "unproven", why: "not_a_capture", ids: {} },
          chargeId: charge.chargeId,
          consumers: [],
          atMs,
          raw: back,
        },
      ],
    });
  });

  const request = (status: string) => paymentRequest(asked, { status });
  const refund = activity(asked, { type: "refund", id: "r1" });
  test.each<[string, JsonObject, JsonObject[], rows: string[], reason: string]>([
    ["new", request("new"), [refund, paid], ["captured", "reversal"], "a payment though it is new"],
    ["paid", request("paid"), [refund], ["accepted", "reversal"], "its payment is to come"],
    ["expired", request("expired"), [refund], ["refused", "reversal"], "unpaid, and given back"],
    ["expired", request("expired"), [refund, paid], ["captured", "reversal"], "paid before it expired"],
    ["unheard of", request("odd"), [], ["unproven"], "a word without a row"],
    ["unheard of", request("odd"), [paid], ["captured"], "a word without a row, and a payment"],
  ])("%s %# → %4$j", (_status, asks, items, rows) => {
    const looked = rowsOf("pay", asks, { items });
    if (looked?.kind !== "rows") throw new Error("no rows");
    expect(looked.rows.map((row) => (row.kind === "reversal" ? row.kind : row.reply.kind))).toStrictEqual(
      rows,
    );
  });

  test("a capture: under our key alone", () => {
    const ours = activity(asked, { type: "confirmation" });
    const others = [activity(asked), activity(asked, { type: "confirmation", idempotencyKey: "another" })];
    const looked = rowsOf("confirm", { items: [...others, ours] });
    expect(looked).toMatchObject({ kind: "rows", rows: [{ raw: ours, requestId: asked.requestId }] });
    expect(looked?.kind === "rows" && looked.rows).toHaveLength(1);
    expect(looked?.kind === "rows" && looked.rows[0]).not.toHaveProperty("chargeId");
  });

  test("a Quick Pay: its request, under our reference", () => {
    expect(rowsOf("quickPay", paymentRequest(asked))).toMatchObject({
      kind: "rows",
      rows: [{ kind: "charge", orderId: prepared.id, chargeId: charge.chargeId, atMs: prepared.madeAtMs }],
    });
  });

  const own = (mode: keyof typeof requests) =>
    chargeOf(gateway, requests[mode], { currency: "NZD", amount: "1999" });
  const whole = { items: [] };
  test.each<[keyof typeof requests, status: number[], bodies: unknown[], why: string, reason: string]>([
    ["pay", [], [], "no answer", "nothing was heard"],
    ["pay", [200], [paymentRequest(asked)], "no answer", "half of it was heard"],
    ["confirm", [], [], "no answer", "nothing was heard"],
    ["quickPay", [], [], "no answer", "nothing was heard"],
    ["pay", [403, 200], [paymentRequest(asked), whole], "HTTP 403 or another shape", "refused"],
    ["pay", [200, 403], [paymentRequest(asked), whole], "HTTP 403 or another shape", "half refused"],
    ["confirm", [500], [whole], "HTTP 500 or another shape", "a fault"],
    ["quickPay", [404], [paymentRequest(asked)], "HTTP 404 or another shape", "not there"],
    ["pay", [200, 200], [{ status: "new" }, whole], "HTTP 200 or another shape", "a request without an id"],
    ["pay", [200, 200], [{ id: "pr-1", status: 1 }, whole], "HTTP 200 or another shape", "no status"],
    ["pay", [200, 200], ["[]", whole], "HTTP 200 or another shape", "no request"],
    ["pay", [200, 200], [paymentRequest(asked), { items: {} }], "HTTP 200 or another shape", "no list"],
    ["pay", [200, 200], [paymentRequest(asked), { items: [1] }], "HTTP 200 or another shape", "no activity"],
    [
      "pay",
      [200, 200],
      [paymentRequest(asked), { items: [activity(asked), null] }],
      "HTTP 200 or another shape",
      "one activity that is none hides what it was",
    ],
  ])("%s, %j %# is no look: %4$s (%5$s)", (mode, status, bodies, why) => {
    const replies = bodies.map((body, at) => replied(status[at] ?? 0, body));
    expect(gateway.lookUpOf?.(own(mode)).read(replies, own(mode), asked.requestId)).toStrictEqual({
      kind: "unreadable",
      why,
    });
  });
});

describe("what was made and found", () => {
  const preparation = gateway.preparationOf?.(charge);

  test("a time that cannot be read is none", () => {
    const made = paymentRequest(asked, { createdAt: 1795339800, expiresAt: "soon" });
    expect(preparation?.readMade(replied(200, made))).toStrictEqual({
      kind: "made",
      prepared: { id: prepared.id },
    });
  });

  test.each<[unknown, object, reason: string]>([
    [{ status: "new" }, { kind: "unproven", why: "unreadable", ids: {} }, "no id"],
    [{ id: "pr-1", status: "paid" }, { kind: "unproven", why: "unreadable", ids: {} }, "not new"],
    ["<html>", { kind: "unproven", why: "unreadable", ids: {} }, "no JSON"],
  ])("%j is not made: %j (%s)", (body, reply) => {
    expect(preparation?.readMade(replied(200, body))).toStrictEqual(reply);
  });

  test.each<[status: string | null, state: string, reason: string]>([
    ["new", "open", "it can be paid"],
    ["paid", "charged", "it was"],
    ["cancelled", "closed", "it cannot be"],
    ["expired", "closed", "it cannot be"],
    ["refunded", "unlisted", "a word without a row"],
    ["toString", "unlisted", "a member of every object is no row"],
    [null, "unlisted", "no word at all"],
  ])("one that is %s is %s (%s)", (status, state) => {
    expect(preparation?.readFound(replied(200, { items: [{ id: "pr-1", status }] }))).toStrictEqual({
      kind: "page",
      found: [{ prepared: { id: "pr-1" }, state }],
    });
  });

  test.each<[status: number, unknown, why: string, reason: string]>([
    [403, { items: [] }, "HTTP 403", "refused"],
    [200, {}, "no list of items", "no list"],
    [200, "<html>", "no list of items", "no JSON"],
    [200, { items: [{ id: "pr-1", status: "new" }, {}] }, "an item without an id", "one of them"],
  ])("%i %j: %s (%s)", (status, body, why) => {
    expect(preparation?.readFound(replied(status, body))).toStrictEqual({ kind: "unreadable", why });
  });

  test.each<[JsonObject, next: object, reason: string]>([
    [{}, {}, "the only page"],
    [{ nextPageKey: "" }, {}, "an empty key is none"],
    [{ nextPageKey: "b" }, { next: "b" }, "the next one"],
    [{ pageKey: "a" }, { next: "a" }, "by its other name"],
    [{ nextPageKey: "b", pageKey: "a" }, { next: "b" }, "the one that says next"],
  ])("%j → %j (%s)", (keys, next) => {
    expect(preparation?.readFound(replied(200, { items: [], ...keys }))).toStrictEqual({
      kind: "page",
      found: [],
      ...next,
    });
  });

  test("a Quick Pay is found when it has expired, with room for a clock that differs", () => {
    expect(gateway.preparationOf?.(chargeOf(gateway, requests.quickPay))?.findAfterMs).toBe(180_000);
  });
});
