import { expect, onTestFinished, test } from "vitest";
import { bootstrap } from "../../infra/bootstrap.ts";
import { startDynamodbStandIn } from "../../infra/local/dynamodb-stand-in.ts";
import { localClients } from "../../infra/local/local-clients.ts";
import { startSqsStandIn } from "../../infra/local/sqs-stand-in.ts";
import { dynamodbInstruments } from "../../lib/adapters/dynamodb-instruments.ts";
import { dynamodbLedger } from "../../lib/adapters/dynamodb-ledger.ts";
import { submitCharges } from "../../lib/flows/submit-charge.ts";
import type { Clock } from "../../lib/ports.ts";
import { memoryQueues } from "../doubles/memory-queues.ts";
import { chargeMessage } from "../doubles/samples.ts";
import { declines, scriptedBank } from "../doubles/scripted-bank.ts";
import { scriptedWire } from "../doubles/scripted-wire.ts";
import { seededIds } from "../doubles/seeded-ids.ts";
import { testWorker } from "../doubles/worker.ts";

test("twenty workers race for the last place of an instrument on DynamoDB: none is sent beyond the limit", async () => {
  const [dynamodb, sqs] = await Promise.all([startDynamodbStandIn(), startSqsStandIn()]);
  const clients = localClients({ dynamodb: dynamodb.endpoint, sqs: sqs.endpoint });
  onTestFinished(async () => {
    clients.destroy();
    await Promise.all([dynamodb.close(), sqs.close()]);
  });
  const { LEDGER_TABLE: table = "" } = await bootstrap(clients, "race-");
  const clock: Clock = {
    nowMs: () => Date.now(),
    sleep: (ms) => new Promise((wake) => setTimeout(wake, ms)),
  };
  const workers = Array.from({ length: 20 }, (_, at) => {
    const bank = scriptedBank({ clock, acts: () => declines(5005) });
    const wire = scriptedWire({ clock, script: (request) => bank.answer(request) });
    const queues = memoryQueues();
    const worker = testWorker({
      clock,
      wire,
      queues,
      ids: seededIds(at + 1),
      ledger: dynamodbLedger(clients.dynamodb, table),
      instruments: dynamodbInstruments(clients.dynamodb, table),
    });
    return { worker, wire, queues };
  });
  const charge = (name: string): string =>
    JSON.stringify(chargeMessage(name, { instrument: { ref: "card-1", network: "mastercard" } }));
  const submit = ({ worker }: (typeof workers)[number], name: string) =>
    submitCharges([{ messageId: name, body: charge(name), receives: 1 }], worker);
  const [first] = workers;
  if (first === undefined) throw new Error("no worker");
  for (let at = 0; at < 9; at++) await submit(first, `before-${at}`);
  expect(first.wire.posts()).toHaveLength(9);

  // Mastercard: ten in 24 hours.
  await Promise.all(workers.map((one, at) => submit(one, `race-${at}`)));
  expect(workers.flatMap(({ wire }) => wire.posts())).toHaveLength(10);
  const told = workers.flatMap(({ queues }) => queues.accepted.map(({ message }) => message));
  expect(told.filter(({ evidence }) => evidence?.kind === "network_limit")).toHaveLength(19);
  expect(told.filter(({ evidence }) => evidence?.kind === "reply")).toHaveLength(10);
  const record = await workers[0]?.worker.instruments.read({ merchant: "all", ref: "card-1" });
  expect(record?.spends).toHaveLength(10);
});
