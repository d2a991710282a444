import {
  type DynamoDBClient,
  GetItemCommand,
  type Put,
  type TransactionCanceledException,
  TransactWriteItemsCommand,
} from "@aws-sdk/client-dynamodb";
import type { InstrumentChange } from "../core/instrument-record.ts";
import type { LedgerEntry } from "../core/ledger.ts";
import { sentMarkOf } from "../core/sent-page.ts";
import type { InstrumentBook } from "../ports.ts";
import { putPages } from "./dynamodb-pages.ts";
import { ledgerCall } from "./ledger-call.ts";
import {
  entryOfItem,
  instrumentItemKey,
  instrumentOfItem,
  itemOfEntry,
  itemOfInstrument,
  type LedgerItem,
} from "./ledger-item.ts";

type Condition = Pick<Put, "ConditionExpression" | "ExpressionAttributeNames" | "ExpressionAttributeValues">;

const isNew: Condition = { ConditionExpression: "attribute_not_exists(pk)" };
const isVersion = (token: string): Condition => ({
  ConditionExpression: "#token = :previous",
  ExpressionAttributeNames: { "#token": "token" },
  ExpressionAttributeValues: { ":previous": { S: token } },
});

/** By its name: where the SDK is loaded late, its classes are not there. */
const isCancelled = (error: unknown): error is TransactionCanceledException =>
  error instanceof Error && error.name === "TransactionCanceledException";

/** The records of instruments, in the ledger's table. */
export const dynamodbInstruments = (
  client: Pick<DynamoDBClient, "send">,
  table: string,
  deadlineMs = 5_000,
): InstrumentBook => {
  const call = ledgerCall(deadlineMs);

  /** A lease is told as taken only when the page that names the charge stands, as the ledger itself does it. */
  const list = async (entry: LedgerEntry): Promise<void> => {
    const mark = sentMarkOf(entry);
    if (mark !== undefined) await call("page", (abortSignal) => putPages(client, table, [mark], abortSignal));
  };

  /** Puts both or neither. `undefined` when they took hold, the item that stood in the entry's way, or `contended`. */
  const putBoth = (
    what: string,
    entry: LedgerEntry,
    condition: Condition,
    { previous, record }: InstrumentChange,
  ): Promise<LedgerItem | "contended" | undefined> =>
    call(what, async (abortSignal) => {
      const item = itemOfEntry(entry);
      const put = (own: LedgerItem, its: Condition) => ({
        Put: { TableName: table, Item: own, ...its, ReturnValuesOnConditionCheckFailure: "ALL_OLD" as const },
      });
      const unchanged = previous === undefined ? isNew : isVersion(previous);
      try {
        await client.send(
          new TransactWriteItemsCommand({
            TransactItems: [put(item, condition), put(itemOfInstrument(record), unchanged)],
          }),
          { abortSignal },
        );
        return undefined;
      } catch (error) {
        if (!isCancelled(error)) throw error;
        const [ofEntry, ofInstrument] = error.CancellationReasons ?? [];
        if (ofEntry?.Code === "ConditionalCheckFailed") {
          const standing = ofEntry.Item ?? {};
          // The SDK sends again what had no answer: what is in the way may be what we just wrote.
          return standing["token"]?.S === item["token"]?.S ? undefined : standing;
        }
        const lost = ["ConditionalCheckFailed", "TransactionConflict"];
        if ([ofEntry, ofInstrument].some((reason) => lost.includes(reason?.Code ?? ""))) return "contended";
        throw error;
      }
    });

  return {
    read: (key) =>
      call("instrument", async (abortSignal) => {
        const { Item } = await client.send(
          new GetItemCommand({ TableName: table, Key: instrumentItemKey(key), ConsistentRead: true }),
          { abortSignal },
        );
        return Item === undefined ? undefined : instrumentOfItem(Item);
      }),

    async open(entry, change) {
      const standing = await putBoth("open", entry, isNew, change);
      if (standing === "contended") return { kind: "contended" };
      if (standing !== undefined) return { kind: "exists", entry: entryOfItem(standing) };
      await list(entry);
      return { kind: "opened" };
    },

    async replace(previous, entry, change) {
      const standing = await putBoth("replace", entry, isVersion(previous), change);
      if (standing === "contended") return { kind: "contended" };
      if (standing !== undefined) return { kind: "lost" };
      await list(entry);
      return { kind: "replaced" };
    },
  };
};
