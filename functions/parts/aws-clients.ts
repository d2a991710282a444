import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SQSClient } from "@aws-sdk/client-sqs";
import { clientLimits, sqsClientLimits } from "../../lib/adapters/deadline.ts";
import { httpWire } from "../../lib/adapters/http-wire.ts";
import { quickItems } from "../../lib/adapters/quick-dynamodb.ts";
import { credentialsOfEnvironment, formOfEnvironment } from "../../lib/adapters/quick-form.ts";
import { type GivenUp, type QuickKind, quickSends } from "../../lib/adapters/quick-sends.ts";
import { quickMessages } from "../../lib/adapters/quick-sqs.ts";
import type { Log } from "../../lib/ports.ts";
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

/** The same clients for a function that makes some requests over and over. */
export const quickClients = (dynamodb: DynamoDBClient, sqs: SQSClient, log: Log) => {
  const options = {
    clock,
    timeoutMs,
    credentials: () => credentialsOfEnvironment(process.env),
    formOf: ({ service, operation }: QuickKind) => formOfEnvironment(process.env, service, operation),
    onGivenUp({ operation, status, code }: GivenUp) {
      const members = { reason: operation, code, ...(status === undefined ? {} : { status }) };
      log.event("quick_given_up", members);
      log.metric("QuickGivenUp", 1, members);
    },
  };
  const wire = () => httpWire({ clock, idleTimeoutMs });
  return {
    dynamodb: quickSends(dynamodb, { ...options, wire: wire(), kinds: quickItems }),
    sqs: quickSends(sqs, { ...options, wire: wire(), kinds: quickMessages }),
  };
};
