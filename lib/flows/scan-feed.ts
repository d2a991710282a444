import type { Feed, FeedWindow } from "../core/feed.ts";
import type { Matcher } from "../core/matching.ts";
import type { Scan } from "../core/resolution.ts";
import type { Replied, WireRequest } from "../core/transport.ts";
import type { Worker } from "../ports.ts";

/** A scan as far as it came, and why it did not come further, if it failed. */
export type Scanned = { readonly scan: Scan; readonly failure?: string };

const askAgainAfterMs = 500;

/** One page, asked for twice at most: a look-up moves no money. */
const ask = async (request: WireRequest, worker: Worker): Promise<Replied | { readonly failure: string }> => {
  for (let attempt = 1; ; attempt++) {
    const transport = await worker.wire.send(request, { timeoutMs: worker.gatewayTimeoutMs });
    if (transport.kind === "replied" && transport.status < 500) return transport;
    const failure =
      transport.kind === "replied" ? `HTTP ${transport.status}` : `${transport.kind}: ${transport.cause}`;
    if (attempt === 2) return { failure };
    await worker.clock.sleep(askAgainAfterMs);
  }
};

/**
 * Reads a window of the feed page by page into the matcher; memory does not grow with the pages. The scan is
 * whole only if every page came, every row could be read and the gateway's own count was reached.
 * @param reserveMs time that must be left when it ends
 */
export const scanFeed = async (
  feed: Feed,
  window: FeedWindow,
  matcher: Matcher,
  worker: Worker,
  reserveMs: number,
): Promise<Scanned> => {
  const atMs = worker.clock.nowMs();
  let rows = 0;
  let pages = 0;
  let unreadRows = 0;
  let total = 0;
  let cursor: typeof feed.firstCursor | undefined = feed.firstCursor;
  let lastPageSha256: string | undefined;
  const ended = (whole: boolean, failure?: string): Scanned => {
    const scan: Scan = { atMs, ...window, rows, whole };
    worker.log.event(failure === undefined ? "feed_scanned" : "feed_failed", {
      pages,
      rows,
      durationMs: worker.clock.nowMs() - atMs,
      ...(failure === undefined ? {} : { reason: failure }),
    });
    return failure === undefined ? { scan } : { scan, failure };
  };
  while (cursor !== undefined) {
    if (pages >= feed.pagesMax) return ended(false);
    if (worker.remainingMs() < reserveMs + worker.gatewayTimeoutMs) return ended(false, "out of time");
    const reply = await ask(feed.pageRequest(window, cursor), worker);
    if ("failure" in reply) return ended(false, reply.failure);
    const page = feed.readPage(reply, cursor);
    if (page.kind === "unreadable") return ended(false, page.why);
    // A feed that answers every page with the same rows would go on for ever.
    if (page.rows.length > 0 && reply.bodySha256 === lastPageSha256)
      return ended(false, "the same page again");
    lastPageSha256 = reply.bodySha256;
    pages += 1;
    rows += page.rows.length;
    unreadRows += page.unreadRows;
    total = Math.max(total, page.total ?? 0);
    for (const row of page.rows) matcher.add(row);
    cursor = page.next;
  }
  return ended(unreadRows === 0 && rows >= total);
};

/** Asks for one transaction by the gateway's own id and adds what comes to the matcher. */
export const lookUpById = async (
  feed: Feed,
  id: { readonly transactionId: string } | { readonly orderId: string },
  matcher: Matcher,
  worker: Worker,
): Promise<void> => {
  const request = feed.idRequest(id);
  if (request === undefined) return;
  const reply = await ask(request, worker);
  if ("failure" in reply) return;
  const page = feed.readPage(reply, feed.firstCursor);
  if (page.kind === "page") for (const row of page.rows) matcher.add(row);
};
