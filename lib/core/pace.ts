import type { LeaseToken } from "./charge.ts";

/** Why a gateway account is closed to every worker. Stored words. */
export const closeReasons = [
  /** it answered 429: nobody may call it before its Retry-After is over */
  "rate_limited",
  /** it did not answer, or with faults of its own, several times in a row */
  "outage",
  /** it refused the account itself (key, allow-list) several times in a row */
  "credential",
] as const;
export type CloseReason = (typeof closeReasons)[number];

export type Closing = {
  readonly because: CloseReason;
  readonly sinceMs: number;
  /** when the first of the faults in a row was sent */
  readonly faultsFromMs?: number;
  /** until then nothing is sent; `rate_limited` is open from then on, the others wait for a look-up */
  readonly untilMs: number;
  /** a Retry-After that came while it was closed for something else: until then not even a look-up */
  readonly pausedUntilMs?: number;
  /** how often in a row it was closed or stayed so: the wait doubles with it */
  readonly times: number;
  /** when a look-up opened it again */
  readonly openedAtMs?: number;
};

/** What all workers share of the pace at one gateway account. */
export type PaceRecord = {
  readonly v: 1;
  /** names this version: whoever writes the next one has to know it */
  readonly version: LeaseToken;
  readonly closing?: Closing;
  /** one worker makes the look-up that may open it, and the others leave it alone until then */
  readonly probeUntilMs?: number;
  /** it answered 429 once: from then on its documented rate is kept, on whatever host it is */
  readonly limited?: true;
  /** where the fleet stands in its own timetable, at an account whose rate is known */
  readonly turns?: Turns;
  /** the latest send of which a look-up showed that the gateway worked it: no outage then, answers or not */
  readonly workedAtMs?: number;
};

/** What a look-up has to disprove: time alone ends the pause of a 429. */
export type ProbedReason = Exclude<CloseReason, "rate_limited">;

/** Whether a gateway account may be sent to. `probe`: not before a look-up has succeeded, and one is due. */
export type Gate =
  | { readonly kind: "open" }
  | { readonly kind: "closed"; readonly because: CloseReason; readonly untilMs: number }
  | { readonly kind: "probe"; readonly because: ProbedReason };

const open: Gate = { kind: "open" };

/** Until when nothing at all, or no charge at least, may be sent; a look-up may have to open it after that. */
export const closedUntilMs = ({ untilMs, pausedUntilMs = 0 }: Closing): number =>
  Math.max(untilMs, pausedUntilMs);

export const gateOf = (record: Partial<PaceRecord> | undefined, nowMs: number): Gate => {
  const closing = record?.closing;
  if (closing === undefined) return open;
  const { pausedUntilMs = 0 } = closing;
  const opened = closing.openedAtMs !== undefined;
  if (nowMs < pausedUntilMs)
    return {
      kind: "closed",
      because: "rate_limited",
      untilMs: opened ? pausedUntilMs : closedUntilMs(closing),
    };
  if (opened) return open;
  const { because, untilMs } = closing;
  if (nowMs < untilMs) return { kind: "closed", because, untilMs };
  if (because === "rate_limited") return open;
  const probeUntilMs = record?.probeUntilMs ?? 0;
  return nowMs < probeUntilMs
    ? { kind: "closed", because, untilMs: probeUntilMs }
    : { kind: "probe", because };
};

/** The waits of a closed gateway, as the policy has them. */
export type ProbeDelays = { readonly firstMs: number; readonly longestMs: number };

const delayMsOf = (times: number, { firstMs, longestMs }: ProbeDelays): number =>
  Math.min(firstMs * 2 ** Math.min(times - 1, 30), longestMs);

/** What is asked of the record: to be closed, for as long as the gateway said or the waits say. */
export type Close = {
  readonly because: CloseReason;
  readonly atMs: number;
  readonly forMs?: number;
  readonly faultsFromMs?: number;
  /** no charge went well since it was opened: it was not well yet, and is left alone for longer */
  readonly relapse?: boolean;
};

/**
 * The record with the gateway closed, or `undefined` where that changes nothing. A closing never ends sooner
 * by another one; one that waits for a look-up goes on waiting for it.
 */
export const closeGate = (
  record: Omit<PaceRecord, "version"> | undefined,
  { because, atMs, forMs, faultsFromMs, relapse = false }: Close,
  delays: ProbeDelays,
): Omit<PaceRecord, "version"> | undefined => {
  const before = record?.closing;
  const stands =
    before !== undefined &&
    before.openedAtMs === undefined &&
    (before.because !== "rate_limited" || atMs < before.untilMs);
  if (stands && because !== "rate_limited" && before.because !== "rate_limited") return undefined;
  const again = before !== undefined && before.because === because;
  const times = again && relapse ? before.times + 1 : 1;
  const untilMs = atMs + (forMs ?? delayMsOf(times, delays));
  if (stands && because === "rate_limited") {
    if (before.because === "rate_limited")
      return untilMs <= before.untilMs
        ? undefined
        : { ...record, v: 1, limited: true, closing: { ...before, untilMs } };
    // It stays closed for what it was, and the look-up that may open it waits, too.
    return untilMs <= (before.pausedUntilMs ?? 0)
      ? undefined
      : {
          ...record,
          v: 1,
          limited: true,
          closing: { ...before, untilMs: Math.max(untilMs, before.untilMs), pausedUntilMs: untilMs },
        };
  }
  const { probeUntilMs: _probe, ...rest } = record ?? { v: 1 as const };
  const pausedUntilMs = stands ? before.untilMs : (before?.pausedUntilMs ?? 0);
  return {
    ...rest,
    v: 1,
    ...(because === "rate_limited" ? { limited: true as const } : {}),
    closing: {
      because,
      sinceMs: atMs,
      ...(faultsFromMs === undefined ? {} : { faultsFromMs }),
      untilMs: Math.max(untilMs, pausedUntilMs),
      times,
      ...(because !== "rate_limited" && pausedUntilMs > atMs ? { pausedUntilMs } : {}),
    },
  };
};

/**
 * The record after a look-up showed that the gateway worked a charge sent at `sentAtMs`, answered or not;
 * `undefined` where that is no news. Of the faults that closed it for an outage one was none, then: it is tried
 * again as soon as after a first closing.
 */
export const noteWorked = (
  record: Omit<PaceRecord, "version"> | undefined,
  sentAtMs: number,
  nowMs: number,
  { firstMs }: ProbeDelays,
): Omit<PaceRecord, "version"> | undefined => {
  const closing = record?.closing;
  // Worth a write only where the account was closed, and not seen well since.
  const newsFromMs = closing?.openedAtMs ?? closing?.faultsFromMs;
  if (closing === undefined || newsFromMs === undefined) return undefined;
  if (sentAtMs < newsFromMs || sentAtMs <= (record?.workedAtMs ?? 0)) return undefined;
  const worked = { ...record, v: 1 as const, workedAtMs: sentAtMs };
  return closing.because === "outage" && closing.openedAtMs === undefined
    ? {
        ...worked,
        closing: { ...closing, times: 1, untilMs: Math.min(closing.untilMs, nowMs + firstMs) },
      }
    : worked;
};

/**
 * The record after the look-up that was to open it, claimed until `claimedUntilMs`; `undefined` where it comes too
 * late. A worker that stood still meanwhile tells of an account as it was: by then another may have looked, and it may
 * have been opened and closed again for something else.
 */
export const noteProbe = (
  record: Omit<PaceRecord, "version">,
  passed: boolean,
  claimedUntilMs: number,
  atMs: number,
  delays: ProbeDelays,
): Omit<PaceRecord, "version"> | undefined => {
  const { probeUntilMs, closing, ...rest } = record;
  if (probeUntilMs !== claimedUntilMs || atMs >= claimedUntilMs) return undefined;
  if (closing === undefined || closing.openedAtMs !== undefined)
    return { ...rest, ...(closing && { closing }) };
  if (passed) return { ...rest, closing: { ...closing, openedAtMs: atMs } };
  const times = closing.times + 1;
  return { ...rest, closing: { ...closing, times, untilMs: atMs + delayMsOf(times, delays) } };
};

/** So many requests of an account are allowed in any stretch of so many milliseconds. */
export type RateLimit = { readonly requests: number; readonly perMs: number };

/** The fleet's timetable: requests are given turns, and each turn is given once. */
export type Turns = {
  /** the next turn that nobody has */
  readonly nextMs: number;
  /** turns that may be taken at once, soon after the fleet was idle */
  readonly burstLeft: number;
  readonly burstAtMs: number;
};

/** Kept back of the allowed rate: clocks run differently, and requests arrive unevenly. */
const rateShare = 0.97;
/** A burst is for the first tenth of a stretch: later it would stand beside a whole stretch of turns. */
const burstShare = 0.1;

const burstOf = ({ requests }: RateLimit): number => Math.floor(requests / 2);

/** How far apart turns stand at the most, in milliseconds: for the rest of a stretch that began with a burst. */
export const turnsApartMs = (limit: RateLimit): number =>
  limit.perMs / ((limit.requests - burstOf(limit)) * rateShare);

/**
 * Takes up to `wanted` turns that begin at `untilMs` at the latest. After an idle stretch half of what is allowed may go
 * at once, and the rest of that stretch goes slower for it; from then on turns stand evenly. So no stretch has
 * more turns than are allowed, wherever it begins.
 * @returns the turns, as moments, and the timetable without them; fewer or none where it is full until then
 */
export const takeTurns = (
  turns: Turns | undefined,
  limit: RateLimit,
  wanted: number,
  nowMs: number,
  untilMs: number,
): { readonly turns: Turns; readonly at: readonly number[] } => {
  const { requests, perMs } = limit;
  const burst = burstOf(limit);
  const standing =
    turns === undefined || turns.nextMs < nowMs - perMs
      ? { nextMs: nowMs, burstLeft: burst, burstAtMs: nowMs }
      : turns;
  const burstLeft = nowMs - standing.burstAtMs < perMs * burstShare ? standing.burstLeft : 0;
  const atOnce = Math.min(wanted, burstLeft);
  const at: number[] = [];
  while (at.length < atOnce) at.push(nowMs);
  let nextMs = Math.max(standing.nextMs, nowMs);
  while (at.length < wanted && nextMs <= untilMs) {
    const slow = nextMs < standing.burstAtMs + perMs * (1 + burstShare);
    at.push(nextMs);
    nextMs += slow ? turnsApartMs(limit) : perMs / (requests * rateShare);
  }
  return {
    turns: {
      ...standing,
      nextMs: at.length > atOnce ? nextMs : standing.nextMs,
      burstLeft: burstLeft - atOnce,
    },
    at,
  };
};
