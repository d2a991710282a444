import { type DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";
import type { InstrumentChange } from "../core/instrument-record.ts";
import type { LedgerEntry } from "../core/ledger.ts";
import { sentMarkOf } from "../core/sent-page.ts";
import type { InstrumentBook } from "../ports.ts";
import { putWith } from "./dynamodb-off-page.ts";
import { putPages } from "./dynamodb-pages.ts";
import { conditionOf } from "./dynamodb-put.ts";
import { ledgerCall } from "./ledger-call.ts";
import {
  entryOfItem,
  instrumentItemKey,
  instrumentOfItem,
  itemOfEntry,
  itemOfInstrument,
  type LedgerItem,
  wasInReview,
} from "./ledger-item.ts";

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
    before: string | undefined,
    { previous, record }: InstrumentChange,
  ): Promise<LedgerItem | "contended" | undefined> =>
    call(what, (abortSignal) =>
      putWith(
        client,
        table,
        { item: itemOfEntry(entry), previous: before, unpaged: wasInReview(entry) },
        [{ Put: { TableName: table, Item: itemOfInstrument(record), ...conditionOf(previous) } }],
        abortSignal,
      ),
    );

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
      const standing = await putBoth("open", entry, undefined, change);
      if (standing === "contended") return { kind: "contended" };
      if (standing !== undefined) return { kind: "exists", entry: entryOfItem(standing) };
      await list(entry);
      return { kind: "opened" };
    },

    async replace(previous, entry, change) {
      const standing = await putBoth("replace", entry, previous, change);
      if (standing === "contended") return { kind: "contended" };
      if (standing !== undefined) return { kind: "lost" };
      await list(entry);
      return { kind: "replaced" };
    },
  };
};
