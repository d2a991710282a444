import { CreateQueueCommand, ReceiveMessageCommand, SendMessageCommand } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type LocalClients, localClients } from "../../infra/local/local-clients.ts";
import { startSqsStandIn } from "../../infra/local/sqs-stand-in.ts";
import type { StandIn } from "../../infra/local/stand-in.ts";
import { sqsRedrive } from "../../lib/adapters/sqs-redrive.ts";

let standIn: StandIn;
let clients: LocalClients;
beforeAll(async () => {
  standIn = await startSqsStandIn();
  clients = localClients({ sqs: standIn.endpoint, dynamodb: standIn.endpoint });
});
afterAll(async () => {
  clients.destroy();
  await standIn.close();
});

const queue = async (name: string): Promise<string> =>
  (await clients.sqs.send(new CreateQueueCommand({ QueueName: name }))).QueueUrl ?? "";
const send = (url: string, body: string) =>
  clients.sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: body }));
const visibleIn = async (url: string): Promise<string[]> => {
  const answer = await clients.sqs.send(
    new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10, VisibilityTimeout: 0 }),
  );
  return (answer.Messages ?? []).map(({ Body = "" }) => Body).sort();
};

test("a message moves with its body and the time of its first sending, however often it is moved", async () => {
  const [dead, alive] = [await queue("a-dlq"), await queue("a")];
  const sentAtMs = Date.now();
  await send(dead, '{"chargeId":"a"}');
  const there = sqsRedrive(clients.sqs, { from: dead, to: alive });
  const [message] = await there.receive();
  if (message === undefined) throw new Error("no message");
  expect(Math.abs(message.firstSentAtMs - sentAtMs)).toBeLessThan(60_000);
  await there.putBack(message, message.body);
  expect(await visibleIn(dead)).toEqual([]);

  const back = sqsRedrive(clients.sqs, { from: alive, to: dead });
  const [again] = await back.receive();
  expect(again).toMatchObject({ body: '{"chargeId":"a"}', firstSentAtMs: message.firstSentAtMs });
});

test("what is received is hidden until it is given back", async () => {
  const from = await queue("b-dlq");
  for (const body of ["1", "2"]) await send(from, body);
  const redrive = sqsRedrive(clients.sqs, { from, to: await queue("b") });
  const held = [...(await redrive.receive()), ...(await redrive.receive())];
  expect(held.map(({ body }) => body).sort()).toEqual(["1", "2"]);
  expect(await redrive.receive()).toEqual([]);
  await redrive.giveBack(held);
  expect(await visibleIn(from)).toEqual(["1", "2"]);
});

test("a queue that does not take it keeps the message where it is", async () => {
  const from = await queue("c-dlq");
  await send(from, "1");
  const redrive = sqsRedrive(clients.sqs, { from, to: `${from}-that-is-not` });
  const [message] = await redrive.receive();
  if (message === undefined) throw new Error("no message");
  await expect(redrive.putBack(message, "1")).rejects.toMatchObject({ name: "RedriveUnavailable" });
  await redrive.giveBack([message]);
  expect(await visibleIn(from)).toEqual(["1"]);
});
