import { closeSync, openSync, writeSync } from "node:fs";
import type { GatewayName } from "../lib/core/charge.ts";
import type { MissingPart } from "../lib/core/reconciled-day.ts";
import {
  csvHead,
  findingCsv,
  findingJson,
  missingCsv,
  missingJson,
  type ToldFinding,
} from "../lib/reports/finding-lines.ts";
import { fileTrouble, UsageProblem } from "./usage-problem.ts";

/** Takes findings as they come, so that none has to be kept. */
export type FindingFile = {
  add(told: ToldFinding): void;
  addMissing(gateway: GatewayName, part: MissingPart): void;
  close(): void;
};

/** Opens a file for writing, or throws a `UsageProblem` that names the flag. */
export const openForWriting = (flag: string, path: string): number => {
  try {
    return openSync(path, "w", 0o600);
  } catch (error) {
    throw new UsageProblem(`${flag} ${path}: ${fileTrouble(error)}`);
  }
};

/** Says which files have been written, beside what is printed. */
export const tellWritten = (...paths: readonly (string | undefined)[]): void => {
  for (const path of paths) if (path !== undefined) process.stderr.write(`written: ${path}\n`);
};

/** One JSON object a finding, with its charge's history. */
export const ndjsonFile = (path: string): FindingFile => {
  const file = openForWriting("--ndjson", path);
  return {
    add: (told) => void writeSync(file, findingJson(told)),
    addMissing: (gateway, part) => void writeSync(file, missingJson(gateway, part)),
    close: () => closeSync(file),
  };
};

/** One line a finding; both sides in words. */
export const csvFile = (path: string): FindingFile => {
  const file = openForWriting("--csv", path);
  writeSync(file, csvHead);
  return {
    add: (told) => void writeSync(file, findingCsv(told)),
    addMissing: (gateway, part) => void writeSync(file, missingCsv(gateway, part)),
    close: () => closeSync(file),
  };
};
