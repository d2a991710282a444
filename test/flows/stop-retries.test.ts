import { describe, expect, test } from "vitest";
import type { LeaseToken } from "../../lib/core/charge.ts";
import type { RetryRecord } from "../../lib/core/retry-record.ts";
import { stopRetries } from "../../lib/flows/stop-retries.ts";
import type { RetryBook, Worker } from "../../lib/ports.ts";
import { final } from "../core/builders.ts";
import { memoryLog } from "../doubles/memory-log.ts";
import { type MemoryRetries, memoryRetries } from "../doubles/memory-retries.ts";

const declined = final("declined_retryable");
const { chargeId, gateway } = declined;
const recordOf = (own: Partial<RetryRecord>): RetryRecord =>
  ({
    v: 1,
    chargeId,
    gateway,
    token: "before",
    attempt: 1,
    state: "ended",
    decisions: [],
    ...own,
  }) as RetryRecord;
const refused = (attempt: number) => ({ at: 5, attempt, kind: "refused", because: "money_taken" });

/** @param between done by another, right before the first write */
const stop = async (
  standing: RetryRecord | undefined,
  attempt: number,
  between?: (book: MemoryRetries) => Promise<unknown>,
) => {
  const book = memoryRetries();
  if (standing !== undefined) await book.replace(undefined, standing);
  let writes = 0;
  const retries: RetryBook = {
    read: book.read,
    async replace(previous, record) {
      writes += 1;
      if (writes === 1) await between?.(book);
      return book.replace(previous, record);
    },
  };
  const log = memoryLog();
  const ids = { leaseToken: () => `mine ${writes}` as LeaseToken };
  await stopRetries({ ...declined, attempt }, {
    retries,
    ids,
    clock: { nowMs: () => 5 },
    log,
  } as unknown as Worker);
  return { record: book.recordOf(chargeId), writes, told: log.eventsOf("retry_decided").length };
};

describe("a decline whose money was taken all the same gets no later attempt", () => {
  test.each<readonly [name: string, standing: RetryRecord | undefined, attempt: number, decisions: number]>([
    ["nothing was planned", undefined, 1, 1],
    ["a record without a decision", recordOf({}), 1, 1],
    ["the record is of the attempt before", recordOf({ token: "t" as LeaseToken }), 2, 1],
  ])("%s: it ends", async (_, standing, attempt, decisions) => {
    const { record, told } = await stop(standing, attempt);
    expect(record).toMatchObject({ state: "ended", attempt });
    expect(record?.decisions.at(-1)).toStrictEqual(refused(attempt));
    expect(record?.decisions).toHaveLength(decisions);
    expect(told).toBe(1);
  });

  test("what was released is on its way: it stays as it is", async () => {
    const standing = recordOf({ state: "released" } as Partial<RetryRecord>);
    const { record, writes } = await stop(standing, 1);
    expect(record).toStrictEqual(standing);
    expect(writes).toBe(0);
  });

  test("whoever planned it in between is overruled", async () => {
    const planned = recordOf({ token: "theirs", state: "scheduled", dueMs: 9 } as Partial<RetryRecord>);
    const { record, writes, told } = await stop(undefined, 1, (book) => book.replace(undefined, planned));
    expect(record).toMatchObject({ state: "ended", decisions: [refused(1)] });
    expect([writes, told]).toStrictEqual([2, 1]);
  });
});
