import { globSync } from "node:fs";
import { dirname } from "node:path";
import type { schema } from "@stryker-mutator/api/core";

/** A row of survivors.md: some mutants that are the same, or that no test should kill. */
export type Argument = {
  /** as it stands there */
  readonly named: string;
  readonly paths: readonly string[];
  readonly quotes: readonly string[];
  /** names of the functions that the quoted stands in */
  readonly within: readonly string[];
  /** what the mutants make of the quoted */
  readonly made: string;
};

const withinPattern = /\bin (`[^`]+`)/g;

const quotesIn = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, quote = ""]) => quote);

/** The files of a row: `lib/flows/a.ts`, then perhaps `b.ts` beside it, or `lib/core/retry-rules/*`. */
const filesOf = (cell: string, root: string): string[] => {
  let folder = "";
  return quotesIn(cell).flatMap((name) => {
    const path = name.includes("/") ? name : `${folder}/${name}`;
    folder = dirname(path);
    return path.endsWith("*") ? globSync(`${path}.ts`, { cwd: root }) : [path];
  });
};

/** @param root the folder that the files are named from */
export const readArguments = (survivors: string, root: string): readonly Argument[] =>
  survivors
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.replaceAll("\\|", "|").trim()))
    .map(([, files = "", quoted = "", made = ""]) => ({
      named: `${files}: ${quoted}`,
      paths: filesOf(files, root),
      quotes: quotesIn(quoted.replace(withinPattern, "")),
      within: quotesIn((quoted.match(withinPattern) ?? []).join()),
      made,
    }));

const literal = (text: string): string =>
  text
    .trim()
    .replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
    .replace(/\s+/g, "\\s+");

/** Where a text has what is quoted; `…` stands for what is left out, at the end for the rest of the line. */
export const placesOf = (quote: string, text: string): { readonly from: number; readonly to: number }[] => {
  const pattern = new RegExp(quote.replace(/…$/, "").split("…").map(literal).join("[^]{0,300}?"), "g");
  return [...text.matchAll(pattern)].map(({ 0: found, index }) => {
    const end = index + found.length;
    const lineEnd = text.indexOf("\n", end);
    // A quote in Markdown cannot begin with the mark that a template begins with.
    return {
      from: text[index - 1] === "`" ? index - 1 : index,
      to: quote.endsWith("…") && lineEnd >= 0 ? lineEnd : end,
    };
  });
};

const operators = /&&|\|\||\?\?|[<>!=]=+|[<>]|[-+*/%]=?/g;

/** What a row has to say of a mutant, in one of these words. `undefined`: it may say it in its own. */
const wordsFor = ({ mutatorName, replacement = "" }: schema.MutantResult, original: string) => {
  switch (mutatorName) {
    case "StringLiteral":
      return ["another", "other words", "somebody", "nothing in it", "no such case"];
    case "ArrayDeclaration":
      return replacement === "[]" ? ["nothing in it"] : ["something in it", "somebody"];
    case "ConditionalExpression":
    case "BooleanLiteral":
      if (replacement === "true") return ["`true`", "always"];
      if (replacement === "false") return ["`false`", "never"];
      return replacement.startsWith("case") || replacement.startsWith("default")
        ? ["no such case"]
        : ["without the `!`"];
    case "OptionalChaining":
      return ["without the `?`"];
    case "ObjectLiteral":
      return ["`{}`"];
    case "BlockStatement":
      return ["nothing", "never"];
    case "ArithmeticOperator":
    case "AssignmentOperator":
    case "EqualityOperator":
    case "LogicalOperator": {
      const before = original.match(operators) ?? [];
      return (replacement.match(operators) ?? [])
        .filter((one, n) => one !== before[n])
        .map((one) => `\`${one}\``);
    }
    default:
      return undefined;
  }
};

const positionIn = (lines: readonly string[], { line, column }: schema.Position): number =>
  lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0) + column - 1;

export type Unargued = {
  readonly path: string;
  readonly at: schema.Position;
  readonly original: string;
  readonly replacement: string;
};

/** The mutants of a report that survived, and begin in nothing that a row of their file quotes and speaks of. */
export const unarguedIn = (
  files: schema.FileResultDictionary,
  argued: readonly Argument[],
): readonly Unargued[] =>
  Object.entries(files).flatMap(([path, { source, mutants }]) => {
    const lines = source.split("\n");
    const said = argued
      .filter(({ paths }) => paths.includes(path))
      .flatMap(({ quotes, made }) =>
        quotes.flatMap((quote) => placesOf(quote, source)).map((at) => ({ ...at, made })),
      );
    return mutants
      .filter(({ status }) => status === "Survived" || status === "NoCoverage")
      .map((mutant) => {
        const from = positionIn(lines, mutant.location.start);
        const original = source.slice(from, positionIn(lines, mutant.location.end));
        const words = wordsFor(mutant, original);
        const isArgued = said.some(
          (one) =>
            one.from <= from &&
            from < one.to &&
            (words === undefined || words.some((word) => one.made.includes(word))),
        );
        return { isArgued, path, at: mutant.location.start, original, replacement: mutant.replacement ?? "" };
      })
      .filter(({ isArgued }) => !isArgued)
      .map(({ isArgued: _, ...one }) => one);
  });
