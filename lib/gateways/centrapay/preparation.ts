import type { Charge } from "../../core/charge.ts";
import { asString, defined, isJsonObject, type Json, type JsonObject, member } from "../../core/json.ts";
import type { FoundPage, FoundPrepared, MadeReply, Preparation, Prepared } from "../../core/preparation.ts";
import { bodyOf, type Replied } from "../../core/transport.ts";
import { idOf, readRefusal } from "./charge-reply.ts";
import {
  chargeModeOf,
  type Endpoint,
  getRequest,
  merchantAccountIdOf,
  monetaryOf,
  postRequest,
} from "./charge-request.ts";

const timeOf = (value: Json | undefined): number | undefined => {
  const ms = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
};

const preparedOf = (request: JsonObject): Prepared | undefined => {
  const id = idOf(request["id"]);
  if (id === undefined) return undefined;
  return defined({
    id,
    madeAtMs: timeOf(request["createdAt"]),
    expiresAtMs: timeOf(request["expiresAt"]),
  }) as Prepared;
};

const states = new Map<Json | undefined, FoundPrepared["state"]>([
  ["new", "open"],
  ["paid", "charged"],
  ["cancelled", "closed"],
  ["expired", "closed"],
]);

const readMade = (reply: Replied): MadeReply => {
  const body = bodyOf(reply);
  if (reply.status === 403) return readRefusal(body);
  const prepared = isJsonObject(body) ? preparedOf(body) : undefined;
  return prepared === undefined || member(body, "status") !== "new"
    ? { kind: "unproven", why: "unreadable", ids: {} }
    : { kind: "made", prepared };
};

const readFound = (reply: Replied): FoundPage => {
  if (reply.status !== 200) return { kind: "unreadable", why: `HTTP ${reply.status}` };
  const body = bodyOf(reply);
  const items = member(body, "items");
  if (!Array.isArray(items)) return { kind: "unreadable", why: "no list of items" };
  const found = (items as readonly Json[]).map((item): FoundPrepared | undefined => {
    const prepared = isJsonObject(item) ? preparedOf(item) : undefined;
    return prepared && { prepared, state: states.get(member(item, "status")) ?? "unlisted" };
  });
  if (found.includes(undefined)) return { kind: "unreadable", why: "an item without an id" };
  // Its own sample has `pageKey`, the page on paging `nextPageKey`.
  const next = asString(member(body, "nextPageKey")) ?? asString(member(body, "pageKey"));
  return {
    kind: "page",
    found: found.filter((one) => one !== undefined),
    ...(next === undefined || next === "" ? {} : { next }),
  };
};

/** Default expiry of a Payment Request (docs: `expirySeconds`, 120), and a minute for a `make` that is on its way. */
const quickPayExpiryMs = 120_000 + 60_000;

/** How a Payment Request is made (`externalRef` is the charge id) and found again when its making was lost. */
export const preparationFor = (endpoint: Endpoint, quickPay: boolean): Preparation => ({
  make(charge: Charge) {
    const { configId, barcode, patronNotPresent, lineItems } = charge.request;
    return postRequest(
      endpoint,
      "/api/payment-requests",
      defined({
        configId,
        value: monetaryOf(charge),
        externalRef: charge.chargeId,
        lineItems,
        ...(chargeModeOf(charge) === "quickPay" ? { barcode, patronNotPresent } : {}),
      }),
    );
  },
  readMade,
  find(charge, cursor) {
    const query = new URLSearchParams({ merchantAccountId: merchantAccountIdOf(charge) });
    if (cursor !== undefined) query.set("pageKey", cursor);
    return getRequest(
      endpoint,
      `/api/payment-requests/external-ref/${encodeURIComponent(charge.chargeId)}?${query}`,
    );
  },
  readFound,
  // Whether a list starts a Quick Pay payment is not documented: it is asked for when nothing can be started.
  ...(quickPay ? { findAfterMs: quickPayExpiryMs } : {}),
});
