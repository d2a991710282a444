import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  canonicalOfRefused,
  type GatewayName,
  type ParsedCharge,
  parseCharge,
  parseChargeId,
  type Refusal,
  type RequestParser,
} from "../../lib/core/charge.ts";
import { currencies } from "../../lib/core/currency.ts";
import { canonicalJson, type Json, type JsonObject } from "../../lib/core/json.ts";
import { parseRequest } from "../../lib/gateways/centrobill/charge-request.ts";
import { chargeMessage } from "../doubles/samples.ts";

const centrobillOnly: Partial<Record<GatewayName, RequestParser>> = { centrobill: parseRequest };
const anyRequest: Partial<Record<GatewayName, RequestParser>> = { centrobill: () => [], centrapay: () => [] };

const parse = (changes: JsonObject, gateways = centrobillOnly): ParsedCharge =>
  parseCharge(JSON.stringify(chargeMessage("order-1", changes)), gateways);
const without = (field: string): string => {
  const { [field]: _gone, ...rest } = chargeMessage("order-1");
  return JSON.stringify(rest);
};
const refusalOf = (parsed: ParsedCharge): Refusal => {
  if (parsed.ok) throw new Error("it was accepted");
  return parsed.refusal;
};
/** The fields that are wrong, or nothing where the message is a charge. */
const wrongIn = (parsed: ParsedCharge): string =>
  parsed.ok ? "" : parsed.refusal.problems.map(({ field }) => field).join(" ");

const metadataOf = (entries: number, key = "key", text = "text"): JsonObject =>
  Object.fromEntries(Array.from({ length: entries }, (_, at) => [`${key}${at}`, text]));

describe("a message's fields", () => {
  test.each<[JsonObject, wrong: string, reason: string]>([
    [{}, "", "the sample"],

    [{ v: 2 }, "v", "a version that is to come"],
    [{ v: "1" }, "v", "text"],
    [{ v: true }, "v", "not a number"],
    [{ v: null }, "v", "null"],
    [{ v: 1.5 }, "v", "between two versions"],

    [{ chargeId: "a" }, "", "the shortest"],
    [{ chargeId: "a".repeat(64) }, "", "the longest"],
    [{ chargeId: "A-z_0.9:" }, "", "every kind of character"],
    [{ chargeId: "" }, "chargeId", "nothing"],
    [{ chargeId: "a".repeat(65) }, "chargeId", "too long"],
    [{ chargeId: "a#1" }, "chargeId", "the mark that route ids are joined with"],
    [{ chargeId: "a/b" }, "chargeId", "a slash"],
    [{ chargeId: "a b" }, "chargeId", "a space"],
    [{ chargeId: "a\n" }, "chargeId", "a line's end"],
    [{ chargeId: "ä" }, "chargeId", "not of the alphabet"],
    [{ chargeId: "а" }, "chargeId", "a Cyrillic a"],
    [{ chargeId: 17 }, "chargeId", "a number"],
    [{ chargeId: null }, "chargeId", "null"],
    [{ chargeId: ["a"] }, "chargeId", "a list that reads like one as text"],
    [{ chargeId: { toString: "a" } }, "chargeId", "an object"],

    [{ gateway: "CentroBill" }, "gateway", "its name is in lower case"],
    [{ gateway: "stripe" }, "gateway", "not one of ours"],
    [{ gateway: "" }, "gateway", "nothing"],
    [{ gateway: 1 }, "gateway", "a number"],
    [{ gateway: "constructor" }, "gateway", "a member of every object"],
    [{ gateway: "__proto__" }, "gateway", "a member of every object"],
    [{ gateway: ["centrobill"] }, "gateway", "a list"],

    [{ amount: "1" }, "", "the least"],
    [{ amount: "99999999" }, "", "the most"],
    [{ amount: "100000000" }, "amount", "10^8"],
    [{ amount: "0" }, "amount", "nothing to charge"],
    [{ amount: "00" }, "amount", "nothing, at length"],
    [{ amount: "01999" }, "amount", "a leading zero"],
    [{ amount: "19.99" }, "amount", "major units"],
    [{ amount: "19,99" }, "amount", "major units, as some write them"],
    [{ amount: "1e3" }, "amount", "an exponent"],
    [{ amount: "0x10" }, "amount", "another base"],
    [{ amount: "-1" }, "amount", "a refund"],
    [{ amount: "+1" }, "amount", "a sign"],
    [{ amount: " 1" }, "amount", "a space"],
    [{ amount: "1\n" }, "amount", "a line's end"],
    [{ amount: "1_000" }, "amount", "grouped"],
    [{ amount: "" }, "amount", "nothing"],
    [{ amount: "１" }, "amount", "a full-width digit"],
    [{ amount: "Infinity" }, "amount", "a word for a number"],
    [{ amount: 1999 }, "amount", "a number"],
    [{ amount: 19.99 }, "amount", "a float"],
    [{ amount: -1 }, "amount", "a negative number"],
    [{ amount: 0 }, "amount", "zero as a number"],
    [{ amount: 1e21 }, "amount", "a number with an exponent"],
    [{ amount: true }, "amount", "not a number"],
    [{ amount: null }, "amount", "null"],
    [{ amount: ["1"] }, "amount", "a list that reads like one as text"],

    [{ currency: "JPY" }, "", "no minor unit"],
    [{ currency: "KWD" }, "", "three digits"],
    [{ currency: "eur" }, "currency", "lower case"],
    [{ currency: "Eur" }, "currency", "mixed case"],
    [{ currency: "EURO" }, "currency", "four letters"],
    [{ currency: "EU" }, "currency", "two letters"],
    [{ currency: "ZZZ" }, "currency", "no such currency"],
    [{ currency: "XXX" }, "currency", "ISO's word for none"],
    [{ currency: "978" }, "currency", "the number of EUR"],
    [{ currency: "€" }, "currency", "a sign"],
    [{ currency: "" }, "currency", "nothing"],
    [{ currency: 978 }, "currency", "a number"],
    [{ currency: null }, "currency", "null"],
    [{ currency: "__proto__" }, "currency", "a member of every object"],

    [{ notAfter: "2026-11-22T18:00:00Z" }, "", "the form of the contract"],
    [{ notAfter: "2026-11-22T18:00Z" }, "", "to the minute"],
    [{ notAfter: "2026-11-22T18:00:00.5Z" }, "", "a fraction"],
    [{ notAfter: "2026-11-22T18:00:00.123456789Z" }, "", "nanoseconds"],
    [{ notAfter: "2028-02-29T00:00:00Z" }, "", "a leap day"],
    [{ notAfter: "1999-12-31T23:59:59Z" }, "", "long past: it ends as expired, and is no mistake of form"],
    [{ notAfter: ["2026-11-22T18:00:00.000Z"] }, "notAfter", "a list that would read as one"],
    [{ notAfter: "2026-02-30T00:00:00Z" }, "notAfter", "30 February is not 2 March"],
    [{ notAfter: "2026-02-29T00:00:00Z" }, "notAfter", "not a leap year"],
    [{ notAfter: "2026-04-31T00:00:00Z" }, "notAfter", "April has 30 days"],
    [{ notAfter: "2026-13-01T00:00:00Z" }, "notAfter", "a thirteenth month"],
    [{ notAfter: "2026-11-22T24:00:00Z" }, "notAfter", "the next day's midnight"],
    [{ notAfter: "2026-11-22T25:00:00Z" }, "notAfter", "no such hour"],
    [{ notAfter: "2026-11-22T18:60:00Z" }, "notAfter", "no such minute"],
    [{ notAfter: "2026-11-22T18:00:60Z" }, "notAfter", "a leap second"],
    [{ notAfter: "2026-11-22T18:00:00.1234567890Z" }, "notAfter", "finer than nanoseconds"],
    [{ notAfter: "2026-11-22T18:00:00" }, "notAfter", "of no zone"],
    [{ notAfter: "2026-11-22T18:00:00+00:00" }, "notAfter", "an offset"],
    [{ notAfter: "2026-11-22T18:00:00z" }, "notAfter", "lower case"],
    [{ notAfter: "2026-11-22 18:00:00Z" }, "notAfter", "a space for the T"],
    [{ notAfter: "2026-11-22T18:00:00Z\n" }, "notAfter", "a line's end"],
    [{ notAfter: "2026-11-22" }, "notAfter", "a day"],
    [{ notAfter: "+002026-11-22T18:00:00Z" }, "notAfter", "a long year"],
    [{ notAfter: "" }, "notAfter", "nothing"],
    [{ notAfter: 1_795_000_000_000 }, "notAfter", "milliseconds"],
    [{ notAfter: null }, "notAfter", "null is not absent"],

    [{ instrument: { ref: "card-1" } }, "", "a reference"],
    [{ instrument: { ref: "a".repeat(200), network: "visa" } }, "", "the longest, and its network"],
    [{ instrument: { ref: "r", network: "American Express-2_x" } }, "", "a network of two words"],
    [{ instrument: {} }, "instrument.ref", "nothing in it"],
    [{ instrument: { network: "visa" } }, "instrument.ref", "no reference"],
    [{ instrument: { ref: "" } }, "instrument.ref", "empty"],
    [{ instrument: { ref: "a".repeat(201) } }, "instrument.ref", "too long"],
    [{ instrument: { ref: 7 } }, "instrument.ref", "a number"],
    [{ instrument: { ref: "r", network: "" } }, "instrument.network", "empty"],
    [{ instrument: { ref: "r", network: "a".repeat(41) } }, "instrument.network", "too long"],
    [{ instrument: { ref: "r", network: "visa!" } }, "instrument.network", "a forbidden character"],
    [{ instrument: { ref: "r", network: "visa\n" } }, "instrument.network", "a line's end"],
    [{ instrument: { ref: "r", network: 1 } }, "instrument.network", "a number"],
    [{ instrument: { ref: "r", network: null } }, "instrument.network", "null is not absent"],
    [{ instrument: { ref: "r", netwrok: "visa" } }, "instrument.netwrok", "a typo is not ignored"],
    [{ instrument: "card-1" }, "instrument", "text"],
    [{ instrument: ["card-1"] }, "instrument", "a list"],
    [{ instrument: null }, "instrument", "null is not absent"],

    [{ metadata: {} }, "", "none"],
    [{ metadata: { a: "" } }, "", "an empty text"],
    [{ metadata: metadataOf(20) }, "", "the most entries"],
    [{ metadata: metadataOf(21) }, "metadata", "one too many"],
    [{ metadata: { a: "x".repeat(500) } }, "", "the longest text"],
    [{ metadata: { a: "x".repeat(501) } }, "metadata.a", "too long"],
    [{ metadata: { ["k".repeat(100)]: "x" } }, "", "the longest name"],
    [{ metadata: { ["k".repeat(101)]: "x" } }, `metadata.${"k".repeat(60)}`, "too long, and cut"],
    [{ metadata: { a: 1 } }, "metadata.a", "a number"],
    [{ metadata: { a: null } }, "metadata.a", "null"],
    [{ metadata: { a: { b: "c" } } }, "metadata.a", "an object"],
    [{ metadata: { chargeId: "x" } }, "metadata.chargeId", "the worker's own reference goes there"],
    [{ metadata: { requestId: "x" } }, "metadata.requestId", "the worker's own reference goes there"],
    [{ metadata: { ChargeId: "x", request_id: "y" } }, "", "other names"],
    [{ metadata: ["a"] }, "metadata", "a list"],
    [{ metadata: "a" }, "metadata", "text"],
    [{ metadata: null }, "metadata", "null is not absent"],

    [{ request: [] }, "request", "a list"],
    [{ request: "{}" }, "request", "JSON in JSON"],
    [{ request: null }, "request", "null"],

    [{ amuont: "1999" }, "amuont", "a typo is not ignored"],
    [{ requestId: "r" }, "requestId", "the worker makes it"],
    [{ constructor: 1 }, "constructor", "what every object inherits is no field"],
    [{ a: 1, b: 2 }, "a b", "two of them"],
    [{ ["x".repeat(200)]: 1 }, "x".repeat(120), "a long one is cut"],
    [{ v: 2, amount: 1, currency: "eur" }, "v amount currency", "everything that is wrong, at once"],
  ])("%j → %j (%s)", (changes, wrong) => {
    const parsed = parse(changes);
    expect(wrongIn(parsed)).toBe(wrong);
    if (!parsed.ok) expect(parsed.refusal.code).toBe("invalid_message");
  });

  test.each([
    ["v", "v"],
    ["chargeId", "chargeId"],
    ["gateway", "gateway"],
    ["amount", "amount"],
    ["currency", "currency"],
    ["request", "request"],
  ])("without %s nothing is charged", (field, wrong) => {
    expect(wrongIn(parseCharge(without(field), anyRequest))).toBe(wrong);
  });

  test("a prototype in the text is an unknown field and no prototype", () => {
    const text = `{"__proto__":{"v":1,"amount":"1"},${without("amount").slice(1)}`;
    expect(wrongIn(parseCharge(text, anyRequest))).toBe("__proto__ amount");
    expect(wrongIn(parseCharge('{"__proto__":{"v":1}}', anyRequest))).toMatch(/^__proto__ v chargeId/);
  });

  test("at most twenty problems are told", () => {
    expect(refusalOf(parse(metadataOf(30, "unknown"))).problems).toHaveLength(20);
  });

  test("the problems of entries beyond the twentieth are not told one by one", () => {
    const many = { ...metadataOf(25), key24: 1 };
    expect(wrongIn(parse({ metadata: many }))).toBe("metadata");
  });

  test("a refusal names the charge where its id can be read", () => {
    expect(refusalOf(parse({ amount: 1 })).chargeId).toBe("order-1");
    expect(refusalOf(parse({ chargeId: "no good" }))).not.toHaveProperty("chargeId");
  });

  test("a refusal says what each field must be", () => {
    expect(refusalOf(parseCharge("{}", {})).problems).toStrictEqual([
      { field: "v", must: "be 1" },
      { field: "chargeId", must: "be 1 to 64 characters of A-Z a-z 0-9 . _ : -" },
      { field: "gateway", must: "be one of centrobill, centrapay" },
      {
        field: "amount",
        must: "be a string of digits, the amount in minor units, above 0 and below 100000000",
      },
      { field: "currency", must: "be an ISO 4217 code of three capital letters" },
      { field: "request", must: "be an object" },
    ]);
    const rest = {
      oops: 1,
      notAfter: 1,
      instrument: { network: 1 },
      metadata: { ...metadataOf(20), chargeId: 1, ["k".repeat(101)]: "" },
    };
    expect(refusalOf(parse(rest)).problems).toStrictEqual([
      { field: "oops", must: "not be there: no such field" },
      { field: "notAfter", must: "be a UTC time like 2026-11-22T18:00:00Z" },
      { field: "instrument.ref", must: "be a string of 1 to 200 characters" },
      { field: "instrument.network", must: "be a string of 1 to 40 letters or digits" },
      { field: "metadata", must: "have at most 20 entries" },
    ]);
    expect(refusalOf(parse({ metadata: { chargeId: 1, ["k".repeat(101)]: "" } })).problems).toStrictEqual([
      { field: "metadata.chargeId", must: "be a string of at most 500 characters" },
      { field: "metadata.chargeId", must: "not be set: the worker puts its own reference there" },
      { field: `metadata.${"k".repeat(60)}`, must: "have a name of at most 100 characters" },
    ]);
    expect(refusalOf(parse({ metadata: 1, instrument: 1 })).problems).toStrictEqual([
      { field: "instrument", must: "be an object with a ref" },
      { field: "metadata", must: "be an object of strings" },
    ]);
  });
});

describe("a name that is there twice", () => {
  const text = JSON.stringify(chargeMessage("order-1"));
  const twice = (member: string, within = ""): string =>
    within === ""
      ? text.replace("{", `{${member},`)
      : text.replace(`"${within}":{`, `"${within}":{${member},`);

  test.each<[body: string, field: string, reason: string]>([
    [twice('"amount":"5"'), "amount", "which amount is meant, nobody can say"],
    [twice('"amount":"1999"'), "amount", "though they may be the same"],
    [twice('"chargeId":"order-2"'), "chargeId", "which charge"],
    [twice('"\\u0063urrency":"JPY"'), "currency", "in another writing"],
    [twice('"siteId":"other"', "sku"), "siteId", "in the gateway's part"],
    [twice('"request":{}'), "request", "the whole part"],
    [twice('"instrument":{"ref":"a","ref":"b"}'), "ref", "whose budget is counted"],
  ])("%s → %s (%s)", (body, field) => {
    expect(refusalOf(parseCharge(body, centrobillOnly))).toStrictEqual({
      code: "invalid_message",
      problems: [{ field, must: "be there once" }],
      chargeId: "order-1",
    });
  });

  test("is told with what else is wrong, and cut where it is long", () => {
    const long = "k".repeat(200);
    const body = JSON.stringify(chargeMessage("order-1", { amount: "0", [long]: 1 }));
    expect(refusalOf(parseCharge(body.replace("{", `{"${long}":1,`), centrobillOnly)).problems).toMatchObject(
      [
        { field: long.slice(0, 120), must: "not be there: no such field" },
        { field: long.slice(0, 120), must: "be there once" },
        { field: "amount" },
      ],
    );
  });

  test("is no charge's fingerprint less: what an earlier version took is known by its last value", () => {
    expect(canonicalOfRefused(twice('"amount":"5"'))).toBe(canonicalJson(chargeMessage("order-1")));
  });
});

describe("what is not a message at all", () => {
  test.each<[body: string, must: string, reason: string]>([
    ["", "be JSON", "nothing"],
    ["{", "be JSON", "cut short"],
    ["{}{}", "be JSON", "two of them"],
    ["chargeId=order-1", "be JSON", "another format"],
    ["{'v':1}", "be JSON", "wrong quotes"],
    ["NaN", "be JSON", "JavaScript, not JSON"],
    ["undefined", "be JSON", "JavaScript, not JSON"],
    ["\ufeff{}", "be JSON", "a byte order mark"],
    ["[[[[", "be JSON", "open lists"],
    ["[".repeat(60_000), "be JSON", "open lists, many"],
    ["null", "be a JSON object", "null"],
    ["true", "be a JSON object", "a truth"],
    ["1", "be a JSON object", "a number"],
    ['"{}"', "be a JSON object", "a string"],
    ["[]", "be a JSON object", "a list"],
    ["[{}]", "be a JSON object", "a list of messages"],
    [`${"[".repeat(30_000)}${"]".repeat(30_000)}`, "be a JSON object", "deep lists"],
    [" ".repeat(65_536), "be JSON", "as long as a message may be"],
    [" ".repeat(65_537), "have at most 65536 characters", "longer than a message may be"],
  ])("%#: must %s (%s)", (body, must) => {
    const refusal = refusalOf(parseCharge(body, anyRequest));
    expect(refusal.problems).toStrictEqual([{ field: "message", must }]);
    expect(refusal.code).toBe(body.length > 65_536 ? "message_too_large" : "invalid_message");
    expect(refusal).not.toHaveProperty("chargeId");
  });

  const nested = (depth: number): Json => (depth === 0 ? "x" : { a: nested(depth - 1) });
  test.each([
    [11, true, "as deep as a message may be"],
    [12, false, "deeper than any field needs"],
    [60, false, "deeper than card data is looked for by recursion"],
    [2_000, false, "deeper than a stack is safe for"],
  ])("a request of %i levels: accepted %s (%s)", (depth, ok) => {
    const parsed = parse({ request: nested(depth) as JsonObject }, anyRequest);
    expect(parsed.ok).toBe(ok);
    if (!parsed.ok)
      expect(parsed.refusal).toStrictEqual({
        code: "invalid_message",
        problems: [{ field: "message", must: "be nested at most 12 deep" }],
        chargeId: "order-1",
      });
  });
});

describe("card data (S12)", () => {
  const request = chargeMessage("order-1")["request"] as JsonObject;
  const card = "4111111111111111";

  test.each<[JsonObject, field: string, reason: string]>([
    [{ request: { ...request, card } }, "request.card", "where nobody looks for it"],
    [{ request: { ...request, consumer: { zip: card } } }, "request.consumer.zip", "in a wrong field"],
    [{ request: { ...request, consumer: { zip: "4111 1111 1111 1111" } } }, "request.consumer.zip", "spaced"],
    [{ request: { items: [{ sku: `no. ${card}` }] } }, "request.items[0].sku", "within a text"],
    [{ request: { number: 4_111_111_111_111_111 } }, "request.number", "as a number"],
    [{ request: { [card]: "x" } }, "request key", "as a name"],
    [{ metadata: { note: card } }, "metadata.note", "in the metadata"],
    [{ metadata: { [`card ${card}`]: "x" } }, "metadata key", "as a name in the metadata"],
    [{ instrument: { ref: card } }, "instrument.ref", "as the reference that is never a number"],
    [{ amount: card }, "amount", "in a field of ours"],
    [{ unknown: { deep: [[card]] } }, "unknown.deep[0][0]", "in a field that is not there"],
    [{ [card]: 1 }, "message key", "as a field"],
  ])("%j → card_number in %s (%s)", (changes, field) => {
    const refusal = refusalOf(parse(changes));
    expect(refusal).toStrictEqual({
      code: "card_number",
      problems: [{ field, must: "not hold a card number" }],
      chargeId: "order-1",
    });
  });

  test("a charge id that is a card number is refused, and is not repeated", () => {
    const refusal = refusalOf(parse({ chargeId: card }));
    expect(refusal).toStrictEqual({
      code: "card_number",
      problems: [{ field: "chargeId", must: "not hold a card number" }],
    });
    expect(parseChargeId(card)).toBeUndefined();
    expect(parseChargeId(`inv-${card}`)).toBeUndefined();
  });

  test.each([
    "cvv",
    "CVV",
    "cvv2",
    "cvc",
    "CVC2",
    "securityCode",
    "security_code",
    "SecurityCode",
    "cardCode",
    "card_code",
  ])("a member named %s is refused wherever it is", (name) => {
    const places: readonly [JsonObject, string][] = [
      [{ [name]: "123" }, name],
      [{ request: { ...request, [name]: 123 } }, `request.${name}`],
      [{ metadata: { [name]: "" } }, `metadata.${name}`],
      [{ request: { list: [{ [name]: null }] } }, `request.list.0.${name}`],
    ];
    for (const [changes, field] of places)
      expect(refusalOf(parse(changes))).toStrictEqual({
        code: "security_code",
        problems: [{ field, must: "not be there: a card's security code" }],
        chargeId: "order-1",
      });
  });

  test.each<[JsonObject, reason: string]>([
    [{ cvvResult: "M" }, "the bank's answer to it is not it"],
    [{ discountCode: "123" }, "another code"],
    [{ note: "cvv" }, "the word as a text"],
    [{ phone: "+378282246310005" }, "a phone number, behind its +"],
    [{ trace: "4111111111111112" }, "a wrong check digit"],
    [{ order: "d1cd6c2e-41c2-41a1-8111-411111111111" }, "an identifier"],
  ])("metadata %j are not card data (%s)", (metadata) => {
    expect(wrongIn(parse({ metadata }))).toBe("");
  });

  test("a number is found before a code, and both before anything else is told", () => {
    expect(refusalOf(parse({ v: 2, cvv: "1", metadata: { a: card } })).code).toBe("card_number");
    expect(refusalOf(parse({ v: 2, cvv: "1" })).code).toBe("security_code");
  });

  test("a refusal never holds the number, however it was written", () => {
    const separator = fc.constantFrom("", " ", "-");
    fc.assert(
      fc.property(
        fc.constantFrom(card, "5555555555554444", "378282246310005"),
        separator,
        fc.constantFrom("amount", "chargeId", "currency", "notAfter", "gateway", "oops"),
        fc.boolean(),
        (number, between, field, asKey) => {
          const written = (number.match(/.{1,4}/g) ?? []).join(between);
          const refusal = refusalOf(
            parse(asKey ? { [written]: "x", [field]: "x" } : { [field]: { a: [written] } }),
          );
          expect(refusal.code).toBe("card_number");
          expect(JSON.stringify(refusal).replace(/\D/g, "")).not.toContain(number);
        },
      ),
    );
  });
});

describe("gateways", () => {
  test("a known gateway that this worker does not have is refused as such", () => {
    expect(parse({ gateway: "centrapay" })).toStrictEqual({
      ok: false,
      refusal: {
        code: "gateway_not_available",
        problems: [{ field: "gateway", must: "be a gateway that this worker has" }],
        chargeId: "order-1",
      },
    });
  });

  test("what is wrong with the message comes first", () => {
    expect(refusalOf(parse({ gateway: "centrapay", amount: 1 })).code).toBe("invalid_message");
  });

  test("the gateway's own parser reads `request`, and its problems count", () => {
    const seen: JsonObject[] = [];
    const gateways = {
      centrapay: (request: JsonObject) => {
        seen.push(request);
        return [{ field: "request.mode", must: "be there" }];
      },
      centrobill: () => {
        throw new Error("another gateway's message");
      },
    };
    const parsed = parse({ gateway: "centrapay", request: { a: 1 } }, gateways);
    expect(wrongIn(parsed)).toBe("request.mode");
    expect(seen).toStrictEqual([{ a: 1 }]);
  });

  test("unknown fields of a real gateway's part are named", () => {
    const request = chargeMessage("order-1")["request"] as JsonObject;
    expect(wrongIn(parse({ request: { ...request, skuu: {} } }))).toBe("request.skuu");
  });
});

describe("a charge", () => {
  test("is what the message says, in our types", () => {
    const message = chargeMessage("order-1", {
      notAfter: "2026-11-22T18:00:00.250Z",
      instrument: { ref: "card-1", network: "visa" },
      metadata: { b: "2", a: "1" },
      request: { z: 1, a: { y: 2, b: [3] } },
    });
    const parsed = parseCharge(JSON.stringify(message), anyRequest);
    expect(parsed).toStrictEqual({
      ok: true,
      charge: {
        chargeId: "order-1",
        gateway: "centrobill",
        money: { amountMinor: 1999n, currency: "EUR" },
        notAfterMs: Date.UTC(2026, 10, 22, 18, 0, 0, 250),
        instrument: { ref: "card-1", network: "visa" },
        metadata: { a: "1", b: "2" },
        request: { a: { b: [3], y: 2 }, z: 1 },
        message,
        canonical: canonicalJson(message),
      },
    });
    expect(JSON.stringify(parsed.ok && parsed.charge.request)).toBe('{"a":{"b":[3],"y":2},"z":1}');
    expect(JSON.stringify(parsed.ok && parsed.charge.metadata)).toBe('{"a":"1","b":"2"}');
    expect(JSON.stringify(parsed.ok && parsed.charge.message)).toBe(JSON.stringify(message));
  });

  test("has no member for what the message does not say", () => {
    const parsed = parse({});
    expect(parsed.ok && Object.keys(parsed.charge).sort()).toStrictEqual([
      "canonical",
      "chargeId",
      "gateway",
      "message",
      "metadata",
      "money",
      "request",
    ]);
    expect(parsed.ok && parsed.charge.metadata).toStrictEqual({});
    const named = parse({ instrument: { ref: "card-1" } });
    expect(named.ok && named.charge.instrument).toStrictEqual({ ref: "card-1" });
  });

  const anyId = fc
    .stringMatching(/^[A-Za-z0-9._:-]{1,64}$/)
    .filter((text) => parseChargeId(text) !== undefined);
  const word = fc.stringMatching(/^[a-z]{1,12}$/).filter((name) => !/^(cvv|cvc)$/.test(name));
  const anyMessage = fc.record(
    {
      v: fc.constant(1),
      chargeId: anyId,
      gateway: fc.constantFrom("centrobill", "centrapay"),
      amount: fc.integer({ min: 1, max: 99_999_999 }).map(String),
      currency: fc.constantFrom(...currencies.keys()),
      request: fc.dictionary(word, fc.oneof(word, fc.boolean(), fc.array(word, { maxLength: 3 })), {
        maxKeys: 5,
      }),
      notAfter: fc
        .date({ min: new Date("2000-01-01"), max: new Date("2100-01-01"), noInvalidDate: true })
        .map((date) => date.toISOString()),
      instrument: fc.record({ ref: word, network: word }, { requiredKeys: ["ref"] }),
      metadata: fc.dictionary(word, word, { maxKeys: 20 }),
    },
    { requiredKeys: ["v", "chargeId", "gateway", "amount", "currency", "request"] },
  );

  test("that was accepted comes back the same from its own message", () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        const first = parseCharge(JSON.stringify(message), anyRequest);
        if (!first.ok) throw new Error(JSON.stringify(first.refusal));
        expect(first.charge.message).toEqual({ ...message });
        expect(parseCharge(JSON.stringify(first.charge.message), anyRequest)).toEqual(first);
        expect(String(first.charge.money.amountMinor)).toBe(message.amount);
        expect(first.charge.money.currency).toBe(message.currency);
        if (message.notAfter !== undefined)
          expect(new Date(first.charge.notAfterMs ?? 0).toISOString()).toBe(message.notAfter);
      }),
    );
  });

  test("is the same, byte for byte, however the message ordered its keys", () => {
    const backwards = (value: unknown): unknown =>
      typeof value !== "object" || value === null || Array.isArray(value)
        ? value
        : Object.fromEntries(
            Object.entries(value)
              .reverse()
              .map(([key, item]) => [key, backwards(item)]),
          );
    fc.assert(
      fc.property(anyMessage, (message) => {
        const one = parseCharge(JSON.stringify(message), anyRequest);
        const other = parseCharge(JSON.stringify(backwards(message)), anyRequest);
        if (!one.ok || !other.ok) throw new Error("refused");
        expect(JSON.stringify(other.charge.request)).toBe(JSON.stringify(one.charge.request));
        expect(JSON.stringify(other.charge.metadata)).toBe(JSON.stringify(one.charge.metadata));
      }),
    );
  });
});

describe("never throws", () => {
  const refuses = (body: string): void => {
    const refusal = refusalOf(parseCharge(body, anyRequest));
    expect(refusal.problems.length).toBeGreaterThan(0);
    expect(refusal.problems.length).toBeLessThanOrEqual(20);
    for (const { field } of refusal.problems) expect(field.length).toBeLessThanOrEqual(220);
  };

  test("whatever the text is", () => {
    const anyUnits = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 200 });
    fc.assert(fc.property(anyUnits, (units) => refuses(String.fromCharCode(...units))));
    fc.assert(fc.property(fc.stringMatching(/^[[{}\]",:0-9a-z\\]{0,60}$/), refuses));
  });

  test("whatever JSON it is", () => {
    fc.assert(fc.property(fc.json({ maxDepth: 20 }), refuses));
  });

  test("whatever stands in a field, and what came is never repeated", () => {
    const field = fc.constantFrom(...Object.keys(chargeMessage("x")), "notAfter", "instrument", "metadata");
    const secret = "tok_9f8e7d6c5b";
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }).map((json) => json as Json),
      fc.constantFrom<Json>(secret, [secret], `${secret}\u0000`, 1e308, -0),
    );
    fc.assert(
      fc.property(field, value, (name, json) => {
        const parsed = parse({ [name]: json }, centrobillOnly);
        if (!parsed.ok) expect(JSON.stringify(parsed.refusal)).not.toContain(`"${secret}`);
      }),
    );
  });

  test("a cut or damaged message is not a charge of something else", () => {
    const text = JSON.stringify(chargeMessage("order-1"));
    fc.assert(
      fc.property(fc.nat(text.length - 1), (length) => {
        expect(parseCharge(text.slice(0, length), centrobillOnly).ok).toBe(false);
      }),
    );
  });
});
