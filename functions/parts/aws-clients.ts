import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SQSClient } from "@aws-sdk/client-sqs";
import { clientLimits, sqsClientLimits } from "../../lib/adapters/deadline.ts";

/** The SDK copies all of a request for a logger that nobody has given it. */
const unlogged = "loggerMiddleware";

export const dynamodbClient = (): DynamoDBClient => {
  const client = new DynamoDBClient({ ...clientLimits });
  client.middlewareStack.remove(unlogged);
  return client;
};

export const sqsClient = (): SQSClient => {
  const client = new SQSClient({ ...sqsClientLimits });
  client.middlewareStack.remove(unlogged);
  return client;
};
