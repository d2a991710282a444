import type { ChargeId } from "../../lib/core/charge.ts";
import type { NotedNotice, Notice } from "../../lib/core/notice.ts";
import type { NoticeBook } from "../../lib/ports.ts";
import { LedgerUnavailable } from "./memory-ledger.ts";

export type MemoryNotices = NoticeBook & {
  kept(): readonly Notice[];
  notedOf(chargeId: string): readonly NotedNotice[];
  /** what goes wrong from now on: these calls throw, with nothing done */
  failBy(fails: (op: keyof NoticeBook) => boolean): void;
};

/** The notices in memory, held to the same contract as the DynamoDB adapter. */
export const memoryNotices = (): MemoryNotices => {
  const kept = new Map<string, Map<string, string>>();
  const refers = new Map<string, ChargeId>();
  const noted = new Map<string, string>();
  let fails: (op: keyof NoticeBook) => boolean = () => false;
  const run = async <T>(op: keyof NoticeBook, act: () => T): Promise<T> => {
    if (fails(op)) throw new LedgerUnavailable(`${op}: nothing was done`);
    return act();
  };
  return {
    keep: (notice) =>
      run("keep", () => {
        const name = `${notice.gateway} ${notice.reference}`;
        const under = kept.get(name) ?? new Map<string, string>();
        kept.set(name, under);
        if (!under.has(notice.id)) under.set(notice.id, JSON.stringify(notice));
      }),
    refer: (gateway, reference, chargeId) =>
      run("refer", () => {
        const name = `${gateway} ${reference}`;
        if (!refers.has(name)) refers.set(name, chargeId);
      }),
    read: (gateway, reference) =>
      run("read", () => {
        const name = `${gateway} ${reference}`;
        const chargeId = refers.get(name);
        return {
          notices: [...(kept.get(name)?.values() ?? [])].map((text) => JSON.parse(text) as Notice),
          ...(chargeId === undefined ? {} : { chargeId }),
        };
      }),
    note: (one) =>
      run("note", () => {
        const name = `${one.chargeId} ${one.id}`;
        const standing = noted.get(name);
        if (standing === undefined) noted.set(name, JSON.stringify(one));
        return standing === undefined ? one : (JSON.parse(standing) as NotedNotice);
      }),
    kept: () =>
      [...kept.values()].flatMap((under) => [...under.values()].map((text) => JSON.parse(text) as Notice)),
    notedOf: (chargeId) =>
      [...noted.values()]
        .map((text) => JSON.parse(text) as NotedNotice)
        .filter((one) => one.chargeId === chargeId),
    failBy(next) {
      fails = next;
    },
  };
};
