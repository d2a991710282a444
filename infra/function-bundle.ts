import type { BuildOptions } from "esbuild";
import { lambdaOnly } from "./lambda-only.ts";
import { lateSdk } from "./late-sdk.ts";
import { quickBuiltins } from "./quick-builtins.ts";

/** How everything that is bundled for Node is bundled. */
export const nodeBundle = {
  bundle: true,
  platform: "node",
  // Lambda's is Node 24; a function's code asks for no more than the oldest Node that may come upon it.
  target: "node20",
  format: "esm",
  outExtension: { ".js": ".mjs" },
  legalComments: "none",
  logLevel: "warning",
  metafile: true,
  // Some of what is bundled is CommonJS and asks for Node's own modules by `require`.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
} as const satisfies BuildOptions;

/** And how a function is: one small file, in which nothing is asked for by `require`. */
export const functionBundle = {
  ...nodeBundle,
  minify: true,
  banner: {},
  mainFields: ["module", "main"],
  plugins: [quickBuiltins, lambdaOnly],
} satisfies BuildOptions;

/** The function of which a cold start is somebody's wait for a charge: it has the SDK in a file of its own, loaded late. */
const withLateSdk = "submit-charges";

/** How a function of the list is bundled. */
export const bundleFormOf = (name: string) =>
  ({
    ...functionBundle,
    ...(name === withLateSdk && { splitting: true, plugins: [quickBuiltins, lambdaOnly, lateSdk] }),
  }) satisfies BuildOptions;
