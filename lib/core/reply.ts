import type { RequestId } from "./charge.ts";
import type { DeclineTable } from "./decline.ts";
import type { Replied } from "./transport.ts";

/** Ids that the gateway gave the transaction. */
export type GatewayIds = { readonly transactionId?: string; readonly orderId?: string };

/** What an answer or a feed row says of the charge itself, to be compared with what was asked (S9). */
export type Echo = {
  /** the amount as the gateway writes it: a decimal in major units, or `undefined` where it gave none */
  readonly amount?: string;
  readonly currency?: string;
  readonly chargeId?: string;
  readonly requestId?: string;
};

/**
 * What a gateway's answer says, before it is compared with what was asked. A reader that cannot prove one of
 * the first four says `unproven` (S10).
 */
export type GatewayReply =
  /** the gateway says that it took the money */
  | { readonly kind: "captured"; readonly echo: Echo; readonly ids: GatewayIds; readonly code: string }
  /** the gateway accepted the charge; its final word is to come */
  | { readonly kind: "accepted"; readonly echo: Echo; readonly ids: GatewayIds; readonly code: string }
  /** the gateway declined the charge, with its final word */
  | {
      readonly kind: "refused";
      readonly echo: Echo;
      readonly ids: GatewayIds;
      readonly code: string;
      readonly codeCategory?: string;
      readonly description?: string;
      /** it ended by itself, unpaid: no answer to what was sent */
      readonly lapsed?: true;
      /** nothing was taken and nothing can be, whatever was sent and however often */
      readonly conclusive?: true;
    }
  /** the gateway says that the request itself is wrong: nothing was processed */
  | { readonly kind: "invalid"; readonly code: string; readonly description?: string }
  | { readonly kind: "unproven"; readonly why: UnprovenWhy; readonly ids: GatewayIds };

export type UnprovenWhy =
  /** not the body that is documented: not JSON, empty, cut short, another shape */
  | "unreadable"
  /** a status, code or word that no row names */
  | "unlisted"
  /** two parts of the answer contradict each other */
  | "contradiction"
  /** an authorisation, a test or a payout, not money taken */
  | "not_a_capture"
  /** the gateway itself says that it does not know (yet), or that something else has to be asked */
  | "unconfirmed";

/** What an HTTP status means at a gateway, and who says so. */
export type StatusRow = {
  readonly meaning: /** the body decides */
    | "read"
    /** the request was refused before it was processed */
    | "requestError"
    /** the gateway's fault: send the same request id again after a delay */
    | "fault"
    /** nothing is known: as if no answer had come */
    | "noAnswer";
  readonly source: string;
};

/** A gateway's word on its own answers. What `statuses` does not name is unknown (S10). */
export type GatewayRules = {
  readonly statuses: Readonly<Record<number, StatusRow>>;
  readonly declines: DeclineTable;
  /** whether an answer refuses the account itself (its key, or where it calls from), whatever was asked */
  readonly refusesAccount: (reply: Replied) => boolean;
  /** reads the body of an answer whose status row says `read` */
  readonly readReply: (reply: Replied) => GatewayReply;
  /** the code and text of a request error, as far as they can be read */
  readonly readRequestError: (reply: Replied) => { readonly code: string; readonly description?: string };
};

/** What one send asked for. */
export type Asked = {
  readonly chargeId: string;
  readonly requestId: RequestId;
  readonly amountMinor: bigint;
  readonly currency: string;
};
