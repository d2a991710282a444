import type { Charge, ChargeId, LeaseToken, RequestId } from "./charge.ts";
import type { LedgerEntry } from "./ledger.ts";
import { networkSlackMs, type Policy } from "./policy.ts";
import { type LimitId, limitsOf, networkOf } from "./retry-rules/limits.ts";
import { type NetworkWord, networkWordOf } from "./retry-rules/network-word.ts";
import { roomOf, type Spend } from "./retry-rules/room.ts";

/** Under which an instrument is kept: the merchant's reference of it, and at whom its attempts are counted. */
export type InstrumentKey = { readonly merchant: string; readonly ref: string };

/** An attempt that was opened on an instrument. */
export type InstrumentSpend = Spend & { readonly requestId: RequestId };

/** Why nothing is sent on an instrument any more: the decline that closed it. */
export type Closure = {
  readonly atMs: number;
  readonly chargeId: ChargeId;
  readonly rule: Extract<NetworkWord, { kind: "closes" }>["rule"];
  readonly code: string;
};

/**
 * What the ledger keeps of an instrument: the attempts of the longest window that any network counts in, and
 * whether it is closed. Only whoever names its token replaces it.
 */
export type InstrumentRecord = InstrumentKey & {
  readonly v: 1;
  readonly token: LeaseToken;
  readonly spends: readonly InstrumentSpend[];
  readonly closed?: Closure;
};

/** The next version of an instrument's record, and the version that it was made from. */
export type InstrumentChange = {
  readonly previous: LeaseToken | undefined;
  readonly record: InstrumentRecord;
};

/** A limit of a network, or how many attempts a record holds. Stored words. */
export type BudgetLimit = LimitId | "kept_attempts";

/** Whether an attempt may be opened on an instrument. */
export type Budget =
  | { readonly kind: "free" }
  | { readonly kind: "full"; readonly untilMs: number; readonly limit: BudgetLimit }
  | { readonly kind: "closed"; readonly closure: Closure };

const dayMs = 86_400_000;
/** No window of any limit is longer than 31 days. */
const keptMs = 32 * dayMs;
/** So many attempts within a window are no one's card: more would not fit into the record. */
const keptMax = 2_000;

/** At whom attempts are counted: one merchant for the whole ledger, unless each gateway account is one of its own. */
export const instrumentKeyOf = (
  charge: Pick<Charge, "gateway"> & { readonly instrumentRef?: string | undefined },
  policy: Policy,
): InstrumentKey | undefined =>
  charge.instrumentRef === undefined
    ? undefined
    : { merchant: policy.budgetBy === "gateway" ? charge.gateway : "all", ref: charge.instrumentRef };

const moneyOf = ({ amount, currency }: Pick<LedgerEntry, "amount" | "currency">): string =>
  `${amount} ${currency}`;

/** Whether one more attempt is within every limit of the instrument's network. */
export const budgetOf = (
  record: InstrumentRecord | undefined,
  entry: Pick<LedgerEntry, "amount" | "currency" | "instrumentNetwork">,
  policy: Policy,
  nowMs: number,
): Budget => {
  if (record?.closed !== undefined) return { kind: "closed", closure: record.closed };
  const spends = record?.spends ?? [];
  const limits = limitsOf(networkOf(entry.instrumentNetwork), { nowMs, region: policy.retryRegion });
  const room = roomOf(spends, moneyOf(entry), limits, networkSlackMs(policy), nowMs);
  if (room.kind === "full") return { kind: "full", untilMs: room.untilMs, limit: room.limit.id };
  const oldest = spends.length < keptMax ? undefined : spends.map(({ at }) => at).sort((a, b) => a - b)[0];
  return oldest === undefined
    ? { kind: "free" }
    : { kind: "full", untilMs: oldest + keptMs + networkSlackMs(policy), limit: "kept_attempts" };
};

/**
 * What a write of an entry does to its instrument. An attempt takes its place when it is opened, and gives it back
 * only where it is proved never to have been sent; a decline may close the instrument.
 */
export const actOn = (
  from: LedgerEntry | undefined,
  to: LedgerEntry,
): "take" | "giveBack" | "judge" | undefined => {
  if (to.instrumentRef === undefined) return undefined;
  if (to.state === "opened")
    return from === undefined || from.state === "waiting" || from.requestId !== to.requestId
      ? "take"
      : undefined;
  if (to.state === "waiting") return from?.state === "opened" ? "giveBack" : undefined;
  const declined = to.state === "declined_permanent" || to.state === "declined_retryable";
  return declined && from !== undefined && from.state !== to.state ? "judge" : undefined;
};

type By = { readonly token: LeaseToken; readonly nowMs: number };

const next = (
  key: InstrumentKey,
  record: InstrumentRecord | undefined,
  changes: Partial<Pick<InstrumentRecord, "spends" | "closed">>,
  { token, nowMs }: By,
  policy: Policy,
): InstrumentChange => {
  const keepFromMs = nowMs - keptMs - networkSlackMs(policy);
  const made = { v: 1 as const, ...key, ...record, spends: record?.spends ?? [], ...changes, token };
  return {
    previous: record?.token,
    record: { ...made, spends: made.spends.filter(({ at }) => at > keepFromMs) },
  };
};

/** The record with one more attempt. The caller holds a budget that is free. */
export const takePlace = (
  key: InstrumentKey,
  record: InstrumentRecord | undefined,
  entry: LedgerEntry,
  by: By,
  policy: Policy,
): InstrumentChange => {
  const spend = { at: by.nowMs, money: moneyOf(entry), requestId: entry.requestId };
  return next(key, record, { spends: [...(record?.spends ?? []), spend] }, by, policy);
};

/** The record without an attempt that was never sent; `undefined` where it does not have it. */
export const giveBackPlace = (
  key: InstrumentKey,
  record: InstrumentRecord | undefined,
  { requestId }: LedgerEntry,
  by: By,
  policy: Policy,
): InstrumentChange | undefined => {
  const spends = record?.spends.filter((spend) => spend.requestId !== requestId);
  return spends === undefined || spends.length === record?.spends.length
    ? undefined
    : next(key, record, { spends }, by, policy);
};

/** The record closed by this decline; `undefined` where the decline closes nothing, or it is closed already. */
export const closeBy = (
  key: InstrumentKey,
  record: InstrumentRecord | undefined,
  entry: LedgerEntry,
  by: By,
  policy: Policy,
): InstrumentChange | undefined => {
  if (!("ending" in entry) || record?.closed !== undefined) return undefined;
  const { networkCode, adviceCode } = entry.ending;
  const word = networkWordOf(
    { network: entry.instrumentNetwork, networkCode, adviceCode },
    { nowMs: by.nowMs, region: policy.retryRegion },
  );
  if (word.kind !== "closes") return undefined;
  const closed = { atMs: by.nowMs, chargeId: entry.chargeId, rule: word.rule, code: word.code };
  return next(key, record, { closed }, by, policy);
};

/** When DynamoDB may drop a record: never once it is closed. Milliseconds since 1970. */
export const droppableAtMs = ({ closed, spends }: InstrumentRecord): number | undefined =>
  closed === undefined ? Math.max(0, ...spends.map(({ at }) => at)) + 2 * keptMs : undefined;
