import { parseWindowMessage, type WindowMessage } from "../core/window-message.ts";
import type { Delivery, Reconciler } from "../ports.ts";
import { feedOf } from "./reconcile-window.ts";
import { claimWindow, readWindows, workWindow } from "./work-window.ts";

/**
 * Works the windows that messages name, one after the other. A message only says where to look: what is done is
 * what the window's record says. So one that comes twice, or for a window that is done, cut, or in somebody's hands,
 * is dropped; and what a worker that died had in hand is taken up when its lease is over, by its own message or by
 * the one of the schedule's next turn.
 */
export const workWindowMessages = async (
  deliveries: readonly Delivery[],
  worker: Reconciler,
): Promise<void> => {
  for (const { messageId, body } of deliveries) {
    const message = parseWindowMessage(body);
    if (message === undefined)
      worker.log.event("message_failed", { messageId, error: "names no window of reconciliation" });
    else await workNamed(message, deliveries.length === 1, worker);
  }
};

const workNamed = async (
  { gateway: name, fromMs, toMs, pass }: WindowMessage,
  whole: boolean,
  worker: Reconciler,
): Promise<void> => {
  const gateway = worker.gateways[name];
  const of = gateway === undefined ? undefined : feedOf(gateway);
  if (of === undefined) return;
  const { due } = await readWindows(of, worker);
  const window = due.find((one) => one.fromMs === fromMs && one.toMs === toMs && one.pass === pass);
  const claimed = window === undefined ? undefined : await claimWindow(window, of, worker);
  if (claimed !== undefined) await workWindow(claimed, of, worker, whole);
};
