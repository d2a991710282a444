import { describe, expect, test } from "vitest";
import type { RequestId } from "../../lib/core/charge.ts";
import { classify, outcomeOfReply } from "../../lib/core/classify.ts";
import type { JsonObject } from "../../lib/core/json.ts";
import type { Replied } from "../../lib/core/transport.ts";
import { cancellationReasons, messages } from "../../lib/gateways/centrapay/messages.ts";
import {
  activity,
  gateway,
  paymentRequest,
  prepared,
  refusal,
  requests,
  subject,
} from "./centrapay-subject.ts";
import { askedOf, chargeOf, gatewayContract } from "./gateway-contract.ts";
import { replied } from "./replied.ts";

gatewayContract("centrapay", subject);

const nzd = { currency: "NZD", amount: "1999" };
const charges = {
  pay: chargeOf(gateway, requests.pay, nzd),
  confirm: chargeOf(gateway, requests.confirm, nzd),
  quickPay: chargeOf(gateway, requests.quickPay, nzd),
};
const asked = askedOf(charges.pay);
const shortOf = (reply: Replied): string => {
  const outcome = classify(reply, asked, gateway.rules);
  switch (outcome.kind) {
    case "unknown":
      return `unknown ${outcome.why}`;
    case "declined":
      return `declined ${outcome.category}`;
    case "mismatch":
      return `mismatch ${outcome.mismatch.field}`;
    default:
      return outcome.kind;
  }
};

describe("HTTP statuses", () => {
  test.each([
    [200, "approved", "the body decides"],
    [201, "unknown unlisted_status", "no 201 anywhere in the documents"],
    [400, "requestError", '"this is never going to work"'],
    [401, "requestError", "the key"],
    [403, "unknown unreadable", "three meanings, told apart by the message, which an activity has not"],
    [404, "requestError", "a wrong route"],
    [429, "unknown gateway_fault", "neither a decline nor a failure: the same key again"],
    [500, "unknown gateway_fault", '"Retrying should solve the issue"'],
    [503, "unknown gateway_fault", ""],
    [418, "unknown unlisted_status", ""],
  ])("%i: %s (%s)", (status, expected) => {
    expect(shortOf({ ...replied(200, activity(asked)), status })).toBe(expected);
  });
});

describe("a 403 by its message", () => {
  /** facts/centrapay.md §6.13: 39 messages of the Payment Request endpoints. */
  const documented =
    `CHECKSUM_FAILED LINE_ITEMS_SUM_CHECK_FAILED ALREADY_REFUNDED ASSET_REDEMPTION_DENIED CONDITION_ALREADY_SET
     CONFIRMATION_NOT_FOUND CONNECTION_CREATED_BY_MISMATCH CONNECTION_MERCHANT_MISMATCH CONNECTION_NOT_FOUND
     IDEMPOTENT_OPERATION_FAILED INACTIVE_ASSET INSUFFICIENT_ASSET_VALUE INVALID_AMOUNT INVALID_ASSET_TYPE
     INVALID_MERCHANT_CONFIG INVALID_PAYMENT_REQUEST_TYPE MERCHANT_NOT_AUTHORIZED NO_AVAILABLE_PAYMENT_OPTIONS
     NOT_PAID PARTIAL_REFUNDS_NOT_ALLOWED PATRON_CODE_INVALID PATRON_NOT_AUTHORIZED PAYMENT_DECLINED
     PAYMENT_UNCONFIRMED PRE_AUTH_ALREADY_CONFIRMED PRE_AUTH_PENDING PRE_AUTH_RELEASED QUOTA_EXCEEDED
     REDIRECT_URL_INVALID REFUND_DECLINED REFUND_NOT_SUPPORTED REFUND_WINDOW_EXCEEDED REMAINING_AMOUNT_EXCEEDED
     REPEAT_REFERENCE REQUEST_CANCELLED REQUEST_EXPIRED REQUEST_PAID TOKEN_COLLECTION_NOT_FOUND
     VOID_WINDOW_EXCEEDED`.split(/\s+/);

  test("every documented message has a row with its source, and there are 39", () => {
    expect(documented).toHaveLength(39);
    for (const message of documented) expect(messages[message]?.source, message).toBeTruthy();
  });

  test.each([
    ["Forbidden", "requestError", "missing or not permitted"],
    ["forbidden", "requestError", "another page writes it so"],
    ["FORBIDDEN", "requestError", "and another so"],
    ["PATRON_CODE_INVALID", "declined wrong_details", ""],
    ["INACTIVE_ASSET", "declined never_approved", ""],
    ["QUOTA_EXCEEDED", "declined limit_reached", "not before the next interval"],
    ["INSUFFICIENT_ASSET_VALUE", "declined insufficient_funds", ""],
    ["insufficient asset value", "declined insufficient_funds", "spaces for underscores"],
    ["Insufficient_Asset-Value ", "declined insufficient_funds", ""],
    ["ASSET_REDEMPTION_DENIED", "declined blocked", ""],
    ["PAYMENT_DECLINED", "declined blocked", "mixed causes: the strictest"],
    ["REQUEST_CANCELLED", "declined customer_action", ""],
    ["REQUEST_EXPIRED", "declined issuer_unavailable", "nothing was paid; a new one may be"],
    ["PRE_AUTH_RELEASED", "declined never_approved", ""],
    ["PRE_AUTH_PENDING", "declined issuer_unavailable", ""],
    ["PRE_AUTH_EXPIRED", "declined never_approved", "the name of before"],
    ["PAYMENT_UNCONFIRMED", "unknown unconfirmed", "an unknown outcome in a decline's clothes"],
    ["payment unconfirmed", "unknown unconfirmed", ""],
    ["REQUEST_PAID", "unknown unconfirmed", "it may be our own payment"],
    ["INVALID_ASSET_TYPE", "requestError", ""],
    ["INVALID_MERCHANT_CONFIG", "requestError", ""],
    ["REMAINING_AMOUNT_EXCEEDED", "requestError", ""],
    ["IDEMPOTENT_OPERATION_FAILED", "unknown unconfirmed", "our key was used before: by us, and maybe well"],
    ["DUPLICATE_IDEMPOTENCY_KEY", "unknown unconfirmed", "the name of before"],
    ["INVALID_AMOUNT", "requestError", ""],
    ["REFUND_DECLINED", "unknown unlisted", "says nothing of a charge"],
    ["VOID_WINDOW_EXCEEDED", "unknown unlisted", ""],
    ["SOMETHING_NEW", "unknown unlisted", "never retried and never declined in silence"],
    ["INSUFFICIENT_BALANCE", "unknown unlisted", "only an example of the status page; no endpoint has it"],
    ["constructor", "unknown unlisted", "what every object inherits is no row"],
    ["", "unknown unlisted", ""],
  ])("%j: %s (%s)", (message, expected) => {
    expect(shortOf(refusal(message))).toBe(expected);
  });

  test("a message that says nothing of a charge has no category, and no row among the declines", () => {
    for (const [message, { meaning, category }] of Object.entries(messages)) {
      expect(category !== undefined, message).toBe(meaning === "declined");
      expect(Object.hasOwn(gateway.rules.declines.codes, message), message).toBe(category !== undefined);
    }
  });

  test("`reason` never decides, and is kept for people", () => {
    const outcome = classify(
      refusal("INACTIVE_ASSET", { reason: "INSUFFICIENT_ASSET_VALUE" }),
      asked,
      gateway.rules,
    );
    expect(outcome).toMatchObject({
      kind: "declined",
      category: "never_approved",
      code: "INACTIVE_ASSET",
      description: "INSUFFICIENT_ASSET_VALUE",
    });
    expect(shortOf(replied(403, { reason: "INACTIVE_ASSET" }))).toBe("unknown unreadable");
  });
});

describe("a Payment Request's status", () => {
  test.each<[JsonObject, string, string]>([
    [{ status: "new" }, "pending", ""],
    [{ status: "paid" }, "approved", ""],
    [{ status: "paid", remainingAmount: "0" }, "approved", ""],
    [{ status: "paid", remainingAmount: 0 }, "approved", "a number in some samples"],
    [{ status: "paid", remainingAmount: "1" }, "mismatch amount", "not the whole"],
    [{ status: "paid", remainingAmount: "x" }, "mismatch amount", "an amount that cannot be read"],
    [{ status: "paid", value: { amount: "1998", currency: "NZD" } }, "mismatch amount", ""],
    [{ status: "paid", value: { amount: "19.99", currency: "NZD" } }, "mismatch amount", "minor units"],
    [{ status: "paid", value: { amount: "1999", currency: "AUD" } }, "mismatch currency", ""],
    [{ status: "paid", value: {} }, "mismatch currency", ""],
    [{ status: "paid", externalRef: "inv-other" }, "mismatch chargeId", "another charge's"],
    [{ status: "new", externalRef: "inv-other" }, "unknown contradiction", ""],
    [{ status: "expired" }, "declined issuer_unavailable", "unpaid"],
    [{ status: "cancelled" }, "declined unrecognised", "without a reason"],
    [{ status: "refunded" }, "unknown unlisted", "a word of 2022"],
    [{ status: "PAID" }, "unknown unlisted", "not the word that is documented"],
  ])("%j: %s (%s)", (changes, expected) => {
    expect(shortOf(replied(200, paymentRequest(asked, changes)))).toBe(expected);
  });

  test.each<[cancelledFor: string, category: string, reason: string]>([
    ["CANCELLED_BY_MERCHANT", "blocked", "on purpose: not for a machine to try again"],
    ["CANCELLED_BY_PATRON", "customer_action", "the customer did not want to"],
    ["DECLINED_BY_PATRON", "customer_action", "the customer did not want to"],
    ["DECLINED_BY_MERCHANT", "blocked", "on purpose"],
    ["PATRON_CODE_INVALID", "wrong_details", "no such code"],
    ["PATRON_CODE_EXPIRED", "wrong_details", "a code of before"],
    ["INACTIVE_ASSET", "never_approved", "it can never pay"],
    ["PAYMENT_DECLINED", "blocked", "causes that are not told apart: the strictest"],
    ["NO_AVAILABLE_PAYMENT_OPTIONS", "invalid_request", "nothing to pay with"],
    ["PAYMENT_REQUEST_EXPIRED", "issuer_unavailable", "unpaid; a new one may be paid"],
    ["PAYMENT_FAILED", "unrecognised", "for an unknown reason"],
    ["INSUFFICIENT_ASSET_VALUE", "insufficient_funds", "only in an older revision"],
    ["PREAUTH_EXPIRED", "never_approved", "only in an older revision"],
    ["WHATEVER", "unrecognised", "a reason without a row"],
  ])("cancelled for %s: %s (%s)", (cancelledFor, category) => {
    const reply = replied(
      200,
      paymentRequest(asked, { status: "cancelled", cancellationReason: cancelledFor }),
    );
    expect(shortOf(reply)).toBe(`declined ${category}`);
    if (cancelledFor !== "WHATEVER") expect(Object.keys(cancellationReasons)).toContain(cancelledFor);
  });

  test("no other reason has a row", () => {
    expect(Object.keys(cancellationReasons)).toHaveLength(13);
  });
});

describe("the message's own part", () => {
  test.each<[keyof typeof requests, JsonObject, string, string]>([
    ["pay", { mode: "payLater" }, "request.mode", ""],
    ["pay", { configId: "" }, "request.configId", ""],
    ["pay", { configId: "a/../b" }, "request.configId", "it stands in no path, but might"],
    ["pay", { barcode: "424242424" }, "request.barcode", "of another mode"],
    ["pay", { lineItems: [] }, "request.lineItems", ""],
    ["pay", { lineItems: [{ name: "a", qty: "1" }] }, "request.lineItems[0].price", "missing"],
    [
      "pay",
      { lineItems: [{ name: "a", qty: "1", price: "1", prize: "1" }] },
      "request.lineItems[0].prize",
      "",
    ],
    ["confirm", { paymentRequestId: "../pay" }, "request.paymentRequestId", "it stands in a path"],
    ["confirm", { invoiceRef: "x".repeat(129) }, "request.invoiceRef", "at most 128"],
    ["quickPay", { patronNotPresent: "yes" }, "request.patronNotPresent", ""],
  ])("%s with %j: %s (%s)", (which, changes, field) => {
    expect(
      gateway.parseRequest({ ...requests[which], ...changes }).map((problem) => problem.field),
    ).toStrictEqual([field]);
  });

  test.each([
    ["pay", ["configId", "merchantAccountId", "assetType", "assetId"]],
    ["confirm", ["paymentRequestId", "invoiceRef", "lineItems"]],
    ["quickPay", ["configId", "merchantAccountId", "barcode"]],
  ] as const)("%s needs %j", (mode, names) => {
    expect(gateway.parseRequest({ mode }).map(({ field }) => field)).toStrictEqual(
      names.map((name) => `request.${name}`),
    );
  });
});

describe("a Payment Request is made and found", () => {
  test("notices name what was made first, or the key of a confirmation", () => {
    const requestId = "request-7" as RequestId;
    expect(gateway.noticeReferenceOf?.(charges.pay, requestId, prepared)).toBe(prepared.id);
    expect(gateway.noticeReferenceOf?.(charges.quickPay, requestId, prepared)).toBe(prepared.id);
    expect(gateway.noticeReferenceOf?.(charges.pay, requestId, undefined)).toBeUndefined();
    expect(gateway.noticeReferenceOf?.(charges.confirm, requestId, undefined)).toBe("request-7");
  });

  const payPreparation = gateway.preparationOf?.(charges.pay);
  const quickPayPreparation = gateway.preparationOf?.(charges.quickPay);

  test("a capture needs none", () => {
    expect(gateway.preparationOf?.(charges.confirm)).toBeUndefined();
  });

  test("it carries our reference and the amount, and a barcode in Quick Pay alone", () => {
    expect(JSON.parse(payPreparation?.make(charges.pay).body ?? "")).toStrictEqual({
      configId: requests.pay.configId,
      externalRef: charges.pay.chargeId,
      lineItems: requests.pay.lineItems,
      value: { amount: "1999", currency: "NZD" },
    });
    expect(JSON.parse(quickPayPreparation?.make(charges.quickPay).body ?? "")).toStrictEqual({
      barcode: "424242424",
      configId: requests.quickPay.configId,
      externalRef: charges.quickPay.chargeId,
      patronNotPresent: true,
      value: { amount: "1999", currency: "NZD" },
    });
  });

  test.each<[string, Replied, object, string]>([
    ["new", replied(200, paymentRequest(asked)), { kind: "made", prepared }, ""],
    ["no times", replied(200, { id: "pr-1", status: "new" }), { kind: "made", prepared: { id: "pr-1" } }, ""],
    [
      "paid at once",
      replied(200, paymentRequest(asked, { status: "paid" })),
      { kind: "unproven" },
      "not new",
    ],
    ["no id", replied(200, { status: "new" }), { kind: "unproven" }, ""],
    ["not JSON", replied(200, "<html>"), { kind: "unproven" }, ""],
    ["PATRON_CODE_INVALID", refusal("PATRON_CODE_INVALID"), { kind: "refused" }, "no such card"],
    ["NO_AVAILABLE_PAYMENT_OPTIONS", refusal("NO_AVAILABLE_PAYMENT_OPTIONS"), { kind: "invalid" }, ""],
    ["an unlisted message", refusal("WHATEVER"), { kind: "unproven" }, ""],
  ])("made, %s", (_name, reply, expected) => {
    expect(payPreparation?.readMade(reply)).toMatchObject(expected);
  });

  test("is looked for by our reference, page by page, with either name of the next page", () => {
    const find = payPreparation?.find(charges.pay, undefined);
    expect(find?.url).toBe(
      "https://service.centrapay.example/api/payment-requests/external-ref/inv-2026-11.17%3AA?merchantAccountId=C4QnjXvj8At6SMsEN4LRi9",
    );
    expect(payPreparation?.find(charges.pay, "a#b|c").url).toContain("&pageKey=a%23b%7Cc");
    const items = [
      paymentRequest(asked),
      paymentRequest(asked, { status: "paid" }),
      paymentRequest(asked, { status: "toString" }),
    ];
    for (const next of [{ pageKey: "k" }, { nextPageKey: "k" }])
      expect(payPreparation?.readFound(replied(200, { items, ...next }))).toStrictEqual({
        kind: "page",
        found: [
          { prepared, state: "open" },
          { prepared, state: "charged" },
          { prepared, state: "unlisted" },
        ],
        next: "k",
      });
  });

  test.each<[string, Replied]>([
    ["no list", replied(200, {})],
    ["another status", replied(403, { items: [] })],
    ["an item without an id", replied(200, { items: [{ status: "new" }] })],
    ["an item that is none", replied(200, { items: [null] })],
  ])("%s is not nothing found", (_name, reply) => {
    expect(payPreparation?.readFound(reply).kind).toBe("unreadable");
  });

  test("in Quick Pay it is looked for only when it must have expired: a list may start the payment", () => {
    expect(payPreparation?.findAfterMs).toBeUndefined();
    expect(quickPayPreparation?.findAfterMs).toBeGreaterThan(120_000);
  });
});

describe("the look-up of one charge", () => {
  const items = (...activities: readonly JsonObject[]) => replied(200, { items: activities });
  const read = (mode: keyof typeof charges, ...replies: readonly Replied[]) =>
    gateway.lookUpOf?.(charges[mode]).read(replies, charges[mode], asked.requestId);
  const outcomes = (mode: keyof typeof charges, ...replies: readonly Replied[]): readonly string[] => {
    const looked = read(mode, ...replies);
    if (looked?.kind !== "rows") return [looked?.kind ?? "none"];
    return looked.rows.map((row) =>
      row.kind === "reversal" ? "reversal" : outcomeOfReply(row.reply, asked, gateway.rules).kind,
    );
  };
  const request = (changes: JsonObject = {}) => replied(200, paymentRequest(asked, changes));
  const confirmation = (changes: JsonObject = {}) => activity(asked, { type: "confirmation", ...changes });

  test.each<[string, readonly string[], readonly string[], string]>([
    ["new, no payment", [], outcomes("pay", request(), items()), "absent"],
    [
      "new, the request alone",
      [],
      outcomes("pay", request(), items(activity(asked, { type: "request" }))),
      "",
    ],
    [
      "paid by our payment",
      ["approved"],
      outcomes("pay", request({ status: "paid" }), items(activity(asked))),
      "",
    ],
    [
      "paid, and its payment not there yet",
      ["pending"],
      outcomes("pay", request({ status: "paid" }), items()),
      "",
    ],
    [
      "paid in part",
      ["mismatch"],
      outcomes(
        "pay",
        request({ status: "paid", remainingAmount: "999" }),
        items(activity(asked, { value: { amount: "1000", currency: "NZD" } })),
      ),
      "not an approval of the whole",
    ],
    [
      "paid by another key",
      ["mismatch"],
      outcomes("pay", request({ status: "paid" }), items(activity(asked, { idempotencyKey: "another" }))),
      "",
    ],
    [
      "paid and given back",
      ["approved", "reversal"],
      outcomes(
        "pay",
        request({ status: "paid" }),
        items(activity(asked, { type: "refund", id: "r1" }), activity(asked)),
      ),
      "",
    ],
    ["expired", ["declined"], outcomes("pay", request({ status: "expired" }), items()), "unpaid for ever"],
    [
      "cancelled",
      ["declined"],
      outcomes("pay", request({ status: "cancelled", cancellationReason: "CANCELLED_BY_MERCHANT" }), items()),
      "",
    ],
    ["another shape", ["unreadable"], outcomes("pay", replied(200, {}), items()), ""],
    ["no activities", ["unreadable"], outcomes("pay", request(), replied(500, {})), "half an answer is none"],
    ["captured", ["approved"], outcomes("confirm", items(confirmation())), ""],
    [
      "another capture of the same authorisation",
      [],
      outcomes("confirm", items(confirmation({ idempotencyKey: "another" }))),
      "not ours",
    ],
    ["nothing captured", [], outcomes("confirm", items(activity(asked, { type: "authorization" }))), ""],
    ["quick pay, new", ["pending"], outcomes("quickPay", request()), ""],
    ["quick pay, paid", ["approved"], outcomes("quickPay", request({ status: "paid" })), ""],
    [
      "quick pay, cancelled",
      ["declined"],
      outcomes("quickPay", request({ status: "cancelled", cancellationReason: "PAYMENT_DECLINED" })),
      "",
    ],
  ])("%s: %j", (_name, expected, found) => {
    expect(found).toStrictEqual(expected);
  });

  test("asking may set a Quick Pay off until it must have expired, and nothing else ever", () => {
    const { expiresAtMs } = prepared;
    const mayAt = (mode: keyof typeof charges, earliestMs: number, made = prepared as { id: string }) =>
      gateway.lookUpOf?.(charges[mode]).maySetOff(made, earliestMs);
    expect(mayAt("pay", expiresAtMs - 1)).toBe(false);
    expect(mayAt("confirm", expiresAtMs - 1)).toBe(false);
    expect(mayAt("quickPay", expiresAtMs)).toBe(true);
    expect(mayAt("quickPay", expiresAtMs + 1)).toBe(false);
    expect(gateway.lookUpOf?.(charges.quickPay).maySetOff(undefined, expiresAtMs + 1e9)).toBe(true);
    // Nobody said when it expires: it is never only a look.
    expect(mayAt("quickPay", expiresAtMs + 1e9, { id: "pr-1" })).toBe(true);
  });
});

describe("a void", () => {
  test("is known by the code of a Payment Request that the merchant cancelled", () => {
    const body = {
      ...paymentRequest(asked, { status: "cancelled" }),
      cancellationReason: "CANCELLED_BY_MERCHANT",
    };
    const reply = gateway.rules.readReply(replied(200, body));
    expect(gateway.voidedAs).toBe(reply.kind === "refused" ? reply.code : undefined);
    expect(gateway.voidedAs).toBeDefined();
  });

  const voidAt = (mode: keyof typeof charges, afterMs: number) =>
    gateway.voidOf?.(charges[mode], prepared, prepared.madeAtMs + afterMs);
  const hourMs = 3_600_000;

  test("is possible for 24 hours, less one, and never of a capture", () => {
    expect(voidAt("pay", 0)).toMatchObject({
      method: "POST",
      url: `https://service.centrapay.example/api/payment-requests/${prepared.id}/void`,
    });
    expect(voidAt("quickPay", 23 * hourMs)).toBeDefined();
    expect(voidAt("pay", 23 * hourMs + 1)).toBeUndefined();
    expect(voidAt("confirm", 0)).toBeUndefined();
    expect(() => gateway.voidOf?.(charges.pay, undefined, 0)).toThrow("without its Payment Request");
  });
});
