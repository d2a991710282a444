import {
  adviceOf,
  type DeclineCategory,
  type DeclineRow,
  type DeclineTable,
  declineCategories,
} from "../../core/decline.ts";
import { isJsonObject, type Json } from "../../core/json.ts";
import { adviceRules } from "../../core/retry-rules/mastercard.ts";

const gatewayCodes = "readme.centrobill.com/docs/centrobill-decline-codes";
const visa = "inferred: 5000 + scheme code; Visa categories as checkout.com and tabapay.com list them";

/**
 * Bank declines. Centrobill's own table is not public. From one sample (82 → 5082) they are taken to be
 * 5000 + the card scheme's two digits: an inference, so each row says so, and only codes that Visa's
 * category 1 rules out or that plainly are about money or availability have one.
 */
const bank = (networkCode: string, category: DeclineCategory) =>
  [
    `50${networkCode}`,
    { category, networkCode, source: visa, basis: "inferred" } satisfies DeclineRow,
  ] as const;

export const declineTable: DeclineTable = {
  codes: Object.fromEntries([
    // Visa category 1: the issuer will never approve.
    bank("04", "never_approved"),
    bank("07", "never_approved"),
    bank("12", "never_approved"),
    bank("14", "never_approved"),
    bank("15", "never_approved"),
    bank("41", "never_approved"),
    bank("43", "never_approved"),
    bank("46", "never_approved"),
    // Category 1 at Visa from 2026-10-25.
    bank("57", "never_approved"),
    // Category 3: the details have to be right first. 82 stands in Centrobill's own sample.
    bank("54", "wrong_details"),
    bank("55", "wrong_details"),
    bank("82", "wrong_details"),
    // Category 2: not now.
    bank("51", "insufficient_funds"),
    bank("61", "insufficient_funds"),
    bank("65", "insufficient_funds"),
    bank("19", "issuer_unavailable"),
    bank("91", "issuer_unavailable"),
    bank("96", "issuer_unavailable"),
    // Category 2 by Visa, but suspicion, a restriction or a merchant set up wrongly: people look first.
    bank("03", "blocked"),
    bank("39", "wrong_details"),
    bank("59", "blocked"),
    bank("62", "blocked"),
    bank("83", "blocked"),
    bank("93", "blocked"),
    // Category 4, the commonest refusal.
    bank("05", "issuer_refused"),
  ]),
  ranges: [
    { from: 3000, to: 3999, category: "invalid_request", source: gatewayCodes, basis: "documented" },
    // 6001 is "VISA category 1"; the others of 60XX are limits on attempts too.
    { from: 6000, to: 6099, category: "network_limit", source: gatewayCodes, basis: "documented" },
    { from: 6100, to: 6199, category: "limit_reached", source: gatewayCodes, basis: "documented" },
    // "Not more than X active subscriptions": time alone does not lift it.
    { from: 6200, to: 6299, category: "blocked", source: gatewayCodes, basis: "documented" },
    { from: 6300, to: 6399, category: "limit_reached", source: gatewayCodes, basis: "documented" },
    { from: 6400, to: 6499, category: "blocked", source: gatewayCodes, basis: "documented" },
    { from: 6500, to: 6599, category: "blocked", source: gatewayCodes, basis: "documented" },
    { from: 6600, to: 6699, category: "blocked", source: gatewayCodes, basis: "documented" },
    { from: 6700, to: 6799, category: "blocked", source: gatewayCodes, basis: "documented" },
    { from: 6800, to: 6899, category: "blocked", source: gatewayCodes, basis: "documented" },
    // Reserved for renamed legacy codes, without a word on what they mean.
    { from: 6900, to: 6999, category: "unrecognised", source: gatewayCodes, basis: "documented" },
  ],
  /** `codeCategory`: seen once (5082 with 3), never defined; it looks like Visa's categories 1 to 4. */
  codeCategories: {
    1: { category: "never_approved", source: visa, basis: "inferred" },
    2: { category: "issuer_refused", source: visa, basis: "inferred" },
    3: { category: "wrong_details", source: visa, basis: "inferred" },
    4: { category: "issuer_refused", source: visa, basis: "inferred" },
  },
};

type Parsed =
  | { readonly ok: true; readonly table: DeclineTable }
  | { readonly ok: false; readonly problems: readonly string[] };

const isCategory = (value: unknown): value is DeclineCategory =>
  (declineCategories as readonly unknown[]).includes(value);

/**
 * A merchant's own table in place of ours: `{codes, ranges?, codeCategories?}`, each row with a `category`
 * of the list, and optionally `networkCode`, `adviceCode` and `source`. Every problem names its place.
 */
export const parseDeclineTable = (file: Json): Parsed => {
  const problems: string[] = [];
  const readRow = (place: string, value: Json | undefined): DeclineRow => {
    const category = isJsonObject(value) ? value["category"] : undefined;
    if (!isCategory(category))
      problems.push(`${place}.category: must be one of ${declineCategories.join(", ")}`);
    const networkCode = isJsonObject(value) ? value["networkCode"] : undefined;
    if (networkCode !== undefined && typeof networkCode !== "string")
      problems.push(`${place}.networkCode: must be a string`);
    const adviceCode = isJsonObject(value) ? value["adviceCode"] : undefined;
    if (adviceCode !== undefined && (typeof adviceCode !== "string" || !/^\d\d$/.test(adviceCode)))
      problems.push(`${place}.adviceCode: must be Mastercard's own two digits`);
    const advice = adviceRules.find(({ code }) => code === adviceCode);
    const isLater = isCategory(category) && adviceOf[category] === "later";
    if (isLater && (advice?.action === "close" || advice?.action === "stop"))
      problems.push(`${place}.category: must not be tried again: advice ${advice.code} rules that out`);
    const source = isJsonObject(value) ? value["source"] : undefined;
    return {
      category: isCategory(category) ? category : "unrecognised",
      ...(typeof networkCode === "string" ? { networkCode } : {}),
      ...(typeof adviceCode === "string" ? { adviceCode } : {}),
      source: typeof source === "string" ? source : "the merchant's table",
      basis: "merchant",
    };
  };
  const readRows = (place: string, value: Json | undefined): Record<string, DeclineRow> => {
    if (value === undefined) return {};
    if (!isJsonObject(value)) {
      problems.push(`${place}: must be an object of rows`);
      return {};
    }
    return Object.fromEntries(
      Object.entries(value).map(([code, row]) => [code, readRow(`${place}.${code}`, row)]),
    );
  };
  if (!isJsonObject(file)) return { ok: false, problems: ["the decline table must be a JSON object"] };
  for (const key of Object.keys(file))
    if (key !== "codes" && key !== "ranges" && key !== "codeCategories")
      problems.push(`${key}: no such part`);
  const ranges = file["ranges"] ?? [];
  const table: DeclineTable = {
    codes: readRows("codes", file["codes"]),
    ranges: (Array.isArray(ranges) ? (ranges as readonly Json[]) : []).map((row, index) => {
      const from = isJsonObject(row) ? row["from"] : undefined;
      const to = isJsonObject(row) ? row["to"] : undefined;
      if (typeof from !== "number" || typeof to !== "number" || from > to)
        problems.push(`ranges[${index}]: must have numbers from and to`);
      return { from: Number(from), to: Number(to), ...readRow(`ranges[${index}]`, row) };
    }),
    codeCategories: readRows("codeCategories", file["codeCategories"]),
  };
  if (!Array.isArray(ranges)) problems.push("ranges: must be a list");
  return problems.length > 0 ? { ok: false, problems } : { ok: true, table };
};
