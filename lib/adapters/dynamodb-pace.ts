import { type DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";
import type { GatewayName } from "../core/charge.ts";
import { member, parseJson } from "../core/json.ts";
import type { PaceRecord } from "../core/pace.ts";
import type { PaceBook } from "../ports.ts";
import { conditionalPut } from "./dynamodb-put.ts";
import { ledgerCall } from "./ledger-call.ts";
import type { LedgerItem } from "./ledger-item.ts";

const keyOf = (gateway: GatewayName) => ({ pk: { S: `pace#${gateway}` }, sk: { S: "pace" } });

/** A record of a version that is not known here says nothing: another worker's software wrote it. */
const recordOf = (item: LedgerItem | undefined): PaceRecord | undefined => {
  const record = parseJson(item?.["pace"]?.S ?? "");
  return member(record, "v") === 1 ? (record as unknown as PaceRecord) : undefined;
};

const deadlineDefaultMs = 2_000;

/** The pace records for those who only read them: their bundle holds no call that writes. */
export const paceReader = (
  client: Pick<DynamoDBClient, "send">,
  table: string,
  deadlineMs = deadlineDefaultMs,
): Pick<PaceBook, "read"> => {
  const call = ledgerCall(deadlineMs);
  return {
    read: (gateway) =>
      call("read pace", async (abortSignal) => {
        const { Item } = await client.send(
          new GetItemCommand({ TableName: table, Key: keyOf(gateway), ConsistentRead: true }),
          { abortSignal },
        );
        return recordOf(Item);
      }),
  };
};

/** The pace records, one item a gateway account in the ledger's table (`ledger-item.ts` draws them). */
export const dynamodbPace = (
  client: Pick<DynamoDBClient, "send">,
  table: string,
  deadlineMs = deadlineDefaultMs,
): PaceBook => {
  const put = conditionalPut(client, table, ledgerCall(deadlineMs));
  return {
    ...paceReader(client, table, deadlineMs),
    async replace(gateway, previous, record) {
      const item = {
        ...keyOf(gateway),
        token: { S: record.version },
        pace: { S: JSON.stringify(record) },
      };
      const standing = await put("replace pace", item, previous);
      if (standing === undefined) return { kind: "replaced" };
      const known = recordOf(standing);
      return known === undefined ? { kind: "lost" } : { kind: "lost", record: known };
    },
  };
};
