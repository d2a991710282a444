import type { Answered } from "./answered.ts";
import type { Close } from "./pace.ts";

/** What one worker keeps of a gateway account: how many charges at once, and what it saw in a row. */
export type LocalPace = {
  /** not rounded: it grows by parts */
  readonly concurrency: number;
  readonly faultsInRow: number;
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
  const narrowed = (share: number): Pick<LocalPace, "concurrency" | "narrowedAtMs"> =>
    begunAtMs < local.narrowedAtMs
      ? { concurrency: local.concurrency, narrowedAtMs: local.narrowedAtMs }
      : {
          concurrency: Math.max(limits.concurrencyMin, local.concurrency * share),
          narrowedAtMs: nowMs,
        };
  switch (answered.kind) {
    case "well": {
      const usualMs = local.usualMs ?? tookMs;
      const slow = tookMs > usualMs * slowTimes && tookMs > usualMs + slowByMs;
      return {
        ...local,
        ...(slow
          ? narrowed(0.9)
          : {
              concurrency: Math.min(limits.concurrencyMax, local.concurrency + 1 / local.concurrency),
            }),
        faultsInRow: 0,
        refusalsInRow: 0,
        limitedInRow: 0,
        usualMs: usualMs + (tookMs - usualMs) * usualWeight,
        wellAtMs: nowMs,
      };
    }
    case "fault":
      return { ...local, ...narrowed(0.5), faultsInRow: local.faultsInRow + 1 };
    case "limited":
      return { ...local, ...narrowed(0.5), limitedInRow: local.limitedInRow + 1 };
    case "refused":
      return { ...local, ...narrowed(0.5), refusalsInRow: local.refusalsInRow + 1 };
  }
};

/** A 429 that does not say how long: a second, doubling, up to a minute. */
const limitedFirstMs = 1_000;
const limitedMaxMs = 60_000;

/**
 * Whether the account has to be closed after this exchange. `local` already holds it.
 * @param openedAtMs when a look-up last opened it: until a charge went well after that, half as many faults
 *   close it again
 */
export const closeOf = (
  local: LocalPace,
  { answered, begunAtMs, tookMs }: Exchange,
  limits: LocalLimits,
  openedAtMs: number | undefined,
): Close | undefined => {
  const atMs = begunAtMs + tookMs;
  const unproven = openedAtMs !== undefined && (local.wellAtMs ?? 0) < openedAtMs;
  switch (answered.kind) {
    case "well":
      return undefined;
    case "limited":
      return {
        because: "rate_limited",
        atMs,
        forMs:
          answered.retryAfterMs ??
          Math.min(limitedFirstMs * 2 ** Math.min(local.limitedInRow - 1, 10), limitedMaxMs),
      };
    case "fault":
      return local.faultsInRow >=
        (unproven ? Math.ceil(limits.closeAfterFaults / 2) : limits.closeAfterFaults)
        ? { because: "outage", atMs }
        : undefined;
    case "refused":
      return local.refusalsInRow >= limits.closeAfterRefusals ? { because: "credential", atMs } : undefined;
  }
};
