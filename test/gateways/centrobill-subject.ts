import { isJsonObject, type Json, type JsonObject, member, parseJson } from "../../lib/core/json.ts";
import { fromDecimal, parseCurrency, toDecimal } from "../../lib/core/money.ts";
import type { Asked } from "../../lib/core/reply.ts";
import type { WireRequest } from "../../lib/core/transport.ts";
import { type CentrobillOptions, centrobill } from "../../lib/gateways/centrobill/index.ts";
import type { GatewaySubject } from "./gateway-contract.ts";
import { replied } from "./replied.ts";

export const options: CentrobillOptions = {
  url: "https://api.centrobill.example",
  apiKey: "live-key-5d1f0a77c3b94e2e",
  feedUrl: "https://feed.centrobill.example",
};

export const gateway = centrobill(options);

const consumer = { id: "100059330", ip: "203.0.113.7", email: "ada@shop.example" };

/** `request` of a charge message, one of each source. */
export const requests = {
  "a saved card": {
    paymentSource: { type: "paymentAccountId", paymentAccountId: "0b5a1a52-9c1e-4d8e-b6a7-2f1f0f3c9d11" },
    consumer,
    sku: { siteId: "site-4471", title: "Plus, November" },
    url: { ipnUrl: "https://shop.example/ipn", redirectUrl: "https://shop.example/back" },
    emailOptions: { locale: "en", from: { name: "Shop" } },
  },
  "a one-time token": {
    paymentSource: { type: "token", value: "tok/9f8e7d6c+5b4a=39281706" },
    consumer: { externalId: "user-77", country: "DEU" },
    sku: { name: "plus-monthly" },
  },
  "a consumer's saved card": {
    paymentSource: { type: "consumer", value: "100059331" },
    consumer: { id: "100059331", ip: "2001:db8::7" },
    sku: { siteId: "site-9027" },
  },
} as const satisfies Record<string, JsonObject>;

const bodyOf = ([request]: readonly WireRequest[]): Json => parseJson(request?.body ?? "") ?? null;
const priceOf = (request: readonly WireRequest[]): Json | undefined => {
  const prices = member(member(bodyOf(request), "sku"), "price");
  return Array.isArray(prices) && prices.length === 1 ? (prices[0] as Json) : undefined;
};

/** The shape of the 201 as its page has it (facts §2.5); the amounts as JSON numbers. */
export const payment = (asked: Asked, changes: JsonObject = {}): JsonObject => {
  const currency = parseCurrency(asked.currency);
  if (currency === undefined) throw new Error("not a currency");
  const amount = toDecimal({ amountMinor: asked.amountMinor, currency });
  if (fromDecimal(amount, currency) !== asked.amountMinor) throw new Error("not the amount");
  return {
    code: 0,
    description: "Approved",
    action: "charge",
    mode: "sale",
    status: "success",
    amount: Number(amount),
    amountUsd: 20.31,
    currency: asked.currency,
    orderId: "2394649562",
    transactionId: "404168112",
    descriptor: "Eurobill",
    source: {
      method: "card",
      number: "513284****9161",
      brand: "mastercard",
      paymentAccountId: "b1-c2-d3-e4",
    },
    apiPaymentSource: "paymentAccountId",
    timestamp: { dateTime: "2026-11-22 09:30:00", timezone: "+00:00", unixTime: 1795339800 },
    ...changes,
  };
};

export const approval: JsonObject = {};
export const refusal: JsonObject = {
  code: 5051,
  codeCategory: 2,
  description: "Not enough money",
  status: "fail",
};
/** Facts §2.6: code 0 and "Approved" come with a promise too. */
export const promise: JsonObject = { action: "redirect", status: "pending", url: "https://3ds.example/c/1" };

/** The answer to a payment: `changes` go into the payment object; `undefined` there takes a member away. */
export const answer = (asked: Asked, changes: { readonly [name: string]: Json | undefined } = {}) =>
  replied(201, {
    payment: { ...payment(asked), ...changes },
    consumer: { id: "100059330", externalId: "user-77", email: "ada@shop.example" },
    metadata: { campaign: "autumn", chargeId: asked.chargeId, requestId: asked.requestId },
  });

/** A row of the feed as the default profile assumes it: the payment, with consumer and metadata beside. */
export const feedRow = (
  asked: Asked,
  changes: { readonly [name: string]: Json | undefined } = {},
): JsonObject =>
  JSON.parse(
    JSON.stringify({
      ...payment(asked),
      consumer: { id: "100059330", externalId: "user-77" },
      metadata: { chargeId: asked.chargeId, requestId: asked.requestId },
      ...changes,
    }),
  ) as JsonObject;

export const subject: GatewaySubject = {
  gateway,
  credentials: [options.apiKey],
  requests,
  amounts: [
    ["EUR", "1999", "19.99"],
    ["EUR", "10", "0.10"],
    ["EUR", "1", "0.01"],
    ["USD", "100", "1.00"],
    ["USD", "99999999", "999999.99"],
    ["JPY", "500", "500"],
    ["JPY", "1", "1"],
    ["KWD", "1500", "1.500"],
    ["KWD", "5", "0.005"],
    ["TND", "99999999", "99999.999"],
    ["CLF", "123456", "12.3456"],
    ["CLF", "1", "0.0001"],
  ],
  requestIdsIn: (request) => [
    request[0]?.headers["X-Request-ID"],
    member(member(bodyOf(request), "metadata"), "requestId"),
  ],
  chargeIdIn: (request) => member(member(bodyOf(request), "metadata"), "chargeId"),
  currencyIn: (request) => member(priceOf(request), "currency"),
  amountIn: (request) => /"amount":([^,}]*)/.exec(request[0]?.body ?? "")?.[1],
  cardTokensIn: (request) => {
    const source = member(bodyOf(request), "paymentSource");
    if (!isJsonObject(source)) return [];
    // A consumer's id is no token: it names a customer.
    return Object.entries(source).flatMap(([name, value]) =>
      name === "type" || source["type"] === "consumer" ? [] : [String(value)],
    );
  },
  echoes: { chargeId: true, requestId: true, inDeclines: true },
  answers: {
    approved: (asked) => answer(asked, approval),
    declined: (asked) => answer(asked, refusal),
    pending: (asked) => answer(asked, promise),
    requestError: () =>
      replied(400, { message: "Bad Request", errors: { "sku.siteId": "Parameter is invalid or missing" } }),
  },
  vocabulary: [
    ...["success", "pending", "fail", "confirmed", "charge", "redirect", "credit", "chargeback"],
    ...["sale", "auth", "settle", "payout", "refund", "void", "test", "0", "0000", 5051, "5051", 6001, 19.99],
  ],
  feed: {
    page: (rows) =>
      replied(200, { data: rows, meta: { currentPage: 1, lastPage: 1, perPage: 100, total: rows.length } }),
    capturedRow: (asked) => feedRow(asked),
    refusedRow: (asked) => feedRow(asked, refusal),
    keyInUrl: false,
  },
};
