import { moneyText } from "../lib/core/money.ts";
import type { NeverReason } from "../lib/core/next-attempt.ts";

/** Sums by currency, in the order of their codes. */
export const sumsText = (sums: Readonly<Record<string, bigint>>): string =>
  Object.entries(sums)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([currency, minor]) => moneyText(String(minor), currency))
    .join(", ") || "nothing";

/** Why there is no later attempt, as people read it. */
export const refusalWords: Readonly<Record<NeverReason, string>> = {
  instrument_closed: "the instrument is closed, by an earlier decline",
  visa_category_1: "Visa category 1: never again on this card",
  mastercard_advice_close: "Mastercard's advice: never again on this card",
  mastercard_advice_stop: "Mastercard's advice: something else than time is needed",
  mastercard_advice_unlisted: "an advice code that no rule names",
  category: "a decline that time does not heal",
  attempts_used_up: "every attempt of the schedule was made",
  past_not_after: "it would come later than notAfter",
  money_taken: "the gateway says that it took the money all the same",
};

/** JSON, with amounts as digits in a text. */
export const jsonText = (value: unknown): string =>
  JSON.stringify(value, (_name, member) => (typeof member === "bigint" ? String(member) : member));
