import { moneyText } from "../core/money.ts";

/** Money by currency, as one line. */
export const sumText = (rows: readonly { readonly amount: string; readonly currency: string }[]): string => {
  const sums = new Map<string, bigint>();
  for (const { currency, amount } of rows) sums.set(currency, (sums.get(currency) ?? 0n) + BigInt(amount));
  return [...sums]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([currency, minor]) => moneyText(String(minor), currency))
    .join(", ");
};
