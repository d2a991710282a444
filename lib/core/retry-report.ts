import type { InstrumentRecord } from "./instrument-record.ts";
import type { LedgerEntry } from "./ledger.ts";
import { attemptsMade } from "./plan-retry.ts";
import type { RetryDecision, RetryFee, RetryRecord } from "./retry-record.ts";
import { feeOf, limitIds } from "./retry-rules/limits.ts";
import type { Region } from "./retry-rules/sources.ts";

/** Sums of minor units by currency. */
export type Sums = Readonly<Record<string, bigint>>;

/** An attempt that was refused or put off: why, and what it would have cost in fees. */
export type Meter = {
  readonly chargeId: string;
  readonly gateway: string;
  /** the attempt that was not made, or not when it was wished for */
  readonly attempt: number;
  readonly atMs: number;
  readonly kind: "refused" | "postponed";
  readonly because: string;
  readonly limit?: string;
  readonly fee?: RetryFee;
  readonly amount?: string;
  readonly currency?: string;
};

export type ReportRow = { readonly count: number; readonly sums: Sums };

export type RetryReport = {
  /** charges that the ledger has */
  readonly charges: number;
  /** by the attempt's number, from 1: how many were made, how many approved, and their money */
  readonly attempts: readonly {
    readonly attempt: number;
    readonly made: number;
    readonly approved: number;
    readonly money: Sums;
  }[];
  /** approved by a later attempt than the first */
  readonly recovered: ReportRow;
  /** by day (UTC) of the approval */
  readonly recoveredByDay: readonly { readonly day: string; readonly sums: Sums }[];
  /** by kind and reason, with the fees that were not paid */
  readonly meter: readonly {
    readonly kind: Meter["kind"];
    readonly because: string;
    readonly count: number;
    readonly fees: Sums;
  }[];
  readonly feesSaved: Sums;
  /** later attempts that wait, and their money */
  readonly waiting: ReportRow;
  /** instruments that nothing is sent on any more, by the rule that closed them */
  readonly closed: Readonly<Record<string, number>>;
};

type Mutable = { count: number; sums: Record<string, bigint> };
const row = (): Mutable => ({ count: 0, sums: {} });
const add = (sums: Record<string, bigint>, currency: string, minor: bigint): void => {
  sums[currency] = (sums[currency] ?? 0n) + minor;
};
const addRow = (into: Mutable, entry: Pick<LedgerEntry, "amount" | "currency">): void => {
  into.count += 1;
  add(into.sums, entry.currency, BigInt(entry.amount));
};

/** An attempt that the rules kept from being sent, where no record of later attempts tells of it. */
const refusalOf = (entry: LedgerEntry, region: Region): Meter | undefined => {
  if (!("evidence" in entry)) return undefined;
  const { evidence } = entry;
  if (evidence.kind !== "network_limit" && evidence.kind !== "instrument_closed") return undefined;
  const at = { nowMs: evidence.atMs, region };
  const limit = evidence.kind === "network_limit" ? limitIds.find((id) => id === evidence.limit) : undefined;
  const rule =
    evidence.kind === "network_limit"
      ? limit
      : (["visa_category_1", "mastercard_advice_close"] as const).find((id) => id === evidence.rule);
  const fee = rule && feeOf(rule, at);
  return {
    chargeId: entry.chargeId,
    gateway: entry.gateway,
    attempt: entry.attempt,
    atMs: evidence.atMs,
    kind: "refused",
    because: evidence.kind,
    ...(limit && { limit }),
    ...(fee && { fee }),
    amount: entry.amount,
    currency: entry.currency,
  };
};

const meterOf = (record: RetryRecord, decision: RetryDecision): Meter | undefined => {
  if (decision.kind !== "refused" && decision.kind !== "postponed") return undefined;
  const { amount, currency } = record.message ?? {};
  return {
    chargeId: record.chargeId,
    gateway: record.gateway,
    attempt: decision.attempt + 1,
    atMs: decision.at,
    kind: decision.kind,
    because: decision.because,
    ...("limit" in decision && decision.limit !== undefined ? { limit: decision.limit } : {}),
    ...(decision.fee && { fee: decision.fee }),
    ...(amount === undefined ? {} : { amount }),
    ...(currency === undefined ? {} : { currency }),
  };
};

/**
 * Counts a ledger's later attempts, item by item in any order. Memory holds a charge's id where it has a record of
 * later attempts, or was refused; nothing else.
 * @param tell each attempt that was refused or put off, as it is known
 */
export const retryReport = (region: Region, tell: (meter: Meter) => void = () => {}) => {
  const attempts: { made: number; approved: number; money: Record<string, bigint> }[] = [];
  const recovered = row();
  const byDay = new Map<string, Record<string, bigint>>();
  const meters = new Map<
    string,
    { kind: Meter["kind"]; because: string; count: number; fees: Record<string, bigint> }
  >();
  const feesSaved: Record<string, bigint> = {};
  const waiting = row();
  const closed: Record<string, number> = {};
  const recorded = new Set<string>();
  const refusals = new Map<string, Meter>();
  let charges = 0;

  const at = (attempt: number) => (attempts[attempt - 1] ??= { made: 0, approved: 0, money: {} });
  const count = (meter: Meter): void => {
    tell(meter);
    const key = `${meter.kind} ${meter.because} ${meter.limit ?? ""}`;
    const because = meter.limit ?? meter.because;
    const one = meters.get(key) ?? { kind: meter.kind, because, count: 0, fees: {} };
    meters.set(key, one);
    one.count += 1;
    if (meter.fee === undefined) return;
    add(one.fees, meter.fee.currency, BigInt(meter.fee.amountMinor));
    add(feesSaved, meter.fee.currency, BigInt(meter.fee.amountMinor));
  };

  return {
    entry(entry: LedgerEntry): void {
      charges += 1;
      const made = attemptsMade(entry);
      for (let attempt = 1; attempt <= made; attempt++) at(attempt).made += 1;
      const refusal = refusalOf(entry, region);
      if (refusal !== undefined) refusals.set(entry.chargeId, refusal);
      if (entry.state !== "approved" || made === 0) return;
      at(made).approved += 1;
      add(at(made).money, entry.currency, BigInt(entry.amount));
      if (made === 1) return;
      addRow(recovered, entry);
      const day = new Date(entry.finalAtMs).toISOString().slice(0, 10);
      const sums = byDay.get(day) ?? {};
      byDay.set(day, sums);
      add(sums, entry.currency, BigInt(entry.amount));
    },
    record(record: RetryRecord): void {
      recorded.add(record.chargeId);
      for (const decision of record.decisions) {
        const meter = meterOf(record, decision);
        if (meter !== undefined) count(meter);
      }
      const { amount, currency } = record.message ?? {};
      if (record.state === "scheduled" && amount !== undefined && currency !== undefined)
        addRow(waiting, { amount, currency });
    },
    instrument({ closed: closure }: InstrumentRecord): void {
      if (closure !== undefined) closed[closure.rule] = (closed[closure.rule] ?? 0) + 1;
    },
    report(): RetryReport {
      // What a record tells of was decided once, not twice.
      for (const [chargeId, refusal] of refusals) if (!recorded.has(chargeId)) count(refusal);
      refusals.clear();
      return {
        charges,
        attempts: attempts.map((one, place) => ({ attempt: place + 1, ...one })),
        recovered,
        recoveredByDay: [...byDay].sort(([a], [b]) => (a < b ? -1 : 1)).map(([day, sums]) => ({ day, sums })),
        meter: [...meters.values()].sort((a, b) => b.count - a.count || a.because.localeCompare(b.because)),
        feesSaved,
        waiting,
        closed,
      };
    },
  };
};
