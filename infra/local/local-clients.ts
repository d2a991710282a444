import { Agent } from "node:http";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SQSClient } from "@aws-sdk/client-sqs";

/** What the stand-ins are told and never check; the SDK insists on having them. */
export const LOCAL_REGION = "us-east-1";
export const LOCAL_CREDENTIALS = { accessKeyId: "local", secretAccessKey: "local" } as const;

const MAX_ATTEMPTS = 3;
const CONNECT_DEADLINE_MS = 2_000;
/** More than every worker's long poll at once, so that a call never queues behind polls for a socket. */
const MAX_SOCKETS = 256;

export interface LocalClients {
  readonly sqs: SQSClient;
  readonly dynamodb: DynamoDBClient;
  /** Closes the connections that are kept alive. */
  destroy(): void;
}

/**
 * SDK clients for the stand-ins: endpoint set explicitly (so that nothing of the caller's AWS settings is
 * used), keep-alive connections, three attempts. A call's deadline is the caller's `abortSignal`: the SDK's
 * own request time-out would only log, and must not cut a long poll.
 */
export function localClients(endpoints: { sqs: string; dynamodb: string }): LocalClients {
  const settings = (endpoint: string) => ({
    endpoint,
    region: LOCAL_REGION,
    credentials: LOCAL_CREDENTIALS,
    maxAttempts: MAX_ATTEMPTS,
    requestHandler: {
      connectionTimeout: CONNECT_DEADLINE_MS,
      httpAgent: new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS }),
    },
  });
  const sqs = new SQSClient(settings(endpoints.sqs));
  const dynamodb = new DynamoDBClient(settings(endpoints.dynamodb));
  return {
    sqs,
    dynamodb,
    destroy() {
      sqs.destroy();
      dynamodb.destroy();
    },
  };
}
