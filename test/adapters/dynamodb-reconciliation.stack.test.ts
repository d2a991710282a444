import { expect, test } from "vitest";
import { bootstrap } from "../../infra/bootstrap.ts";
import { startDynamodbStandIn } from "../../infra/local/dynamodb-stand-in.ts";
import { localClients } from "../../infra/local/local-clients.ts";
import { startSqsStandIn } from "../../infra/local/sqs-stand-in.ts";
import { dynamodbReconciliation, dynamodbReports } from "../../lib/adapters/dynamodb-reconciliation.ts";
import { ledgerTable } from "../../lib/adapters/ledger-item.ts";
import type { LeaseToken } from "../../lib/core/charge.ts";
import { lookBackMs } from "../../lib/core/window-plan.ts";
import { windowsContract } from "./windows-contract.ts";

windowsContract("on DynamoDB", async () => {
  const [dynamodb, sqs] = await Promise.all([startDynamodbStandIn(), startSqsStandIn()]);
  const clients = localClients({ dynamodb: dynamodb.endpoint, sqs: sqs.endpoint });
  const { LEDGER_TABLE: table = "" } = await bootstrap(clients, "windows-");
  return {
    book: { ...dynamodbReports(clients.dynamodb, table), ...dynamodbReconciliation(clients.dynamodb, table) },
    close: async () => {
      clients.destroy();
      await Promise.all([dynamodb.close(), sqs.close()]);
    },
  };
});

test("findings are dropped by the table itself, long after no report is made of them any more", async () => {
  const items: Record<string, { N?: string }>[] = [];
  const book = dynamodbReconciliation(
    {
      send: async ({ input }: { input: { Item: (typeof items)[number] } }) => void items.push(input.Item),
    } as never,
    "ledger",
  );
  const nowMs = Date.UTC(2026, 10, 24);
  await book.keepFindings("t" as LeaseToken, 0, [], nowMs);
  const seconds = Number(items[0]?.[ledgerTable.timeToLive]?.N);
  expect(seconds * 1_000).toBeGreaterThan(nowMs + lookBackMs);
});
