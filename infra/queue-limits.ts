/** What every queue of a stack has, whoever makes it: `bootstrap` or the deployed infrastructure. */

/** Fourteen days, the longest SQS keeps a message: a long outage must not lose a charge. */
export const MESSAGE_RETENTION_SECONDS = 1_209_600;
/** The longest long poll SQS allows. */
export const RECEIVE_WAIT_SECONDS = 20;
/**
 * Deliveries before a message goes to the dead-letter queue. High on purpose: workers pace themselves by
 * visibility through a gateway's outage, and each pause costs a delivery; healthy charges must outlast it.
 */
export const MAX_RECEIVE_COUNT = 240;
/**
 * Function time-outs for which a message that was received stays hidden: AWS asks for six, so that a batch
 * that is throttled may be tried again before others see it.
 */
export const VISIBILITY_TIMEOUTS = 6;
