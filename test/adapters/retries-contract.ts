import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ChargeId, LeaseToken } from "../../lib/core/charge.ts";
import type { LedgerEntry } from "../../lib/core/ledger.ts";
import type { RetryRecord } from "../../lib/core/retry-record.ts";
import type { Ledger, RetryBook, RetryReleaser } from "../../lib/ports.ts";
import { final, waiting } from "../core/builders.ts";

export type RetriesSubject = {
  readonly retries: RetryBook & Pick<RetryReleaser, "due" | "release">;
  readonly ledger: Pick<Ledger, "open" | "read">;
  close?(): Promise<void>;
};

/** What every `RetryBook` must do (lib/ports.ts). Run on the real adapter and on its double alike. */
export const retriesContract = (name: string, make: () => Promise<RetriesSubject>): void => {
  describe(`the retries contract: ${name}`, () => {
    let subject: RetriesSubject;
    beforeAll(async () => {
      subject = await make();
    });
    afterAll(async () => {
      await subject.close?.();
    });
    let made = 0;
    const token = (): LeaseToken => `t${made++}` as LeaseToken;
    const record = (chargeId: string, dueMs: number, changes: Partial<RetryRecord> = {}): RetryRecord => ({
      v: 1,
      chargeId: chargeId as ChargeId,
      gateway: "centrobill",
      token: token(),
      state: "scheduled",
      attempt: 1,
      dueMs,
      decisions: [],
      ...changes,
    });

    test("a record is read as it was written, and replaced by whoever names its version", async () => {
      const first = record("r-1", 5);
      const second = record("r-1", 6);
      expect(await subject.retries.read(first.chargeId)).toBeUndefined();
      expect(await subject.retries.replace(token(), first)).toEqual({ kind: "lost" });
      expect(await subject.retries.replace(undefined, first)).toEqual({ kind: "replaced" });
      expect(await subject.retries.replace(undefined, second)).toEqual({ kind: "lost" });
      expect(await subject.retries.read(first.chargeId)).toEqual(first);
      expect(await subject.retries.replace(first.token, second)).toEqual({ kind: "replaced" });
      // Its own write, sent once more.
      expect(await subject.retries.replace(first.token, second)).toEqual({ kind: "replaced" });
      expect(await subject.retries.read(first.chargeId)).toEqual(second);
    });

    test("a release writes the entry and its record, each over the version that is named, or neither", async () => {
      const entry = { ...final("declined_retryable"), chargeId: "r-2" as ChargeId, token: token() };
      const before = record("r-2", 5);
      await subject.ledger.open(entry);
      await subject.retries.replace(undefined, before);
      const next: LedgerEntry = { ...waiting(), chargeId: entry.chargeId, token: token() };
      const after = record("r-2", 5);
      const stand = async () => [
        (await subject.ledger.read([entry.chargeId])).get(entry.chargeId),
        await subject.retries.read(entry.chargeId),
      ];
      const release = (previous: Partial<{ entry: LeaseToken; record: LeaseToken }>) =>
        subject.retries.release({ entry: entry.token, record: before.token, ...previous }, next, after);
      expect(await release({ entry: token() })).toEqual({ kind: "lost" });
      expect(await release({ record: token() })).toEqual({ kind: "lost" });
      expect(await stand()).toEqual([entry, before]);
      expect(await release({})).toEqual({ kind: "released" });
      expect(await stand()).toEqual([next, after]);
      // Its own write, sent once more.
      expect(await release({})).toEqual({ kind: "released" });
      expect(await stand()).toEqual([next, after]);
      expect(await subject.retries.replace(before.token, before)).toEqual({ kind: "lost" });
    });

    test("what is due comes in the order of its moment, and what is not does not", async () => {
      const moments = [1_005, 1_001, 1_004, 1_002, 1_003, 1_009];
      for (const dueMs of moments) await subject.retries.replace(undefined, record(`due-${dueMs}`, dueMs));
      const due = (byMs: number, most: number) => subject.retries.due(byMs, most);
      expect((await due(1_005, 100)).filter((id) => id.startsWith("due"))).toEqual(
        [1_001, 1_002, 1_003, 1_004, 1_005].map((dueMs) => `due-${dueMs}`),
      );
      expect(await due(2_000, 2)).toHaveLength(2);
      const ended = record("due-1001", 1_001, { state: "ended", attempt: 1 });
      const standing = await subject.retries.read(ended.chargeId);
      await subject.retries.replace(standing?.token, ended);
      expect(await due(1_005, 100)).not.toContain("due-1001");
    });
  });
};
