import { type InstrumentView, nextAttempt, type RetryWish } from "../../lib/core/next-attempt.ts";
import { limitsOf, networkOf } from "../../lib/core/retry-rules/index.ts";
import { roomOf, type Spend } from "../../lib/core/retry-rules/room.ts";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
/** How long an attempt may be on its way. */
const latestMs = 17 * minute;

/** Written down once more, by hand: the rules' own tables must not be what they are checked by. */
const visaCategory1 = "04 07 12 14 15 41 43 46 57 R0 R1 R3".split(" ");
const otherCodes =
  "03 19 39 51 52 53 59 61 62 65 75 78 83 86 91 93 96 5C 9G N3 N4 Z5 54 55 82 6P N7 70 1A 01 05 13 58 63".split(
    " ",
  );
const adviceCloses = ["03", "21"];
const otherAdvice = "01 02 04 05 22 24 25 26 27 28 29 30 40 41 43 99".split(" ");
const limits = [
  { networks: ["mastercard", undefined], max: 10, perMs: day, byAmount: false },
  { networks: ["mastercard", undefined], max: 35, perMs: 30 * day, byAmount: true },
  { networks: ["visa", undefined], max: 20, perMs: 30 * day, byAmount: true },
] as const;

export type EagerTally = {
  attempts: number;
  beyondLimit: number;
  onClosed: number;
  closedInstruments: number;
  postponed: number;
};

type Attempt = { readonly arrivesMs: number; readonly money: string };

const sorted = (attempts: readonly Attempt[]): readonly Attempt[] =>
  [...attempts].sort((a, b) => a.arrivesMs - b.arrivesMs);

/** Attempts that arrived when so many had arrived already within the window before them. */
const beyond = (attempts: readonly Attempt[], max: number, perMs: number): number => {
  let count = 0;
  let from = 0;
  for (const [at, { arrivesMs }] of attempts.entries()) {
    while ((attempts[from]?.arrivesMs ?? 0) <= arrivesMs - perMs) from += 1;
    if (at - from + 1 > max) count += 1;
  }
  return count;
};

const randomOf = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
};

/**
 * A merchant who would try every minute, for ever: each instrument has three charges of two amounts, is declined at
 * every attempt, mostly with one code, and each attempt reaches the network a while after it was opened. What
 * happens is counted by rules of its own.
 */
export const eagerRetrier = (
  instruments: number,
  days: number,
  { seed = 1, slackMs = latestMs }: { readonly seed?: number; readonly slackMs?: number } = {},
): EagerTally => {
  const random = randomOf(seed);
  const wish: RetryWish = {
    scheduleMs: Array.from({ length: 10_000 }, () => minute),
    attemptsMax: 20_000,
    region: "global",
    slackMs,
  };
  const answers = [
    ...[...visaCategory1, ...otherCodes].map((networkCode) => ({ networkCode, adviceCode: undefined })),
    ...[...adviceCloses, ...otherAdvice].map((adviceCode) => ({ networkCode: "51", adviceCode })),
  ];
  const words = ["visa", "mastercard", undefined] as const;
  const tally: EagerTally = { attempts: 0, beyondLimit: 0, onClosed: 0, closedInstruments: 0, postponed: 0 };
  const endMs = Date.UTC(2026, 10, 1) + days * day;
  for (let one = 0; one < instruments; one++) {
    const network = words[one % words.length];
    const own = answers[Math.floor(one / words.length) % answers.length] ?? answers[0];
    let spends: Spend[] = [];
    let closed = false;
    /** by the hand-written lists: from here on every attempt is one too many */
    let mustBeClosed = false;
    const attempts: Attempt[] = [];
    const charges = ["1999 EUR", "1999 EUR", "500 EUR"].map((money) => ({
      money,
      attempts: 0,
      atMs: Date.UTC(2026, 10, 1) + Math.floor(random() * hour),
    }));
    for (;;) {
      const charge = charges.reduce((first, other) => (other.atMs < first.atMs ? other : first));
      const nowMs = charge.atMs;
      if (nowMs >= endMs) break;
      const room = roomOf(
        spends,
        charge.money,
        limitsOf(networkOf(network), { nowMs, region: "global" }),
        slackMs,
        nowMs,
      );
      if (closed || room.kind === "full") {
        tally.postponed += 1;
        charge.atMs = closed || room.kind === "free" ? endMs : room.untilMs;
        continue;
      }
      spends = [...spends.filter(({ at }) => at > nowMs - 32 * day), { at: nowMs, money: charge.money }];
      charge.attempts += 1;
      if (mustBeClosed) tally.onClosed += 1;
      attempts.push({ arrivesMs: nowMs + Math.floor(random() * latestMs), money: charge.money });
      const answer = random() < 0.98 ? own : { networkCode: "05", adviceCode: undefined };
      const { networkCode, adviceCode } = answer ?? { networkCode: undefined, adviceCode: undefined };
      const view: InstrumentView = { spends, closed };
      const next = nextAttempt(
        {
          network,
          networkCode,
          adviceCode,
          category: "issuer_refused",
          atMs: nowMs,
          attempts: charge.attempts,
          money: charge.money,
        },
        view,
        wish,
        nowMs,
        random(),
      );
      charge.atMs = next.kind === "at" ? next.atMs : endMs;
      if (next.kind === "never" && next.fee !== undefined) closed = true;
      const closes =
        (network !== "mastercard" && visaCategory1.includes(networkCode ?? "")) ||
        (network !== "visa" && adviceCloses.includes(adviceCode ?? ""));
      if (closes && !mustBeClosed) tally.closedInstruments += 1;
      mustBeClosed ||= closes;
    }
    tally.attempts += attempts.length;
    for (const { networks, max, perMs, byAmount } of limits) {
      if (!(networks as readonly (string | undefined)[]).includes(network)) continue;
      const groups = byAmount
        ? ["1999 EUR", "500 EUR"].map((money) => attempts.filter((attempt) => attempt.money === money))
        : [attempts];
      for (const group of groups) tally.beyondLimit += beyond(sorted(group), max, perMs);
    }
  }
  return tally;
};
