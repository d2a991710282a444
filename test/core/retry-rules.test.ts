import { describe, expect, test } from "vitest";
import {
  adviceRuleOf,
  adviceRules,
  feeOf,
  limitIds,
  limitsOf,
  networkFees,
  networkLimits,
  networkOf,
  newestEditionMs,
  type Region,
  regions,
  rulesText,
  sources,
  staleRulesWarning,
  type VisaCategory,
  visaCategoryOf,
  visaCodeRules,
} from "../../lib/core/retry-rules/index.ts";

const at = (day: string, region: Region = "global") => ({ nowMs: Date.parse(day), region });
const now = at("2026-11-25");

describe("Visa's categories", () => {
  test.each<[code: string, category: VisaCategory, day: string, region: Region, reason: string]>([
    ["04", 1, "2026-11-25", "global", "pick up card"],
    ["14", 1, "2026-11-25", "global", "no such account"],
    ["46", 1, "2026-11-25", "global", "a token that was switched off"],
    ["r3", 1, "2026-11-25", "global", "stop payment, in small letters"],
    [" 41 ", 1, "2026-11-25", "global", "lost, with spaces around it"],
    ["57", 4, "2026-10-24", "global", "the day before it became never"],
    ["57", 1, "2026-10-25", "global", "never, from this day on"],
    ["51", 2, "2026-11-25", "global", "not enough money"],
    ["83", 4, "2026-07-24", "global", "before the earlier of two disputed days"],
    ["83", 2, "2026-07-25", "global", "the earlier of two disputed days"],
    ["5C", 4, "2025-04-10", "global", "before it was listed"],
    ["5C", 2, "2025-04-11", "global", "listed"],
    ["82", 3, "2026-11-25", "global", "a CVV failure: the data first"],
    ["70", 4, "2026-11-25", "global", "data in two regions only"],
    ["70", 3, "2026-11-25", "europe", "and there"],
    ["1A", 3, "2026-11-25", "cemea", "and there"],
    ["1A", 4, "2026-11-25", "brazil", "and nowhere else"],
    ["05", 4, "2026-11-25", "global", "the commonest of those that are not listed"],
    ["", 4, "2026-11-25", "global", "no code at all"],
  ])("%s is category %i on %s, %s (%s)", (code, category, day, region) => {
    expect(visaCategoryOf(code, at(day, region))).toBe(category);
  });
});

describe("Mastercard's advice codes", () => {
  const hour = 3_600_000;
  test.each<[code: string, action: string | undefined, waitMs: number | undefined, reason: string]>([
    ["01", "stop", 0, "new data first"],
    ["02", "wait", 0, "later, without a time"],
    ["03", "close", 0, "never"],
    ["3", "close", 0, "without its leading nought"],
    [" 3 ", "close", 0, "with spaces around it"],
    ["21", "close", 0, "never"],
    ["24", "wait", hour, "an hour"],
    ["25", "wait", 24 * hour, "a day"],
    ["26", "wait", 48 * hour, "two"],
    ["27", "wait", 96 * hour, "four"],
    ["28", "wait", 144 * hour, "six"],
    ["29", "wait", 192 * hour, "eight"],
    ["30", "wait", 240 * hour, "ten: longer than SQS can hide or delay anything"],
    ["40", "none", 0, "says what card it is, and comes with approvals, too"],
    ["41", "stop", 0, "good for one purchase"],
    ["99", undefined, undefined, "not listed"],
    ["", undefined, undefined, "none"],
  ])("%s: %s, %s ms (%s)", (code, action, waitMs) => {
    const rule = adviceRuleOf(code, now);
    expect([rule?.action, rule?.waitMs]).toEqual([action, waitMs]);
  });
});

describe("limits", () => {
  test.each<[word: string | undefined, limits: readonly string[], reason: string]>([
    ["visa", ["visa_amount_30_days"], "Visa's alone"],
    ["Mastercard", ["mastercard_24_hours", "mastercard_amount_30_days"], "both of Mastercard's"],
    ["master_card", ["mastercard_24_hours", "mastercard_amount_30_days"], "however it is written"],
    ["VISA Electron", ["visa_amount_30_days"], "a Visa"],
    ["MC", ["mastercard_24_hours", "mastercard_amount_30_days"], "in short"],
    ["Maestro", ["mastercard_24_hours", "mastercard_amount_30_days"], "a Mastercard"],
    ["amex", limitIds.slice(0, 3), "no count is published: everybody's"],
    [undefined, limitIds.slice(0, 3), "not told: everybody's"],
  ])("of %s: %j (%s)", (word, ids) => {
    expect(limitsOf(networkOf(word), now).map(({ id }) => id)).toEqual(ids);
  });

  test("Brazil counts Mastercard by the month, beside the rest", () => {
    const ids = limitsOf("mastercard", at("2026-11-25", "brazil")).map(({ id }) => id);
    expect(ids).toEqual(["mastercard_24_hours", "mastercard_amount_30_days", "mastercard_brazil_month"]);
  });

  test("each limit has a fee, and a region's own comes before the global one", () => {
    for (const { id, region } of networkLimits) expect(feeOf(id, at("2026-11-25", region))).toBeDefined();
    expect(feeOf("mastercard_24_hours", now)).toEqual({ amountMinor: 50, currency: "USD" });
    expect(feeOf("mastercard_24_hours", at("2026-11-25", "europe"))).toEqual({
      amountMinor: 55,
      currency: "EUR",
    });
    expect(feeOf("mastercard_24_hours", at("2024-12-31"))).toBeUndefined();
  });
});

describe("sources", () => {
  const rules = [...visaCodeRules, ...adviceRules, ...networkLimits, ...networkFees];

  test("every rule names its source, that source's edition, the day from which it counts, and its region", () => {
    for (const rule of rules) {
      expect(rule.edition).toBe(sources[rule.source].edition);
      expect(regions).toContain(rule.region);
      if (rule.effectiveFrom !== null) expect(rule.effectiveFrom).toMatch(/^20\d\d-\d\d-\d\d$/);
    }
  });

  test("every source is used, and bears a day, a year, or nothing", () => {
    expect(new Set(rules.map(({ source }) => source))).toEqual(new Set(Object.keys(sources)));
    for (const { edition } of Object.values(sources))
      if (edition !== null) expect(edition).toMatch(/^20\d\d(-\d\d-\d\d)?$/);
  });

  test.each<[day: string, warns: boolean, reason: string]>([
    ["2026-11-25", false, "now"],
    ["2027-09-10", false, "the newest source is a year old"],
    ["2027-09-11", true, "and a day"],
  ])("on %s a warning is due: %s (%s)", (day, warns) => {
    expect(newestEditionMs()).toBe(Date.parse("2026-09-10"));
    expect(staleRulesWarning(Date.parse(day)) !== undefined).toBe(warns);
  });

  // Not a failure: the rules do not become wrong overnight, and a build must not break by itself.
  test("whoever runs the tests is warned when nobody has looked for a year", () => {
    const warning = staleRulesWarning(Date.now());
    if (warning !== undefined) console.warn(warning);
    expect(staleRulesWarning(Date.parse("2030-01-01"))).toContain("is of 2026-09-10, more than");
  });
});

// `npx vitest run --project fast test/core/retry-rules.test.ts -u` writes it anew.
test("the JSON file is the rules, word for word", async () => {
  await expect(rulesText()).toMatchFileSnapshot("../../lib/core/retry-rules/retry-rules.json");
});
