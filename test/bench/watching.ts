import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { functionBundle } from "../../infra/function-bundle.ts";
import { quantile } from "./compare/compare.ts";
import { firstCall } from "./compare/running.ts";

const handlers = [
  ["nothing", "a handler that tells nothing"],
  ["own", "our log and metrics"],
  ["own-traced", "and a charge's trace"],
  ["powertools", "Powertools' logger and metrics"],
  ["powertools-traced", "and its tracer"],
] as const;
const processes = 20;
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** What a function pays, at its start, for being watched: our own adapters beside Powertools'. */
export const benchWatching = async (): Promise<void> => {
  const outdir = mkdtempSync(join(tmpdir(), "chargeonce-watching-"));
  try {
    await build({
      ...functionBundle,
      entryPoints: Object.fromEntries(handlers.map(([file]) => [file, here(`watching/${file}.ts`)])),
      outdir,
    });
    const env = { PATH: process.env["PATH"] ?? "", AWS_LAMBDA_FUNCTION_NAME: "watched" };
    const took = handlers.map(() => ({ ms: [] as number[], cpuMs: [] as number[] }));
    for (let nth = 0; nth <= processes; nth++)
      for (const [at, [file, name]] of handlers.entries()) {
        const { tookMs, cpuMs } = firstCall({ name, bundle: join(outdir, `${file}.mjs`) }, env);
        // The first one reads the files from the disk.
        if (nth === 0) continue;
        took[at]?.ms.push(tookMs);
        took[at]?.cpuMs.push(cpuMs);
      }
    console.log(`${"".padEnd(32)}gzip KB  import and first call ms  its CPU ms   (median of ${processes})`);
    for (const [at, [file, name]] of handlers.entries()) {
      const { ms = [], cpuMs = [] } = took[at] ?? {};
      const kb = gzipSync(readFileSync(join(outdir, `${file}.mjs`)), { level: 9 }).length / 1_000;
      console.log(
        [
          name.padEnd(32),
          kb.toFixed(1).padStart(7),
          quantile(ms, 0.5).toFixed(1).padStart(25),
          quantile(cpuMs, 0.5).toFixed(1).padStart(11),
        ].join(" "),
      );
    }
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
};
