import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { functionBundle } from "../../../infra/function-bundle.ts";

/** A design as it is measured: a bundle that exports `handler`. */
export type Subject = {
  readonly name: string;
  readonly bundle: string;
  /** what it does beyond the gateway call */
  readonly keeps: string;
};

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const others = [
  ["powertools", "Powertools batch + idempotency, outcome row", "a record of each call, an outcome row"],
  ["middy", "middy partial batch, outcome row", "an outcome row"],
  ["plain-loop", "plain loop, outcome row", "an outcome row"],
  ["bare-fetch", "the bare call: fetch", "nothing"],
  ["bare-https", "the bare call: node:https, kept alive", "nothing"],
] as const;

/** Ours as it is deployed, and the others bundled and made small as people do. */
export const bundleSubjects = async (): Promise<{
  readonly subjects: readonly Subject[];
  remove(): void;
}> => {
  // Beside the repository's own, so that what is not bundled would be found as well.
  const outdir = mkdtempSync(join(tmpdir(), "chargeonce-compare-"));
  await build({
    ...functionBundle,
    // What is left out of ours by name is our own doing.
    plugins: [],
    entryPoints: Object.fromEntries(others.map(([file]) => [file, here(`designs/${file}.ts`)])),
    outdir,
  });
  const ours: Subject = {
    name: "chargeonce",
    bundle: here("../../../dist/functions/submit-charges/index.mjs"),
    keeps: "intent and outcome in one ledger item, a message that tells it",
  };
  statSync(ours.bundle);
  return {
    subjects: [
      ours,
      ...others.map(([file, name, keeps]) => ({ name, keeps, bundle: join(outdir, `${file}.mjs`) })),
    ],
    remove: () => rmSync(outdir, { recursive: true, force: true }),
  };
};
