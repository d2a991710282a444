import { createHash } from "node:crypto";
import { centrapayClaims, centrobillSignature, createTokenKey } from "../../infra/local/notice-signing.ts";
import type { NoticeRequest, SameText, VerifyToken } from "../../lib/core/notice.ts";
import { sha256Of } from "../doubles/scripted-wire.ts";

export const atMs = Date.UTC(2026, 10, 22, 12);
export const secret = "s-code-example";
export const audience = "https://merchant.test/hooks";
export const sameText: SameText = (a, b) => a === b;
export const sha256 = sha256Of;
export const key = createTokenKey("key-1");

/** A request as it comes in; the hash is of its body. */
export const requestOf = (
  body: string,
  headers: Readonly<Record<string, string>>,
  changes: Partial<NoticeRequest> = {},
): NoticeRequest => ({
  headers,
  body,
  bodySha256: createHash("sha256").update(body).digest("hex"),
  atMs,
  ...changes,
});

/** The payload of a Centrobill notice; `payment` and `metadata` replace members. */
export const centrobillPayload = (payment: object = {}, metadata: object | null = {}): object => ({
  payment: {
    code: 0,
    description: "Approved",
    action: "charge",
    mode: "sale",
    status: "success",
    amount: 19.99,
    currency: "EUR",
    orderId: "2394649562",
    transactionId: "404168112",
    source: { method: "card", number: "513284****9161", paymentAccountId: "secret-account" },
    ...payment,
  },
  consumer: { id: "100059330", externalId: "user-1" },
  ...(metadata === null ? {} : { metadata: { chargeId: "order-1", requestId: "request-1", ...metadata } }),
});

export const signedCentrobill = (payload: object, by = secret): NoticeRequest => {
  const { payment } = payload as { payment: { transactionId: string | number; status: string } };
  const signature = centrobillSignature(by, String(payment.transactionId), payment.status);
  return requestOf(JSON.stringify(payload), { "x-signature": signature });
};

export const centrapayPayload = (activity: object = {}, changes: object = {}): object => ({
  id: "n-1",
  type: "payment-request:paid",
  accountId: "acct",
  test: true,
  createdAt: "2026-11-22T12:00:00.000Z",
  data: {
    id: "act-1",
    type: "payment",
    value: { amount: "1999", currency: "NZD" },
    paymentRequestId: "pr-1",
    idempotencyKey: "request-1",
    activityNumber: "2",
    ...activity,
  },
  ...changes,
});

export const signedCentrapay = (payload: object, claims: object = {}, header: object = {}): NoticeRequest => {
  const body = JSON.stringify(payload);
  const token = key.sign({ ...centrapayClaims(body, audience, atMs), ...claims }, header);
  return requestOf(body, { authorization: token });
};

/** What a token of the key above says, as it stands: its signature is the adapter's business. */
export const readsToken: VerifyToken = async (token) => ({
  kind: "verified",
  claims: JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as never,
});
