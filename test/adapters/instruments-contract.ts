import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { InstrumentChange, InstrumentRecord } from "../../lib/core/instrument-record.ts";
import { leaseEntry, type OpenedEntry } from "../../lib/core/ledger.ts";
import { recordVerdict } from "../../lib/core/verdict.ts";
import type { InstrumentBook, Ledger } from "../../lib/ports.ts";
import { chargeMessage, openedEntry } from "../doubles/samples.ts";
import { seededIds } from "../doubles/seeded-ids.ts";

export type InstrumentsSubject = {
  readonly ledger: Ledger;
  readonly instruments: InstrumentBook;
  /** the same book for a client whose next write takes hold, loses its answer and is sent once more */
  losesAnAnswer(): InstrumentBook;
  close?(): Promise<void>;
};

/** What every `InstrumentBook` must do (lib/ports.ts). Run on the real adapter and on its double alike. */
export const instrumentsContract = (name: string, make: () => Promise<InstrumentsSubject>): void => {
  describe(`the instruments contract: ${name}`, () => {
    let subject: InstrumentsSubject;
    beforeAll(async () => {
      subject = await make();
    });
    afterAll(async () => {
      await subject.close?.();
    });

    const run = Math.random().toString(36).slice(2, 8);
    const ids = seededIds(Math.floor(Math.random() * 2 ** 31));
    let made = 0;
    const opened = (): OpenedEntry => openedEntry(chargeMessage(`instrument-${run}-${made++}`), ids);
    const key = () => ({ merchant: "all", ref: `card-${run}-${made++}` });
    const changeOf = (
      { merchant, ref }: { merchant: string; ref: string },
      before?: InstrumentRecord,
      entry?: OpenedEntry,
    ): InstrumentChange => ({
      previous: before?.token,
      record: {
        v: 1,
        merchant,
        ref,
        token: ids.leaseToken(),
        spends: [
          ...(before?.spends ?? []),
          { at: 1_000, money: "1999 EUR", requestId: (entry ?? opened()).requestId },
        ],
      },
    });
    const standing = async (entry: OpenedEntry) =>
      (await subject.ledger.read([entry.chargeId])).get(entry.chargeId);

    test("an instrument that was never charged has no record", async () => {
      expect(await subject.instruments.read(key())).toBeUndefined();
    });

    test("opens a charge and writes the record together", async () => {
      const [card, entry] = [key(), opened()];
      const change = changeOf(card);
      expect(await subject.instruments.open(entry, change)).toEqual({ kind: "opened" });
      expect(await standing(entry)).toEqual(entry);
      expect(await subject.instruments.read(card)).toEqual(change.record);
    });

    test("a record that changed meanwhile: nothing is written", async () => {
      const [card, entry] = [key(), opened()];
      const first = changeOf(card);
      await subject.instruments.open(opened(), first);
      expect(await subject.instruments.open(entry, changeOf(card))).toEqual({ kind: "contended" });
      expect(await standing(entry)).toBeUndefined();
      expect(await subject.instruments.read(card)).toEqual(first.record);
    });

    test("a charge that is there already: it is shown, and the record stays", async () => {
      const [card, entry] = [key(), opened()];
      await subject.ledger.open(entry);
      const again = { ...entry, token: ids.leaseToken() };
      expect(await subject.instruments.open(again, changeOf(card))).toEqual({ kind: "exists", entry });
      expect(await subject.instruments.read(card)).toBeUndefined();
    });

    test("replaces an entry and its record together, by both their tokens (S7)", async () => {
      const [card, entry] = [key(), opened()];
      const first = changeOf(card);
      await subject.instruments.open(entry, first);
      const waiting = recordVerdict(
        entry,
        { kind: "sendAgain", atMs: entry.openedAtMs },
        { token: ids.leaseToken(), nowMs: entry.openedAtMs },
      );
      const second = changeOf(card, first.record);
      expect(await subject.instruments.replace(ids.leaseToken(), waiting, second)).toEqual({ kind: "lost" });
      expect(await subject.instruments.replace(entry.token, waiting, changeOf(card))).toEqual({
        kind: "contended",
      });
      expect(await subject.instruments.read(card)).toEqual(first.record);
      expect(await subject.instruments.replace(entry.token, waiting, second)).toEqual({ kind: "replaced" });
      expect(await subject.instruments.read(card)).toEqual(second.record);
      if (waiting.state !== "waiting") throw new Error(waiting.state);
      const leased = leaseEntry(waiting, { token: ids.leaseToken(), nowMs: 5, leaseMs: 5 });
      await subject.instruments.replace(waiting.token, leased, changeOf(card, second.record));
      expect((await subject.instruments.read(card))?.spends).toHaveLength(3);
    });

    test("recognises its own write when the answer was lost and it is sent again", async () => {
      const [card, entry] = [key(), opened()];
      const change = changeOf(card);
      expect(await subject.losesAnAnswer().open(entry, change)).toEqual({ kind: "opened" });
      const next = { ...entry, token: ids.leaseToken(), lookups: 1 };
      const second = changeOf(card, change.record);
      expect(await subject.losesAnAnswer().replace(entry.token, next, second)).toEqual({ kind: "replaced" });
      expect(await subject.instruments.read(card)).toEqual(second.record);
    });

    test("of twenty racers on one record exactly one writes, and no charge of the others is there", async () => {
      const card = key();
      const racers = Array.from({ length: 20 }, () => opened());
      const answers = await Promise.all(
        racers.map((entry) => subject.instruments.open(entry, changeOf(card, undefined, entry))),
      );
      const winners = racers.filter((_, at) => answers[at]?.kind === "opened");
      expect(winners).toHaveLength(1);
      expect(answers.filter(({ kind }) => kind === "contended")).toHaveLength(19);
      expect((await subject.ledger.read(racers.map(({ chargeId }) => chargeId))).size).toBe(1);
      expect((await subject.instruments.read(card))?.spends[0]?.requestId).toBe(winners[0]?.requestId);
    });
  });
};
