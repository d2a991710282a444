import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { FUNCTIONS } from "../../infra/functions.ts";
import { bundleOf } from "./function-stand.ts";

/** The files that a bundle imports as it starts, its own among them. */
const loadedAtStart = (file: string, seen = new Set<string>()): ReadonlySet<string> => {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const [, from = ""] of readFileSync(file, "utf8").matchAll(/\b(?:from|import)\s*"(\.\/[^"]+\.mjs)"/g))
    loadedAtStart(join(dirname(file), from), seen);
  return seen;
};

test.each(FUNCTIONS.map(({ name }) => name))(
  "%s asks for nothing by `require`, which no function has",
  (name) => {
    const folder = dirname(bundleOf(name));
    for (const file of readdirSync(folder))
      expect(readFileSync(join(folder, file), "utf8")).not.toContain("Dynamic require of");
  },
);

describe("the bundle of submit-charges", () => {
  const index = bundleOf("submit-charges");
  const folder = dirname(index);

  test("is at most 110 KB, every file of it compressed by itself", () => {
    const sizes = readdirSync(folder).map((name) => gzipSync(readFileSync(join(folder, name))).length);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(110_000);
  });

  test("has the SDK, and not at its start", () => {
    const clients = readdirSync(folder).filter((name) =>
      readFileSync(join(folder, name), "utf8").includes("DynamoDBClient"),
    );
    const sdk = clients.filter((name) => name.startsWith("aws-sdk-"));
    expect(sdk).toHaveLength(1);
    expect([...loadedAtStart(index)].map((file) => file.slice(folder.length + 1))).not.toContain(sdk[0]);
    expect(readFileSync(index).length).toBeLessThan(160_000);
  });
});
