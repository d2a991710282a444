import { SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { WindowQueue } from "../ports.ts";
import { CallFailed, withDeadline } from "./deadline.ts";

/** The queue did not say that it took the window; it may have, and a second message does no harm. */
export class WindowsUnavailable extends CallFailed {
  override readonly name = "WindowsUnavailable";
}

/** The windows that wait for a worker, each in a message of its own. */
export const sqsWindows = (
  client: Pick<SQSClient, "send">,
  queueUrl: string,
  deadlineMs = 5_000,
): WindowQueue => ({
  async send(window) {
    await withDeadline(
      deadlineMs,
      (abortSignal) =>
        client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: JSON.stringify(window) }), {
          abortSignal,
        }),
      (message) => new WindowsUnavailable(`window: ${message}`),
    );
  },
});
