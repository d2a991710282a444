import type { Feed, FeedCursor, FeedPage, FeedRow, FeedWindow } from "../../core/feed.ts";
import { isJsonObject, type Json, type JsonObject, member, parseJson } from "../../core/json.ts";
import { decimalOfJson } from "../../core/money.ts";
import type { Replied, WireRequest } from "../../core/transport.ts";
import { idOf, readPayment } from "./charge-reply.ts";
import type { FeedProfile, Path, TimeFormat } from "./feed-profile.ts";

const pad = (number: number): string => String(number).padStart(2, "0");

/** A moment as the profile wants it. `edge` decides where a format drops the milliseconds: outwards. */
export const writeTime = (ms: number, format: TimeFormat, edge: "from" | "to"): string => {
  const seconds = edge === "from" ? Math.floor(ms / 1_000) : Math.ceil(ms / 1_000);
  if (format === "iso") return new Date(ms).toISOString();
  if (format === "unix") return String(seconds);
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: format.zone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  }).formatToParts(seconds * 1_000);
  const part = (type: string): string => pad(Number(parts.find((found) => found.type === type)?.value ?? 0));
  return `${part("year")}-${part("month")}-${part("day")} ${part("hour")}:${part("minute")}:${part("second")}`;
};

/** The member at a path with dots; an empty path is the value itself. */
const at = (value: Json | undefined, path: string): Json | undefined =>
  path === "" ? value : path.split(".").reduce<Json | undefined>((inner, key) => member(inner, key), value);

const firstAt = (value: JsonObject, path: Path): Json | undefined => {
  for (const one of typeof path === "string" ? [path] : path) {
    const found = at(value, one);
    if (found !== undefined && found !== null) return found;
  }
  return undefined;
};

const wholeNumber = (value: Json | undefined): number | undefined => {
  const number = typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
};

/** Money given back (facts §2.6). */
const reversalActions = new Set<Json | undefined>(["credit", "chargeback"]);

/** `undefined`: nothing in the row says which transaction it is, so nobody knows what was not read. */
const readRow = (row: JsonObject, profile: FeedProfile): FeedRow | undefined => {
  const field = (name: keyof FeedProfile["fields"]): Json | undefined => firstAt(row, profile.fields[name]);
  const payment = {
    code: field("code"),
    codeCategory: field("codeCategory"),
    description: field("description"),
    action: field("action"),
    mode: field("mode"),
    status: field("status"),
    amount: field("amount"),
    currency: field("currency"),
    transactionId: field("transactionId"),
    orderId: field("orderId"),
    chargeId: field("chargeId"),
    requestId: field("requestId"),
  };
  const text = (value: Json | undefined): string | undefined =>
    typeof value === "string" || typeof value === "number" ? String(value) : undefined;
  const optional = <K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } =>
    (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };
  const unixTime = wholeNumber(field("unixTime"));
  const transactionId = idOf(payment.transactionId);
  const orderId = idOf(payment.orderId);
  const requestId = text(payment.requestId);
  const chargeId = text(payment.chargeId);
  if ([transactionId, orderId, requestId, chargeId].every((id) => id === undefined)) return undefined;
  return {
    kind: reversalActions.has(payment.action) ? "reversal" : "charge",
    reply: readPayment(payment),
    ...optional("transactionId", transactionId),
    ...optional("orderId", orderId),
    ...optional("parentTransactionId", idOf(field("parentTransactionId"))),
    ...optional("requestId", requestId),
    ...optional("chargeId", chargeId),
    consumers: [text(field("consumerId")), text(field("consumerExternalId"))].filter(
      (consumer) => consumer !== undefined,
    ),
    ...optional("amount", decimalOfJson(payment.amount)),
    ...optional("currency", text(payment.currency)),
    ...optional("atMs", unixTime === undefined ? undefined : unixTime * 1_000),
    raw: row,
  };
};

/** The feed client's pure half: what to ask for next, and what a page says. */
export const centrobillFeed = (
  endpoint: { readonly feedUrl: string; readonly apiKey: string },
  profile: FeedProfile,
): Feed => {
  const { params, paging, auth } = profile;
  const request = (query: readonly (readonly [string, string])[]): WireRequest => {
    const url = new URL(`${endpoint.feedUrl.replace(/\/$/, "")}${profile.path}`);
    for (const [name, value] of query) url.searchParams.set(name, value);
    if (auth.in === "query") url.searchParams.set(auth.name, endpoint.apiKey);
    return {
      method: "GET",
      url: url.href,
      headers: {
        Accept: "application/json",
        ...(auth.in === "header" ? { [auth.name]: endpoint.apiKey } : {}),
      },
    };
  };

  const nextOf = (body: Json, cursor: FeedCursor, rows: number): FeedCursor | "wrong_page" | undefined => {
    switch (paging.style) {
      case "none":
        return undefined;
      case "cursor": {
        const next = at(body, paging.nextPath);
        if (next === undefined || next === null || next === "") return undefined;
        if (typeof next !== "string" && typeof next !== "number") return "wrong_page";
        return next === cursor ? "wrong_page" : next;
      }
      case "page": {
        const page = Number(cursor);
        const current = wholeNumber(at(body, paging.currentPath));
        if (current !== undefined && current !== page) return "wrong_page";
        const last = wholeNumber(at(body, paging.lastPath));
        // Without a word on the last page, only an empty one ends the list: a server may have its own limit.
        if (last === undefined) return rows === 0 ? undefined : page + 1;
        return page >= last ? undefined : page + 1;
      }
      case "offset": {
        const read = Number(cursor) + rows;
        const total = wholeNumber(at(body, paging.totalPath));
        return rows === 0 || (total !== undefined && read >= total) ? undefined : read;
      }
    }
  };

  return {
    firstCursor: paging.style === "page" ? paging.first : paging.style === "offset" ? 0 : "",
    pagesMax: paging.pagesMax,
    pageRequest(window: FeedWindow, cursor: FeedCursor) {
      const query: [string, string][] = [
        [params.from, writeTime(window.fromMs, profile.timeFormat, "from")],
        [params.to, writeTime(window.toMs, profile.timeFormat, "to")],
        [params.limit, String(paging.limit)],
      ];
      if (paging.style !== "none" && cursor !== "") query.push([params.page, String(cursor)]);
      return request(query);
    },
    readPage(reply: Replied, cursor: FeedCursor): FeedPage {
      if (reply.status !== 200) return { kind: "unreadable", why: `HTTP ${reply.status}` };
      const body = parseJson(reply.body);
      if (body === undefined) return { kind: "unreadable", why: "not JSON" };
      const list = at(body, profile.rowsPath);
      if (!Array.isArray(list))
        return { kind: "unreadable", why: `no list at ${profile.rowsPath || "the top"}` };
      const next = nextOf(body, cursor, list.length);
      if (next === "wrong_page") return { kind: "unreadable", why: "another page than the one asked for" };
      const rows = (list as readonly Json[])
        .filter(isJsonObject)
        .map((row) => readRow(row, profile))
        .filter((row) => row !== undefined);
      const unreadRows = list.length - rows.length;
      const total = wholeNumber(at(body, paging.totalPath));
      return {
        kind: "page",
        rows,
        unreadRows,
        ...(total === undefined ? {} : { total }),
        ...(next === undefined ? {} : { next }),
      };
    },
    idRequest(id) {
      return request(
        "transactionId" in id ? [[params.transactionId, id.transactionId]] : [[params.orderId, id.orderId]],
      );
    },
  };
};
