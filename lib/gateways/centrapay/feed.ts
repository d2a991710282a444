import type { Feed, FeedPage, FeedRow, FeedWindow, OrderOwners } from "../../core/feed.ts";
import { asString, isJsonObject, type Json, type JsonObject, member, parseJson } from "../../core/json.ts";
import { echoOfMonetary, idOf, readActivity } from "./charge-reply.ts";
import { type Endpoint, getRequest, paymentRequestPath } from "./charge-request.ts";

/** Money taken, and money given back; an activity of another type moves none (facts §5.4). */
const chargeTypes = new Set<Json | undefined>(["payment", "confirmation"]);
const reversalType = "refund";

/** The size of a page is not documented: so many that a busy merchant's month fits. */
const pagesMax = 20_000;

const timeOf = (activity: JsonObject): number => Date.parse(asString(activity["createdAt"]) ?? "");

/** `undefined`: an activity that moved money, and that nothing names. */
const rowOf = (activity: JsonObject, atMs: number): FeedRow | undefined => {
  const transactionId = idOf(activity["id"]);
  const orderId = idOf(activity["paymentRequestId"]);
  if (transactionId === undefined && orderId === undefined) return undefined;
  const isReversal = activity["type"] === reversalType;
  const key = asString(activity[isReversal ? "confirmationIdempotencyKey" : "idempotencyKey"]);
  return {
    kind: isReversal ? "reversal" : "charge",
    reply: isReversal ? { kind: "unproven", why: "not_a_capture", ids: {} } : readActivity(activity),
    ...(transactionId === undefined ? {} : { transactionId }),
    ...(orderId === undefined ? {} : { orderId }),
    ...(key === undefined ? {} : { requestId: key }),
    consumers: [],
    ...echoOfMonetary(activity["value"], undefined),
    atMs,
    raw: activity,
  };
};

/**
 * For which charge a Payment Request was made: its `externalRef`, which its activities do not show (facts §5.4). The
 * first GET of a Quick Pay sets its payment off (facts, H); that a GET of one which has a payment sets off no other is an
 * assumption: that payment was the first GET's. What was authorised beforehand is drawn on by several charges, and its
 * `externalRef` is of none of them.
 */
const ownersAt = (endpoint: Endpoint): OrderOwners => ({
  request: ({ kind, says, code, orderId }) =>
    kind === "charge" && says === "captured" && code === "payment" && orderId !== undefined
      ? getRequest(endpoint, paymentRequestPath(orderId))
      : undefined,
  read(reply) {
    // "Forbidden" is said of what is not there, too: it is no Payment Request of this account's then.
    if (reply.status === 403 || reply.status === 404) return {};
    const body = parseJson(reply.body);
    if (reply.status !== 200 || !isJsonObject(body)) return { failure: `HTTP ${reply.status}` };
    const chargeId = asString(body["externalRef"]);
    return chargeId === undefined ? {} : { chargeId };
  },
});

/**
 * The activities of a merchant, for reconciliation: a page of them, newest first, with neither a filter by date
 * nor one by reference (facts §7). So it is read from its beginning until the window's start has gone by; a page
 * in another order than documented ends the scan, since nobody would know where to stop. A row without our key
 * is known by its Payment Request. That this list, unlike a GET by id, sets no Quick Pay off is an assumption.
 */
export const centrapayFeed = (endpoint: Endpoint, merchantId: string): Feed => ({
  firstCursor: "",
  pagesMax,
  pageRequest(_window, cursor) {
    const page = cursor === "" ? "" : `&pageKey=${encodeURIComponent(cursor)}`;
    return getRequest(
      endpoint,
      `/api/payment-activities?merchantId=${encodeURIComponent(merchantId)}${page}`,
    );
  },
  readPage(reply, cursor, window: FeedWindow = { fromMs: 0, toMs: Number.POSITIVE_INFINITY }): FeedPage {
    if (reply.status !== 200) return { kind: "unreadable", why: `HTTP ${reply.status}` };
    const body = parseJson(reply.body);
    const items = member(body, "items");
    if (!Array.isArray(items) || !(items as readonly Json[]).every(isJsonObject))
      return { kind: "unreadable", why: "no list of activities" };
    const rows: FeedRow[] = [];
    let unreadRows = 0;
    let beforeMs = Number.POSITIVE_INFINITY;
    for (const activity of items as readonly JsonObject[]) {
      const atMs = timeOf(activity);
      if (Number.isNaN(atMs)) {
        unreadRows += 1;
        continue;
      }
      if (atMs > beforeMs) return { kind: "unreadable", why: "not newest first" };
      beforeMs = atMs;
      const { type } = activity;
      if (atMs < window.fromMs || atMs > window.toMs || !(chargeTypes.has(type) || type === reversalType))
        continue;
      const row = rowOf(activity, atMs);
      if (row === undefined) unreadRows += 1;
      else rows.push(row);
    }
    // The general page says `nextPageKey`, a sample `pageKey`: either is read.
    const next = asString(member(body, "nextPageKey")) ?? asString(member(body, "pageKey"));
    const isOver = next === undefined || next === "" || beforeMs < window.fromMs;
    if (!isOver && next === cursor) return { kind: "unreadable", why: "the same page key again" };
    return { kind: "page", rows, unreadRows, ...(isOver ? {} : { next }) };
  },
  idRequest: () => undefined,
  owners: ownersAt(endpoint),
});
