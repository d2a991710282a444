import { type DynamoDBClient, QueryCommand, type QueryCommandInput } from "@aws-sdk/client-dynamodb";
import { asString, isJsonObject, member, parseJson } from "../core/json.ts";
import type { ReadingPace } from "../ports.ts";
import { withDeadline } from "./deadline.ts";
import { LedgerUnavailable } from "./ledger-call.ts";
import {
  deskIndex,
  deskKeyFrom,
  deskShards,
  type LedgerItem,
  pagedMark,
  worklistPartitions,
} from "./ledger-item.ts";

type Answered = { readonly response: { readonly statusCode?: number; body?: unknown } };
/** The SDK's next step towards the wire, as far as it matters here. */
type Next = (args: unknown) => Promise<Answered>;

const isStream = (body: unknown): body is AsyncIterable<Uint8Array> =>
  typeof body === "object" && body !== null && Symbol.asyncIterator in body;

/** Queries that go on at once where somebody waits for the list. */
const atOnce = 4;
const unpaced: ReadingPace = { isUnhurried: false, turn: async () => {} };

/** A page has some dozen rows, and takes as long to be read as this many keys. */
const keysOnPage = 5;

/** One text of each item of an answer; `undefined` where the answer does not say them. */
type Page = { readonly texts: readonly string[] | undefined; readonly next: LedgerItem | undefined };

/**
 * Sends a query and reads one text of each item out of the answer itself. The SDK walks every attribute of every item
 * by its schema, which takes most of the time that a hundred thousand keys take; it is left the rest.
 */
const queryTexts = async (
  client: Pick<DynamoDBClient, "send">,
  command: QueryCommand,
  attribute: string,
  abortSignal: AbortSignal,
): Promise<Page> => {
  // Of the last try: the SDK may make several.
  let texts: string[] | undefined;
  const readItems = (next: Next) => async (args: unknown) => {
    texts = undefined;
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
    texts = items.map((item) => asString(member(member(item, attribute), "S")) ?? "");
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
    texts: texts ?? answer.Items?.map((item) => item[attribute]?.S ?? ""),
    next: answer.LastEvaluatedKey,
  };
};

/** Keys of one partition: of the index, from a key to a key, both of them in it. */
export type KeyRange = { readonly partition: string; readonly from?: string; readonly to?: string };

/** All that the index has. */
export const everyKey: readonly KeyRange[] = deskShards.map((partition) => ({ partition }));

/** The keys of what stands on pages begin with the mark and a moment. Moments begin with this for as long as anybody cares. */
const moment = "0";
const behindMoments = "1";

/**
 * Where all stands that is on no page and has waited since a moment or longer; and what nobody knows how long it has
 * waited, since its key is of no version known here.
 */
export const keysUntil = (untilMs: number | undefined): readonly KeyRange[] =>
  deskShards.flatMap((partition): KeyRange[] => [
    { partition, to: pagedMark + moment },
    ...(untilMs === undefined
      ? [{ partition, from: pagedMark + behindMoments }]
      : [
          { partition, from: pagedMark + behindMoments, to: deskKeyFrom(untilMs + 1) },
          { partition, from: behindMoments },
        ]),
  ]);

const ofKeys = (
  name: string,
  { from, to }: KeyRange,
): { readonly condition: string; readonly values: LedgerItem } => {
  if (from !== undefined && to !== undefined)
    return {
      condition: ` AND ${name} BETWEEN :from AND :to`,
      values: { ":from": { S: from }, ":to": { S: to } },
    };
  if (from !== undefined) return { condition: ` AND ${name} >= :from`, values: { ":from": { S: from } } };
  if (to !== undefined) return { condition: ` AND ${name} <= :to`, values: { ":to": { S: to } } };
  return { condition: "", values: {} };
};

/** A text that was read, and the partition in which it stands. */
type Take = (text: string, partition: string) => void;

/** A worklist as it is kept: keys of the index, and pages that have the rows of many. */
export type WorklistReader = {
  /** the sort keys of these ranges; of the index, which lags a moment behind */
  keys(ranges: readonly KeyRange[], pace: ReadingPace | undefined, take: Take): Promise<void>;
  /** what each page says, as it is now */
  pages(pace: ReadingPace | undefined, take: Take): Promise<void>;
};

/**
 * Reads several partitions at once, or where nobody waits for it one after the other.
 * Whatever cannot be read is thrown as `LedgerUnavailable`: a list that leaves it out would hide charges.
 * @param deadlineMs of each answer
 * @param keysAtOnce keys of an answer
 */
export const worklistReader = (
  client: Pick<DynamoDBClient, "send">,
  table: string,
  deadlineMs: number,
  keysAtOnce: number,
): WorklistReader => {
  const readAll = async (
    ranges: readonly KeyRange[],
    names: { readonly partition: string; readonly sort: string; readonly text: string },
    query: (input: QueryCommandInput) => QueryCommand,
    { isUnhurried, turn }: ReadingPace,
    take: Take,
  ): Promise<void> => {
    // The others need not go on then.
    let hasFailed = false;
    const readRange = async (range: KeyRange): Promise<void> => {
      const { condition, values } = ofKeys(names.sort, range);
      let from: LedgerItem | undefined;
      do {
        await turn();
        const start = from;
        const page = await withDeadline(
          deadlineMs,
          (abortSignal) =>
            queryTexts(
              client,
              query({
                TableName: table,
                KeyConditionExpression: `${names.partition} = :partition${condition}`,
                ProjectionExpression: names.text,
                ExpressionAttributeValues: { ":partition": { S: range.partition }, ...values },
                ...(start === undefined ? {} : { ExclusiveStartKey: start }),
              }),
              names.text,
              abortSignal,
            ),
          (message) => new LedgerUnavailable(`desk: ${message}`),
        );
        if (page.texts === undefined) throw new LedgerUnavailable("desk: an answer without its keys");
        for (const text of page.texts) take(text, range.partition);
        from = page.next;
      } while (from !== undefined && !hasFailed);
    };
    const left = ranges.values();
    const readRanges = async (): Promise<void> => {
      try {
        for (const range of left) if (!hasFailed) await readRange(range);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    };
    await Promise.all(Array.from({ length: isUnhurried ? 1 : atOnce }, readRanges));
  };
  return {
    keys: (ranges, pace = unpaced, take) =>
      readAll(
        ranges,
        { partition: "deskShard", sort: "deskAt", text: "deskAt" },
        (input) => new QueryCommand({ ...input, IndexName: deskIndex, Limit: keysAtOnce }),
        pace,
        take,
      ),
    pages: (pace = unpaced, take) =>
      readAll(
        worklistPartitions.map((partition) => ({ partition })),
        { partition: "pk", sort: "sk", text: "worklist" },
        (input) =>
          new QueryCommand({
            ...input,
            ConsistentRead: true,
            Limit: Math.ceil(keysAtOnce / keysOnPage),
          }),
        pace,
        take,
      ),
  };
};
