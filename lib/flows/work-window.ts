import { NoRoom } from "../core/no-room.ts";
import {
  type DueWindow,
  dueWindows,
  halvesOf,
  lookBackMs,
  splitMinMs,
  windowMs,
} from "../core/window-plan.ts";
import type { WindowRecord } from "../core/window-record.ts";
import type { Reconciler } from "../ports.ts";
import { keptFindings } from "./kept-findings.ts";
import { OutOfTime, reconcileWindow } from "./reconcile-window.ts";
import type { FeedOf } from "./scan-feed.ts";

/** A lease outlives the invocation by as much as clocks may differ. */
const leaseGraceMs = 60_000;

/** What the ledger's table has of a gateway's windows, and which of them somebody should work on now. */
export const readWindows = async (
  { gateway }: FeedOf,
  worker: Pick<Reconciler, "book" | "clock">,
): Promise<{ readonly records: readonly WindowRecord[]; readonly due: readonly DueWindow[] }> => {
  const nowMs = worker.clock.nowMs();
  // Before the window's own time by a window: one that begins earlier may reach into it.
  const records = await worker.book.windows(gateway.name, nowMs - lookBackMs - windowMs);
  return { records, due: dueWindows(records, nowMs) };
};

/** Takes a window by a lease, unless somebody else takes it at the same moment. */
export const claimWindow = async (
  { standing, fromMs, toMs, pass }: DueWindow,
  { gateway }: FeedOf,
  worker: Reconciler,
): Promise<WindowRecord | undefined> => {
  const record: WindowRecord = {
    v: 1,
    gateway: gateway.name,
    fromMs,
    toMs,
    pass,
    token: worker.ids.leaseToken(),
    begun: (standing?.begun ?? 0) + 1,
    state: "leased",
    leaseUntilMs: worker.clock.nowMs() + Math.min(worker.remainingMs(), 86_400_000) + leaseGraceMs,
  };
  return (await worker.book.replace(standing?.token, record)).kind === "replaced" ? record : undefined;
};

/**
 * Works a window that this worker has the lease of.
 * @param whole it has a whole invocation to itself: what does not fit now will not fit later either
 * @throws whatever ended the run, unless that was its time or its room: then the window is cut, or waits
 */
export const workWindow = async (
  claimed: WindowRecord,
  of: FeedOf,
  worker: Reconciler,
  whole: boolean,
): Promise<"done" | "split" | "left"> => {
  const { v, gateway, fromMs, toMs, pass, begun } = claimed;
  const base = { v, gateway, fromMs, toMs, pass, begun, token: worker.ids.leaseToken() };
  try {
    const kept = keptFindings(base.token, worker);
    const run = await reconcileWindow(of, { fromMs, toMs }, worker, { onFinding: kept.add });
    await kept.end();
    const count = kept.count();
    await worker.book.replace(claimed.token, {
      ...base,
      state: "done",
      run,
      ...(count === 0 ? {} : { kept: count }),
    });
    return "done";
  } catch (error) {
    worker.log.event("reconciliation_failed", {
      gateway,
      error: error instanceof Error ? `${error.name}: ${error.message}` : "unknown",
    });
    const isLarge = error instanceof NoRoom;
    if (!isLarge && !(error instanceof OutOfTime)) throw error;
    const isShort = toMs - fromMs < splitMinMs;
    if (isLarge && isShort) throw error;
    // Begun anew with a whole invocation before it, it may fit in its time; one that did not fit so is cut.
    if (isShort || !(isLarge || whole || begun >= 2)) {
      await worker.book.replace(claimed.token, { ...base, state: "waiting" });
      return "left";
    }
    // One that is there already was written by whoever cut it before and died.
    for (const half of halvesOf(claimed, gateway, [worker.ids.leaseToken(), worker.ids.leaseToken()]))
      await worker.book.replace(undefined, half);
    await worker.book.replace(claimed.token, { ...base, state: "split" });
    return "split";
  }
};
