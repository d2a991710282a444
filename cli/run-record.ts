import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isJsonObject, type Json, member, parseJson } from "../lib/core/json.ts";
import type { FileIdentity } from "./charge-file.ts";
import { UsageProblem } from "./usage-problem.ts";

/** What a data dir remembers of the run that it belongs to. */
export type RunRecord = {
  readonly v: 1;
  /** the file of charges, and how much of it the queue has */
  readonly charges: FileIdentity & { readonly path: string; readonly acceptedBytes: number };
  /** where its charges go, as people read it */
  readonly gateway: string;
};

const fileName = "run.json";

const isCount = (value: Json | undefined): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;

/** The record of an earlier run, or undefined where the dir has none. Throws `UsageProblem` where it is unreadable. */
export const readRunRecord = (dataDir: string): RunRecord | undefined => {
  const path = join(dataDir, fileName);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
  const record = parseJson(text);
  const charges = member(record, "charges");
  if (
    !isJsonObject(record) ||
    record["v"] !== 1 ||
    typeof record["gateway"] !== "string" ||
    typeof member(charges, "path") !== "string" ||
    typeof member(charges, "sha256") !== "string" ||
    !isCount(member(charges, "bytes")) ||
    !isCount(member(charges, "acceptedBytes"))
  )
    throw new UsageProblem(`${path}: not the record of a run that this version knows`);
  return record as unknown as RunRecord;
};

/** Written beside and renamed: a kill leaves the old record or the new one. */
export const writeRunRecord = (dataDir: string, record: RunRecord): void => {
  const path = join(dataDir, fileName);
  writeFileSync(`${path}.tmp`, JSON.stringify(record), { mode: 0o600 });
  renameSync(`${path}.tmp`, path);
};

/**
 * Throws `UsageProblem` where a run may not go on with what an earlier one began: another file's charges, or
 * another gateway, which would know nothing of the charges that the first one may have captured.
 */
export const refuseOtherRun = (
  dataDir: string,
  before: RunRecord,
  now: { readonly path: string; readonly identity: FileIdentity; readonly gateway: string },
): void => {
  const problems: string[] = [];
  if (before.charges.sha256 !== now.identity.sha256 || before.charges.bytes !== now.identity.bytes)
    problems.push(
      `--charges ${now.path}: not what the run in ${dataDir} began with (${before.charges.path}); a changed file needs a --data-dir of its own`,
    );
  if (before.gateway !== now.gateway)
    problems.push(
      `--centrobill-url, --centrapay-url: the run in ${dataDir} began with ${before.gateway}; another gateway does not know its charges`,
    );
  if (problems.length > 0) throw new UsageProblem(problems);
};
