import { describe, expect, test } from "vitest";
import type { GatewaySide } from "../../lib/core/sides.ts";
import { centrapayFeed } from "../../lib/gateways/centrapay/feed.ts";
import { centrapay } from "../../lib/gateways/centrapay/index.ts";
import { replied } from "./replied.ts";

const feed = centrapayFeed({ url: "https://service.centrapay.example", apiKey: "key" }, "m/1");
const iso = (minute: number): string => new Date(Date.UTC(2026, 10, 24, 9, minute)).toISOString();
const activity = (minute: number, changes: object = {}): object => ({
  type: "payment",
  id: `act-${minute}`,
  value: { amount: "1999", currency: "NZD" },
  idempotencyKey: `key-${minute}`,
  paymentRequestId: `pr-${minute}`,
  createdAt: iso(minute),
  ...changes,
});
const window = { fromMs: Date.UTC(2026, 10, 24, 9, 10), toMs: Date.UTC(2026, 10, 24, 9, 40) };
const read = (items: readonly object[], more: object = {}, cursor: string | number = "") =>
  feed.readPage(replied(200, { items, ...more }), cursor, window);

test("who names a merchant has a feed to reconcile with, and nobody else", () => {
  const options = { url: "https://service.centrapay.example", apiKey: "key" };
  expect(Object.hasOwn(centrapay(options), "reconciliationFeed")).toBe(false);
  const own = centrapay({ ...options, merchantId: "m/1" }).reconciliationFeed;
  expect(own?.pageRequest(window, "").url).toBe(feed.pageRequest(window, "").url);
});

test("the first page has no key, the next one has, and both name the merchant", () => {
  expect(feed.pageRequest(window, feed.firstCursor).url).toBe(
    "https://service.centrapay.example/api/payment-activities?merchantId=m%2F1",
  );
  expect(feed.pageRequest(window, "k&2").url).toContain("&pageKey=k%262");
});

describe("a page", () => {
  test("payments, confirmations and refunds of the window are rows, in minor units; the rest moved no money", () => {
    const page = read([
      activity(50),
      activity(35, { type: "refund", confirmationIdempotencyKey: "key-1" }),
      activity(34, { type: "confirmation", value: { amount: "500", currency: "JPY" } }),
      activity(33, { type: "cancellation" }),
      activity(30),
    ]);
    expect(page).toMatchObject({
      kind: "page",
      unreadRows: 0,
      rows: [
        { kind: "reversal", transactionId: "act-35", orderId: "pr-35", requestId: "key-1" },
        { kind: "charge", reply: { kind: "captured" }, amount: "500", currency: "JPY", requestId: "key-34" },
        { kind: "charge", amount: "19.99", currency: "NZD", transactionId: "act-30", orderId: "pr-30" },
      ],
    });
  });

  test("all that a row says, and nothing that it does not", () => {
    const refund = activity(35, { type: "refund", confirmationIdempotencyKey: "key-1" });
    const bare = { type: "payment", id: "act-9", createdAt: iso(34) };
    const ordered = { type: "payment", paymentRequestId: "pr-9", createdAt: iso(34) };
    const page = read([refund, bare, ordered]);
    if (page.kind !== "page") throw new Error(page.why);
    const [first, second, third] = page.rows.map(({ raw: _raw, ...row }) => row);
    expect(first).toStrictEqual({
      kind: "reversal",
      reply: { kind: "unproven", why: "not_a_capture", ids: {} },
      transactionId: "act-35",
      orderId: "pr-35",
      requestId: "key-1",
      consumers: [],
      amount: "19.99",
      currency: "NZD",
      atMs: Date.parse(iso(35)),
    });
    expect(Object.keys(second ?? {}).sort()).toEqual(["atMs", "consumers", "kind", "reply", "transactionId"]);
    expect(Object.keys(third ?? {}).sort()).toEqual(["atMs", "consumers", "kind", "orderId", "reply"]);
    expect(page.rows.map(({ raw }) => raw)).toEqual([refund, bare, ordered]);
  });

  test("rows of both edges are of the window, those of one moment may follow each other", () => {
    const page = read([activity(41), activity(40), activity(20), activity(20), activity(10)], {
      nextPageKey: "n",
    });
    expect(page).toMatchObject({
      next: "n",
      rows: [40, 20, 20, 10].map((minute) => ({ transactionId: `act-${minute}` })),
    });
    expect(read([activity(10), activity(9)], { nextPageKey: "n" })).toMatchObject({
      rows: [{ transactionId: "act-10" }],
    });
  });

  test.each([
    ["a page key: there is more", [activity(30)], { nextPageKey: "n" }, "n"],
    ["under its other name", [activity(30)], { pageKey: "n" }, "n"],
    ["the window's start has gone by: enough", [activity(30), activity(5)], { nextPageKey: "n" }, undefined],
    ["no key: the end", [activity(30)], {}, undefined],
    ["an empty key: the end", [activity(30)], { nextPageKey: "" }, undefined],
    ["an empty page with a key: there may be more", [], { nextPageKey: "n" }, "n"],
  ])("%s", (_why, items, more, next) => {
    const page = read(items, more);
    expect(page.kind === "page" ? page.next : page.why).toBe(next);
  });

  test.each([
    ["oldest first: nobody knows where to stop", [activity(20), activity(30)], {}, "not newest first"],
    ["the same key again", [activity(30)], { nextPageKey: "k" }, "the same page key again"],
    ["not a list", {}, {}, "no list of activities"],
  ])("%s is no page", (_why, items, more, why) => {
    expect(read(items as never, more, "k")).toEqual({ kind: "unreadable", why });
  });

  test("a row without a time or an id makes the scan incomplete", () => {
    expect(read([activity(30, { createdAt: "soon" })])).toMatchObject({ rows: [], unreadRows: 1 });
    expect(read([activity(30, { createdAt: null })])).toMatchObject({ rows: [], unreadRows: 1 });
    expect(read([activity(30, { id: null, paymentRequestId: null })])).toMatchObject({
      rows: [],
      unreadRows: 1,
    });
    expect(feed.readPage(replied(403, { message: "Forbidden" }), "")).toEqual({
      kind: "unreadable",
      why: "HTTP 403",
    });
  });
});

describe("whose a Payment Request is", () => {
  const { owners } = feed;
  const row: GatewaySide = {
    kind: "charge",
    says: "captured",
    code: "payment",
    orderId: "pr/1",
    consumers: [],
  };

  test("is asked of one with a payment, which no GET sets off any more", () => {
    expect(owners?.request(row)).toMatchObject({
      method: "GET",
      url: "https://service.centrapay.example/api/payment-requests/pr%2F1",
    });
  });

  const { orderId: _, ...unordered } = row;
  test.each<[reason: string, row: GatewaySide]>([
    ["a confirmation: what was authorised beforehand is several charges'", { ...row, code: "confirmation" }],
    ["money given back", { ...row, kind: "reversal" }],
    ["not a capture: a GET might set it off", { ...row, says: "unproven" }],
    ["no Payment Request", unordered],
  ])("is not asked of %s", (_reason, one) => {
    expect(owners?.request(one)).toBeUndefined();
  });

  // biome-ignore format: one answer a line
  test.each<[status: number, body: unknown, says: object]>([
    [200, { id: "pr/1", externalRef: "order-1" }, { chargeId: "order-1" }],
    [200, { id: "pr/1" }, {}],
    [200, { id: "pr/1", externalRef: 7 }, {}],
    [403, { message: "Forbidden" }, {}],
    [404, { message: "Not Found" }, {}],
    [200, [], { failure: "HTTP 200" }],
    [401, { externalRef: "order-1" }, { failure: "HTTP 401" }],
    [429, { message: "RATE_LIMIT_EXCEEDED" }, { failure: "HTTP 429" }],
  ])("%s %j says %j", (status, body, says) => {
    expect(owners?.read(replied(status, body))).toEqual(says);
  });
});
