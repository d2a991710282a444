import { bootstrap } from "../../infra/bootstrap.ts";
import { startDynamodbStandIn } from "../../infra/local/dynamodb-stand-in.ts";
import { localClients } from "../../infra/local/local-clients.ts";
import { startSqsStandIn } from "../../infra/local/sqs-stand-in.ts";
import { dynamodbPace } from "../../lib/adapters/dynamodb-pace.ts";
import { paceContract } from "./pace-contract.ts";
import { sendsTwice } from "./sends-twice.ts";

paceContract("on DynamoDB", async () => {
  const [dynamodb, sqs] = await Promise.all([startDynamodbStandIn(), startSqsStandIn()]);
  const clients = localClients({ dynamodb: dynamodb.endpoint, sqs: sqs.endpoint });
  const { LEDGER_TABLE: table = "" } = await bootstrap(clients, "pace-");
  return {
    book: dynamodbPace(clients.dynamodb, table),
    losesAnAnswer: () => dynamodbPace(sendsTwice(clients.dynamodb), table),
    close: async () => {
      clients.destroy();
      await Promise.all([dynamodb.close(), sqs.close()]);
    },
  };
});
