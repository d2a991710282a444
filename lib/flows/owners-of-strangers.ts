import { type ChargeId, parseChargeId } from "../core/charge.ts";
import type { FeedWindow, OrderOwners } from "../core/feed.ts";
import type { LedgerEntry } from "../core/ledger.ts";
import type { GatewaySide } from "../core/sides.ts";
import type { WireRequest } from "../core/transport.ts";
import type { Worker } from "../ports.ts";
import { readEntries } from "./read-entries.ts";
import { ask, type FeedOf, outOfTime } from "./scan-feed.ts";

/** Whose the rows are that no charge explained, as far as their orders say. */
export type Owners = {
  /** charges by the orders that were made for them */
  readonly byOrder: ReadonlyMap<string, ChargeId>;
  /** why some of them are not known, though they could be; `undefined`: nothing failed */
  readonly failure?: string;
};

/** Orders that one run asks of: a merchant's sales beside ours may be many, and each is a request. */
const askedMax = 200;
const readAtOnce = 100;
/** Together they outlast a `Retry-After` of a minute. */
const triesPerOrder = 8;
const askAgainAfterMs = 10_000;

const askOwner = async (
  request: WireRequest,
  { gateway }: FeedOf,
  owners: OrderOwners,
  worker: Worker,
  reserveMs: number,
): Promise<ReturnType<OrderOwners["read"]>> => {
  for (let attempt = 1; ; attempt++) {
    const reply = await ask(gateway, request, worker, reserveMs, 1);
    const answer = "failure" in reply ? reply : owners.read(reply);
    if (!("failure" in answer) || answer.failure === outOfTime || attempt === triesPerOrder) return answer;
    await worker.clock.sleep(askAgainAfterMs);
  }
};

/**
 * Asks of captures that no charge explains whose order they are of, where the gateway's rows do not say it: a second
 * order of one charge is a double charge, and not a stranger's sale. What the gateway says is believed only of a charge
 * of this gateway for which an order was made.
 * @param reserveMs time that must be left when it ends
 */
export const ownersOfStrangers = async (
  strangers: Iterable<GatewaySide>,
  of: FeedOf,
  window: FeedWindow,
  worker: Worker,
  reserveMs: number,
): Promise<Owners> => {
  const { gateway, feed } = of;
  const { owners } = feed;
  const byOrder = new Map<string, ChargeId>();
  if (owners === undefined) return { byOrder };
  const requests = new Map<string, WireRequest>();
  for (const row of strangers) {
    const { orderId, atMs } = row;
    // The rows of the margins are of the runs before and after.
    if (orderId === undefined || atMs === undefined || atMs < window.fromMs || atMs >= window.toMs) continue;
    const request = requests.has(orderId) ? undefined : owners.request(row);
    if (request !== undefined) requests.set(orderId, request);
    if (requests.size === askedMax) break;
  }
  let failure: string | undefined;
  const named = new Map<string, ChargeId>();
  // One after the other: what is asked here can wait, and charges are sent meanwhile by the same account.
  for (const [orderId, request] of requests) {
    const answer = await askOwner(request, of, owners, worker, reserveMs);
    if ("failure" in answer) {
      failure = answer.failure;
      break;
    }
    const chargeId = parseChargeId(answer.chargeId);
    if (chargeId !== undefined) named.set(orderId, chargeId);
  }
  const wanted = [...new Set(named.values())];
  const entries = new Map<ChargeId, LedgerEntry | Error>();
  for (let from = 0; from < wanted.length; from += readAtOnce)
    for (const [chargeId, entry] of await readEntries(wanted.slice(from, from + readAtOnce), worker.ledger))
      entries.set(chargeId, entry);
  for (const [orderId, chargeId] of named) {
    const entry = entries.get(chargeId);
    if (entry === undefined) continue;
    if (entry instanceof Error) failure ??= "an entry that cannot be read";
    else if (entry.gateway === gateway.name && entry.preparation !== undefined)
      byOrder.set(orderId, chargeId);
  }
  return { byOrder, ...(failure === undefined ? {} : { failure }) };
};
