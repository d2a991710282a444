import type { MoneyClass } from "./judgement.ts";

/** Money of one currency, minor units, by what became of it. */
export type MoneySums = { readonly [C in Exclude<MoneyClass, "none">]: string };
export type DayMoney = MoneySums & { readonly day: string; readonly currency: string };

/** Sums of money by day and currency. Whole numbers: exact, however many there are. */
export type MoneyTally = {
  add(money: Exclude<MoneyClass, "none">, amount: number | bigint, currency: string, atMs: number): void;
  byDay(): readonly DayMoney[];
  byCurrency(): Readonly<Record<string, MoneySums>>;
};

const dayMs = 86_400_000;
const classes = ["matched", "unmatched", "unknown"] as const;
/** Beyond it a double may not be exact. */
const carryAt = 2 ** 50;

type Cell = { small: number; large: bigint };
type Cells = Record<(typeof classes)[number], Cell>;

const newCells = (): Cells => ({
  matched: { small: 0, large: 0n },
  unmatched: { small: 0, large: 0n },
  unknown: { small: 0, large: 0n },
});
const sumOf = ({ small, large }: Cell): bigint => large + BigInt(small);

/** Days are those of UTC. What has no time is under the day `fallbackMs` is in. */
export const moneyTally = (fallbackMs: number): MoneyTally => {
  const days = new Map<number, Map<string, Cells>>();
  const cellsOf = (day: number, currency: string): Cells => {
    const byCurrency = days.get(day) ?? new Map<string, Cells>();
    days.set(day, byCurrency);
    const cells = byCurrency.get(currency) ?? newCells();
    byCurrency.set(currency, cells);
    return cells;
  };
  // Mostly the same as the one before.
  let last: { readonly day: number; readonly currency: string; readonly cells: Cells } | undefined;
  return {
    add(money, amount, currency, atMs) {
      const day = Math.floor((Number.isNaN(atMs) ? fallbackMs : atMs) / dayMs);
      if (last === undefined || day !== last.day || currency !== last.currency)
        last = { day, currency, cells: cellsOf(day, currency) };
      const cell = last.cells[money];
      if (typeof amount === "bigint") cell.large += amount;
      else {
        cell.small += amount;
        if (cell.small > carryAt) {
          cell.large += BigInt(cell.small);
          cell.small = 0;
        }
      }
    },
    byDay: () =>
      [...days]
        .sort(([a], [b]) => a - b)
        .flatMap(([day, byCurrency]) =>
          [...byCurrency]
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([currency, cells]) => ({
              day: new Date(day * dayMs).toISOString().slice(0, 10),
              currency,
              matched: String(sumOf(cells.matched)),
              unmatched: String(sumOf(cells.unmatched)),
              unknown: String(sumOf(cells.unknown)),
            })),
        ),
    byCurrency() {
      const sums = new Map<string, Record<(typeof classes)[number], bigint>>();
      for (const byCurrency of days.values())
        for (const [currency, cells] of byCurrency) {
          const before = sums.get(currency) ?? { matched: 0n, unmatched: 0n, unknown: 0n };
          for (const one of classes) before[one] += sumOf(cells[one]);
          sums.set(currency, before);
        }
      return Object.fromEntries(
        [...sums]
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([currency, { matched, unmatched, unknown }]) => [
            currency,
            { matched: String(matched), unmatched: String(unmatched), unknown: String(unknown) },
          ]),
      );
    },
  };
};
