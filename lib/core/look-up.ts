import type { Charge, RequestId } from "./charge.ts";
import type { FeedRow } from "./feed.ts";
import type { Prepared } from "./preparation.ts";
import type { Replied, WireRequest } from "./transport.ts";

/** A look-up of one charge, at a gateway that has no feed of all. Its rows are read like a feed's. */
export type LookUp = {
  /** what has to be asked, in this order; every answer is needed */
  requests(charge: Charge, prepared: Prepared | undefined): readonly WireRequest[];
  read(
    replies: readonly Replied[],
    charge: Charge,
    requestId: RequestId,
  ):
    | { readonly kind: "rows"; readonly rows: readonly FeedRow[] }
    | { readonly kind: "unreadable"; readonly why: string };
  /**
   * Whether asking may set the charge off now. Then it is a send, under a lease and within the key life, and never
   * only a look.
   * @param earliestMs the earliest moment that it may be by the gateway's clock
   */
  maySetOff(prepared: Prepared | undefined, earliestMs: number): boolean;
};
