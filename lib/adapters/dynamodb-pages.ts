import { type DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import type { GatewayName } from "../core/charge.ts";
import { pagesOf, type SentMark, type SentPage, textOfPage } from "../core/sent-page.ts";
import { atText, type LedgerItem } from "./ledger-item.ts";

/** Over so many partitions the pages of a gateway are spread: DynamoDB takes 1,000 writes a second of one. */
const shards = 8;

const partitionOf = (gateway: GatewayName, shard: number): string => `sent#${gateway}#${shard}`;

/** The partitions in which the pages of a gateway stand. */
export const sentPartitionsOf = (gateway: GatewayName): readonly string[] =>
  Array.from({ length: shards }, (_, shard) => partitionOf(gateway, shard));

/** The first sort key of a page that begins at this moment or later. */
export const pageKeyFrom = atText;

/** Where a page begins, by its sort key. */
export const pageFromMs = (item: LedgerItem): number => Number(item["sk"]?.S?.split("#")[0]);

/** A page is named by the first lease on it, so that to write it once more changes nothing. */
export const itemOfPage = (page: SentPage): LedgerItem => {
  const token = page.marks[0]?.token ?? "";
  let sum = 0;
  for (let at = 0; at < token.length; at++) sum += token.charCodeAt(at);
  return {
    pk: { S: partitionOf(page.gateway, sum % shards) },
    sk: { S: `${atText(page.fromMs)}#${token}` },
    page: { S: textOfPage(page) },
  };
};

/** Writes the pages on which these marks stand. Nothing may be sent before it has resolved. */
export const putPages = async (
  client: Pick<DynamoDBClient, "send">,
  table: string,
  marks: readonly SentMark[],
  abortSignal: AbortSignal,
): Promise<void> => {
  await Promise.all(
    pagesOf(marks).map((page) =>
      client.send(new PutItemCommand({ TableName: table, Item: itemOfPage(page) }), { abortSignal }),
    ),
  );
};
