import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findCardData, findCardDataInText } from "../../lib/core/card-data.ts";
import { holdsCardNumber } from "../../lib/core/card-number.ts";
import type { Json } from "../../lib/core/json.ts";
import { findSecurityCode, maskedExcerpt, maskedText } from "../../lib/core/masked-message.ts";

const card = "4111111111111111";
const masked = "411111******1111";
const names = [
  "cvv",
  "cvv2",
  "cvc",
  "cvc2",
  "securityCode",
  "security_code",
  "cardCode",
  "card_code",
  "CVV",
  "Cvc2",
] as const;

/** Any UTF-16 units, halves of pairs among them. */
const anyText = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 60 })
  .map((units) => String.fromCharCode(...units));

describe("findSecurityCode", () => {
  test.each<[Json, path: string | undefined, reason: string]>([
    [{ cvv: "123" }, "cvv", "at the top"],
    [{ a: { b: { cvc: 1 } } }, "a.b.cvc", "within"],
    [{ list: [{}, { cvv2: null }] }, "list.1.cvv2", "in a list"],
    [[{ cardCode: {} }], "0.cardCode", "a list at the top"],
    [{ a: 1, security_code: [], cvv: 2 }, "security_code", "the first of two"],
    [{ cvv: { cvc: 1 } }, "cvv", "the outer of two"],
    [{ [`${"x".repeat(200)}`]: { cvv: 1 } }, "x".repeat(120), "a long path is cut"],
    [{ cvvResult: "M", mycvv: 1, cvv3: 1, "cvv ": 1, code: 1 }, undefined, "other names"],
    [["cvv"], undefined, "a word is no name"],
    [{ note: "cvv" }, undefined, "nor is it as a text"],
    ["cvv", undefined, "a text"],
    [null, undefined, "nothing"],
    [123, undefined, "a number"],
  ])("%j → %j (%s)", (value, path) => {
    expect(findSecurityCode(value)).toBe(path);
  });

  test.each(names)("%s is such a name", (name) => {
    expect(findSecurityCode({ [name]: "" })).toBe(name);
  });
});

describe("findCardData", () => {
  test.each<[Json, code: string | undefined, field: string, reason: string]>([
    [{ a: card }, "card_number", "a", "a number"],
    [{ cvv: 1 }, "security_code", "cvv", "a code"],
    [{ cvv: 1, a: card }, "card_number", "a", "the number first"],
    [card, "card_number", "message", "a text alone"],
    [{ a: "b" }, undefined, "", "neither"],
  ])("%j → %s at %j (%s)", (message, code, field) => {
    expect(findCardData(message)?.code).toBe(code);
    expect(findCardData(message)?.field ?? "").toBe(field);
  });

  test.each<[string, code: string | undefined, reason: string]>([
    [`{"a":"${card}"}`, "card_number", "in JSON"],
    ['{"a":"\\u0034111111111111111"}', "card_number", "however JSON wrote it"],
    ['{"cvv":1}', "security_code", "a code in JSON"],
    [`card ${card}, please`, "card_number", "in a text"],
    [`{"a":"${card}"`, "card_number", "in JSON that was cut"],
    [`{"a":"${card}","a":"b"}`, "card_number", "in a member that JSON drops for another of its name"],
    [`{"a":"4111111111111112","a":"b"}`, undefined, "another number in one"],
    ['{"a":1,"a":{"cvv":1}}', "security_code", "a code in the one that stays"],
    ['{"a":4,"b":"111111111111111"}', undefined, "two members make no number"],
    [`{"a":${card}.5}`, undefined, "a fraction is none, where all of it is JSON"],
    ["nothing of that kind", undefined, "in no way"],
    ["", undefined, "nothing"],
  ])("text %j → %s (%s)", (text, code) => {
    expect(findCardDataInText(text)?.code).toBe(code);
    if (text.startsWith("card ")) expect(findCardDataInText(text)?.field).toBe("message");
  });

  test("what is nested too deep to walk is still searched for numbers", () => {
    const deep = (depth: number, inner: Json): Json => (depth === 0 ? inner : [deep(depth - 1, inner)]);
    expect(findCardData(deep(60, card))?.code).toBe("card_number");
    expect(findCardData(deep(60, { cvv: 1 }))).toBeUndefined();
  });
});

describe("maskedText: a refused message, for whoever corrects it (S12)", () => {
  test.each<[body: string, shown: string, reason: string]>([
    ['{"a":1,"b":[true,null]}', '{"a":1,"b":[true,null]}', "nothing to hide"],
    [`{"a":"${card}"}`, `{"a":"${masked}"}`, "a card number"],
    [`{"a":${card}}`, `{"a":${masked}}`, "as a number"],
    [`{"${card}":1}`, `{"${masked}":1}`, "as a name"],
    ['{"a":"\\u0034111111111111111"}', `{"a":"${masked}"}`, "however JSON wrote it"],
    ['{"a":"4111 1111-1111 1111"}', '{"a":"4111 11**-**** 1111"}', "spaced"],
    ['{"cvv":"123"}', '{"cvv":"***"}', "a code"],
    ['{"cvv":123,"x":{"CVC2":{"deep":1}}}', '{"cvv":"***","x":{"CVC2":"***"}}', "whatever it is"],
    ['{"c\\u0076v":"abc"}', '{"cvv":"***"}', "however JSON wrote its name"],
    ['{ "a" : 1 }', '{"a":1}', "JSON is written in one way"],
    [`{"a":"${card}"`, `{"a":"${masked}"`, "JSON that was cut: as a text"],
    ['{"securityCode": "12', '{"securityCode": ***', "a code that was cut"],
    [`card=${card}&cvv=123&x=1`, `card=${masked}&cvv=***&x=1`, "another format"],
    ["CVC2 : 1234;", "CVC2 : ***;", "in other letters"],
    ["[[[[", "[[[[", "no JSON"],
    ["", "", "nothing"],
  ])("%j → %j (%s)", (body, shown) => {
    expect(maskedText(body)).toBe(shown);
  });

  test.each(names)("the member %s is hidden in JSON and in a text", (name) => {
    expect(maskedText(JSON.stringify({ a: { [name]: "987" } }))).not.toContain("987");
    expect(maskedText(`${name}=987`)).toBe(`${name}=***`);
    expect(maskedText(`'${name}': '987'`)).not.toContain("987");
  });

  test("what is nested too deep is a text", () => {
    const body = `${"[".repeat(60)}{"cvv":"123","a":"${card}"}${"]".repeat(60)}`;
    const shown = maskedText(body);
    expect(shown).toContain(masked);
    expect(shown).not.toContain("123");
    expect(shown).toHaveLength(body.length - 2);
  });

  test("what is too long to pass on is cut", () => {
    expect(maskedText("x".repeat(70_000))).toBe("x".repeat(32_768));
    expect(maskedText(`${"x".repeat(100)}${card}${"x".repeat(70_000)}`)).toContain(masked);
    expect(maskedText("x".repeat(32_768))).toHaveLength(32_768);
  });

  test("never throws, and what it shows holds no card number", () => {
    const piece = fc.constantFrom(card, "4111 1111 1111 1111", '"', "{", "}", ":", ",", "cvv", "=", "7", " ");
    const text = fc.oneof(
      anyText,
      fc.json(),
      fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join("")),
      fc
        .tuple(fc.string(), fc.constantFrom(card, 4_111_111_111_111_111))
        .map(([key, value]) => JSON.stringify({ [key]: [value] })),
    );
    fc.assert(
      fc.property(text, (body) => {
        expect(holdsCardNumber(maskedText(body))).toBe(false);
      }),
    );
  });

  test("a code never shows, wherever in JSON it stands", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.array(fc.constantFrom("a", "b", "metadata"), { maxLength: 5 }),
        fc.constantFrom<Json>("9137", 9137, ["9137"], { a: "9137" }),
        (name, path, code) => {
          const message = path.reduce<Json>((inner, key) => ({ [key]: inner }), { [name]: code });
          expect(maskedText(JSON.stringify(message))).not.toContain("9137");
        },
      ),
    );
  });

  // A number that is cut before it is masked has no check digit to be known by; the last one can be computed.
  test("a card number at the cut does not show", () => {
    expect(maskedText("x".repeat(32_768 - 15) + card)).not.toContain("411111111111111");
  });
  // The escaped quotes are not read as quotes.
  test("a code in JSON within a string does not show", () => {
    expect(maskedText(JSON.stringify({ note: JSON.stringify({ cvv: "987" }) }))).not.toContain("987");
  });
});

describe("maskedExcerpt: a gateway's words (S12)", () => {
  test.each<[text: string, secrets: string[], shown: string, reason: string]>([
    ["Do not honour", [], "Do not honour", "nothing to hide"],
    [`card ${card}`, [], `card ${masked}`, "a card number"],
    ["your tok_12 is no tok_12", ["tok_12"], "your *** is no ***", "a secret, every time"],
    ["one two-2 three", ["two-2", "three"], "one *** ***", "each of two"],
    ["abc a.c", ["a.c"], "abc a.c", "too short to be one: it would mask half the text"],
    ["a.cd abcd", ["a.cd"], "*** abcd", "as a text, not as a pattern"],
    ["anything", [""], "anything", "an empty one hides nothing"],
    ['"token":"abc"', [], '"token":"***"', "the gateway's own token"],
    [
      '"paymentAccountId" : "abc"',
      [],
      '"paymentAccountId" : "***"',
      "an account that the message did not name",
    ],
    ['"number":"4571","iban":"DE1"', [], '"number":"***","iban":"***"', "what else names a card or account"],
    ['TOKEN="abc"', [], 'TOKEN="***"', "in other letters"],
    ['"orderId":"or-1"', [], '"orderId":"or-1"', "an id that is no secret"],
    ['"cvv":"123"', [], '"cvv":***', "a code that came back"],
    ["cvc=999", [], "cvc=***", "a code in a text"],
  ])("%j without %j → %j (%s)", (text, secrets, shown) => {
    expect(maskedExcerpt(text, secrets, 240)).toBe(shown);
  });

  test.each([
    [0, ""],
    [5, "xxxxx"],
    [300, "x".repeat(300)],
    [2_000, "x".repeat(1_000)],
  ])("is cut to %i", (max, shown) => {
    expect(maskedExcerpt("x".repeat(1_000), [], max)).toBe(shown);
  });

  test("is cut after it was masked: half a number would not be known", () => {
    expect(maskedExcerpt(`xx${card}`, [], 17)).toBe("xx411111******111");
    expect(maskedExcerpt("xx-a-secret-token", ["a-secret-token"], 10)).toBe("xx-***");
  });

  test("never shows a secret nor a card number, and is never longer than asked for", () => {
    const secret = "tok_9f8e7d6c";
    const piece = fc.oneof(fc.constantFrom(secret, card, '"token":"', '"', ":", " "), fc.string());
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), fc.nat(200), (pieces, max) => {
        const shown = maskedExcerpt(pieces.join(""), [secret], max);
        expect(shown.length).toBeLessThanOrEqual(max);
        expect(shown).not.toContain(secret);
        // A cut may make another number of a longer one, but no card's.
        const whole = maskedExcerpt(pieces.join(""), [secret], 10_000);
        expect(holdsCardNumber(whole)).toBe(false);
        expect(shown).toBe(whole.slice(0, max));
      }),
    );
  });
});

test("of two secrets, of which one begins the other, nothing is left", () => {
  for (const secrets of [
    ["token", "token-tail"],
    ["token-tail", "token"],
  ])
    expect(maskedExcerpt("a token-tail and a token", secrets, 100)).toBe("a *** and a ***");
});

test("a text is read as JSON however long it is, and only then cut: an escaped name hides nothing", () => {
  const escaped = (length: number): string => {
    const [head, tail] = ['{"\\u0063vv" :  "123","x":"', '"}'];
    return `${head}${"x".repeat(length - head.length - tail.length)}${tail}`;
  };
  for (const length of [32_768, 32_769, 262_144])
    expect(maskedText(escaped(length)).slice(0, 20)).toBe('{"cvv":"***","x":"xx');
});
