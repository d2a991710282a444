import { type DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { bootstrap } from "../../infra/bootstrap.ts";
import { startDynamodbStandIn } from "../../infra/local/dynamodb-stand-in.ts";
import { localClients } from "../../infra/local/local-clients.ts";
import { startSqsStandIn } from "../../infra/local/sqs-stand-in.ts";
import { dynamodbLedger, readChargeRecord } from "../../lib/adapters/dynamodb-ledger.ts";
import { entryKey } from "../../lib/adapters/ledger-item.ts";
import { ledgerContract } from "./ledger-contract.ts";

type Client = Pick<DynamoDBClient, "send">;

/** A client that sends its first command twice, as the SDK does when the first answer does not come. */
const sendsTwice = (client: Client): Client => {
  let first = true;
  const send = async (command: unknown, options: unknown): Promise<unknown> => {
    const call = () => client.send(command as never, options as never) as Promise<unknown>;
    if (first) {
      first = false;
      // What it says is lost, whether it says yes or no.
      await call().catch(() => undefined);
    }
    return call();
  };
  return { send } as Client;
};

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
