/**
 * The names of a consumer as the ledger keeps them: enough to see whether a feed row may be of the same one
 * (S14), and not the names.
 */
export const consumerMarks = (
  consumers: readonly string[],
  sha256: (text: string) => string,
): readonly string[] => [...new Set(consumers)].map((consumer) => sha256(consumer).slice(0, 12));
