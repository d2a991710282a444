import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeEnvFile } from "../env-file.ts";
import { envFilesOf } from "./outputs.ts";

/**
 * `npm run deploy -- [flags of cdk]`: deploys the stack of the stage that the context names, and writes its
 * variables to `<stack>.env`, which the command reads with `--env-file`.
 */
const folder = mkdtempSync(join(tmpdir(), "chargeonce-deploy-"));
const outputs = join(folder, "outputs.json");
try {
  const flags = process.argv.slice(2);
  const { status } = spawnSync("cdk", ["deploy", "--no-notices", "--outputs-file", outputs, ...flags], {
    stdio: "inherit",
  });
  process.exitCode = status ?? 1;
  if (status === 0)
    for (const { path, variables } of envFilesOf(readFileSync(outputs, "utf8"))) {
      writeEnvFile(path, variables);
      process.stdout.write(`${Object.keys(variables).length} variables in ${path}\n`);
    }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
