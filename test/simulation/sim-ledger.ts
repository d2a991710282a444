import type { ChargeId, LeaseToken } from "../../lib/core/charge.ts";
import type { InstrumentChange, InstrumentKey, InstrumentRecord } from "../../lib/core/instrument-record.ts";
import type { LedgerEntry, Rejection } from "../../lib/core/ledger.ts";
import { type SentMark, sentAtMsOf } from "../../lib/core/sent-page.ts";

/** The ledger's table: conditional writes, one at a time, as DynamoDB takes them for one item. */
export type SimTable = {
  open(entry: LedgerEntry): { kind: "opened" } | { kind: "exists"; entry: LedgerEntry };
  replace(previous: LeaseToken, entry: LedgerEntry): { kind: "replaced" } | { kind: "lost" };
  read(chargeIds: readonly ChargeId[]): ReadonlyMap<ChargeId, LedgerEntry>;
  reject(rejection: Rejection): void;
  entryOf(chargeId: string): LedgerEntry | undefined;
  /** writes the page that names a charge */
  list(mark: SentMark): void;
  /** what stands on pages */
  marks(): readonly SentMark[];
  /** whether a page names the charge at the moment that its entry says */
  isListed(entry: LedgerEntry): boolean;
  readonly instruments: {
    read(key: InstrumentKey): InstrumentRecord | undefined;
    open(entry: LedgerEntry, change: InstrumentChange): ReturnType<SimTable["open"]> | { kind: "contended" };
    replace(
      previous: LeaseToken,
      entry: LedgerEntry,
      change: InstrumentChange,
    ): ReturnType<SimTable["replace"]> | { kind: "contended" };
  };
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
  /** of each charge, by the moment */
  const marks = new Map<string, Map<number, SentMark>>();
  const instruments = new Map<string, InstrumentRecord>();
  const nameOf = ({ merchant, ref }: InstrumentKey): string => JSON.stringify([merchant, ref]);
  const isContended = ({ previous, record }: InstrumentChange): boolean =>
    instruments.get(nameOf(record))?.token !== previous;
  const open: SimTable["open"] = (entry) => {
    const standing = entries.get(entry.chargeId);
    if (standing !== undefined && standing.token !== entry.token) return { kind: "exists", entry: standing };
    if (standing === undefined) write(entry, undefined);
    return { kind: "opened" };
  };
  const replace: SimTable["replace"] = (previous, entry) => {
    const standing = entries.get(entry.chargeId);
    if (standing?.token === entry.token) return { kind: "replaced" };
    if (standing?.token !== previous) return { kind: "lost" };
    write(entry, previous);
    return { kind: "replaced" };
  };
  return {
    open,
    replace,
    instruments: {
      read: (key) => instruments.get(nameOf(key)),
      // One after the other, and nothing between: a transaction.
      open(entry, change) {
        if (!entries.has(entry.chargeId)) {
          if (isContended(change)) return { kind: "contended" };
          instruments.set(nameOf(change.record), change.record);
        }
        return open(entry);
      },
      replace(previous, entry, change) {
        if (entries.get(entry.chargeId)?.token === previous) {
          if (isContended(change)) return { kind: "contended" };
          instruments.set(nameOf(change.record), change.record);
        }
        return replace(previous, entry);
      },
    },
    read(chargeIds) {
      const found = new Map<ChargeId, LedgerEntry>();
      for (const chargeId of chargeIds) {
        const entry = entries.get(chargeId);
        if (entry !== undefined) found.set(chargeId, entry);
      }
      return found;
    },
    reject() {},
    entryOf: (chargeId) => entries.get(chargeId),
    list(mark) {
      const ofCharge = marks.get(mark.chargeId);
      if (ofCharge === undefined) marks.set(mark.chargeId, new Map([[mark.atMs, mark]]));
      else ofCharge.set(mark.atMs, mark);
    },
    marks: () => [...marks.values()].flatMap((ofCharge) => [...ofCharge.values()]),
    isListed: (entry) => marks.get(entry.chargeId)?.has(sentAtMsOf(entry)) === true,
  };
};
