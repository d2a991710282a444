import {
  type DynamoDBClient,
  GetItemCommand,
  type TransactionCanceledException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from "@aws-sdk/client-dynamodb";
import { type ConditionalWrite, conditionOf, isOwn, putIf } from "./dynamodb-put.ts";
import { chargeIdOfKey, chargeIdOfRow, type LedgerItem, worklistPageKey } from "./ledger-item.ts";

type Client = Pick<DynamoDBClient, "send">;

/** Reads what a page of the worklist says; `undefined`: there is none yet. */
export const readPage = async (
  client: Client,
  table: string,
  key: LedgerItem,
  abortSignal: AbortSignal,
): Promise<string | undefined> =>
  (
    await client.send(new GetItemCommand({ TableName: table, Key: key, ConsistentRead: true }), {
      abortSignal,
    })
  ).Item?.["worklist"]?.S;

/** The write of a page of the worklist over what it said. */
export const pageWrite = (
  table: string,
  key: LedgerItem,
  before: string | undefined,
  text: string,
): TransactWriteItem => ({
  Put: {
    TableName: table,
    Item: { ...key, worklist: { S: text } },
    ...(before === undefined
      ? conditionOf(before)
      : {
          ConditionExpression: "worklist = :before",
          ExpressionAttributeValues: { ":before": { S: before } },
        }),
  },
});

/** The write that takes a charge off its page. */
const offPage = async (client: Client, table: string, item: LedgerItem, abortSignal: AbortSignal) => {
  const chargeId = chargeIdOfKey(item) ?? "";
  const key = worklistPageKey(chargeId);
  const before = await readPage(client, table, key, abortSignal);
  const rows = (before ?? "").split("\n").filter((row) => chargeIdOfRow(row) !== chargeId);
  return pageWrite(table, key, before, rows.join("\n"));
};

/** Whether what refused a write is that its charge stands on a page of the worklist. */
const isPaged = ({ previous }: ConditionalWrite, standing: LedgerItem | undefined): boolean =>
  standing?.["paged"] !== undefined && standing["token"]?.S === previous;

/**
 * Puts the next version of a charge and what others ask for, all or nothing. A charge that stands on a page of the
 * worklist and goes on waiting stays there, and what the index itself has of it counts; one that waits no more is
 * taken off in the same transaction.
 * @returns as `putIf`; `contended` where something else was written meanwhile
 */
export const putWith = async (
  client: Client,
  table: string,
  write: ConditionalWrite,
  others: readonly TransactWriteItem[],
  abortSignal: AbortSignal,
): Promise<LedgerItem | "contended" | undefined> => {
  const own = {
    TableName: table,
    Item: write.item,
    ...conditionOf(write.previous, write.unpaged),
    ReturnValuesOnConditionCheckFailure: "ALL_OLD" as const,
  };
  try {
    await client.send(new TransactWriteItemsCommand({ TransactItems: [{ Put: own }, ...others] }), {
      abortSignal,
    });
    return undefined;
  } catch (error) {
    // By what it has: where the SDK is loaded late, its classes are not there.
    const reasons = (error as Partial<TransactionCanceledException>).CancellationReasons ?? [];
    if (reasons[0]?.Code === "ConditionalCheckFailed") {
      // The SDK sends again what had no answer: what is in the way may be what we just wrote.
      const standing = reasons[0].Item ?? {};
      if (isOwn(write, standing)) return undefined;
      return isPaged(write, standing) ? putPaged(client, table, write, others, abortSignal) : standing;
    }
    if (reasons.some(({ Code = "" }) => /^(Conditional|TransactionConf)/.test(Code))) return "contended";
    throw error;
  }
};

const putPaged = async (
  client: Client,
  table: string,
  { item, previous }: ConditionalWrite,
  others: readonly TransactWriteItem[],
  abortSignal: AbortSignal,
): Promise<LedgerItem | "contended" | undefined> =>
  item["deskShard"] === undefined
    ? putWith(
        client,
        table,
        { item, previous },
        [...others, await offPage(client, table, item, abortSignal)],
        abortSignal,
      )
    : putWith(client, table, { item: { ...item, paged: { S: "1" } }, previous }, others, abortSignal);

/** `putIf` of a charge that may stand on a page of the worklist; one that does not costs no more than by that. */
export const putOffPage = async (
  client: Client,
  table: string,
  write: ConditionalWrite,
  abortSignal: AbortSignal,
): Promise<LedgerItem | undefined> => {
  const standing = await putIf(client, table, { ...write, unpaged: true }, abortSignal);
  if (!isPaged(write, standing)) return standing;
  for (;;) {
    const end = await putPaged(client, table, write, [], abortSignal);
    if (end !== "contended") return end;
    // Others of its page were decided, too. Whoever waits for this has a deadline, and so has each request.
    await new Promise((resolve) => setTimeout(resolve, 50 * Math.random()));
  }
};
