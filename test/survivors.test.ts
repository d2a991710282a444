import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

/** A mutant that is argued names its file and its line: an argument about a line that is gone argues nothing. */
const root = fileURLToPath(new URL("..", import.meta.url));
const argued = readFileSync(join(root, "test/mutation/survivors.md"), "utf8");

/** On one line, as whoever quotes it writes it. */
const flat = (text: string): string => text.replace(/\s+/g, " ");
const quotesIn = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, quote = ""]) => quote);

/** The files of a row: `lib/flows/a.ts`, then perhaps `b.ts` beside it, or `lib/core/retry-rules/*`. */
const filesOf = (cell: string): string[] => {
  let folder = "";
  return quotesIn(cell).flatMap((name) => {
    const path = name.includes("/") ? name : `${folder}/${name}`;
    folder = dirname(path);
    return path.endsWith("*") ? globSync(`${path}.ts`, { cwd: root }) : [path];
  });
};

const rows = argued
  .split("\n")
  .filter((line) => line.startsWith("| `"))
  .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.replaceAll("\\|", "|").trim()))
  .map(([, files = "", quoted = ""]): [files: string, quoted: string] => [files, quoted]);

describe("the mutants that are argued", () => {
  test("are there", () => {
    expect(rows.length).toBeGreaterThan(50);
  });

  test.each(rows)("%s: %s", (files, quoted) => {
    const paths = filesOf(files);
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
    const text = flat(paths.map((path) => readFileSync(join(root, path), "utf8")).join("\n"));
    const pieces = quotesIn(quoted).flatMap((quote) => quote.split("…").map((piece) => flat(piece).trim()));
    expect(pieces.filter((piece) => !text.includes(piece))).toEqual([]);
  });
});
