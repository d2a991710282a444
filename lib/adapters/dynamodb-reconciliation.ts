import { type DynamoDBClient, PutItemCommand, QueryCommand } from "@aws-sdk/client-dynamodb";
import type { GatewayName } from "../core/charge.ts";
import { member, parseJson } from "../core/json.ts";
import type { RunRecord, WindowRecord } from "../core/window-record.ts";
import type { ReconciliationBook } from "../ports.ts";
import { conditionalPut } from "./dynamodb-put.ts";
import { ledgerCall } from "./ledger-call.ts";
import type { LedgerItem } from "./ledger-item.ts";

const pkOf = (gateway: GatewayName): string => `reconciliation#${gateway}`;
const iso = (ms: number): string => new Date(ms).toISOString();
const keyOf = ({ gateway, fromMs, toMs, pass }: WindowRecord) => ({
  pk: { S: pkOf(gateway) },
  sk: { S: `window#${iso(fromMs)}#${iso(toMs)}#${pass}` },
});

/** A record of a version that is not known here is left to the software that wrote it. */
const recordOf = (item: LedgerItem | undefined): WindowRecord | undefined => {
  const record = parseJson(item?.["window"]?.S ?? "");
  return member(record, "v") === 1 ? (record as unknown as WindowRecord) : undefined;
};

/** The windows of each gateway, one item each in the ledger's table (`ledger-item.ts` draws them). */
export const dynamodbReconciliation = (
  client: Pick<DynamoDBClient, "send">,
  table: string,
  deadlineMs = 5_000,
): ReconciliationBook => {
  const call = ledgerCall(deadlineMs);
  const put = conditionalPut(client, table, call);
  return {
    async windows(gateway, fromMs) {
      const records: WindowRecord[] = [];
      let from: LedgerItem | undefined;
      do {
        const answer = await call("windows", (abortSignal) =>
          client.send(
            new QueryCommand({
              TableName: table,
              KeyConditionExpression: "pk = :pk AND sk BETWEEN :from AND :to",
              ExpressionAttributeValues: {
                ":pk": { S: pkOf(gateway) },
                ":from": { S: `window#${iso(fromMs)}` },
                ":to": { S: "window#~" },
              },
              ConsistentRead: true,
              ...(from === undefined ? {} : { ExclusiveStartKey: from }),
            }),
            { abortSignal },
          ),
        );
        for (const item of answer.Items ?? []) {
          const record = recordOf(item);
          if (record !== undefined) records.push(record);
        }
        from = answer.LastEvaluatedKey;
      } while (from !== undefined);
      return records;
    },
    async replace(previous, record) {
      const item = {
        ...keyOf(record),
        token: { S: record.token },
        state: { S: record.state },
        window: { S: JSON.stringify(record) },
      };
      return { kind: (await put("replace window", item, previous)) === undefined ? "replaced" : "lost" };
    },
  };
};

/** Keeps the record of a run that somebody started by hand, beside the windows of the schedule. */
export const keepRun = async (
  client: Pick<DynamoDBClient, "send">,
  table: string,
  run: RunRecord,
  deadlineMs = 5_000,
): Promise<void> => {
  await ledgerCall(deadlineMs)("keep run", (abortSignal) =>
    client.send(
      new PutItemCommand({
        TableName: table,
        Item: {
          pk: { S: pkOf(run.gateway) },
          sk: { S: `run#${iso(run.startedAtMs)}#${iso(run.window.fromMs)}#${iso(run.window.toMs)}` },
          run: { S: JSON.stringify(run) },
        },
      }),
      { abortSignal },
    ),
  );
};
