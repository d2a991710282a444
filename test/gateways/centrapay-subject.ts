import { type Json, type JsonObject, member, parseJson } from "../../lib/core/json.ts";
import type { Asked } from "../../lib/core/reply.ts";
import type { WireRequest } from "../../lib/core/transport.ts";
import { centrapay } from "../../lib/gateways/centrapay/index.ts";
import type { GatewaySubject } from "./gateway-contract.ts";
import { replied } from "./replied.ts";

export const options = { url: "https://service.centrapay.example", apiKey: "live-key-9c41d7e2b5a8403f" };
export const gateway = centrapay(options);

/** As a create's answer gives it (facts §5.6). */
export const prepared = {
  id: "VYowvZmuw3hbp1va9xqWx7",
  madeAtMs: Date.UTC(2026, 10, 24, 9),
  expiresAtMs: Date.UTC(2026, 10, 24, 9, 2),
};

const lineItems = [{ name: "Fence post", qty: "2", price: "1999", sku: "FP-2", tax: "15.00" }];

/** `request` of a charge message, one of each mode. */
export const requests = {
  pay: {
    mode: "pay",
    configId: "mc_5efbe2fb96c08357bb2b9242",
    merchantAccountId: "C4QnjXvj8At6SMsEN4LRi9",
    assetType: "centrapay.nzd.test",
    assetId: "WRhAxxWpTKb5U7pXyxQjjY",
    lineItems,
    externalPaymentRef: "till-4",
  },
  confirm: {
    mode: "confirm",
    paymentRequestId: "MhocUmpxxmgdHjr7DgKoKw",
    invoiceRef: "INV-2026-17",
    lineItems,
  },
  quickPay: {
    mode: "quickPay",
    configId: "mc_5efbe2fb96c08357bb2b9242",
    merchantAccountId: "C4QnjXvj8At6SMsEN4LRi9",
    barcode: "424242424",
    patronNotPresent: true,
  },
} as const satisfies Record<string, JsonObject>;

const bodyOf = (request: WireRequest | undefined): Json => parseJson(request?.body ?? "") ?? null;
/** The request that says how much: the create, or, to capture, the confirm itself. */
const pricing = (sent: readonly WireRequest[]): Json => bodyOf(sent[0]);

/** A Payment Activity as pay and confirm answer it (facts §5.6). */
export const activity = (asked: Asked, changes: JsonObject = {}): JsonObject => ({
  type: "payment",
  id: "94a564c9a66d4893b7edf8ccafe3c5fb",
  value: { amount: String(asked.amountMinor), currency: asked.currency },
  idempotencyKey: asked.requestId,
  assetType: "centrapay.nzd.test",
  paymentRequestId: prepared.id,
  shortCode: "CP-C7F-ZS5-015",
  merchantAccountId: "C4QnjXvj8At6SMsEN4LRi9",
  createdAt: "2026-11-24T09:00:01.427Z",
  activityNumber: "2",
  ...changes,
});

/** A Payment Request (facts §5.6). */
export const paymentRequest = (asked: Asked, changes: JsonObject = {}): JsonObject => ({
  id: prepared.id,
  shortCode: "CP-X4V-6N",
  merchantId: "5efbe17d96c083633e2b9241",
  configId: "mc_5efbe2fb96c08357bb2b9242",
  value: { amount: String(asked.amountMinor), currency: asked.currency },
  externalRef: asked.chargeId,
  status: "new",
  liveness: "test",
  createdAt: new Date(prepared.madeAtMs).toISOString(),
  expiresAt: new Date(prepared.expiresAtMs).toISOString(),
  ...changes,
});

export const refusal = (message: string, more: JsonObject = {}) =>
  replied(403, { statusCode: 403, error: "Forbidden", message, ...more });

export const subject: GatewaySubject = {
  gateway,
  credentials: [options.apiKey],
  requests,
  prepared,
  amounts: [
    ["NZD", "1999", "1999"],
    ["NZD", "1", "1"],
    ["NZD", "99999999", "99999999"],
    ["JPY", "500", "500"],
    ["KWD", "1500", "1500"],
    ["CLF", "123456", "123456"],
  ],
  // A capture belongs to a Payment Request that the merchant made under a reference of its own.
  withoutChargeId: ["confirm"],
  // In Quick Pay it is the Payment Request that makes a repeat harmless: it is paid once or never.
  withoutRequestId: ["quickPay"],
  requestIdsIn: (sent) =>
    sent.map((request) => member(bodyOf(request), "idempotencyKey")).filter((id) => id !== undefined),
  chargeIdIn: (sent) => member(pricing(sent), "externalRef"),
  currencyIn: (sent) => member(member(pricing(sent), "value"), "currency"),
  amountIn: (sent) => {
    const amount = member(member(pricing(sent), "value"), "amount");
    return typeof amount === "string" ? amount : undefined;
  },
  cardTokensIn: (sent) =>
    sent
      .flatMap((request) => [member(bodyOf(request), "assetId"), member(bodyOf(request), "barcode")])
      .filter((token) => typeof token === "string"),
  echoes: { chargeId: false, requestId: true, inDeclines: false },
  answers: {
    approved: (asked) => replied(200, activity(asked)),
    declined: () => refusal("INSUFFICIENT_ASSET_VALUE", { reason: "asset balance too low" }),
    pending: (asked) => replied(200, paymentRequest(asked)),
    requestError: () => replied(400, { statusCode: 400, message: '"amount" is required' }),
  },
  vocabulary: [
    ...["payment", "confirmation", "paid", "refund", "cancellation", "new", "cancelled", "expired"],
    ...["Forbidden", "PAYMENT_UNCONFIRMED", "REQUEST_PAID", "INACTIVE_ASSET", "1999", 1999, "NZD"],
  ],
};
