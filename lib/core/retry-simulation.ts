import type { DeclineCategory } from "./decline.ts";
import { type Declined, type NeverReason, nextAttempt, type RetryWish } from "./next-attempt.ts";
import { type FeeFor, feeOf, limitsOf, networkOf } from "./retry-rules/limits.ts";
import { networkWordOf } from "./retry-rules/network-word.ts";
import { roomOf, type Spend } from "./retry-rules/room.ts";

/** One attempt of a merchant's own history. */
export type PastAttempt = {
  readonly chargeId: string;
  readonly instrument?: string;
  readonly network?: string;
  readonly atMs: number;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly outcome: "approved" | "declined";
  readonly networkCode?: string;
  readonly adviceCode?: string;
  readonly category: DeclineCategory;
};

/** A count, and the money behind it by currency, in minor units. */
export type Tally = { readonly count: number; readonly money: Readonly<Record<string, bigint>> };

/** Something that costs so much a piece. */
export type FeeTally = { readonly count: number; readonly fees: Readonly<Record<string, bigint>> };

export type RetrySimulation = {
  readonly charges: number;
  readonly attempts: number;
  /** what the history did, judged by the networks' rules: attempts that one of them forbids, and what they cost */
  readonly forbidden: Readonly<Record<string, FeeTally>>;
  readonly feesSaved: Readonly<Record<string, bigint>>;
  /** attempts that would have been sent, by their number within the charge */
  readonly sent: readonly number[];
  /** charges that would have got no (further) attempt, by reason */
  readonly refused: Readonly<Partial<Record<NeverReason, Tally>>>;
  /** attempts that a network's count would have put off */
  readonly postponed: number;
  /** approved at a later attempt, by a moment at which the history had an approval, too */
  readonly recovered: Tally;
  /** declined in all that the history knows, and tried later than that: whether it goes through nobody knows */
  readonly perhaps: Tally;
  /** approved at a later attempt in the history, and given up before that here */
  readonly missed: Tally;
};

const dayMs = 86_400_000;
/** No window of any limit is longer. */
const longestWindowMs = 32 * dayMs;

const moneyOf = ({ amountMinor, currency }: PastAttempt): string => `${amountMinor} ${currency}`;

type Counter<T extends "money" | "fees"> = { count: number } & Record<T, Record<string, bigint>>;

const addTo = (sums: Record<string, bigint>, currency: string, minor: bigint): void => {
  sums[currency] = (sums[currency] ?? 0n) + minor;
};

const tally = (): Counter<"money"> => ({ count: 0, money: {} });
const count = (into: Counter<"money">, { amountMinor, currency }: PastAttempt): void => {
  into.count += 1;
  addTo(into.money, currency, amountMinor);
};

type Instrument = { spends: Spend[]; closedBy: FeeFor | undefined };

const spend = (instrument: Instrument, attempt: Spend): void => {
  instrument.spends = [...instrument.spends.filter(({ at }) => at > attempt.at - longestWindowMs), attempt];
};

/** The attempts of the history that a rule forbids: on an instrument that was closed, or beyond a count. */
const judgeHistory = (byInstrument: readonly (readonly PastAttempt[])[], wish: RetryWish) => {
  const forbidden: Record<string, Counter<"fees">> = {};
  const feesSaved: Record<string, bigint> = {};
  for (const attempts of byInstrument) {
    const instrument: Instrument = { spends: [], closedBy: undefined };
    for (const attempt of attempts) {
      const at = { nowMs: attempt.atMs, region: wish.region };
      const room = roomOf(
        instrument.spends,
        moneyOf(attempt),
        limitsOf(networkOf(attempt.network), at),
        0,
        attempt.atMs,
      );
      const rule = instrument.closedBy ?? (room.kind === "full" ? room.limit.id : undefined);
      if (rule !== undefined) {
        forbidden[rule] ??= { count: 0, fees: {} };
        forbidden[rule].count += 1;
        const fee = feeOf(rule, at);
        if (fee !== undefined) {
          addTo(forbidden[rule].fees, fee.currency, BigInt(fee.amountMinor));
          addTo(feesSaved, fee.currency, BigInt(fee.amountMinor));
        }
      }
      spend(instrument, { at: attempt.atMs, money: moneyOf(attempt) });
      if (attempt.outcome === "approved") continue;
      const word = networkWordOf(attempt, at);
      if (word.kind === "closes") instrument.closedBy ??= word.rule;
    }
  }
  return { forbidden, feesSaved };
};

/** One charge's attempts, or one instrument's, in their order. */
type History = readonly [first: PastAttempt, ...later: PastAttempt[]];

/** One charge as it is played anew. */
type Played = {
  readonly history: History;
  readonly first: PastAttempt;
  /** when the history's last attempt was made */
  readonly lastMs: number;
  attempts: number;
  atMs: number;
  /** a network's count has put its next attempt off already */
  putOff: boolean;
  /** the history says nothing of a moment as late as its last attempt here */
  beyondHistory: boolean;
};

const charge = (history: History): Played => {
  const [first] = history;
  const lastMs = Math.max(...history.map(({ atMs }) => atMs));
  return { history, first, lastMs, attempts: 0, atMs: first.atMs, putOff: false, beyondHistory: false };
};

/** What the history says of an attempt at this moment: an approval that it had by then, or its latest decline. */
const wordAt = ({ history, first }: Played, atMs: number): PastAttempt => {
  const known = history.filter((one) => one.atMs <= atMs);
  return known.find(({ outcome }) => outcome === "approved") ?? known.at(-1) ?? first;
};

const groupBy = (attempts: readonly PastAttempt[], key: (one: PastAttempt) => string): readonly History[] => {
  const groups = new Map<string, [PastAttempt, ...PastAttempt[]]>();
  for (const one of attempts) {
    const group = groups.get(key(one));
    if (group === undefined) groups.set(key(one), [one]);
    else group.push(one);
  }
  return [...groups.values()];
};

/**
 * A merchant's own history of attempts, played anew under the networks' rules and a schedule: what would have
 * been sent, refused and put off, what could have been recovered at the most, and what fees the history ran up
 * that it need not have. Nothing is guessed: where the history does not know an answer, the money is counted
 * as `perhaps`, and the charge goes on as declined.
 */
export const simulateRetries = (history: readonly PastAttempt[], wish: RetryWish): RetrySimulation => {
  const inOrder = history.toSorted((a, b) => a.atMs - b.atMs);
  // A charge without an instrument shares its counts with nobody.
  const byInstrument = groupBy(inOrder, ({ instrument, chargeId }) =>
    instrument === undefined ? `charge ${chargeId}` : `instrument ${instrument}`,
  );
  const sent: number[] = [];
  const refused: Partial<Record<NeverReason, Counter<"money">>> = {};
  const recovered = tally();
  const perhaps = tally();
  const missed = tally();
  let postponed = 0;
  let charges = 0;

  const end = (played: Played, because: NeverReason): void => {
    const { history: known, first } = played;
    refused[because] ??= tally();
    count(refused[because], first);
    // The first attempt is everybody's; what a later one brought is what a schedule may miss.
    if (known.some(({ outcome }, at) => at > 0 && outcome === "approved")) count(missed, first);
    else if (played.beyondHistory) count(perhaps, first);
  };

  for (const attempts of byInstrument) {
    const instrument: Instrument = { spends: [], closedBy: undefined };
    const waiting = groupBy(attempts, ({ chargeId }) => chargeId).map(charge);
    charges += waiting.length;
    const take = (): Played | undefined => waiting.sort((a, b) => a.atMs - b.atMs).shift();
    for (let played = take(); played !== undefined; played = take()) {
      const { first, atMs } = played;
      const at = { nowMs: atMs, region: wish.region };
      if (instrument.closedBy !== undefined) {
        end(played, "instrument_closed");
        continue;
      }
      const money = moneyOf(first);
      const limits = limitsOf(networkOf(first.network), at);
      const room = roomOf(instrument.spends, money, limits, wish.slackMs, atMs);
      if (room.kind === "full") {
        if (!played.putOff) postponed += 1;
        waiting.push({ ...played, atMs: room.untilMs, putOff: true });
        continue;
      }
      spend(instrument, { at: atMs, money });
      const made = played.attempts + 1;
      sent[made - 1] = (sent[made - 1] ?? 0) + 1;
      const word = wordAt(played, atMs);
      if (word.outcome === "approved") {
        if (made > 1) count(recovered, first);
        continue;
      }
      const tried: Played = {
        ...played,
        attempts: made,
        beyondHistory: played.beyondHistory || atMs > played.lastMs,
      };
      const declined: Declined = { ...word, atMs, attempts: made, money };
      // Its room is asked for when it is due: others may take a place until then.
      const next = nextAttempt(declined, undefined, wish, atMs, 0);
      if (next.kind === "at") {
        waiting.push({ ...tried, atMs: next.atMs, putOff: false });
        continue;
      }
      instrument.closedBy = next.fee;
      end(tried, next.because);
    }
  }
  return {
    charges,
    attempts: history.length,
    ...judgeHistory(byInstrument, wish),
    sent: Array.from(sent, (made) => made ?? 0),
    refused,
    postponed,
    recovered,
    perhaps,
    missed,
  };
};
