import { describe, expect, test } from "vitest";
import { categorise, type DeclineCategory } from "../../lib/core/decline.ts";
import type { Json, JsonObject } from "../../lib/core/json.ts";
import { declineTable, parseDeclineTable } from "../../lib/gateways/centrobill/decline-table.ts";

describe("Centrobill's decline codes", () => {
  test.each<[category: DeclineCategory, networkCodes: string, reason: string]>([
    ["never_approved", "04 07 12 14 15 41 43 46 57", "Visa's category 1: the issuer will never approve"],
    ["wrong_details", "54 55 82 39", "the details have to be right first"],
    ["insufficient_funds", "51 61 65", "not now"],
    ["issuer_unavailable", "19 91 96", "nobody there"],
    ["blocked", "03 59 62 83 93", "suspicion, a restriction, a merchant set up wrongly: people look first"],
    ["issuer_refused", "05", "the commonest refusal, without a reason"],
  ])("%s: 50 and each of %s (%s)", (category, networkCodes) => {
    for (const networkCode of networkCodes.split(" "))
      expect(categorise(declineTable, `50${networkCode}`)).toStrictEqual({ category, networkCode });
  });

  test("no other code has a row of its own", () => {
    expect(Object.keys(declineTable.codes)).toHaveLength(25);
    expect(categorise(declineTable, "5000")).toStrictEqual({ category: "unrecognised" });
    expect(categorise(declineTable, "5099")).toStrictEqual({ category: "unrecognised" });
  });

  test.each<[from: string, to: string, DeclineCategory, reason: string]>([
    ["3000", "3999", "invalid_request", "the request's own details"],
    ["6000", "6099", "network_limit", "limits of the networks on attempts"],
    ["6100", "6199", "limit_reached", "a limit that time lifts"],
    ["6200", "6299", "blocked", "too many subscriptions: time alone does not lift it"],
    ["6300", "6399", "limit_reached", "a limit that time lifts"],
    ["6400", "6499", "blocked", "a block list"],
    ["6500", "6599", "blocked", "a block list"],
    ["6600", "6699", "blocked", "a block list"],
    ["6700", "6799", "blocked", "a block list"],
    ["6800", "6899", "blocked", "a block list"],
    ["6900", "6999", "unrecognised", "reserved, without a word on what they mean"],
  ])("%s to %s: %s (%s)", (from, to, category) => {
    expect([from, to].map((code) => categorise(declineTable, code))).toStrictEqual([
      { category },
      { category },
    ]);
  });

  test.each(["2999", "4000", "5999", "7000"])("%s is in no range", (code) => {
    expect(categorise(declineTable, code)).toStrictEqual({ category: "unrecognised" });
  });

  test.each<[codeCategory: string, DeclineCategory, reason: string]>([
    ["1", "never_approved", "the issuer will never approve"],
    ["2", "issuer_refused", "as strict as the code's own row"],
    ["3", "wrong_details", "new details first"],
    ["4", "issuer_refused", "as strict as the code's own row"],
  ])("codeCategory %s is %s (%s)", (codeCategory, category) => {
    expect(declineTable.codeCategories[codeCategory]?.category).toBe(category);
  });

  test("every row says whose word it is, and what is inferred says so", () => {
    const rows = [
      ...Object.values(declineTable.codes),
      ...declineTable.ranges,
      ...Object.values(declineTable.codeCategories),
    ];
    for (const { source, basis } of rows) {
      expect(source).toMatch(/^(inferred: |readme\.centrobill\.com)/);
      expect(source.startsWith("inferred: ")).toBe(basis === "inferred");
      expect(["documented", "inferred"]).toContain(basis);
    }
    for (const { basis } of declineTable.ranges) expect(basis).toBe("documented");
  });
});

describe("a merchant's own table", () => {
  const category =
    "must be one of never_approved, wrong_details, insufficient_funds, issuer_refused, " +
    "issuer_unavailable, limit_reached, network_limit, blocked, invalid_request, customer_action, unrecognised";
  const said = (file: Json): readonly string[] => {
    const parsed = parseDeclineTable(file);
    return parsed.ok ? [] : parsed.problems;
  };
  const range = (changes: JsonObject = {}): Json => [{ from: 1, to: 2, category: "blocked", ...changes }];

  test.each<[Json, problems: string[], reason: string]>([
    [{}, [], "an empty table knows no code"],
    [{ codes: {}, ranges: [], codeCategories: {} }, [], "the same, in words"],
    [{ codes: { 5051: { category: "blocked", networkCode: "51", source: "us" } } }, [], "a row"],
    [{ ranges: range() }, [], "a range"],
    [{ ranges: range({ to: 1 }) }, [], "a range of one"],
    [{ codeCategories: { 1: { category: "blocked" } } }, [], "a category"],
    [null, ["the decline table must be a JSON object"], "nothing"],
    [[], ["the decline table must be a JSON object"], "a list"],
    [{ rows: {} }, ["rows: no such part"], "a part that is not known"],
    [{ codes: [] }, ["codes: must be an object of rows"], "codes in a list"],
    [{ codes: { 1: {} } }, [`codes.1.category: ${category}`], "no category"],
    [{ codes: { 1: null } }, [`codes.1.category: ${category}`], "no row"],
    [{ codes: { 1: { category: "lost" } } }, [`codes.1.category: ${category}`], "a category of another list"],
    [
      { codes: { 1: { category: "blocked", networkCode: 51 } } },
      ["codes.1.networkCode: must be a string"],
      "a number would lose its zeros",
    ],
    [{ codes: { 1: { category: "insufficient_funds", adviceCode: "27" } } }, [], "wait four days"],
    [{ codes: { 1: { category: "never_approved", adviceCode: "03" } } }, [], "never again"],
    [
      { codes: { 1: { category: "issuer_refused", adviceCode: "03" } } },
      ["codes.1.category: must not be tried again: advice 03 rules that out"],
      "never, and later",
    ],
    [
      { codes: { 1: { category: "blocked", adviceCode: "3" } } },
      ["codes.1.adviceCode: must be Mastercard's own two digits"],
      "a number of the gateway's own",
    ],
    ...["124", "x24", 24].map((adviceCode): [Json, string[], string] => [
      { codes: { 1: { category: "blocked", adviceCode } } },
      ["codes.1.adviceCode: must be Mastercard's own two digits"],
      "no two digits in a text",
    ]),
    [
      { codes: { 1: { category: "issuer_refused", adviceCode: "04" } } },
      ["codes.1.category: must not be tried again: advice 04 rules that out"],
      "not this charge, and later",
    ],
    [{ codeCategories: "hard" }, ["codeCategories: must be an object of rows"], "a word"],
    [{ codeCategories: { 1: {} } }, [`codeCategories.1.category: ${category}`], "no category"],
    [{ ranges: {} }, ["ranges: must be a list"], "ranges in an object"],
    [{ ranges: range({ to: 0 }) }, ["ranges[0]: must have numbers from and to"], "the wrong way round"],
    [{ ranges: range({ from: "1" }) }, ["ranges[0]: must have numbers from and to"], "a text"],
    [{ ranges: range({ to: "2" }) }, ["ranges[0]: must have numbers from and to"], "a text"],
    [{ ranges: range({ category: "lost" }) }, [`ranges[0].category: ${category}`], "no such category"],
    [
      { ranges: [null] },
      ["ranges[0]: must have numbers from and to", `ranges[0].category: ${category}`],
      "no row",
    ],
  ])("%j → %j (%s)", (file, problems) => {
    expect(said(file)).toStrictEqual(problems);
  });

  test("is read as it stands, and every row says that it is the merchant's", () => {
    const file = {
      codes: {
        A1: { category: "blocked", networkCode: "59", source: "our bank" },
        B2: { category: "issuer_refused", adviceCode: "24" },
      },
      ranges: [{ from: 10, to: 19, category: "limit_reached" }],
      codeCategories: { hard: { category: "never_approved" } },
    };
    const source = "the merchant's table";
    expect(parseDeclineTable(file)).toStrictEqual({
      ok: true,
      table: {
        codes: {
          A1: { category: "blocked", networkCode: "59", source: "our bank", basis: "merchant" },
          B2: { category: "issuer_refused", adviceCode: "24", source, basis: "merchant" },
        },
        ranges: [{ from: 10, to: 19, category: "limit_reached", source, basis: "merchant" }],
        codeCategories: { hard: { category: "never_approved", source, basis: "merchant" } },
      },
    });
  });
});
