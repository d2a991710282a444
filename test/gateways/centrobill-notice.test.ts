import { describe, expect, test } from "vitest";
import { centrobillSignature } from "../../infra/local/notice-signing.ts";
import type { Notice, NoticeRequest } from "../../lib/core/notice.ts";
import { centrobillNotices } from "../../lib/gateways/centrobill/notice.ts";
import { centrobillPayload, requestOf, sameText, secret, sha256, signedCentrobill } from "./notices.ts";

const desk = centrobillNotices({ secrets: [secret, "s-code-before"], sha256, sameText });
const shortOf = async (request: NoticeRequest): Promise<string> => {
  const proof = await desk.verify(request);
  return "why" in proof && proof.kind === "refused" ? proof.why : proof.kind;
};
const noticeOf = async (payload: object): Promise<Notice> => {
  const request = signedCentrobill(payload);
  const proof = await desk.verify(request);
  if (proof.kind !== "verified") throw new Error(proof.kind);
  const read = desk.read(proof.payload, request);
  if (read.kind !== "notice") throw new Error(read.kind);
  return read.notice;
};
const genuine = signedCentrobill(centrobillPayload());
const bodyWith = (payment: object, signature: string): NoticeRequest =>
  requestOf(JSON.stringify(centrobillPayload(payment)), { "x-signature": signature });
const signature = (id: string, status: string, by = secret): string => centrobillSignature(by, id, status);

test("the made-up vector of the facts: secret, transaction id, status, nothing between them", () => {
  expect(signature("718641118", "fail")).toBe(
    "914f58efcdf1ff18303d17b3cdf42d3902688a732f0a3bbd59c5ee840f66bedf",
  );
});

test.each<readonly string[]>([[], [""], ["", ""]])(
  "with the secrets %j nobody is believed, whatever they sign with",
  async (...secrets) => {
    const open = centrobillNotices({ secrets, sha256, sameText });
    for (const by of ["", secret, "undefined"])
      expect(await open.verify(signedCentrobill(centrobillPayload(), by))).toEqual({
        kind: "refused",
        why: "wrong_signature",
      });
  },
);

test("an empty secret beside the right one takes nothing from it", async () => {
  const both = centrobillNotices({ secrets: ["", secret], sha256, sameText });
  expect((await both.verify(genuine)).kind).toBe("verified");
  expect((await both.verify(signedCentrobill(centrobillPayload(), ""))).kind).toBe("refused");
});

describe("the signature", () => {
  const headersOf = (value: string): NoticeRequest => ({ ...genuine, headers: { "x-signature": value } });
  const right = genuine.headers["x-signature"] ?? "";
  // biome-ignore format: one row a line
  test.each<readonly [expected: string, NoticeRequest, why: string]>([
    ["verified", genuine, "as documented"],
    ["verified", headersOf(right.toUpperCase()), "hex has no case"],
    ["verified", headersOf(` ${right} `), "nor do spaces around it mean anything"],
    ["verified", signedCentrobill(centrobillPayload(), "s-code-before"), "the secret of before, during a rotation"],
    ["verified", bodyWith({ transactionId: 404168112 }, signature("404168112", "success")), "an id may come as a number"],
    ["verified", bodyWith({ amount: 5000, code: 1 }, right), "amount and code are not covered: why they are not believed"],
    ["no_signature", requestOf(genuine.body, {}), "none"],
    ["no_signature", headersOf(""), "empty"],
    ["no_signature", headersOf(right.slice(0, 63)), "cut"],
    ["no_signature", headersOf(`${right}0`), "longer"],
    ["no_signature", headersOf(right.replace(/.$/, "g")), "not hex"],
    ["no_signature", { ...genuine, headers: { authorization: right } }, "in another header"],
    ["wrong_signature", headersOf("0".repeat(64)), "made up"],
    ["wrong_signature", signedCentrobill(centrobillPayload(), "s-code"), "another secret"],
    ["wrong_signature", signedCentrobill(centrobillPayload(), ""), "no secret"],
    ["wrong_signature", bodyWith({ status: "fail" }, right), "another status"],
    ["wrong_signature", bodyWith({ transactionId: "404168113" }, right), "another transaction"],
    ["wrong_signature", bodyWith({ status: "Success" }, right), "case counts"],
    ["malformed", bodyWith({ transactionId: "4041681", status: "12success" }, right), "the same text, cut elsewhere: a status begins with a letter"],
    ["malformed", bodyWith({ transactionId: "404168112s", status: "uccess" }, right), "and an id has digits alone"],
    ["malformed", bodyWith({ transactionId: "404168112success", status: "" }, right), "or all of it"],
    ["malformed", bodyWith({ status: "success\u0080 " }, right), "what a lengthened hash would need"],
    ["malformed", bodyWith({ transactionId: 4.5 }, right), "no id"],
    ["malformed", bodyWith({ transactionId: "x404168112" }, signature("x404168112", "success")), "no id, though signed"],
    ["malformed", bodyWith({ transactionId: ["404168112"] }, right), "no id, though it reads like one"],
    ["malformed", bodyWith({ transactionId: null }, right), "no id"],
    ["malformed", bodyWith({ status: ["success"] }, right), "no text"],
    ["malformed", requestOf("", { "x-signature": right }), "no body"],
    ["malformed", requestOf("payment=1", { "x-signature": right }), "not JSON"],
    ["malformed", requestOf("[]", { "x-signature": right }), "not an object"],
    ["malformed", requestOf('{"payment":[]}', { "x-signature": right }), "no payment"],
    ["malformed", requestOf('{"__proto__":{"payment":{"transactionId":"404168112","status":"success"}}}', { "x-signature": right }), "not its own member"],
    ["malformed", requestOf(`{"payment":{"transactionId":"404168112","status":"success"},"x":${"[".repeat(90)}${"]".repeat(90)}}`, { "x-signature": right }), "nested deeper than anything needs"],
    ["malformed", requestOf(`${"[".repeat(120_000)}${"]".repeat(120_000)}`, { "x-signature": right }), "deeper than a stack"],
  ])("%s ‹%#›", async (expected, request, why) => {
    expect(await shortOf(request), why).toBe(expected);
  });
});

describe("what is read of a verified notice", () => {
  test("the members that matter, and neither card nor consumer (S12)", async () => {
    const notice = await noticeOf(centrobillPayload());
    expect(notice).toEqual({
      v: 1,
      gateway: "centrobill",
      id: "404168112.success.charge.sale",
      reference: "404168112",
      receivedAtMs: genuine.atMs,
      bodySha256: genuine.bodySha256,
      kind: "charge",
      words: "charge sale success",
      reply: {
        kind: "captured",
        echo: { amount: "19.99", currency: "EUR", chargeId: "order-1", requestId: "request-1" },
        ids: { transactionId: "404168112", orderId: "2394649562" },
        code: "0",
      },
      chargeId: "order-1",
      requestId: "request-1",
      transactionId: "404168112",
      orderId: "2394649562",
      signed: "reference_and_status",
    });
    expect(JSON.stringify(notice)).not.toMatch(/513284|secret-account|100059330|user-1/);
  });

  // biome-ignore format: one row a line
  test.each<readonly [kind: Notice["kind"], reply: string, id: string, payment: object, why: string]>([
    ["charge", "captured", "404168112.success.charge.sale", {}, "a sale"],
    ["charge", "captured", "404168112.success.charge.settle", { mode: "settle" }, "an authorisation that was settled"],
    ["charge", "unproven", "404168112.success.charge.auth", { mode: "auth" }, "an authorisation takes nothing"],
    ["charge", "refused", "404168112.fail.charge.sale", { status: "fail", code: 5051 }, "a decline"],
    ["charge", "unproven", "404168112.fail.charge.sale", { status: "fail" }, "a decline with the code of an approval"],
    ["charge", "accepted", "404168112.pending.redirect.sale", { action: "redirect", status: "pending" }, "code 0 while pending is no approval"],
    ["charge", "unproven", "404168112.shipped.charge.sale", { status: "shipped" }, "a word of before"],
    ["charge", "unproven", "404168112.success.charge.test", { mode: "test" }, "a test takes nothing"],
    ["charge", "unproven", "404168112.success.other.other", { action: "levy", mode: { a: 1 } }, "words that are not listed are one"],
    ["charge", "captured", "404168112.success.none.none", { action: undefined, mode: undefined }, "left out"],
    ["charge", "captured", "404168112.success.none.none", { action: null, mode: null }, "or nothing"],
    ["charge", "unproven", "404168112.success.charge.payout", { mode: "payout" }, "money paid out"],
    ["reversal", "unproven", "404168112.success.credit.sale", { action: "credit" }, "given back, whatever its mode says"],
    ["reversal", "unproven", "404168112.success.chargeback.sale", { action: "chargeback" }, "taken back, too"],
    ["reversal", "unproven", "404168112.success.charge.credit", { mode: "credit" }, "whatever its action says"],
    ["reversal", "unproven", "404168112.success.charge.chargebackRetrieval", { mode: "chargebackRetrieval" }, "the same"],
    ["reversal", "unproven", "404168112.success.charge.chargebackRepresent", { mode: "chargebackRepresent" }, "the same"],
    ["reversal", "unproven", "404168112.success.charge.chargebackCollector", { mode: "chargebackCollector" }, "the same"],
    ["reversal", "unproven", "404168112.success.credit.refund", { action: "credit", mode: "refund" }, "given back"],
    ["reversal", "unproven", "404168112.pending.credit.refund", { action: "credit", mode: "refund", status: "pending" }, "about to be"],
    ["reversal", "unproven", "404168112.success.credit.void", { action: "credit", mode: "void" }, "let go"],
    ["reversal", "unproven", "404168112.chargeback.chargeback.chargebackFirst", { action: "chargeback", mode: "chargebackFirst", status: "chargeback" }, "by the table"],
    ["reversal", "unproven", "404168112.success.chargeback.chargebackFirst", { action: "chargeback", mode: "chargebackFirst" }, "by the sample"],
    ["reversal", "unproven", "404168112.chargeback_2nd.chargeback.chargebackSecond", { action: "chargeback", mode: "chargebackSecond", status: "chargeback_2nd" }, "the second is another notice"],
    ["reversal", "captured", "404168112.success.charge.refund", { mode: "refund" }, "whatever its action says"],
  ])("%s %s ‹%#›", async (kind, reply, id, payment, why) => {
    const notice = await noticeOf(centrobillPayload(payment));
    expect([notice.kind, notice.id], why).toEqual([kind, id]);
    if (kind === "charge") expect(notice.reply.kind, why).toBe(reply);
  });

  test("of a refund the transaction that it gives back, too", async () => {
    const refund = {
      action: "credit",
      mode: "refund",
      transactionId: "404168999",
      parentTransactionId: "404168112",
    };
    expect(await noticeOf(centrobillPayload(refund))).toMatchObject({
      reference: "404168999",
      parentReference: "404168112",
    });
  });

  test.each([
    ["no metadata", null],
    ["a charge id that cannot be one", { chargeId: "a b", requestId: 7 }],
    ["a card number for one", { chargeId: "4111111111111111", requestId: {} }],
  ])("with %s it names no charge and no attempt", async (_what, metadata) => {
    const notice = await noticeOf(centrobillPayload({}, metadata));
    for (const name of ["chargeId", "requestId", "parentReference"])
      expect(Object.keys(notice)).not.toContain(name);
  });

  test("a request id is no longer than ours, and a refusal need not say why", async () => {
    expect((await noticeOf(centrobillPayload({}, { requestId: "r".repeat(70) }))).requestId).toBe(
      "r".repeat(64),
    );
    const refused = await noticeOf(centrobillPayload({ status: "fail", code: 5051, description: undefined }));
    expect(refused.reply.kind).toBe("refused");
    expect(Object.keys(refused.reply)).not.toContain("description");
  });

  test.each([[{}], [{ payment: {} }], [{ payment: "sale" }]])(
    "%j, believed by whom it may be, is none",
    (payload) => {
      expect(desk.gateway).toBe("centrobill");
      expect(desk.read(payload, genuine).kind).toBe("malformed");
    },
  );

  test("a card number in a decline's text is masked (S12)", async () => {
    const notice = await noticeOf(
      centrobillPayload({ status: "fail", code: 5051, description: "no money on 4111 1111 1111 1111" }),
    );
    expect(JSON.stringify(notice)).not.toMatch(/1111 1111/);
  });

  test("another body under a signature that was seen makes a few ids, however many there are", async () => {
    const ids = new Set<string>();
    for (let n = 0; n < 2_000; n++)
      ids.add((await noticeOf(centrobillPayload({ action: `a${n}`, mode: `m${n % 7}`, code: n }))).id);
    expect(ids.size).toBe(1);
  });
});
