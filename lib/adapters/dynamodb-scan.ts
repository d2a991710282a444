import { type DynamoDBClient, ScanCommand } from "@aws-sdk/client-dynamodb";
import type { InstrumentRecord } from "../core/instrument-record.ts";
import type { LedgerEntry } from "../core/ledger.ts";
import type { RetryRecord } from "../core/retry-record.ts";
import type { LedgerScan } from "../ports.ts";
import { withDeadline } from "./deadline.ts";
import { LedgerUnavailable } from "./ledger-call.ts";
import { entryOfItem, instrumentOfItem, type LedgerItem, retryOfItem } from "./ledger-item.ts";

/** Parts of the table that are read at the same time: each page of a megabyte waits for the one before. */
const segments = 4;
const tries = 4;
const deadlineDefaultMs = 15_000;

/**
 * Reads the items of these sort keys by a parallel scan of the whole table, eventually consistent: half the price.
 * @param read makes of an item what is done with it; where it throws, the item could not be read
 * @returns how many could not be read
 * @throws `LedgerUnavailable`
 */
const scanItems = async (
  client: Pick<DynamoDBClient, "send">,
  table: string,
  sortKeys: readonly string[],
  read: (item: LedgerItem) => () => void,
  deadlineMs: number,
): Promise<number> => {
  const names = sortKeys.map((_, at) => `:sk${at}`);
  const page = async (segment: number, from: LedgerItem | undefined) => {
    for (let attempt = 1; ; attempt++)
      try {
        return await withDeadline(
          deadlineMs,
          (abortSignal) =>
            client.send(
              new ScanCommand({
                TableName: table,
                Segment: segment,
                TotalSegments: segments,
                FilterExpression: `sk in (${names.join(", ")})`,
                ExpressionAttributeValues: Object.fromEntries(
                  sortKeys.map((sortKey, at) => [`:sk${at}`, { S: sortKey }]),
                ),
                ...(from === undefined ? {} : { ExclusiveStartKey: from }),
              }),
              { abortSignal },
            ),
          (message) => new LedgerUnavailable(`scan: ${message}`),
        );
      } catch (error) {
        if (attempt === tries) throw error;
        await new Promise((resolve) => setTimeout(resolve, 200 * 2 ** attempt));
      }
  };
  let unreadable = 0;
  await Promise.all(
    Array.from({ length: segments }, async (_, segment) => {
      let from: LedgerItem | undefined;
      do {
        const answer = await page(segment, from);
        for (const item of answer.Items ?? []) {
          let act: () => void;
          try {
            act = read(item);
          } catch {
            unreadable += 1;
            continue;
          }
          act();
        }
        from = answer.LastEvaluatedKey;
      } while (from !== undefined);
    }),
  );
  return unreadable;
};

/** Reads every entry of the ledger's table. */
export const dynamodbScan = (
  client: Pick<DynamoDBClient, "send">,
  table: string,
  deadlineMs = deadlineDefaultMs,
): LedgerScan => ({
  async scan(each) {
    const unreadable = await scanItems(
      client,
      table,
      ["charge"],
      (item) => {
        const entry = entryOfItem(item);
        return () => each(entry);
      },
      deadlineMs,
    );
    return { unreadable };
  },
});

/** Who is told of what, item by item, in no order. */
export type RetryReader = {
  entry(entry: LedgerEntry): void;
  record(record: RetryRecord): void;
  instrument(record: InstrumentRecord): void;
};

/**
 * Reads the whole table once, for a report of later attempts.
 * @returns how many items could not be read
 * @throws `LedgerUnavailable`
 */
export const scanForRetries = (
  client: Pick<DynamoDBClient, "send">,
  table: string,
  reader: RetryReader,
  deadlineMs = deadlineDefaultMs,
): Promise<number> =>
  scanItems(
    client,
    table,
    ["charge", "retry", "instrument"],
    (item) => {
      const sk = item["sk"]?.S;
      if (sk === "charge") {
        const entry = entryOfItem(item);
        return () => reader.entry(entry);
      }
      if (sk === "retry") {
        const record = retryOfItem(item);
        return () => reader.record(record);
      }
      const instrument = instrumentOfItem(item);
      return () => reader.instrument(instrument);
    },
    deadlineMs,
  );
