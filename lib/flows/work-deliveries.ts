import { backoffMs } from "../core/backoff.ts";
import type { Delivery, DeliveryEnd, Limit, Worker } from "../ports.ts";
import type { Worked } from "./charge-worker.ts";

/** SQS holds a message back for at most 900 s when it is sent, and for 12 h when it was received. */
const sendDelayMaxMs = 900_000;
const hideMaxMs = 43_000_000;

/** Tells what was worked, and says what becomes of its message. */
const finish = async ({ messageId }: Delivery, worked: Worked, worker: Worker): Promise<DeliveryEnd> => {
  if (worked.kind === "giveBack") {
    const delayMs = Math.min(worked.delayMs, hideMaxMs);
    worker.log.event("charge_given_back", { messageId, delayMs: Math.round(delayMs) });
    return { kind: "giveBack", delayMs };
  }
  if (worked.kind === "done") return { kind: "done" };
  const { queue, message } = worked.route;
  await worker.queues.send(queue, message, Math.min(worked.delayMs ?? 0, sendDelayMaxMs));
  worker.log.event("charge_routed", {
    outcome: message.outcome,
    queue,
    ...(message.chargeId === undefined ? {} : { chargeId: message.chargeId }),
    ...(message.requestId === undefined ? {} : { requestId: message.requestId }),
  });
  return { kind: "done" };
};

/**
 * Runs `work` over a batch, so many at a time, and routes what comes out; routes wait for each other a moment
 * to share a request. One delivery's failure is its own: it comes back later, and the others go on.
 */
export const workDeliveries = async (
  deliveries: readonly Delivery[],
  work: (delivery: Delivery) => Promise<Worked>,
  worker: Worker,
  limit: Limit,
): Promise<ReadonlyMap<string, DeliveryEnd>> => {
  const worked = deliveries.map((delivery) => limit(() => work(delivery)));
  const ends = deliveries.map(async (delivery, index): Promise<readonly [string, DeliveryEnd]> => {
    try {
      return [delivery.messageId, await finish(delivery, await (worked[index] as Promise<Worked>), worker)];
    } catch (error) {
      worker.log.event("message_failed", {
        messageId: delivery.messageId,
        error: error instanceof Error ? `${error.name}: ${error.message}` : "unknown",
      });
      const delayMs = backoffMs(delivery.receives, worker.ids.fraction());
      return [delivery.messageId, { kind: "giveBack", delayMs }];
    }
  });
  // With the last charge out of hand nobody is left to wait for.
  await Promise.allSettled(worked);
  worker.queues.flush();
  return new Map(await Promise.all(ends));
};
