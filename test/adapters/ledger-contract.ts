import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ChargeId, LeaseToken } from "../../lib/core/charge.ts";
import type { LedgerEntry, OpenedEntry, Rejection } from "../../lib/core/ledger.ts";
import { recordVerdict } from "../../lib/core/verdict.ts";
import type { Ledger } from "../../lib/ports.ts";
import { chargeMessage, openedEntry } from "../doubles/samples.ts";
import { seededIds } from "../doubles/seeded-ids.ts";

/** A ledger under test, and what the suite has to do to it from outside. */
export type LedgerSubject = {
  readonly ledger: Ledger;
  /** the same ledger for a client whose next write takes hold, loses its answer and is sent once more */
  losesAnAnswer(): Ledger;
  /** puts a text where the charge's entry stands */
  plant(chargeId: ChargeId, text: string): Promise<void>;
  rejectionsOf(chargeId: ChargeId): Promise<readonly Rejection[]>;
  close?(): Promise<void>;
};

/** What every `Ledger` must do (lib/ports.ts). Run on the real adapter and on its double alike. */
export const ledgerContract = (name: string, make: () => Promise<LedgerSubject>): void => {
  describe(`the ledger contract: ${name}`, () => {
    let subject: LedgerSubject;
    beforeAll(async () => {
      subject = await make();
    });
    afterAll(async () => {
      await subject.close?.();
    });

    // One table serves all tests: each has charges of its own.
    const run = Math.random().toString(36).slice(2, 8);
    const ids = seededIds(Math.floor(Math.random() * 2 ** 31));
    let charges = 0;
    const opened = (chargeId = `contract-${run}-${charges++}`): OpenedEntry =>
      openedEntry(chargeMessage(chargeId), ids);
    const settled = (entry: OpenedEntry): LedgerEntry =>
      recordVerdict(
        entry,
        {
          kind: "settle",
          state: "approved",
          ending: { code: "0" },
          evidence: { kind: "reply", atMs: entry.openedAtMs + 300, status: 201, bodySha256: "9f".repeat(32) },
        },
        { token: ids.leaseToken(), nowMs: entry.openedAtMs + 300 },
      );
    const standing = async ({ chargeId }: LedgerEntry): Promise<LedgerEntry | undefined> =>
      (await subject.ledger.read([chargeId])).get(chargeId);

    describe("open", () => {
      test("writes a new charge's entry whole", async () => {
        const entry = opened();
        expect(await subject.ledger.open(entry)).toEqual({ kind: "opened" });
        expect(await standing(entry)).toEqual(entry);
      });

      test("gives back the entry that stands, and leaves it as it is", async () => {
        const first = opened();
        const second = opened(first.chargeId);
        await subject.ledger.open(first);
        expect(await subject.ledger.open(second)).toEqual({ kind: "exists", entry: first });
        expect(await standing(first)).toEqual(first);
      });

      test("gives back what stands in any later state", async () => {
        const first = opened();
        const approved = settled(first);
        await subject.ledger.open(first);
        await subject.ledger.replace(first.token, approved);
        expect(await subject.ledger.open(opened(first.chargeId))).toEqual({
          kind: "exists",
          entry: approved,
        });
      });

      test("of twenty racers exactly one opens, and the others are shown its entry", async () => {
        const first = opened();
        const racers = [first, ...Array.from({ length: 19 }, () => opened(first.chargeId))];
        const answers = await Promise.all(racers.map((entry) => subject.ledger.open(entry)));
        const winners = racers.filter((_, index) => answers[index]?.kind === "opened");
        expect(winners).toHaveLength(1);
        const losers = answers.filter((answer) => answer.kind === "exists");
        expect(losers.map((answer) => answer.entry.token)).toEqual(
          Array.from({ length: 19 }, () => winners[0]?.token),
        );
      });

      test("recognises its own write when the answer was lost and it is sent again", async () => {
        const entry = opened();
        expect(await subject.losesAnAnswer().open(entry)).toEqual({ kind: "opened" });
        expect(await standing(entry)).toEqual(entry);
      });

      test("does not take another's write for its own when its own answer was lost", async () => {
        const first = opened();
        await subject.ledger.open(first);
        expect(await subject.losesAnAnswer().open(opened(first.chargeId))).toEqual({
          kind: "exists",
          entry: first,
        });
      });
    });

    describe("replace", () => {
      test("with the standing token writes the next entry whole", async () => {
        const first = opened();
        const next = settled(first);
        await subject.ledger.open(first);
        expect(await subject.ledger.replace(first.token, next)).toEqual({ kind: "replaced" });
        expect(await standing(first)).toEqual(next);
      });

      test("with another token writes nothing (S7)", async () => {
        const first = opened();
        await subject.ledger.open(first);
        expect(await subject.ledger.replace(ids.leaseToken(), settled(first))).toEqual({ kind: "lost" });
        expect(await standing(first)).toEqual(first);
      });

      test("with a token that was good once writes nothing", async () => {
        const first = opened();
        const second = settled(first);
        await subject.ledger.open(first);
        await subject.ledger.replace(first.token, second);
        expect(await subject.ledger.replace(first.token, settled(first))).toEqual({ kind: "lost" });
        expect(await standing(first)).toEqual(second);
      });

      test("of a charge without an entry writes nothing", async () => {
        const never = opened();
        expect(await subject.ledger.replace(never.token, settled(never))).toEqual({ kind: "lost" });
        expect(await standing(never)).toBeUndefined();
      });

      test("of twenty racers with the same token exactly one writes", async () => {
        const first = opened();
        await subject.ledger.open(first);
        const racers = Array.from({ length: 20 }, () => settled(first));
        const answers = await Promise.all(racers.map((entry) => subject.ledger.replace(first.token, entry)));
        const winners = racers.filter((_, index) => answers[index]?.kind === "replaced");
        expect(winners).toHaveLength(1);
        expect((await standing(first))?.token).toBe(winners[0]?.token);
      });

      test("recognises its own write when the answer was lost and it is sent again", async () => {
        const first = opened();
        const next = settled(first);
        await subject.ledger.open(first);
        expect(await subject.losesAnAnswer().replace(first.token, next)).toEqual({ kind: "replaced" });
        expect(await standing(first)).toEqual(next);
      });

      test("an empty token fits nothing", async () => {
        const first = opened();
        await subject.ledger.open(first);
        expect(await subject.ledger.replace("" as LeaseToken, settled(first))).toEqual({ kind: "lost" });
      });
    });

    describe("read", () => {
      test("of no charge is empty", async () => {
        expect(await subject.ledger.read([])).toEqual(new Map());
      });

      test("of one", async () => {
        const entry = opened();
        await subject.ledger.open(entry);
        expect(await subject.ledger.read([entry.chargeId])).toEqual(new Map([[entry.chargeId, entry]]));
      });

      test("of 250, with some that are not there and some named twice", async () => {
        const entries = Array.from({ length: 250 }, () => opened());
        const missing = Array.from({ length: 50 }, () => opened());
        await Promise.all(entries.map((entry) => subject.ledger.open(entry)));
        const asked = [...missing, ...entries, ...entries.slice(0, 30)].map(({ chargeId }) => chargeId);
        const read = await subject.ledger.read(asked);
        expect(read.size).toBe(250);
        expect([...read.values()].map(({ token }) => token).sort()).toEqual(
          entries.map(({ token }) => token).sort(),
        );
        expect(missing.some(({ chargeId }) => read.has(chargeId))).toBe(false);
      });

      test("sees a write at once", async () => {
        let entry: LedgerEntry = opened();
        await subject.ledger.open(entry);
        for (let version = 0; version < 10; version++) {
          const next: LedgerEntry = { ...entry, token: ids.leaseToken(), lookups: version };
          await subject.ledger.replace(entry.token, next);
          expect((await standing(next))?.lookups).toBe(version);
          entry = next;
        }
      });
    });

    describe("many at once", () => {
      test("each opened for itself: what is new opens, what stands is shown as it stands", async () => {
        const entries = Array.from({ length: 60 }, () => opened());
        const standing = entries.filter((_, nth) => nth % 3 === 0).map(settled);
        for (const entry of standing) await subject.ledger.open(entry);
        const again = entries.map(({ chargeId }) => opened(chargeId));
        expect(await Promise.all(again.map((entry) => subject.ledger.open(entry)))).toEqual(
          again.map((_, nth) =>
            nth % 3 === 0 ? { kind: "exists", entry: standing[nth / 3] } : { kind: "opened" },
          ),
        );
      });

      test("each replaced for itself, by its own token (S7)", async () => {
        const entries = Array.from({ length: 60 }, () => opened());
        await Promise.all(entries.map((entry) => subject.ledger.open(entry)));
        const next = entries.map(settled);
        const never = settled(opened());
        const tokens = entries.map(({ token }, nth) => (nth % 4 === 0 ? ids.leaseToken() : token));
        const answers = await Promise.all([
          ...next.map((entry, nth) => subject.ledger.replace(tokens[nth] as LeaseToken, entry)),
          subject.ledger.replace(ids.leaseToken(), never),
        ]);
        expect(answers.map(({ kind }) => kind)).toEqual([
          ...next.map((_, nth) => (nth % 4 === 0 ? "lost" : "replaced")),
          "lost",
        ]);
        const read = await subject.ledger.read([...next, never].map(({ chargeId }) => chargeId));
        expect(read).toEqual(
          new Map(next.map((entry, nth) => [entry.chargeId, nth % 4 === 0 ? entries[nth] : entry])),
        );
      });

      test("opened and replaced together", async () => {
        const standing = Array.from({ length: 10 }, () => opened());
        await Promise.all(standing.map((entry) => subject.ledger.open(entry)));
        const answers = await Promise.all([
          ...standing.map((entry) => subject.ledger.replace(entry.token, settled(entry))),
          ...Array.from({ length: 10 }, () => subject.ledger.open(opened())),
        ]);
        expect(answers.map(({ kind }) => kind)).toEqual([
          ...Array.from({ length: 10 }, () => "replaced"),
          ...Array.from({ length: 10 }, () => "opened"),
        ]);
      });

      test("an answer that is lost to all of them: each knows its own write, and takes no other's for it", async () => {
        const [first, second] = [opened(), opened()];
        await subject.ledger.open(first);
        const entries = [first, second, opened()].map(({ chargeId }) => opened(chargeId));
        const ledger = subject.losesAnAnswer();
        expect(await Promise.all(entries.map((entry) => ledger.open(entry)))).toEqual([
          { kind: "exists", entry: first },
          { kind: "opened" },
          { kind: "opened" },
        ]);
        const again = subject.losesAnAnswer();
        expect(await Promise.all(entries.map((entry) => again.replace(entry.token, settled(entry))))).toEqual(
          [{ kind: "lost" }, { kind: "replaced" }, { kind: "replaced" }],
        );
      });

      test("a charge that leaves the index and comes back", async () => {
        const entries = Array.from({ length: 4 }, () => opened());
        const unknown = entries.map((entry): LedgerEntry => {
          const { leaseUntilMs: _lease, ...rest } = entry;
          return {
            ...rest,
            state: "unknown",
            reason: "no_answer",
            nextAtMs: entry.openedAtMs + 60_000,
            nextAct: "lookUp",
            token: ids.leaseToken(),
          };
        });
        const after = entries.map((entry): LedgerEntry => ({ ...entry, token: ids.leaseToken() }));
        const last = unknown.map((entry): LedgerEntry => ({ ...entry, token: ids.leaseToken() }));
        await Promise.all(entries.map((entry) => subject.ledger.open(entry)));
        let before: readonly LedgerEntry[] = entries;
        for (const next of [unknown, after, last]) {
          const tokens = before.map(({ token }) => token);
          const answers = await Promise.all(
            next.map((entry, nth) => subject.ledger.replace(tokens[nth] as LeaseToken, entry)),
          );
          expect(answers).toEqual(next.map(() => ({ kind: "replaced" })));
          expect(await standing(next[0] as LedgerEntry)).toEqual(next[0]);
          before = next;
        }
      });
    });

    describe("an entry that this code cannot read", () => {
      test.each([
        ["of a later version", JSON.stringify({ v: 2, chargeId: "x" })],
        ["that is no JSON", "{"],
        ["that is null", "null"],
      ])("%s is an error that names the charge, wherever it is met", async (_, text) => {
        const entry = opened();
        await subject.plant(entry.chargeId, text);
        const error = { name: "UnreadableItem", message: expect.stringContaining(entry.chargeId) };
        await expect(subject.ledger.open(entry)).rejects.toMatchObject(error);
        await expect(subject.ledger.read([entry.chargeId])).rejects.toMatchObject(error);
      });
    });

    describe("reject", () => {
      const rejectionOf = (entry: LedgerEntry): Rejection => ({
        v: 1,
        bodySha256: entry.fingerprint,
        chargeId: entry.chargeId,
        code: "conflicting_duplicate",
        problems: [{ field: "chargeId", must: "be new" }],
        atMs: entry.openedAtMs,
      });

      test("keeps the refused message beside its charge's entry", async () => {
        const entry = opened();
        const rejection = rejectionOf(entry);
        await subject.ledger.open(entry);
        await subject.ledger.reject(rejection);
        expect(await subject.rejectionsOf(entry.chargeId)).toEqual([rejection]);
        expect(await standing(entry)).toEqual(entry);
      });

      test("a second time, later, changes nothing", async () => {
        const rejection = rejectionOf(opened());
        await subject.ledger.reject(rejection);
        await subject.losesAnAnswer().reject({ ...rejection, atMs: rejection.atMs + 60_000 });
        expect(await subject.rejectionsOf(rejection.chargeId as ChargeId)).toEqual([rejection]);
      });

      test("of another text is another rejection", async () => {
        const rejection = rejectionOf(opened());
        const other = { ...rejection, bodySha256: "0".repeat(64) };
        await subject.ledger.reject(rejection);
        await subject.ledger.reject(other);
        expect(await subject.rejectionsOf(rejection.chargeId as ChargeId)).toHaveLength(2);
      });

      test("takes a message that has no charge id, and is no charge", async () => {
        const { chargeId, ...nameless } = rejectionOf(opened());
        await subject.ledger.reject(nameless);
        expect(await subject.ledger.read([chargeId as ChargeId])).toEqual(new Map());
      });

      test("does not stand in the way of a charge that comes later under the same id", async () => {
        const entry = opened();
        await subject.ledger.reject(rejectionOf(entry));
        expect(await subject.ledger.open(entry)).toEqual({ kind: "opened" });
      });
    });
  });
};
