import {
  CreateTableCommand,
  DescribeTableCommand,
  PutItemCommand,
  QueryCommand,
} from "@aws-sdk/client-dynamodb";
import { GetQueueAttributesCommand, ListQueuesCommand, SetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BootstrapConflict, bootstrap } from "../../infra/bootstrap.ts";
import { startDynamodbStandIn } from "../../infra/local/dynamodb-stand-in.ts";
import { type LocalClients, localClients } from "../../infra/local/local-clients.ts";
import { startSqsStandIn } from "../../infra/local/sqs-stand-in.ts";
import type { StandIn } from "../../infra/local/stand-in.ts";
import { MAX_RECEIVE_COUNT } from "../../infra/queue-limits.ts";
import { QUEUES } from "../../lib/core/queues.ts";

let standIns: StandIn[];
let clients: LocalClients;

beforeAll(async () => {
  const [sqs, dynamodb] = await Promise.all([startSqsStandIn(), startDynamodbStandIn()]);
  standIns = [sqs, dynamodb];
  clients = localClients({ sqs: sqs.endpoint, dynamodb: dynamodb.endpoint });
});
afterAll(async () => {
  clients.destroy();
  await Promise.all(standIns.map((standIn) => standIn.close()));
});

async function attributes(url: string) {
  const answer = await clients.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["All"] }),
  );
  return answer.Attributes ?? {};
}

async function everything(prefix: string) {
  const { QueueUrls = [] } = await clients.sqs.send(new ListQueuesCommand({ QueueNamePrefix: prefix }));
  const { Table } = await clients.dynamodb.send(new DescribeTableCommand({ TableName: `${prefix}ledger` }));
  return {
    queues: Object.fromEntries(
      await Promise.all(QueueUrls.sort().map(async (url) => [url, await attributes(url)])),
    ),
    table: {
      keys: Table?.KeySchema,
      indexes: Table?.GlobalSecondaryIndexes,
      created: Table?.CreationDateTime,
    },
  };
}

describe("bootstrap", () => {
  it("creates every queue of the list, a dead-letter queue for the consumed ones, and answers the variables", async () => {
    const variables = await bootstrap(clients, "a-", { visibilitySeconds: { charges: 77 } });
    expect(Object.keys(variables).sort()).toEqual(
      ["LEDGER_TABLE", ...QUEUES.map((queue) => queue.variable)].sort(),
    );
    expect(variables["LEDGER_TABLE"]).toBe("a-ledger");
    const { QueueUrls = [] } = await clients.sqs.send(new ListQueuesCommand({ QueueNamePrefix: "a-" }));
    expect(QueueUrls.map((url) => url.split("/").at(-1)).sort()).toEqual(
      [
        "a-approved",
        "a-charges",
        "a-charges-dlq",
        "a-permanent-declines",
        "a-reconcile-windows",
        "a-reconcile-windows-dlq",
        "a-request-errors",
        "a-retryable-declines",
        "a-retryable-declines-dlq",
        "a-review",
        "a-unknown-outcomes",
        "a-unknown-outcomes-dlq",
      ].sort(),
    );
    for (const url of QueueUrls) {
      expect(await attributes(url)).toMatchObject({
        MessageRetentionPeriod: "1209600",
        ReceiveMessageWaitTimeSeconds: "20",
        SqsManagedSseEnabled: "true",
      });
    }
    const charges = await attributes(variables["QUEUE_URL_CHARGES"] ?? "");
    expect(charges.VisibilityTimeout).toBe("77");
    expect(JSON.parse(charges.RedrivePolicy ?? "")).toEqual({
      deadLetterTargetArn: expect.stringMatching(/:a-charges-dlq$/),
      maxReceiveCount: MAX_RECEIVE_COUNT,
    });
    expect((await attributes(variables["QUEUE_URL_UNKNOWN_OUTCOMES"] ?? "")).VisibilityTimeout).toBe("360");
  });

  it("changes nothing the second time, and both answers are the same", async () => {
    const first = await bootstrap(clients, "b-");
    const before = await everything("b-");
    expect(await bootstrap(clients, "b-")).toEqual(first);
    expect(await everything("b-")).toEqual(before);
  });

  it("sets attributes that differ, and only where they do", async () => {
    const variables = await bootstrap(clients, "c-");
    const url = variables["QUEUE_URL_CHARGES"] ?? "";
    const reviewUrl = variables["QUEUE_URL_REVIEW"] ?? "";
    await clients.sqs.send(
      new SetQueueAttributesCommand({
        QueueUrl: url,
        Attributes: { MessageRetentionPeriod: "60", RedrivePolicy: "", MaximumMessageSize: "2048" },
      }),
    );
    const reviewBefore = await attributes(reviewUrl);
    await bootstrap(clients, "c-");
    expect(await attributes(url)).toMatchObject({
      MessageRetentionPeriod: "1209600",
      RedrivePolicy: expect.stringContaining("charges-dlq"),
      MaximumMessageSize: "2048",
    });
    expect(await attributes(reviewUrl)).toEqual(reviewBefore);
  });

  it("takes a redrive policy that is spelt otherwise as the same", async () => {
    const variables = await bootstrap(clients, "d-");
    const url = variables["QUEUE_URL_CHARGES"] ?? "";
    const policy = JSON.parse((await attributes(url)).RedrivePolicy ?? "");
    const respelt = JSON.stringify({
      maxReceiveCount: String(MAX_RECEIVE_COUNT),
      deadLetterTargetArn: policy.deadLetterTargetArn,
    });
    await clients.sqs.send(
      new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { RedrivePolicy: respelt } }),
    );
    await bootstrap(clients, "d-");
    expect((await attributes(url)).RedrivePolicy).toBe(respelt);
  });

  it("makes a ledger whose sparse index lists only rows that are due", async () => {
    await bootstrap(clients, "e-");
    const put = (item: Record<string, { S: string } | { N: string }>) =>
      clients.dynamodb.send(new PutItemCommand({ TableName: "e-ledger", Item: item }));
    await put({ pk: { S: "charge#1" }, sk: { S: "attempt#1" }, workShard: { S: "0" }, workAt: { N: "5" } });
    await put({ pk: { S: "charge#2" }, sk: { S: "attempt#1" } });
    const due = await clients.dynamodb.send(
      new QueryCommand({
        TableName: "e-ledger",
        IndexName: "work",
        KeyConditionExpression: "workShard = :shard AND workAt <= :now",
        ExpressionAttributeValues: { ":shard": { S: "0" }, ":now": { N: "9" } },
      }),
    );
    expect(due.Items).toEqual([
      { pk: { S: "charge#1" }, sk: { S: "attempt#1" }, workShard: { S: "0" }, workAt: { N: "5" } },
    ]);
  });

  it("survives another bootstrap at the same time", async () => {
    const [first, second] = await Promise.all([bootstrap(clients, "f-"), bootstrap(clients, "f-")]);
    expect(first).toEqual(second);
  });

  it("refuses a table of another shape instead of working on it", async () => {
    await clients.dynamodb.send(
      new CreateTableCommand({
        TableName: "g-ledger",
        BillingMode: "PAY_PER_REQUEST",
        AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
        KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      }),
    );
    await expect(bootstrap(clients, "g-")).rejects.toThrow(BootstrapConflict);
    await expect(bootstrap(clients, "g-")).rejects.toThrow("g-ledger exists with the keys id:HASH");
  });
});
