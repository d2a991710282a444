import { type DueWindow, watermarkMs } from "../core/window-plan.ts";
import type { WindowRecord } from "../core/window-record.ts";
import type { Reconciler, WindowQueue } from "../ports.ts";
import { feedOf } from "./reconcile-window.ts";
import type { FeedOf } from "./scan-feed.ts";
import { readWindows } from "./work-window.ts";

export type WindowPlanner = Pick<Reconciler, "book" | "clock" | "gateways" | "log">;

/**
 * Puts every window that is due onto the queue of windows, oldest first. One that still waits there from the turn
 * before comes onto it again: whoever gets it second finds in its record that there is nothing to do.
 */
export const planWindows = async (
  worker: WindowPlanner,
  windows: WindowQueue,
): Promise<{ readonly queued: number }> => {
  let queued = 0;
  for (const gateway of Object.values(worker.gateways)) {
    const of = feedOf(gateway);
    if (of === undefined) continue;
    const { records, due } = await readWindows(of, worker);
    tellLag(of, records, due, worker);
    for (const { fromMs, toMs, pass } of due) {
      await windows.send({ v: 1, gateway: gateway.name, fromMs, toMs, pass });
      queued += 1;
    }
  }
  return { queued };
};

/** How far the reconciled time lies back, as a metric that is there for every invocation, or is missing. */
export const tellLag = (
  { gateway }: FeedOf,
  records: readonly WindowRecord[],
  due: readonly DueWindow[],
  worker: Pick<Reconciler, "clock" | "log">,
): void => {
  const mark = watermarkMs(records) ?? due[0]?.fromMs;
  if (mark === undefined) return;
  worker.log.metric("ReconciliationLagMs", worker.clock.nowMs() - mark, { gateway: gateway.name });
};
