import { expect, test } from "vitest";
import type { LeaseToken } from "../../lib/core/charge.ts";
import { paceContract } from "../adapters/pace-contract.ts";
import { memoryPace } from "./memory-pace.ts";

paceContract("in memory", async () => {
  const book = memoryPace();
  return {
    book,
    // What the SDK does: the answer is lost, and the same write is sent again.
    losesAnAnswer: () => ({
      read: book.read,
      async replace(gateway, previous, record) {
        await book.replace(gateway, previous, record);
        return book.replace(gateway, previous, record);
      },
    }),
  };
});

test("`before`: nothing was done; `after`: it was done, and nobody was told", async () => {
  const book = memoryPace();
  const version = "v1" as LeaseToken;
  book.failBy(() => "before");
  await expect(book.replace("centrobill", undefined, { v: 1, version })).rejects.toThrow("nothing was done");
  expect(book.recordOf("centrobill")).toBeUndefined();
  book.failBy(() => "after");
  await expect(book.replace("centrobill", undefined, { v: 1, version })).rejects.toThrow("nobody was told");
  expect(book.recordOf("centrobill")).toEqual({ v: 1, version });
});
