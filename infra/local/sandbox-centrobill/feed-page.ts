import { feedRow } from "./payment-answer.ts";
import type { Transaction } from "./transaction.ts";

/** What a feed request asks for; times in epoch ms, both ends of the window included. */
export interface FeedQuery {
  readonly dateFrom?: number;
  readonly dateTo?: number;
  readonly orderId?: string;
  readonly transactionId?: string;
  /** Counted from 1. */
  readonly page: number;
  readonly limit: number;
}

export type ReadFeedQuery =
  | { readonly kind: "accepted"; readonly query: FeedQuery }
  | { readonly kind: "refused"; readonly errors: Readonly<Record<string, string>> };

export interface FeedPage {
  readonly data: readonly Readonly<Record<string, unknown>>[];
  readonly meta: {
    readonly currentPage: number;
    readonly lastPage: number;
    readonly perPage: number;
    readonly total: number;
  };
}

/** The most rows a page may have. */
export const limitMax = 1000;

/** Reads the query of `GET /feed/transactions`. Without an id to look for, both ends of a window are needed. */
export function readFeedQuery(params: URLSearchParams): ReadFeedQuery {
  const errors: Record<string, string> = {};
  const orderId = params.get("orderId");
  const transactionId = params.get("transactionId");
  const byId = orderId !== null || transactionId !== null;
  const dateFrom = readTime("dateFrom");
  const dateTo = readTime("dateTo");
  const page = readCount("page", 1, Number.MAX_SAFE_INTEGER);
  const limit = readCount("limit", 50, limitMax);
  if (Object.keys(errors).length > 0) return { kind: "refused", errors };
  return {
    kind: "accepted",
    query: {
      page,
      limit,
      ...(dateFrom === undefined ? {} : { dateFrom }),
      ...(dateTo === undefined ? {} : { dateTo }),
      ...(orderId === null ? {} : { orderId }),
      ...(transactionId === null ? {} : { transactionId }),
    },
  };

  function readTime(name: string): number | undefined {
    const text = params.get(name);
    if (text === null) {
      if (!byId) errors[name] = "Missing";
      return undefined;
    }
    // A time without its zone would be read in the zone of whatever machine this runs on.
    const isIso = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/.test(text);
    const at = isIso ? Date.parse(text) : Number.NaN;
    if (!Number.isNaN(at)) return at;
    errors[name] = "Not an ISO 8601 time with its zone";
    return undefined;
  }

  function readCount(name: string, otherwise: number, most: number): number {
    const text = params.get(name);
    if (text === null) return otherwise;
    const count = /^[1-9]\d{0,15}$/.test(text) ? Number(text) : Number.NaN;
    if (count <= most) return count;
    errors[name] = `Not a number from 1 to ${most}`;
    return otherwise;
  }
}

/**
 * One page of the feed as it shows at `now` (epoch ms): rows by time, oldest first, each from `feedLagMs` after
 * it was processed. A page past the last one is empty.
 */
export function feedPage(
  transactions: readonly Transaction[],
  query: FeedQuery,
  now: number,
  feedLagMs: number,
): FeedPage {
  const { page, limit, dateFrom = -Infinity, dateTo = Infinity, orderId, transactionId } = query;
  const rows = transactions
    .filter(
      (one) =>
        one.at + feedLagMs <= now &&
        one.at >= dateFrom &&
        one.at <= dateTo &&
        (orderId === undefined || one.orderId === orderId) &&
        (transactionId === undefined || one.transactionId === transactionId),
    )
    .sort((a, b) => a.at - b.at);
  return {
    data: rows.slice((page - 1) * limit, page * limit).map((one) => feedRow(one, now)),
    meta: {
      currentPage: page,
      lastPage: Math.max(1, Math.ceil(rows.length / limit)),
      perPage: limit,
      total: rows.length,
    },
  };
}
