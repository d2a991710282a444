import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { envLine, readEnvFile, UnwritableVariable, writeEnvFile } from "../../infra/env-file.ts";

const dir = mkdtempSync(join(tmpdir(), "env-file-"));
afterAll(() => rmSync(dir, { recursive: true }));

const PRINT =
  "process.stdout.write(JSON.stringify(Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith('T_')))))";

function asTheShellReads(file: string): Record<string, string> {
  return JSON.parse(
    execFileSync("/bin/sh", ["-c", `set -a; . "${file}"; exec "$NODE" -e "$PRINT"`], {
      env: { NODE: process.execPath, PRINT },
      encoding: "utf8",
    }),
  );
}
function asNodeReads(file: string): Record<string, string> {
  return JSON.parse(
    execFileSync(process.execPath, [`--env-file=${file}`, "-e", PRINT], { env: {}, encoding: "utf8" }),
  );
}

const VALUES = {
  T_PLAIN: "http://127.0.0.1:4566/000000000000/charges",
  T_EMPTY: "",
  T_JSON: '{"path":"/transactions","query":{"from":"dateFrom"},"n":[1,2]}',
  T_SPACES: "  leading and trailing  ",
  T_HASH: "before # after",
  T_DOLLAR: "$HOME and `id` and $(id)",
  T_BACKSLASH: "a\\nb\\\\c",
  T_APOSTROPHE: "it's here",
  T_LINES: "first\nsecond",
  T_TILDE: "~/x",
  T_UMLAUT: "Überweisung €",
};

describe("an env file", () => {
  it("says the same to a shell, to Node and to us, whatever the values hold", () => {
    const file = join(dir, "all.env");
    writeEnvFile(file, VALUES);
    expect(readEnvFile(file)).toEqual(VALUES);
    expect(asTheShellReads(file)).toEqual(VALUES);
    expect(asNodeReads(file)).toEqual(VALUES);
  });

  it("refuses what no quoting carries, without showing the value", () => {
    for (const value of [`it's "both"`, "it's $HOME", "a\rb", "a\0b"]) {
      expect(() => envLine("KEY", value)).toThrow(UnwritableVariable);
      expect(() => envLine("KEY", value)).not.toThrow(value);
    }
    expect(() => envLine("1KEY", "x")).toThrow(UnwritableVariable);
    expect(() => envLine("A B", "x")).toThrow(UnwritableVariable);
  });

  it("is for its owner's eyes, and untouched when it says the same already", () => {
    const file = join(dir, "twice.env");
    writeEnvFile(file, { T_A: "1" });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    utimesSync(file, 1, 1);
    writeEnvFile(file, { T_A: "1" });
    expect(statSync(file).mtimeMs).toBe(1_000);
  });

  it("keeps variables that somebody added", () => {
    const file = join(dir, "added.env");
    writeFileSync(file, "T_OWN='kept'\nT_A=old\n");
    writeEnvFile(file, { T_A: "new", T_B: "2" });
    expect(readEnvFile(file)).toEqual({ T_OWN: "kept", T_A: "new", T_B: "2" });
    expect(readFileSync(file, "utf8").trim().split("\n")).toHaveLength(3);
  });
});

describe("readEnvFile", () => {
  it.each([
    ["T_A=1\nT_B=2\n", "lines"],
    ["T_A=1\r\nT_B=2\r\n", "line ends of Windows"],
    ["\ufeffT_A=1\nT_B=2", "a mark that an editor puts before the first name"],
    ["export T_A=1\n\n# more\nT_B='2'\n", "as a shell would write it"],
  ])("reads %j (%s)", (text) => {
    const file = join(dir, "read.env");
    writeFileSync(file, text);
    expect(readEnvFile(file)).toEqual({ T_A: "1", T_B: "2" });
  });
});
