import { type GatewayName, gatewayNames } from "../../lib/core/charge.ts";
import { runOutage } from "../simulation/outage.ts";
import type { TroubleKind } from "../simulation/sim-trouble.ts";

const hours = 6;
const charges = 1_000;
const kinds = ["refused", "swallowed", "faults", "credential"] as const satisfies readonly TroubleKind[];

const minutes = (ms: number): string => `${(ms / 60_000).toFixed(0)} min`;

const line = async (gateway: GatewayName, kind: TroubleKind): Promise<string> => {
  const out = await runOutage({ gateway, kind, hours, charges });
  const quiet = await runOutage({ gateway, kind, hours: 0, charges });
  if (out.violation !== undefined) throw new Error(out.violation);
  return [
    gateway.padEnd(10),
    kind.padEnd(10),
    String(out.waited).padStart(6),
    String(out.reviewOthers).padStart(14),
    String(out.reviewOwnLoss).padStart(13),
    String(out.burned).padStart(6),
    String(out.mostReceives).padStart(8),
    minutes(out.drainedMs).padStart(7),
    (out.otherLatency.median / quiet.otherLatency.median).toFixed(2).padStart(12),
  ].join("  ");
};

/** One gateway away for six hours of a day of a thousand charges to both, in the simulator's virtual time. */
export const benchOutage = async (): Promise<void> => {
  console.log(
    `${hours} hours of one gateway, ${charges} charges to both; no dead letter, or it is a violation\ngateway     how         waited  review: waited  review: sent  burned  receives  drained  other ×`,
  );
  for (const gateway of gatewayNames) for (const kind of kinds) console.log(await line(gateway, kind));
};
