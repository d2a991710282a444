import { PutItemCommand } from "@aws-sdk/client-dynamodb";
import { bootstrap } from "../../infra/bootstrap.ts";
import { startDynamodbStandIn } from "../../infra/local/dynamodb-stand-in.ts";
import { localClients } from "../../infra/local/local-clients.ts";
import { startSqsStandIn } from "../../infra/local/sqs-stand-in.ts";
import { dynamodbLedger, readChargeRecord } from "../../lib/adapters/dynamodb-ledger.ts";
import { entryKey } from "../../lib/adapters/ledger-item.ts";
import { ledgerContract } from "./ledger-contract.ts";
import { sendsTwice } from "./sends-twice.ts";

ledgerContract("on DynamoDB", async () => {
  const [dynamodb, sqs] = await Promise.all([startDynamodbStandIn(), startSqsStandIn()]);
  const clients = localClients({ dynamodb: dynamodb.endpoint, sqs: sqs.endpoint });
  const { LEDGER_TABLE: table = "" } = await bootstrap(clients, "contract-");
  return {
    ledger: dynamodbLedger(clients.dynamodb, table),
    losesAnAnswer: () => dynamodbLedger(sendsTwice(clients.dynamodb), table),
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
      clients.destroy();
      await Promise.all([dynamodb.close(), sqs.close()]);
    },
  };
});
