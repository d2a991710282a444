import { beginningOf } from "../../core/beginning.ts";
import { asString, isJsonObject, type Json, type JsonObject, member } from "../../core/json.ts";
import { parseCurrency, toDecimal } from "../../core/money.ts";
import type { Echo, GatewayIds, GatewayReply } from "../../core/reply.ts";
import { bodyOf, type Replied } from "../../core/transport.ts";
import { cancelledCode, expiredCode, messageRow, normalMessage } from "./messages.ts";

const idPattern = /^[\w.:-]{1,64}$/;
export const idOf = (value: Json | undefined): string | undefined =>
  typeof value === "string" && idPattern.test(value) ? value : undefined;

/** Minor units: a string of digits by the documents, a number in some of their samples. */
export const minorOf = (amount: Json | undefined): bigint | undefined => {
  const digits = Number.isSafeInteger(amount) ? String(amount) : amount;
  return typeof digits === "string" && /^(0|[1-9]\d{0,14})$/.test(digits) ? BigInt(digits) : undefined;
};

/** The amount of a `value`, less what `remaining` says is still to be paid, as a decimal in major units. */
export const echoOfMonetary = (
  value: Json | undefined,
  remaining: Json | undefined,
): Pick<Echo, "amount" | "currency"> => {
  const code = asString(member(value, "currency"));
  const currency = code === undefined ? undefined : parseCurrency(code);
  const minor = minorOf(member(value, "amount"));
  const left = remaining === undefined || remaining === null ? 0n : minorOf(remaining);
  return {
    ...(code === undefined ? {} : { currency: code }),
    // A remainder that cannot be read leaves no amount that could be believed (S9).
    ...(minor === undefined || currency === undefined || left === undefined
      ? {}
      : { amount: toDecimal({ amountMinor: minor - left, currency }) }),
  };
};

const referenceOf = (reference: Json | undefined): string | undefined => {
  if (reference === undefined || reference === null) return undefined;
  return typeof reference === "object" ? "(not a text)" : String(reference);
};

/** Activity types that take money (docs, Payment Activity model). */
const capturingTypes = ["payment", "confirmation"];

const unproven = (
  why: Extract<GatewayReply, { kind: "unproven" }>["why"],
  ids: GatewayIds = {},
): GatewayReply => ({
  kind: "unproven",
  why,
  ids,
});

/** What a Payment Activity proves: a payment or a confirmation is money taken. */
export const readActivity = (activity: JsonObject): GatewayReply => {
  const transactionId = idOf(activity["id"]);
  const orderId = idOf(activity["paymentRequestId"]);
  const ids: GatewayIds = {
    ...(transactionId === undefined ? {} : { transactionId }),
    ...(orderId === undefined ? {} : { orderId }),
  };
  const type = capturingTypes.find((one) => one === activity["type"]);
  if (type === undefined) return unproven("unlisted", ids);
  const requestId = referenceOf(activity["idempotencyKey"]);
  return {
    kind: "captured",
    echo: {
      ...echoOfMonetary(activity["value"], undefined),
      ...(requestId === undefined ? {} : { requestId }),
    },
    ids,
    code: type,
  };
};

/**
 * What a Payment Request's status proves; the documents call it the source of truth. `paid` with something
 * remaining is read as the part that was paid, which is not what was asked.
 */
export const readPaymentRequest = (request: JsonObject): GatewayReply => {
  const orderId = idOf(request["id"]);
  const ids: GatewayIds = orderId === undefined ? {} : { orderId };
  const chargeId = referenceOf(request["externalRef"]);
  const echo: Echo = {
    ...echoOfMonetary(request["value"], request["remainingAmount"]),
    ...(chargeId === undefined ? {} : { chargeId }),
  };
  switch (request["status"]) {
    case "paid":
      return { kind: "captured", echo, ids, code: "paid" };
    case "new":
      return { kind: "accepted", echo, ids, code: "new" };
    case "cancelled": {
      const reason = asString(request["cancellationReason"]);
      return {
        kind: "refused",
        echo,
        ids,
        code: reason === undefined ? "CANCELLED" : cancelledCode(normalMessage(reason)),
        // "No further payment can be made" on one that is cancelled or expired.
        conclusive: true,
      };
    }
    case "expired":
      return { kind: "refused", echo, ids, code: expiredCode, lapsed: true, conclusive: true };
    default:
      return unproven("unlisted", ids);
  }
};

/** `reason` is for people: "it is recommended that `reason` is not used to drive application logic". */
const describe = (body: Json | undefined): { readonly description?: string } => {
  const reason = asString(member(body, "reason"));
  return reason === undefined ? {} : { description: beginningOf(reason) };
};

/** A 403 by its message. `declined` and `requestError` end a call; anything else has to be looked up. */
export const readRefusal = (
  body: Json | undefined,
): Extract<GatewayReply, { kind: "refused" | "invalid" | "unproven" }> => {
  const message = asString(member(body, "message"));
  if (message === undefined) return { kind: "unproven", why: "unreadable", ids: {} };
  const row = messageRow(message);
  const code = normalMessage(message);
  switch (row?.meaning) {
    case "declined":
      return { kind: "refused", echo: {}, ids: {}, code, ...describe(body) };
    case "requestError":
      return { kind: "invalid", code, ...describe(body) };
    case "unconfirmed":
      return { kind: "unproven", why: "unconfirmed", ids: {} };
    default:
      return { kind: "unproven", why: "unlisted", ids: {} };
  }
};

/** Reads the answer to a request that charges: an activity, a Payment Request (Quick Pay), or a 403. */
export const readReply = (reply: Replied): GatewayReply => {
  const body = bodyOf(reply);
  if (reply.status === 403) return readRefusal(body);
  if (!isJsonObject(body)) return unproven("unreadable");
  if (Object.hasOwn(body, "type")) return readActivity(body);
  return Object.hasOwn(body, "status") ? readPaymentRequest(body) : unproven("unreadable");
};

/** Reads a 400, 401 or 404; its `message` names what is wrong. */
export const readRequestError = (
  reply: Replied,
): { readonly code: string; readonly description?: string } => {
  const code = `http_${reply.status}`;
  const body = bodyOf(reply);
  const message = asString(member(body, "message"));
  const reason = asString(member(body, "reason"));
  const description = [message, reason].filter((part) => part !== undefined).join("; ");
  return description === "" ? { code } : { code, description: beginningOf(description) };
};

const excerptMembers = [
  "statusCode",
  "message",
  "reason",
  "type",
  "status",
  "cancellationReason",
  "remainingAmount",
  "id",
  "paymentRequestId",
  "shortCode",
] as const;

/** The members of an answer that may be kept; of any other body its beginning. Not masked yet. */
export const excerptOf = (reply: Replied): string => {
  const body = bodyOf(reply);
  if (!isJsonObject(body)) return beginningOf(reply.body);
  let kept = "";
  for (const name of excerptMembers) {
    const value = member(body, name);
    if (typeof value === "string" || typeof value === "number") kept += `${name}=${value} `;
  }
  const { amount, currency } = echoOfMonetary(body["value"], undefined);
  return beginningOf(amount === undefined ? kept.slice(0, -1) : `${kept}value=${amount} ${currency}`);
};
