import { bootstrap } from "../../infra/bootstrap.ts";
import { startDynamodbStandIn } from "../../infra/local/dynamodb-stand-in.ts";
import { localClients } from "../../infra/local/local-clients.ts";
import { startSqsStandIn } from "../../infra/local/sqs-stand-in.ts";
import { dynamodbInstruments } from "../../lib/adapters/dynamodb-instruments.ts";
import { dynamodbLedger } from "../../lib/adapters/dynamodb-ledger.ts";
import { quickClientsOf } from "../doubles/quick-clients.ts";
import { type InstrumentsSubject, instrumentsContract } from "./instruments-contract.ts";
import { sendsTwice } from "./sends-twice.ts";

const stage = async (way: "the SDK" | "past the SDK"): Promise<InstrumentsSubject> => {
  const [dynamodb, sqs] = await Promise.all([startDynamodbStandIn(), startSqsStandIn()]);
  const endpoints = { dynamodb: dynamodb.endpoint, sqs: sqs.endpoint };
  const clients = localClients(endpoints);
  const { LEDGER_TABLE: table = "" } = await bootstrap(clients, "instruments-");
  const quick = quickClientsOf(clients, endpoints);
  const client = way === "the SDK" ? clients.dynamodb : quick.dynamodb;
  return {
    ledger: dynamodbLedger(client, table),
    instruments: dynamodbInstruments(client, table),
    losesAnAnswer: () => dynamodbInstruments(sendsTwice(client), table),
    close: async () => {
      quick.close();
      clients.destroy();
      await Promise.all([dynamodb.close(), sqs.close()]);
    },
  };
};

instrumentsContract("on DynamoDB", () => stage("the SDK"));
instrumentsContract("on DynamoDB, past the SDK", () => stage("past the SDK"));
