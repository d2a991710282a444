import type { ChargeId, LeaseToken } from "../../lib/core/charge.ts";
import type { LedgerEntry, Rejection } from "../../lib/core/ledger.ts";

/** The ledger's table: conditional writes, one at a time, as DynamoDB takes them for one item. */
export type SimTable = {
  open(entry: LedgerEntry): { kind: "opened" } | { kind: "exists"; entry: LedgerEntry };
  replace(previous: LeaseToken, entry: LedgerEntry): { kind: "replaced" } | { kind: "lost" };
  read(chargeIds: readonly ChargeId[]): ReadonlyMap<ChargeId, LedgerEntry>;
  reject(rejection: Rejection): void;
  entryOf(chargeId: string): LedgerEntry | undefined;
};

/**
 * A table whose entries cannot be changed in place, and which tells of every write that takes hold.
 * @param onWrite the entry that stood before, and the one that stands now
 */
export const simTable = (
  onWrite: (before: LedgerEntry | undefined, after: LedgerEntry, namedToken: LeaseToken | undefined) => void,
): SimTable => {
  const entries = new Map<string, LedgerEntry>();
  const write = (entry: LedgerEntry, named: LeaseToken | undefined): void => {
    const before = entries.get(entry.chargeId);
    entries.set(entry.chargeId, entry);
    onWrite(before, entry, named);
  };
  return {
    open(entry) {
      const standing = entries.get(entry.chargeId);
      if (standing !== undefined && standing.token !== entry.token)
        return { kind: "exists", entry: standing };
      if (standing === undefined) write(entry, undefined);
      return { kind: "opened" };
    },
    replace(previous, entry) {
      const standing = entries.get(entry.chargeId);
      if (standing?.token === entry.token) return { kind: "replaced" };
      if (standing?.token !== previous) return { kind: "lost" };
      write(entry, previous);
      return { kind: "replaced" };
    },
    read: (chargeIds) =>
      new Map(
        chargeIds.flatMap((chargeId) => {
          const entry = entries.get(chargeId);
          return entry === undefined ? [] : [[chargeId, entry] as const];
        }),
      ),
    reject() {},
    entryOf: (chargeId) => entries.get(chargeId),
  };
};
