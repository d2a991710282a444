import { consumerMarks } from "../core/consumer-marks.ts";
import type { LedgerEntry } from "../core/ledger.ts";
import { type Matcher, matcherFor } from "../core/matching.ts";
import type { Sha256 } from "../ports.ts";

/** A matcher without the charges' own messages: who was charged is known by marks alone, so rows are compared by theirs. */
export const markedMatcher = (entries: readonly LedgerEntry[], sha256: Sha256): Matcher => {
  const matcher = matcherFor(entries.map((entry) => ({ entry, consumers: entry.consumerMarks ?? [] })));
  return {
    ...matcher,
    add: (row) => matcher.add({ ...row, consumers: consumerMarks(row.consumers, sha256) }),
  };
};
