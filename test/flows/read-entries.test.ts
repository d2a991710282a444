import { expect, test } from "vitest";
import type { ChargeId } from "../../lib/core/charge.ts";
import type { LedgerEntry } from "../../lib/core/ledger.ts";
import { readEntries } from "../../lib/flows/read-entries.ts";

const named = (name: string): Error => Object.assign(new Error("no"), { name });

/** A ledger in which some items are of a version that nobody here knows. */
const ledgerOf = (
  unreadable: readonly string[],
  reads: string[][] = [],
  error = named("UnreadableItem"),
) => ({
  reads,
  read: async (ids: readonly ChargeId[]) => {
    reads.push([...ids]);
    if (reads.length > 50) throw new Error("no end");
    if (ids.some((id) => unreadable.includes(id))) throw error;
    return new Map(ids.map((id) => [id, { chargeId: id } as LedgerEntry]));
  },
});
const ids = ["a", "b", "c", "d", "e"] as ChargeId[];
const wordsOf = (read: ReadonlyMap<ChargeId, LedgerEntry | Error>): string[] =>
  ids.flatMap((id) => {
    const one = read.get(id);
    return one === undefined ? [] : [`${id} ${one instanceof Error ? "unreadable" : "read"}`];
  });

test.each<[readonly string[], reads: number, string]>([
  [[], 1, "all are read at once"],
  [["c"], 5, "one is found by halves, and stands alone"],
  [["a", "e"], 9, "so are two"],
  [ids, 9, "and all"],
])("unreadable %j: %i reads (%s)", async (unreadable, reads) => {
  const ledger = ledgerOf(unreadable);
  expect(wordsOf(await readEntries(ids, ledger))).toEqual(
    ids.map((id) => `${id} ${unreadable.includes(id) ? "unreadable" : "read"}`),
  );
  expect(ledger.reads).toHaveLength(reads);
});

test("of no charges at all there is nothing to say", async () => {
  expect((await readEntries([], ledgerOf([]))).size).toBe(0);
});

test("a ledger that does not answer fails the read of all, once", async () => {
  for (const error of [named("LedgerUnavailable"), "a text" as unknown as Error]) {
    const ledger = ledgerOf(["a"], [], error);
    await expect(readEntries(ids, ledger)).rejects.toBe(error);
    expect(ledger.reads).toHaveLength(1);
  }
});
