import type { ChargeId, GatewayName, LeaseToken } from "./charge.ts";
import type { BoundName, NeverReason } from "./next-attempt.ts";
import type { LimitId } from "./retry-rules/limits.ts";
import type { RouteMessage } from "./route-message.ts";

/** What an attempt would have cost in fees had it been made when it was wished for. Minor units. */
export type RetryFee = { readonly amountMinor: number; readonly currency: string };

/** What was decided about the attempt after one that was declined. Stored words. */
export type RetryDecision = {
  readonly at: number;
  /** the attempt that was declined */
  readonly attempt: number;
} & (
  | {
      readonly kind: "scheduled" | "postponed";
      readonly dueMs: number;
      /** what it waits for the longest */
      readonly because: BoundName;
      readonly limit?: LimitId;
      readonly fee?: RetryFee;
    }
  | { readonly kind: "refused"; readonly because: NeverReason | "retries_off"; readonly fee?: RetryFee }
  /** its charge was put onto the queue again */
  | { readonly kind: "released" }
);

/** What is decided of a wish: when, later, or never. */
export type WishDecision = Exclude<RetryDecision, { kind: "released" }>;

/** Where a charge's later attempt stands. The words are stored. */
export const retryStates = ["scheduled", "released", "ended"] as const;
export type RetryState = (typeof retryStates)[number];

/**
 * The later attempts of one charge: what was decided, and, while one waits, the message of the decline, which
 * alone holds the charge (S12) and goes when the wait is over.
 */
export type RetryRecord = {
  readonly v: 1;
  readonly chargeId: ChargeId;
  readonly gateway: GatewayName;
  readonly token: LeaseToken;
  readonly state: RetryState;
  /** the attempt that was declined last */
  readonly attempt: number;
  /** of what is scheduled */
  readonly dueMs?: number;
  readonly message?: RouteMessage;
  readonly decisions: readonly RetryDecision[];
};
