/**
 * Which messages of a batch a function's answer counts as failed, by the rules of Lambda's event source
 * mapping with ReportBatchItemFailures.
 *
 * Nothing, null, an object without `batchItemFailures`, or an empty or null list: all succeeded. An
 * identifier that is empty, missing or not of this batch, a list that is none, or an answer that is no
 * object: the whole batch failed, because nobody can tell what was meant.
 */
export function failedMessages(answer: unknown, messageIds: readonly string[]): ReadonlySet<string> {
  const none = new Set<string>();
  const all = new Set(messageIds);
  if (answer === null || answer === undefined) return none;
  if (typeof answer !== "object" || Array.isArray(answer)) return all;
  const { batchItemFailures } = answer as { batchItemFailures?: unknown };
  if (batchItemFailures === null || batchItemFailures === undefined) return none;
  if (!Array.isArray(batchItemFailures)) return all;
  const failed = new Set<string>();
  for (const failure of batchItemFailures as unknown[]) {
    const identifier = (failure as { itemIdentifier?: unknown } | null)?.itemIdentifier;
    if (typeof identifier !== "string" || !all.has(identifier)) return all;
    failed.add(identifier);
  }
  return failed;
}
