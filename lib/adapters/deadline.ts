/** An AWS call that did not answer, or not well, before its deadline. What it asked for may have been done. */
export class CallFailed extends Error {
  override readonly name: string = "CallFailed";
}

/**
 * Runs one AWS call under a hard deadline over all of its retries. The SDK's own `requestTimeout` only logs
 * unless it is told to throw, and its socket time-out is 300 s for DynamoDB; the signal ends all of it.
 * @param wrap makes the error that the caller promises
 */
export const withDeadline = async <T>(
  deadlineMs: number,
  call: (abortSignal: AbortSignal) => Promise<T>,
  wrap: (message: string) => Error,
): Promise<T> => {
  try {
    return await call(AbortSignal.timeout(deadlineMs));
  } catch (error) {
    if (error instanceof Error && error.name === "ConditionalCheckFailedException") throw error;
    if (!(error instanceof Error)) throw wrap("unknown error");
    // What Node says of a connection has no other name than its code, and the SDK's word on the region none at all.
    const { name, code } = error as NodeJS.ErrnoException;
    if (name === "Error" && error.message === "Region is missing") throw wrap("AWS_REGION is not set");
    throw wrap(name === "Error" && typeof code === "string" ? code : name);
  }
};

/** What every AWS client of a function gets: short tries, so that the deadline has room for one more. */
export const clientLimits = {
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 1_000, requestTimeout: 2_000, throwOnRequestTimeout: true },
} as const;

/**
 * What every SQS client gets. By default the SDK calls the host that a queue's URL names and only then the
 * endpoint that the environment gives; an endpoint of somebody else may name one that nobody resolves.
 */
export const sqsClientLimits = { ...clientLimits, useQueueUrlAsEndpoint: false } as const;
