import { describe, expect, test } from "vitest";
import type { Notice, NoticeReading, NoticeRequest } from "../../lib/core/notice.ts";
import { centrapayNotices } from "../../lib/gateways/centrapay/notice.ts";
import {
  atMs,
  audience,
  centrapayPayload,
  readsToken,
  requestOf,
  sameText,
  signedCentrapay,
} from "./notices.ts";

const desk = centrapayNotices({ audience, verifyToken: readsToken, sameText });
const shortOf = async (request: NoticeRequest): Promise<string> => {
  const proof = await desk.verify(request);
  return proof.kind === "refused" ? proof.why : proof.kind;
};
const readOf = async (payload: object): Promise<NoticeReading> => {
  const request = signedCentrapay(payload);
  const proof = await desk.verify(request);
  if (proof.kind !== "verified") throw new Error(proof.kind);
  return desk.read(proof.payload, request);
};
const noticeOf = async (activity: object, changes: object = {}): Promise<Notice> => {
  const read = await readOf(centrapayPayload(activity, changes));
  if (read.kind !== "notice") throw new Error(read.kind);
  return read.notice;
};
const withClaims = (claims: object): NoticeRequest => signedCentrapay(centrapayPayload(), claims);
const genuine = withClaims({});
const seconds = atMs / 1_000;

describe("the token", () => {
  const authorization = genuine.headers["authorization"] ?? "";
  const withHeader = (value: string): NoticeRequest => ({ ...genuine, headers: { authorization: value } });
  // biome-ignore format: one row a line
  test.each<readonly [expected: string, NoticeRequest, why: string]>([
    ["verified", genuine, "as documented: times as strings"],
    ["verified", withClaims({ exp: seconds + 300 }), "or as numbers"],
    ["verified", withHeader(`Bearer ${authorization}`), "with a scheme, which the docs do not speak of"],
    ["verified", withHeader(`bearer  ${authorization}`), "in any case, with any space"],
    ["verified", withClaims({ aud: `${audience}/` }), "a slash at the end is none"],
    ["verified", withClaims({ aud: `${audience}//` }), "nor are two"],
    ["verified", withClaims({ exp: seconds - 60 }), "the clocks may differ by a minute"],
    ["verified", withClaims({ aud: ["https://other.test", audience] }), "one of several audiences"],
    ["verified", withClaims({ exp: seconds - 59 }), "the clocks may differ"],
    ["no_signature", requestOf(genuine.body, {}), "none"],
    ["no_signature", withHeader(""), "empty"],
    ["no_signature", withHeader("Basic YTpi"), "another scheme"],
    ["no_signature", withHeader(authorization.split(".").slice(0, 2).join(".")), "two parts: not signed"],
    ["no_signature", withHeader(`${authorization.split(".").slice(0, 2).join(".")}.`), "an empty signature"],
    ["no_signature", withHeader(`a.${"b".repeat(9_000)}.c`), "longer than any"],
    ["no_signature", withHeader(`xBearer ${authorization}`), "another scheme"],
    ["no_signature", withHeader(`!${authorization}`), "a mark before it"],
    ["no_signature", withHeader(`${authorization}!`), "a mark after it"],
    ["over_time", withClaims({ exp: seconds - 61 }), "over"],
    ["over_time", withClaims({ exp: undefined }), "without an end it would be valid for ever"],
    ["over_time", withClaims({ exp: "soon" }), "no time"],
    ["over_time", withClaims({ exp: null }), "no time"],
    ["over_time", withClaims({ exp: "1e12" }), "no time as it is written"],
    ["over_time", withClaims({ exp: "9999999999999" }), "no time of these centuries"],
    ["over_time", withClaims({ exp: [`${seconds + 300}`] }), "no time"],
    ["other_audience", withClaims({ aud: "https://other.test/hooks" }), "for another merchant"],
    ["other_audience", withClaims({ aud: undefined }), "for nobody"],
    ["other_audience", withClaims({ aud: `${audience}/more` }), "a longer address"],
    ["other_audience", withClaims({ aud: {} }), "no address"],
    ["other_body", { ...genuine, bodySha256: "0".repeat(64) }, "another body than the one that was signed"],
    ["other_body", withClaims({ request_body_sha256: undefined }), "signed without its body"],
    ["other_body", withClaims({ request_body_sha256: "" }), "signed without its body"],
    ["malformed", signedCentrapay([1]), "signed, and not an object"],
  ])("%s ‹%#›", async (expected, request, why) => {
    expect(await shortOf(request), why).toBe(expected);
  });

  test("is looked at up to its greatest length, and its gateway is known", async () => {
    const unknown = centrapayNotices({
      audience,
      sameText,
      verifyToken: async () => ({ kind: "refused", why: "unknown_key" }),
    });
    expect(unknown.gateway).toBe("centrapay");
    const long = (length: number) => unknown.verify(withHeader(`a.${"b".repeat(length - 4)}.c`));
    expect(await long(8_192)).toEqual({ kind: "refused", why: "unknown_key" });
    expect(await long(8_193)).toEqual({ kind: "refused", why: "no_signature" });
  });

  test("keys that cannot be had are no refusal: it may be sent again", async () => {
    const shut = centrapayNotices({
      audience,
      sameText,
      verifyToken: async () => ({ kind: "unavailable", why: "keys: HTTP 500" }),
    });
    expect(await shut.verify(genuine)).toEqual({ kind: "unavailable", why: "keys: HTTP 500" });
  });
});

describe("what is read of a verified notice", () => {
  test("a payment: its Payment Request, its key and its money", async () => {
    expect(await noticeOf({})).toEqual({
      v: 1,
      gateway: "centrapay",
      id: "n-1",
      reference: "pr-1",
      receivedAtMs: atMs,
      bodySha256: genuine.bodySha256,
      kind: "charge",
      words: "payment-request:paid payment",
      reply: {
        kind: "captured",
        echo: { amount: "19.99", currency: "NZD", requestId: "request-1" },
        ids: { transactionId: "act-1", orderId: "pr-1" },
        code: "payment",
      },
      requestId: "request-1",
      transactionId: "act-1",
      orderId: "pr-1",
      signed: "whole",
    });
  });

  test("data as a text is read, too: the documents' table types it so", async () => {
    const { data, ...rest } = centrapayPayload() as { data: object };
    expect(await readOf({ ...rest, data: JSON.stringify(data) })).toMatchObject({
      kind: "notice",
      notice: { reference: "pr-1", reply: { kind: "captured" } },
    });
  });

  // biome-ignore format: one row a line
  test.each<readonly [expected: object, activity: object, changes: object, why: string]>([
    [{ kind: "charge", reply: { kind: "captured", ids: { orderId: "pr-1" } } }, { type: "paid", idempotencyKey: undefined }, {}, "the request became paid; its id is not the payment's"],
    [{ kind: "charge", reply: { kind: "unproven", why: "not_a_capture" } }, { type: "paid", preAuth: true }, {}, "authorised, not captured"],
    [{ kind: "charge", reply: { kind: "unproven", why: "unlisted" } }, { type: "authorization" }, {}, "not money taken"],
    [{ kind: "charge", reply: { kind: "captured" }, reference: "request-1" }, { type: "confirmation" }, {}, "confirmations share a request: known by their key"],
    [{ kind: "reversal", reference: "pr-1" }, { type: "refund" }, { type: "payment-request:refund-initiated" }, "about to be given back"],
    [{ kind: "reversal", reference: "pr-1" }, { type: "refund" }, { type: "payment-request:refund-completed" }, "given back"],
    [{ kind: "reversal", reference: "request-9" }, { type: "refund", confirmationIdempotencyKey: "request-9" }, { type: "payment-request:refund-completed" }, "of one confirmation"],
  ])("%o", async (expected, activity, changes, why) => {
    expect(await noticeOf(activity, changes), why).toMatchObject(expected);
  });

  test("what it does not name is not there, and a key is no longer than ours", async () => {
    const paid = await noticeOf({ type: "paid", idempotencyKey: undefined });
    expect(Object.keys(paid)).not.toContain("requestId");
    expect(Object.keys(paid)).not.toContain("transactionId");
    expect((await noticeOf({ idempotencyKey: "k".repeat(70) })).requestId).toBe("k".repeat(64));
    expect((await noticeOf({ type: undefined })).words).toBe("payment-request:paid other");
  });

  test("a refund's key is not an attempt of ours", async () => {
    const notice = await noticeOf({ type: "refund" }, { type: "payment-request:refund-completed" });
    expect(notice.reply).toStrictEqual({ kind: "unproven", why: "not_a_capture", ids: {} });
    expect(notice.requestId).toBeUndefined();
    expect(notice.transactionId).toBeUndefined();
  });

  test.each<readonly [kind: NoticeReading["kind"], payload: object, why: string]>([
    ["ignored", centrapayPayload({}, { type: "merchant:created" }), "not about money"],
    ["ignored", centrapayPayload({}, { type: "constructor" }), "not a member of the table"],
    ["malformed", centrapayPayload({}, { id: undefined }), "no id"],
    ["malformed", centrapayPayload({}, { id: "a b" }), "no id"],
    ["malformed", centrapayPayload({}, { type: 7 }), "no type"],
    ["malformed", centrapayPayload({}, { data: "{" }), "no activity"],
    ["malformed", centrapayPayload({}, { data: undefined }), "no activity"],
    ["malformed", centrapayPayload({ paymentRequestId: undefined }), "of no Payment Request"],
    ["malformed", centrapayPayload({ deep: JSON.parse("[".repeat(60) + "]".repeat(60)) }), "nested too deep"],
  ])("%s ‹%#›", async (kind, payload, why) => {
    expect((await readOf(payload)).kind, why).toBe(kind);
  });
});
