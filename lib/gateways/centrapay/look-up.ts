import type { Charge } from "../../core/charge.ts";
import type { FeedRow } from "../../core/feed.ts";
import { isJsonObject, type Json, type JsonObject, member } from "../../core/json.ts";
import type { LookUp } from "../../core/look-up.ts";
import type { Prepared } from "../../core/preparation.ts";
import type { GatewayReply } from "../../core/reply.ts";
import { bodyOf, type Replied } from "../../core/transport.ts";
import { idOf, readActivity, readPaymentRequest } from "./charge-reply.ts";
import {
  chargeModeOf,
  type Endpoint,
  getRequest,
  paymentRequestIdOf,
  paymentRequestPath,
} from "./charge-request.ts";

const rowOf = (
  raw: JsonObject,
  reply: GatewayReply,
  references: { readonly requestId?: string; readonly chargeId?: string },
): FeedRow => {
  const echo = "echo" in reply ? reply.echo : {};
  const createdAt = Date.parse(String(raw["createdAt"] ?? ""));
  return {
    kind: "charge",
    reply,
    ...("ids" in reply ? reply.ids : {}),
    ...references,
    consumers: [],
    ...(echo.amount === undefined ? {} : { amount: echo.amount }),
    ...(echo.currency === undefined ? {} : { currency: echo.currency }),
    ...(Number.isNaN(createdAt) ? {} : { atMs: createdAt }),
    raw,
  };
};

/** Money given back on a Payment Request. */
const reversalOf = (activity: JsonObject, references: { readonly chargeId?: string }): FeedRow => ({
  ...rowOf(activity, { kind: "unproven", why: "not_a_capture", ids: {} }, references),
  kind: "reversal",
});

const activitiesOf = (reply: Replied): readonly JsonObject[] | undefined => {
  const items = reply.status === 200 ? member(bodyOf(reply), "items") : undefined;
  return Array.isArray(items) && (items as readonly Json[]).every(isJsonObject)
    ? (items as readonly JsonObject[])
    : undefined;
};

const requestOf = (reply: Replied): JsonObject | undefined => {
  const body = reply.status === 200 ? bodyOf(reply) : undefined;
  return isJsonObject(body) && typeof body["status"] === "string" ? body : undefined;
};

const unreadable = (reply: Replied | undefined) =>
  ({
    kind: "unreadable",
    why: reply === undefined ? "no answer" : `HTTP ${reply.status} or another shape`,
  }) as const;

/** The rows of a Payment Request that this charge made: its payments, what was given back, and its end. */
const rowsOfOwnRequest = (
  request: JsonObject,
  activities: readonly JsonObject[],
  charge: Charge,
): readonly FeedRow[] => {
  const references = { chargeId: charge.chargeId };
  const payments = activities
    .filter(({ type }) => type === "payment")
    .map((activity) => {
      const key = activity["idempotencyKey"];
      return rowOf(activity, readActivity(activity), {
        ...references,
        ...(typeof key === "string" ? { requestId: key } : {}),
      });
    });
  const reversals = activities
    .filter(({ type }) => type === "refund")
    .map((activity) => reversalOf(activity, references));
  const reply = readPaymentRequest(request);
  // A new one without a payment is no row at all: that is what "absent" means here.
  if (reply.kind === "accepted") return [...payments, ...reversals];
  // Paid, and its payment not in the activities yet: its last word is to come.
  if (reply.kind === "captured")
    return payments.length > 0
      ? [...payments, ...reversals]
      : [rowOf(request, { ...reply, kind: "accepted" }, references), ...reversals];
  return payments.length > 0
    ? [...payments, ...reversals]
    : [rowOf(request, reply, references), ...reversals];
};

/** The rows of a capture: confirmations of a Payment Request are told apart by their `idempotencyKey`. */
const confirmationRows = (activities: readonly JsonObject[], requestId: string): readonly FeedRow[] =>
  activities
    .filter(({ type, idempotencyKey }) => type === "confirmation" && idempotencyKey === requestId)
    .map((activity) => rowOf(activity, readActivity(activity), { requestId }));

/** What became of one charge, by its Payment Request and the activities on it (docs: "source of truth"). */
export const lookUpFor = (charge: Charge, endpoint: Endpoint): LookUp => {
  const mode = chargeModeOf(charge);
  const pathOf = (prepared: Prepared | undefined): string =>
    paymentRequestPath(paymentRequestIdOf(charge, prepared));
  return {
    requests(_charge, prepared) {
      const path = pathOf(prepared);
      const request = getRequest(endpoint, path);
      const activities = getRequest(endpoint, `${path}/activities`);
      if (mode === "quickPay") return [request];
      return mode === "confirm" ? [activities] : [request, activities];
    },
    read(replies, _charge, requestId) {
      const [first, second] = replies;
      if (mode === "confirm") {
        const activities = first === undefined ? undefined : activitiesOf(first);
        return activities === undefined
          ? unreadable(first)
          : { kind: "rows", rows: confirmationRows(activities, requestId) };
      }
      const request = first === undefined ? undefined : requestOf(first);
      if (request === undefined || idOf(request["id"]) === undefined) return unreadable(first);
      if (mode === "quickPay")
        return {
          kind: "rows",
          rows: [rowOf(request, readPaymentRequest(request), { chargeId: charge.chargeId })],
        };
      const activities = second === undefined ? undefined : activitiesOf(second);
      return activities === undefined
        ? unreadable(second)
        : { kind: "rows", rows: rowsOfOwnRequest(request, activities, charge) };
    },
    maySetOff: (prepared, earliestMs) =>
      mode === "quickPay" && (prepared?.expiresAtMs === undefined || earliestMs <= prepared.expiresAtMs),
  };
};
