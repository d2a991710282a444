import { dynamodbRetries } from "../lib/adapters/dynamodb-retries.ts";
import { resolveUnknowns } from "../lib/flows/resolve-unknowns.ts";
import { queueFunction } from "./parts/queue-function.ts";

/** Works the `unknown-outcomes` queue. */
export const handler = queueFunction(
  "resolve-unknowns",
  "unknown-outcomes",
  resolveUnknowns,
  ({ dynamodb, settings }) => ({ retries: dynamodbRetries(dynamodb, settings.ledgerTable) }),
);
