import {
  DeleteMessageBatchCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
} from "@aws-sdk/client-sqs";
import { bootstrap } from "../../infra/bootstrap.ts";
import { startDynamodbStandIn } from "../../infra/local/dynamodb-stand-in.ts";
import { localClients } from "../../infra/local/local-clients.ts";
import { startSqsStandIn } from "../../infra/local/sqs-stand-in.ts";
import { sqsQueues } from "../../lib/adapters/sqs-queues.ts";
import { QUEUES, type QueueName } from "../../lib/core/queues.ts";
import type { RouteMessage } from "../../lib/core/route-message.ts";
import { quickClientsOf } from "../doubles/quick-clients.ts";
import { type QueuesSubject, queuesContract } from "./queues-contract.ts";

const stage = async (way: "the SDK" | "past the SDK"): Promise<QueuesSubject> => {
  const [dynamodb, sqs] = await Promise.all([startDynamodbStandIn(), startSqsStandIn()]);
  const endpoints = { dynamodb: dynamodb.endpoint, sqs: sqs.endpoint };
  const clients = localClients(endpoints);
  const variables = await bootstrap(clients, "contract-");
  const urlOf = (queue: QueueName): string =>
    variables[QUEUES.find(({ name }) => name === queue)?.variable ?? ""] ?? "";
  const client = clients.sqs;
  const quick = quickClientsOf(clients, endpoints);
  const sender = way === "the SDK" ? client : quick.sqs;

  return {
    queues: sqsQueues({ client: sender, urlOf, lingerMs: 20 }),
    refusing: (isRefused) => {
      const send = async (command: unknown, options: unknown): Promise<unknown> => {
        if (!(command instanceof SendMessageBatchCommand)) throw new Error("not a send");
        const { QueueUrl, Entries = [] } = command.input;
        const refused = Entries.filter(({ MessageBody = "" }) => isRefused(JSON.parse(MessageBody)));
        const taken = Entries.filter((entry) => !refused.includes(entry));
        const answer =
          taken.length === 0
            ? { Successful: [] }
            : await sender.send(new SendMessageBatchCommand({ QueueUrl, Entries: taken }), options as object);
        const Failed = refused.map(({ Id }) => ({ Id, Code: "InternalError", SenderFault: false }));
        return { ...answer, Failed };
      };
      return sqsQueues({ client: { send } as typeof client, urlOf, lingerMs: 20 });
    },
    unreachable: () =>
      sqsQueues({
        client: {
          send: () => Promise.reject(Object.assign(new Error("gone"), { name: "TimeoutError" })),
        } as unknown as typeof client,
        urlOf,
        lingerMs: 20,
      }),
    receive: async (queue, withinMs) => {
      const messages: RouteMessage[] = [];
      const endMs = Date.now() + withinMs;
      for (;;) {
        const { Messages = [] } = await client.send(
          new ReceiveMessageCommand({
            QueueUrl: urlOf(queue),
            MaxNumberOfMessages: 10,
            WaitTimeSeconds: 0,
          }),
        );
        messages.push(...Messages.map(({ Body = "" }) => JSON.parse(Body) as RouteMessage));
        if (Messages.length > 0)
          await client.send(
            new DeleteMessageBatchCommand({
              QueueUrl: urlOf(queue),
              Entries: Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle })),
            }),
          );
        else if (messages.length > 0 || Date.now() >= endMs) return messages;
        else await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    close: async () => {
      quick.close();
      clients.destroy();
      await Promise.all([dynamodb.close(), sqs.close()]);
    },
  };
};

queuesContract("on SQS", () => stage("the SDK"));
queuesContract("on SQS, past the SDK", () => stage("past the SDK"));
