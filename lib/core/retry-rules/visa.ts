import { type Basis, isInForce, type Region, said } from "./sources.ts";

/**
 * Visa sorts its response codes by what a reattempt can do. 1: the issuer will never approve, no reattempt at
 * all; 2: it cannot approve now; 3: the data has to be put right first; 4: everything that is not listed.
 */
export type VisaCategory = 1 | 2 | 3 | 4;

export type VisaCodeRule = Basis & { readonly code: string; readonly category: Exclude<VisaCategory, 4> };

const rows = (
  category: VisaCodeRule["category"],
  codes: string,
  basis: Basis = said("visa_core_rules"),
): readonly VisaCodeRule[] => codes.split(" ").map((code) => ({ code, category, ...basis }));

/** Every code that has a category of its own. Of two rows in force the stricter one counts. */
export const visaCodeRules: readonly VisaCodeRule[] = [
  ...rows(1, "04 07 12 14 15 41 43 R0 R1 R3"),
  // "Deactivated token used".
  ...rows(1, "46", said("tabapay_visa")),
  // The networks rewrote it to 05 from October 2025; from this day on it is "never approve".
  ...rows(1, "57", said("checkout_code_57", "2026-10-25")),
  ...rows(2, "03 19 39 51 52 53 59 61 62 65 75 78 86 91 93 96 N3 N4 Z5"),
  // Disputed: 2026-07-25 or 2026-10-25. The earlier day is the stricter reading.
  ...rows(2, "83", said("visa_core_rules", "2026-07-25")),
  ...rows(2, "5C 9G", said("cielo_changelog", "2025-04-11")),
  ...rows(3, "54 55 82 6P N7"),
  ...(["europe", "cemea"] as const).flatMap((region) =>
    rows(3, "70 1A", said("visa_core_rules", null, region)),
  ),
];

const strictestFirst: readonly VisaCategory[] = [1, 3, 2, 4];

/** The category of a Visa response code at this moment, in this region. */
export const visaCategoryOf = (
  code: string,
  at: { readonly nowMs: number; readonly region: Region },
): VisaCategory => {
  const wanted = code.trim().toUpperCase();
  const found = new Set(
    visaCodeRules
      .filter((rule) => rule.code === wanted && isInForce(rule, at))
      .map(({ category }) => category),
  );
  return strictestFirst.find((category) => category === 4 || found.has(category)) ?? 4;
};
