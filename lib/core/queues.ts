/**
 * The queues of a stack, in one list. Everything that has to know them (bootstrap, the deployed
 * infrastructure, settings, the embedded stack) is derived from here, so that adding a queue is one row.
 *
 * `variable` is the environment variable that carries the queue's address; `consumedBy` is the function that
 * deletes from it, or null where the messages are for the merchant. A consumed queue gets a dead-letter queue.
 */
export const QUEUES = [
  { name: "charges", variable: "QUEUE_URL_CHARGES", consumedBy: "submit-charges" },
  { name: "unknown-outcomes", variable: "QUEUE_URL_UNKNOWN_OUTCOMES", consumedBy: "resolve-unknowns" },
  { name: "approved", variable: "QUEUE_URL_APPROVED", consumedBy: null },
  { name: "permanent-declines", variable: "QUEUE_URL_PERMANENT_DECLINES", consumedBy: null },
  { name: "retryable-declines", variable: "QUEUE_URL_RETRYABLE_DECLINES", consumedBy: "schedule-retries" },
  { name: "request-errors", variable: "QUEUE_URL_REQUEST_ERRORS", consumedBy: null },
  { name: "review", variable: "QUEUE_URL_REVIEW", consumedBy: null },
  { name: "reconcile-windows", variable: "QUEUE_URL_RECONCILE_WINDOWS", consumedBy: "reconcile-window" },
] as const;

export type Queue = (typeof QUEUES)[number];
export type QueueName = Queue["name"];
export type QueueVariable = Queue["variable"];

/**
 * The queues whose messages are charges, or tell of one. The other carries windows of reconciliation: none is money,
 * none is lost that the schedule would not plan anew, and a stack works without it.
 */
export type ChargeQueue = Exclude<Queue, { name: "reconcile-windows" }>;
export type ChargeQueueName = ChargeQueue["name"];

export const CHARGE_QUEUES: readonly ChargeQueue[] = QUEUES.filter(
  (queue): queue is ChargeQueue => queue.name !== "reconcile-windows",
);

/** The queues that a function deletes from, and which therefore have a dead-letter queue. */
export type ConsumedQueue = Extract<Queue, { consumedBy: string }>;
export type ConsumedQueueName = ConsumedQueue["name"];

/** Whether a function of this stack deletes from the queue. */
export function isConsumed(queue: Queue): queue is ConsumedQueue {
  return queue.consumedBy !== null;
}

/** What the dead-letter queue of a queue is called, prefix included when `name` has it. */
export function deadLetterNameOf(name: string): string {
  return `${name}-dlq`;
}
