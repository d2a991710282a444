import { PutItemCommand, ScanCommand } from "@aws-sdk/client-dynamodb";
import { expect, test } from "vitest";
import { bootstrap } from "../../infra/bootstrap.ts";
import { startDynamodbStandIn } from "../../infra/local/dynamodb-stand-in.ts";
import { localClients } from "../../infra/local/local-clients.ts";
import { startSqsStandIn } from "../../infra/local/sqs-stand-in.ts";
import { dynamodbLedger, readChargeRecord } from "../../lib/adapters/dynamodb-ledger.ts";
import { entryKey } from "../../lib/adapters/ledger-item.ts";
import type { LeaseToken } from "../../lib/core/charge.ts";
import type { LedgerEntry } from "../../lib/core/ledger.ts";
import { quickClientsOf } from "../doubles/quick-clients.ts";
import { chargeMessage, openedEntry } from "../doubles/samples.ts";
import { seededIds } from "../doubles/seeded-ids.ts";
import { type LedgerSubject, ledgerContract } from "./ledger-contract.ts";
import { sendsTwice } from "./sends-twice.ts";

const stage = async (way: "the SDK" | "past the SDK"): Promise<LedgerSubject> => {
  const [dynamodb, sqs] = await Promise.all([startDynamodbStandIn(), startSqsStandIn()]);
  const endpoints = { dynamodb: dynamodb.endpoint, sqs: sqs.endpoint };
  const clients = localClients(endpoints);
  const { LEDGER_TABLE: table = "" } = await bootstrap(clients, "contract-");
  const quick = quickClientsOf(clients, endpoints);
  const client = way === "the SDK" ? clients.dynamodb : quick.dynamodb;
  return {
    ledger: dynamodbLedger(client, table),
    losesAnAnswer: () => dynamodbLedger(sendsTwice(client), table),
    plant: async (chargeId, text) => {
      await clients.dynamodb.send(
        new PutItemCommand({
          TableName: table,
          Item: { ...entryKey(chargeId), token: { S: "planted" }, entry: { S: text } },
        }),
      );
    },
    rejectionsOf: async (chargeId) => (await readChargeRecord(clients.dynamodb, table, chargeId)).rejections,
    close: async () => {
      quick.close();
      clients.destroy();
      await Promise.all([dynamodb.close(), sqs.close()]);
    },
  };
};

ledgerContract("on DynamoDB", () => stage("the SDK"));
ledgerContract("on DynamoDB, past the SDK", () => stage("past the SDK"));

test("of many that are replaced together each is in the indexes that its state has, and in no other", async () => {
  const [dynamodb, sqs] = await Promise.all([startDynamodbStandIn(), startSqsStandIn()]);
  const clients = localClients({ dynamodb: dynamodb.endpoint, sqs: sqs.endpoint });
  const { LEDGER_TABLE: table = "" } = await bootstrap(clients, "indexes-");
  const ids = seededIds();
  const ours = dynamodbLedger(clients.dynamodb, table);
  const inIndex = async (IndexName: string): Promise<number> =>
    (await clients.dynamodb.send(new ScanCommand({ TableName: table, IndexName }))).Count ?? 0;
  const opened = Array.from({ length: 6 }, (_, n) => openedEntry(chargeMessage(`c-${n}`), ids));
  let standing: readonly LedgerEntry[] = opened;
  const inState = (state: "opened" | "unknown" | "review"): LedgerEntry[] =>
    standing.map(
      (entry) =>
        ({
          ...entry,
          state,
          // By its history it is known that a version may have been in the desk's index.
          history: [
            ...entry.history,
            state === "opened" ? { e: "leased", at: 5 } : { e: "recorded", at: 5, state },
          ],
          nextAtMs: 5,
          finalAtMs: 5,
          reason: "mismatch",
          token: ids.leaseToken(),
        }) as unknown as LedgerEntry,
    );
  await Promise.all(opened.map((entry) => ours.open(entry)));
  for (const [state, work, desk, ledger] of [
    ["unknown", 6, 0, ours],
    ["review", 6, 6, ours],
    ["unknown", 6, 0, ours],
    ["review", 6, 6, ours],
    ["opened", 0, 0, ours],
    ["review", 6, 6, ours],
    // A process that has never seen them.
    ["opened", 0, 0, dynamodbLedger(clients.dynamodb, table)],
  ] as const) {
    const next = inState(state);
    const before = standing;
    const answers = await Promise.all(
      next.map((entry, n) => ledger.replace(before[n]?.token as LeaseToken, entry)),
    );
    expect(answers).toEqual(next.map(() => ({ kind: "replaced" })));
    expect([state, await inIndex("work"), await inIndex("desk")]).toEqual([state, work, desk]);
    standing = next;
  }
  clients.destroy();
  await Promise.all([dynamodb.close(), sqs.close()]);
});
