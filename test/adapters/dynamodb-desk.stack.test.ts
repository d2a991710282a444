import { bootstrap } from "../../infra/bootstrap.ts";
import { startDynamodbStandIn } from "../../infra/local/dynamodb-stand-in.ts";
import { localClients } from "../../infra/local/local-clients.ts";
import { startSqsStandIn } from "../../infra/local/sqs-stand-in.ts";
import { dynamodbDeskIndex } from "../../lib/adapters/dynamodb-desk.ts";
import { dynamodbLedger } from "../../lib/adapters/dynamodb-ledger.ts";
import { packWorklist } from "../../lib/adapters/dynamodb-pack.ts";
import { deskContract } from "./desk-contract.ts";

deskContract("on DynamoDB", async () => {
  const [dynamodb, sqs] = await Promise.all([startDynamodbStandIn(), startSqsStandIn()]);
  const clients = localClients({ dynamodb: dynamodb.endpoint, sqs: sqs.endpoint });
  const { LEDGER_TABLE: table = "" } = await bootstrap(clients, "desk-");
  return {
    ledger: dynamodbLedger(clients.dynamodb, table),
    // More than one charge is more than one page.
    desk: dynamodbDeskIndex(clients.dynamodb, table, undefined, 1),
    pack: () => packWorklist(clients.dynamodb, table, { packFrom: 1 }),
    close: async () => {
      clients.destroy();
      await Promise.all([dynamodb.close(), sqs.close()]);
    },
  };
});
