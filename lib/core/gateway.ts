import type { Charge, GatewayName, RequestId, RequestParser } from "./charge.ts";
import type { Feed } from "./feed.ts";
import type { LookUp } from "./look-up.ts";
import type { ProbedReason } from "./pace.ts";
import type { Preparation, Prepared } from "./preparation.ts";
import type { GatewayRules } from "./reply.ts";
import type { Replied, WireRequest } from "./transport.ts";

/** A look-up that may open a closed account, and whether its answer does. */
export type Probe = { readonly request: WireRequest; opens(reply: Replied): boolean };

/** Everything that the flows may ask of a gateway. Pure: tables and translators, no wire. */
export type Gateway = {
  readonly name: GatewayName;
  readonly parseRequest: RequestParser;
  readonly rules: GatewayRules;
  /** `prepared`: what was made for this charge, where the gateway wants something made first */
  chargeRequest(charge: Charge, requestId: RequestId, prepared?: Prepared): WireRequest;
  /** card tokens of the charge: to be masked wherever an answer repeats them (S12) */
  secretsOf(charge: Charge): readonly string[];
  /** who is charged, by every name that the gateway knows: only ever enough for a weak match (S14) */
  consumersOf(charge: Charge): readonly string[];
  /** what of an answer may be kept, before masking: the members that matter, never the card's */
  excerptOf(reply: Replied): string;
  /** what happened, of many charges at once; `undefined`: this gateway has no such list */
  readonly feed: Feed | undefined;
  /** a list that is too long to look up one charge in, but serves reconciliation; where absent, `feed` does */
  readonly reconciliationFeed?: Feed;
  /**
   * An authenticated look-up that moves no money, by which a closed account is tried: its answer has to
   * disprove what the account was closed for. `charge` is one that waits, and is not touched by it.
   */
  readonly probeOf: (because: ProbedReason, charge: Charge, nowMs: number) => Probe;
  /** what has to exist before this charge can be sent; none where absent or `undefined` */
  readonly preparationOf?: (charge: Charge) => Preparation | undefined;
  /** what happened to one charge, where there is no feed */
  readonly lookUpOf?: (charge: Charge) => LookUp;
  /**
   * The gateway's own name under which its notices tell of a charge, where they do not carry the charge's id;
   * `undefined`: they carry it.
   */
  readonly noticeReferenceOf?: (
    charge: Charge,
    requestId: RequestId,
    prepared: Prepared | undefined,
  ) => string | undefined;
  /** how long to wait before an accepted charge is asked for by the same request again, milliseconds */
  readonly pollMsOf?: (charge: Charge) => number | undefined;
  /** takes back what may still become a charge; `undefined` where that is not possible (any more) */
  readonly voidOf?: (
    charge: Charge,
    prepared: Prepared | undefined,
    nowMs: number,
  ) => WireRequest | undefined;
  /** the code under which a look-up finds what `voidOf` took back */
  readonly voidedAs?: string;
};
