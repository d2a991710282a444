import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from "@aws-sdk/client-dynamodb";
import type { GatewayName } from "../core/charge.ts";
import { member, parseJson } from "../core/json.ts";
import type { PaceRecord } from "../core/pace.ts";
import type { PaceBook } from "../ports.ts";
import { withDeadline } from "./deadline.ts";
import { LedgerUnavailable } from "./dynamodb-ledger.ts";
import type { LedgerItem } from "./ledger-item.ts";

const keyOf = (gateway: GatewayName) => ({ pk: { S: `pace#${gateway}` }, sk: { S: "pace" } });

/** A record of a version that is not known here says nothing: another worker's software wrote it. */
const recordOf = (item: LedgerItem | undefined): PaceRecord | undefined => {
  const record = parseJson(item?.["pace"]?.S ?? "");
  return member(record, "v") === 1 ? (record as unknown as PaceRecord) : undefined;
};

const deadlineDefaultMs = 2_000;

const caller =
  (deadlineMs: number) =>
  <T>(what: string, run: (abortSignal: AbortSignal) => Promise<T>): Promise<T> =>
    withDeadline(deadlineMs, run, (message) => new LedgerUnavailable(`${what}: ${message}`));

/** The pace records for those who only read them: their bundle holds no call that writes. */
export const paceReader = (
  client: Pick<DynamoDBClient, "send">,
  table: string,
  deadlineMs = deadlineDefaultMs,
): Pick<PaceBook, "read"> => {
  const call = caller(deadlineMs);
  return {
    read: (gateway) =>
      call("read pace", async (abortSignal) => {
        const { Item } = await client.send(
          new GetItemCommand({ TableName: table, Key: keyOf(gateway), ConsistentRead: true }),
          { abortSignal },
        );
        return recordOf(Item);
      }),
  };
};

/** The pace records, one item a gateway account in the ledger's table (`ledger-item.ts` draws them). */
export const dynamodbPace = (
  client: Pick<DynamoDBClient, "send">,
  table: string,
  deadlineMs = deadlineDefaultMs,
): PaceBook => {
  const call = caller(deadlineMs);
  return {
    ...paceReader(client, table, deadlineMs),
    replace: (gateway, previous, record) =>
      call("replace pace", async (abortSignal) => {
        try {
          await client.send(
            new PutItemCommand({
              TableName: table,
              Item: {
                ...keyOf(gateway),
                token: { S: record.version },
                pace: { S: JSON.stringify(record) },
              },
              ...(previous === undefined
                ? { ConditionExpression: "attribute_not_exists(pk)" }
                : {
                    ConditionExpression: "#token = :previous",
                    ExpressionAttributeNames: { "#token": "token" },
                    ExpressionAttributeValues: { ":previous": { S: previous } },
                  }),
              ReturnValuesOnConditionCheckFailure: "ALL_OLD",
            }),
            { abortSignal },
          );
          return { kind: "replaced" as const };
        } catch (error) {
          if (!(error instanceof ConditionalCheckFailedException)) throw error;
          const standing = recordOf(error.Item);
          // The SDK sends again what had no answer: the one in the way may be ours.
          if (standing?.version === record.version) return { kind: "replaced" as const };
          return standing === undefined
            ? { kind: "lost" as const }
            : { kind: "lost" as const, record: standing };
        }
      }),
  };
};
