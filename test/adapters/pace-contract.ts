import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LeaseToken } from "../../lib/core/charge.ts";
import type { PaceRecord } from "../../lib/core/pace.ts";
import type { PaceBook } from "../../lib/ports.ts";

/** A book of pace records under test, and the same book for a client whose next write loses its answer. */
export type PaceSubject = { readonly book: PaceBook; losesAnAnswer(): PaceBook; close?(): Promise<void> };

/** What every `PaceBook` must do (lib/ports.ts). Run on the real adapter and on its double alike. */
export const paceContract = (name: string, make: () => Promise<PaceSubject>): void => {
  describe(`the pace contract: ${name}`, () => {
    let subject: PaceSubject;
    beforeAll(async () => {
      subject = await make();
    });
    afterAll(async () => {
      await subject.close?.();
    });

    const record = (version: string, over: Partial<PaceRecord> = {}): PaceRecord => ({
      v: 1,
      version: version as LeaseToken,
      closing: { because: "outage", sinceMs: 1, untilMs: 2, times: 1 },
      ...over,
    });
    const previous = (version: string): LeaseToken => version as LeaseToken;

    test("has nothing at first; the first record is written once", async () => {
      expect(await subject.book.read("centrobill")).toBeUndefined();
      expect(await subject.book.replace("centrobill", undefined, record("a1"))).toEqual({ kind: "replaced" });
      expect(await subject.book.read("centrobill")).toEqual(record("a1"));
      expect(await subject.book.replace("centrobill", undefined, record("b1"))).toEqual({
        kind: "lost",
        record: record("a1"),
      });
    });

    test("gives way only to who names the version that stands, and shows what stands to the others", async () => {
      const turns = { nextMs: 5.5, burstLeft: 3, burstAtMs: 1 };
      expect(await subject.book.replace("centrobill", previous("a1"), record("a2", { turns }))).toEqual({
        kind: "replaced",
      });
      expect(await subject.book.replace("centrobill", previous("a1"), record("b2"))).toEqual({
        kind: "lost",
        record: record("a2", { turns }),
      });
      expect(await subject.book.read("centrobill")).toEqual(record("a2", { turns }));
    });

    test("keeps each account's record apart", async () => {
      expect(await subject.book.read("centrapay")).toBeUndefined();
      expect(await subject.book.replace("centrapay", previous("a2"), record("c1"))).toMatchObject({
        kind: "lost",
      });
      expect(await subject.book.replace("centrapay", undefined, record("c1"))).toEqual({ kind: "replaced" });
    });

    test("a write whose answer was lost and that is sent again is ours, and no lost race", async () => {
      expect(await subject.losesAnAnswer().replace("centrapay", previous("c1"), record("c2"))).toEqual({
        kind: "replaced",
      });
      expect(await subject.book.read("centrapay")).toEqual(record("c2"));
    });

    test("of twenty at once exactly one wins", async () => {
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, nth) =>
          subject.book.replace("centrapay", previous("c2"), record(`d${nth}`)),
        ),
      );
      expect(answers.filter(({ kind }) => kind === "replaced")).toHaveLength(1);
    });
  });
};
