import { adviceOf, type DeclineCategory } from "./decline.ts";
import { type FeeFor, type LimitId, limitsOf, networkOf } from "./retry-rules/limits.ts";
import { type NetworkDecline, networkWordOf } from "./retry-rules/network-word.ts";
import { roomOf, type Spend } from "./retry-rules/room.ts";
import type { Region } from "./retry-rules/sources.ts";

/** Why there will be no later attempt. Stored words. */
export const neverReasons = [
  /** an earlier decline closed the instrument, whichever charge it was of */
  "instrument_closed",
  /** the issuer will never approve: Visa's category 1 */
  "visa_category_1",
  /** Mastercard's advice 03 or 21 */
  "mastercard_advice_close",
  /** Mastercard's advice asks for something else than time */
  "mastercard_advice_stop",
  /** an advice code that no rule names: no leave to try again */
  "mastercard_advice_unlisted",
  /** the decline's category is not one that time heals */
  "category",
  /** every attempt that the policy allows was made */
  "attempts_used_up",
  /** it would come later than `notAfter` */
  "past_not_after",
  /** it was declined, and then the gateway said that it took the money */
  "money_taken",
] as const;
export type NeverReason = (typeof neverReasons)[number];

/** What holds a later attempt back until its moment. Stored words. */
export const boundNames = [
  /** the merchant's schedule */
  "schedule",
  /** the wait that Mastercard's advice names */
  "mastercard_advice_wait",
  /** a network's count of attempts */
  "network_limit",
] as const;
export type BoundName = (typeof boundNames)[number];

export type Bound = { readonly name: BoundName; readonly atMs: number; readonly limit?: LimitId };

/** When the next attempt may be made, and what it waits for the longest; or that there is none. */
export type NextAttempt =
  | { readonly kind: "at"; readonly atMs: number; readonly bounds: readonly Bound[]; readonly last: Bound }
  | { readonly kind: "never"; readonly because: NeverReason; readonly fee?: FeeFor };

/** An attempt that was declined, with everything that bears on a later one. */
export type Declined = NetworkDecline & {
  readonly category: DeclineCategory;
  /** when the decline was answered */
  readonly atMs: number;
  /** attempts of this charge that were made, this one included */
  readonly attempts: number;
  /** it was never sent: a network's count left no room. The schedule has no say then. Where absent, it was. */
  readonly sent?: boolean;
  /** amount in minor units and currency, as one text */
  readonly money: string;
  readonly notAfterMs?: number | undefined;
};

/** What is known of its instrument; nothing where the charge names none. */
export type InstrumentView = { readonly spends: readonly Spend[]; readonly closed: boolean };

/** The merchant's wish, and where the networks' rules count. */
export type RetryWish = {
  readonly scheduleMs: readonly number[];
  readonly attemptsMax: number;
  readonly region: Region;
  /** how much later than it was opened an attempt may reach the network */
  readonly slackMs: number;
};

const hourMs = 3_600_000;

/**
 * The latest of all lower bounds: the merchant's schedule is the wish, the networks' rules are the ceiling, and a
 * `never` beats everything. Later attempts are spread by up to a tenth of their wait, at most an hour, and
 * never past `notAfter`.
 * @param fraction from 0 up to, not including, 1: the place in the spread
 */
export const nextAttempt = (
  declined: Declined,
  instrument: InstrumentView | undefined,
  wish: RetryWish,
  nowMs: number,
  fraction: number,
): NextAttempt => {
  const at = { nowMs, region: wish.region };
  const word = networkWordOf(declined, at);
  // What the networks forbid is told before what the merchant would not have done anyway: it has a fee.
  if (word.kind === "closes") return { kind: "never", because: word.rule, fee: word.rule };
  if (instrument?.closed === true) return { kind: "never", because: "instrument_closed" };
  if (word.kind === "stops") return { kind: "never", because: word.rule };
  if (adviceOf[declined.category] !== "later") return { kind: "never", because: "category" };
  const waitMs = declined.sent === false ? 0 : wish.scheduleMs[declined.attempts - 1];
  if (waitMs === undefined || declined.attempts >= wish.attemptsMax)
    return { kind: "never", because: "attempts_used_up" };

  const bounds: Bound[] = [{ name: "schedule", atMs: declined.atMs + waitMs }];
  if (word.kind === "waits")
    bounds.push({ name: "mastercard_advice_wait", atMs: declined.atMs + word.waitMs });
  const soonestMs = Math.max(nowMs, ...bounds.map(({ atMs }) => atMs));
  const limits = limitsOf(networkOf(declined.network), { ...at, nowMs: soonestMs });
  // Asked for the moment at which it would be made, not for now: until then room may come.
  const room = roomOf(instrument?.spends ?? [], declined.money, limits, wish.slackMs, soonestMs);
  if (room.kind === "full") bounds.push({ name: "network_limit", atMs: room.untilMs, limit: room.limit.id });

  const last = bounds.reduce((latest, bound) => (bound.atMs > latest.atMs ? bound : latest));
  const soonest = Math.max(nowMs, last.atMs);
  const notAfterMs = declined.notAfterMs ?? Number.POSITIVE_INFINITY;
  if (soonest > notAfterMs) return { kind: "never", because: "past_not_after" };
  const spread = soonest + Math.floor(fraction * Math.min(hourMs, (soonest - declined.atMs) / 10));
  return { kind: "at", atMs: Math.min(spread, notAfterMs), bounds, last };
};
