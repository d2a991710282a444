import { BatchGetItemCommand, type DynamoDBClient, QueryCommand } from "@aws-sdk/client-dynamodb";
import type { GatewayName } from "../core/charge.ts";
import { ledgerSideOfText } from "../core/entry-text.ts";
import type { FeedWindow } from "../core/feed.ts";
import { pageSpanMs, readPage } from "../core/sent-page.ts";
import type { LedgerSide } from "../core/sides.ts";
import type { SentBatch, SentCharges, SentOrder } from "../ports.ts";
import { pageFromMs, pageKeyFrom, sentPartitionsOf } from "./dynamodb-pages.ts";
import { LedgerUnavailable, ledgerCall } from "./ledger-call.ts";
import { entryKey, entryTextOf, type LedgerItem } from "./ledger-item.ts";

/** What `BatchGetItem` takes at once. */
const together = 100;
/** Reads on their way at once. */
const reads = 8;
/** Pages of a partition that are read at once: what they name waits in the memory for its turn. */
const pagesTogether = 100;
const tries = 4;

/** A charge as a page names it. */
type Named = { readonly chargeId: string; readonly atMs: number };

/** What the pages of one partition name, as far as they are read. */
type Partition = {
  readonly name: string;
  named: Named[];
  /** where the last page begins that was read */
  readMs: number | undefined;
  from: LedgerItem | undefined;
  ended: boolean;
};

/**
 * Reads charges by the pages that name them (`dynamodb-pages.ts`), whose partitions are merged by time, and then the
 * entries themselves; both eventually consistent, at half the price. A page says what may have been sent then, and the
 * entry what was: one that was never opened, or is of another moment by now, is left out there.
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

  /** Answers how many pages there are that cannot be read. */
  const readPages = async (
    partition: Partition,
    { fromMs, toMs }: FeedWindow,
    isOldestFirst: boolean,
  ): Promise<number> => {
    const { Items: items = [], LastEvaluatedKey: from } = await asked("sent charges", (abortSignal) =>
      client.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: "pk = :pk AND sk BETWEEN :from AND :to",
          ExpressionAttributeValues: {
            ":pk": { S: partition.name },
            // A page that begins before the window may name what is in it.
            ":from": { S: pageKeyFrom(fromMs - pageSpanMs) },
            ":to": { S: pageKeyFrom(toMs + 1) },
          },
          ScanIndexForward: isOldestFirst,
          Limit: pagesTogether,
          ...(partition.from === undefined ? {} : { ExclusiveStartKey: partition.from }),
        }),
        { abortSignal },
      ),
    );
    let unreadable = 0;
    for (const item of items) {
      const page = readPage(item["page"]?.S ?? "");
      partition.readMs = pageFromMs(item);
      if (page === undefined) unreadable += 1;
      else
        for (const named of page) if (named.atMs >= fromMs && named.atMs <= toMs) partition.named.push(named);
    }
    partition.from = from;
    partition.ended = from === undefined;
    return unreadable;
  };

  const readEntries = async (named: readonly Named[]): Promise<SentBatch> => {
    const texts = new Map<string, string>();
    const ids = new Set(named.map(({ chargeId }) => chargeId));
    let left: LedgerItem[] | undefined = [...ids].map((id): LedgerItem => entryKey(id));
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
    for (const { chargeId, atMs } of named) {
      const text = texts.get(entryKey(chargeId).pk.S);
      if (text === undefined) continue;
      const side = ledgerSideOfText(text);
      if (side === undefined) unreadable += 1;
      // Of another moment by now it is on the page of that one.
      else if (Math.round(side.firstSentAtMs) === atMs) sides.push(side);
    }
    return { sides, unreadable };
  };

  return {
    async *read(gateway: GatewayName, window: FeedWindow, order: SentOrder) {
      const isOldestFirst = order === "oldestFirst";
      const partitions = sentPartitionsOf(gateway).map(
        (name): Partition => ({ name, named: [], readMs: undefined, from: undefined, ended: false }),
      );
      for (;;) {
        const unread = partitions.filter(({ ended }) => !ended);
        // Nothing that is not read yet comes before this moment (or after it, newest first).
        const boundOf = ({ readMs }: Partition): number =>
          readMs === undefined
            ? isOldestFirst
              ? Number.NEGATIVE_INFINITY
              : Number.POSITIVE_INFINITY
            : isOldestFirst
              ? readMs
              : readMs + pageSpanMs;
        const bounds = unread.map(boundOf);
        const bound = isOldestFirst ? Math.min(...bounds) : Math.max(...bounds);
        const isDue = ({ atMs }: Named): boolean => (isOldestFirst ? atMs < bound : atMs > bound);
        const due: Named[] = [];
        for (const partition of partitions) {
          due.push(...partition.named.filter(isDue));
          partition.named = partition.named.filter((named) => !isDue(named));
        }
        due.sort(
          (a, b) =>
            (isOldestFirst ? a.atMs - b.atMs : b.atMs - a.atMs) ||
            (a.chargeId < b.chargeId ? -1 : a.chargeId > b.chargeId ? 1 : 0),
        );
        // A page that was written twice, or a lease that was taken twice, names its charge twice.
        const once = due.filter(
          ({ chargeId, atMs }, nth) => chargeId !== due[nth - 1]?.chargeId || atMs !== due[nth - 1]?.atMs,
        );
        const batches: Named[][] = [];
        for (let from = 0; from < once.length; from += together)
          batches.push(once.slice(from, from + together));
        for (let from = 0; from < batches.length; from += reads)
          yield* await Promise.all(batches.slice(from, from + reads).map(readEntries));
        if (unread.length === 0) return;
        const unreadable = await Promise.all(
          unread
            .filter((partition) => boundOf(partition) === bound || partition.named.length < together)
            .map((partition) => readPages(partition, window, isOldestFirst)),
        );
        const sum = unreadable.reduce((all, one) => all + one, 0);
        if (sum > 0) yield { sides: [], unreadable: sum };
      }
    },
  };
};
