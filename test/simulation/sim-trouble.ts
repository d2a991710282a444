import { type GatewayName, gatewayNames } from "../../lib/core/charge.ts";
import type { RateLimit } from "../../lib/core/pace.ts";
import type { Faults } from "./faults.ts";
import type { Random } from "./random.ts";

/** How an account's gateway fails for a while. */
export const troubleKinds = [
  /** no connection is taken */
  "refused",
  /** requests are swallowed */
  "swallowed",
  /** requests are processed, and nobody hears of it */
  "answersLost",
  /** 500 and 503, unprocessed */
  "faults",
  /** the account is refused: its key, or where it calls from */
  "credential",
] as const;
export type TroubleKind = (typeof troubleKinds)[number];

/** A stretch of trouble at one account. Times from the world's first moment on. */
export type Trouble = {
  readonly gateway: GatewayName;
  readonly kind: TroubleKind;
  readonly fromMs: number;
  readonly untilMs: number;
};

export const isOutage = ({ kind }: Trouble): boolean => kind !== "credential";

const outages = troubleKinds.filter((kind) => kind !== "credential");
const shortestMs = 120_000;

/** The stretches of one history: each fault strikes each account at most once, for minutes to hours. */
export const drawTroubles = (random: Random, faults: Faults, withinMs: number): readonly Trouble[] =>
  gatewayNames.flatMap((gateway) =>
    (["outage", "badCredential"] as const).flatMap((fault): Trouble[] => {
      // Drawn whether it strikes or not: the others must not move when this one is taken away.
      const struck = random.fraction() < faults[fault];
      const kind = random.pick(outages);
      const fromMs = random.between(0, withinMs * 0.7);
      const longMs = shortestMs * (withinMs / shortestMs) ** random.fraction();
      if (!struck) return [];
      return [
        {
          gateway,
          kind: fault === "outage" ? kind : "credential",
          fromMs,
          untilMs: Math.min(Math.round(fromMs + longMs), withinMs),
        },
      ];
    }),
  );

/** What an account may ask for in truth, where that is less than its documents say. */
export const drawRates = (
  random: Random,
  faults: Faults,
): Readonly<Partial<Record<GatewayName, RateLimit>>> =>
  Object.fromEntries(
    gatewayNames.flatMap((gateway) => {
      const struck = random.fraction() < faults.accountRate;
      // As many as one attempt may need at once, at the least: a list in pages, a create, and what pays.
      const requests = random.between(4, 6);
      return struck ? [[gateway, { requests, perMs: 60_000 }]] : [];
    }),
  );
