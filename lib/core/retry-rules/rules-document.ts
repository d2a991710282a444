import { networkFees, networkLimits } from "./limits.ts";
import { adviceRules } from "./mastercard.ts";
import { regions, sources } from "./sources.ts";
import { visaCodeRules } from "./visa.ts";

/** Everything of the rules that is data, in one value. `retry-rules.json` is this, and a test compares them. */
export const rulesDocument = () =>
  ({
    v: 1,
    regions: Object.fromEntries(
      regions.map((region) => [region, region === "global" ? "everywhere" : "beside the global ones"]),
    ),
    sources,
    visa: {
      reattemptsOfCategory1: 0,
      categoryOfCodesNotListed: 4,
      codes: visaCodeRules,
    },
    mastercard: { adviceCodes: adviceRules },
    limits: networkLimits,
    fees: networkFees,
  }) as const;

export const rulesText = (): string => `${JSON.stringify(rulesDocument(), null, 2)}\n`;
