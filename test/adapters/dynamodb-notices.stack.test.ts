import { expect, test } from "vitest";
import { bootstrap } from "../../infra/bootstrap.ts";
import { startDynamodbStandIn } from "../../infra/local/dynamodb-stand-in.ts";
import { localClients } from "../../infra/local/local-clients.ts";
import { startSqsStandIn } from "../../infra/local/sqs-stand-in.ts";
import { dynamodbLedger, readChargeRecord } from "../../lib/adapters/dynamodb-ledger.ts";
import { dynamodbNotices } from "../../lib/adapters/dynamodb-notices.ts";
import type { NotedNotice } from "../../lib/core/notice.ts";
import { chargeMessage, openedEntry } from "../doubles/samples.ts";
import { seededIds } from "../doubles/seeded-ids.ts";
import { noticesContract } from "./notices-contract.ts";

const start = async () => {
  const [dynamodb, sqs] = await Promise.all([startDynamodbStandIn(), startSqsStandIn()]);
  const clients = localClients({ dynamodb: dynamodb.endpoint, sqs: sqs.endpoint });
  const { LEDGER_TABLE: table = "" } = await bootstrap(clients, "notices-");
  return {
    client: clients.dynamodb,
    table,
    notices: dynamodbNotices(clients.dynamodb, table),
    close: async () => {
      clients.destroy();
      await Promise.all([dynamodb.close(), sqs.close()]);
    },
  };
};

noticesContract("on DynamoDB", start);

test("a noted notice stands beside its charge, apart from entry and refusals, and touches neither", async () => {
  const { client, table, notices, close } = await start();
  const entry = openedEntry(chargeMessage("inv-1"), seededIds());
  const ledger = dynamodbLedger(client, table);
  await ledger.open(entry);
  const noted: NotedNotice = {
    v: 1,
    id: "2.success.credit.refund",
    chargeId: entry.chargeId,
    gateway: "centrobill",
    atMs: 5,
    attempt: 1,
    requestId: entry.requestId,
    state: "approved",
    reason: "refunded_or_charged_back",
    words: "credit refund success",
    evidence: { kind: "notice", atMs: 5, id: "2.success.credit.refund", bodySha256: "ab" },
  };
  await notices.note(noted);
  expect(await readChargeRecord(client, table, entry.chargeId)).toEqual({
    entry,
    rejections: [],
    notices: [noted],
  });
  await close();
});
