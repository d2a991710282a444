import type { Charge } from "./charge.ts";
import type { GatewayReply } from "./reply.ts";
import type { Replied, WireRequest } from "./transport.ts";

/** What some gateways want to exist before a charge is sent (a Payment Request). Making one moves no money. */
export type Prepared = {
  /** the gateway's id of it */
  readonly id: string;
  /** when it was made, by the gateway's clock; milliseconds since 1970 */
  readonly madeAtMs?: number;
  /** nothing can be charged on it from then on, by the gateway's clock; milliseconds since 1970 */
  readonly expiresAtMs?: number;
};

/** What an answer to `make` says. What is neither made nor refused may have been made all the same. */
export type MadeReply =
  | { readonly kind: "made"; readonly prepared: Prepared }
  | Extract<GatewayReply, { kind: "refused" | "invalid" | "unproven" }>;

/** One that was found under our own reference. */
export type FoundPrepared = {
  readonly prepared: Prepared;
  /** whether a charge can still be sent on it; `charged` is final, so is `closed` */
  readonly state: "open" | "charged" | "closed" | "unlisted";
};

export type FoundPage =
  | { readonly kind: "page"; readonly found: readonly FoundPrepared[]; readonly next?: string }
  | { readonly kind: "unreadable"; readonly why: string };

/** How a gateway prepares a charge. Pure: the flow owns the wire. */
export type Preparation = {
  make(charge: Charge): WireRequest;
  readMade(reply: Replied): MadeReply;
  /** asks for what was made under this charge's reference; only for a charge whose `make` may be lost */
  find(charge: Charge, cursor: string | undefined): WireRequest;
  readFound(reply: Replied): FoundPage;
  /**
   * How long after a lost `make` it is harmless to look for it, in milliseconds, by one clock: where a look may itself
   * set a charge off, what was made has to have expired first. `undefined`: it is harmless at once.
   */
  readonly findAfterMs?: number;
};
