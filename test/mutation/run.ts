import { spawnSync } from "node:child_process";
import { existsSync, globSync, readFileSync, statSync } from "node:fs";

/**
 * `npm run mutation`: all sources, in parts; the last one reports and judges the whole. Every mutant's switch, and the
 * counting of who reaches which, slows down all the tests of its run: with all sources changed at once they take four
 * times as long as with one part, and six times as long as with one file. What Stryker is told on the command line it is told as it stands
 * (`-- --mutate lib/core/money.ts`).
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

/** When results were written last; whoever came to none has left them as they were. */
const keptAtMs = (): number => (existsSync(incrementalFile) ? statSync(incrementalFile).mtimeMs : 0);

const runInParts = (): number => {
  const parts = partsOf(globSync([...mutate]).sort());
  let status = 1;
  for (const [n, part] of parts.entries()) {
    console.log(`part ${n + 1} of ${parts.length}: ${part.length} files`);
    // What the whole is worth the last part says, and each part its own: that is no reason to end.
    const quietly = n + 1 < parts.length ? ["--reporters", "progress"] : [];
    const beganAtMs = keptAtMs();
    status = stryker("--mutate", part.join(","), ...quietly);
    if (keptAtMs() === beganAtMs) {
      console.log(`part ${n + 1} came to no results`);
      return 1;
    }
  }
  return status;
};

const told = process.argv.slice(2);
process.exitCode = told.length > 0 ? stryker(...told) : runInParts();
