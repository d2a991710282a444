import { timeoutMaxMs } from "../../infra/functions.ts";
import { defaultPolicy, type Policy, worstCaseMsOf } from "../../lib/core/policy.ts";
import { deployedFor } from "./deployed.ts";
import { type Random, randomOf } from "./random.ts";

const minutes = (count: number): number => count * 60_000;

/** What a merchant may set of what a history goes by. */
export type SimSettings = {
  readonly policy: Partial<Policy>;
  readonly gatewayTimeoutMs: number;
  readonly concurrency: number;
};

export const defaultSettings: SimSettings = { policy: {}, gatewayTimeoutMs: 30_000, concurrency: 20 };

const isDeployable = ({ policy, gatewayTimeoutMs, concurrency }: SimSettings): boolean => {
  const worstCaseMs = worstCaseMsOf({ ...defaultPolicy, ...policy }, gatewayTimeoutMs);
  const deployed = Object.values(deployedFor({ worstCaseMs, concurrency }));
  return deployed.every(({ timeoutMs }) => timeoutMs <= timeoutMaxMs);
};

/** What a seed's history goes by where settings are drawn. */
export const settingsOfSeed = (seed: number): SimSettings => {
  const random = randomOf(seed ^ 0x5eed_b011);
  for (;;) {
    const settings = {
      policy: drawPolicy(random),
      gatewayTimeoutMs: random.pick([5_000, 30_000, 30_000, 60_000]),
      concurrency: random.pick([1, 5, 20, 20, 100]),
    };
    if (isDeployable(settings)) return settings;
  }
};

/**
 * A policy by chance, of those that somebody may have and that fit the world: its gateways take up to a minute and a half
 * to work a request, which look-ups that end sooner, or a feed said to lag less, would deny. What is drawn to its
 * ends is what the default never shows: one resend or five, look-ups of a minute or of days, clocks that agree or are ten
 * minutes apart.
 */
const drawPolicy = (random: Random): Partial<Policy> => {
  const clockSkewMs = random.pick([0, 5_000, minutes(2), minutes(2), minutes(10)]);
  const shortestLifeMs = 5 * (clockSkewMs + 30_000);
  return {
    clockSkewMs,
    resendDelayMs: random.pick([0, 500, 2_000, 20_000]),
    resendsMax: random.between(0, 5),
    faultResendDelayMs: random.pick([0, 1_000, 10_000, 60_000]),
    faultResendsMax: random.between(0, 6),
    // Nothing is sent again, or as much is kept back of the life as it takes.
    requestIdLifeMs: random.pick([
      0,
      ...[2, 15, 60, 1_440].map((life) => Math.max(shortestLifeMs, minutes(life))),
    ]),
    ...(random.chance(0.4) ? { leaseMs: random.pick([72_000, 200_000, minutes(15)]) } : {}),
    lookupScheduleMs: random.pick([
      [1, 6, 8, 15, 30, 60, 180, 360, 720, 1_440].map(minutes),
      [1_000, 5_000, 60_000],
      [minutes(5)],
      [minutes(1_440)],
      [10, 60, 666].map(minutes),
    ]),
    feedLagMs: random.pick([2, 5, 30, 120].map(minutes)),
    lateProcessingMs: random.pick([60, 240].map(minutes)),
    attemptsMax: random.between(1, 6),
    concurrencyMin: random.pick([1, 3, 10]),
    closeAfterFaults: random.pick([1, 3, 10, 50]),
    closeAfterRefusals: random.pick([1, 3, 10]),
    ...(random.chance(0.4) ? { probeDelayMs: random.pick([1, 1_000, minutes(1), minutes(10)]) } : {}),
    rateLimits: random.pick<Policy["rateLimits"]>([
      {},
      { centrapay: { requests: 200, perMs: minutes(1) } },
      { centrapay: { requests: 2, perMs: 4_850 }, centrobill: { requests: 2, perMs: 4_850 } },
      { centrapay: { requests: 25, perMs: minutes(1) }, centrobill: { requests: 25, perMs: minutes(1) } },
    ]),
    secondPersonFor: random.pick<Policy["secondPersonFor"]>([[], ["settle-as-approved"]]),
  };
};
