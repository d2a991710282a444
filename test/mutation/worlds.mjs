import { readFileSync } from "node:fs";
import { registerHooks, stripTypeScriptTypes } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = `${pathToFileURL(process.cwd()).href}/`;
const treeUrl = new URL("./test-tree.mjs", import.meta.url).href;

const isOurs = (url) => url?.startsWith(root) && !url.includes("/node_modules/");
const pathOf = (url) => fileURLToPath(url.split("?", 1)[0]);

/**
 * Modules that can be loaded again without a new process: each load of a world carries its number in the address. Node
 * forgets no module, so memory grows with each.
 */
export function openWorlds() {
  /** path → the modules that import it */
  const importers = new Map();
  const sources = new Map();
  let latest = 0;
  let base = 0;
  let measures = true;
  /** The modules that are loaded anew in the present world; the others are those of the base. */
  let fresh = new Set();

  const worldOf = (path) => (fresh.has(path) ? latest : base);

  registerHooks({
    resolve(specifier, context, next) {
      if (specifier === "vitest" && isOurs(context.parentURL)) return { url: treeUrl, shortCircuit: true };
      const found = next(specifier, context);
      if (!isOurs(found.url)) return found;
      const path = pathOf(found.url);
      if (isOurs(context.parentURL)) {
        const known = importers.get(path) ?? new Set();
        importers.set(path, known.add(pathOf(context.parentURL)));
      }
      return { ...found, url: `${pathToFileURL(path).href}?world=${worldOf(path)}` };
    },
    load(url, context, next) {
      if (!isOurs(url) || !pathOf(url).endsWith(".ts")) return next(url, context);
      const path = pathOf(url);
      let source = sources.get(path);
      if (source === undefined) {
        source = stripTypeScriptTypes(readFileSync(path, "utf8"));
        // Which test reaches what is asked once, and counted at every step.
        if (!measures) source = source.replace(countsSteps, "function $1() {}\n");
        sources.set(path, source);
      }
      return { format: "module", source, shortCircuit: true };
    },
  });

  const dependents = (path, found = new Set()) => {
    if (!found.has(path)) {
      found.add(path);
      for (const importer of importers.get(path) ?? []) dependents(importer, found);
    }
    return found;
  };

  return {
    load: (path) => import(`${pathToFileURL(path).href}?world=${worldOf(path)}`),
    /** All is loaded anew from here on, and no longer counts its steps. */
    renew() {
      if (measures) sources.clear();
      measures = false;
      base = ++latest;
    },
    dependents,
    /** While `use` runs, these modules are others than in the base. */
    async within(paths, use) {
      latest += 1;
      fresh = new Set(paths);
      try {
        return await use();
      } finally {
        fresh = new Set();
      }
    },
  };
}

const countsSteps = /function (stryCov_\w+)\(\) \{\n[\s\S]*?\n\}\n/;
