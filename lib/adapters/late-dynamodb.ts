import { lateClient, lateCommand } from "./late-sdk.ts";

/**
 * In the bundle of a function that mostly goes past the SDK, this file stands for `@aws-sdk/client-dynamodb`
 * (`infra/late-sdk.ts` puts it there): the same names, and the SDK only when one of them is sent by it. A name that
 * is missing here stops the build.
 */
export const DynamoDBClient = lateClient("DynamoDBClient", () => import("./aws-sdk.ts"));
export const BatchExecuteStatementCommand = lateCommand("BatchExecuteStatementCommand");
export const BatchGetItemCommand = lateCommand("BatchGetItemCommand");
export const GetItemCommand = lateCommand("GetItemCommand");
export const PutItemCommand = lateCommand("PutItemCommand");
export const QueryCommand = lateCommand("QueryCommand");
export const TransactWriteItemsCommand = lateCommand("TransactWriteItemsCommand");
