import { fileURLToPath } from "node:url";
import type { Plugin } from "esbuild";

const adapters = fileURLToPath(new URL("../lib/adapters/", import.meta.url));
const clients = /^@aws-sdk\/client-(dynamodb|sqs)$/;
/** The file that loads the real ones. */
const loads = /[\\/]lib[\\/]adapters[\\/]aws-sdk\.ts$/;

/**
 * Lets a function's own code have the SDK late: a charge that nothing is unusual about goes past it, and a cold start
 * is then without its 200 KB. It is a file beside `index.mjs`, loaded by the first request that needs it.
 */
export const lateSdk: Plugin = {
  name: "late-sdk",
  setup(build) {
    build.onResolve({ filter: clients }, ({ path, importer }) => {
      const [, name] = clients.exec(path) ?? [];
      if (name === undefined || loads.test(importer) || importer.includes("node_modules")) return undefined;
      return { path: `${adapters}late-${name}.ts` };
    });
  },
};
