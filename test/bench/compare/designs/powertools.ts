import { BatchProcessor, EventType, processPartialResponse } from "@aws-lambda-powertools/batch";
import type { JSONValue } from "@aws-lambda-powertools/commons/types";
import { IdempotencyConfig, makeIdempotent } from "@aws-lambda-powertools/idempotency";
import { DynamoDBPersistenceLayer } from "@aws-lambda-powertools/idempotency/dynamodb";
import type { Context, SQSEvent, SQSRecord } from "aws-lambda";
import { type ChargeMessage, chargeByFetch } from "./gateway-call.ts";
import { keepOutcome } from "./outcome-row.ts";

/** Powertools batch and idempotency around the call, as its documentation shows, and an outcome row of our own. */
const processor = new BatchProcessor(EventType.SQS);
const config = new IdempotencyConfig({ eventKeyJmesPath: "chargeId" });
const persistenceStore = new DynamoDBPersistenceLayer({ tableName: process.env["IDEMPOTENCY_TABLE"] ?? "" });

const charge = makeIdempotent(
  async (message: ChargeMessage): Promise<JSONValue> => {
    const outcome = await chargeByFetch(message);
    await keepOutcome(message, outcome);
    return outcome;
  },
  { persistenceStore, config },
);

export const handler = (event: SQSEvent, context: Context) => {
  config.registerLambdaContext(context);
  return processPartialResponse(
    event,
    async (record: SQSRecord) => {
      await charge(JSON.parse(record.body) as ChargeMessage);
    },
    processor,
    { context },
  );
};
