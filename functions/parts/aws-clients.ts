import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SQSClient } from "@aws-sdk/client-sqs";
import { clientLimits, sqsClientLimits } from "../../lib/adapters/deadline.ts";
import { httpWire } from "../../lib/adapters/http-wire.ts";
import { quickStatements } from "../../lib/adapters/quick-dynamodb.ts";
import { quickSends } from "../../lib/adapters/quick-sends.ts";
import { quickMessages } from "../../lib/adapters/quick-sqs.ts";
import { clock } from "./machine.ts";

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

/** Longer than between two batches; AWS keeps idle connections for longer still. */
const idleTimeoutMs = 5_000;
const timeoutMs = clientLimits.requestHandler.requestTimeout;

/** A function's first call has the SDK's connection, and should not have to make another one. */
const sdkFirst = 2;

/** The same clients for a function that makes some requests over and over. */
export const quickClients = (dynamodb: DynamoDBClient, sqs: SQSClient) => {
  const options = { wire: httpWire({ clock, idleTimeoutMs }), clock, sdkFirst, timeoutMs };
  return {
    dynamodb: quickSends(dynamodb, { ...options, kinds: [quickStatements] }),
    sqs: quickSends(sqs, { ...options, kinds: [quickMessages] }),
  };
};
