import { bootstrap } from "../../infra/bootstrap.ts";
import { startDynamodbStandIn } from "../../infra/local/dynamodb-stand-in.ts";
import { localClients } from "../../infra/local/local-clients.ts";
import { startSqsStandIn } from "../../infra/local/sqs-stand-in.ts";
import { dynamodbInstruments } from "../../lib/adapters/dynamodb-instruments.ts";
import { dynamodbLedger } from "../../lib/adapters/dynamodb-ledger.ts";
import { instrumentsContract } from "./instruments-contract.ts";
import { sendsTwice } from "./sends-twice.ts";

instrumentsContract("on DynamoDB", async () => {
  const [dynamodb, sqs] = await Promise.all([startDynamodbStandIn(), startSqsStandIn()]);
  const clients = localClients({ dynamodb: dynamodb.endpoint, sqs: sqs.endpoint });
  const { LEDGER_TABLE: table = "" } = await bootstrap(clients, "instruments-");
  return {
    ledger: dynamodbLedger(clients.dynamodb, table),
    instruments: dynamodbInstruments(clients.dynamodb, table),
    losesAnAnswer: () => dynamodbInstruments(sendsTwice(clients.dynamodb), table),
    close: async () => {
      clients.destroy();
      await Promise.all([dynamodb.close(), sqs.close()]);
    },
  };
});
