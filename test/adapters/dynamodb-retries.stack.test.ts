import { bootstrap } from "../../infra/bootstrap.ts";
import { startDynamodbStandIn } from "../../infra/local/dynamodb-stand-in.ts";
import { localClients } from "../../infra/local/local-clients.ts";
import { startSqsStandIn } from "../../infra/local/sqs-stand-in.ts";
import { dynamodbLedger } from "../../lib/adapters/dynamodb-ledger.ts";
import { dueRetries, dynamodbRelease, dynamodbRetries } from "../../lib/adapters/dynamodb-retries.ts";
import { retriesContract } from "./retries-contract.ts";

retriesContract("on DynamoDB", async () => {
  const [dynamodb, sqs] = await Promise.all([startDynamodbStandIn(), startSqsStandIn()]);
  const clients = localClients({ dynamodb: dynamodb.endpoint, sqs: sqs.endpoint });
  const { LEDGER_TABLE: table = "" } = await bootstrap(clients, "retries-");
  return {
    retries: {
      ...dynamodbRetries(clients.dynamodb, table),
      due: dueRetries(clients.dynamodb, table),
      release: dynamodbRelease(clients.dynamodb, table),
    },
    ledger: dynamodbLedger(clients.dynamodb, table),
    close: async () => {
      clients.destroy();
      await Promise.all([dynamodb.close(), sqs.close()]);
    },
  };
});
