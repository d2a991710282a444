import type { FeedPage } from "./feed-page.ts";

/**
 * What is wrong with the feed:
 * - `none`: nothing
 * - `500`: 500 in the gateway's JSON
 * - `html`: 200 with the HTML of something in front of the gateway
 * - `slow`: the right answer, `stallMs` late
 * - `other-shape`: 200 and JSON with the rows where the profile does not look for them; a reader that takes
 *   this for "no rows" would prove an absence from nothing
 * - `endless`: every page is the first one and says that one more follows
 */
export const feedFaultKinds = ["none", "500", "html", "slow", "other-shape", "endless"] as const;

export interface FeedFault {
  readonly kind: (typeof feedFaultKinds)[number];
  /** How many feed requests it holds for; without it, until it is switched again. */
  readonly count?: number;
}

/** Reads the body of `POST /sandbox/feed-fault`; undefined when it is not one. */
export function readFeedFault(text: string): FeedFault | undefined {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof body !== "object" || body === null || !("kind" in body)) return undefined;
  const kind = feedFaultKinds.find((one) => one === body.kind);
  const count = "count" in body ? body.count : undefined;
  if (!kind) return undefined;
  if (count === undefined) return { kind };
  return typeof count === "number" && Number.isSafeInteger(count) && count > 0 ? { kind, count } : undefined;
}

/** The fault that holds for the request after one that met `fault`. */
export function faultAfter(fault: FeedFault): FeedFault {
  if (fault.count === undefined) return fault;
  return fault.count > 1 ? { kind: fault.kind, count: fault.count - 1 } : { kind: "none" };
}

/** The page's rows in a shape that no profile was told of. */
export function otherShape(page: FeedPage): unknown {
  return { result: { transactions: page.data }, paging: { next: null } };
}

/** The first page, said to be page `page` and not the last one. */
export function endlessPage(first: FeedPage, page: number): FeedPage {
  const total = first.meta.perPage * (page + 1);
  return { data: first.data, meta: { ...first.meta, currentPage: page, lastPage: page + 1, total } };
}
