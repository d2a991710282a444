import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { whatRemains } from "../../infra/aws/what-remains.ts";
import { bootstrap } from "../../infra/bootstrap.ts";
import { startDynamodbStandIn } from "../../infra/local/dynamodb-stand-in.ts";
import { type LocalClients, localClients } from "../../infra/local/local-clients.ts";
import { startSqsStandIn } from "../../infra/local/sqs-stand-in.ts";
import type { StandIn } from "../../infra/local/stand-in.ts";
import { dynamodbLedger } from "../../lib/adapters/dynamodb-ledger.ts";
import { dynamodbRetries } from "../../lib/adapters/dynamodb-retries.ts";
import { CHARGE_QUEUES } from "../../lib/core/queues.ts";
import { chargeIdOf, final, pending, review, tokenOf, unknown } from "../core/builders.ts";
import { until } from "../local/until.ts";

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

test("what has ended and was read does not remain", async () => {
  const variables = await bootstrap(clients, "ended-");
  await dynamodbLedger(clients.dynamodb, variables["LEDGER_TABLE"] ?? "").open(final());
  expect(await whatRemains(clients, variables)).toEqual([]);
});

test("each unknown, pending or reviewed charge remains", async () => {
  const variables = await bootstrap(clients, "open-");
  const ledger = dynamodbLedger(clients.dynamodb, variables["LEDGER_TABLE"] ?? "");
  await ledger.open(unknown({ chargeId: chargeIdOf("a"), fingerprint: "0".repeat(64) }));
  await ledger.open(unknown({ chargeId: chargeIdOf("b"), fingerprint: "1".repeat(64) }));
  await ledger.open(pending({ chargeId: chargeIdOf("c") }));
  await ledger.open(review({ chargeId: chargeIdOf("d") }));
  await until("the index has them", async () => (await whatRemains(clients, variables)).length === 3);
  expect(await whatRemains(clients, variables)).toEqual([
    "charges unknown: 2",
    "charges pending: 1",
    "charges in review: 1",
  ]);
});

test("a later attempt that waits remains: nobody would make it, and nobody was told", async () => {
  const variables = await bootstrap(clients, "retries-");
  const retries = dynamodbRetries(clients.dynamodb, variables["LEDGER_TABLE"] ?? "");
  await retries.replace(undefined, {
    v: 1,
    chargeId: chargeIdOf("a"),
    gateway: "centrobill",
    token: tokenOf("t"),
    state: "scheduled",
    attempt: 1,
    dueMs: 5,
    decisions: [],
  });
  await until("the index has it", async () => (await whatRemains(clients, variables)).length === 1);
  expect(await whatRemains(clients, variables)).toEqual(["later attempts that wait: 1"]);
});

test("a message on any queue remains, the dead letters and the delayed ones too", async () => {
  const variables = await bootstrap(clients, "unread-");
  const send = (url: string, DelaySeconds = 0) =>
    clients.sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: "{}", DelaySeconds }));
  for (const { variable } of CHARGE_QUEUES) await send(variables[variable] ?? "", 600);
  // A window that waits is planned anew by whatever stack comes next.
  await send(variables["QUEUE_URL_RECONCILE_WINDOWS"] ?? "");
  await send(`${variables["QUEUE_URL_CHARGES"]}-dlq`);
  expect((await whatRemains(clients, variables)).toSorted()).toEqual(
    [...CHARGE_QUEUES.map(({ name }) => name), "charges-dlq"]
      .map((name) => `messages on ${name}: 1`)
      .toSorted(),
  );
});

test("a stack that is not known cannot be looked at, and so is not removed", async () => {
  await expect(whatRemains(clients, {})).rejects.toThrow("LEDGER_TABLE: is not set");
  const variables = await bootstrap(clients, "partly-");
  await expect(whatRemains(clients, { ...variables, LEDGER_TABLE: "no-such" })).rejects.toThrow();
});
