import type { Feed, FeedCursor, FeedPage, FeedRow, FeedWindow } from "../../core/feed.ts";
import { isJsonObject, type Json, type JsonObject, member, parseJson } from "../../core/json.ts";
import { jsonList } from "../../core/json-list.ts";
import { decimalOfJson } from "../../core/money.ts";
import type { GatewayIds } from "../../core/reply.ts";
import { comparedPage, type GatewaySide, gatewaySideOf } from "../../core/sides.ts";
import type { Replied, WireRequest } from "../../core/transport.ts";
import { idOf, readPayment } from "./charge-reply.ts";
import { type FeedProfile, type Path, type RowField, rowFields, type TimeFormat } from "./feed-profile.ts";

const pad = (number: number): string => String(number).padStart(2, "0");

/** `YYYY-MM-DD HH:mm:ss` in the zone. */
const localTime = (seconds: number, zone: string): string => {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
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

/** By how much clocks are put back when summer ends: an hour, on Lord Howe Island half of one. */
const putBackSeconds = [1_800, 3_600];

/**
 * A moment as the profile wants it. `edge` decides where a format drops the milliseconds: outwards. So it does where
 * clocks are put back and a local time comes twice: whichever of the two the gateway takes, nothing is left out (S5).
 */
export const writeTime = (ms: number, format: TimeFormat, edge: "from" | "to"): string => {
  const seconds = edge === "from" ? Math.floor(ms / 1_000) : Math.ceil(ms / 1_000);
  if (format === "iso") return new Date(ms).toISOString();
  if (format === "unix") return String(seconds);
  const { zone } = format;
  const text = localTime(seconds, zone);
  const inwards = edge === "from" ? 1 : -1;
  const again = putBackSeconds.find((by) => localTime(seconds + inwards * by, zone) === text);
  return again === undefined ? text : localTime(seconds - inwards * again, zone);
};

/** The member at a path with dots; an empty path is the value itself. */
const at = (value: Json | undefined, path: string): Json | undefined =>
  path === "" ? value : path.split(".").reduce<Json | undefined>((inner, key) => member(inner, key), value);

/** Reads one field of a row, at the first of its paths where something stands. */
type ReadField = (row: JsonObject) => Json | undefined;

/** The member of this name. A name that no object has by itself is looked up without asking whose it is. */
const memberReader = (key: string): ((value: Json | undefined) => Json | undefined) =>
  key in Object.prototype
    ? (value) => member(value, key)
    : (value) => (isJsonObject(value) ? value[key] : undefined);

/** The names that lead to a field, by each of its paths. */
const namesOf = (path: Path): readonly (readonly string[])[] =>
  (typeof path === "string" ? [path] : path).map((one) => one.split("."));

/** The paths are taken apart once, not for every row of a feed. */
const fieldReader = (path: Path): ReadField => {
  const paths = namesOf(path).map((names) => names.map(memberReader));
  return (row) => {
    for (const steps of paths) {
      let found: Json | undefined = row;
      for (const step of steps) found = step(found);
      if (found !== undefined && found !== null) return found;
    }
    return undefined;
  };
};

type RowValues = Readonly<Record<RowField, Json | undefined>>;
const numberOf = Object.fromEntries(rowFields.map((name, at) => [name, at])) as Readonly<
  Record<RowField, number>
>;

/** @param value what stands at a field, by its number in `rowFields` */
const valuesOf = (value: (field: number) => Json | undefined): RowValues => ({
  code: value(numberOf.code),
  codeCategory: value(numberOf.codeCategory),
  description: value(numberOf.description),
  action: value(numberOf.action),
  mode: value(numberOf.mode),
  status: value(numberOf.status),
  amount: value(numberOf.amount),
  currency: value(numberOf.currency),
  transactionId: value(numberOf.transactionId),
  orderId: value(numberOf.orderId),
  parentTransactionId: value(numberOf.parentTransactionId),
  chargeId: value(numberOf.chargeId),
  requestId: value(numberOf.requestId),
  consumerId: value(numberOf.consumerId),
  consumerExternalId: value(numberOf.consumerExternalId),
  unixTime: value(numberOf.unixTime),
});

const wholeNumber = (value: Json | undefined): number | undefined => {
  const number = typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return Number.isSafeInteger(number) && Number(number) >= 0 ? Number(number) : undefined;
};

/** Money given back (facts §2.6). */
const reversalActions = new Set<Json | undefined>(["credit", "chargeback"]);

const noIds: GatewayIds = {};
/** A row that is only compared is not kept as it came. */
const unseen: JsonObject = {};

const textOf = (value: Json | undefined): string | undefined =>
  typeof value === "string" || typeof value === "number" ? String(value) : undefined;

/** When a row was written, milliseconds: whole seconds since 1970, or a time that names its zone. */
const timeOf = (value: Json | undefined): number | undefined => {
  const seconds = wholeNumber(value);
  if (seconds !== undefined) return seconds * 1_000;
  const isZoned = typeof value === "string" && /^\d{4}-\d\d-\d\d[T ][\d:.]+ ?(Z|[+-]\d\d:?\d\d)$/.test(value);
  const ms = isZoned ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
};

const consumersOf = (id: string | undefined, externalId: string | undefined): readonly string[] =>
  id === undefined
    ? externalId === undefined
      ? []
      : [externalId]
    : externalId === undefined
      ? [id]
      : [id, externalId];

/** `undefined`: nothing in the row says which transaction it is, so nobody knows what was not read. */
const readRow = (values: RowValues, raw: JsonObject): FeedRow | undefined => {
  const reply = readPayment(values);
  const { transactionId, orderId } = "ids" in reply ? reply.ids : noIds;
  const requestId = textOf(values.requestId);
  const chargeId = textOf(values.chargeId);
  if (
    transactionId === undefined &&
    orderId === undefined &&
    requestId === undefined &&
    chargeId === undefined
  )
    return undefined;
  const kind = reversalActions.has(values.action) ? "reversal" : "charge";
  const row: { -readonly [K in keyof FeedRow]: FeedRow[K] } = {
    kind,
    reply,
    consumers: consumersOf(textOf(values.consumerId), textOf(values.consumerExternalId)),
    raw,
  };
  const amount = "echo" in reply ? reply.echo.amount : decimalOfJson(values.amount);
  const parentTransactionId = idOf(values.parentTransactionId);
  const currency = textOf(values.currency);
  const atMs = timeOf(values.unixTime);
  if (transactionId !== undefined) row.transactionId = transactionId;
  if (orderId !== undefined) row.orderId = orderId;
  if (parentTransactionId !== undefined) row.parentTransactionId = parentTransactionId;
  if (requestId !== undefined) row.requestId = requestId;
  if (chargeId !== undefined) row.chargeId = chargeId;
  if (amount !== undefined) row.amount = amount;
  if (currency !== undefined) row.currency = currency;
  if (atMs !== undefined) row.atMs = atMs;
  if (kind === "reversal" && values.status === "fail") row.failed = true;
  return row;
};

type Unreadable = Extract<FeedPage, { readonly kind: "unreadable" }>;
const unreadable = (why: string): Unreadable => ({ kind: "unreadable", why });
const wrongPage = unreadable("another page than the one asked for");
const maybeCut = unreadable("as many rows as the profile's paging.limit, and no word on more");

/** The feed client's pure half: what to ask for next, and what a page says. */
export const centrobillFeed = (
  endpoint: { readonly feedUrl: string; readonly apiKey: string },
  profile: FeedProfile,
): Feed => {
  const { params, paging, auth } = profile;
  const readers = rowFields.map((name) => fieldReader(profile.fields[name]));
  const valuesOfParsed = (row: JsonObject): RowValues => valuesOf((field) => readers[field]?.(row));
  const list = jsonList(
    profile.rowsPath === "" ? [] : profile.rowsPath.split("."),
    rowFields.map((name) => namesOf(profile.fields[name])),
  );
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

  /** As many rows as were allowed and no word on more: there may be more, and nobody would know (S5). */
  const endOf = (rows: number): Unreadable | undefined => (rows === paging.limit ? maybeCut : undefined);

  const nextOf = (body: Json, cursor: FeedCursor, rows: number): FeedCursor | Unreadable | undefined => {
    switch (paging.style) {
      case "none":
        return wholeNumber(at(body, paging.totalPath)) === undefined ? endOf(rows) : undefined;
      case "cursor": {
        const next = at(body, paging.nextPath);
        if (next === undefined) return endOf(rows);
        if (next === null || next === "") return undefined;
        if (typeof next !== "string" && typeof next !== "number") return wrongPage;
        return next === cursor ? wrongPage : next;
      }
      case "page": {
        const page = Number(cursor);
        const current = wholeNumber(at(body, paging.currentPath));
        if (current !== undefined && current !== page) return wrongPage;
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

  const pageOf = <Row>(
    body: Json,
    cursor: FeedCursor,
    length: number,
    rows: readonly Row[],
  ): FeedPage<Row> => {
    const next = nextOf(body, cursor, length);
    if (typeof next === "object") return next;
    const total = wholeNumber(at(body, paging.totalPath));
    return {
      kind: "page",
      rows,
      unreadRows: length - rows.length,
      ...(total === undefined ? {} : { total }),
      ...(next === undefined ? {} : { next }),
    };
  };

  const readPage = (reply: Replied, cursor: FeedCursor): FeedPage => {
    if (reply.status !== 200) return unreadable(`HTTP ${reply.status}`);
    const body = parseJson(reply.body);
    if (body === undefined) return unreadable("not JSON");
    const found = at(body, profile.rowsPath);
    if (!Array.isArray(found)) return unreadable(`no list at ${profile.rowsPath || "the top"}`);
    const rows: FeedRow[] = [];
    for (const raw of found as readonly Json[]) {
      const row = isJsonObject(raw) ? readRow(valuesOfParsed(raw), raw) : undefined;
      if (row !== undefined) rows.push(row);
    }
    return pageOf(body, cursor, found.length, rows);
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
    readPage,
    readSides(reply: Replied, cursor: FeedCursor): FeedPage<GatewaySide> {
      const sides: GatewaySide[] = [];
      const add = (values: RowValues): void => {
        const row = readRow(values, unseen);
        if (row !== undefined) sides.push(gatewaySideOf(row));
      };
      const around =
        reply.status === 200
          ? list.read(
              reply.body,
              () => add(valuesOf(list.value)),
              (raw) => add(valuesOfParsed(raw)),
            )
          : undefined;
      if (around !== undefined) return pageOf(around.value, cursor, around.length, sides);
      return comparedPage(readPage(reply, cursor));
    },
    idRequest(id) {
      return request(
        "transactionId" in id ? [[params.transactionId, id.transactionId]] : [[params.orderId, id.orderId]],
      );
    },
  };
};
