import type { Answered } from "./answered.ts";
import type { Close } from "./pace.ts";

/** What one worker keeps of a gateway account: how many charges at once, and what it saw in a row. */
export type LocalPace = {
  /** not rounded: it grows by parts */
  readonly concurrency: number;
  readonly faultsInRow: number;
  /** when the first of them was sent */
  readonly faultsFromMs?: number;
  readonly refusalsInRow: number;
  readonly limitedInRow: number;
  /** when it was last narrowed: an answer to what was sent before says nothing new */
  readonly narrowedAtMs: number;
  /** how long a good answer usually takes */
  readonly usualMs?: number;
  readonly wellAtMs?: number;
};

export type LocalLimits = {
  readonly concurrencyMin: number;
  readonly concurrencyMax: number;
  readonly closeAfterFaults: number;
  readonly closeAfterRefusals: number;
};

export const localPace = ({ concurrencyMax }: Pick<LocalLimits, "concurrencyMax">): LocalPace => ({
  concurrency: concurrencyMax,
  faultsInRow: 0,
  refusalsInRow: 0,
  limitedInRow: 0,
  narrowedAtMs: Number.NEGATIVE_INFINITY,
});

/** Exchanges at once. */
export const widthOf = ({ concurrency }: LocalPace): number => Math.max(1, Math.floor(concurrency));

/** An account that answers within this is quick. */
const quickMs = 250;
const aheadShare = 0.25;

/**
 * Charges in hand beside those on their way: while the answer of one is recorded the next stands opened, and no
 * place on the way is empty. Only at an account that answers well and quickly: elsewhere it would gain nothing,
 * and a charge that stands opened might lose the time that its answer needs.
 */
export const aheadOf = (local: LocalPace): number =>
  local.faultsInRow === 0 && local.usualMs !== undefined && local.usualMs <= quickMs
    ? Math.floor(widthOf(local) * aheadShare)
    : 0;

/** An answer is slow when it takes this many times the usual, and this much longer. */
const slowTimes = 4;
const slowByMs = 1_000;
const usualWeight = 0.1;

/** One exchange of a charge with the gateway. */
export type Exchange = {
  readonly answered: Answered;
  readonly begunAtMs: number;
  readonly tookMs: number;
};

/**
 * Additive increase, multiplicative decrease: one more at once after as many good answers as there are at
 * once, half as many after a 429 or a fault, a tenth less after a slow answer; narrowed once for all that was
 * on its way at the same time.
 */
export const noteExchange = (
  local: LocalPace,
  { answered, begunAtMs, tookMs }: Exchange,
  limits: LocalLimits,
): LocalPace => {
  const nowMs = begunAtMs + tookMs;
  const narrowed = (share: number): LocalPace =>
    begunAtMs < local.narrowedAtMs
      ? local
      : {
          ...local,
          concurrency: Math.max(limits.concurrencyMin, local.concurrency * share),
          narrowedAtMs: nowMs,
        };
  switch (answered.kind) {
    case "well": {
      const usualMs = local.usualMs ?? tookMs;
      const slow = tookMs > usualMs * slowTimes && tookMs > usualMs + slowByMs;
      const wider = Math.min(limits.concurrencyMax, local.concurrency + 1 / local.concurrency);
      return {
        ...(slow ? narrowed(0.9) : { ...local, concurrency: wider }),
        faultsInRow: 0,
        refusalsInRow: 0,
        limitedInRow: 0,
        usualMs: usualMs + (tookMs - usualMs) * usualWeight,
        wellAtMs: nowMs,
      };
    }
    case "fault":
      return {
        ...narrowed(0.5),
        faultsInRow: local.faultsInRow + 1,
        faultsFromMs:
          local.faultsInRow === 0 ? begunAtMs : Math.min(begunAtMs, local.faultsFromMs ?? begunAtMs),
      };
    case "limited":
      return { ...narrowed(0.5), limitedInRow: local.limitedInRow + 1 };
    case "refused":
      return { ...narrowed(0.5), refusalsInRow: local.refusalsInRow + 1 };
  }
};

/**
 * The pace of a worker that finds the account opened again: as few at once as there may be, and nothing seen
 * in a row. What was on its way before says nothing of the account as it is now.
 */
export const reopenedPace = (
  local: LocalPace,
  { concurrencyMin }: Pick<LocalLimits, "concurrencyMin">,
  openedAtMs: number,
): LocalPace => ({
  ...local,
  concurrency: Math.min(local.concurrency, concurrencyMin),
  faultsInRow: 0,
  refusalsInRow: 0,
  narrowedAtMs: openedAtMs,
});

/** The pace of a worker that hears from another that a charge sent at `atMs` was worked, answered or not. */
export const workedPace = (local: LocalPace, atMs: number): LocalPace => ({
  ...local,
  faultsInRow: 0,
  refusalsInRow: 0,
  wellAtMs: Math.max(local.wellAtMs ?? 0, atMs),
});

/** A 429 that does not say how long: a second, doubling, up to a minute. */
const limitedFirstMs = 1_000;
const limitedMaxMs = 60_000;
/** Pauses end on this grid, a moment late: a burst of 429s is one change of the shared record, not one each. */
const pauseGridMs = 250;

const pauseOf = (
  { retryAfterMs }: Extract<Answered, { kind: "limited" }>,
  { limitedInRow }: LocalPace,
): number => retryAfterMs ?? Math.min(limitedFirstMs * 2 ** Math.min(limitedInRow - 1, 10), limitedMaxMs);

const onGrid = (atMs: number, forMs: number): number =>
  Math.ceil((atMs + forMs) / pauseGridMs) * pauseGridMs - atMs;

/**
 * Whether the account has to be closed after this exchange. `local` already holds it.
 * @param openedAtMs when a look-up last opened it, minus infinity: never. Until a charge went well after that, as many
 *   faults close it again as there may be charges at once, and the resend of one
 */
export const closeOf = (
  local: LocalPace,
  { answered, begunAtMs, tookMs }: Exchange,
  limits: LocalLimits,
  openedAtMs: number,
): Close | undefined => {
  const atMs = begunAtMs + tookMs;
  const relapse = (local.wellAtMs ?? 0) < openedAtMs;
  switch (answered.kind) {
    case "well":
      return undefined;
    case "limited":
      return { because: "rate_limited", atMs, forMs: onGrid(atMs, pauseOf(answered, local)) };
    case "fault":
      return local.faultsInRow >=
        (relapse ? Math.min(limits.concurrencyMin + 1, limits.closeAfterFaults) : limits.closeAfterFaults)
        ? { because: "outage", atMs, relapse, faultsFromMs: local.faultsFromMs ?? begunAtMs }
        : undefined;
    case "refused":
      return local.refusalsInRow >= limits.closeAfterRefusals
        ? { because: "credential", atMs, relapse }
        : undefined;
  }
};
