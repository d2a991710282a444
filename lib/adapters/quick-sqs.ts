import { ChangeMessageVisibilityBatchCommand, SendMessageBatchCommand } from "@aws-sdk/client-sqs";
import type { QuickKind } from "./quick-sends.ts";

/** SQS's JSON is the SDK's own input, as far as messages have no attributes with bytes; ours have none. */
const plain = (operation: string, inputOf: QuickKind["inputOf"]): QuickKind => ({
  service: "sqs",
  operation,
  inputOf,
  bodyOf: (input) => JSON.stringify(input),
  answerOf: (json) => json,
});

/** The messages that tell a batch's outcomes, and the hiding of those that go back. */
export const quickMessages: readonly QuickKind[] = [
  plain("SendMessageBatch", (command) =>
    command instanceof SendMessageBatchCommand ? command.input : undefined,
  ),
  plain("ChangeMessageVisibilityBatch", (command) =>
    command instanceof ChangeMessageVisibilityBatchCommand ? command.input : undefined,
  ),
];
