import { type DynamoDBClient, QueryCommand } from "@aws-sdk/client-dynamodb";
import { isJsonObject, member, parseJson } from "../core/json.ts";
import type { DeskIndex, WaitingReview } from "../ports.ts";
import { withDeadline } from "./deadline.ts";
import { LedgerUnavailable } from "./ledger-call.ts";
import { deskIndex, deskKeyFrom, deskShards, type LedgerItem, waitingOfKey } from "./ledger-item.ts";

type Answered = { readonly response: { readonly statusCode?: number; body?: unknown } };
/** The SDK's next step towards the wire, as far as it matters here. */
type Next = (args: unknown) => Promise<Answered>;

const isStream = (body: unknown): body is AsyncIterable<Uint8Array> =>
  typeof body === "object" && body !== null && Symbol.asyncIterator in body;

/**
 * Sends a query and reads its items from the answer's own JSON. The SDK walks every attribute of every item by its
 * schema, which takes most of the time that a hundred thousand keys take; it is left the rest of the answer.
 */
const queryItems = async (
  client: Pick<DynamoDBClient, "send">,
  command: QueryCommand,
  abortSignal: AbortSignal,
): Promise<{ readonly items: readonly LedgerItem[]; readonly next: LedgerItem | undefined }> => {
  // Of the last try: the SDK may make several.
  let items: readonly LedgerItem[] | undefined;
  const readItems = (next: Next) => async (args: unknown) => {
    items = undefined;
    const result = await next(args);
    const { response } = result;
    if (response.statusCode !== 200 || !isStream(response.body)) return result;
    const pieces: Uint8Array[] = [];
    for await (const piece of response.body) pieces.push(piece);
    const bytes = Buffer.concat(pieces);
    response.body = bytes;
    const answer = parseJson(bytes.toString("utf8"));
    const found = member(answer, "Items");
    if (!isJsonObject(answer) || !Array.isArray(found)) return result;
    items = found as unknown as readonly LedgerItem[];
    response.body = Buffer.from(JSON.stringify({ ...answer, Items: [] }));
    return result;
  };
  command.middlewareStack.addRelativeTo(readItems as never, {
    name: "readItems",
    relation: "after",
    toMiddleware: "deserializerMiddleware",
  });
  const answer = await client.send(command, { abortSignal });
  return { items: items ?? answer.Items ?? [], next: answer.LastEvaluatedKey };
};

/**
 * The worklist by the ledger's index: all shards at once, a megabyte of keys a page, and no entry read.
 * @param deadlineMs of each page
 */
export const dynamodbDeskIndex = (
  client: Pick<DynamoDBClient, "send">,
  table: string,
  deadlineMs = 5_000,
): DeskIndex => ({
  async waiting(untilMs) {
    const ofShard = async (shard: string): Promise<WaitingReview[]> => {
      const waiting: WaitingReview[] = [];
      let from: LedgerItem | undefined;
      do {
        const start = from;
        const answer = await withDeadline(
          deadlineMs,
          (abortSignal) =>
            queryItems(
              client,
              new QueryCommand({
                TableName: table,
                IndexName: deskIndex,
                KeyConditionExpression:
                  untilMs === undefined ? "deskShard = :shard" : "deskShard = :shard AND deskAt < :until",
                ProjectionExpression: "deskAt",
                ExpressionAttributeValues: {
                  ":shard": { S: shard },
                  ...(untilMs === undefined ? {} : { ":until": { S: deskKeyFrom(untilMs + 1) } }),
                },
                ...(start === undefined ? {} : { ExclusiveStartKey: start }),
              }),
              abortSignal,
            ),
          (message) => new LedgerUnavailable(`desk: ${message}`),
        );
        for (const key of answer.items) {
          const one = waitingOfKey(key);
          if (one !== undefined) waiting.push(one);
        }
        from = answer.next;
      } while (from !== undefined);
      return waiting;
    };
    return (await Promise.all(deskShards.map(ofShard))).flat();
  },
});
