import type { DueWindow } from "../core/window-plan.ts";
import { dueWindows, halvesOf, lookBackMs, splitMinMs, watermarkMs, windowMs } from "../core/window-plan.ts";
import type { WindowRecord } from "../core/window-record.ts";
import type { Reconciler } from "../ports.ts";
import { feedOf, OutOfTime, reconcileWindow } from "./reconcile-window.ts";
import type { FeedOf } from "./scan-feed.ts";

/** What is left of an invocation must be worth beginning a window. */
const worthMs = 30_000;
/** A lease outlives the invocation by as much as clocks may differ. */
const leaseGraceMs = 60_000;

export type Worked = { readonly done: number; readonly split: number; readonly left: number };

/**
 * Works windows that are due, oldest first, until none is left or the invocation ends. Any number of invocations
 * may do so at once: each takes a window by a lease, and what one that died had in hand is taken up again when
 * its lease is over.
 */
export const reconcileDue = async (worker: Reconciler): Promise<Worked> => {
  const worked = { done: 0, split: 0, left: 0 };
  for (const gateway of Object.values(worker.gateways)) {
    const of = feedOf(gateway);
    if (of === undefined) continue;
    for (;;) {
      const nowMs = worker.clock.nowMs();
      // Before the window's own time by a window: one that begins earlier may reach into it.
      const records = await worker.book.windows(gateway.name, nowMs - lookBackMs - windowMs);
      const due = dueWindows(records, nowMs);
      tellLag(of, records, due, worker);
      if (due.length === 0) break;
      if (worker.remainingMs() < worthMs) {
        worked.left += due.length;
        break;
      }
      const claimed = await claimFirst(due, of, worker);
      if (claimed === undefined) break;
      worked[await workWindow(claimed, of, worker)] += 1;
    }
  }
  return worked;
};

/** How far the reconciled time lies back, as a metric that is there for every invocation, or is missing. */
const tellLag = (
  { gateway }: FeedOf,
  records: readonly WindowRecord[],
  due: readonly DueWindow[],
  worker: Reconciler,
): void => {
  const mark = watermarkMs(records) ?? due[0]?.fromMs;
  if (mark === undefined) return;
  worker.log.metric("ReconciliationLagMs", worker.clock.nowMs() - mark, { gateway: gateway.name });
};

/** Takes the first window that nobody else takes at the same moment. */
const claimFirst = async (
  due: readonly DueWindow[],
  { gateway }: FeedOf,
  worker: Reconciler,
): Promise<WindowRecord | undefined> => {
  for (const { standing, fromMs, toMs, pass } of due) {
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
    if ((await worker.book.replace(standing?.token, record)).kind === "replaced") return record;
  }
  return undefined;
};

const workWindow = async (
  claimed: WindowRecord,
  of: FeedOf,
  worker: Reconciler,
): Promise<"done" | "split" | "left"> => {
  const { v, gateway, fromMs, toMs, pass, begun } = claimed;
  const base = { v, gateway, fromMs, toMs, pass, begun, token: worker.ids.leaseToken() };
  try {
    const run = await reconcileWindow(of, { fromMs, toMs }, worker);
    await worker.book.replace(claimed.token, { ...base, state: "done", run });
    return "done";
  } catch (error) {
    worker.log.event("reconciliation_failed", {
      gateway,
      error: error instanceof Error ? `${error.name}: ${error.message}` : "unknown",
    });
    if (!(error instanceof OutOfTime)) throw error;
    // Begun anew with a whole invocation before it, it may fit; one that did not fit twice is cut.
    if (begun < 2 || toMs - fromMs < splitMinMs) {
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
