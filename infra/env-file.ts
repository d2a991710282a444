import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { parseEnv } from "node:util";

/** A value that no quoting makes readable for both a shell and Node's --env-file. */
export class UnwritableVariable extends Error {
  override readonly name = "UnwritableVariable";
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const PLAIN = /^[A-Za-z0-9_.:/@%+,=-]+$/;

/**
 * One KEY=VALUE line that `set -a; . FILE` and `node --env-file` read as the same value.
 *
 * The two agree on single quotes (everything literal) and, for a value that itself has a single quote, on
 * double quotes as long as nothing inside would be expanded. What neither form can carry is refused
 * (`UnwritableVariable`, which names the variable and not its value, because it may be a secret).
 */
export function envLine(name: string, value: string): string {
  if (!NAME.test(name)) throw new UnwritableVariable(`${JSON.stringify(name)} is not a variable name`);
  if (PLAIN.test(value)) return `${name}=${value}`;
  const carriesControl = /[\0\r]/.test(value);
  if (!carriesControl && !value.includes("'")) return `${name}='${value}'`;
  if (!carriesControl && !/["$`\\!]/.test(value)) return `${name}="${value}"`;
  throw new UnwritableVariable(
    `${name}: the value mixes single quotes with ", $, \`, \\ or !, or holds a control character; ` +
      "no quoting of it is read alike by a shell and by node --env-file",
  );
}

/** The variables of a KEY=VALUE file, as `node --env-file` reads them. Throws what the file system throws. */
export function readEnvFile(path: string): Record<string, string> {
  const variables: Record<string, string> = {};
  // Some editors put a mark before the first name.
  const text = readFileSync(path, "utf8").replace(/^\ufeff/, "");
  for (const [name, value] of Object.entries(parseEnv(text))) {
    if (value !== undefined) variables[name] = value;
  }
  return variables;
}

/**
 * Makes the file hold these variables, readable by its owner alone, and keeps the other variables that are
 * already in it (a user may have added credentials). A file that says the same already is not touched.
 *
 * Written beside and renamed, so that a reader never sees half a file.
 */
export function writeEnvFile(path: string, variables: Readonly<Record<string, string>>): void {
  const present = existsSync(path) ? readEnvFile(path) : undefined;
  if (present && Object.entries(variables).every(([name, value]) => present[name] === value)) return;
  const lines = Object.entries({ ...present, ...variables }).map(([name, value]) => envLine(name, value));
  const beside = `${path}.${process.pid}.tmp`;
  writeFileSync(beside, `${lines.join("\n")}\n`, { mode: 0o600 });
  renameSync(beside, path);
}
