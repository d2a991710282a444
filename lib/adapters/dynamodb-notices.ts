import { type DynamoDBClient, QueryCommand } from "@aws-sdk/client-dynamodb";
import type { ChargeId, GatewayName } from "../core/charge.ts";
import { member, parseJson } from "../core/json.ts";
import type { NotedNotice, Notice } from "../core/notice.ts";
import type { NoticeBook } from "../ports.ts";
import { conditionalPut } from "./dynamodb-put.ts";
import { ledgerCall } from "./ledger-call.ts";
import { entryKey, type LedgerItem, noticeSk, refersSk } from "./ledger-item.ts";

const bookKey = (gateway: GatewayName, reference: string) => ({ S: `notice#${gateway}#${reference}` });

/** A record of a version that is not known here says nothing: another worker's software wrote it. */
const recordOf = <T>(item: LedgerItem | undefined): T | undefined => {
  const record = parseJson(item?.["entry"]?.S ?? "");
  return member(record, "v") === 1 ? (record as unknown as T) : undefined;
};

const deadlineDefaultMs = 5_000;

/** The one thing that the door of notices may do: it needs no leave to read. */
export const dynamodbKeepNotices = (
  client: Pick<DynamoDBClient, "send">,
  table: string,
  deadlineMs = deadlineDefaultMs,
): Pick<NoticeBook, "keep"> => {
  const putFirst = conditionalPut(client, table, ledgerCall(deadlineMs));
  return {
    async keep(notice) {
      await putFirst("keep notice", {
        pk: bookKey(notice.gateway, notice.reference),
        sk: { S: noticeSk(notice.id) },
        entry: { S: JSON.stringify(notice) },
      });
    },
  };
};

/** The notices in the ledger's table (`ledger-item.ts` draws their items). */
export const dynamodbNotices = (
  client: Pick<DynamoDBClient, "send">,
  table: string,
  deadlineMs = deadlineDefaultMs,
): NoticeBook => {
  const call = ledgerCall(deadlineMs);
  const putFirst = conditionalPut(client, table, call);
  return {
    ...dynamodbKeepNotices(client, table, deadlineMs),
    async refer(gateway, reference, chargeId) {
      await putFirst("refer", {
        pk: bookKey(gateway, reference),
        sk: { S: refersSk },
        chargeId: { S: chargeId },
      });
    },
    async read(gateway, reference) {
      const notices: Notice[] = [];
      let chargeId: ChargeId | undefined;
      let from: LedgerItem | undefined;
      do {
        const start = from;
        const answer = await call("read notices", (abortSignal) =>
          client.send(
            new QueryCommand({
              TableName: table,
              KeyConditionExpression: "pk = :pk",
              ExpressionAttributeValues: { ":pk": bookKey(gateway, reference) },
              ConsistentRead: true,
              ...(start === undefined ? {} : { ExclusiveStartKey: start }),
            }),
            { abortSignal },
          ),
        );
        for (const item of answer.Items ?? []) {
          if (item["sk"]?.S === refersSk) chargeId = item["chargeId"]?.S as ChargeId | undefined;
          else notices.push(...[recordOf<Notice>(item)].filter((notice) => notice !== undefined));
        }
        from = answer.LastEvaluatedKey;
      } while (from !== undefined);
      return { notices, ...(chargeId === undefined ? {} : { chargeId }) };
    },
    async note(noted) {
      const standing = await putFirst("note notice", {
        pk: entryKey(noted.chargeId).pk,
        sk: { S: noticeSk(noted.id) },
        entry: { S: JSON.stringify(noted) },
      });
      return recordOf<NotedNotice>(standing) ?? noted;
    },
  };
};
