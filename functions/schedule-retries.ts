import { scheduleRetries } from "../lib/flows/schedule-retries.ts";
import { retryQueueFunction } from "./parts/retry-queue-function.ts";

/** Works the `retryable-declines` queue, where later attempts are made. */
export const handler = retryQueueFunction("schedule-retries", scheduleRetries);
