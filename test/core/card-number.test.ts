import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findCardNumber, holdsCardNumber, maskCardNumbers } from "../../lib/core/card-number.ts";

/** As long as a message may be; less under mutation testing, where each step is counted and costs a hundred times as much. */
const hostileLength = Number(process.env["HOSTILE_LENGTH"] ?? 1 << 18);

/** The digits with the check digit that makes them pass Luhn. */
const withCheckDigit = (digits: string): string => {
  const sum = [...digits]
    .reverse()
    .map((digit, index) => (index % 2 === 0 ? Number(digit) * 2 : Number(digit)))
    .reduce((total, digit) => total + (digit > 9 ? digit - 9 : digit), 0);
  return `${digits}${(10 - (sum % 10)) % 10}`;
};

const numberOf = (prefix: string, length: number): string =>
  withCheckDigit(prefix.padEnd(length - 1, "0123456789"));

describe("holdsCardNumber", () => {
  test.each<[string, boolean, string]>([
    ["4111111111111111", true, "Visa 16"],
    ["4222222222222", true, "Visa 13"],
    [numberOf("4", 19), true, "Visa 19"],
    [numberOf("4", 14), false, "Visa has no 14"],
    [numberOf("4", 18), false, "Visa has no 18"],
    ["5555555555554444", true, "Mastercard 51–55"],
    [numberOf("50", 16), true, "Maestro"],
    [numberOf("2221", 16), true, "Mastercard 2221"],
    [numberOf("2720", 16), true, "Mastercard 2720"],
    [numberOf("2220", 16), false, "below Mastercard"],
    [numberOf("2721", 16), false, "above Mastercard"],
    ["378282246310005", true, "Amex"],
    ["341111111111111", true, "Amex"],
    [numberOf("37", 16), false, "Amex has 15"],
    ["6011111111111117", true, "Discover"],
    [numberOf("644", 16), true, "Discover"],
    [numberOf("65", 19), true, "Discover 19"],
    [numberOf("643", 16), false, "below Discover"],
    ["3530111333300000", true, "JCB"],
    [numberOf("3528", 16), true, "JCB"],
    [numberOf("3527", 16), false, "below JCB"],
    ["30569309025904", true, "Diners 14"],
    ["38520000023237", true, "Diners 14"],
    [numberOf("36", 19), true, "Diners 19"],
    [numberOf("62", 16), true, "UnionPay"],
    [numberOf("62", 19), true, "UnionPay 19"],
    [numberOf("8171", 16), true, "UnionPay 81"],
    ["6759649826438453", true, "Maestro"],
    [numberOf("5893", 13), true, "Maestro 13"],
    [numberOf("5018", 12), false, "twelve digits are no card number here"],
    ["4111111111111112", false, "wrong check digit"],
    [numberOf("9", 16), false, "no brand"],
    [numberOf("1", 16), false, "no brand"],
    ["4111 1111 1111 1111", true, "spaces"],
    ["4111-1111-1111-1111", true, "dashes"],
    ["4111 1111-1111 1111", true, "both"],
    ["3782 822463 10005", true, "as printed on an Amex"],
    ["4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", true, "a space each"],
    ["4111\u00a01111\u20111111\u202f1111", true, "no-break space and hyphen"],
    ["4111  1111 1111 1111", true, "two spaces"],
    ["4111--1111 - 1111   1111", true, "up to three in any mixture"],
    ["4111    1111 1111 1111", false, "four spaces are two texts"],
    ["4111 . 1111 . 1111 . 1111", false, "other signs among the spaces"],
    ["4111\u200b1111\u20601111\u00ad1111", true, "what is not seen"],
    ["４１１１１１１１１１１１１１１１", true, "full-width digits"],
    ["４１１１－１１１１\u3000１１１１ 1111", true, "full-width digits and signs, mixed"],
    ["４１１１.１１１１.１１１１.１１１１", true, "full-width digits with dots"],
    ["４１１１１１１１１１１１１１１２", false, "full-width digits, wrong check digit"],
    ["٤٠٠٠٠٠٠٠٠٠٠٠٠٠٠٢", true, "Arabic digits"],
    ["۴۱۱۱۱۱۱۱۱۱۱۱۱۱۱۱", true, "Persian digits"],
    ["５41111111111111111", false, "part of a longer row of digits"],
    ["４111111111111111：", true, "before a sign that shares their block"],
    ["4111.1111.1111.1111", true, "dots, in the groups of a card"],
    ["4111/1111/1111/1111", true, "slashes, in the groups of a card"],
    ["3782.822463.10005", true, "dots, as printed on an Amex"],
    ["3056/930902/5904", true, "slashes, as printed on a Diners card"],
    [`${numberOf("62", 19)}`.replace(/(.{4})/g, "$1."), true, "dots, nineteen digits"],
    ["a 4111.1111.1111.1111, b", true, "dots, in a sentence"],
    ["a 3782/822463/10005 b", true, "slashes, in a sentence"],
    ["1234.4111.1111.1111.1111", true, "dots, behind another group"],
    ["4111.1111.1111.1112", false, "dots, wrong check digit"],
    ["4111.1111/1111.1111", false, "dots and slashes in turn are no card's"],
    ["41.11.11.11.11.11.11.11", false, "dots in other groups"],
    ["411.111.111.111.111.1", false, "thousands of an amount"],
    ["4.111111111111111", false, "a decimal"],
    ["41111111.11111111", false, "a decimal"],
    ["192.168.100.200", false, "an address"],
    ["2026/11/24 10.11.12", false, "a date and a time"],
    ["v1/4111/1111/1111", false, "twelve digits of a path"],
    ["54111.1111.1111.1111", false, "part of a longer row of digits"],
    ["4111.1111.1111.11115", false, "part of a longer row of digits"],
    ["pay with 4111111111111111 please", true, "in a sentence"],
    ["pan=4111111111111111;cvv", true, "between signs"],
    ["tok4111111111111111x", true, "between letters"],
    ['"4111111111111111"', true, "between quotes"],
    ["-4111111111111111", true, "behind a dash"],
    ["12/27 4111 1111 1111 1111 123", true, "between other groups"],
    ["5105105105105101 4111111111111111", true, "behind another long number"],
    ["41111111111111110", false, "part of a longer row of digits"],
    ["14111111111111111", false, "part of a longer row of digits"],
    ["1234 41111111111111119", false, "part of a longer row of digits"],
    ["+4111111111111111", false, "behind a plus"],
    ["+49 30569309025904", true, "too many digits for a phone number"],
    ["+4 222222222222", false, "a phone number"],
    ["+1 4222222222222", false, "a phone number, though a card number follows its first group"],
    ["+49 4222222222222", false, "as many digits as a phone number has at the most"],
    ["x@+1 4111111111111111", true, "too many digits for a phone number"],
    ["+4111111111111111, 4111111111111111", true, "the second is"],
    ["2026-11-22T10:11:12.123Z", false, "a time"],
    ["1795343472123", false, "milliseconds since 1970"],
    ["550e8400-e29b-41d4-a716-446655440000", false, "a UUID"],
    ["0123456b-a4111-1111-1111-1111-1111", true, "not a UUID"],
    ["aaaaaaaa-4222-2222-2222-2aaaaaaaaaaa", false, "a card number within a UUID"],
    ["order-aaaaaaaa-4222-2222-2222-2aaaaaaaaaaa", false, "a UUID behind a prefix"],
    ["mc_4222222222222aaaaaaaaaaa", false, "a card number within an object id"],
    [`${"a".repeat(48)}4111111111111111`, false, "a card number within a SHA-256"],
    [`${"a".repeat(24)}4111111111111111`, false, "a card number within a SHA-1"],
    [`${"a".repeat(16)}4111111111111111`, false, "a card number within an MD5"],
    ["(mc_4222222222222aaaaaaaaaaa)", false, "within an object id, between signs"],
    ["41111111-1111-1111-1111-000000000000", true, "digits alone are no UUID"],
    [`${"g".repeat(48)}4111111111111111`, true, "not hex"],
    ["abc4111111111111111def", true, "no digest has 22 characters"],
    ["", false, "empty"],
  ])("%j: %s (%s)", (text, expected) => {
    expect(holdsCardNumber(text)).toBe(expected);
  });

  const all = [13, 14, 15, 16, 17, 18, 19];
  const from16 = [16, 17, 18, 19];
  test.each<[first: string, last: string, lengths: number[]]>([
    ["4", "4", [13, 16, 19]],
    ["51", "55", [16]],
    ["2221", "2720", [16]],
    ["34", "34", [15]],
    ["37", "37", [15]],
    ["6011", "6011", from16],
    ["644", "659", from16],
    ["3528", "3589", from16],
    ["300", "305", [14, ...from16]],
    ["3095", "3095", [14, ...from16]],
    ["36", "36", [14, 15, ...from16]],
    ["38", "39", [14, ...from16]],
    ["62", "62", from16],
    ["8110", "8171", from16],
    ["50", "50", all],
    ["56", "59", all],
    ["63", "63", all],
    ["67", "67", all],
  ])("numbers from %s to %s are cards of %j digits, and of no others", (first, last, lengths) => {
    for (const length of all)
      for (const prefix of [first, last])
        expect(holdsCardNumber(numberOf(prefix, length)), `${prefix}, ${length} digits`).toBe(
          lengths.includes(length),
        );
  });

  test.each([
    "0",
    "1",
    "20",
    "2220",
    "2721",
    "299",
    "306",
    "3094",
    "3096",
    "31",
    "33",
    "35",
    "3527",
    "3590",
    "600",
    "6010",
    "6012",
    "61",
    "643",
    "66",
    "68",
    "69",
    "7",
    "80",
    "8109",
    "8172",
    "82",
    "9",
  ])("no number that begins with %s is a card", (prefix) => {
    for (const length of all) expect(holdsCardNumber(numberOf(prefix, length))).toBe(false);
  });

  test("finds a number however its digits are grouped and whatever is around it", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("4111111111111111", "378282246310005", "5555555555554444", "6011111111111117"),
        fc.array(fc.constantFrom("", " ", "-", "  ", " - "), { minLength: 16, maxLength: 16 }),
        fc.constantFrom("", "x", " ", "card: ", "7 ", "2026-11-22 ", ".", "*"),
        fc.constantFrom("", "x", "  ", "     123", " 123", ".", "*"),
        (number, gaps, before, after) => {
          const written = [...number]
            .map((digit, index) => digit + (gaps[index] ?? ""))
            .join("")
            .replace(/\D+$/, "");
          expect(holdsCardNumber(before + written + after)).toBe(true);
        },
      ),
    );
  });
});

const digitText = fc
  .array(
    fc.oneof(
      fc.stringMatching(/^[0-9]{1,20}$/),
      fc.constantFrom(
        " ",
        "  ",
        "-",
        "*",
        "a",
        "+",
        ". ",
        "４",
        "１１１１",
        "٧",
        " － ",
        ".",
        "/",
        " 4111111111111111",
        "4111.1111.1111.1111",
      ),
    ),
  )
  .map((parts) => parts.join(""));

describe("maskCardNumbers", () => {
  test.each<[string, string, string]>([
    ["4111111111111111", "411111******1111", "first 6 and last 4"],
    ["4111 1111 1111 1111", "4111 11** **** 1111", "spaces kept"],
    ["4111-1111-1111-1111", "4111-11**-****-1111", "dashes kept"],
    ["4111  1111 - 1111 1111", "4111  11** - **** 1111", "as many as there are"],
    ["４１１１１１１１１１１１１１１１", "４１１１１１******１１１１", "full-width digits kept"],
    ["4111.1111.1111.1111", "4111.11**.****.1111", "dots kept"],
    ["3782/822463/10005", "3782/82****/*0005", "slashes kept"],
    ["6212.3456.7890.1234.569", "6212.34**.****.***4.569", "a last group of three"],
    ["6212.3456.7890.1234.569 x", "6212.34**.****.***4.569 x", "the same, in a sentence"],
    [
      "4111.1111.1111.1111.12345",
      "4111.11**.****.1111.12345",
      "what is no group of a card's is not its run's",
    ],
    ["4111.1111.1111.1111x5", "4111.11**.****.1111x5", "nor is what stands behind a letter"],
    [
      "625651124111.1111.1111.1111",
      "625651**4111.1111.1111.1111",
      "the end of a number that is masked begins none",
    ],
    ["a 378282246310005 b", "a 378282*****0005 b", "in a sentence"],
    [numberOf("9", 16), numberOf("9", 16).replace(/^(.{6}).{6}/, "$1******"), "whatever the prefix"],
    [numberOf("5018", 12), numberOf("5018", 12).replace(/^(.{6})../, "$1**"), "twelve digits"],
    [numberOf("1", 19), numberOf("1", 19).replace(/^(.{6}).{9}/, "$1*********"), "nineteen digits"],
    [numberOf("5018", 11), numberOf("5018", 11), "eleven digits are left"],
    [`${numberOf("5018", 11)}, 1`, `${numberOf("5018", 11)}, 1`, "eleven digits, and more elsewhere"],
    [numberOf("1", 20), numberOf("1", 20), "twenty digits are left"],
    ["4111111111111112", "4111111111111112", "wrong check digit"],
    ["+4111111111111111", "+411111******1111", "behind a plus as well"],
    ["4111111111111111 12/27", "411111********11 12/27", "the whole run it belongs to"],
    ["4111111111111111, 5555555555554444", "411111******1111, 555555******4444", "each"],
    ["550e8400-e29b-41d4-a716-446655440000", "550e8400-e29b-41d4-a716-446655440000", "a UUID"],
    [
      "550e8400-e29b-41d4-a716-446655440000 4111111111111111",
      "550e8400-e29b-41d4-a716-446655440000 411111******1111",
      "behind a UUID",
    ],
    ["nothing", "nothing", "nothing to mask"],
  ])("%j becomes %j (%s)", (text, expected) => {
    expect(maskCardNumbers(text)).toBe(expected);
    expect(maskCardNumbers(expected)).toBe(expected);
    expect(holdsCardNumber(expected)).toBe(false);
  });

  test("leaves no card number, changes digits to stars and nothing else, and is done after once", () => {
    fc.assert(
      fc.property(fc.oneof(digitText, fc.string()), (text) => {
        const masked = maskCardNumbers(text);
        expect(holdsCardNumber(masked)).toBe(false);
        expect(maskCardNumbers(masked)).toBe(masked);
        expect(masked).toHaveLength(text.length);
        for (const [index, char] of [...masked].entries()) {
          const before = [...text][index];
          if (char !== before) {
            expect(char).toBe("*");
            expect(before).toMatch(/\p{Nd}/u);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  test("everything that holds a card number is changed", () => {
    fc.assert(
      fc.property(digitText, (text) => {
        fc.pre(holdsCardNumber(text));
        expect(maskCardNumbers(text)).not.toBe(text);
      }),
    );
  });
});

describe("findCardNumber", () => {
  const card = "4111 1111 1111 1111";

  test.each<[unknown, string | undefined, string]>([
    [{ request: { consumer: { zip: card } } }, "request.consumer.zip", "a string"],
    [{ metadata: { [card]: "x" } }, "metadata key", "a key"],
    [{ [card]: 1 }, "message key", "a key at the top"],
    [card, "message", "the whole value"],
    [{ lineItems: [{ sku: "a" }, { sku: card }] }, "lineItems[1].sku", "in an array"],
    [[card], "[0]", "an array at the top"],
    [{ a: 4111111111111111 }, "a", "a number"],
    [{ a: -4111111111111111 }, "a", "a negative number"],
    [{ a: JSON.parse(numberOf("62", 19)) }, "a", "a number whose last digits were lost in parsing"],
    [{ a: JSON.parse(`-${numberOf("62", 19)}`) }, "a", "the same, negative"],
    [{ a: 1795343472123 }, undefined, "another number"],
    [{ a: 0.4111111111111111 }, undefined, "a fraction"],
    [{ a: 411111111.111111 }, undefined, "a fraction that is as long as a card number"],
    [
      { a: 1e300, b: 5e30, c: 5.0000000001e30, d: 1e16, e: Number.MAX_SAFE_INTEGER },
      undefined,
      "large numbers",
    ],
    [
      { [numberOf("9", 16)]: card },
      numberOf("9", 16).replace(/^(.{6}).{6}/, "$1******"),
      "a path that shows one",
    ],
    [{ "a\u001b[2J": card }, "a?[2J", "a path with control characters"],
    [{ a: card, b: card }, "a", "the first"],
    [{ a: { b: { c: card } }, d: card }, "a.b.c", "the first, in reading order"],
    [{ a: null, b: true, c: [], d: {}, e: "ok", f: undefined }, undefined, "none"],
    [undefined, undefined, "nothing"],
    [JSON.parse(`{"__proto__": "${card}"}`), "__proto__", "a key that objects treat specially"],
  ])("%j: %s (%s)", (value, expected) => {
    expect(findCardNumber(value)?.path).toBe(expected);
  });

  test.each([
    [20, "a".repeat(20).split("").join(".")],
    [21, `${"a".repeat(20).split("").join(".")}…`],
  ])("of %i steps the first twenty are shown", (steps, path) => {
    let deep: unknown = card;
    for (let step = 0; step < steps; step += 1) deep = { a: deep };
    expect(findCardNumber(deep)?.path).toBe(path);
  });

  test("keeps a long path short", () => {
    expect(findCardNumber({ ["k".repeat(200)]: card })?.path).toBe("k".repeat(200));
    expect(findCardNumber({ ["k".repeat(201)]: card })?.path).toBe(`${"k".repeat(199)}…`);
    const path = findCardNumber({ ["k".repeat(10_000)]: card })?.path;
    expect(path).toHaveLength(200);
  });

  test("a cut does not show a number", () => {
    for (let before = 170; before < 200; before += 1) {
      const path = findCardNumber({ [`${"k".repeat(before)}${numberOf("9", 16)}`]: card })?.path ?? "";
      expect(path).not.toMatch(/[0-9]{11}/);
    }
  });

  test("does not care how deep a value is", () => {
    let deep: unknown = card;
    for (let level = 0; level < hostileLength; level += 1) deep = level % 2 === 0 ? [deep] : { a: deep };
    expect(findCardNumber(deep)?.path).toMatch(/^a\[0\]\.a.*…$/);
    expect(findCardNumber(JSON.parse(`${"[".repeat(100_000)}${"]".repeat(100_000)}`))).toBeUndefined();
  });

  test("finds a number wherever it is, and never shows one", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), fc.string(), (json, key) => {
        const value = { [key]: [JSON.parse(json), { [key]: card }] };
        const path = findCardNumber(value)?.path;
        expect(path).toBeDefined();
        expect(holdsCardNumber(path ?? "")).toBe(false);
      }),
    );
  });
});

describe("hostile text, however long", () => {
  const size = hostileLength;
  test.each<[string, string]>([
    ["digits", "4".repeat(size)],
    ["digits that are all zero", "0".repeat(size)],
    ["digits and spaces", "4 ".repeat(size / 2)],
    ["digits and dashes", "6-".repeat(size / 2)],
    ["separators", "- ".repeat(size / 2)],
    ["stars", "1*".repeat(size / 2)],
    ["hex", "a1".repeat(size / 2)],
    ["pieces of a UUID", "aaaaaaaa-4444-4444-".repeat(size / 19)],
    ["groups and dots", "4111.".repeat(size / 5)],
    ["groups and slashes that end in another one", `${"4111/".repeat(size / 5 - 1)}41111`],
    ["numbers with a wrong check digit", "4111 1111 1111 1112 ".repeat(size / 20)],
    ["plus signs", "+4".repeat(size / 2)],
  ])("%s", (_, text) => {
    // Quadratic time would take minutes, and so more than a test may.
    expect(holdsCardNumber(text)).toBeTypeOf("boolean");
    expect(maskCardNumbers(text)).toHaveLength(text.length);
  });
});
