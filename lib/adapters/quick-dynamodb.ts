import {
  type AttributeValue,
  BatchExecuteStatementCommand,
  type BatchExecuteStatementCommandInput,
} from "@aws-sdk/client-dynamodb";
import type { QuickKind } from "./quick-sends.ts";

type Item = Record<string, AttributeValue>;
type Responses = readonly { readonly Error?: { Item?: Item } }[];

/** DynamoDB's JSON has bytes as base64. */
const encoded = (value: AttributeValue): object =>
  value.B === undefined
    ? value
    : { B: Buffer.from(value.B.buffer, value.B.byteOffset, value.B.byteLength).toString("base64") };

const decoded = (item: Item): Item =>
  Object.fromEntries(
    Object.entries(item).map(([name, value]) => [
      name,
      value.B === undefined ? value : { B: Buffer.from(value.B as unknown as string, "base64") },
    ]),
  );

/** The writes of a batch's intents and outcomes. Our items are texts, numbers and bytes, one within no other. */
export const quickStatements: QuickKind = {
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
