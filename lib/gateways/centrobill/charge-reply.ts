import { beginningOf } from "../../core/beginning.ts";
import { asString, isDeeperThan, isJsonObject, type Json, type JsonObject, member } from "../../core/json.ts";
import { decimalOfJson } from "../../core/money.ts";
import type { Echo, GatewayIds, GatewayReply } from "../../core/reply.ts";
import { bodyOf, type Replied } from "../../core/transport.ts";

/** A payment as Centrobill tells of it, in an answer, a feed row or a notice: members that decide, as they came. */
export type Payment = {
  readonly code: Json | undefined;
  readonly codeCategory: Json | undefined;
  readonly description: Json | undefined;
  readonly action: Json | undefined;
  readonly mode: Json | undefined;
  readonly status: Json | undefined;
  readonly amount: Json | undefined;
  readonly currency: Json | undefined;
  readonly transactionId: Json | undefined;
  readonly orderId: Json | undefined;
  readonly chargeId: Json | undefined;
  readonly requestId: Json | undefined;
};

/** Number or string, digits: the pages show both (facts §2.5). "0000" is 0 as in the redirect's `cb_code`. */
const codeOf = (code: Json | undefined): string | undefined => {
  const text = typeof code === "number" ? String(code) : code;
  if (typeof text !== "string" || !/^[0-9A-Za-z]{1,12}$/.test(text)) return undefined;
  return /^0+$/.test(text) ? "0" : text;
};

/** Ids are strings of digits in the samples; a number is read too, unless parsing it lost its last digits. */
export const idOf = (id: Json | undefined): string | undefined => {
  const text = typeof id === "number" && Number.isSafeInteger(id) && id >= 0 ? String(id) : id;
  return typeof text === "string" && /^[\w.:-]{1,64}$/.test(text) ? text : undefined;
};

/**
 * Our own reference as the gateway gives it back. Metadata may come back as numbers (facts §2.1); whatever else
 * stands there is not what we sent, and is handed on as a text that no reference can be.
 */
const referenceOf = (reference: Json | undefined): string | undefined => {
  if (reference === undefined || reference === null) return undefined;
  return typeof reference === "object" ? "(not a text)" : String(reference);
};

/** Whether a success is this charge's money, and a failure its no. */
type Mode = { readonly success: boolean; readonly fail: boolean };
const taking: Mode = { success: true, fail: true };
const another: Mode = { success: false, fail: false };

/**
 * What the final word on a charge means in each mode (facts §2.6). Fixtures have none. An authorisation takes no
 * money, but one that failed is a no; a test, a payout or money given back is not this charge at all.
 */
const modes: ReadonlyMap<Json | undefined, Mode> = new Map<Json | undefined, Mode>([
  [undefined, taking],
  [null, taking],
  ["sale", taking],
  ["settle", taking],
  ["auth", { success: false, fail: true }],
  ["test", another],
  ["payout", another],
  ["refund", another],
  ["void", another],
  ["credit", another],
]);

type Growing<T> = { -readonly [K in keyof T]: T[K] };

/**
 * What a payment proves by Centrobill's own words: `success` (or `confirmed`, where money was received) with
 * code 0 is a capture; `fail` with another code is a decline; `pending` is neither. What contradicts itself,
 * or uses a word that is not documented, proves nothing (S10).
 */
export const readPayment = (payment: Payment): GatewayReply => {
  const code = codeOf(payment.code);
  const transactionId = idOf(payment.transactionId);
  const orderId = idOf(payment.orderId);
  const ids: Growing<GatewayIds> = {};
  if (transactionId !== undefined) ids.transactionId = transactionId;
  if (orderId !== undefined) ids.orderId = orderId;
  const amount = decimalOfJson(payment.amount);
  const currency = asString(payment.currency);
  const chargeId = referenceOf(payment.chargeId);
  const requestId = referenceOf(payment.requestId);
  const echo: Growing<Echo> = {};
  if (amount !== undefined) echo.amount = amount;
  if (currency !== undefined) echo.currency = currency;
  if (chargeId !== undefined) echo.chargeId = chargeId;
  if (requestId !== undefined) echo.requestId = requestId;
  const unproven = (why: Extract<GatewayReply, { kind: "unproven" }>["why"]): GatewayReply => ({
    kind: "unproven",
    why,
    ids,
  });
  const mode = modes.get(payment.mode);
  const action = payment.action ?? "charge";
  if (action !== "charge" && action !== "redirect") return unproven("contradiction");
  switch (payment.status) {
    case "pending":
      return { kind: "accepted", echo, ids, code: code ?? "" };
    case "success":
    case "confirmed":
      if (code === undefined) return unproven("unlisted");
      if (code !== "0" || action === "redirect") return unproven("contradiction");
      if (mode === undefined) return unproven("unlisted");
      if (!mode.success) return unproven("not_a_capture");
      return { kind: "captured", echo, ids, code };
    case "fail": {
      if (code === undefined) return unproven("unlisted");
      if (code === "0" || action === "redirect") return unproven("contradiction");
      if (mode === undefined) return unproven("unlisted");
      if (!mode.fail) return unproven("not_a_capture");
      const codeCategory = codeOf(payment.codeCategory);
      const description = asString(payment.description);
      return {
        kind: "refused",
        echo,
        ids,
        code,
        ...(codeCategory === undefined ? {} : { codeCategory }),
        ...(description === undefined ? {} : { description: beginningOf(description) }),
      };
    }
    default:
      return unproven("unlisted");
  }
};

/** The members of a payment object, with the metadata beside it. */
export const paymentOf = (payment: JsonObject, metadata: Json | undefined): Payment => ({
  code: member(payment, "code"),
  codeCategory: member(payment, "codeCategory"),
  description: member(payment, "description"),
  action: member(payment, "action"),
  mode: member(payment, "mode"),
  status: member(payment, "status"),
  amount: member(payment, "amount"),
  currency: member(payment, "currency"),
  transactionId: member(payment, "transactionId"),
  orderId: member(payment, "orderId"),
  chargeId: member(metadata, "chargeId"),
  requestId: member(metadata, "requestId"),
});

/** Reads the answer to `POST /payment`. */
export const readReply = (reply: Replied): GatewayReply => {
  const body = bodyOf(reply);
  const payment = member(body, "payment");
  if (!isJsonObject(payment)) return { kind: "unproven", why: "unreadable", ids: {} };
  return readPayment(paymentOf(payment, member(body, "metadata")));
};

/** Reads an error object: `{message, errors: {field: text}}` (error-handling page); its text is optional. */
export const readRequestError = (
  reply: Replied,
): { readonly code: string; readonly description?: string } => {
  const code = `http_${reply.status}`;
  const body = bodyOf(reply);
  const message = asString(member(body, "message"));
  const errors = member(body, "errors");
  const fields = isJsonObject(errors)
    ? Object.entries(errors).map(([field, text]) => `${field}: ${asString(text) ?? "wrong"}`)
    : [];
  const description = [message, ...fields].filter((part) => part !== undefined).join("; ");
  return description === "" ? { code } : { code, description: beginningOf(description) };
};

const excerptMembers = [
  "code",
  "codeCategory",
  "description",
  "action",
  "mode",
  "status",
  "amount",
  "currency",
  "orderId",
  "transactionId",
] as const;

/** Members of an answer that name the card. In a body that was cut their end may be missing. */
const cardMember = /("(?:paymentAccountId|token|number|iban|bic|cvv|value)"\s*:\s*")[^"]*/gi;

/**
 * The members of an answer that may be kept; of an error object its text; of any other body its beginning, with
 * the escapes of its JSON undone so that a secret reads as it was sent. Not masked yet, and so not cut short.
 */
export const excerptOf = (reply: Replied): string => {
  const body = bodyOf(reply);
  const payment = member(body, "payment");
  if (isJsonObject(payment)) {
    let kept = "";
    for (const name of excerptMembers) {
      const value = member(payment, name);
      if (typeof value !== "string" && typeof value !== "number") continue;
      kept += kept === "" ? `${name}=${value}` : ` ${name}=${value}`;
    }
    return beginningOf(kept);
  }
  const { description } = readRequestError(reply);
  if (description !== undefined) return description;
  const text = body === undefined || isDeeperThan(body, 100) ? reply.body : JSON.stringify(body);
  return beginningOf(text.replace(cardMember, "$1***"));
};
