import {
  type ConditionalCheckFailedException,
  type DynamoDBClient,
  PutItemCommand,
  type PutItemCommandInput,
} from "@aws-sdk/client-dynamodb";
import type { LedgerCall } from "./ledger-call.ts";
import type { LedgerItem } from "./ledger-item.ts";

/** A write that takes hold only where the version `previous` stands; without it, only where nothing does. */
export type ConditionalWrite = {
  readonly item: LedgerItem;
  readonly previous?: string | undefined;
  /** only where it stands on no page of the worklist, either */
  readonly unpaged?: boolean;
};

/** That an item is the version `previous`; without it, that there is none. */
export const conditionOf = (
  previous: string | undefined,
  unpaged = false,
): Pick<
  PutItemCommandInput,
  "ConditionExpression" | "ExpressionAttributeNames" | "ExpressionAttributeValues"
> =>
  previous === undefined
    ? { ConditionExpression: "attribute_not_exists(pk)" }
    : {
        ConditionExpression: `#token = :previous${unpaged ? " AND attribute_not_exists(paged)" : ""}`,
        ExpressionAttributeNames: { "#token": "token" },
        ExpressionAttributeValues: { ":previous": { S: previous } },
      };

/**
 * Whether the item that stands in a write's way is what it wrote itself: the SDK sends again what had no answer.
 * Only a token of its own shows that.
 */
export const isOwn = ({ item }: ConditionalWrite, standing: LedgerItem | undefined): boolean =>
  item["token"]?.S !== undefined && item["token"].S === standing?.["token"]?.S;

/** By its name: where the SDK is loaded late, its classes are not there. */
const isRefusal = (error: unknown): error is ConditionalCheckFailedException =>
  error instanceof Error && error.name === "ConditionalCheckFailedException";

/** Puts an item under its condition. `undefined` when it took hold, else the item that stood in its way. */
export const putIf = async (
  client: Pick<DynamoDBClient, "send">,
  table: string,
  write: ConditionalWrite,
  abortSignal: AbortSignal,
): Promise<LedgerItem | undefined> => {
  try {
    await client.send(
      new PutItemCommand({
        TableName: table,
        Item: write.item,
        ...conditionOf(write.previous, write.unpaged),
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      }),
      { abortSignal },
    );
    return undefined;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return isOwn(write, error.Item) ? undefined : (error.Item ?? {});
  }
};

/** `putIf` as a call of its own. */
export const conditionalPut =
  (client: Pick<DynamoDBClient, "send">, table: string, call: LedgerCall) =>
  (what: string, item: LedgerItem, previous?: string): Promise<LedgerItem | undefined> =>
    call(what, (abortSignal) => putIf(client, table, { item, previous }, abortSignal));
