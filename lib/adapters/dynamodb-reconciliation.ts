import { type DynamoDBClient, PutItemCommand, QueryCommand } from "@aws-sdk/client-dynamodb";
import type { GatewayName } from "../core/charge.ts";
import type { Finding } from "../core/finding.ts";
import { member, parseJson } from "../core/json.ts";
import type { ReportRecord } from "../core/report-record.ts";
import { lookBackMs } from "../core/window-plan.ts";
import type { RunRecord, WindowRecord } from "../core/window-record.ts";
import type { ReconciliationBook, ReportBook } from "../ports.ts";
import { conditionalPut } from "./dynamodb-put.ts";
import { type LedgerCall, ledgerCall } from "./ledger-call.ts";
import { atText, type LedgerItem, ledgerTable } from "./ledger-item.ts";

const findingsPrefix = "findings#";
/** How long findings are kept for the reports of their day: longer than a day can be reconciled anew. */
const keptMs = 2 * lookBackMs;
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

/** Items under a key, from a sort key on to the last one of its kind (what is before its first `#`), consistently. */
const itemsOf = async function* (
  client: Pick<DynamoDBClient, "send">,
  table: string,
  call: LedgerCall,
  pk: string,
  fromSk: string,
): AsyncIterable<LedgerItem> {
  const kind = fromSk.slice(0, fromSk.indexOf("#") + 1);
  let from: LedgerItem | undefined;
  do {
    const answer = await call("query", (abortSignal) =>
      client.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: "pk = :pk AND sk BETWEEN :from AND :to",
          ExpressionAttributeValues: {
            ":pk": { S: pk },
            ":from": { S: fromSk },
            ":to": { S: `${kind}~` },
          },
          ConsistentRead: true,
          ...(from === undefined ? {} : { ExclusiveStartKey: from }),
        }),
        { abortSignal },
      ),
    );
    yield* answer.Items ?? [];
    from = answer.LastEvaluatedKey;
  } while (from !== undefined);
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
      for await (const item of itemsOf(client, table, call, pkOf(gateway), `window#${iso(fromMs)}`)) {
        const record = recordOf(item);
        if (record !== undefined) records.push(record);
      }
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
    async keepFindings(token, piece, findings, nowMs) {
      await call("keep findings", (abortSignal) =>
        client.send(
          new PutItemCommand({
            TableName: table,
            Item: {
              pk: { S: `${findingsPrefix}${token}` },
              sk: { S: `piece#${atText(piece)}` },
              findings: { S: JSON.stringify(findings) },
              [ledgerTable.timeToLive]: { N: String(Math.ceil((nowMs + keptMs) / 1_000)) },
            },
          }),
          { abortSignal },
        ),
      );
    },
  };
};

/** What reports are made of, and which of them were written: items of the same table. */
export const dynamodbReports = (
  client: Pick<DynamoDBClient, "send">,
  table: string,
  deadlineMs = 5_000,
): ReportBook => {
  const call = ledgerCall(deadlineMs);
  const put = conditionalPut(client, table, call);
  const { windows } = dynamodbReconciliation(client, table, deadlineMs);
  return {
    windows,
    async *findings(token) {
      for await (const item of itemsOf(client, table, call, `${findingsPrefix}${token}`, "piece#"))
        yield JSON.parse(item["findings"]?.S ?? "[]") as readonly Finding[];
    },
    async reports(gateway, fromDay) {
      const records: ReportRecord[] = [];
      for await (const item of itemsOf(client, table, call, pkOf(gateway), `report#${fromDay}`)) {
        const record = parseJson(item["report"]?.S ?? "");
        if (member(record, "v") === 1) records.push(record as unknown as ReportRecord);
      }
      return records;
    },
    async replaceReport(previous, record) {
      const item = {
        pk: { S: pkOf(record.gateway) },
        sk: { S: `report#${record.day}` },
        token: { S: record.token },
        state: { S: record.state },
        report: { S: JSON.stringify(record) },
      };
      return { kind: (await put("replace report", item, previous)) === undefined ? "replaced" : "lost" };
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
