import pLimit from "p-limit";
import { describe, expect, test } from "vitest";
import type { WideLimit } from "../../lib/flows/gateway-pace.ts";
import { wideLimit } from "./wide-limit.ts";

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** Tasks that end when they are told to, under one limit. */
const tasksUnder = (limit: WideLimit) => {
  const begun: string[] = [];
  const ends = new Map<string, { resolve(): void; reject(error: Error): void }>();
  return {
    limit,
    async begun(): Promise<string> {
      await settled();
      return begun.join("");
    },
    come: (name: string): Promise<string> =>
      limit(() => {
        begun.push(name);
        return new Promise((resolve, reject) => {
          ends.set(name, { resolve: () => resolve(name), reject });
        });
      }),
    async end(name: string): Promise<void> {
      await settled();
      ends.get(name)?.resolve();
    },
    async fail(name: string): Promise<void> {
      await settled();
      ends.get(name)?.reject(new Error(name));
    },
  };
};

describe.each<[string, (width: number) => WideLimit]>([
  ["p-limit", pLimit],
  ["its double", wideLimit],
])("%s", (_name, limitOf) => {
  test("begins while there is room, then one for each that ends, in the order of their coming", async () => {
    const { begun, come, end } = tasksUnder(limitOf(2));
    const [, , c] = [come("a"), come("b"), come("c"), come("d")];
    expect(await begun()).toBe("ab");
    await end("b");
    expect(await begun()).toBe("abc");
    await end("c");
    expect(await begun()).toBe("abcd");
    expect(await c).toBe("c");
  });

  test("a task that fails says so to whoever brought it, and gives its place back", async () => {
    const { begun, come, fail } = tasksUnder(limitOf(1));
    const [a] = [come("a").catch((error: Error) => `failed: ${error.message}`), come("b")];
    await fail("a");
    expect(await begun()).toBe("ab");
    expect(await a).toBe("failed: a");
  });

  test("made wider, it fills up", async () => {
    const { limit, begun, come, end } = tasksUnder(limitOf(1));
    for (const name of ["a", "b", "c", "d"]) void come(name);
    expect(await begun()).toBe("a");
    limit.concurrency = 3;
    expect(limit.concurrency).toBe(3);
    expect(await begun()).toBe("abc");
    await end("a");
    expect(await begun()).toBe("abcd");
  });

  test("made narrower, what runs runs on, and none begins until there is room again", async () => {
    const { limit, begun, come, end } = tasksUnder(limitOf(3));
    for (const name of ["a", "b", "c", "d"]) void come(name);
    expect(await begun()).toBe("abc");
    limit.concurrency = 1;
    await end("a");
    await end("b");
    expect(await begun()).toBe("abc");
    await end("c");
    expect(await begun()).toBe("abcd");
  });
});
