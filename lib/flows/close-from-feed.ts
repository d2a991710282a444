import type { ChargeId } from "../core/charge.ts";
import type { EndedEntry } from "../core/charge-trace.ts";
import type { ReviewReason, UnknownEntry } from "../core/ledger.ts";
import type { Resolution } from "../core/resolution.ts";
import { windowOf } from "../core/resolution.ts";
import { recordVerdict } from "../core/verdict.ts";
import { groupWindows } from "../core/window-groups.ts";
import type { Worker } from "../ports.ts";
import { stamp } from "./charge-worker.ts";
import { markedMatcher } from "./marked-matcher.ts";
import { replaceEntry } from "./replace-entry.ts";
import { type FeedOf, scanFeed } from "./scan-feed.ts";
import { weighLookUp } from "./weigh-look-up.ts";

/** Reasons that rest on rows, and not on what was not seen or on how often somebody looked. */
const restsOnRows: ReadonlySet<ReviewReason> = new Set<ReviewReason>([
  "mismatch",
  "double_charge",
  "captured_by_earlier_attempt",
  "refunded_or_charged_back",
]);

type Closing = Extract<Resolution, { kind: "settle" | "review" }>;

const closingOf = (resolution: Resolution): Closing | undefined => {
  if (resolution.kind === "settle") {
    // A description may repeat what only the charge's message could mask (S12), and that is not at hand.
    const { description: _description, ...ending } = resolution.ending;
    return { ...resolution, ending };
  }
  return resolution.kind === "review" && restsOnRows.has(resolution.reason) ? resolution : undefined;
};

/**
 * Closes unknowns that rows of the feed answer, by the rules and the conditional write of every other look-up
 * (S7). What the feed does not answer is left as it is: nothing is sent, no look-up of the schedule is used up.
 * The message of each that waits in `unknown-outcomes` tells its outcome (S8): it is woken, where it is known by
 * what; otherwise it comes at its own time.
 * @returns the entries that were closed, as they are now
 */
export const closeFromFeed = async (
  entries: readonly UnknownEntry[],
  feedOf: FeedOf,
  worker: Worker,
  reserveMs: number,
): Promise<ReadonlyMap<ChargeId, EndedEntry>> => {
  const closed = new Map<ChargeId, EndedEntry>();
  const nowMs = worker.clock.nowMs();
  const wanted = entries.map((entry) => ({
    window: windowOf(entry, worker.policy, worker.gatewayTimeoutMs, nowMs),
    item: entry,
  }));
  for (const { window, items } of groupWindows(wanted, worker.policy.feedLagMs)) {
    const matcher = markedMatcher(items, worker.sha256);
    const scanned = await scanFeed(feedOf, window, matcher, worker, reserveMs);
    for (const entry of items) {
      const found = matcher.foundOf(entry.chargeId);
      const { noted, resolution } = weighLookUp(entry, found, scanned, feedOf.gateway, worker);
      const closing = closingOf(resolution);
      if (closing === undefined) continue;
      // What settles a charge, or gives it to a person, ends it.
      const recorded = recordVerdict(noted, closing, stamp(worker)) as EndedEntry;
      if (!(await replaceEntry(entry, recorded, worker))) continue;
      closed.set(entry.chargeId, recorded);
      if (entry.receipt !== undefined) await worker.wake?.(entry.receipt);
    }
  }
  return closed;
};
