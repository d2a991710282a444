import { BatchGetItemCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { type LedgerCall, LedgerUnavailable } from "./ledger-call.ts";
import type { LedgerItem } from "./ledger-item.ts";

const keysAtOnce = 100;
const roundsMax = 10;

/** The items that stand under these keys, strongly consistent, in no order. No key may be named twice. */
export const readItems = async (
  client: Pick<DynamoDBClient, "send">,
  table: string,
  keys: readonly LedgerItem[],
  call: LedgerCall,
): Promise<readonly LedgerItem[]> => {
  const items: LedgerItem[] = [];
  for (let from = 0; from < keys.length; from += keysAtOnce) {
    let left: LedgerItem[] = keys.slice(from, from + keysAtOnce);
    for (let round = 0; left.length > 0; round++) {
      if (round === roundsMax) throw new LedgerUnavailable("read: keys stay unprocessed");
      const asked = left;
      const answer = await call("read", (abortSignal) =>
        client.send(
          new BatchGetItemCommand({ RequestItems: { [table]: { Keys: asked, ConsistentRead: true } } }),
          { abortSignal },
        ),
      );
      items.push(...(answer.Responses?.[table] ?? []));
      left = answer.UnprocessedKeys?.[table]?.Keys ?? [];
      if (left.length > 0) await new Promise((resolve) => setTimeout(resolve, 50 * 2 ** round));
    }
  }
  return items;
};
