import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { DeskIndex, WaitingReview } from "../ports.ts";
import { keysUntil, worklistReader } from "./dynamodb-worklist.ts";
import { rowsOfPage, waitingOfKey } from "./ledger-item.ts";

/** A key as it can be shown, whatever stands in it. */
const keyText = (key: string): string =>
  key === "" ? "a key without a text" : key.slice(0, 120).replace(/[^ -~]/g, "?");

/** Keys of an answer where somebody asks for something else meanwhile: he waits behind no more than that. */
export const smallPageKeys = 1_000;

/**
 * The worklist by the ledger's index and its pages, no entry read. The index comes first, as far as it is on no page,
 * and the pages as they are then: what goes from the one to the others meanwhile is seen there, and nothing goes the
 * other way but to be seen in both.
 * @param deadlineMs of each answer
 * @param keysAtOnce keys of an answer: half a megabyte of the one that would fit
 */
export const dynamodbDeskIndex = (
  client: Pick<DynamoDBClient, "send">,
  table: string,
  deadlineMs = 5_000,
  keysAtOnce = 3_000,
): DeskIndex => {
  const reader = worklistReader(client, table, deadlineMs, keysAtOnce);
  return {
    async waiting(untilMs, pace) {
      const rows: WaitingReview[] = [];
      const unreadable: string[] = [];
      await reader.keys(keysUntil(untilMs), pace, (key, shard) => {
        const one = waitingOfKey(key);
        if (one === undefined) unreadable.push(`${shard}: ${keyText(key)}`);
        else rows.push(one);
      });
      // Its own key is the newer word on a charge.
      const seen = new Set(rows.map(({ chargeId }) => chargeId));
      await reader.pages(pace, (text, partition) => {
        for (const row of rowsOfPage(text)) {
          const one = waitingOfKey(row);
          if (one === undefined) unreadable.push(`${partition}: ${keyText(row)}`);
          else if ((untilMs === undefined || one.sinceMs <= untilMs) && !seen.has(one.chargeId))
            rows.push(one);
        }
      });
      return { rows, unreadable };
    },
  };
};
