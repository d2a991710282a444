import type { Context } from "aws-lambda";
import { dueRetries, dynamodbRelease } from "../lib/adapters/dynamodb-retries.ts";
import { sqsCharges } from "../lib/adapters/sqs-charges.ts";
import { releaseRetries } from "../lib/flows/release-retries.ts";
import { fairGroupOf } from "../lib/gateways/fair-group.ts";
import { retryParts } from "./parts/retry-parts.ts";

const { clerk, settings, sqs, dynamodb, log } = retryParts("release-retries");
const release = dynamodbRelease(dynamodb, settings.ledgerTable);
const due = dueRetries(dynamodb, settings.ledgerTable);
const sendCharge = sqsCharges(sqs, settings.queueUrls.charges, fairGroupOf);

/** Runs by schedule: puts the charges whose later attempt is due onto their queue again. */
export const handler = async (_event: unknown, context: Context): Promise<{ readonly released: number }> => {
  try {
    const remainingMs = () => context.getRemainingTimeInMillis();
    return { released: await releaseRetries({ ...clerk, release, due, sendCharge, remainingMs }) };
  } finally {
    log.flush();
  }
};
