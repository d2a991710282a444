import { type DynamoDBClient, QueryCommand } from "@aws-sdk/client-dynamodb";
import { asString, isJsonObject, member, parseJson } from "../core/json.ts";
import type { DeskIndex, ReadingPace, WaitingReview } from "../ports.ts";
import { withDeadline } from "./deadline.ts";
import { LedgerUnavailable } from "./ledger-call.ts";
import { deskIndex, deskKeyFrom, deskShards, type LedgerItem, waitingOfKey } from "./ledger-item.ts";

type Answered = { readonly response: { readonly statusCode?: number; body?: unknown } };
/** The SDK's next step towards the wire, as far as it matters here. */
type Next = (args: unknown) => Promise<Answered>;

const isStream = (body: unknown): body is AsyncIterable<Uint8Array> =>
  typeof body === "object" && body !== null && Symbol.asyncIterator in body;

/** Shards that are read at once where somebody waits for the list. */
const atOnce = 4;
const unpaced: ReadingPace = { isUnhurried: false, turn: async () => {} };

/** The sort keys of a page; `undefined` where the answer does not say them. */
type Page = { readonly keys: readonly string[] | undefined; readonly next: LedgerItem | undefined };

/**
 * Sends a query and reads the sort keys of its items out of the answer itself. The SDK walks every attribute of every
 * item by its schema, which takes most of the time that a hundred thousand keys take; it is left the rest.
 */
const queryKeys = async (
  client: Pick<DynamoDBClient, "send">,
  command: QueryCommand,
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
    const page = parseJson(bytes.toString("utf8"));
    const items = member(page, "Items");
    if (!isJsonObject(page) || !Array.isArray(items)) return result;
    keys = items.map((item) => asString(member(member(item, "deskAt"), "S")) ?? "");
    response.body = Buffer.from(JSON.stringify({ ...page, Items: [] }));
    return result;
  };
  command.middlewareStack.addRelativeTo(readItems as never, {
    name: "readItems",
    relation: "after",
    toMiddleware: "deserializerMiddleware",
  });
  const answer = await client.send(command, { abortSignal });
  return {
    keys: keys ?? answer.Items?.map((item) => item["deskAt"]?.S ?? ""),
    next: answer.LastEvaluatedKey,
  };
};

/** Keys of a shard on one side of a key. */
type Range = { readonly shard: string; readonly compares: "<" | ">="; readonly key: string };

/** Behind every moment: what stands there is of no version that is known here, and may have waited for any time. */
const behindMoments = "1";

/** Where all stands that has waited since a moment or longer, and all of which nobody knows how long it has waited. */
const rangesUntil = (untilMs: number | undefined): readonly Range[] =>
  deskShards.flatMap((shard): Range[] =>
    untilMs === undefined
      ? [{ shard, compares: ">=", key: " " }]
      : [
          { shard, compares: "<", key: deskKeyFrom(untilMs + 1) },
          { shard, compares: ">=", key: behindMoments },
        ],
  );

/** A key as it can be shown, whatever stands in it. */
const keyText = (key: string): string =>
  key === "" ? "a key without a text" : key.slice(0, 120).replace(/[^ -~]/g, "?");

/** Keys of a page where somebody asks for something else meanwhile: he waits behind no more than that. */
export const smallPageKeys = 1_000;

/**
 * The worklist by the ledger's index, no entry read: several shards at once, or where nobody waits for it one after
 * the other. A shard that cannot be read is thrown as `LedgerUnavailable`: a list that leaves it out would hide charges.
 * A key that cannot is named, and costs nothing else.
 * @param deadlineMs of each page
 * @param pageKeys keys of a page: half a megabyte of the one that would fit
 */
export const dynamodbDeskIndex = (
  client: Pick<DynamoDBClient, "send">,
  table: string,
  deadlineMs = 5_000,
  pageKeys = 3_000,
): DeskIndex => ({
  async waiting(untilMs, { isUnhurried, turn } = unpaced) {
    const rows: WaitingReview[] = [];
    const unreadable: string[] = [];
    // The others need not go on then.
    let hasFailed = false;
    const readRange = async ({ shard, compares, key }: Range): Promise<void> => {
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
                KeyConditionExpression: `deskShard = :shard AND deskAt ${compares} :key`,
                ProjectionExpression: "deskAt",
                ExpressionAttributeValues: { ":shard": { S: shard }, ":key": { S: key } },
                Limit: pageKeys,
                ...(start === undefined ? {} : { ExclusiveStartKey: start }),
              }),
              abortSignal,
            ),
          (message) => new LedgerUnavailable(`desk: ${message}`),
        );
        if (page.keys === undefined) throw new LedgerUnavailable("desk: an answer without its keys");
        for (const key of page.keys) {
          const one = waitingOfKey(key);
          if (one === undefined) unreadable.push(`${shard}: ${keyText(key)}`);
          else rows.push(one);
        }
        from = page.next;
      } while (from !== undefined && !hasFailed);
    };
    const left = rangesUntil(untilMs).values();
    const readRanges = async (): Promise<void> => {
      try {
        for (const range of left) if (!hasFailed) await readRange(range);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    };
    await Promise.all(Array.from({ length: isUnhurried ? 1 : atOnce }, readRanges));
    return { rows, unreadable };
  },
});
