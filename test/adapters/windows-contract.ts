import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LeaseToken } from "../../lib/core/charge.ts";
import type { Finding } from "../../lib/core/finding.ts";
import type { ReportRecord } from "../../lib/core/report-record.ts";
import type { WindowRecord } from "../../lib/core/window-record.ts";
import type { ReconciliationBook, ReportBook } from "../../lib/ports.ts";

export type WindowsSubject = {
  readonly book: ReconciliationBook & ReportBook;
  close(): Promise<void>;
};

const tokenOf = (text: string): LeaseToken => text as LeaseToken;
const windowOf = (fromMs: number, token: string): WindowRecord => ({
  v: 1,
  gateway: "centrapay",
  fromMs,
  toMs: fromMs + 1,
  pass: 0,
  token: tokenOf(token),
  begun: 0,
  state: "waiting",
});
const reportOf = (day: string, token: string): ReportRecord => ({
  v: 1,
  gateway: "centrapay",
  day,
  token: tokenOf(token),
  state: "written",
  of: "hash",
  complete: false,
  writtenAtMs: 5,
});
const finding: Finding = {
  id: "f",
  kind: "missing_in_ledger",
  gateway: "centrapay",
  rows: [],
  next: "find_the_sender",
};

/** What every book of windows and reports promises. */
export const windowsContract = (where: string, start: () => Promise<WindowsSubject>): void => {
  describe(`windows and reports ${where}`, () => {
    let subject: WindowsSubject;
    beforeAll(async () => {
      subject = await start();
    });
    afterAll(() => subject.close());

    test("a window is replaced only over the version that is named, and reports are no windows", async () => {
      const { book } = subject;
      expect(await book.replace(undefined, windowOf(0, "a"))).toEqual({ kind: "replaced" });
      expect(await book.replace(undefined, windowOf(0, "b"))).toEqual({ kind: "lost" });
      expect(await book.replace(tokenOf("a"), windowOf(0, "b"))).toEqual({ kind: "replaced" });
      expect(await book.replace(tokenOf("a"), windowOf(0, "c"))).toEqual({ kind: "lost" });
      await book.replaceReport(undefined, reportOf("1970-01-01", "r"));
      expect(await book.windows("centrapay", 0)).toEqual([windowOf(0, "b")]);
      expect(await book.windows("centrapay", 1)).toEqual([]);
    });

    test("so is a report's record; they are read from a day on, of one gateway", async () => {
      const { book } = subject;
      const other: ReportRecord = { ...reportOf("2026-11-24", "o"), gateway: "centrobill" };
      expect(await book.replaceReport(undefined, reportOf("2026-11-24", "a"))).toEqual({ kind: "replaced" });
      expect(await book.replaceReport(undefined, reportOf("2026-11-24", "b"))).toEqual({ kind: "lost" });
      expect(await book.replaceReport(tokenOf("a"), reportOf("2026-11-24", "b"))).toEqual({
        kind: "replaced",
      });
      await book.replaceReport(undefined, reportOf("2026-11-25", "c"));
      await book.replaceReport(undefined, other);
      expect(await book.reports("centrapay", "2026-11-24")).toEqual([
        reportOf("2026-11-24", "b"),
        reportOf("2026-11-25", "c"),
      ]);
      expect(await book.reports("centrapay", "2026-11-25")).toEqual([reportOf("2026-11-25", "c")]);
      expect(await book.reports("centrobill", "2026-11-01")).toEqual([other]);
    });

    test("findings are kept under a token, piece after piece, and a piece again is that piece", async () => {
      const { book } = subject;
      // More than ten, so that their order is that of numbers, and together more than DynamoDB answers at once.
      const long = "x".repeat(100_000);
      const pieces = Array.from({ length: 12 }, (_, nth) => [{ ...finding, id: `${nth}${long}` }]);
      const nowMs = Date.UTC(2026, 10, 24);
      for (const [nth, piece] of pieces.entries())
        await book.keepFindings(tokenOf("t"), nth, nth === 3 ? [] : piece, nowMs);
      await book.keepFindings(tokenOf("t"), 3, pieces[3] ?? [], nowMs);
      await book.keepFindings(tokenOf("t2"), 0, [finding], nowMs);
      const read: (readonly Finding[])[] = [];
      for await (const some of book.findings(tokenOf("t"))) read.push(some);
      expect(read.flat().map(({ id }) => id.length)).toEqual(pieces.flat().map(({ id }) => id.length));
      expect(read).toEqual(pieces);
      for await (const some of book.findings(tokenOf("none"))) expect(some).toBe("nothing");
    });
  });
};
