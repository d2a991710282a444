import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * A file or folder that belongs to the command. `fromBundle` is relative to `dist/cli/`, where the built
 * command runs; `fromSource` to `cli/`. Throws when it is at neither: the build has not been run.
 */
export const builtFile = (fromBundle: string, fromSource: string): string => {
  const candidates = [fromBundle, fromSource].map((path) => fileURLToPath(new URL(path, import.meta.url)));
  const found = candidates.find((path) => existsSync(path));
  if (found === undefined) throw new Error(`not built: ${candidates[0]} is missing; run npm run build`);
  return found;
};
