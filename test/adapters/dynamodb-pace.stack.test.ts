import { bootstrap } from "../../infra/bootstrap.ts";
import { startDynamodbStandIn } from "../../infra/local/dynamodb-stand-in.ts";
import { localClients } from "../../infra/local/local-clients.ts";
import { startSqsStandIn } from "../../infra/local/sqs-stand-in.ts";
import { dynamodbPace } from "../../lib/adapters/dynamodb-pace.ts";
import { quickClientsOf } from "../doubles/quick-clients.ts";
import { type PaceSubject, paceContract } from "./pace-contract.ts";
import { sendsTwice } from "./sends-twice.ts";

const stage = async (way: "the SDK" | "past the SDK"): Promise<PaceSubject> => {
  const [dynamodb, sqs] = await Promise.all([startDynamodbStandIn(), startSqsStandIn()]);
  const endpoints = { dynamodb: dynamodb.endpoint, sqs: sqs.endpoint };
  const clients = localClients(endpoints);
  const { LEDGER_TABLE: table = "" } = await bootstrap(clients, "pace-");
  const quick = quickClientsOf(clients, endpoints);
  const client = way === "the SDK" ? clients.dynamodb : quick.dynamodb;
  return {
    book: dynamodbPace(client, table),
    losesAnAnswer: () => dynamodbPace(sendsTwice(client), table),
    close: async () => {
      quick.close();
      clients.destroy();
      await Promise.all([dynamodb.close(), sqs.close()]);
    },
  };
};

paceContract("on DynamoDB", () => stage("the SDK"));
paceContract("on DynamoDB, past the SDK", () => stage("past the SDK"));
