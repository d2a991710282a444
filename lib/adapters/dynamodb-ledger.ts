import {
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  PutItemCommand,
  QueryCommand,
} from "@aws-sdk/client-dynamodb";
import type { ChargeId } from "../core/charge.ts";
import type { LedgerEntry, Rejection } from "../core/ledger.ts";
import type { NotedNotice } from "../core/notice.ts";
import type { Ledger } from "../ports.ts";
import { CallFailed, withDeadline } from "./deadline.ts";
import {
  entryKey,
  entryOfItem,
  itemOfEntry,
  itemOfRejection,
  type LedgerItem,
  noticeSk,
} from "./ledger-item.ts";

/** No answer before the deadline: what was asked may have been done. */
export class LedgerUnavailable extends CallFailed {
  override readonly name = "LedgerUnavailable";
}

const keysAtOnce = 100;

const deadlineDefaultMs = 5_000;

const caller =
  (deadlineMs: number) =>
  <T>(what: string, run: (abortSignal: AbortSignal) => Promise<T>): Promise<T> =>
    withDeadline(deadlineMs, run, (message) => new LedgerUnavailable(`${what}: ${message}`));

/** The ledger for those who only read it: their bundle holds no call that writes, and may make none. */
export const ledgerReader = (
  client: Pick<DynamoDBClient, "send">,
  table: string,
  deadlineMs = deadlineDefaultMs,
): Pick<Ledger, "read"> => {
  const call = caller(deadlineMs);
  return {
    async read(chargeIds) {
      const entries = new Map<ChargeId, LedgerEntry>();
      const ids = [...new Set(chargeIds)];
      for (let from = 0; from < ids.length; from += keysAtOnce) {
        let keys = ids.slice(from, from + keysAtOnce).map((id): LedgerItem => entryKey(id));
        for (let round = 0; keys.length > 0; round++) {
          if (round === 10) throw new LedgerUnavailable("read: keys stay unprocessed");
          const asked = keys;
          const answer = await call("read", (abortSignal) =>
            client.send(
              new BatchGetItemCommand({ RequestItems: { [table]: { Keys: asked, ConsistentRead: true } } }),
              { abortSignal },
            ),
          );
          for (const item of answer.Responses?.[table] ?? []) {
            const entry = entryOfItem(item);
            entries.set(entry.chargeId, entry);
          }
          keys = answer.UnprocessedKeys?.[table]?.Keys ?? [];
          if (keys.length > 0) await new Promise((resolve) => setTimeout(resolve, 50 * 2 ** round));
        }
      }
      return entries;
    },
  };
};

/** The ledger on a DynamoDB table (`ledger-item.ts` draws its items). */
export const dynamodbLedger = (
  client: Pick<DynamoDBClient, "send">,
  table: string,
  deadlineMs = deadlineDefaultMs,
): Ledger => {
  const call = caller(deadlineMs);

  /** A put under a condition. `undefined` when it took hold, else the item that stood in its way. */
  const put = (
    what: string,
    item: LedgerItem,
    condition: Pick<
      ConstructorParameters<typeof PutItemCommand>[0],
      "ConditionExpression" | "ExpressionAttributeNames" | "ExpressionAttributeValues"
    >,
  ): Promise<LedgerItem | undefined> =>
    call(what, async (abortSignal) => {
      try {
        await client.send(
          new PutItemCommand({
            TableName: table,
            Item: item,
            ...condition,
            ReturnValuesOnConditionCheckFailure: "ALL_OLD",
          }),
          { abortSignal },
        );
        return undefined;
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        // The SDK sends again what had no answer: the item in the way may be the one that we just wrote.
        return error.Item?.["token"]?.S === item["token"]?.S ? undefined : (error.Item ?? {});
      }
    });

  return {
    async open(entry) {
      const standing = await put("open", itemOfEntry(entry), {
        ConditionExpression: "attribute_not_exists(pk)",
      });
      return standing === undefined ? { kind: "opened" } : { kind: "exists", entry: entryOfItem(standing) };
    },

    async replace(previous, entry) {
      const standing = await put("replace", itemOfEntry(entry), {
        ConditionExpression: "#token = :previous",
        ExpressionAttributeNames: { "#token": "token" },
        ExpressionAttributeValues: { ":previous": { S: previous } },
      });
      return { kind: standing === undefined ? "replaced" : "lost" };
    },

    ...ledgerReader(client, table, deadlineMs),

    async reject(rejection) {
      // The first one stands: a message that comes again is the same rejection, whenever it comes.
      await put("reject", itemOfRejection(rejection), { ConditionExpression: "attribute_not_exists(pk)" });
    },
  };
};

/** Everything that the ledger holds under one charge id. */
export type ChargeRecord = {
  readonly entry: LedgerEntry | undefined;
  readonly rejections: readonly Rejection[];
  /** notices that a person was told of: what has ended is not written again for them */
  readonly notices: readonly NotedNotice[];
};

/** Reads a charge, every message that was refused under its id and every notice noted beside it, for people. */
export const readChargeRecord = async (
  client: Pick<DynamoDBClient, "send">,
  table: string,
  chargeId: ChargeId,
  deadlineMs = 10_000,
): Promise<ChargeRecord> => {
  const rejections: Rejection[] = [];
  const notices: NotedNotice[] = [];
  let entry: LedgerEntry | undefined;
  let from: LedgerItem | undefined;
  do {
    const answer = await client.send(
      new QueryCommand({
        TableName: table,
        KeyConditionExpression: "pk = :pk",
        ExpressionAttributeValues: { ":pk": entryKey(chargeId).pk },
        ConsistentRead: true,
        ...(from === undefined ? {} : { ExclusiveStartKey: from }),
      }),
      { abortSignal: AbortSignal.timeout(deadlineMs) },
    );
    for (const item of answer.Items ?? []) {
      const sk = item["sk"]?.S ?? "";
      if (sk === "charge") entry = entryOfItem(item);
      else if (sk.startsWith(noticeSk(""))) notices.push(JSON.parse(item["entry"]?.S ?? "{}") as NotedNotice);
      else rejections.push(JSON.parse(item["entry"]?.S ?? "{}") as Rejection);
    }
    from = answer.LastEvaluatedKey;
  } while (from !== undefined);
  return { entry, rejections, notices };
};
