import { SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { JsonObject } from "../core/json.ts";
import { queueJson } from "../core/queue-json.ts";
import { CallFailed, withDeadline } from "./deadline.ts";

/** The queue did not say that it took the charge; it may have, and a second copy does no harm. */
export class ChargesUnavailable extends CallFailed {
  override readonly name = "ChargesUnavailable";
}

/**
 * Charges that go onto their queue again, each in a request of its own.
 * @param groupOf the group under which a message stands in line (SQS's fair queues)
 */
export const sqsCharges =
  (
    client: Pick<SQSClient, "send">,
    queueUrl: string,
    groupOf: (body: string) => string | undefined,
    deadlineMs = 5_000,
  ) =>
  async (charge: JsonObject, delayMs = 0): Promise<void> => {
    const body = queueJson(JSON.stringify(charge));
    const group = groupOf(body);
    await withDeadline(
      deadlineMs,
      (abortSignal) =>
        client.send(
          new SendMessageCommand({
            QueueUrl: queueUrl,
            MessageBody: body,
            ...(delayMs === 0 ? {} : { DelaySeconds: Math.ceil(delayMs / 1_000) }),
            ...(group === undefined ? {} : { MessageGroupId: group }),
          }),
          { abortSignal },
        ),
      (message) => new ChargesUnavailable(`charge: ${message}`),
    );
  };
