import type { JsonObject } from "./json.ts";
import type { GatewayReply } from "./reply.ts";
import type { GatewaySide } from "./sides.ts";
import type { Replied, WireRequest } from "./transport.ts";

/** One row of a gateway's feed, read the same way as an answer. */
export type FeedRow = {
  /** what the row says of the charge; a credit or chargeback row says what was given back */
  readonly kind: "charge" | "reversal";
  readonly reply: GatewayReply;
  readonly transactionId?: string;
  readonly orderId?: string;
  readonly parentTransactionId?: string;
  /** our own references, where the row carries them */
  readonly requestId?: string;
  readonly chargeId?: string;
  /** who was charged, by every name that the row gives */
  readonly consumers: readonly string[];
  readonly amount?: string;
  readonly currency?: string;
  readonly atMs?: number;
  /** a reversal that the gateway itself says did not take place */
  readonly failed?: true;
  /** the row as it came: hashed as evidence, never stored */
  readonly raw: JsonObject;
};

/** A stretch of the gateway's time, milliseconds since 1970, both ends in. */
export type FeedWindow = { readonly fromMs: number; readonly toMs: number };

/** Where the next page begins: a page number, an offset or the gateway's own mark. */
export type FeedCursor = number | string;

/** The gateway's own id of what became of a charge: of its transaction, or else of its order. */
export type IdAtGateway = { readonly transactionId: string } | { readonly orderId: string };

export type FeedPage<Row = FeedRow> =
  | {
      readonly kind: "page";
      readonly rows: readonly Row[];
      /** rows that could not be read: a scan that met one is not whole */
      readonly unreadRows: number;
      /** rows of the whole window by the gateway's own count, where it gives one */
      readonly total?: number;
      readonly next?: FeedCursor;
    }
  | { readonly kind: "unreadable"; readonly why: string };

/** How a gateway's feed is asked and read. Pure: the flow owns the wire. */
export type Feed = {
  readonly firstCursor: FeedCursor;
  /** pages of one scan at the most: a feed that pages for ever ends as an incomplete scan */
  readonly pagesMax: number;
  pageRequest(window: FeedWindow, cursor: FeedCursor): WireRequest;
  /** `window`: what was asked for, where a feed without a filter of its own has to stop by itself */
  readPage(reply: Replied, cursor: FeedCursor, window?: FeedWindow): FeedPage;
  /** the same page as it is compared, where that can be had for less: its texts may keep the whole reply in the memory */
  readSides?(reply: Replied, cursor: FeedCursor, window?: FeedWindow): FeedPage<GatewaySide>;
  /** a look-up by the gateway's own id, where the feed has one */
  idRequest(id: IdAtGateway): WireRequest | undefined;
  /** whose an order is, where the feed's rows do not say it and the gateway does when it is asked */
  readonly owners?: OrderOwners;
};

/** How a gateway is asked for which charge an order was made. */
export type OrderOwners = {
  /** `undefined`: this row's order is nobody's alone, or to ask might move money */
  request(row: GatewaySide): WireRequest | undefined;
  /** what it says: perhaps that the order was made for no charge; `failure`: nothing that can be read */
  read(reply: Replied): { readonly chargeId?: string } | { readonly failure: string };
};
