import { describe, expect, test } from "vitest";
import { classify } from "../../lib/core/classify.ts";
import { maskedExcerpt } from "../../lib/core/masked-message.ts";
import type { GatewayReply } from "../../lib/core/reply.ts";
import { answer, gateway, options, promise, refusal, requests, subject } from "./centrobill-subject.ts";
import { askedOf, chargeOf, gatewayContract } from "./gateway-contract.ts";
import { replied } from "./replied.ts";

gatewayContract("centrobill", subject);

const asked = askedOf(chargeOf(gateway, requests["a saved card"]));
const outcomeOf = (reply: ReturnType<typeof replied>) => classify(reply, asked, gateway.rules);
/** The outcome in short: its kind, and why where it is unknown. */
const shortOf = (reply: ReturnType<typeof replied>): string => {
  const outcome = outcomeOf(reply);
  if (outcome.kind === "unknown") return `unknown ${outcome.why}`;
  return outcome.kind === "mismatch" ? `mismatch ${outcome.mismatch.field}` : outcome.kind;
};

describe("HTTP statuses", () => {
  const approved = "approved";
  test.each([
    // The error-handling page names these.
    [200, "unknown unlisted_status", "retrievals and updates only: not what a payment answers"],
    [201, approved, "the body decides"],
    [400, "requestError", "documented"],
    [401, "requestError", "documented"],
    [403, "requestError", "documented"],
    [404, "requestError", "documented"],
    [500, "unknown gateway_fault", "documented: the same id again after a delay"],
    // It does not name these.
    [100, "unknown unlisted_status", ""],
    [202, "unknown unlisted_status", ""],
    [204, "unknown unlisted_status", ""],
    [301, "unknown unlisted_status", "redirects are not followed"],
    [302, "unknown unlisted_status", ""],
    [307, "unknown unlisted_status", ""],
    [402, "unknown unlisted_status", "sounds like a decline, is none"],
    [405, "unknown unlisted_status", ""],
    [408, "unknown unlisted_status", ""],
    [409, "unknown unlisted_status", "the original may be in flight"],
    [418, "unknown unlisted_status", ""],
    [422, "unknown unlisted_status", ""],
    [425, "unknown unlisted_status", ""],
    [429, "unknown unlisted_status", ""],
    [499, "unknown unlisted_status", ""],
    [501, "unknown unlisted_status", ""],
    [502, "unknown no_answer", "a proxy's word"],
    [503, "unknown no_answer", "a proxy's word"],
    [504, "unknown no_answer", "a proxy's word"],
    [520, "unknown unlisted_status", ""],
    [599, "unknown unlisted_status", ""],
  ])("%i with an approval's body: %s (%s)", (status, expected) => {
    expect(shortOf({ ...answer(asked), status })).toBe(expected);
  });

  test.each(["toString", "constructor", "__proto__"])("a status row is not found as %s", (name) => {
    expect(shortOf({ ...answer(asked), status: name as unknown as number })).toBe("unknown unlisted_status");
  });
});

describe("the words of a payment", () => {
  type Changes = Parameters<typeof answer>[1];
  test.each<[string, Changes, string]>([
    ["code 0, success", {}, "approved"],
    ["code as text", { code: "0" }, "approved"],
    ["code 0000, as in the redirect", { code: "0000" }, "approved"],
    ["confirmed: the money was received", { status: "confirmed" }, "approved"],
    ["settle captures", { mode: "settle" }, "approved"],
    ["no mode: fixtures have none", { mode: undefined }, "approved"],
    ["no action", { action: undefined }, "approved"],
    ["pending with code 0 and Approved", { status: "pending" }, "pending"],
    ["redirect", promise, "pending"],
    ["pending with a code of its own", { status: "pending", code: 5051 }, "pending"],
    ["pending without a code", { status: "pending", code: undefined }, "pending"],
    ["decline, code as number", refusal, "declined"],
    ["decline, code as text", { ...refusal, code: "5051" }, "declined"],
    ["decline, letters in the code", { ...refusal, code: "50R1" }, "declined"],
    ["decline of an authorisation", { ...refusal, mode: "auth" }, "declined"],
    ["decline of a settlement", { ...refusal, mode: "settle" }, "declined"],
    ["decline without mode", { ...refusal, mode: undefined }, "declined"],

    ["an authorisation took no money", { mode: "auth" }, "unknown not_a_capture"],
    ["a test took no money", { mode: "test" }, "unknown not_a_capture"],
    ["a payout is the other way", { mode: "payout" }, "unknown not_a_capture"],
    ["a refund", { mode: "refund" }, "unknown not_a_capture"],
    ["a void", { mode: "void" }, "unknown not_a_capture"],
    ["a credit, by its mode", { mode: "credit" }, "unknown not_a_capture"],
    ["a decline of a void", { ...refusal, mode: "void" }, "unknown not_a_capture"],
    ["a decline of a credit", { ...refusal, mode: "credit" }, "unknown not_a_capture"],
    ["a mode that is null", { mode: null }, "approved"],
    ["a mode of every object's prototype", { mode: "toString" }, "unknown unlisted"],
    ["a mode in a list", { mode: ["sale"] }, "unknown unlisted"],
    ["a code that begins with 0", { code: "0A" }, "unknown contradiction"],
    ["a code that ends with 0", { code: "10" }, "unknown contradiction"],
    ["a mode that is not documented", { mode: "capture" }, "unknown unlisted"],
    ["a mode in capitals", { mode: "SALE" }, "unknown unlisted"],
    ["a mode that is no word", { mode: 1 }, "unknown unlisted"],
    ["a decline of a test", { ...refusal, mode: "test" }, "unknown not_a_capture"],
    ["a decline of a payout", { ...refusal, mode: "payout" }, "unknown not_a_capture"],
    ["a decline of a refund", { ...refusal, mode: "refund" }, "unknown not_a_capture"],
    ["a decline in a mode that is not documented", { ...refusal, mode: "capture" }, "unknown unlisted"],
    ["a credit", { action: "credit" }, "unknown contradiction"],
    ["a chargeback", { action: "chargeback", status: "chargeback" }, "unknown contradiction"],
    ["an action that is not documented", { action: "capture" }, "unknown contradiction"],

    ["success with a decline's code", { code: 5051 }, "unknown contradiction"],
    ["fail with code 0", { status: "fail" }, "unknown contradiction"],
    ["success, but go to the redirect", { action: "redirect" }, "unknown contradiction"],
    ["declined, but go to the redirect", { ...refusal, action: "redirect" }, "unknown contradiction"],
    ["success without a code", { code: undefined }, "unknown unlisted"],
    ["success, code null", { code: null }, "unknown unlisted"],
    ["success, code empty", { code: "" }, "unknown unlisted"],
    ["success, code true", { code: true }, "unknown unlisted"],
    ["success, code an object", { code: { value: 0 } }, "unknown unlisted"],
    ["success, code with a space", { code: " 0" }, "unknown unlisted"],
    ["success, code negative", { code: -1 }, "unknown unlisted"],
    ["success, code with a fraction", { code: 0.5 }, "unknown unlisted"],
    ["fail without a code", { status: "fail", code: undefined }, "unknown unlisted"],
    ["fail, a code too long to be one", { ...refusal, code: "1".repeat(13) }, "unknown unlisted"],
    ["no status", { status: undefined }, "unknown unlisted"],
    ["status null", { status: null }, "unknown unlisted"],
    ["SUCCESS", { status: "SUCCESS" }, "unknown unlisted"],
    ["a word that is not documented", { status: "approved" }, "unknown unlisted"],
    ["legacy word: successful", { status: "successful" }, "unknown unlisted"],
    ["legacy word: declined", { status: "declined", code: 5051 }, "unknown unlisted"],
    ["a chargeback's word", { status: "chargeback_2nd" }, "unknown unlisted"],
  ])("%s", (_name, changes, expected) => {
    expect(shortOf(answer(asked, changes))).toBe(expected);
  });

  test("ids come as text or number; a number that lost digits is no id", () => {
    const idsOf = (changes: Changes) => {
      const outcome = outcomeOf(answer(asked, changes));
      return "ids" in outcome ? outcome.ids : undefined;
    };
    expect(idsOf({})).toStrictEqual({ transactionId: "404168112", orderId: "2394649562" });
    expect(idsOf({ transactionId: 404168112, orderId: 2394649562 })).toStrictEqual({
      transactionId: "404168112",
      orderId: "2394649562",
    });
    expect(idsOf({ transactionId: 2 ** 53, orderId: "12345678901234567890" })).toStrictEqual({
      orderId: "12345678901234567890",
    });
    expect(idsOf({ transactionId: -4, orderId: 1.5 })).toStrictEqual({});
    expect(idsOf({ transactionId: 0, orderId: ["7"] })).toStrictEqual({ transactionId: "0" });
    expect(idsOf({ transactionId: "a b", orderId: "" })).toStrictEqual({});
  });
});

describe("what is read of a payment", () => {
  const ids = { transactionId: "404168112", orderId: "2394649562" };
  const echo = {
    amount: "19.99",
    currency: "EUR",
    chargeId: asked.chargeId,
    requestId: asked.requestId,
  };
  type Changes = Parameters<typeof answer>[1];
  test.each<[Changes, GatewayReply, string]>([
    [{}, { kind: "captured", echo, ids, code: "0" }, "money"],
    [
      refusal,
      {
        kind: "refused",
        echo,
        ids,
        code: "5051",
        codeCategory: "2",
        description: "Not enough money",
      },
      "a refusal, with all that it says",
    ],
    [
      { ...refusal, codeCategory: undefined, description: undefined },
      { kind: "refused", echo, ids, code: "5051" },
      "a refusal that says no more than its code",
    ],
    [
      { ...refusal, codeCategory: "a b", description: 7 },
      { kind: "refused", echo, ids, code: "5051" },
      "a category that is no code, a description that is no text",
    ],
    [promise, { kind: "accepted", echo, ids, code: "0" }, "to come"],
    [{ ...promise, code: 7 }, { kind: "accepted", echo, ids, code: "7" }, "to come, with a code of its own"],
    [{ ...promise, code: undefined }, { kind: "accepted", echo, ids, code: "" }, "to come, without a code"],
  ])("%j → %j (%s)", (changes, reply) => {
    expect(gateway.rules.readReply(answer(asked, changes))).toStrictEqual(reply);
  });

  test("what is not there is not made up", () => {
    const bare = replied(201, { payment: { status: "success", code: 0 } });
    expect(gateway.rules.readReply(bare)).toStrictEqual({ kind: "captured", echo: {}, ids: {}, code: "0" });
  });

  test("a reference that is no text is one that none of ours can be", () => {
    const body = {
      payment: { status: "success", code: 0 },
      metadata: { chargeId: { a: 1 }, requestId: [asked.requestId] },
    };
    expect(gateway.rules.readReply(replied(201, body))).toStrictEqual({
      kind: "captured",
      echo: { chargeId: "(not a text)", requestId: "(not a text)" },
      ids: {},
      code: "0",
    });
  });
});

describe("bodies that are none", () => {
  test.each([
    ["nothing", ""],
    ["a page", "<!doctype html><title>Bad gateway</title>"],
    ["text", "OK"],
    ["null", "null"],
    ["a list", "[]"],
    ["an empty object", "{}"],
    ["payment null", '{"payment":null}'],
    ["payment a list", '{"payment":[{"status":"success","code":0}]}'],
    ["payment a text", '{"payment":"success"}'],
    ["the payment's members at the top", '{"status":"success","code":0,"amount":19.99,"currency":"EUR"}'],
    ["a payment of the prototype", '{"__proto__":{"payment":{"status":"success","code":0}}}'],
    ["half a body", answer(asked).body.slice(0, -1)],
    ["a body and more", `${answer(asked).body}<br/>Warning: …`],
    ["two bodies", answer(asked).body + answer(asked).body],
    ["a byte order mark", `\ufeff${answer(asked).body}`],
  ])("%s", (_name, body) => {
    expect(shortOf(replied(201, body))).toBe("unknown unreadable");
  });

  test("an empty payment is readable and says nothing", () => {
    expect(shortOf(replied(201, { payment: {} }))).toBe("unknown unlisted");
  });
});

describe("the echo of an approval (S9)", () => {
  type Changes = Parameters<typeof answer>[1];
  test.each<[string, Changes, string]>([
    ["amount as text", { amount: "19.99" }, "approved"],
    ["amount with zeros behind", { amount: "19.9900" }, "approved"],
    ["one cent more", { amount: 20 }, "mismatch amount"],
    ["a hundred times", { amount: 1999 }, "mismatch amount"],
    ["half a cent more", { amount: 19.995 }, "mismatch amount"],
    ["negative", { amount: -19.99 }, "mismatch amount"],
    ["no amount", { amount: undefined }, "mismatch amount"],
    ["amount null", { amount: null }, "mismatch amount"],
    ["amount as an object", { amount: { value: 19.99 } }, "mismatch amount"],
    ["amount with a comma", { amount: "19,99" }, "mismatch amount"],
    ["amount with its currency", { amount: "19.99 EUR" }, "mismatch amount"],
    ["another currency", { currency: "USD" }, "mismatch currency"],
    ["currency in small letters", { currency: "eur" }, "mismatch currency"],
    ["no currency", { currency: undefined }, "mismatch currency"],
  ])("%s", (_name, changes, expected) => {
    expect(shortOf(answer(asked, changes))).toBe(expected);
  });

  const withMetadata = (metadata: unknown) =>
    replied(201, { ...(JSON.parse(answer(asked).body) as object), metadata });
  test.each<[string, unknown, string]>([
    ["no metadata: not every page shows it", undefined, "approved"],
    ["metadata without our references", { campaign: "autumn" }, "approved"],
    ["our charge id alone", { chargeId: asked.chargeId }, "approved"],
    ["references that are null", { chargeId: null, requestId: null }, "approved"],
    ["another charge", { chargeId: "inv-2" }, "mismatch chargeId"],
    ["another attempt", { chargeId: asked.chargeId, requestId: "r-2" }, "mismatch requestId"],
    ["a number that is another charge", { chargeId: 7 }, "mismatch chargeId"],
    ["a reference that is no text", { chargeId: { id: asked.chargeId } }, "mismatch chargeId"],
    ["an empty reference", { chargeId: "" }, "mismatch chargeId"],
  ])("%s", (_name, metadata, expected) => {
    expect(shortOf(withMetadata(metadata))).toBe(expected);
  });

  test("a charge id of digits may come back as a number", () => {
    const own = askedOf(chargeOf(gateway, requests["a saved card"], { chargeId: "100245" }));
    const reply = replied(201, {
      ...(JSON.parse(answer(own).body) as object),
      metadata: { chargeId: 100245 },
    });
    expect(classify(reply, own, gateway.rules).kind).toBe("approved");
  });

  test("no echo is too hostile to compare", () => {
    const deep = `${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)}`;
    const body = answer(asked).body.replace(/"metadata":.*$/, `"metadata":{"chargeId":${deep}}}`);
    expect(shortOf(replied(201, body))).toBe("mismatch chargeId");
    expect(gateway.excerptOf(replied(400, `{"x":${deep}}`)).length).toBeLessThanOrEqual(4_096);
  });
});

describe("request errors", () => {
  test.each<[string, number, unknown, object]>([
    [
      "message and fields",
      400,
      { message: "Bad Request", errors: { sku: "missing", "consumer.ip": "invalid" } },
      { code: "http_400", description: "Bad Request; sku: missing; consumer.ip: invalid" },
    ],
    ["fields alone", 400, { errors: { sku: "missing" } }, { code: "http_400", description: "sku: missing" }],
    [
      "a field without a text",
      400,
      { errors: { sku: ["x"] } },
      { code: "http_400", description: "sku: wrong" },
    ],
    [
      "message alone",
      403,
      { message: "IP not allowed" },
      { code: "http_403", description: "IP not allowed" },
    ],
    ["a page", 404, "<html>", { code: "http_404" }],
    ["nothing", 401, "", { code: "http_401" }],
    ["other shapes", 400, { message: 7, errors: "no" }, { code: "http_400" }],
  ])("%s", (_name, status, body, expected) => {
    expect(outcomeOf(replied(status, body))).toStrictEqual({ kind: "requestError", ...expected });
  });
});

describe("what is kept of an answer", () => {
  const secrets = gateway.secretsOf(chargeOf(gateway, requests["a one-time token"]));
  const kept = (status: number, body: unknown) =>
    maskedExcerpt(gateway.excerptOf(replied(status, body)), secrets, 240);

  test("of a payment: the members that decide", () => {
    expect(gateway.excerptOf(answer(asked))).toBe(
      "code=0 description=Approved action=charge mode=sale status=success amount=19.99 currency=EUR " +
        "orderId=2394649562 transactionId=404168112",
    );
  });

  test("of an error object: its text", () => {
    expect(kept(400, { message: "Bad Request", errors: { sku: "missing" } })).toBe(
      "Bad Request; sku: missing",
    );
  });

  test("of anything else: its beginning", () => {
    expect(kept(502, "<html>502 Bad Gateway</html>")).toBe("<html>502 Bad Gateway</html>");
    expect(kept(200, { result: "OK", at: [1] })).toBe('{"result":"OK","at":[1]}');
    expect(kept(204, "")).toBe("");
    expect(kept(502, `${"word ".repeat(2_000_000)}`).length).toBe(240);
    expect(kept(502, "x".repeat(8_000_000))).toBe("");
  });

  test("never the card of the answer, in a body that was cut as little", () => {
    const whole = answer(asked, { status: "fail" }).body;
    for (let length = 0; length <= whole.length; length++) {
      const text = kept(201, whole.slice(0, length));
      expect(text).not.toContain("b1-c2");
      expect(text).not.toContain("9161");
    }
    expect(kept(200, { source: { number: "4111111111111111", paymentAccountId: "b1-c2-d3-e4" } })).toBe(
      '{"source":{"number":"***","paymentAccountId":"***"}}',
    );
  });

  test.each([
    ['{"number" : "4111 1111", "x": 1', '{"number" : "***", "x": 1', "spaces around the colon"],
    ['{"cvv":"123","iban":"DE1","bic":"B"', '{"cvv":"***","iban":"***","bic":"***"', "each of them"],
    ['{"VALUE":\n\n"a secret"', '{"VALUE":\n\n"***"', "in capitals, on lines of its own"],
    ['{"token"  \n:"a secret', '{"token"  \n:"***', "cut within"],
    ['{"value":""', '{"value":"***"', "empty"],
    ['{"tokens":"2"', '{"tokens":"2"', "another name"],
  ])("of a body that was cut the card is masked: %s → %s (%s)", (body, text) => {
    expect(gateway.excerptOf(replied(201, body))).toBe(text);
  });

  test("a token as PHP's JSON writes it, with \\/", () => {
    const text = kept(400, '{"message":"no card tok\\/9f8e7d6c+5b4a=39281706"}');
    expect(text).toBe("no card ***");
    expect(kept(400, '{"detail":["tok\\/9f8e7d6c+5b4a=39281706"]}')).toBe('{"detail":["***"]}');
  });

  test("the key itself", () => {
    expect(kept(401, `bad key ${options.apiKey}`)).toBe("bad key ***");
  });
});
