import { configureGlobal } from "fast-check";

process.env["HOSTILE_LENGTH"] = String(1 << 12);
/**
 * A mutant's fate must not hang on chance. What the counterexample is, and which is the smallest, is of no use to anyone
 * here, and to write out a large one takes seconds.
 */
configureGlobal({
  seed: 1,
  endOnFailure: true,
  reporter({ failed, numRuns }) {
    if (failed) throw new Error(`Property failed after ${numRuns} tests`);
  },
});

/** What vitest's matchers within matchers ask for: the worker that runs them, and its file. Here it runs none. */
const running = globalThis as { __vitest_worker__?: { readonly filepath?: string } };
running.__vitest_worker__ ??= {};
