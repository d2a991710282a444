import type { DueWindow } from "../core/window-plan.ts";
import type { WindowRecord } from "../core/window-record.ts";
import type { Reconciler } from "../ports.ts";
import { tellLag } from "./plan-windows.ts";
import { feedOf } from "./reconcile-window.ts";
import type { FeedOf } from "./scan-feed.ts";
import { claimWindow, readWindows, workWindow } from "./work-window.ts";

/** What is left of an invocation must be worth beginning a window. */
const worthMs = 30_000;

export type Worked = { readonly done: number; readonly split: number; readonly left: number };

/**
 * Works windows that are due, oldest first, until none is left or the invocation ends: what is done where there is
 * no queue of windows. Any number of invocations may do so at once: each takes a window by a lease, and what one
 * that died had in hand is taken up again when its lease is over.
 */
export const reconcileDue = async (worker: Reconciler): Promise<Worked> => {
  const worked = { done: 0, split: 0, left: 0 };
  for (const gateway of Object.values(worker.gateways)) {
    const of = feedOf(gateway);
    if (of === undefined) continue;
    for (;;) {
      const { records, due } = await readWindows(of, worker);
      tellLag(of, records, due, worker);
      if (worker.remainingMs() < worthMs) {
        worked.left += due.length;
        break;
      }
      const claimed = await claimFirst(due, of, worker);
      if (claimed === undefined) break;
      worked[await workWindow(claimed, of, worker, false)] += 1;
    }
  }
  return worked;
};

/** Takes the first window that nobody else takes at the same moment. */
const claimFirst = async (
  due: readonly DueWindow[],
  of: FeedOf,
  worker: Reconciler,
): Promise<WindowRecord | undefined> => {
  for (const window of due) {
    const claimed = await claimWindow(window, of, worker);
    if (claimed !== undefined) return claimed;
  }
  return undefined;
};
