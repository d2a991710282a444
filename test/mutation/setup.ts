import { configureGlobal } from "fast-check";

process.env["HOSTILE_LENGTH"] = String(1 << 12);
/** A mutant's fate must not hang on chance, and the smallest counterexample is of no use to anyone here. */
configureGlobal({ seed: 1, endOnFailure: true });

/** What vitest's matchers within matchers ask for: the worker that runs them, and its file. Here it runs none. */
const running = globalThis as { __vitest_worker__?: { readonly filepath?: string } };
running.__vitest_worker__ ??= {};
