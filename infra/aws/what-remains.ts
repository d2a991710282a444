import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { GetQueueAttributesCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { readWork } from "../../lib/adapters/dynamodb-work.ts";
import { backlogStates } from "../../lib/core/backlog.ts";
import { CHARGE_QUEUES, deadLetterNameOf, isConsumed } from "../../lib/core/queues.ts";
import { tableVariable } from "../../lib/settings.ts";

const counts = [
  "ApproximateNumberOfMessages",
  "ApproximateNumberOfMessagesNotVisible",
  "ApproximateNumberOfMessagesDelayed",
] as const;

/** The variables are not a stack's. */
export class MissingVariable extends Error {
  override readonly name = "MissingVariable";
}

/**
 * What would be left undone if a stack went now, one line each: charges that wait in the ledger, and messages
 * on any queue (of windows of reconciliation none is left undone). Empty: everything that was ever sent has ended, and the merchant has read it.
 * @param variables the stack's, as `npm run deploy` writes them
 * @throws `MissingVariable`, and what the SDK throws
 */
export const whatRemains = async (
  clients: { readonly sqs: SQSClient; readonly dynamodb: DynamoDBClient },
  variables: Readonly<Record<string, string>>,
): Promise<readonly string[]> => {
  const required = (name: string): string => {
    const value = variables[name];
    if (value === undefined || value === "") throw new MissingVariable(`${name}: is not set`);
    return value;
  };
  const table = required(tableVariable);
  const words = { unknown: "charges unknown", pending: "charges pending", review: "charges in review" };
  const waiting = ([...backlogStates, "retry"] as const).map(async (state) => {
    const { count } = await readWork(clients.dynamodb, table, state, 0);
    return count === 0 ? [] : [`${state === "retry" ? "later attempts that wait" : words[state]}: ${count}`];
  });
  const queues = CHARGE_QUEUES.flatMap((queue) => {
    const url = required(queue.variable);
    const own = { name: queue.name as string, url };
    return isConsumed(queue)
      ? [own, { name: deadLetterNameOf(queue.name), url: deadLetterNameOf(url) }]
      : [own];
  });
  const unread = queues.map(async ({ name, url }) => {
    const { Attributes = {} } = await clients.sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: [...counts] }),
      { abortSignal: AbortSignal.timeout(10_000) },
    );
    const messages = counts.reduce((sum, attribute) => sum + Number(Attributes[attribute] ?? 0), 0);
    return messages === 0 ? [] : [`messages on ${name}: ${messages}`];
  });
  return (await Promise.all([...waiting, ...unread])).flat();
};
