import { describe, expect, test } from "vitest";
import type { LeaseToken } from "../../lib/core/charge.ts";
import type { RetryRecord } from "../../lib/core/retry-record.ts";
import { stopRetries } from "../../lib/flows/stop-retries.ts";
import type { RetryBook, Worker } from "../../lib/ports.ts";
import { final, review } from "../core/builders.ts";
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
const gone = { ...review(), token: "gone" };
const refused = (attempt: number) => ({ at: 5, attempt, kind: "refused", because: "money_taken" });

/**
 * @param between done by another, right before the first write
 * @param goneAfter so many readings of the ledger find the charge as it was judged
 */
const stop = async (
  standing: RetryRecord | undefined,
  attempt: number,
  between?: (book: MemoryRetries) => Promise<unknown>,
  goneAfter?: number,
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
  const judged = { ...declined, attempt };
  let reads = 0;
  const read = async () => {
    reads += 1;
    return new Map([[chargeId, goneAfter !== undefined && reads > goneAfter ? gone : judged]]);
  };
  const isDone = await stopRetries(judged, {
    retries,
    ledger: { read },
    ids,
    clock: { nowMs: () => 5 },
    log,
  } as unknown as Worker);
  return { isDone, record: book.recordOf(chargeId), writes, told: log.eventsOf("retry_decided").length };
};

describe("a decline whose money was taken all the same gets no later attempt", () => {
  test.each<readonly [name: string, standing: RetryRecord | undefined, attempt: number, decisions: number]>([
    ["nothing was planned", undefined, 1, 1],
    ["a record without a decision", recordOf({}), 1, 1],
    ["the record is of the attempt before", recordOf({ token: "t" as LeaseToken }), 2, 1],
  ])("%s: it ends", async (_, standing, attempt, decisions) => {
    const { isDone, record, told } = await stop(standing, attempt);
    expect(isDone).toBe(true);
    expect(record).toMatchObject({ state: "ended", attempt });
    expect(record?.decisions.at(-1)).toStrictEqual(refused(attempt));
    expect(record?.decisions).toHaveLength(decisions);
    expect(told).toBe(1);
  });

  test("what was released is on its way: it stays as it is", async () => {
    const standing = recordOf({ state: "released" } as Partial<RetryRecord>);
    const { isDone, record, writes } = await stop(standing, 1);
    expect(isDone).toBe(true);
    expect(record).toStrictEqual(standing);
    expect(writes).toBe(0);
  });

  test("whoever planned it in between is overruled", async () => {
    const planned = recordOf({ token: "theirs", state: "scheduled", dueMs: 9 } as Partial<RetryRecord>);
    const { record, writes, told } = await stop(undefined, 1, (book) => book.replace(undefined, planned));
    expect(record).toMatchObject({ state: "ended", decisions: [refused(1)] });
    expect([writes, told]).toStrictEqual([2, 1]);
  });

  test("released before that: whoever heard of the money judges anew, and nothing is written", async () => {
    const { isDone, record, writes } = await stop(undefined, 1, undefined, 0);
    expect([isDone, record, writes]).toStrictEqual([false, undefined, 0]);
  });

  test("gone from the ledger: nothing is written either", async () => {
    const ledger = { read: async () => new Map() };
    const worker = { retries: memoryRetries(), ledger, clock: { nowMs: () => 5 } } as unknown as Worker;
    expect(await stopRetries(declined, worker)).toBe(false);
  });

  test("released in between, by the one write of the entry and its record: the same", async () => {
    const released = recordOf({ token: "theirs", state: "scheduled", dueMs: 9 } as Partial<RetryRecord>);
    const { isDone, record, writes } = await stop(
      undefined,
      1,
      (book) => book.replace(undefined, released),
      1,
    );
    expect([isDone, record, writes]).toStrictEqual([false, released, 1]);
  });
});
