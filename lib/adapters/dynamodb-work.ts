import { type DynamoDBClient, QueryCommand } from "@aws-sdk/client-dynamodb";
import type { BacklogState } from "../core/backlog.ts";
import type { ChargeId } from "../core/charge.ts";
import type { LedgerEntry } from "../core/ledger.ts";
import type { Ledger } from "../ports.ts";
import { withDeadline } from "./deadline.ts";
import { LedgerUnavailable } from "./ledger-call.ts";
import { chargeIdOfKey, workIndex, workShardsOf } from "./ledger-item.ts";

/** Charges of one state that somebody has to look at, as the ledger's index `work` has them. */
export type Work = {
  readonly count: number;
  /** the ones that are due first, soonest first */
  readonly first: readonly { readonly chargeId: ChargeId; readonly atMs: number }[];
};

/**
 * Reads what is open in a state; `retry`: the later attempts that wait, of which there is a count alone. The index is eventually consistent: what was written a moment ago may be
 * missing, so this is for people and metrics and never for a decision.
 * @param most how many of the first are wanted
 * @throws `LedgerUnavailable`
 */
export const readWork = async (
  client: Pick<DynamoDBClient, "send">,
  table: string,
  state: BacklogState | "retry",
  most: number,
  deadlineMs = 5_000,
): Promise<Work> => {
  let count = 0;
  const first: { chargeId: ChargeId; atMs: number }[] = [];
  await Promise.all(
    workShardsOf(state).map(async (shard) => {
      let from: Record<string, never> | undefined;
      let left = most;
      do {
        const answer = await withDeadline(
          deadlineMs,
          (abortSignal) =>
            client.send(
              new QueryCommand({
                TableName: table,
                IndexName: workIndex,
                KeyConditionExpression: "workShard = :shard",
                ExpressionAttributeValues: { ":shard": { S: shard } },
                ...(from === undefined ? {} : { ExclusiveStartKey: from }),
              }),
              { abortSignal },
            ),
          (message) => new LedgerUnavailable(`work: ${message}`),
        );
        const items = answer.Items ?? [];
        count += items.length;
        for (const item of items.slice(0, left)) {
          const chargeId = chargeIdOfKey(item);
          if (chargeId !== undefined) first.push({ chargeId, atMs: Number(item["workAt"]?.N) });
        }
        left = Math.max(0, left - items.length);
        from = answer.LastEvaluatedKey as Record<string, never> | undefined;
      } while (from !== undefined);
    }),
  );
  return { count, first: first.sort((a, b) => a.atMs - b.atMs).slice(0, most) };
};

/** Charges of one state that are read for their money; a stack with more has another problem. */
const readMax = 20_000;

/**
 * Reads the entries of what is open in these states, and says how many more there are that were not read. The index is
 * a moment behind the entries: some may have another state by now.
 * @throws `LedgerUnavailable`
 */
export const readWorkEntries = async (
  client: Pick<DynamoDBClient, "send">,
  table: string,
  states: readonly BacklogState[],
  ledger: Pick<Ledger, "read">,
): Promise<{ readonly entries: readonly LedgerEntry[]; readonly notRead: number }> => {
  const works = await Promise.all(states.map((state) => readWork(client, table, state, readMax)));
  const ids = works.flatMap(({ first }) => first.map(({ chargeId }) => chargeId));
  return {
    entries: [...(await ledger.read(ids)).values()],
    notRead: works.reduce((sum, { count, first }) => sum + count - first.length, 0),
  };
};
