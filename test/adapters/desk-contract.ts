import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type LedgerEntry, nextEntry, type OpenedEntry, type ReviewEntry } from "../../lib/core/ledger.ts";
import { recordDecision } from "../../lib/core/record-decision.ts";
import type { ReviewDecision } from "../../lib/core/review-decision.ts";
import { recordVerdict } from "../../lib/core/verdict.ts";
import type { DeskIndex, Ledger, WaitingReview } from "../../lib/ports.ts";
import { chargeMessage, openedEntry } from "../doubles/samples.ts";
import { sha256Of } from "../doubles/scripted-wire.ts";
import { seededIds } from "../doubles/seeded-ids.ts";

export type DeskSubject = {
  readonly ledger: Ledger;
  readonly desk: DeskIndex;
  /** Brings the list into the form in which it is read fast, where there is one: nobody may see a difference. */
  pack?(): Promise<unknown>;
  close?(): Promise<void>;
};

/** What every index of a review desk must do (lib/ports.ts). Run on the real adapter and on its double alike. */
export const deskContract = (name: string, make: () => Promise<DeskSubject>): void => {
  describe(`the desk's index: ${name}`, () => {
    let subject: DeskSubject;
    beforeAll(async () => {
      subject = await make();
    });
    afterAll(async () => {
      await subject.close?.();
    });

    const ids = seededIds(Math.floor(Math.random() * 2 ** 31));
    const startMs = Date.UTC(2026, 10, 22, 12);
    let charges = 0;
    const put = async (from: LedgerEntry, to: LedgerEntry): Promise<void> => {
      expect(await subject.ledger.replace(from.token, to)).toEqual({ kind: "replaced" });
    };
    const opened = async (): Promise<OpenedEntry> => {
      charges += 1;
      const entry = openedEntry(chargeMessage(`desk-${charges}`, { amount: String(100 + charges) }), ids);
      await subject.ledger.open(entry);
      return entry;
    };
    /** A charge that came to review so many seconds after the first moment. */
    const reviewed = async (seconds = 0): Promise<ReviewEntry> => {
      const entry = await opened();
      const review = recordVerdict(
        entry,
        {
          kind: "review",
          reason: "mismatch",
          evidence: { kind: "lookups", atMs: startMs, made: 1, failed: 0, lastSendAtMs: startMs },
        },
        { token: ids.leaseToken(), nowMs: startMs + seconds * 1_000 },
      ) as ReviewEntry;
      await put(entry, review);
      return review;
    };
    const waiting = async (untilMs?: number): Promise<readonly WaitingReview[]> => {
      const loose = await waitingNow(untilMs);
      await subject.pack?.();
      const packed = await waitingNow(untilMs);
      const byId = (a: WaitingReview, b: WaitingReview) => (a.chargeId < b.chargeId ? -1 : 1);
      expect(packed.toSorted(byId)).toEqual(loose.toSorted(byId));
      return packed;
    };
    /** The same, in a hurry and without, each charge once. */
    const waitingNow = async (untilMs?: number): Promise<readonly WaitingReview[]> => {
      const [{ rows: all, unreadable }, { rows: unhurried }] = [
        await subject.desk.waiting(untilMs),
        await subject.desk.waiting(untilMs, { isUnhurried: true, turn: async () => {} }),
      ];
      expect(unreadable).toEqual([]);
      const ids = all.map(({ chargeId }) => chargeId).sort();
      expect(unhurried.map(({ chargeId }) => chargeId).sort()).toEqual(ids);
      expect(new Set(ids).size).toBe(ids.length);
      return all;
    };
    const found = async ({ chargeId }: LedgerEntry, untilMs?: number): Promise<WaitingReview | undefined> =>
      (await waiting(untilMs)).find((one) => one.chargeId === chargeId);
    const decide = async (
      entry: ReviewEntry,
      decision: ReviewDecision,
      proposes = false,
    ): Promise<LedgerEntry> => {
      const effect =
        decision === "refund"
          ? ({ kind: "refund", refund: { gateway: entry.gateway, transactionId: "tx-1" } } as const)
          : decision === "drop"
            ? ({ kind: "drop" } as const)
            : ({ kind: "resend", requestId: entry.requestId, untilMs: startMs } as const);
      const { entry: next } = recordDecision(
        entry,
        { kind: proposes ? "proposes" : "decides", effect, why: "" },
        { decision, by: "Ann", reason: "so" },
        { says: "nothing", whole: true },
        { token: ids.leaseToken(), nowMs: startMs + 60_000, requestId: ids.requestId(), sha256: sha256Of },
      );
      await put(entry, next);
      return next;
    };

    test("has what came to review, with all that it is filtered and sorted by", async () => {
      const entry = await reviewed(5);
      expect(await found(entry)).toEqual({
        chargeId: entry.chargeId,
        gateway: "centrobill",
        reason: "mismatch",
        sinceMs: startMs + 5_000,
        amount: entry.amount,
        currency: "EUR",
      });
    });

    test("has nothing that is in other states", async () => {
      const entry = await opened();
      expect(await found(entry)).toBeUndefined();
      const next = nextEntry<OpenedEntry>(
        entry,
        { state: "opened", leaseUntilMs: 1 },
        {},
        { token: ids.leaseToken(), nowMs: 2 },
      );
      await put(entry, next);
      expect(await found(next)).toBeUndefined();
    });

    test("shows a proposal, and a refund that is decided", async () => {
      const entry = await reviewed();
      await decide(entry, "resend", true);
      expect(await found(entry)).toMatchObject({ mark: { e: "proposed", decision: "resend" } });
      const other = await reviewed();
      await decide(other, "refund");
      expect(await found(other)).toMatchObject({ mark: { e: "decided", decision: "refund" } });
    });

    test("forgets what was dropped, and what left review", async () => {
      for (const decision of ["drop", "resend"] as const) {
        const entry = await reviewed();
        await waiting();
        await decide(entry, decision);
        expect(await found(entry), decision).toBeUndefined();
      }
    });

    test("follows a charge through proposal, refund and back into review", async () => {
      const entry = await reviewed();
      await waiting();
      const proposed = (await decide(entry, "refund", true)) as ReviewEntry;
      expect(await found(proposed)).toMatchObject({ mark: { e: "proposed", decision: "refund" } });
      const refunded = (await decide(proposed, "refund")) as ReviewEntry;
      expect(await found(refunded)).toMatchObject({ mark: { e: "decided", decision: "refund" } });
      const sent = await decide(refunded, "resend");
      expect(await found(sent)).toBeUndefined();
      const back = recordVerdict(
        sent as OpenedEntry,
        {
          kind: "review",
          reason: "absent",
          evidence: { kind: "lookups", atMs: startMs, made: 1, failed: 0, lastSendAtMs: startMs },
        },
        { token: ids.leaseToken(), nowMs: startMs + 90_000 },
      );
      await put(sent, back);
      const row = await found(back);
      expect(row).toMatchObject({ reason: "absent", sinceMs: startMs + 90_000 });
      expect(row).not.toHaveProperty("mark");
    });

    test("a write over a version that is not the last one changes nothing in it", async () => {
      const entry = await reviewed();
      await waiting();
      const proposed = (await decide(entry, "resend", true)) as ReviewEntry;
      const late = { ...entry, token: ids.leaseToken(), droppedAtMs: startMs } as ReviewEntry;
      expect(await subject.ledger.replace(entry.token, late)).toEqual({ kind: "lost" });
      expect(await found(proposed)).toMatchObject({ mark: { decision: "resend" } });
    });

    test("forgets each of several that leave at once", async () => {
      const entries = [await reviewed(), await reviewed(), await reviewed()];
      await waiting();
      await Promise.all(entries.map((entry) => decide(entry, "drop")));
      for (const entry of entries) expect(await found(entry)).toBeUndefined();
    });

    test("of those that have waited since a moment or longer", async () => {
      const entry = await reviewed(100);
      expect(await found(entry, startMs + 100_000)).toBeDefined();
      expect(await found(entry, startMs + 99_999)).toBeUndefined();
    });

    test("of more than a page", async () => {
      const before = (await waiting()).length;
      await Promise.all(Array.from({ length: 300 }, (_, n) => reviewed(n)));
      expect(await waiting()).toHaveLength(before + 300);
    });
  });
};
