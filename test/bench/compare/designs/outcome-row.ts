import { DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import type { ChargeMessage } from "./gateway-call.ts";

const client = new DynamoDBClient({});

/** Keeps what became of a charge, in a row of its own. */
export const keepOutcome = async (
  { chargeId, amount, currency }: ChargeMessage,
  outcome: { readonly transactionId: string },
): Promise<void> => {
  await client.send(
    new PutItemCommand({
      TableName: process.env["LEDGER_TABLE"] ?? "",
      Item: {
        pk: { S: `charge#${chargeId}` },
        sk: { S: "outcome" },
        outcome: { S: "approved" },
        transactionId: { S: outcome.transactionId },
        amount: { N: amount },
        currency: { S: currency },
        at: { S: new Date().toISOString() },
      },
    }),
  );
};
