import { type DynamoDBClient, QueryCommand } from "@aws-sdk/client-dynamodb";
import { asString, isJsonObject, type Json, member } from "../core/json.ts";
import { type JsonList, jsonList } from "../core/json-list.ts";
import type { DeskIndex, ReadingPace, WaitingReview } from "../ports.ts";
import { withDeadline } from "./deadline.ts";
import { LedgerUnavailable } from "./ledger-call.ts";
import { deskIndex, deskKeyFrom, deskShards, type LedgerItem, waitingOfKey } from "./ledger-item.ts";

type Answered = { readonly response: { readonly statusCode?: number; body?: unknown } };
/** The SDK's next step towards the wire, as far as it matters here. */
type Next = (args: unknown) => Promise<Answered>;

const isStream = (body: unknown): body is AsyncIterable<Uint8Array> =>
  typeof body === "object" && body !== null && Symbol.asyncIterator in body;

/** What is read of each item of a page. */
const fields = [[["deskAt", "S"]]];
/** Shards that are read at once where somebody waits for the list. */
const atOnce = 4;
const unpaced: ReadingPace = { isUnhurried: false, turn: async () => {} };

type Page = { readonly keys: readonly string[]; readonly next: LedgerItem | undefined };

/**
 * Sends a query and reads the sort keys of its items out of the answer's own text. The SDK walks every attribute of
 * every item by its schema, which takes most of the time that a hundred thousand keys take; it is left the rest.
 */
const queryKeys = async (
  client: Pick<DynamoDBClient, "send">,
  command: QueryCommand,
  items: JsonList,
  abortSignal: AbortSignal,
): Promise<Page> => {
  // Of the last try: the SDK may make several.
  let keys: string[] | undefined;
  const readItems = (next: Next) => async (args: unknown) => {
    keys = undefined;
    const result = await next(args);
    const { response } = result;
    if (response.statusCode !== 200 || !isStream(response.body)) return result;
    const pieces: Uint8Array[] = [];
    for await (const piece of response.body) pieces.push(piece);
    const bytes = Buffer.concat(pieces);
    response.body = bytes;
    const found: string[] = [];
    const add = (key: Json | undefined): void => {
      found.push(asString(key) ?? "");
    };
    const around = items.read(
      bytes.toString("utf8"),
      () => add(items.value(0)),
      (item) => add(member(member(item, "deskAt"), "S")),
    );
    if (around === undefined || !isJsonObject(around.value)) return result;
    keys = found;
    response.body = Buffer.from(JSON.stringify({ ...around.value, Items: [] }));
    return result;
  };
  command.middlewareStack.addRelativeTo(readItems as never, {
    name: "readItems",
    relation: "after",
    toMiddleware: "deserializerMiddleware",
  });
  const answer = await client.send(command, { abortSignal });
  return {
    keys: keys ?? (answer.Items ?? []).map((item) => item["deskAt"]?.S ?? ""),
    next: answer.LastEvaluatedKey,
  };
};

/**
 * The worklist by the ledger's index, no entry read: several shards at once, or where nobody waits for it one after
 * the other.
 * @param deadlineMs of each page
 * @param pageKeys keys of a page, not the megabyte that would fit: whoever asks for something else meanwhile waits
 * behind no more than that. A key costs the same
 */
export const dynamodbDeskIndex = (
  client: Pick<DynamoDBClient, "send">,
  table: string,
  deadlineMs = 5_000,
  pageKeys = 1_000,
): DeskIndex => {
  const items = jsonList(["Items"], fields);
  return {
    async waiting(untilMs, { isUnhurried, turn } = unpaced) {
      const waiting: WaitingReview[] = [];
      const readShard = async (shard: string): Promise<void> => {
        let from: LedgerItem | undefined;
        do {
          await turn();
          const start = from;
          const page = await withDeadline(
            deadlineMs,
            (abortSignal) =>
              queryKeys(
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
                  Limit: pageKeys,
                  ...(start === undefined ? {} : { ExclusiveStartKey: start }),
                }),
                items,
                abortSignal,
              ),
            (message) => new LedgerUnavailable(`desk: ${message}`),
          );
          for (const key of page.keys) {
            const one = waitingOfKey(key);
            if (one !== undefined) waiting.push(one);
          }
          from = page.next;
        } while (from !== undefined);
      };
      const left = deskShards.values();
      const readShards = async (): Promise<void> => {
        for (const shard of left) await readShard(shard);
      };
      await Promise.all(Array.from({ length: isUnhurried ? 1 : atOnce }, readShards));
      return waiting;
    },
  };
};
