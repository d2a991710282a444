import type { Charge, GatewayName, RequestId, RequestParser } from "./charge.ts";
import type { Feed } from "./feed.ts";
import type { GatewayRules } from "./reply.ts";
import type { Replied, WireRequest } from "./transport.ts";

/** Everything that the flows may ask of a gateway. Pure: tables and translators, no wire. */
export type Gateway = {
  readonly name: GatewayName;
  readonly parseRequest: RequestParser;
  readonly rules: GatewayRules;
  chargeRequest(charge: Charge, requestId: RequestId): WireRequest;
  /** card tokens of the charge: to be masked wherever an answer repeats them (S12) */
  secretsOf(charge: Charge): readonly string[];
  /** who is charged, by every name that the gateway knows: only ever enough for a weak match (S14) */
  consumersOf(charge: Charge): readonly string[];
  /** what of an answer may be kept, before masking: the members that matter, never the card's */
  excerptOf(reply: Replied): string;
  /** `undefined`: this gateway cannot be asked what happened */
  readonly feed: Feed | undefined;
};
