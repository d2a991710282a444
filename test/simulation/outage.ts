import type { GatewayName } from "../../lib/core/charge.ts";
import { noFaults } from "./faults.ts";
import type { Trouble, TroubleKind } from "./sim-trouble.ts";
import { runWorld, type ToldCharge, type WorldResult } from "./world.ts";

/** One gateway is away for hours, in the middle of a day's charges to both. */
export type OutageOptions = {
  readonly kind: TroubleKind;
  readonly gateway: GatewayName;
  readonly hours: number;
  readonly charges: number;
  readonly seed?: number;
};

export type Latency = { readonly median: number; readonly ninetieth: number; readonly longest: number };

/** What the outage did to whom. Times in milliseconds. */
export type OutageFigures = {
  readonly violation: string | undefined;
  /** charges of the gateway that was away, told as what */
  readonly states: Readonly<Record<string, number>>;
  /** in review, and their own send was lost when the outage began, or by what was tried then */
  readonly reviewOwnLoss: number;
  /** in review, and nothing of theirs was lost */
  readonly reviewOthers: number;
  readonly burned: number;
  readonly mostReceives: number;
  /** the other gateway's charges that came in the outage, from the queue to their outcome */
  readonly otherLatency: Latency;
  /** charges that waited when it ended, and how long until nine in ten, and all of them, were told */
  readonly waited: number;
  readonly drainedNinetiethMs: number;
  readonly drainedMs: number;
  readonly limited: number;
};

const beforeMs = 1_800_000;
const afterMs = 1_800_000;

const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

const latencyOf = (told: readonly ToldCharge[]): Latency => {
  const sorted = told
    .map(({ arrivedMs, toldMs = Number.POSITIVE_INFINITY }) => toldMs - arrivedMs)
    .sort((a, b) => a - b);
  return { median: at(sorted, 0.5), ninetieth: at(sorted, 0.9), longest: sorted.at(-1) ?? Number.NaN };
};

const gatewayOf = ({ way }: ToldCharge): GatewayName => (way === "centrobill" ? way : "centrapay");

/** Runs the outage; with `hours` 0 the same day without it. */
export const runOutage = async (options: OutageOptions): Promise<OutageFigures> => {
  const { gateway, kind, hours, charges, seed = 1 } = options;
  const untilMs = beforeMs + hours * 3_600_000;
  const trouble: Trouble = { gateway, kind, fromMs: beforeMs, untilMs };
  const result: WorldResult = await runWorld({
    // Hundreds of charges would soon use a few cards up.
    onCards: false,
    seed,
    charges,
    faults: { ...noFaults, clockSkew: 0.33 },
    troubles: hours === 0 ? [] : [trouble],
    arrivingMs: beforeMs + 6 * 3_600_000 + afterMs,
  });
  const own = result.told.filter((one) => gatewayOf(one) === gateway);
  const during = ({ arrivedMs }: ToldCharge): boolean =>
    arrivedMs >= beforeMs && arrivedMs < beforeMs + 6 * 3_600_000;
  const others = result.told.filter((one) => gatewayOf(one) !== gateway && during(one));
  const waited = own
    .filter(({ arrivedMs, toldMs = Number.POSITIVE_INFINITY }) => arrivedMs < untilMs && toldMs > untilMs)
    .map(({ toldMs = Number.POSITIVE_INFINITY }) => toldMs - untilMs)
    .sort((a, b) => a - b);
  const states: Record<string, number> = {};
  for (const { state } of own) states[state] = (states[state] ?? 0) + 1;
  const inReview = own.filter(({ state }) => state === "review");
  return {
    violation: result.violation?.message,
    states,
    reviewOwnLoss: inReview.filter(({ lostInOutage }) => lostInOutage).length,
    reviewOthers: inReview.filter(({ lostInOutage }) => !lostInOutage).length,
    burned: result.burned,
    mostReceives: result.mostReceives,
    otherLatency: latencyOf(others),
    waited: waited.length,
    drainedNinetiethMs: at(waited, 0.9),
    drainedMs: waited.at(-1) ?? 0,
    limited: result.limited[gateway],
  };
};
