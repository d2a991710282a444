import { describe, expect, test } from "vitest";
import { type LedgerSide, ledgerSideOf } from "../../lib/core/sides.ts";
import { ledgerStream } from "../../lib/flows/ledger-stream.ts";
import type { SentBatch, SentCharges, SentOrder } from "../../lib/ports.ts";
import { final, t0 } from "../core/builders.ts";

const window = { fromMs: t0 - 9, toMs: t0 + 99 };
const side = (atMs: number): LedgerSide => ({ ...ledgerSideOf(final()), firstSentAtMs: t0 + atMs });

/** A stream over charges that come in batches, each sent at these moments. */
const streamOf = (batches: readonly (readonly number[])[], unreadable: readonly number[] = []) => {
  const asked: unknown[] = [];
  const added: number[] = [];
  let checks = 0;
  let read = 0;
  const charges: SentCharges = {
    async *read(gateway, stretch, order): AsyncGenerator<SentBatch> {
      asked.push([gateway, stretch, order]);
      for (const [at, moments] of batches.entries()) {
        read += 1;
        yield { sides: moments.map(side), unreadable: unreadable[at] ?? 0 };
      }
    },
  };
  const add = ({ firstSentAtMs }: LedgerSide): void => void added.push(firstSentAtMs - t0);
  const stream = ledgerStream(charges, "centrobill", window, add, () => {
    checks += 1;
  });
  return { stream, asked, added, checks: () => checks, read: () => read };
};

describe("charges are read as far as the feed has come", () => {
  // biome-ignore format: one row a line
  test.each<[SentOrder, batches: number[][], toMs: number, added: number[], reason: string]>([
    ["oldestFirst", [[1, 2], [3, 4], [5, 6]], 0, [1, 2], "past the moment, and no further"],
    ["oldestFirst", [[1, 2], [3, 4], [5, 6]], 2, [1, 2, 3, 4], "more of the same moment may come"],
    ["oldestFirst", [[1, 2], [3, 4], [5, 6]], 3, [1, 2, 3, 4], "past it within a batch"],
    ["oldestFirst", [[1, 2], [], [5, 6]], 3, [1, 2, 5, 6], "over a batch without any"],
    ["oldestFirst", [[1, 2]], 9, [1, 2], "to the end"],
    ["oldestFirst", [[1, 2, 3], [4, 5, 6]], 2, [1, 2, 3], "a batch comes as far as its last"],
    ["newestFirst", [[6, 5], [4, 3], [2, 1]], 9, [6, 5], "past the moment, and no further"],
    ["newestFirst", [[6, 5], [4, 3], [2, 1]], 5, [6, 5, 4, 3], "more of the same moment may come"],
    ["newestFirst", [[6, 5], [4, 3], [2, 1]], 4, [6, 5, 4, 3], "past it within a batch"],
  ])("%s, %j to %i: %j (%s)", async (order, batches, toMs, added) => {
    const one = streamOf(batches);
    await one.stream.advance(t0 + toMs, order);
    expect(one.added).toEqual(added);
    expect(one.asked).toEqual([["centrobill", window, order]]);
    const reads = one.read();
    await one.stream.advance(t0 + toMs, order);
    expect(one.read()).toBe(reads);
    await one.stream.rest();
    expect(one.added).toEqual(batches.flat());
    expect(one.stream.entries()).toBe(batches.flat().length);
  });

  test("the first call says in which order, and it is asked before each read whether there is time", async () => {
    const one = streamOf([[1], [2]], [3, 4]);
    await one.stream.advance(t0, "oldestFirst");
    await one.stream.advance(t0 + 9, "newestFirst");
    expect(one.added).toEqual([1, 2]);
    await one.stream.rest();
    expect(one.asked).toEqual([["centrobill", window, "oldestFirst"]]);
    expect([one.checks(), one.stream.unreadable()]).toEqual([3, 7]);
  });

  test("nobody says an order: the oldest first, and once only", async () => {
    const one = streamOf([[1]]);
    await one.stream.rest();
    await one.stream.rest();
    expect(one.asked).toEqual([["centrobill", window, "oldestFirst"]]);
    expect(one.added).toEqual([1]);
  });
});
