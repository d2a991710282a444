import { globSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, relative } from "node:path";
import { build } from "esbuild";
import { bundleFormOf, nodeBundle } from "./function-bundle.ts";
import { quickBuiltins } from "./quick-builtins.ts";

/**
 * Bundles what is deployed and what is run from `dist/`:
 *   dist/functions/<name>/index.mjs   one file per Lambda function; what it loads late is beside it
 *   dist/cli/chargeonce.mjs           the command, and beside it what it loads late and the processes that the
 *                                     embedded stack starts
 *   dist/aws/index.mjs                the construct, for a CDK app of somebody else's
 *   dist/retry-rules/index.mjs        the card networks' rules on later attempts, for anybody's use
 *   dist/samples/charges.ndjson       the charges of a run without flags: every gateway's sample
 *
 * Files are replaced one by one and what is left over goes last, so that a run that uses them meanwhile goes on.
 */
const root = new URL("..", import.meta.url).pathname;
const dist = `${root}dist`;
const functions = readdirSync(`${root}functions`)
  .filter((file) => file.endsWith(".ts") && file !== "worker.ts")
  .map((file) => basename(file, ".ts"));

const built = await Promise.all([
  ...functions.map((name) =>
    build({
      ...bundleFormOf(name),
      entryPoints: { index: `${root}functions/${name}.ts` },
      outdir: `${dist}/functions/${name}`,
    }),
  ),
  build({
    ...nodeBundle,
    target: "node24",
    entryPoints: {
      chargeonce: `${root}cli/chargeonce.ts`,
      "function-host": `${root}infra/local/function-host.ts`,
      "sqs-server": `${root}infra/local/sqs-server.ts`,
      "thread-host": `${root}infra/local/thread-host.ts`,
    },
    outdir: `${dist}/cli`,
    // Each command's own part is loaded for it alone, and so are parts of the SDK.
    splitting: true,
    mainFields: ["module", "main"],
    plugins: [quickBuiltins],
    banner: { js: `#!/usr/bin/env -S node --\n${nodeBundle.banner.js}` },
    // Only the embedded stack needs it, and it brings a web server of its own.
    external: ["fauxqs"],
  }),
  build({
    ...nodeBundle,
    entryPoints: { index: `${root}infra/aws/index.ts` },
    outdir: `${dist}/aws`,
    // The app's own: two copies of the library would not know each other's constructs.
    external: ["aws-cdk-lib", "constructs"],
  }),
  build({
    ...nodeBundle,
    entryPoints: { index: `${root}lib/core/retry-rules/index.ts` },
    outdir: `${dist}/retry-rules`,
  }),
]);

mkdirSync(`${dist}/samples`, { recursive: true });
const samples = globSync(`${root}infra/local/samples/*.ndjson`).sort();
writeFileSync(`${dist}/samples/charges.ndjson`, samples.map((file) => readFileSync(file, "utf8")).join(""));

const outputs = new Set(
  built.flatMap(({ metafile }) => Object.keys(metafile.outputs)).map((path) => relative(dist, path)),
);
for (const path of globSync("**/*.mjs", { cwd: dist })) if (!outputs.has(path)) rmSync(`${dist}/${path}`);
