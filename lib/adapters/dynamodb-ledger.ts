import { type DynamoDBClient, QueryCommand } from "@aws-sdk/client-dynamodb";
import type { ChargeId } from "../core/charge.ts";
import type { LedgerEntry, Rejection } from "../core/ledger.ts";
import type { NotedNotice } from "../core/notice.ts";
import { sentMarkOf } from "../core/sent-page.ts";
import type { ChargeRecord, Ledger } from "../ports.ts";
import { readItems } from "./dynamodb-items.ts";
import { conditionalPut } from "./dynamodb-put.ts";
import { sharedWrites } from "./dynamodb-writes.ts";
import { ledgerCall } from "./ledger-call.ts";
import {
  entryKey,
  entryOfItem,
  itemOfEntry,
  itemOfRejection,
  type LedgerItem,
  noticeSk,
  wasInReview,
} from "./ledger-item.ts";

const deadlineDefaultMs = 5_000;
/** How long an outcome waits for others to share a request with: a crash meanwhile leaves it unknown. */
const lingerDefaultMs = 5;

/** The ledger for those who only read it: their bundle holds no call that writes, and may make none. */
export const ledgerReader = (
  client: Pick<DynamoDBClient, "send">,
  table: string,
  deadlineMs = deadlineDefaultMs,
): Pick<Ledger, "read"> => ({
  async read(chargeIds) {
    const keys = [...new Set(chargeIds)].map((id): LedgerItem => entryKey(id));
    const entries = (await readItems(client, table, keys, ledgerCall(deadlineMs))).map(entryOfItem);
    return new Map(entries.map((entry) => [entry.chargeId, entry]));
  },
});

/** The ledger on a DynamoDB table (`ledger-item.ts` draws its items). */
export const dynamodbLedger = (
  client: Pick<DynamoDBClient, "send">,
  table: string,
  deadlineMs = deadlineDefaultMs,
  lingerMs = lingerDefaultMs,
): Ledger => {
  const call = ledgerCall(deadlineMs);
  const put = conditionalPut(client, table, call);
  const write = sharedWrites({ client, table, call, lingerMs });
  return {
    async open(entry) {
      const standing = await write("open", itemOfEntry(entry), undefined, sentMarkOf(entry));
      return standing === undefined ? { kind: "opened" } : { kind: "exists", entry: entryOfItem(standing) };
    },

    async replace(previous, entry) {
      const standing = await write(
        "replace",
        itemOfEntry(entry),
        previous,
        sentMarkOf(entry),
        wasInReview(entry),
      );
      return { kind: standing === undefined ? "replaced" : "lost" };
    },

    ...ledgerReader(client, table, deadlineMs),

    async reject(rejection) {
      // The first one stands: a message that comes again is the same rejection, whenever it comes.
      await put("reject", itemOfRejection(rejection));
    },
  };
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
