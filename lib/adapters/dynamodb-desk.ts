import { type DynamoDBClient, QueryCommand } from "@aws-sdk/client-dynamodb";
import type { DeskIndex, WaitingReview } from "../ports.ts";
import { withDeadline } from "./deadline.ts";
import { LedgerUnavailable } from "./ledger-call.ts";
import { deskIndex, deskKeyFrom, deskShards, type LedgerItem, waitingOfKey } from "./ledger-item.ts";

/**
 * The worklist by the ledger's index: all shards at once, a megabyte of keys a page, and no entry read.
 * @param deadlineMs of each page
 */
export const dynamodbDeskIndex = (
  client: Pick<DynamoDBClient, "send">,
  table: string,
  deadlineMs = 5_000,
): DeskIndex => ({
  async waiting(untilMs) {
    const waiting: WaitingReview[] = [];
    await Promise.all(
      deskShards.map(async (shard) => {
        let from: LedgerItem | undefined;
        do {
          const start = from;
          const answer = await withDeadline(
            deadlineMs,
            (abortSignal) =>
              client.send(
                new QueryCommand({
                  TableName: table,
                  IndexName: deskIndex,
                  KeyConditionExpression:
                    untilMs === undefined ? "deskShard = :shard" : "deskShard = :shard AND deskAt < :until",
                  ProjectionExpression: "deskAt",
                  ExpressionAttributeValues: {
                    ":shard": { S: shard },
                    ...(untilMs === undefined ? {} : { ":until": { S: deskKeyFrom(untilMs + 1) } }),
                  },
                  ...(start === undefined ? {} : { ExclusiveStartKey: start }),
                }),
                { abortSignal },
              ),
            (message) => new LedgerUnavailable(`desk: ${message}`),
          );
          for (const key of answer.Items ?? []) {
            const one = waitingOfKey(key);
            if (one !== undefined) waiting.push(one);
          }
          from = answer.LastEvaluatedKey;
        } while (from !== undefined);
      }),
    );
    return waiting;
  },
});
