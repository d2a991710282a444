import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Reports } from "../../lib/ports.ts";

export type ReportsSubject = {
  readonly reports: Reports;
  /** what stands under a name */
  keptOf(name: string): { readonly text: string; readonly contentType: string } | undefined;
  /** the next report is not taken */
  failNext(): void;
  close(): Promise<void>;
};

/** What every place for reports promises. */
export const reportsContract = (start: () => Promise<ReportsSubject>): void => {
  describe("reports", () => {
    let subject: ReportsSubject;
    beforeAll(async () => {
      subject = await start();
    });
    afterAll(() => subject.close());
    const put = async (name: string, ...texts: readonly string[]): Promise<void> => {
      const over = await subject.reports.standing(name);
      const draft = subject.reports.begin(name, "text/csv; charset=utf-8", over);
      try {
        for (const text of texts) draft.add(text);
        await draft.put();
      } finally {
        draft.drop();
      }
    };

    test("are there when they are put, whole and with their kind, and nothing of them before", async () => {
      const draft = subject.reports.begin("a/b/2026-11-24.csv", "text/csv; charset=utf-8", undefined);
      draft.add("one,");
      draft.add("zwölf 💶\r\n");
      expect(subject.keptOf("a/b/2026-11-24.csv")).toBeUndefined();
      await draft.put();
      draft.drop();
      draft.drop();
      expect(subject.keptOf("a/b/2026-11-24.csv")).toEqual({
        text: "one,zwölf 💶\r\n",
        contentType: "text/csv; charset=utf-8",
      });
    });

    test("take the place of what was under their name, and of nothing else", async () => {
      await put("r/1.json", "first, and longer");
      await put("r/2.json", "other");
      await put("r/1.json", "second");
      expect(subject.keptOf("r/1.json")?.text).toBe("second");
      expect(subject.keptOf("r/2.json")?.text).toBe("other");
    });

    test("may be empty, and may be large", async () => {
      await put("r/empty");
      expect(subject.keptOf("r/empty")?.text).toBe("");
      const line = `${"é".repeat(1_000)}\n`;
      await put("r/large", ...Array.from({ length: 2_000 }, () => line));
      expect(subject.keptOf("r/large")?.text).toBe(line.repeat(2_000));
    });

    test("that are not taken are refused, and the one before stands", async () => {
      await put("r/3", "stands");
      subject.failNext();
      await expect(put("r/3", "does not")).rejects.toThrow();
      expect(subject.keptOf("r/3")?.text).toBe("stands");
      await put("r/3", "does");
      expect(subject.keptOf("r/3")?.text).toBe("does");
    });

    test("are refused over anything but what they were begun over, and that stands", async () => {
      const begun = (over: string | undefined) => {
        const draft = subject.reports.begin("r/4", "text/plain", over);
        draft.add("late");
        return draft;
      };
      expect(await subject.reports.standing("r/4")).toBeUndefined();
      const first = begun(undefined);
      await put("r/4", "one");
      const one = await subject.reports.standing("r/4");
      expect(one).toBeDefined();
      const second = begun(one);
      await put("r/4", "two");
      for (const draft of [first, second]) {
        await expect(draft.put()).rejects.toThrow("r/4: ");
        draft.drop();
      }
      expect(subject.keptOf("r/4")?.text).toBe("two");
      expect(await subject.reports.standing("r/4")).not.toBe(one);
    });

    test("that were begun over what is gone are refused", async () => {
      const draft = subject.reports.begin("r/5", "text/plain", '"of before"');
      await expect(draft.put()).rejects.toThrow("r/5: ");
      draft.drop();
      expect(subject.keptOf("r/5")).toBeUndefined();
    });

    test("that are dropped were never there", async () => {
      const draft = subject.reports.begin("r/dropped", "text/plain", undefined);
      draft.add("x");
      draft.drop();
      expect(subject.keptOf("r/dropped")).toBeUndefined();
    });

    test.each(["", "/a", "a/", "a//b", "a b", "a?b", "ä", "a\n"])("have plain names: not %j", (name) => {
      expect(() => subject.reports.begin(name, "text/plain", undefined)).toThrow("no name of a report");
    });
  });
};
