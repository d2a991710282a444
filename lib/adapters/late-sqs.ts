import { lateClient, lateCommand } from "./late-sdk.ts";

/** Stands for `@aws-sdk/client-sqs`, as `late-dynamodb.ts` does for its own. */
export const SQSClient = lateClient("SQSClient", () => import("./aws-sdk.ts"));
export const ChangeMessageVisibilityBatchCommand = lateCommand("ChangeMessageVisibilityBatchCommand");
export const SendMessageBatchCommand = lateCommand("SendMessageBatchCommand");
