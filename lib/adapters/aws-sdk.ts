/**
 * What `late-dynamodb.ts` and `late-sqs.ts` load: of the SDK what they name, so that the rest is not bundled; in one
 * file, since most of it is what both clients share.
 */
export {
  BatchExecuteStatementCommand,
  BatchGetItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
} from "@aws-sdk/client-dynamodb";
export { ChangeMessageVisibilityBatchCommand, SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
