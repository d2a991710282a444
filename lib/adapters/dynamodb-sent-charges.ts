import { BatchGetItemCommand, type DynamoDBClient, QueryCommand } from "@aws-sdk/client-dynamodb";
import type { GatewayName } from "../core/charge.ts";
import { ledgerSideOfText } from "../core/entry-text.ts";
import type { FeedWindow } from "../core/feed.ts";
import type { LedgerSide } from "../core/sides.ts";
import type { SentBatch, SentCharges, SentOrder } from "../ports.ts";
import { LedgerUnavailable, ledgerCall } from "./ledger-call.ts";
import { entrySk, entryTextOf, type LedgerItem, sentIndex, sentShardsOf } from "./ledger-item.ts";

/** What `BatchGetItem` takes at once. */
const together = 100;
/** Reads on their way at once. */
const reads = 8;
/** Keys of a shard that are read at once: of all shards together, they wait in the memory for their turn. */
const keysTogether = 1_000;
const tries = 4;

type Key = { readonly pk: string; readonly atMs: number };

/** The keys of one shard as far as they are known, in their order. */
type Shard = { readonly name: string; keys: Key[]; from: LedgerItem | undefined; ended: boolean };

/**
 * Reads charges by the table's index `sent`, whose shards are merged by time, and then the entries themselves;
 * both eventually consistent, at half the price.
 */
export const dynamodbSentCharges = (
  client: Pick<DynamoDBClient, "send">,
  table: string,
  deadlineMs = 15_000,
): SentCharges => {
  const call = ledgerCall(deadlineMs);
  const asked = async <T>(what: string, run: (abortSignal: AbortSignal) => Promise<T>): Promise<T> => {
    for (let attempt = 1; ; attempt++)
      try {
        return await call(what, run);
      } catch (error) {
        if (attempt === tries) throw error;
        await new Promise((resolve) => setTimeout(resolve, 200 * 2 ** attempt));
      }
  };

  const readKeys = async (
    shard: Shard,
    { fromMs, toMs }: FeedWindow,
    isOldestFirst: boolean,
  ): Promise<void> => {
    const { Items: items = [], LastEvaluatedKey: from } = await asked("sent charges", (abortSignal) =>
      client.send(
        new QueryCommand({
          TableName: table,
          IndexName: sentIndex,
          KeyConditionExpression: "sentShard = :shard AND sentAt BETWEEN :from AND :to",
          ExpressionAttributeValues: {
            ":shard": { S: shard.name },
            ":from": { N: String(Math.floor(fromMs)) },
            ":to": { N: String(Math.ceil(toMs)) },
          },
          ProjectionExpression: "pk, sentAt",
          ScanIndexForward: isOldestFirst,
          Limit: keysTogether,
          ...(shard.from === undefined ? {} : { ExclusiveStartKey: shard.from }),
        }),
        { abortSignal },
      ),
    );
    for (const item of items) shard.keys.push({ pk: item["pk"]?.S ?? "", atMs: Number(item["sentAt"]?.N) });
    shard.from = from;
    shard.ended = from === undefined;
  };

  const readEntries = async (keys: readonly Key[]): Promise<SentBatch> => {
    const texts = new Map<string, string>();
    let left: LedgerItem[] | undefined = keys.map(({ pk }) => ({ pk: { S: pk }, sk: { S: entrySk } }));
    for (let round = 0; left !== undefined && left.length > 0; round++) {
      if (round > 0) await new Promise((resolve) => setTimeout(resolve, Math.min(5_000, 50 * 2 ** round)));
      if (round > 12) throw new LedgerUnavailable("sent charges: throttled");
      const asking: LedgerItem[] = left;
      const answer = await asked("sent charges", (abortSignal) =>
        client.send(
          new BatchGetItemCommand({
            RequestItems: { [table]: { Keys: asking, ProjectionExpression: "pk, entry" } },
          }),
          { abortSignal },
        ),
      );
      for (const item of answer.Responses?.[table] ?? []) texts.set(item["pk"]?.S ?? "", entryTextOf(item));
      left = answer.UnprocessedKeys?.[table]?.Keys;
    }
    const sides: LedgerSide[] = [];
    let unreadable = 0;
    for (const { pk } of keys) {
      const text = texts.get(pk);
      // The index knows a charge a moment before this read does.
      if (text === undefined) continue;
      const side = ledgerSideOfText(text);
      if (side === undefined) unreadable += 1;
      else sides.push(side);
    }
    return { sides, unreadable };
  };

  return {
    async *read(gateway: GatewayName, window: FeedWindow, order: SentOrder) {
      const isOldestFirst = order === "oldestFirst";
      const shards = sentShardsOf(gateway).map(
        (name): Shard => ({ name, keys: [], from: undefined, ended: false }),
      );
      const isBefore = (a: number, b: number): boolean => (isOldestFirst ? a <= b : a >= b);
      for (;;) {
        await Promise.all(
          shards
            .filter(({ keys, ended }) => keys.length === 0 && !ended)
            .map((shard) => readKeys(shard, window, isOldestFirst)),
        );
        if (shards.some(({ keys, ended }) => keys.length === 0 && !ended)) continue;
        // No shard has anything left that comes before the last key of the one that is known least far.
        const bounds = shards.flatMap(({ keys, ended }) => (ended ? [] : (keys.at(-1)?.atMs ?? [])));
        const bound =
          bounds.length === 0 ? undefined : isOldestFirst ? Math.min(...bounds) : Math.max(...bounds);
        const due: Key[] = [];
        for (const shard of shards) {
          const count =
            bound === undefined
              ? shard.keys.length
              : shard.keys.filter(({ atMs }) => isBefore(atMs, bound)).length;
          due.push(...shard.keys.splice(0, count));
        }
        due.sort((a, b) => (isOldestFirst ? a.atMs - b.atMs : b.atMs - a.atMs));
        const batches: Key[][] = [];
        for (let from = 0; from < due.length; from += together)
          batches.push(due.slice(from, from + together));
        for (let from = 0; from < batches.length; from += reads)
          yield* await Promise.all(batches.slice(from, from + reads).map(readEntries));
        if (due.length === 0 && shards.every(({ ended }) => ended)) return;
      }
    },
  };
};
