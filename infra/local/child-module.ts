import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * The file of a module that runs as a process or a thread of its own (`function-host`, `sqs-server`, `thread-host`).
 *
 * From the sources that is the `.ts` file beside this one; from the built command line it is the `.mjs` file
 * beside (or one folder above) the bundle, which the build therefore emits as an entry of its own. Throws
 * when it is nowhere, naming where it was looked for.
 */
export function childModule(name: "function-host" | "sqs-server" | "thread-host"): string {
  const candidates = [`./${name}.ts`, `./${name}.mjs`, `../${name}.mjs`].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  const found = candidates.find((path) => existsSync(path));
  if (!found) throw new Error(`${name} is not built: looked for ${candidates.join(", ")}`);
  return found;
}
