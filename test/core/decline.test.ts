import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  adviceOf,
  categorise,
  type DeclineCategory,
  type DeclineRow,
  type DeclineTable,
  declineCategories,
  type RetryAdvice,
  routeOf,
} from "../../lib/core/decline.ts";

const rowOf = (category: DeclineCategory, networkCode?: string): DeclineRow => ({
  category,
  ...(networkCode === undefined ? {} : { networkCode }),
  source: "test",
  basis: "documented",
});

const table: DeclineTable = {
  codes: {
    "5051": rowOf("insufficient_funds", "51"),
    "5054": rowOf("wrong_details", "54"),
    "5041": rowOf("never_approved", "41"),
    "3100": rowOf("customer_action"),
    SOFT: rowOf("issuer_refused"),
  },
  ranges: [
    { from: 3000, to: 3999, ...rowOf("invalid_request") },
    { from: 3500, to: 4500, ...rowOf("limit_reached") },
    { from: 6000, to: 6000, ...rowOf("network_limit") },
    { from: 0, to: 9, ...rowOf("issuer_unavailable", "09") },
  ],
  codeCategories: {
    soft: rowOf("issuer_refused", "from the category"),
    hard: rowOf("never_approved", "from the category"),
    update: rowOf("wrong_details"),
    act: rowOf("customer_action"),
    none: rowOf("unrecognised"),
  },
};

describe("categorise", () => {
  test.each<[code: string, category: string | undefined, DeclineCategory, network: string, reason: string]>([
    ["5051", undefined, "insufficient_funds", "51", "the code's own row"],
    ["SOFT", undefined, "issuer_refused", "", "a code need not be a number"],
    ["soft", undefined, "unrecognised", "", "a code in other letters is another code"],
    ["05051", undefined, "unrecognised", "", "nor is it read as a number where it has a row"],
    [" 5051", undefined, "unrecognised", "", "a space"],
    ["", undefined, "unrecognised", "", "no code"],
    ["9999", undefined, "unrecognised", "", "no row, no range"],

    ["2999", undefined, "unrecognised", "", "before a range"],
    ["3000", undefined, "invalid_request", "", "a range's first"],
    ["3001", undefined, "invalid_request", "", "within"],
    ["3999", undefined, "invalid_request", "", "a range's last; the first range that has it counts"],
    ["4000", undefined, "limit_reached", "", "behind it another"],
    ["4500", undefined, "limit_reached", "", "whose last is in it, too"],
    ["4501", undefined, "unrecognised", "", "behind a range"],
    ["5999", undefined, "unrecognised", "", "before a range of one"],
    ["6000", undefined, "network_limit", "", "a range of one"],
    ["6001", undefined, "unrecognised", "", "behind a range of one"],
    ["3100", undefined, "customer_action", "", "a code's own row before its range"],
    ["0", undefined, "issuer_unavailable", "09", "a range from nothing; it may have a network code"],
    ["03000", undefined, "invalid_request", "", "a number is a number"],
    ["3000.0", undefined, "unrecognised", "", "but this is none"],
    ["3e3", undefined, "unrecognised", "", "nor this"],
    ["-3000", undefined, "unrecognised", "", "nor this"],
    ["0xBB8", undefined, "unrecognised", "", "nor this"],
    ["3000\n", undefined, "unrecognised", "", "nor this"],
    ["0000003000", undefined, "unrecognised", "", "nor what is longer than any code"],
    ["000003000", undefined, "invalid_request", "", "nine digits are as long as it gets"],

    ["5051", "hard", "never_approved", "51", "the gateway's category is stricter"],
    ["5051", "update", "wrong_details", "51", "stricter: with new details"],
    ["5051", "act", "customer_action", "51", "stricter: the holder acts"],
    ["5051", "none", "unrecognised", "51", "stricter: nobody knows"],
    ["5051", "soft", "insufficient_funds", "51", "as strict: the code's row says more"],
    ["5041", "soft", "never_approved", "41", "the row is stricter"],
    ["5041", "update", "never_approved", "41", "the row is stricter"],
    ["5054", "act", "wrong_details", "54", "new details are stricter than an act of the holder"],
    ["3100", "update", "wrong_details", "", "and the other way round"],
    ["4000", "hard", "never_approved", "", "over a range"],
    ["6000", "soft", "network_limit", "", "under a range"],
    ["5051", "unheard of", "insufficient_funds", "51", "a category without a row says nothing"],

    ["9999", "soft", "unrecognised", "", "a category alone makes nothing retryable"],
    ["9999", "hard", "never_approved", "", "but it may forbid"],
    ["9999", "update", "wrong_details", "", "but it may ask for new details"],
    ["9999", "act", "customer_action", "", "but it may ask the holder"],
    ["9999", "none", "unrecognised", "", "it knows as little"],
    ["9999", "unheard of", "unrecognised", "", "neither has a row"],
    ["9999", "", "unrecognised", "", "an empty category"],

    ["constructor", undefined, "unrecognised", "", "a member of every object is no row"],
    ["__proto__", undefined, "unrecognised", "", "a prototype is no row"],
    ["toString", "hasOwnProperty", "unrecognised", "", "nor is one a category"],
    ["5051", "constructor", "insufficient_funds", "51", "nor beside a row"],
    ["9999", "__proto__", "unrecognised", "", "nor alone"],
  ])("%j with %j → %s %s (%s)", (code, codeCategory, category, networkCode) => {
    expect(categorise(table, code, codeCategory)).toStrictEqual({
      category,
      ...(networkCode === "" ? {} : { networkCode }),
    });
  });

  test("Mastercard's advice rides with its row", () => {
    const one = {
      codes: { "7": { ...rowOf("insufficient_funds"), adviceCode: "27" } },
      ranges: [],
      codeCategories: {},
    };
    expect(categorise(one, "7")).toStrictEqual({ category: "insufficient_funds", adviceCode: "27" });
  });

  test("an empty table knows nothing", () => {
    expect(categorise({ codes: {}, ranges: [], codeCategories: {} }, "5051", "soft")).toStrictEqual({
      category: "unrecognised",
    });
  });

  const strictness: readonly RetryAdvice[] = ["later", "customer_action", "after_update", "never"];
  const strict = (category: DeclineCategory): number => strictness.indexOf(adviceOf[category]);
  const category = fc.constantFrom(...declineCategories);

  test("of two rows the stricter counts, always", () => {
    fc.assert(
      fc.property(category, category, (ofCode, ofCategory) => {
        const both: DeclineTable = {
          codes: { "1": rowOf(ofCode) },
          ranges: [],
          codeCategories: { c: rowOf(ofCategory) },
        };
        const result = categorise(both, "1", "c").category;
        expect(strict(result)).toBe(Math.max(strict(ofCode), strict(ofCategory)));
        expect(result).toBe(strict(ofCategory) > strict(ofCode) ? ofCategory : ofCode);
      }),
    );
  });

  test("a code without a row is never retryable, whatever else is said", () => {
    const anyCode = fc.oneof(fc.string(), fc.integer({ min: -10_000, max: 10_000 }).map(String));
    fc.assert(
      fc.property(anyCode, fc.option(fc.string(), { nil: undefined }), category, (code, word, ofCategory) => {
        const result = categorise(
          { codes: {}, ranges: [], codeCategories: word === undefined ? {} : { [word]: rowOf(ofCategory) } },
          code,
          word,
        );
        expect(routeOf[result.category]).toBe("permanent-declines");
      }),
    );
  });

  test("a range has both its ends and nothing beyond", () => {
    const end = fc.nat(99_999);
    fc.assert(
      fc.property(end, end, end, (a, b, code) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const one = { codes: {}, ranges: [{ from, to, ...rowOf("limit_reached") }], codeCategories: {} };
        const of = (number: number) => categorise(one, String(number)).category;
        expect([of(from), of(to)]).toStrictEqual(["limit_reached", "limit_reached"]);
        expect([of(from - 1), of(to + 1)]).toStrictEqual(["unrecognised", "unrecognised"]);
        expect(of(code)).toBe(code >= from && code <= to ? "limit_reached" : "unrecognised");
      }),
    );
  });
});

describe("what follows a decline", () => {
  test.each<[DeclineCategory, RetryAdvice, route: string, reason: string]>([
    ["never_approved", "never", "permanent-declines", "lost, stolen, closed"],
    ["wrong_details", "after_update", "permanent-declines", "someone has to correct them"],
    ["insufficient_funds", "later", "retryable-declines", "pay day comes"],
    ["issuer_refused", "later", "retryable-declines", "no reason that rules it out"],
    ["issuer_unavailable", "later", "retryable-declines", "it comes back"],
    ["limit_reached", "later", "retryable-declines", "time lifts it"],
    ["network_limit", "never", "permanent-declines", "another attempt costs a fee"],
    ["blocked", "never", "permanent-declines", "suspicion is no matter of time"],
    ["invalid_request", "after_update", "permanent-declines", "it stays wrong"],
    ["customer_action", "customer_action", "permanent-declines", "the holder has to act"],
    ["unrecognised", "never", "permanent-declines", "never tried again by a machine"],
  ])("%s: %s, on %s (%s)", (category, advice, route) => {
    expect(adviceOf[category]).toBe(advice);
    expect(routeOf[category]).toBe(route);
  });

  test("only what time alone may heal is retryable", () => {
    for (const category of declineCategories)
      expect(routeOf[category] === "retryable-declines").toBe(adviceOf[category] === "later");
    expect(Object.keys(adviceOf).sort()).toStrictEqual([...declineCategories].sort());
    expect(Object.keys(routeOf).sort()).toStrictEqual([...declineCategories].sort());
  });
});
