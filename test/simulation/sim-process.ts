import type { GatewayName } from "../../lib/core/charge.ts";
import type { GatewayPace, Limit } from "../../lib/ports.ts";
import type { WorkedQueue } from "./deployed.ts";

/** A worker's process: what lives longer than one invocation. */
export type SimProcess = {
  readonly name: string;
  readonly skewMs: number;
  readonly queue: WorkedQueue;
  /** a person's: nobody starts another one when it dies */
  readonly desk?: true;
  alive: boolean;
  busy: boolean;
  /** it does nothing until then; afterwards, when it last woke up */
  frozenUntilMs: number;
  /** when a call to the ledger last failed */
  ledgerFailedAtMs: number;
  /** when it last froze, died or lost a call to the ledger */
  troubledAtMs: number;
  /** when the invocation that it works has to be over */
  deadlineMs: number;
  limit?: Limit;
  paces?: Readonly<Record<GatewayName, GatewayPace>>;
};
