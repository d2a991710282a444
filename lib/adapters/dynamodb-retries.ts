import { type DynamoDBClient, GetItemCommand, QueryCommand } from "@aws-sdk/client-dynamodb";
import type { ChargeId } from "../core/charge.ts";
import type { RetryRecord } from "../core/retry-record.ts";
import type { RetryBook, RetryReleaser } from "../ports.ts";
import { putWith } from "./dynamodb-off-page.ts";
import { conditionalPut, conditionOf } from "./dynamodb-put.ts";
import { ledgerCall } from "./ledger-call.ts";
import {
  itemOfEntry,
  type LedgerItem,
  retryOfItem,
  wasInReview,
  workIndex,
  workShardsOf,
} from "./ledger-item.ts";

const prefix = "retry#";
const keyOf = (chargeId: ChargeId) => ({ pk: { S: `${prefix}${chargeId}` }, sk: { S: "retry" } });

const shardNames = workShardsOf("retry");

/** The same charge is always in the same shard. */
const shardOf = (chargeId: ChargeId): string => {
  let sum = 0;
  for (let at = 0; at < chargeId.length; at++) sum = (sum * 31 + chargeId.charCodeAt(at)) >>> 0;
  return shardNames[sum % shardNames.length] ?? "";
};

const itemOf = (record: RetryRecord): LedgerItem => ({
  ...keyOf(record.chargeId),
  state: { S: record.state },
  token: { S: record.token },
  retry: { S: JSON.stringify(record) },
  ...(record.state === "scheduled" && record.dueMs !== undefined
    ? { workShard: { S: shardOf(record.chargeId) }, workAt: { N: String(Math.round(record.dueMs)) } }
    : {}),
});

/** Later attempts, in the ledger's table: scheduled ones are in its index under the moment at which they are due. */
export const dynamodbRetries = (
  client: Pick<DynamoDBClient, "send">,
  table: string,
  deadlineMs = 5_000,
): RetryBook => {
  const call = ledgerCall(deadlineMs);
  const put = conditionalPut(client, table, call);
  return {
    read: (chargeId) =>
      call("read retry", async (abortSignal) => {
        const { Item } = await client.send(
          new GetItemCommand({ TableName: table, Key: keyOf(chargeId), ConsistentRead: true }),
          { abortSignal },
        );
        return Item === undefined ? undefined : retryOfItem(Item);
      }),

    async replace(previous, record) {
      const standing = await put("replace retry", itemOf(record), previous);
      return { kind: standing === undefined ? "replaced" : "lost" };
    },
  };
};

/** The write of a release: apart from the book, since who only schedules or stops needs no leave to write an entry. */
export const dynamodbRelease = (
  client: Pick<DynamoDBClient, "send">,
  table: string,
  deadlineMs = 5_000,
): RetryReleaser["release"] => {
  const call = ledgerCall(deadlineMs);
  return async (previous, entry, record) => {
    const write = { item: itemOfEntry(entry), previous: previous.entry, unpaged: wasInReview(entry) };
    const put = { Put: { TableName: table, Item: itemOf(record), ...conditionOf(previous.record) } };
    const standing = await call("release", (abortSignal) =>
      putWith(client, table, write, [put], abortSignal),
    );
    return { kind: standing === undefined ? "released" : "lost" };
  };
};

/** Reads the due index; apart from the book, so that who only schedules needs no leave to read it. */
export const dueRetries =
  (client: Pick<DynamoDBClient, "send">, table: string, deadlineMs = 5_000): RetryReleaser["due"] =>
  async (byMs, most) => {
    const call = ledgerCall(deadlineMs);
    const found = await Promise.all(
      shardNames.map((shard) =>
        call("due retries", async (abortSignal) => {
          const { Items = [] } = await client.send(
            new QueryCommand({
              TableName: table,
              IndexName: workIndex,
              KeyConditionExpression: "workShard = :shard and workAt <= :by",
              ExpressionAttributeValues: { ":shard": { S: shard }, ":by": { N: String(Math.round(byMs)) } },
              Limit: most,
            }),
            { abortSignal },
          );
          return Items;
        }),
      ),
    );
    return found
      .flat()
      .map((item) => ({ pk: item["pk"]?.S ?? "", atMs: Number(item["workAt"]?.N) }))
      .sort((a, b) => a.atMs - b.atMs)
      .slice(0, most)
      .map(({ pk }) => pk.slice(prefix.length) as ChargeId);
  };
