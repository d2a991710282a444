import type { LedgerEntry } from "../lib/core/ledger.ts";

/** Charges and money by outcome. Minor units are only ever added within a currency. */
export type RunTotals = {
  addCharge(entry: LedgerEntry): void;
  /** a line that is no charge: it has no money of its own */
  addRefusal(outcome: string): void;
  readonly charges: number;
  readonly refusals: number;
  countOf(outcome: string): number;
  outcomes(): readonly OutcomeTotal[];
  /** why people have to look, and how often */
  reviewReasons(): ReadonlyMap<string, number>;
  /** charges whose end rests on a notice */
  readonly endedByNotice: number;
};

export type OutcomeTotal = {
  readonly outcome: string;
  readonly count: number;
  /** minor units by currency, by code */
  readonly minorByCurrency: ReadonlyMap<string, bigint>;
};

/** Good news first, and what needs somebody last. */
const order = [
  "approved",
  "declined_permanent",
  "declined_retryable",
  "request_error",
  "expired",
  "waiting",
  "opened",
  "pending",
  "unknown",
  "review",
];

export const createRunTotals = (): RunTotals => {
  const totals = new Map<string, { count: number; money: Map<string, bigint> }>();
  const reasons = new Map<string, number>();
  let charges = 0;
  let refusals = 0;
  let endedByNotice = 0;
  const totalOf = (outcome: string) => {
    const total = totals.get(outcome) ?? { count: 0, money: new Map<string, bigint>() };
    totals.set(outcome, total);
    total.count += 1;
    return total;
  };
  return {
    addCharge(entry) {
      charges += 1;
      const { money } = totalOf(entry.state);
      money.set(entry.currency, (money.get(entry.currency) ?? 0n) + BigInt(entry.amount));
      if ("evidence" in entry && entry.evidence.kind === "notice") endedByNotice += 1;
      if (entry.state === "review") reasons.set(entry.reason, (reasons.get(entry.reason) ?? 0) + 1);
    },
    addRefusal(outcome) {
      refusals += 1;
      totalOf(outcome);
    },
    get charges() {
      return charges;
    },
    get endedByNotice() {
      return endedByNotice;
    },
    get refusals() {
      return refusals;
    },
    countOf: (outcome) => totals.get(outcome)?.count ?? 0,
    outcomes: () =>
      [...totals]
        .sort(([a], [b]) => order.indexOf(a) - order.indexOf(b))
        .map(([outcome, { count, money }]) => ({
          outcome,
          count,
          minorByCurrency: new Map([...money].sort(([a], [b]) => (a < b ? -1 : 1))),
        })),
    reviewReasons: () => reasons,
  };
};
