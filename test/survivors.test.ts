import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { schema } from "@stryker-mutator/api/core";
import { describe, expect, test } from "vitest";
import { placesOf, readArguments, unarguedIn } from "./mutation/arguments.ts";

/** A mutant that is argued names its file and its line: an argument about a line that is gone argues nothing. */
const root = fileURLToPath(new URL("..", import.meta.url));
const argued = readArguments(readFileSync(join(root, "test/mutation/survivors.md"), "utf8"), root);

describe("the mutants that are argued", () => {
  test("are there", () => {
    expect(argued.length).toBeGreaterThan(50);
  });

  test.each(argued)("$named", ({ paths, quotes, within }) => {
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
    const text = paths.map((path) => readFileSync(join(root, path), "utf8")).join("\n");
    expect([...quotes, ...within].filter((quote) => placesOf(quote, text).length === 0)).toEqual([]);
  });
});

describe("a survivor that no row argues", () => {
  const source = `const a =\n  known === undefined ? "none" : known;\nif (late < 3) return "late";\n`;
  const row = (quoted: string, made: string, file = "lib/core/a.ts") =>
    `| \`${file}\` | ${quoted} | ${made} | reason |`;
  type Mutant = Pick<schema.MutantResult, "mutatorName" | "replacement" | "status">;

  const mutant = (text: string, made: Mutant): schema.MutantResult => {
    const before = source.slice(0, source.indexOf(text)).split("\n");
    const start = { line: before.length, column: (before.at(-1) ?? "").length + 1 };
    return { id: "1", location: { start, end: { ...start, column: start.column + text.length } }, ...made };
  };
  const condition: Mutant = {
    mutatorName: "ConditionalExpression",
    replacement: "false",
    status: "Survived",
  };

  // biome-ignore format: one row a line
  test.each<[row: string, text: string, made: Partial<Mutant>, unargued: number, reason: string]>([
    [row("`known === undefined ? … : known`", "`false`"), "known === undefined", {}, 0, "argued"],
    [row("`known === undefined ? … : known`", "`true`"), "known === undefined", {}, 1, "argued of another mutant of it"],
    [row("`known === undefined ?`", "`false`", "lib/core/b.ts"), "known === undefined", {}, 1, "argued of another file"],
    [row("`const a = known === undefined`", "`false`"), "known === undefined", {}, 0, "over the end of a line"],
    [row("`return …`", "`false`"), "known === undefined", {}, 1, "another line is argued"],
    [row("`if (late < 3)`", "`<=`"), "late < 3", { mutatorName: "EqualityOperator", replacement: "late <= 3" }, 0, "by its comparison"],
    [row("`if (late < 3)`", "`>=`"), "late < 3", { mutatorName: "EqualityOperator", replacement: "late <= 3" }, 1, "by another one"],
    [row("`if (late < 3) …`", "another text"), '"late"', { mutatorName: "StringLiteral", replacement: '""' }, 0, "the rest of the line"],
    [row("`if (late < 3)`", "another text"), '"late"', { mutatorName: "StringLiteral", replacement: '""' }, 1, "behind what is quoted"],
    [row("`return` (in `known`)", "`false`"), "known === undefined", {}, 1, "a name says where the quoted stands"],
    [row("`if (late < 3)`", "never"), "late < 3", { status: "Killed" }, 0, "did not survive"],
    [row("`if (late < 3)`", "`true`"), "late < 3", { status: "NoCoverage" }, 1, "nobody comes there: it survived"],
    [row("`if (late < 3)`", "`true`"), "late < 3", { mutatorName: "Regex", replacement: "x" }, 0, "in words of its own"],
  ])("%s, and of %s %j: %i (%s)", (rows, text, made, unargued) => {
    const files = { "lib/core/a.ts": { language: "ts", source, mutants: [mutant(text, { ...condition, ...made })] } };
    expect(unarguedIn(files, readArguments(rows, root))).toHaveLength(unargued);
  });

  test("is named by its place, with what it was and what the mutant made of it", () => {
    const files = { "lib/core/a.ts": { language: "ts", source, mutants: [mutant("late < 3", condition)] } };
    expect(unarguedIn(files, [])).toEqual([
      { path: "lib/core/a.ts", at: { line: 3, column: 5 }, original: "late < 3", replacement: "false" },
    ]);
  });
});
