import type { LedgerEntry } from "./ledger.ts";

/** How long charges have waited: each band up to, not including, so many milliseconds. */
export const ageBands = [
  { name: "under 10 min", belowMs: 600_000 },
  { name: "10 min to 1 h", belowMs: 3_600_000 },
  { name: "1 h to 1 day", belowMs: 86_400_000 },
  { name: "over 1 day", belowMs: Number.POSITIVE_INFINITY },
] as const;
export type AgeBand = (typeof ageBands)[number]["name"];

/** Charges of one state, age and currency that have no final outcome, and their money in minor units. */
export type WaitingMoney = {
  readonly state: LedgerEntry["state"];
  readonly age: AgeBand;
  readonly currency: string;
  readonly count: number;
  readonly amountMinor: bigint;
};

/** Since when a charge waits: for a person from when it went to review, otherwise from its first send. */
export const sinceMsOf = (entry: LedgerEntry): number =>
  entry.state === "review" ? entry.finalAtMs : (entry.firstSendAtMs ?? entry.openedAtMs);

/** The money in entries that wait, by state, age and currency; in the order of age. */
export const waitingMoney = (entries: Iterable<LedgerEntry>, nowMs: number): readonly WaitingMoney[] =>
  moneyByAge(
    Iterator.from(entries).map((entry) => ({
      state: entry.state,
      sinceMs: sinceMsOf(entry),
      currency: entry.currency,
      amount: entry.amount,
    })),
    nowMs,
  );

/** The same of charges of which no more is known than this. */
export const moneyByAge = (
  charges: Iterable<{
    readonly state: LedgerEntry["state"];
    readonly sinceMs: number;
    readonly currency: string;
    /** minor units, digits */
    readonly amount: string;
  }>,
  nowMs: number,
): readonly WaitingMoney[] => {
  const rows = new Map<string, WaitingMoney>();
  for (const { state, sinceMs, currency, amount } of charges) {
    const ageMs = nowMs - sinceMs;
    const age = ageBands.find(({ belowMs }) => ageMs < belowMs)?.name ?? "over 1 day";
    const key = `${state} ${age} ${currency}`;
    const before = rows.get(key);
    rows.set(key, {
      state,
      age,
      currency,
      count: (before?.count ?? 0) + 1,
      amountMinor: (before?.amountMinor ?? 0n) + BigInt(amount),
    });
  }
  const place = (age: AgeBand): number => ageBands.findIndex(({ name }) => name === age);
  return [...rows.values()].sort(
    (a, b) =>
      a.state.localeCompare(b.state) || place(a.age) - place(b.age) || a.currency.localeCompare(b.currency),
  );
};
