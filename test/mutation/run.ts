import { spawnSync } from "node:child_process";
import { existsSync, globSync, readFileSync, statSync } from "node:fs";

/**
 * `npm run mutation`: what has no kept results is tried in parts first, and then the whole is reported and judged.
 * Every mutant's switch, and the counting of who reaches which, slows down all the tests of its run: with all sources
 * changed at once they take six times as long as with a tenth of them. What Stryker is told on the command line it is
 * told as it stands (`-- --mutate lib/core/money.ts`).
 */
const { mutate, incrementalFile } = JSON.parse(readFileSync("stryker.config.json", "utf8")) as {
  readonly mutate: readonly string[];
  readonly incrementalFile: string;
};
const partBytes = 60_000;

const stryker = (...told: readonly string[]): number => {
  const { status, signal } = spawnSync("stryker", ["run", ...told], { stdio: "inherit" });
  // Whoever stops one part wants none of the others.
  if (signal !== null) process.exit(1);
  return status ?? 1;
};

const keptFiles = (): ReadonlySet<string> => {
  if (!existsSync(incrementalFile)) return new Set();
  const { files } = JSON.parse(readFileSync(incrementalFile, "utf8")) as { readonly files: object };
  return new Set(Object.keys(files));
};

/** Files that follow each other, since those of one room share tests. */
const partsOf = (paths: readonly string[]): readonly (readonly string[])[] => {
  const parts: string[][] = [];
  let bytes = 0;
  for (const path of paths) {
    const { size } = statSync(path);
    const part = parts.at(-1);
    if (part === undefined || bytes + size > partBytes) {
      parts.push([path]);
      bytes = size;
    } else {
      part.push(path);
      bytes += size;
    }
  }
  return parts;
};

const told = process.argv.slice(2);
if (told.length === 0) {
  const kept = keptFiles();
  const parts = partsOf(
    globSync([...mutate])
      .filter((path) => !kept.has(path))
      .sort(),
  );
  for (const [n, part] of parts.entries()) {
    console.log(`part ${n + 1} of ${parts.length}: ${part.length} files`);
    // Its end says nothing: what it leaves is tried by the last run, which judges all of it.
    stryker("--mutate", part.join(","), "--reporters", "progress");
  }
}
process.exitCode = stryker(...told);
