import { describe, expect, test } from "vitest";
import type { FeedCursor, FeedPage } from "../../lib/core/feed.ts";
import type { Json, JsonObject } from "../../lib/core/json.ts";
import { comparedPage } from "../../lib/core/sides.ts";
import { centrobillFeed, writeTime } from "../../lib/gateways/centrobill/feed.ts";
import {
  defaultFeedProfile,
  type FeedProfile,
  type TimeFormat,
} from "../../lib/gateways/centrobill/feed-profile.ts";
import { replied } from "./replied.ts";

const endpoint = { feedUrl: "https://feed.centrobill.example/v2/", apiKey: "feed-key-77" };
type Changes = { readonly [K in keyof FeedProfile]?: Partial<FeedProfile[K]> | FeedProfile[K] };
const profileOf = (changes: Changes = {}): FeedProfile =>
  ({
    ...defaultFeedProfile,
    ...changes,
    paging: { ...defaultFeedProfile.paging, ...changes.paging },
    fields: { ...defaultFeedProfile.fields, ...changes.fields },
  }) as FeedProfile;
const feedOf = (changes: Changes = {}) => centrobillFeed(endpoint, profileOf(changes));

/** 22 November 2026, 12:00 UTC, and some milliseconds. */
const noon = Date.UTC(2026, 10, 22, 12);
const window = { fromMs: noon + 1, toMs: noon + 60_001 };

const hour = 3_600_000;
/** The first half past two of the night in which clocks are put back. */
const putBack = Date.UTC(2026, 9, 25, 0, 30);
const lordHowe = Date.UTC(2026, 3, 4, 14, 45);

describe("writeTime", () => {
  const zone = (name: string): TimeFormat => ({ format: "YYYY-MM-DD HH:mm:ss", zone: name });
  test.each<[ms: number, TimeFormat, edge: "from" | "to", written: string, reason: string]>([
    [noon + 1, "iso", "from", "2026-11-22T12:00:00.001Z", "to the millisecond"],
    [noon + 1, "iso", "to", "2026-11-22T12:00:00.001Z", "to the millisecond"],
    [noon + 1, "unix", "from", "1795348800", "seconds: outwards, so that nothing is left out"],
    [noon + 1, "unix", "to", "1795348801", "outwards at the other end"],
    [noon, "unix", "to", "1795348800", "a whole second is itself"],
    [noon, "unix", "from", "1795348800", "a whole second is itself"],
    [noon + 999, zone("UTC"), "from", "2026-11-22 12:00:00", "outwards"],
    [noon + 1, zone("UTC"), "to", "2026-11-22 12:00:01", "outwards"],
    [noon, zone("Europe/Nicosia"), "from", "2026-11-22 14:00:00", "in the zone's own time"],
    [noon, zone("Pacific/Auckland"), "from", "2026-11-23 01:00:00", "which may be another day"],
    [Date.UTC(2026, 10, 22), zone("UTC"), "from", "2026-11-22 00:00:00", "midnight is 00, not 24"],
    [putBack, zone("Europe/Berlin"), "from", "2026-10-25 01:30:00", "half past two comes again: before both"],
    [putBack, zone("Europe/Berlin"), "to", "2026-10-25 02:30:00", "both are late enough"],
    [putBack + hour, zone("Europe/Berlin"), "from", "2026-10-25 02:30:00", "both are early enough"],
    [putBack + hour, zone("Europe/Berlin"), "to", "2026-10-25 03:30:00", "after both"],
    [putBack - hour, zone("Europe/Berlin"), "from", "2026-10-25 01:30:00", "an hour before comes once"],
    [putBack + 2 * hour, zone("Europe/Berlin"), "to", "2026-10-25 03:30:00", "an hour later, too"],
    [putBack, zone("UTC"), "from", "2026-10-25 00:30:00", "where nothing is put back"],
    [lordHowe, zone("Australia/Lord_Howe"), "from", "2026-04-05 01:15:00", "put back by half an hour"],
    [lordHowe + hour / 2, zone("Australia/Lord_Howe"), "to", "2026-04-05 02:15:00", "the same at the end"],
    [Date.UTC(2026, 0, 2, 3, 4, 5), zone("UTC"), "from", "2026-01-02 03:04:05", "two digits each"],
  ])("%i as %j, %s: %s (%s)", (ms, format, edge, written) => {
    expect(writeTime(ms, format, edge)).toBe(written);
  });
});

describe("what is asked", () => {
  test.each<[Changes, FeedCursor | undefined, url: string, reason: string]>([
    [
      {},
      undefined,
      "https://feed.centrobill.example/v2/transactions?dateFrom=2026-11-22T12%3A00%3A00.001Z" +
        "&dateTo=2026-11-22T12%3A01%3A00.001Z&limit=100&page=1",
      "the default: the first page",
    ],
    [
      { timeFormat: "unix" },
      7,
      "https://feed.centrobill.example/v2/transactions?dateFrom=1795348800&dateTo=1795348861&limit=100&page=7",
      "another page",
    ],
    [
      { timeFormat: "unix", path: "/feed", paging: { style: "offset", limit: 50 } },
      undefined,
      "https://feed.centrobill.example/v2/feed?dateFrom=1795348800&dateTo=1795348861&limit=50&page=0",
      "offsets begin at 0",
    ],
    [
      { timeFormat: "unix", paging: { style: "page", first: 0 } },
      undefined,
      "https://feed.centrobill.example/v2/transactions?dateFrom=1795348800&dateTo=1795348861&limit=100&page=0",
      "pages may, too",
    ],
    [
      { timeFormat: "unix", paging: { style: "cursor" } },
      undefined,
      "https://feed.centrobill.example/v2/transactions?dateFrom=1795348800&dateTo=1795348861&limit=100",
      "no mark at the first page",
    ],
    [
      { timeFormat: "unix", paging: { style: "cursor" } },
      "a+b",
      "https://feed.centrobill.example/v2/transactions?dateFrom=1795348800&dateTo=1795348861&limit=100&page=a%2Bb",
      "the mark as it came",
    ],
    [
      { timeFormat: "unix", paging: { style: "none" } },
      undefined,
      "https://feed.centrobill.example/v2/transactions?dateFrom=1795348800&dateTo=1795348861&limit=100",
      "one page has no number, and begins at none",
    ],
    [
      { timeFormat: "unix", paging: { style: "none" } },
      3,
      "https://feed.centrobill.example/v2/transactions?dateFrom=1795348800&dateTo=1795348861&limit=100",
      "one page has no number",
    ],
    [
      {
        timeFormat: "unix",
        params: { ...defaultFeedProfile.params, from: "since", to: "until", limit: "n", page: "p" },
      },
      2,
      "https://feed.centrobill.example/v2/transactions?since=1795348800&until=1795348861&n=100&p=2",
      "other names",
    ],
  ])("%j at %s: %s (%s)", (changes, cursor, url) => {
    const feed = feedOf(changes);
    expect(feed.pageRequest(window, cursor ?? feed.firstCursor)).toStrictEqual({
      method: "GET",
      url,
      headers: { Accept: "application/json", Authorization: "feed-key-77" },
    });
  });

  test("the key goes where the profile says", () => {
    expect(feedOf({ auth: { in: "header", name: "X-Key" } }).pageRequest(window, 1).headers).toStrictEqual({
      Accept: "application/json",
      "X-Key": "feed-key-77",
    });
    const inQuery = feedOf({ auth: { in: "query", name: "key" } }).pageRequest(window, 1);
    expect(inQuery.headers).toStrictEqual({ Accept: "application/json" });
    expect(inQuery.url).toMatch(/&page=1&key=feed-key-77$/);
  });

  test("one transaction is asked for by either id", () => {
    const feed = feedOf();
    expect(feed.idRequest({ transactionId: "9" })?.url).toBe(
      "https://feed.centrobill.example/v2/transactions?transactionId=9",
    );
    expect(feed.idRequest({ orderId: "8" })?.url).toBe(
      "https://feed.centrobill.example/v2/transactions?orderId=8",
    );
  });

  test("an address without a slash at its end is the same", () => {
    const bare = centrobillFeed({ ...endpoint, feedUrl: "https://feed.centrobill.example/v2" }, profileOf());
    expect(bare.pageRequest(window, 1)).toStrictEqual(feedOf().pageRequest(window, 1));
  });

  test("a scan has as many pages as the profile says", () => {
    expect(feedOf().pagesMax).toBe(1_000);
    expect(feedOf({ paging: { pagesMax: 3 } }).pagesMax).toBe(3);
  });
});

const row = (changes: JsonObject = {}): JsonObject => ({ transactionId: "tx-1", ...changes });
const rows = (count: number): Json[] =>
  Array.from({ length: count }, (_, at) => row({ transactionId: `tx-${at}` }));
const read = (body: unknown, cursor: FeedCursor = 1, changes: Changes = {}): FeedPage => {
  const feed = feedOf(changes);
  const page = feed.readPage(replied(200, body), cursor);
  const compared = comparedPage(page);
  // The second time its rows are written like those before.
  for (let time = 1; time <= 2; time++)
    expect(feed.readSides?.(replied(200, body), cursor)).toStrictEqual(compared);
  return page;
};
/** A page in a few words. */
const told = (page: FeedPage): string =>
  page.kind === "unreadable"
    ? page.why
    : `${page.rows.length} rows${page.unreadRows === 0 ? "" : `, ${page.unreadRows} unread`}${
        page.total === undefined ? "" : `, of ${page.total}`
      }${page.next === undefined ? "" : `, then ${JSON.stringify(page.next)}`}`;

describe("what a page says", () => {
  const other = "another page than the one asked for";
  const cursor = { paging: { style: "cursor" } } as const;
  const offset = { paging: { style: "offset" } } as const;
  const none = { paging: { style: "none" } } as const;
  const full = "as many rows as the profile's paging.limit, and no word on more";
  test.each<[body: unknown, FeedCursor, Changes, page: string, reason: string]>([
    [{ data: rows(2), meta: { currentPage: 1, lastPage: 1 } }, 1, {}, "2 rows", "the only page"],
    [{ data: rows(2), meta: { currentPage: 1, lastPage: 2 } }, 1, {}, "2 rows, then 2", "the first of two"],
    [{ data: rows(2), meta: { currentPage: 2, lastPage: 2 } }, 2, {}, "2 rows", "the second of two"],
    [{ data: [], meta: { currentPage: 1, lastPage: 3 } }, 1, {}, "0 rows, then 2", "empty, and not the last"],
    [{ data: [], meta: { currentPage: 3, lastPage: 2 } }, 3, {}, "0 rows", "past the last"],
    [
      { data: rows(1), meta: { currentPage: "2", lastPage: "4" } },
      2,
      {},
      "1 rows, then 3",
      "digits in a text",
    ],
    [{ data: rows(1), meta: { currentPage: 1, lastPage: 2 } }, 2, {}, other, "a server that knows one page"],
    [{ data: rows(1), meta: { lastPage: 2 } }, 1, {}, "1 rows, then 2", "it need not name itself"],
    [{ data: rows(1) }, 1, {}, "1 rows, then 2", "no word on the last page: ask on"],
    [{ data: [] }, 4, {}, "0 rows", "no word on the last page: an empty one ends it"],
    [{ data: rows(1), meta: { lastPage: -1 } }, 1, {}, "1 rows, then 2", "a negative number is no word"],
    [{ data: rows(1), meta: { lastPage: 1.5 } }, 1, {}, "1 rows, then 2", "nor is a fraction"],
    [{ data: rows(1), meta: { lastPage: "1x" } }, 1, {}, "1 rows, then 2", "nor a word"],
    [{ data: rows(1), meta: { lastPage: "x1" } }, 1, {}, "1 rows, then 2", "nor a word"],
    [{ data: rows(1), meta: { lastPage: "" } }, 1, {}, "1 rows, then 2", "nor an empty text"],
    [{ data: rows(1), meta: { lastPage: 0 } }, 1, {}, "1 rows", "none at all is"],
    [{ data: rows(1), meta: { lastPage: ["1"] } }, 1, {}, "1 rows, then 2", "nor a list"],
    [{ data: rows(1), meta: { lastPage: "1e0" } }, 1, {}, "1 rows, then 2", "nor an exponent"],
    [{ data: rows(1), meta: { lastPage: "0x1" } }, 1, {}, "1 rows, then 2", "nor another base"],
    [{ data: rows(1), meta: { lastPage: "-1" } }, 1, {}, "1 rows, then 2", "nor a sign"],
    [{ data: rows(1), meta: { lastPage: "1".repeat(16) } }, 1, {}, "1 rows, then 2", "too many digits"],
    [{ data: rows(1), meta: { lastPage: 1, total: 1 } }, 1, {}, "1 rows, of 1", "how many there are in all"],
    [{ data: rows(1), meta: { lastPage: 1, total: "12" } }, 1, {}, "1 rows, of 12", "in a text"],

    [{ data: rows(2), meta: { total: 5 } }, 0, offset, "2 rows, of 5, then 2", "counted in rows"],
    [{ data: rows(2), meta: { total: 5 } }, 2, offset, "2 rows, of 5, then 4", "on"],
    [{ data: rows(1), meta: { total: 5 } }, 4, offset, "1 rows, of 5", "all read"],
    [{ data: [], meta: { total: 5 } }, 3, offset, "0 rows, of 5", "nothing more is given"],
    [{ data: rows(2) }, 2, offset, "2 rows, then 4", "no word on the total: ask on"],
    [{ data: [] }, 4, offset, "0 rows", "until a page is empty"],

    [{ data: rows(1), meta: { nextCursor: "b" } }, "a", cursor, '1 rows, then "b"', "the next mark"],
    [{ data: rows(1), meta: { nextCursor: 7 } }, "", cursor, "1 rows, then 7", "a number"],
    [{ data: rows(1), meta: { nextCursor: null } }, "a", cursor, "1 rows", "none"],
    [{ data: rows(1), meta: { nextCursor: "" } }, "a", cursor, "1 rows", "an empty one is none"],
    [{ data: rows(1), meta: {} }, "a", cursor, "1 rows", "none is there"],
    [{ data: rows(1), meta: { nextCursor: "a" } }, "a", cursor, other, "round and round"],
    [{ data: rows(1), meta: { nextCursor: { b: 1 } } }, "a", cursor, other, "no mark at all"],
    [{ data: rows(1), meta: { nextCursor: true } }, "a", cursor, other, "no mark at all"],

    [{ data: rows(99) }, "a", cursor, "99 rows", "none is there, and the page is not full"],
    [{ data: rows(100) }, "a", cursor, full, "none is there, and the page is full: a path that is wrong?"],
    [{ data: rows(101) }, "a", cursor, "101 rows", "who gives more than was asked for gives all"],
    [{ data: rows(100), meta: { nextCursor: null } }, "a", cursor, "100 rows", "a word on the end is one"],
    [{ data: rows(100), meta: { nextCursor: "" } }, "a", cursor, "100 rows", "an empty one, too"],

    [{ data: rows(1), meta: { lastPage: 9, nextCursor: "b" } }, "", none, "1 rows", "one page is all"],
    [{ data: rows(100) }, "", none, full, "as many as were allowed: there may be more"],
    [{ data: rows(101) }, "", none, "101 rows", "more than were asked for: it knows no limit"],
    [{ data: rows(100), meta: { total: 100 } }, "", none, "100 rows, of 100", "a word on how many there are"],
    [{ data: rows(100), meta: { total: 250 } }, "", none, "100 rows, of 250", "the scan finds it cut"],

    [{ rows: rows(1) }, 1, {}, "no list at data", "the rows are elsewhere"],
    [{ data: { rows: [] } }, 1, {}, "no list at data", "an object"],
    [rows(1), 1, { rowsPath: "", ...none }, "1 rows", "the answer itself is the list"],
    [{ data: rows(1) }, 1, { rowsPath: "" }, "no list at the top", "and here it is not"],
    [{ a: { b: rows(3) } }, 1, { rowsPath: "a.b", ...none }, "3 rows", "further in"],
    ["<html>", 1, {}, "not JSON", "a page of HTML"],
    ["", 1, {}, "not JSON", "nothing"],

    [
      { data: [row(), {}, 1, null], meta: { lastPage: 1 } },
      1,
      {},
      "1 rows, 3 unread",
      "what is no row counts",
    ],
    [{ data: [{ amount: 1 }], meta: { lastPage: 1 } }, 1, {}, "0 rows, 1 unread", "it names no transaction"],
    [{ data: [{ orderId: "o" }], meta: { lastPage: 1 } }, 1, {}, "1 rows", "an order is enough"],
    [{ data: [{ metadata: { chargeId: "c" } }], meta: { lastPage: 1 } }, 1, {}, "1 rows", "so is our charge"],
    [{ data: [{ metadata: { requestId: "r" } }], meta: { lastPage: 1 } }, 1, {}, "1 rows", "so is our send"],
    [{ data: [{ transactionId: true }], meta: { lastPage: 1 } }, 1, {}, "0 rows, 1 unread", "this is no id"],
  ])("%j at %j, %j: %s (%s)", (body, at, changes, page) => {
    expect(told(read(body, at, changes))).toBe(page);
  });

  test("a page has no member that it was not told", () => {
    expect(read({ data: [], meta: { lastPage: 1 } })).toStrictEqual({
      kind: "page",
      rows: [],
      unreadRows: 0,
    });
    expect(read({ data: [], meta: { lastPage: 2, total: 7 } })).toStrictEqual({
      kind: "page",
      rows: [],
      unreadRows: 0,
      total: 7,
      next: 2,
    });
  });

  test("an answer that is not a 200 says which it is", () => {
    expect(feedOf().readPage(replied(503, { data: [] }), 1)).toStrictEqual({
      kind: "unreadable",
      why: "HTTP 503",
    });
  });
});

describe("what a row says", () => {
  const readRow = (item: JsonObject, changes: Changes = {}): JsonObject | undefined => {
    const page = read({ data: [item], meta: { lastPage: 1 } }, 1, changes);
    if (page.kind !== "page") throw new Error(page.why);
    const [only] = page.rows;
    if (only === undefined) return undefined;
    const { raw, reply, ...rest } = only;
    expect(raw).toStrictEqual(item);
    return { ...rest, says: reply.kind } as unknown as JsonObject;
  };

  test("all of it, by its own members or those of a payment inside", () => {
    const payment: JsonObject = {
      code: 5051,
      codeCategory: 2,
      description: "Not enough money",
      action: "charge",
      mode: "sale",
      status: "fail",
      amount: 19.99,
      currency: "EUR",
      transactionId: 404168112,
      orderId: "2394649562",
      parentTransactionId: "404168000",
      metadata: { chargeId: "order-1", requestId: "request-1" },
      consumer: { id: 100059330, externalId: "user-77" },
      timestamp: { unixTime: 1795339800 },
    };
    const said = {
      kind: "charge",
      says: "refused",
      transactionId: "404168112",
      orderId: "2394649562",
      parentTransactionId: "404168000",
      requestId: "request-1",
      chargeId: "order-1",
      consumers: ["100059330", "user-77"],
      amount: "19.99",
      currency: "EUR",
      atMs: 1_795_339_800_000,
    };
    expect(readRow(payment)).toStrictEqual(said);
    expect(readRow({ payment })).toStrictEqual(said);
    const page = read({ data: [{ payment }], meta: { lastPage: 1 } });
    expect(page.kind === "page" && page.rows[0]?.reply).toStrictEqual({
      kind: "refused",
      echo: { amount: "19.99", currency: "EUR", chargeId: "order-1", requestId: "request-1" },
      ids: { transactionId: "404168112", orderId: "2394649562" },
      code: "5051",
      codeCategory: "2",
      description: "Not enough money",
    });
  });

  const bare = { kind: "charge", says: "unproven", transactionId: "tx-1", consumers: [] };
  test.each<[JsonObject, Changes, JsonObject, reason: string]>([
    [row(), {}, bare, "its id alone"],
    [row({ action: "credit" }), {}, { ...bare, kind: "reversal" }, "money given back"],
    [row({ action: "chargeback" }), {}, { ...bare, kind: "reversal" }, "money taken back"],
    [row({ action: "redirect" }), {}, bare, "a charge to come"],
    [row({ consumer: { externalId: 7 } }), {}, { ...bare, consumers: ["7"] }, "a number is a name, too"],
    [row({ consumer: { id: "100" } }), {}, { ...bare, consumers: ["100"] }, "one name"],
    [row({ consumer: { id: true, externalId: ["x"] } }), {}, bare, "these name nobody"],
    [row({ currency: 978 }), {}, { ...bare, currency: "978" }, "a currency that matches none of ours"],
    [row({ amount: "19,99" }), {}, bare, "no amount"],
    [row({ timestamp: { unixTime: "1795339800" } }), {}, { ...bare, atMs: 1_795_339_800_000 }, "in a text"],
    [row({ timestamp: { unixTime: "yesterday" } }), {}, bare, "no time"],
    [row({ timestamp: { unixTime: -1 } }), {}, bare, "no time"],
    [row({ timestamp: { unixTime: "2026-11-22T12:00:00Z" } }), {}, { ...bare, atMs: noon }, "with its zone"],
    [
      row({ timestamp: { unixTime: "2026-11-22 14:00:00.5 +0200" } }),
      {},
      { ...bare, atMs: noon + 500 },
      "too",
    ],
    [row({ timestamp: { unixTime: "2026-11-22T10:30:00-01:30" } }), {}, { ...bare, atMs: noon }, "too"],
    [row({ timestamp: { unixTime: "2026-11-22T12:00:00" } }), {}, bare, "whose noon is not said"],
    [row({ timestamp: { unixTime: "2026-11-22" } }), {}, bare, "a day is no time"],
    [row({ timestamp: { unixTime: "at 2026-11-22 12:00:00Z" } }), {}, bare, "a time and more"],
    [row({ timestamp: { unixTime: "2026-11-22 12:00:00Z (noon)" } }), {}, bare, "a time and more"],
    [row({ timestamp: { unixTime: "2026-13-22T12:00:00Z" } }), {}, bare, "no such month"],
    [
      row({ action: "credit", status: "fail" }),
      {},
      { ...bare, kind: "reversal", failed: true },
      "not given back",
    ],
    [row({ action: "credit", status: "success" }), {}, { ...bare, kind: "reversal" }, "given back"],
    [
      { action: "charge", status: "fail", orderId: "o" },
      {},
      {
        kind: "charge",
        says: "unproven",
        orderId: "o",
        consumers: [],
      },
      "a charge that failed, known by its order",
    ],
    [row({ metadata: { chargeId: 7 } }), {}, { ...bare, chargeId: "7" }, "a reference as a number"],
    [
      row({ metadata: { chargeId: null }, payment: { metadata: { chargeId: "order-1" } } }),
      {},
      { ...bare, chargeId: "order-1" },
      "null is not there: the next place counts",
    ],
    [
      row({ metadata: { chargeId: "outer" }, payment: { metadata: { chargeId: "inner" } } }),
      {},
      { ...bare, chargeId: "outer" },
      "the first place that has one counts",
    ],
    [
      row({ ref: { ours: "order-1" } }),
      { fields: { chargeId: "ref.ours" } },
      { ...bare, chargeId: "order-1" },
      "one place, by the profile",
    ],
    ...[row({ constructor: "order-1" }), row({ metadata: { chargeId: "order-1" } })].map(
      (item): [JsonObject, Changes, JsonObject, string] => [
        item,
        { fields: { chargeId: ["constructor", "metadata.chargeId"] } },
        { ...bare, chargeId: "order-1" },
        "a name that every object has counts where it is the row's own",
      ],
    ),
  ])("%j, %j → %j (%s)", (item, changes, said) => {
    expect(readRow(item, changes)).toStrictEqual(said);
  });
});
