import type { Categorised } from "./decline.ts";
import type { GatewayIds, UnprovenWhy } from "./reply.ts";
import type { NeverSentCause, UnansweredCause } from "./transport.ts";

/** Why nothing is known of a send. */
export type UnknownWhy =
  /** the request may have arrived, no answer came (S11), or one that says as little */
  | "no_answer"
  /** the gateway answered with its own documented fault */
  | "gateway_fault"
  /** an HTTP status that no row names */
  | "unlisted_status"
  | UnprovenWhy;

/** Both sides of something that should have been the same. */
export type Mismatch = {
  readonly field: "amount" | "currency" | "chargeId" | "requestId";
  readonly asked: string;
  readonly got: string;
};

/** What one send of an attempt proved. */
export type Outcome =
  | { readonly kind: "approved"; readonly code: string; readonly ids: GatewayIds }
  | { readonly kind: "pending"; readonly code: string; readonly ids: GatewayIds }
  | ({
      readonly kind: "declined";
      readonly code: string;
      readonly description?: string;
      readonly ids: GatewayIds;
      /** it covers every send, not only this one */
      readonly conclusive?: true;
    } & Categorised)
  | { readonly kind: "requestError"; readonly code: string; readonly description?: string }
  /** proved never to have reached the gateway (S11) */
  | { readonly kind: "notProcessed"; readonly cause: NeverSentCause }
  /** the gateway says that it took the money, but not what was asked (S9) */
  | {
      readonly kind: "mismatch";
      readonly mismatch: Mismatch;
      readonly code: string;
      readonly ids: GatewayIds;
    }
  | {
      readonly kind: "unknown";
      readonly why: UnknownWhy;
      readonly cause?: UnansweredCause;
      readonly ids: GatewayIds;
    };
