import { SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { WakeUps } from "../ports.ts";
import { CallFailed, withDeadline } from "./deadline.ts";

/** The queue did not say that it took the wake-up; it may have, and a second one does no harm. */
export class WakeUpUnavailable extends CallFailed {
  override readonly name = "WakeUpUnavailable";
}

/** Wake-ups on the queue of unknowns, each in a request of its own: somebody waits for its answer. */
export const sqsWakeUps = (
  client: Pick<SQSClient, "send">,
  queueUrl: string,
  deadlineMs = 5_000,
): WakeUps => ({
  async send(wakeUp) {
    await withDeadline(
      deadlineMs,
      (abortSignal) =>
        client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: JSON.stringify(wakeUp) }), {
          abortSignal,
        }),
      (message) => new WakeUpUnavailable(`wake-up: ${message}`),
    );
  },
});
