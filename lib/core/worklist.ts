import type { GatewayName } from "./charge.ts";
import type { ReviewReason } from "./ledger.ts";
import { digitsOf, fromDecimal, parseCurrency } from "./money.ts";

/** What a worklist knows of a charge that waits. */
export type Waiting = {
  readonly chargeId: string;
  readonly gateway: GatewayName;
  readonly reason: ReviewReason;
  readonly sinceMs: number;
  /** minor units, digits */
  readonly amount: string;
  readonly currency: string;
};

export type WorklistFilter = {
  /** none named: all */
  readonly reasons?: readonly ReviewReason[];
  readonly gateway?: GatewayName;
  readonly olderThanMs?: number;
  /** a decimal in major units, compared in each charge's own currency */
  readonly minMoney?: string;
};

/** How many minor units are a major one; a currency that is not known counts as one with cents. */
const minorsIn = (currency: string): number => {
  const known = parseCurrency(currency);
  return 10 ** (known === undefined ? 2 : digitsOf(known));
};

/** The least minor units of a currency that a minimum allows; an amount that the currency cannot have is rounded up. */
const leastMinorOf = (minMoney: string, currency: string): bigint => {
  const known = parseCurrency(currency);
  const exact = known === undefined ? undefined : fromDecimal(minMoney, known);
  if (exact !== undefined) return exact;
  return BigInt(Math.ceil(Number(minMoney) * minorsIn(currency)));
};

/**
 * What waits for a person and passes the filter, the most pressing first: money times age, by major units whatever
 * the currency. A charge that came this moment counts as one second old, so that money alone orders the new ones.
 */
export const worklist = <T extends Waiting>(
  waiting: readonly T[],
  filter: WorklistFilter,
  nowMs: number,
): readonly T[] => firstOfWorklist(waiting, filter, nowMs, Number.POSITIVE_INFINITY).first;

/** The same for a page: all that passes, in no order, and the first so many of it in order. */
export const firstOfWorklist = <T extends Waiting>(
  waiting: readonly T[],
  filter: WorklistFilter,
  nowMs: number,
  most: number,
): { readonly fitting: readonly T[]; readonly first: readonly T[] } => {
  const { reasons, gateway, olderThanMs, minMoney } = filter;
  const currencies = new Map<string, { readonly minors: number; readonly least: bigint }>();
  const currencyOf = (currency: string) => {
    const known = currencies.get(currency);
    if (known !== undefined) return known;
    const least = minMoney === undefined ? 0n : leastMinorOf(minMoney, currency);
    const made = { minors: minorsIn(currency), least };
    currencies.set(currency, made);
    return made;
  };
  const fitting: T[] = [];
  // As numbers: for an order and nothing else.
  const weights = new Float64Array(waiting.length);
  for (const one of waiting) {
    const ageMs = nowMs - one.sinceMs;
    if (reasons !== undefined && !reasons.includes(one.reason)) continue;
    if (gateway !== undefined && one.gateway !== gateway) continue;
    if (olderThanMs !== undefined && ageMs < olderThanMs) continue;
    const { minors, least } = currencyOf(one.currency);
    if (minMoney !== undefined && BigInt(one.amount) < least) continue;
    weights[fitting.length] = (Number(one.amount) / minors) * Math.max(ageMs, 1_000);
    fitting.push(one);
  }
  const count = fitting.length;
  // Numbers alone are sorted fast; only what is at least as heavy as the last one that is wanted is sorted as charges.
  const least = most < count ? (weights.slice(0, count).sort()[count - most] ?? 0) : Number.NEGATIVE_INFINITY;
  const ranked: { readonly one: T; readonly weight: number }[] = [];
  for (const [at, one] of fitting.entries()) {
    const weight = weights[at] ?? 0;
    if (weight >= least) ranked.push({ one, weight });
  }
  ranked.sort((a, b) => b.weight - a.weight || (a.one.chargeId < b.one.chargeId ? -1 : 1));
  return { fitting, first: ranked.slice(0, most).map(({ one }) => one) };
};

const unitsMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A length of time as people write it: `90s`, `15m`, `6h`, `2d`; `undefined` for anything else. */
export const parseSpanMs = (text: string): number | undefined => {
  const [, count, unit] = /^([0-9]{1,6})([smhd])$/.exec(text) ?? [];
  return count === undefined ? undefined : Number(count) * unitsMs[unit as keyof typeof unitsMs];
};
