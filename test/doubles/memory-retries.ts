import type { ChargeId } from "../../lib/core/charge.ts";
import type { RetryRecord } from "../../lib/core/retry-record.ts";
import type { RetryBook, RetryReleaser } from "../../lib/ports.ts";
import type { MemoryLedger } from "./memory-ledger.ts";

export type MemoryRetries = RetryBook &
  Pick<RetryReleaser, "due"> & {
    recordOf(chargeId: string): RetryRecord | undefined;
    /** puts a record in its charge's place, whatever stands there */
    plant(record: RetryRecord): void;
  };

/** The transaction of a release, over the ledger and the records in memory. */
export const memoryRelease =
  (ledger: Pick<MemoryLedger, "entryOf" | "plant">, retries: MemoryRetries): RetryReleaser["release"] =>
  async (previous, entry, record) => {
    const standing = ledger.entryOf(entry.chargeId)?.token;
    if (standing === entry.token) return { kind: "released" };
    if (standing !== previous.entry || retries.recordOf(record.chargeId)?.token !== previous.record)
      return { kind: "lost" };
    ledger.plant(entry.chargeId, JSON.stringify(entry));
    retries.plant(record);
    return { kind: "released" };
  };

/** Later attempts in memory, held to the same contract as the DynamoDB adapter. */
export const memoryRetries = (): MemoryRetries => {
  const texts = new Map<string, string>();
  const recordOf = (chargeId: string): RetryRecord | undefined => {
    const text = texts.get(chargeId);
    return text === undefined ? undefined : (JSON.parse(text) as RetryRecord);
  };
  return {
    recordOf,
    plant: (record) => void texts.set(record.chargeId, JSON.stringify(record)),
    read: async (chargeId) => recordOf(chargeId),
    async replace(previous, record) {
      const standing = recordOf(record.chargeId);
      if (standing?.token === record.token) return { kind: "replaced" };
      if (standing?.token !== previous) return { kind: "lost" };
      texts.set(record.chargeId, JSON.stringify(record));
      return { kind: "replaced" };
    },
    due: async (byMs, most) =>
      [...texts.keys()]
        .flatMap((chargeId) => recordOf(chargeId) ?? [])
        .filter(({ state, dueMs }) => state === "scheduled" && dueMs !== undefined && dueMs <= byMs)
        .sort((a, b) => (a.dueMs ?? 0) - (b.dueMs ?? 0))
        .slice(0, most)
        .map(({ chargeId }): ChargeId => chargeId),
  };
};
