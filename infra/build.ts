import { readdirSync, rmSync } from "node:fs";
import { basename } from "node:path";
import { build } from "esbuild";

/**
 * Bundles what is deployed and what is run from `dist/`:
 *   dist/functions/<name>/index.mjs   one file per Lambda function, everything in it
 *   dist/cli/chargeonce.mjs           the command
 *   dist/local/*.mjs                  processes that the embedded stack starts
 */
const root = new URL("..", import.meta.url).pathname;
const functions = readdirSync(`${root}functions`)
  .filter((file) => file.endsWith(".ts") && file !== "worker.ts")
  .map((file) => basename(file, ".ts"));

const shared = {
  bundle: true,
  platform: "node",
  target: "node24",
  format: "esm",
  outExtension: { ".js": ".mjs" },
  legalComments: "none",
  logLevel: "warning",
  // Some of what is bundled is CommonJS and asks for Node's own modules by `require`.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
} as const;

rmSync(`${root}dist`, { recursive: true, force: true });
await Promise.all([
  ...functions.map((name) =>
    build({
      ...shared,
      entryPoints: { index: `${root}functions/${name}.ts` },
      outdir: `${root}dist/functions/${name}`,
      minify: true,
      mainFields: ["module", "main"],
    }),
  ),
  build({
    ...shared,
    entryPoints: { chargeonce: `${root}cli/chargeonce.ts` },
    outdir: `${root}dist/cli`,
    // Only the embedded stack needs it, and it brings a web server of its own.
    external: ["fauxqs"],
  }),
]);
