import { describe, expect, test } from "vitest";
import { wideLimit } from "../../lib/flows/wide-limit.ts";

/** Tasks that end when they are told to, under one limit. */
const tasksUnder = (width: number) => {
  const limit = wideLimit(width);
  const begun: string[] = [];
  const ends = new Map<string, { resolve(): void; reject(error: Error): void }>();
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return {
    limit,
    begun,
    come: (name: string): Promise<string> =>
      limit(() => {
        begun.push(name);
        return new Promise((resolve, reject) => {
          ends.set(name, { resolve: () => resolve(name), reject });
        });
      }),
    async end(name: string): Promise<void> {
      ends.get(name)?.resolve();
      await settled();
    },
    async fail(name: string): Promise<void> {
      ends.get(name)?.reject(new Error(name));
      await settled();
    },
  };
};

describe("wideLimit", () => {
  test("begins at once while there is room, then one for each that ends, in the order of their coming", async () => {
    const { begun, come, end } = tasksUnder(2);
    const c = [come("a"), come("b"), come("c"), come("d")][2];
    expect(begun).toEqual(["a", "b"]);
    await end("b");
    expect(begun).toEqual(["a", "b", "c"]);
    await end("c");
    expect(begun).toEqual(["a", "b", "c", "d"]);
    expect(await c).toBe("c");
  });

  test("a task that fails says so to whoever brought it, and gives its place back", async () => {
    const { begun, come, fail } = tasksUnder(1);
    const [a] = [come("a").catch((error: Error) => `failed: ${error.message}`), come("b")];
    await fail("a");
    expect(begun).toEqual(["a", "b"]);
    expect(await a).toBe("failed: a");
  });

  test("made wider, it fills up when the next task ends or comes", async () => {
    const { limit, begun, come, end } = tasksUnder(1);
    for (const name of ["a", "b", "c", "d"]) void come(name);
    limit.concurrency = 3;
    await end("a");
    expect(begun).toEqual(["a", "b", "c", "d"]);
    void come("e");
    expect(begun).toEqual(["a", "b", "c", "d"]);
  });

  test("made narrower, what runs runs on, and none begins until there is room again", async () => {
    const { limit, begun, come, end } = tasksUnder(3);
    for (const name of ["a", "b", "c", "d"]) void come(name);
    limit.concurrency = 1;
    await end("a");
    await end("b");
    expect(begun).toEqual(["a", "b", "c"]);
    await end("c");
    expect(begun).toEqual(["a", "b", "c", "d"]);
  });
});
