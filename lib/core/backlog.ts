import type { LedgerEntry } from "./ledger.ts";
import { sinceMsOf } from "./waiting-money.ts";

/** States in which a charge waits for its last word, or for a person. */
export const backlogStates = ["unknown", "pending", "review"] as const;
export type BacklogState = (typeof backlogStates)[number];

const hourMs = 3_600_000;

/**
 * Ages at which the backlog is counted, each with all that is older: what grows old stays in every count that
 * it has reached, so that an alarm does not end because things got worse.
 */
export const backlogAges = { all: 0, over_1h: hourMs, over_6h: 6 * hourMs, over_24h: 24 * hourMs } as const;
export type BacklogAge = keyof typeof backlogAges;

const ageNames = Object.keys(backlogAges) as readonly BacklogAge[];

export type Backlog = {
  /** charges of every state and age, zeros among them: nothing waiting is a fact, too */
  readonly charges: readonly {
    readonly state: BacklogState;
    readonly age: BacklogAge;
    readonly count: number;
  }[];
  /** their money in minor units, by currency; only of currencies in which something waits */
  readonly money: readonly {
    readonly state: BacklogState;
    readonly age: BacklogAge;
    readonly currency: string;
    readonly amountMinor: bigint;
  }[];
};

const stateOf = (entry: LedgerEntry): BacklogState | undefined =>
  backlogStates.find((state) => state === entry.state);

/** Counts what waits, entry by entry. What has ended meanwhile is not counted. */
export const backlogCount = (nowMs: number): { add(entry: LedgerEntry): void; backlog(): Backlog } => {
  const counts = new Map<string, number>();
  const sums = new Map<string, { cell: Backlog["money"][number]; sum: bigint }>();
  return {
    add(entry) {
      const state = stateOf(entry);
      if (state === undefined) return;
      for (const age of ageNames) {
        // A clock that runs behind must not hide a charge: it is at least new.
        if (Math.max(0, nowMs - sinceMsOf(entry)) < backlogAges[age]) continue;
        const { currency, amount } = entry;
        const at = `${state} ${age}`;
        counts.set(at, (counts.get(at) ?? 0) + 1);
        const before = sums.get(`${at} ${currency}`)?.sum ?? 0n;
        sums.set(`${at} ${currency}`, {
          cell: { state, age, currency, amountMinor: 0n },
          sum: before + BigInt(amount),
        });
      }
    },
    backlog: () => ({
      charges: backlogStates.flatMap((state) =>
        ageNames.map((age) => ({ state, age, count: counts.get(`${state} ${age}`) ?? 0 })),
      ),
      money: [...sums.values()].map(({ cell, sum }) => ({ ...cell, amountMinor: sum })),
    }),
  };
};
