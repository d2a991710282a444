import type { GatewayName } from "../../lib/core/charge.ts";
import type { RateLimit } from "../../lib/core/pace.ts";
import type { FaultName } from "./faults.ts";
import type { Random } from "./random.ts";
import type { Schedule } from "./schedule.ts";
import type { SimAnswer } from "./sim-gateway.ts";
import { isOutage, type Trouble } from "./sim-trouble.ts";

/** How a gateway account meets a request, before anything is made of it. */
export type Met =
  | { readonly kind: "lets" }
  /** it is processed, and the answer never comes */
  | { readonly kind: "letsUnheard" }
  | { readonly kind: "swallows" }
  | { readonly kind: "answers"; readonly answer: SimAnswer };

/** The account at a gateway: its key, its rate, and whether the gateway is there at all. */
export type SimAccount = {
  /** the trouble of this moment */
  trouble(): Trouble | undefined;
  meets(): Met;
  /** 429s that it answered */
  limited(): number;
};

/** Centrobill says 403 to an address that is not allow-listed; at Centrapay a 403 is about what was asked. */
const credentialStatuses: Readonly<Record<GatewayName, readonly number[]>> = {
  centrobill: [401, 403],
  centrapay: [401],
};

export const simAccount = (options: {
  readonly gateway: GatewayName;
  readonly schedule: Schedule;
  readonly startMs: number;
  readonly random: Random;
  readonly strikes: (name: FaultName) => boolean;
  /** says that a fault has struck which was drawn before */
  readonly struck: (name: FaultName) => void;
  readonly troubles: readonly Trouble[];
  readonly rate: RateLimit | undefined;
}): SimAccount => {
  const { gateway, schedule, startMs, random, strikes, struck, rate } = options;
  const troubles = options.troubles.filter((one) => one.gateway === gateway);
  /** when the requests of the last stretch came, oldest first */
  const came: number[] = [];
  let limited = 0;
  const trouble = (): Trouble | undefined => {
    const atMs = schedule.nowMs() - startMs;
    return troubles.find(({ fromMs, untilMs }) => atMs >= fromMs && atMs < untilMs);
  };
  const says = (status: number, message: string, headers: SimAnswer["headers"] = {}): Met => ({
    kind: "answers",
    answer: { status, headers, body: JSON.stringify({ statusCode: status, message }) },
  });
  const tooMany = (retryAfterS: number | undefined): Met => {
    limited += 1;
    return says(
      429,
      "RATE_LIMIT_EXCEEDED",
      retryAfterS === undefined ? {} : { "retry-after": String(retryAfterS) },
    );
  };
  return {
    trouble,
    meets() {
      const now = trouble();
      if (now !== undefined) {
        struck(isOutage(now) ? "outage" : "badCredential");
        switch (now.kind) {
          case "swallowed":
          case "refused":
            return { kind: "swallows" };
          case "answersLost":
            return { kind: "letsUnheard" };
          case "faults":
            return says(random.pick([500, 503]), "SERVER ERROR");
          case "credential":
            return says(random.pick(credentialStatuses[gateway]), "Missing authentication");
        }
      }
      if (rate !== undefined) {
        const nowMs = schedule.nowMs();
        while (came.length > 0 && (came[0] as number) <= nowMs - rate.perMs) came.shift();
        if (came.length >= rate.requests) {
          struck("accountRate");
          return tooMany(Math.ceil(((came[0] as number) + rate.perMs - nowMs) / 1_000));
        }
        came.push(nowMs);
      }
      if (strikes("rateLimited")) return tooMany(random.chance(0.2) ? undefined : random.between(1, 120));
      return { kind: "lets" };
    },
    limited: () => limited,
  };
};
