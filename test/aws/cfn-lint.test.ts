import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { everything, synthesized } from "./synthesized.ts";

/** Python, and so no dependency of ours; CloudFormation's own rules are in `npm run synth` in any case. */
const isThere = spawnSync("cfn-lint", ["--version"]).status === 0;

describe.skipIf(!isThere)("cfn-lint, where it is installed", () => {
  const folder = mkdtempSync(join(tmpdir(), "cfn-lint-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each([
    ["dev", { stage: "dev" }],
    ["everything", everything],
  ])("finds nothing in %s", (name, context) => {
    const file = join(folder, `${name}.json`);
    writeFileSync(file, JSON.stringify(synthesized(context).template.toJSON()));
    // W3005: the library names a function's role once more in `DependsOn`, which does no harm.
    const { status, stdout } = spawnSync("cfn-lint", ["--ignore-checks", "W3005", "--template", file], {
      encoding: "utf8",
    });
    expect(stdout).toBe("");
    expect(status).toBe(0);
  });
});
