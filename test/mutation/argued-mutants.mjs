import { readFileSync } from "node:fs";
import { relative, resolve } from "node:path";
import { readArguments, unarguedIn } from "./arguments.ts";

/** A place as reports have it, which count from one. */
const counted = ({ line, column }) => ({ line: line + 1, column: column + 1 });

/** Answers of each mutant whether survivors.md says that no test notices it. */
export function arguedMutants() {
  // The sandbox lies below the folder that it is a copy of, and mutants name files as they are there.
  const root = resolve("../..");
  const argued = readArguments(readFileSync("test/mutation/survivors.md", "utf8"), ".");
  /** path → its text without mutants */
  const sources = new Map();
  return ({ fileName, location: { start, end }, ...mutant }) => {
    if (!sources.has(fileName)) sources.set(fileName, readFileSync(fileName, "utf8"));
    const mutants = [
      { ...mutant, location: { start: counted(start), end: counted(end) }, status: "Survived" },
    ];
    const files = { [relative(root, fileName)]: { source: sources.get(fileName), mutants } };
    return unarguedIn(files, argued).length === 0;
  };
}
