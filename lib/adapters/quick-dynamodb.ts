import {
  type AttributeValue,
  BatchExecuteStatementCommand,
  type BatchExecuteStatementCommandInput,
  GetItemCommand,
  type GetItemCommandOutput,
  PutItemCommand,
  type PutItemCommandInput,
} from "@aws-sdk/client-dynamodb";
import type { QuickKind } from "./quick-sends.ts";

type Item = Record<string, AttributeValue>;
type Responses = readonly { readonly Error?: { Item?: Item } }[];

/** DynamoDB's JSON has bytes as base64. */
const encoded = (value: AttributeValue): object =>
  value.B === undefined
    ? value
    : { B: Buffer.from(value.B.buffer, value.B.byteOffset, value.B.byteLength).toString("base64") };

const encodedItem = (item: Item | undefined): object | undefined =>
  item && Object.fromEntries(Object.entries(item).map(([name, value]) => [name, encoded(value)]));

const decoded = (item: Item): Item =>
  Object.fromEntries(
    Object.entries(item).map(([name, value]) => [
      name,
      value.B === undefined ? value : { B: Buffer.from(value.B as unknown as string, "base64") },
    ]),
  );

/** The writes of a batch's intents and outcomes. Our items are texts, numbers and bytes, one within no other. */
const statements: QuickKind = {
  service: "dynamodb",
  operation: "BatchExecuteStatement",
  inputOf: (command) => (command instanceof BatchExecuteStatementCommand ? command.input : undefined),
  bodyOf: (input) =>
    JSON.stringify({
      ...input,
      Statements: (input as BatchExecuteStatementCommandInput).Statements?.map((statement) => ({
        ...statement,
        ...(statement.Parameters && { Parameters: statement.Parameters.map(encoded) }),
      })),
    }),
  answerOf: (json) => {
    for (const { Error: error } of (json as { Responses?: Responses }).Responses ?? [])
      if (error?.Item !== undefined) error.Item = decoded(error.Item);
    return json;
  },
};

/** A write that goes alone. What stands in its way is an answer: asked again by the SDK it would cost another unit. */
const puts: QuickKind = {
  service: "dynamodb",
  operation: "PutItem",
  inputOf: (command) => (command instanceof PutItemCommand ? command.input : undefined),
  bodyOf: (input) => {
    const { Item, ExpressionAttributeValues, ...rest } = input as PutItemCommandInput;
    return JSON.stringify({
      ...rest,
      Item: encodedItem(Item),
      ExpressionAttributeValues: encodedItem(ExpressionAttributeValues),
    });
  },
  answerOf: (json) => json,
  refusalOf: (json) => {
    const { __type: type, Item: item } = (json ?? {}) as { readonly __type?: unknown; readonly Item?: Item };
    const name = "ConditionalCheckFailedException";
    if (typeof type !== "string" || !type.endsWith(`#${name}`)) return undefined;
    return Object.assign(new Error(name), { name, ...(item && { Item: decoded(item) }) });
  },
};

/** Reads of one item, such as a gateway's pace. */
const gets: QuickKind = {
  service: "dynamodb",
  operation: "GetItem",
  inputOf: (command) => (command instanceof GetItemCommand ? command.input : undefined),
  bodyOf: (input) => JSON.stringify(input),
  answerOf: (json) => {
    const { Item: item, ...rest } = json as GetItemCommandOutput;
    return item === undefined ? rest : { ...rest, Item: decoded(item) };
  },
};

/** What a worker asks of the ledger's table for each batch of charges, if nothing is unusual about them. */
export const quickItems: readonly QuickKind[] = [statements, puts, gets];
