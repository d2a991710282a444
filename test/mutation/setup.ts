import { configureGlobal } from "fast-check";

/** A mutant's fate must not hang on chance, and the smallest counterexample is of no use to anyone here. */
configureGlobal({ seed: 1, endOnFailure: true });
