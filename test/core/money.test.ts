import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { currencies } from "../../lib/core/currency.ts";
import {
  type Currency,
  decimalOfJson,
  digitsOf,
  formatMoney,
  fromDecimal,
  moneyText,
  parseAmountMinor,
  parseCurrency,
  toDecimal,
} from "../../lib/core/money.ts";

const currency = (code: string): Currency => {
  const parsed = parseCurrency(code);
  if (parsed === undefined) throw new Error(`${code} is not a currency`);
  return parsed;
};

const anyCurrency = fc.constantFrom(...currencies.keys()).map(currency);

describe("currencies", () => {
  test.each([
    ["JPY", 0, "ISO 4217"],
    ["KRW", 0, "ISO 4217"],
    ["UYI", 0, "ISO 4217"],
    ["ISK", 0, "ISO 4217"],
    ["EUR", 2, "ISO 4217"],
    ["NZD", 2, "ISO 4217"],
    ["HUF", 2, "CLDR shows 0"],
    ["IDR", 2, "CLDR shows 0"],
    ["MGA", 2, "ISO says 2 although a minor unit is a fifth"],
    ["MRU", 2, "ISO says 2 although a minor unit is a fifth"],
    ["BGN", 2, "ISO 4217"],
    ["XCG", 2, "ISO 4217"],
    ["ZWG", 2, "ISO 4217"],
    ["SLE", 2, "ISO 4217"],
    ["VED", 2, "ISO 4217"],
    ["BOV", 2, "ISO 4217"],
    ["CHE", 2, "ISO 4217"],
    ["CHW", 2, "ISO 4217"],
    ["COU", 2, "ISO 4217"],
    ["MXV", 2, "ISO 4217"],
    ["USN", 2, "ISO 4217"],
    ["KWD", 3, "ISO 4217"],
    ["BHD", 3, "ISO 4217"],
    ["IQD", 3, "ISO 4217"],
    ["TND", 3, "ISO 4217"],
    ["CLF", 4, "ISO 4217"],
    ["UYW", 4, "ISO 4217"],
  ])("%s has %i digits (%s)", (code, digits) => {
    expect(digitsOf(currency(code))).toBe(digits);
  });

  test.each([
    ["XXX", "no currency"],
    ["XTS", "for tests"],
    ["XAU", "a metal"],
    ["XDR", "no minor units defined"],
    ["HRK", "withdrawn"],
    ["SLL", "withdrawn"],
    ["eur", "not upper case"],
    ["EURO", "not three letters"],
    ["EUR ", "a space"],
    ["", "nothing"],
    ["__proto__", "a member of every object"],
    ["constructor", "a member of every object"],
    ["ＥＵＲ", "full-width letters"],
  ])("%j is refused: %s", (code) => {
    expect(parseCurrency(code)).toBeUndefined();
  });

  test("are all three letters, each once", () => {
    expect(currencies.size).toBe(166);
    for (const code of currencies.keys()) expect(code).toMatch(/^[A-Z]{3}$/);
  });
});

describe("parseAmountMinor", () => {
  test.each<[unknown, bigint | undefined, string]>([
    ["1", 1n, "the least"],
    ["1999", 1999n, "an amount"],
    ["99999999", 99_999_999n, "the most"],
    ["100000000", undefined, "10^8"],
    ["0", undefined, "nothing to charge"],
    ["0100", undefined, "leading zero"],
    ["-1", undefined, "sign"],
    ["+1", undefined, "sign"],
    ["1e3", undefined, "exponent"],
    ["0x10", undefined, "not decimal"],
    ["19.99", undefined, "not minor units"],
    ["1 ", undefined, "space"],
    [" 1", undefined, "space"],
    ["1\n", undefined, "line end"],
    ["1_000", undefined, "grouping"],
    ["١٢", undefined, "not ASCII digits"],
    ["", undefined, "empty"],
    [1999, undefined, "a number"],
    [null, undefined, "null"],
    [["1999"], undefined, "an array that turns into the right string"],
    [undefined, undefined, "absent"],
  ])("%j is %s (%s)", (text, expected) => {
    expect(parseAmountMinor(text)).toBe(expected);
  });

  test("reads every amount in range and nothing else", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 9n), max: 10n ** 9n }), (amount) => {
        const inRange = amount > 0n && amount < 10n ** 8n;
        expect(parseAmountMinor(String(amount))).toBe(inRange ? amount : undefined);
      }),
    );
  });
});

describe("toDecimal and formatMoney", () => {
  test.each([
    [1999n, "EUR", "19.99"],
    [5n, "EUR", "0.05"],
    [0n, "EUR", "0.00"],
    [-1999n, "EUR", "-19.99"],
    [-5n, "EUR", "-0.05"],
    [500n, "JPY", "500"],
    [-500n, "JPY", "-500"],
    [5n, "KWD", "0.005"],
    [1500n, "KWD", "1.500"],
    [12345n, "CLF", "1.2345"],
    [10n ** 30n, "EUR", `1${"0".repeat(28)}.00`],
  ])("%s %s is %s", (amountMinor, code, expected) => {
    const money = { amountMinor, currency: currency(code) };
    expect(toDecimal(money)).toBe(expected);
    expect(formatMoney(money)).toBe(`${expected} ${code}`);
  });
});

describe("fromDecimal", () => {
  test.each<[string, string, bigint | undefined, string]>([
    ["19.99", "EUR", 1999n, "as written"],
    ["19.9", "EUR", 1990n, "fewer digits"],
    ["19", "EUR", 1900n, "no fraction"],
    ["19.9900", "EUR", 1999n, "excess digits that are zero"],
    ["19.999", "EUR", undefined, "more precision than the currency has"],
    ["0.29", "EUR", 29n, "0.29 * 100 is 28.999999999999996"],
    ["1.005", "EUR", undefined, "not rounded"],
    ["500", "JPY", 500n, "no minor unit"],
    ["500.00", "JPY", 500n, "excess zeros"],
    ["500.5", "JPY", undefined, "half a yen"],
    ["1.5", "KWD", 1500n, "three digits"],
    ["1.2345", "CLF", 12345n, "four digits"],
    ["-19.99", "EUR", -1999n, "a refund row"],
    ["-0.00", "EUR", 0n, "zero"],
    ["0", "EUR", 0n, "zero"],
    ["1e3", "EUR", undefined, "exponent"],
    ["1E3", "EUR", undefined, "exponent"],
    ["+19.99", "EUR", undefined, "plus sign"],
    ["--1", "EUR", undefined, "two signs"],
    ["-", "EUR", undefined, "a sign alone"],
    ["19.", "EUR", undefined, "no digit behind the point"],
    [".5", "EUR", undefined, "no digit before the point"],
    ["019.99", "EUR", undefined, "leading zero"],
    ["1,999.00", "EUR", undefined, "grouping"],
    ["19,99", "EUR", undefined, "comma"],
    [" 19.99", "EUR", undefined, "space"],
    ["19.99\n", "EUR", undefined, "line end"],
    ["19.99 EUR", "EUR", undefined, "a unit"],
    ["Infinity", "EUR", undefined, "no number"],
    ["NaN", "EUR", undefined, "no number"],
    ["", "EUR", undefined, "empty"],
    [`0.${"0".repeat(62)}`, "EUR", 0n, "64 characters, as long as any amount"],
    [`0.${"0".repeat(63)}`, "EUR", undefined, "longer than any amount"],
    ["9".repeat(65), "EUR", undefined, "longer than any amount"],
  ])("%j %s is %s (%s)", (text, code, expected) => {
    expect(fromDecimal(text, currency(code))).toBe(expected);
  });

  test("reads back what toDecimal writes, for every currency", () => {
    fc.assert(
      fc.property(anyCurrency, fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }), (code, amountMinor) => {
        expect(fromDecimal(toDecimal({ amountMinor, currency: code }), code)).toBe(amountMinor);
      }),
    );
  });

  test("reads every amount a charge may have from the number a gateway writes for it", () => {
    fc.assert(
      fc.property(anyCurrency, fc.integer({ min: 1, max: 99_999_999 }), (code, amount) => {
        const written = toDecimal({ amountMinor: BigInt(amount), currency: code });
        const parsed: unknown = JSON.parse(written);
        expect(fromDecimal(decimalOfJson(parsed) ?? "", code)).toBe(BigInt(amount));
        expect(fromDecimal(decimalOfJson(written) ?? "", code)).toBe(BigInt(amount));
      }),
    );
  });

  test("two texts of one amount are never two amounts", () => {
    fc.assert(
      fc.property(anyCurrency, fc.nat({ max: 99_999_999 }), fc.nat({ max: 9 }), (code, amount, zeros) => {
        const written = toDecimal({ amountMinor: BigInt(amount), currency: code });
        const longer = (written.includes(".") ? written : `${written}.0`) + "0".repeat(zeros);
        expect(fromDecimal(longer, code)).toBe(BigInt(amount));
      }),
    );
  });
});

describe("decimalOfJson", () => {
  test.each<[unknown, string | undefined, string]>([
    [19.99, "19.99", "a number"],
    [19.9, "19.9", "a number"],
    [19, "19", "an integer"],
    [-19.99, "-19.99", "a negative number"],
    [0, "0", "zero"],
    [-0, "0", "negative zero"],
    [0.005, "0.005", "a small number"],
    ["19.99", "19.99", "a string"],
    ["19.9900", "19.9900", "a string keeps its digits"],
    ["1e3", undefined, "exponent"],
    ["abc", undefined, "no number"],
    ["", undefined, "empty"],
    [1e21, undefined, "written with an exponent"],
    [1e-7, undefined, "written with an exponent"],
    [Number.NaN, undefined, "not finite"],
    [Number.POSITIVE_INFINITY, undefined, "not finite"],
    [1234567890123.45, "1234567890123.45", "as many digits as a double keeps"],
    [0.00123456789012345, "0.00123456789012345", "the same; zeros before them are none of them"],
    [1234567890123.456, undefined, "more digits than a double keeps"],
    [0.1 + 0.2, undefined, "more digits than a double keeps"],
    [2 ** 53, undefined, "more digits than a double keeps"],
    [null, undefined, "null"],
    [true, undefined, "a boolean"],
    [[19.99], undefined, "an array"],
    [19n, undefined, "not from JSON"],
    [undefined, undefined, "absent"],
    ["9".repeat(64), "9".repeat(64), "a string as long as any amount"],
    ["9".repeat(65), undefined, "a longer one"],
  ])("%s is %j (%s)", (value, expected) => {
    expect(decimalOfJson(value)).toBe(expected);
  });

  test("writes a number of so many decimals as JavaScript does", () => {
    fc.assert(
      fc.property(
        fc.maxSafeNat(),
        fc.nat(15),
        fc.constantFrom(1, 10, 100, 1_000, -100),
        (whole, digits, by) => {
          const value = (whole % 10 ** digits) / by;
          expect(decimalOfJson(value)).toBe(String(value));
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe("moneyText", () => {
  test.each([
    ["1999", "EUR", "19.99 EUR", "a currency's own digits"],
    ["-5", "KWD", "-0.005 KWD", "given back"],
    ["1999", "XXY", "1999 XXY", "a currency that nobody knows: as it is"],
    ["19.99", "EUR", "19.99 EUR", "no minor units: as it is"],
    ["a1", "EUR", "a1 EUR", "no number: as it is"],
    ["1a", "EUR", "1a EUR", "the same"],
  ])("%s %s is %s (%s)", (amount, currency, text) => {
    expect(moneyText(amount, currency)).toBe(text);
  });
});
