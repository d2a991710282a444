import { fileURLToPath } from "node:url";
import {
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
} from "@aws-sdk/client-sqs";
import type { SQSBatchResponse } from "aws-lambda";
import { bootstrap } from "../../infra/bootstrap.ts";
import { startDynamodbStandIn } from "../../infra/local/dynamodb-stand-in.ts";
import { type FunctionProcess, startFunctionProcess } from "../../infra/local/function-process.ts";
import {
  LOCAL_CREDENTIALS,
  LOCAL_REGION,
  type LocalClients,
  localClients,
} from "../../infra/local/local-clients.ts";
import {
  type SandboxCentrobill,
  type SandboxCentrobillOptions,
  startSandboxCentrobill,
} from "../../infra/local/sandbox-centrobill/server.ts";
import { sqsEvent } from "../../infra/local/sqs-event.ts";
import { startSqsStandIn } from "../../infra/local/sqs-stand-in.ts";
import { dynamodbLedger } from "../../lib/adapters/dynamodb-ledger.ts";
import { QUEUES, type QueueName } from "../../lib/core/queues.ts";
import type { RouteMessage } from "../../lib/core/route-message.ts";
import type { Ledger } from "../../lib/ports.ts";
import { type CountingProxy, countingProxy } from "./counting-proxy.ts";

export type FunctionName =
  | "submit-charges"
  | "resolve-unknowns"
  | "receive-notices"
  | "reconcile"
  | "reconcile-window"
  | "write-reports"
  | "schedule-retries"
  | "release-retries"
  | "gauge-money"
  | "pack-worklist"
  | "review-desk";

/** The file that is deployed. */
export const bundleOf = (name: FunctionName): string =>
  fileURLToPath(new URL(`../../dist/functions/${name}/index.mjs`, import.meta.url));

/** A deployed function, running. */
export type RunningFunction = {
  readonly process: FunctionProcess;
  /** what it wrote, line by line */
  readonly lines: readonly string[];
  /** one invocation with these messages; throws what the handler threw */
  invoke(queue: QueueName, messages: readonly Message[], timeoutMs?: number): Promise<SQSBatchResponse>;
};

/** Stand-ins with a counter before each, queues and table on them, and a gateway. */
export type FunctionStand = {
  /** through the counters, as a function's own are */
  readonly clients: LocalClients;
  readonly sqs: CountingProxy;
  readonly dynamodb: CountingProxy;
  readonly sandbox: SandboxCentrobill;
  readonly ledger: Ledger;
  /** everything a function needs to start */
  readonly env: Readonly<Record<string, string>>;
  urlOf(queue: QueueName): string;
  start(name: FunctionName, more?: Readonly<Record<string, string>>): Promise<RunningFunction>;
  send(queue: QueueName, bodies: readonly string[]): Promise<void>;
  /** takes up to so many messages that are visible now */
  receive(queue: QueueName, most?: number): Promise<readonly Message[]>;
  /** deletes what was received */
  remove(queue: QueueName, messages: readonly Message[]): Promise<void>;
  /** takes what an outcome queue holds now */
  told(queue: QueueName): Promise<readonly RouteMessage[]>;
  /** messages that are visible now, and those that are hidden or delayed */
  depth(queue: QueueName): Promise<{ readonly visible: number; readonly hidden: number }>;
  close(): Promise<void>;
};

export const functionStand = async (options: SandboxCentrobillOptions = {}): Promise<FunctionStand> => {
  const [dynamodbStandIn, sqsStandIn, sandbox] = await Promise.all([
    startDynamodbStandIn(),
    startSqsStandIn(),
    startSandboxCentrobill({ latencyMs: { min: 0, max: 2 }, stallMs: 5_000, ...options }),
  ]);
  const [dynamodb, sqs] = await Promise.all([
    countingProxy(dynamodbStandIn.endpoint),
    countingProxy(sqsStandIn.endpoint),
  ]);
  const clients = localClients({ dynamodb: dynamodb.endpoint, sqs: sqs.endpoint });
  const variables = await bootstrap(clients, "", {
    visibilitySeconds: { charges: 30, "unknown-outcomes": 30 },
  });
  const env: Record<string, string> = {
    ...variables,
    AWS_ENDPOINT_URL_SQS: sqs.endpoint,
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb.endpoint,
    AWS_REGION: LOCAL_REGION,
    AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
    CENTROBILL_API_KEY: "sandbox-key",
    CENTROBILL_URL: sandbox.url,
    CENTROBILL_FEED_URL: sandbox.feedUrl,
    GATEWAY_TIMEOUT_MS: "1000",
    POLICY: JSON.stringify({
      resendDelayMs: 100,
      lookupScheduleMs: [1_000, 2_000, 3_000],
      feedLagMs: 100,
      // Whole batches of time-outs are wanted here, not an account that is closed after ten of them.
      closeAfterFaults: 1_000,
      concurrencyMin: 50,
    }),
  };
  const urlOf = (queue: QueueName): string =>
    variables[QUEUES.find(({ name }) => name === queue)?.variable ?? ""] ?? "";
  const running: FunctionProcess[] = [];

  const receive = async (queue: QueueName, most = 10): Promise<readonly Message[]> => {
    const messages: Message[] = [];
    while (messages.length < most) {
      const { Messages = [] } = await clients.sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: urlOf(queue),
          MaxNumberOfMessages: Math.min(10, most - messages.length),
          WaitTimeSeconds: 0,
          MessageSystemAttributeNames: ["All"],
        }),
      );
      if (Messages.length === 0) break;
      messages.push(...Messages);
    }
    return messages;
  };

  return {
    clients,
    sqs,
    dynamodb,
    sandbox,
    ledger: dynamodbLedger(clients.dynamodb, variables["LEDGER_TABLE"] ?? ""),
    env,
    urlOf,
    async start(functionName, more = {}) {
      const lines: string[] = [];
      const process = startFunctionProcess({
        functionName,
        bundle: bundleOf(functionName),
        env: { ...env, ...more },
        onLog: ({ line }) => lines.push(line),
      });
      running.push(process);
      const failure = await process.started;
      if (failure !== null) throw new Error(failure);
      return {
        process,
        lines,
        async invoke(queue, messages, timeoutMs = 30_000) {
          const arn = `arn:aws:sqs:us-east-1:000000000000:${queue}`;
          const end = await process.invoke(sqsEvent(messages, arn), timeoutMs);
          if (end.kind === "returned") return end.result as SQSBatchResponse;
          throw new Error(JSON.stringify(end));
        },
      };
    },
    async send(queue, bodies) {
      for (let from = 0; from < bodies.length; from += 10)
        await clients.sqs.send(
          new SendMessageBatchCommand({
            QueueUrl: urlOf(queue),
            Entries: bodies
              .slice(from, from + 10)
              .map((body, index) => ({ Id: String(index), MessageBody: body })),
          }),
        );
    },
    receive,
    async remove(queue, messages) {
      for (const { ReceiptHandle } of messages)
        await clients.sqs.send(new DeleteMessageCommand({ QueueUrl: urlOf(queue), ReceiptHandle }));
    },
    async told(queue) {
      return (await receive(queue, 1_000)).map(({ Body = "" }) => JSON.parse(Body) as RouteMessage);
    },
    async depth(queue) {
      const { Attributes } = await clients.sqs.send(
        new GetQueueAttributesCommand({ QueueUrl: urlOf(queue), AttributeNames: ["All"] }),
      );
      return {
        visible: Number(Attributes?.ApproximateNumberOfMessages),
        hidden:
          Number(Attributes?.ApproximateNumberOfMessagesNotVisible) +
          Number(Attributes?.ApproximateNumberOfMessagesDelayed),
      };
    },
    async close() {
      await Promise.all(running.map((process) => process.stop()));
      clients.destroy();
      await Promise.all([dynamodb.close(), sqs.close(), sandbox.close()]);
      await Promise.all([dynamodbStandIn.close(), sqsStandIn.close()]);
    },
  };
};
