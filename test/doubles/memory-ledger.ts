import { CallFailed } from "../../lib/adapters/deadline.ts";
import { entryOfItem } from "../../lib/adapters/ledger-item.ts";
import type { ChargeId } from "../../lib/core/charge.ts";
import type { InstrumentChange, InstrumentKey, InstrumentRecord } from "../../lib/core/instrument-record.ts";
import type { LedgerEntry, Rejection } from "../../lib/core/ledger.ts";
import { type SentMark, sentMarkOf } from "../../lib/core/sent-page.ts";
import type { InstrumentBook, Ledger, SentCharges } from "../../lib/ports.ts";
import { sentChargesOf } from "./memory-sent-charges.ts";

/** What the real adapter throws under this name, without its SDK. */
export class LedgerUnavailable extends CallFailed {
  override readonly name = "LedgerUnavailable";
}

/** A call as it reaches the ledger. */
export type LedgerCall = {
  /** `list`: the page that names a charge of which a lease was taken */
  readonly op: keyof Ledger | "instrument" | "list";
  readonly chargeIds: readonly ChargeId[];
  /** what a write would write */
  readonly entry?: LedgerEntry;
};

/**
 * What goes wrong with a call: nothing was done (`before`); it was done and nobody was told (`after`); it was
 * done, the answer was lost, and the client sent the same call once more by itself (`again`).
 */
export type LedgerFault = "before" | "after" | "again";

export type MemoryLedgerOptions = {
  /** Asked before each call takes hold; what it throws, the call throws, with nothing done. */
  readonly fault?: (call: LedgerCall) => LedgerFault | undefined | Promise<LedgerFault | undefined>;
  /** Called after a call took hold; what it throws, the call throws. */
  readonly done?: (call: LedgerCall) => void | Promise<void>;
};

export type MemoryLedger = Ledger & {
  /** writes through the same items, calls and faults */
  readonly instruments: InstrumentBook;
  readonly sentCharges: SentCharges;
  /** calls that arrived, refused conditions among them; a page comes with the write that it belongs to */
  readonly calls: readonly LedgerCall[];
  entryOf(chargeId: string): LedgerEntry | undefined;
  entries(): LedgerEntry[];
  rejections(): Rejection[];
  /** every version of an entry that was ever written, in order */
  versionsOf(chargeId: string): LedgerEntry[];
  /** puts any text in an entry's place, as another version of the software might have written it */
  plant(chargeId: string, text: string): void;
  /** what goes wrong from now on; replaces the option */
  failBy(fault: MemoryLedgerOptions["fault"]): void;
};

/** The ledger in memory: the same conditions and tokens as the DynamoDB adapter, held to the same contract. */
export const memoryLedger = (options: MemoryLedgerOptions = {}): MemoryLedger => {
  // As text, so that nothing is shared with the caller and only what JSON keeps is kept.
  const items = new Map<string, string>();
  const rejected = new Map<string, string>();
  const versions = new Map<string, string[]>();
  const calls: LedgerCall[] = [];
  let fault = options.fault;

  const read = (chargeId: string): LedgerEntry | undefined => {
    const text = items.get(chargeId);
    return text === undefined
      ? undefined
      : entryOfItem({ pk: { S: `charge#${chargeId}` }, entry: { S: text } });
  };

  const write = (entry: LedgerEntry): void => {
    const text = JSON.stringify(entry);
    items.set(entry.chargeId, text);
    const before = versions.get(entry.chargeId);
    if (before === undefined) versions.set(entry.chargeId, [text]);
    else before.push(text);
  };

  const run = async <T>(call: LedgerCall, act: () => T): Promise<T> => {
    const wrong = await fault?.(call);
    calls.push(call);
    if (wrong === "before") throw new LedgerUnavailable(`${call.op}: nothing was done`);
    let answer = act();
    if (wrong === "again") answer = act();
    await options.done?.(call);
    if (wrong === "after") throw new LedgerUnavailable(`${call.op}: done, and nobody was told`);
    return answer;
  };

  const marks: SentMark[] = [];
  /** Nobody is told of a lease before the page that names its charge stands. */
  const listed = async <T extends { readonly kind: string }>(entry: LedgerEntry, answer: T): Promise<T> => {
    const mark = sentMarkOf(entry);
    if (mark === undefined || (answer.kind !== "opened" && answer.kind !== "replaced")) return answer;
    const wrong = await fault?.({ op: "list", chargeIds: [entry.chargeId] });
    if (wrong === "before") throw new LedgerUnavailable("list: nothing was done");
    marks.push(mark);
    if (wrong === "after") throw new LedgerUnavailable("list: done, and nobody was told");
    return answer;
  };

  const instrumentTexts = new Map<string, string>();
  const nameOf = ({ merchant, ref }: InstrumentKey): string => JSON.stringify([merchant, ref]);
  const instrument = (key: InstrumentKey): InstrumentRecord | undefined => {
    const text = instrumentTexts.get(nameOf(key));
    return text === undefined ? undefined : (JSON.parse(text) as InstrumentRecord);
  };
  const isContended = ({ previous, record }: InstrumentChange): boolean =>
    instrument(record)?.token !== previous;
  const keep = ({ record }: InstrumentChange): void => {
    instrumentTexts.set(nameOf(record), JSON.stringify(record));
  };
  const instruments: InstrumentBook = {
    read: (key) => run({ op: "instrument", chargeIds: [] }, () => instrument(key)),
    open: async (entry, change) =>
      listed(
        entry,
        await run<Awaited<ReturnType<InstrumentBook["open"]>>>(
          { op: "open", chargeIds: [entry.chargeId], entry },
          () => {
            const standing = read(entry.chargeId);
            if (standing !== undefined)
              return standing.token === entry.token
                ? { kind: "opened" }
                : { kind: "exists", entry: standing };
            if (isContended(change)) return { kind: "contended" };
            write(entry);
            keep(change);
            return { kind: "opened" };
          },
        ),
      ),
    replace: async (previous, entry, change) =>
      listed(
        entry,
        await run<Awaited<ReturnType<InstrumentBook["replace"]>>>(
          { op: "replace", chargeIds: [entry.chargeId], entry },
          () => {
            const standing = read(entry.chargeId);
            if (standing?.token === entry.token) return { kind: "replaced" };
            if (standing?.token !== previous) return { kind: "lost" };
            if (isContended(change)) return { kind: "contended" };
            write(entry);
            keep(change);
            return { kind: "replaced" };
          },
        ),
      ),
  };

  return {
    calls,
    instruments,
    open: async (entry) =>
      listed(
        entry,
        await run<Awaited<ReturnType<Ledger["open"]>>>(
          { op: "open", chargeIds: [entry.chargeId], entry },
          () => {
            const standing = read(entry.chargeId);
            if (standing === undefined) write(entry);
            return standing === undefined || standing.token === entry.token
              ? { kind: "opened" }
              : { kind: "exists", entry: standing };
          },
        ),
      ),
    replace: async (previous, entry) =>
      listed(
        entry,
        await run<Awaited<ReturnType<Ledger["replace"]>>>(
          { op: "replace", chargeIds: [entry.chargeId], entry },
          () => {
            const standing = read(entry.chargeId);
            if (standing?.token === entry.token) return { kind: "replaced" };
            if (standing?.token !== previous) return { kind: "lost" };
            write(entry);
            return { kind: "replaced" };
          },
        ),
      ),
    read: (chargeIds) =>
      run({ op: "read", chargeIds }, () => {
        const entries = new Map<ChargeId, LedgerEntry>();
        for (const chargeId of chargeIds) {
          const entry = read(chargeId);
          if (entry !== undefined) entries.set(chargeId, entry);
        }
        return entries;
      }),
    reject: (rejection) =>
      run({ op: "reject", chargeIds: rejection.chargeId === undefined ? [] : [rejection.chargeId] }, () => {
        const key = `${rejection.chargeId ?? ""} ${rejection.bodySha256}`;
        if (!rejected.has(key)) rejected.set(key, JSON.stringify(rejection));
      }),
    sentCharges: sentChargesOf(
      () => marks,
      (chargeId) => items.get(chargeId),
    ),
    entryOf: read,
    entries: () => [...items.keys()].flatMap((chargeId) => read(chargeId) ?? []),
    rejections: () => [...rejected.values()].map((text) => JSON.parse(text) as Rejection),
    versionsOf: (chargeId) => (versions.get(chargeId) ?? []).map((text) => JSON.parse(text) as LedgerEntry),
    plant: (chargeId, text) => void items.set(chargeId, text),
    failBy: (next) => {
      fault = next;
    },
  };
};
