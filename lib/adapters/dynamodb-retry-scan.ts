import { type DynamoDBClient, ScanCommand } from "@aws-sdk/client-dynamodb";
import type { InstrumentRecord } from "../core/instrument-record.ts";
import type { LedgerEntry } from "../core/ledger.ts";
import type { RetryRecord } from "../core/retry-record.ts";
import { ledgerCall } from "./ledger-call.ts";
import { entryOfItem, instrumentOfItem, type LedgerItem, retryOfItem } from "./ledger-item.ts";

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
export const scanForRetries = async (
  client: Pick<DynamoDBClient, "send">,
  table: string,
  reader: RetryReader,
  deadlineMs = 30_000,
): Promise<number> => {
  const call = ledgerCall(deadlineMs);
  let unreadable = 0;
  let from: LedgerItem | undefined;
  do {
    const answer = await call("scan", (abortSignal) =>
      client.send(
        new ScanCommand({
          TableName: table,
          FilterExpression: "sk in (:charge, :retry, :instrument)",
          ExpressionAttributeValues: {
            ":charge": { S: "charge" },
            ":retry": { S: "retry" },
            ":instrument": { S: "instrument" },
          },
          ...(from === undefined ? {} : { ExclusiveStartKey: from }),
        }),
        { abortSignal },
      ),
    );
    for (const item of answer.Items ?? [])
      try {
        const sk = item["sk"]?.S;
        if (sk === "charge") reader.entry(entryOfItem(item));
        else if (sk === "retry") reader.record(retryOfItem(item));
        else reader.instrument(instrumentOfItem(item));
      } catch {
        unreadable += 1;
      }
    from = answer.LastEvaluatedKey;
  } while (from !== undefined);
  return unreadable;
};
