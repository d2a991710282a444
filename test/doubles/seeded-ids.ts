import type { LeaseToken, RequestId } from "../../lib/core/charge.ts";
import type { Ids } from "../../lib/ports.ts";

/** Numbers from 0 up to, not including, 1, always the same ones for a seed (mulberry32). */
export const seededFractions = (seed: number): (() => number) => {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Ids as long and of the same shape as the deployed worker's, and always the same ones for a seed. */
export const seededIds = (seed = 1): Ids => {
  const fraction = seededFractions(seed);
  const pick = (from: string): string => from.charAt(Math.floor(fraction() * from.length));
  const many = (from: string, length: number): string => Array.from({ length }, () => pick(from)).join("");
  const hex = "0123456789abcdef";
  return {
    requestId: () =>
      `${many(hex, 8)}-${many(hex, 4)}-4${many(hex, 3)}-${pick("89ab")}${many(hex, 3)}-${many(hex, 12)}` as RequestId,
    leaseToken: () => many(alphabet, 12) as LeaseToken,
    fraction,
  };
};
