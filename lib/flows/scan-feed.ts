import type { Feed, FeedCursor, FeedPage, FeedRow, FeedWindow, IdAtGateway } from "../core/feed.ts";
import type { Gateway } from "../core/gateway.ts";
import type { Matcher } from "../core/matching.ts";
import type { GatewayIds } from "../core/reply.ts";
import type { Scan } from "../core/resolution.ts";
import { comparedPage, type GatewaySide } from "../core/sides.ts";
import type { Replied, WireRequest } from "../core/transport.ts";
import type { Worker } from "../ports.ts";
import { pacedSend } from "./paced-send.ts";

/** A scan as far as it came, and why it did not come further, if it failed. */
export type Scanned = { readonly scan: Scan; readonly failure?: string };

/** A scan of a feed, page by page. */
export type FeedScanned = Scanned & {
  readonly pages: number;
  /** rows of the window by the gateway's own count, where it gives one */
  readonly total: number;
  /** it has more pages than are read in one scan */
  readonly cut: boolean;
};

/** Why a look-up was not made: the invocation ends too soon. */
export const outOfTime = "out of time";

/** A gateway with its feed. */
export type FeedOf = { readonly gateway: Gateway; readonly feed: Feed };

const askAgainAfterMs = 500;

/**
 * One page, asked for again where it may be: a look-up moves no money.
 * @param reserveMs time that must be left when the answer is there
 */
export const ask = async (
  gateway: Gateway,
  request: WireRequest,
  worker: Worker,
  reserveMs: number,
  tries: number,
): Promise<Replied | { readonly failure: string }> => {
  let failure: string | undefined;
  for (let attempt = 1; attempt <= tries; attempt++) {
    if (failure !== undefined) await worker.clock.sleep(askAgainAfterMs);
    if (worker.remainingMs() < reserveMs + worker.gatewayTimeoutMs) return { failure: failure ?? outOfTime };
    const { transport } = await pacedSend(
      gateway,
      "lookUp",
      request,
      { timeoutMs: worker.gatewayTimeoutMs },
      worker,
    );
    if (transport.kind === "replied" && transport.status < 500) return transport;
    failure =
      transport.kind === "replied" ? `HTTP ${transport.status}` : `${transport.kind}: ${transport.cause}`;
  }
  return { failure: failure ?? "not asked" };
};

/** What the rows of a scan are given to. */
type RowTaker<Row> = {
  add(row: Row): void;
  /** asked before the rows of a page are added; `false`: the scan ends there, as one that is cut */
  page?(rows: readonly Row[], total: number): Promise<boolean>;
};
type ReadPage<Row> = (reply: Replied, cursor: FeedCursor, window: FeedWindow) => FeedPage<Row>;

/**
 * Reads a window of the feed page by page into the matcher; memory does not grow with the pages. The scan is
 * whole only if every page came, every row could be read and the gateway's own count was reached.
 * @param reserveMs time that must be left when it ends
 */
export const scanFeed = (
  of: FeedOf,
  window: FeedWindow,
  matcher: RowTaker<FeedRow>,
  worker: Worker,
  reserveMs: number,
  tries = 2,
): Promise<FeedScanned> => scanPages(of, of.feed.readPage, window, matcher, worker, reserveMs, tries);

/** The same with rows as reconciliation compares them. Their texts may keep a whole page in the memory. */
export const scanSides = (
  of: FeedOf,
  window: FeedWindow,
  sides: RowTaker<GatewaySide>,
  worker: Worker,
  reserveMs: number,
  tries: number,
): Promise<FeedScanned> => {
  const read: ReadPage<GatewaySide> = (reply, cursor, within) =>
    comparedPage(of.feed.readPage(reply, cursor, within));
  return scanPages(of, of.feed.readSides ?? read, window, sides, worker, reserveMs, tries);
};

const scanPages = async <Row>(
  { gateway, feed }: FeedOf,
  readPage: ReadPage<Row>,
  window: FeedWindow,
  matcher: RowTaker<Row>,
  worker: Worker,
  reserveMs: number,
  tries: number,
): Promise<FeedScanned> => {
  const atMs = worker.clock.nowMs();
  let rows = 0;
  let pages = 0;
  let unreadRows = 0;
  let total = 0;
  let cursor: typeof feed.firstCursor | undefined = feed.firstCursor;
  let lastPageSha256: string | undefined;
  const ended = (whole: boolean, failure?: string, cut = false): FeedScanned => {
    const scan: Scan = { atMs, ...window, rows, whole };
    worker.log.event(failure === undefined ? "feed_scanned" : "feed_failed", {
      pages,
      rows,
      durationMs: worker.clock.nowMs() - atMs,
      ...(failure === undefined ? {} : { reason: failure }),
    });
    return { scan, pages, total, cut, ...(failure === undefined ? {} : { failure }) };
  };
  while (cursor !== undefined) {
    if (pages >= feed.pagesMax) return ended(false, undefined, true);
    const reply = await ask(gateway, feed.pageRequest(window, cursor), worker, reserveMs, tries);
    if ("failure" in reply) return ended(false, reply.failure);
    const page = readPage(reply, cursor, window);
    if (page.kind === "unreadable") return ended(false, page.why);
    // A feed that answers every page with the same rows would go on for ever.
    if (page.rows.length > 0 && reply.bodySha256 === lastPageSha256)
      return ended(false, "the same page again");
    lastPageSha256 = reply.bodySha256;
    if ((await matcher.page?.(page.rows, page.total ?? 0)) === false) return ended(false, undefined, true);
    pages += 1;
    rows += page.rows.length;
    unreadRows += page.unreadRows;
    total = Math.max(total, page.total ?? 0);
    for (const row of page.rows) matcher.add(row);
    cursor = page.next;
  }
  return ended(unreadRows === 0 && rows >= total);
};

/** The one of a charge's ids at its gateway by which it is asked for. */
export const idAtGateway = ({ transactionId, orderId }: GatewayIds = {}): IdAtGateway | undefined =>
  transactionId !== undefined ? { transactionId } : orderId !== undefined ? { orderId } : undefined;

/** Asks for one transaction by the gateway's own id, if time allows, and adds what comes to the matcher. */
export const lookUpById = async (
  { gateway, feed }: FeedOf,
  id: IdAtGateway,
  matcher: Matcher,
  worker: Worker,
  reserveMs: number,
): Promise<void> => {
  const request = feed.idRequest(id);
  if (request === undefined) return;
  // Once: a round may add so many requests to its scans, and no more.
  const reply = await ask(gateway, request, worker, reserveMs, 1);
  if ("failure" in reply) return;
  const page = feed.readPage(reply, feed.firstCursor);
  if (page.kind === "page") for (const row of page.rows) matcher.add(row);
};
