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
import { queuesContract } from "./queues-contract.ts";

queuesContract("on SQS", async () => {
  const [dynamodb, sqs] = await Promise.all([startDynamodbStandIn(), startSqsStandIn()]);
  const clients = localClients({ dynamodb: dynamodb.endpoint, sqs: sqs.endpoint });
  const variables = await bootstrap(clients, "contract-");
  const urlOf = (queue: QueueName): string =>
    variables[QUEUES.find(({ name }) => name === queue)?.variable ?? ""] ?? "";
  const client = clients.sqs;

  return {
    queues: sqsQueues({ client, urlOf, lingerMs: 20 }),
    refusing: (isRefused) => {
      const send = async (command: unknown, options: unknown): Promise<unknown> => {
        if (!(command instanceof SendMessageBatchCommand)) throw new Error("not a send");
        const { QueueUrl, Entries = [] } = command.input;
        const refused = Entries.filter(({ MessageBody = "" }) => isRefused(JSON.parse(MessageBody)));
        const taken = Entries.filter((entry) => !refused.includes(entry));
        const answer =
          taken.length === 0
            ? { Successful: [] }
            : await client.send(new SendMessageBatchCommand({ QueueUrl, Entries: taken }), options as object);
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
      clients.destroy();
      await Promise.all([dynamodb.close(), sqs.close()]);
    },
  };
});
