import { SendMessageBatchCommand } from "@aws-sdk/client-sqs";
import type { QuickKind } from "./quick-sends.ts";

/** The messages that tell a batch's outcomes. */
export const quickMessages: QuickKind = {
  operation: "SendMessageBatch",
  inputOf: (command) => (command instanceof SendMessageBatchCommand ? command.input : undefined),
  bodyOf: (input) => JSON.stringify(input),
  answerOf: (json) => json,
};
