import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ChargeId, LeaseToken } from "../../lib/core/charge.ts";
import type { Finding } from "../../lib/core/finding.ts";
import { shownFinding } from "../../lib/core/finding-message.ts";
import type { LedgerEntry } from "../../lib/core/ledger.ts";
import { reconciledDay } from "../../lib/core/reconciled-day.ts";
import type { RunRecord, WindowRecord } from "../../lib/core/window-record.ts";
import { keptFindings } from "../../lib/flows/kept-findings.ts";
import type { ReportWriter } from "../../lib/ports.ts";
import { csvHead } from "../../lib/reports/finding-lines.ts";
import { ReportsFailed, reportName, writeReports } from "../../lib/reports/write-reports.ts";
import { final } from "../core/builders.ts";
import { type ManualClock, manualClock } from "../doubles/manual-clock.ts";
import { memoryLog } from "../doubles/memory-log.ts";
import { type MemoryReports, memoryReports } from "../doubles/memory-reports.ts";
import { memoryWindows } from "../doubles/memory-windows.ts";
import { sha256Of } from "../doubles/scripted-wire.ts";

const hour = 3_600_000;
const midnight = Date.UTC(2026, 10, 24);
const at = (hours: number): number => midnight + hours * hour;
const card = "4111111111111111";

const findingOf = (nth: number, more: Partial<Finding> = {}): Finding => ({
  id: `inv-${nth}#reconcile#missing_in_ledger#${nth}`,
  kind: "missing_in_ledger",
  gateway: "centrobill",
  chargeId: `inv-${nth}`,
  rows: [
    {
      kind: "charge",
      says: "captured",
      transactionId: `${nth}`,
      amount: "1999",
      currency: "EUR",
      consumers: [],
    },
  ],
  money: { amount: "1999", currency: "EUR" },
  next: "find_the_sender",
  ...more,
});

type Form = {
  readonly pass?: number;
  readonly findings?: readonly Finding[];
  readonly incomplete?: RunRecord["incomplete"];
  readonly endedAtMs?: number;
  readonly token?: string;
};

const setUp = (
  parts: {
    readonly nowMs?: number;
    readonly reports?: MemoryReports;
    readonly entries?: readonly LedgerEntry[];
    readonly remainingMs?: () => number;
  } = {},
) => {
  const clock: ManualClock = manualClock(parts.nowMs ?? at(30));
  const book = memoryWindows();
  const reports = parts.reports ?? memoryReports();
  const log = memoryLog();
  const reads: number[] = [];
  let tokens = 0;
  const writer: ReportWriter = {
    clock,
    ids: { leaseToken: () => `report-${++tokens}` as LeaseToken },
    sha256: sha256Of,
    ledger: {
      read: async (ids) => {
        reads.push(ids.length);
        const own = (parts.entries ?? []).filter(({ chargeId }) => ids.includes(chargeId));
        return new Map(own.map((entry) => [entry.chargeId, entry]));
      },
    },
    book,
    reports,
    log,
    remainingMs: parts.remainingMs ?? (() => 900_000),
  };
  /** A run over a window has come to its end. */
  const ends = async (fromHours: number, toHours: number, form: Form = {}): Promise<void> => {
    const { pass = 0, findings = [], incomplete, endedAtMs = clock.nowMs() } = form;
    const window = { fromMs: at(fromHours), toMs: at(toHours) };
    const token = (form.token ?? `${fromHours}-${toHours}-${pass}-${endedAtMs}`) as LeaseToken;
    const kept = keptFindings(token, { book, clock });
    for (const finding of findings) await kept.add(finding);
    await kept.end();
    const run: RunRecord = {
      v: 1,
      gateway: "centrobill",
      window,
      read: window,
      startedAtMs: endedAtMs - 1_000,
      endedAtMs,
      complete: incomplete === undefined,
      ...(incomplete === undefined ? {} : { incomplete }),
      pages: 1,
      feedRows: 10,
      repeatedRows: 0,
      ledgerEntries: 10,
      closed: 0,
      findings: findings.length === 0 ? {} : { missing_in_ledger: findings.length },
      waiting: findings.length,
      money: {},
      days: [{ day: "2026-11-24", currency: "EUR", matched: "100", unmatched: "0", unknown: "0" }],
      first: findings.slice(0, 50),
    };
    const record: WindowRecord = {
      v: 1,
      gateway: "centrobill",
      ...window,
      pass,
      begun: 1,
      token,
      state: "done",
      run,
      ...(kept.count() === 0 ? {} : { kept: kept.count() }),
    };
    book.records.set(`centrobill ${window.fromMs} ${window.toMs} ${pass}`, record);
  };
  const textOf = (form: "html" | "csv" | "ndjson" | "json", day = "2026-11-24"): string =>
    reports.kept.get(reportName("centrobill", day, form))?.text ?? "none";
  const told = () => ({
    json: JSON.parse(textOf("json")) as {
      complete: boolean;
      missing: object[];
      findings: object;
      waiting: number;
    },
    lines: textOf("ndjson")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as { id: string; kind: string; history?: readonly unknown[] }),
    csv: textOf("csv").split("\r\n").slice(1, -1),
    isClean: textOf("html").includes("tell the same story"),
  });
  return { writer, book, reports, log, clock, reads, ends, textOf, told };
};

const allDay = async (on: ReturnType<typeof setUp>, form: Form = {}): Promise<void> => {
  for (const from of [0, 6, 12, 18]) await on.ends(from, from + 6, form);
};

describe("a reconciled day", () => {
  test("is told under one name in four forms, and is clean only in a page that says so", async () => {
    const on = setUp();
    await allDay(on);
    expect(await writeReports(on.writer)).toEqual({ written: 1, left: 0 });
    expect([...on.reports.kept].map(([name, { contentType }]) => [name, contentType])).toEqual([
      ["reconciliation/centrobill/2026-11-24.ndjson", "application/x-ndjson"],
      ["reconciliation/centrobill/2026-11-24.csv", "text/csv; charset=utf-8"],
      ["reconciliation/centrobill/2026-11-24.html", "text/html; charset=utf-8"],
      ["reconciliation/centrobill/2026-11-24.json", "application/json"],
    ]);
    expect(on.told()).toMatchObject({
      json: {
        v: 1,
        gateway: "centrobill",
        day: "2026-11-24",
        complete: true,
        missing: [],
        lookedAtAgain: true,
      },
      lines: [],
      csv: [],
      isClean: true,
    });
    expect(on.textOf("csv")).toBe(csvHead);
    expect(on.textOf("html")).toContain("Windows are looked at once more");
    expect(on.textOf("html")).toContain("2026-11-24T00:00:00.000Z to 2026-11-25T00:00:00.000Z (UTC)");
    expect(on.textOf("html")).toContain("4.00 EUR matched");
    expect(on.reports.undropped()).toBe(0);
    expect(on.log.eventsOf("report_written")).toEqual([
      { gateway: "centrobill", day: "2026-11-24", state: "complete", count: 0 },
    ]);
  });

  test("is written again when something else is to be told, and not before", async () => {
    const on = setUp();
    await allDay(on);
    await writeReports(on.writer);
    const first = on.textOf("json");
    on.clock.set(at(31));
    expect(await writeReports(on.writer)).toEqual({ written: 0, left: 0 });
    await on.ends(6, 12, { pass: 1, findings: [findingOf(1)] });
    expect(await writeReports(on.writer)).toEqual({ written: 1, left: 0 });
    expect(on.textOf("json")).not.toBe(first);
    expect(on.told()).toMatchObject({ lines: [{ id: findingOf(1).id }], isClean: false });
    expect(on.reports.kept.size).toBe(4);
  });

  test("has each finding with its charge's history, in the order of the day; what another gateway charged is not its", async () => {
    const entry = { ...final("approved"), chargeId: "inv-2" as ChargeId };
    const other = { ...final("approved"), chargeId: "inv-1" as ChargeId, gateway: "centrapay" as const };
    const on = setUp({ entries: [entry, other] });
    await allDay(on);
    await on.ends(0, 6, {
      findings: [findingOf(1), findingOf(2, { next: "nothing", kind: "late_outcome" })],
    });
    await on.ends(18, 24, { findings: [findingOf(3)] });
    await writeReports(on.writer);
    const { lines, csv, json } = on.told();
    expect(lines.map(({ id }) => id)).toEqual([1, 2, 3].map((nth) => findingOf(nth).id));
    expect(lines.map(({ history }) => history?.length)).toEqual([undefined, entry.history.length, undefined]);
    expect(csv).toHaveLength(3);
    expect(json).toMatchObject({
      findings: { missing_in_ledger: 2, late_outcome: 1 },
      waiting: 2,
      complete: true,
    });
    expect(on.textOf("html")).toContain("2 of 3 findings wait for a person.");
    expect(on.textOf("html")).toContain("History of inv-2");
  });

  test("has every finding, however many more there are than a record holds, and shows some", async () => {
    const on = setUp();
    await allDay(on);
    const findings = Array.from({ length: 2_345 }, (_, nth) => findingOf(nth));
    await on.ends(6, 12, { findings });
    await writeReports(on.writer);
    const { lines, csv, json } = on.told();
    expect(lines.map(({ id }) => id)).toEqual(findings.map(({ id }) => id));
    expect(csv).toHaveLength(2_345);
    expect(json).toMatchObject({ findings: { missing_in_ledger: 2_345 }, waiting: 2_345, complete: true });
    expect(on.textOf("html").match(/<li data-kind/g)).toHaveLength(2_000);
    expect(on.textOf("html")).toContain("345 more are in the files for machines");
    expect(Math.max(...on.reads)).toBeLessThanOrEqual(100);
  });

  test("is not written while some of its findings cannot be had", async () => {
    const on = setUp();
    await allDay(on);
    await on.ends(6, 12, { findings: Array.from({ length: 60 }, (_, nth) => findingOf(nth)), token: "t" });
    on.writer.book.findings = async function* () {};
    await expect(writeReports(on.writer)).rejects.toThrow(ReportsFailed);
    expect(on.reports.kept.size).toBe(0);
    expect(on.log.eventsOf("report_failed")).toMatchObject([
      { error: "Error: of 10 findings that are kept 0 are there" },
    ]);
  });

  test("names nobody who was charged and no card number (S12)", async () => {
    const on = setUp();
    await allDay(on);
    const row = findingOf(1).rows[0];
    const told = shownFinding({
      ...findingOf(1),
      id: `${card}#reconcile#missing_in_ledger#1`,
      chargeId: card,
      rows: [
        {
          ...(row as NonNullable<typeof row>),
          chargeId: card,
          requestId: card,
          consumers: ["lena@example.net"],
        },
      ],
    });
    await on.ends(0, 6, { findings: [told] });
    await writeReports(on.writer);
    expect(on.reports.kept.size).toBe(4);
    for (const [, { text }] of on.reports.kept) expect(text).not.toMatch(/4111111111111111|lena@/);
  });
});

describe("incomplete is never clean", () => {
  const cut = { reason: "feed_incomplete", why: "HTTP 500" } as const;
  type Row = readonly [reason: string, (on: ReturnType<typeof setUp>) => Promise<void>, missing: number];
  test.each<Row>([
    ["the feed broke off", (on) => on.ends(6, 12, { incomplete: cut }), 1],
    [
      "a window was never compared",
      async (on) => void on.book.records.delete(`centrobill ${at(6)} ${at(12)} 0`),
      1,
    ],
    ["the second look broke off", (on) => on.ends(6, 12, { pass: 1, incomplete: cut }), 1],
    [
      "more was found than a version before kept",
      async (on) => {
        await on.ends(6, 12, { findings: Array.from({ length: 51 }, (_, nth) => findingOf(nth)) });
        const [name, record] = [...on.book.records].find(([, { fromMs }]) => fromMs === at(6)) ?? [];
        const { kept: _none, ...before } = record as WindowRecord & { kept: number };
        on.book.records.set(name ?? "", before as WindowRecord);
      },
      1,
    ],
  ])("%s: no form of it can be taken for a clean day", async (_reason, breaks, missing) => {
    const on = setUp();
    await allDay(on);
    await breaks(on);
    await writeReports(on.writer);
    const { json, lines, csv, isClean } = on.told();
    expect(isClean).toBe(false);
    expect(on.textOf("html")).toContain("Not complete");
    expect(json).toMatchObject({ complete: false });
    expect(json.missing).toHaveLength(missing);
    expect(lines[0]).toMatchObject({
      kind: "incomplete",
      from: "2026-11-24T06:00:00.000Z",
      to: "2026-11-24T12:00:00.000Z",
    });
    expect(csv[0]).toMatch(
      /^centrobill#incomplete#2026-11-24T06:00:00\.000Z#2026-11-24T12:00:00\.000Z,incomplete,centrobill,/,
    );
    expect(on.log.eventsOf("report_written")).toMatchObject([{ state: "incomplete" }]);
  });

  test("and is told whole when what was missing is there", async () => {
    const on = setUp();
    await allDay(on);
    await on.ends(6, 12, { incomplete: cut });
    await writeReports(on.writer);
    on.clock.set(at(32));
    await on.ends(6, 12);
    expect(await writeReports(on.writer)).toEqual({ written: 1, left: 0 });
    expect(on.told()).toMatchObject({ json: { complete: true, missing: [] }, lines: [], isClean: true });
  });

  test("a day that goes on, and one on which nothing ran, say so", async () => {
    const on = setUp({ nowMs: at(34) });
    await on.ends(0, 6);
    await on.ends(24, 30);
    await writeReports(on.writer);
    expect(on.textOf("html", "2026-11-24")).toContain("no run over it has come to its end");
    expect(on.textOf("html", "2026-11-25")).toContain("it is not over, or not long enough ago");
    expect(JSON.parse(on.textOf("json", "2026-11-25"))).toMatchObject({ complete: false });
    on.clock.set(at(24 * 3 + 1));
    await writeReports(on.writer);
    expect(JSON.parse(on.textOf("json", "2026-11-26"))).toMatchObject({ complete: false, runs: [] });
  });

  test("whatever windows end, break off, are taken up and cut, in whatever order: what stands says what the records say", async () => {
    const act = fc.record({
      what: fc.constantFrom("ends", "breaks", "begins", "dies", "writes", "failsToWrite", "diesWriting"),
      window: fc.integer({ min: 0, max: 3 }),
      pass: fc.integer({ min: 0, max: 1 }),
      found: fc.integer({ min: 0, max: 2 }),
      hours: fc.integer({ min: 0, max: 20 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 25 }), async (acts) => {
        let fails = "";
        const reports = memoryReports((name) => {
          if (fails !== "" && name.endsWith(fails)) throw new Error("not taken");
        });
        const on = setUp({ nowMs: at(30), reports });
        await allDay(on);
        const check = (): void => {
          const forms = (["ndjson", "csv", "html", "json"] as const).map((form) => on.textOf(form));
          // What is not there says nothing. Those that sum up never say more than what they sum up.
          const says = forms.map(
            (text) =>
              text !== "none" && !/"complete":false|Not complete|"incomplete"|,incomplete,/.test(text),
          );
          for (const [nth, isComplete] of says.entries())
            if (isComplete) expect(says.slice(0, nth)).not.toContain(false);
        };
        for (const { what, window, pass, found, hours } of acts) {
          on.clock.set(on.clock.nowMs() + hours * 60_000 * 7);
          const [from, to] = [window * 6, window * 6 + 6];
          const findings = Array.from({ length: found }, (_, nth) => findingOf(window * 10 + nth));
          const name = `centrobill ${at(from)} ${at(to)} ${pass}`;
          const standing = on.book.records.get(name);
          if (what === "ends") await on.ends(from, to, { pass, findings });
          else if (what === "breaks") await on.ends(from, to, { pass, findings, incomplete: cut });
          else if (what === "begins" || what === "dies")
            on.book.records.set(name, {
              v: 1,
              gateway: "centrobill",
              fromMs: at(from),
              toMs: at(to),
              pass,
              begun: (standing?.begun ?? 0) + 1,
              token: `leased ${on.clock.nowMs()}` as LeaseToken,
              state: "leased",
              leaseUntilMs: on.clock.nowMs() + (what === "begins" ? 16 * 60_000 : -1),
            });
          else {
            fails = what === "writes" ? "" : what === "failsToWrite" ? ".csv" : ".json";
            await writeReports(on.writer).catch((error: unknown) =>
              expect(error).toBeInstanceOf(ReportsFailed),
            );
          }
          check();
        }
        // In the end everything that anybody holds runs out, and the next turn tells what is so.
        fails = "";
        on.clock.set(on.clock.nowMs() + 2 * hour);
        await writeReports(on.writer);
        const truth = reconciledDay([...on.book.records.values()], "centrobill", midnight, on.clock.nowMs());
        const { json, lines } = on.told();
        expect(json.complete).toBe(truth.missing.length === 0);
        expect(lines.filter(({ kind }) => kind === "incomplete")).toHaveLength(truth.missing.length);
        const found = new Set(truth.told.flatMap(({ run }) => run.first.map(({ id }) => id)));
        expect(
          lines
            .filter(({ kind }) => kind !== "incomplete")
            .map(({ id }) => id)
            .toSorted(),
        ).toEqual([...found].toSorted());
        expect(on.reports.undropped()).toBe(0);
      }),
      { numRuns: 150 },
    );
  });
});

describe("who writes, and when", () => {
  test("one at a time: of two only one does, and whoever comes next to one that died waits for its lease", async () => {
    const on = setUp();
    await allDay(on);
    const [one, two] = await Promise.all([writeReports(on.writer), writeReports(on.writer)]);
    expect(one.written + two.written).toBe(1);
    on.clock.set(at(32));
    await on.ends(0, 6, { findings: [findingOf(1)] });
    // It took the lease, and was never heard of again.
    await on.book.replaceReport([...on.book.reportRecords.values()][0]?.token, {
      v: 1,
      gateway: "centrobill",
      day: "2026-11-24",
      token: "dead" as LeaseToken,
      state: "leased",
      leaseUntilMs: on.clock.nowMs() + 960_000,
    });
    expect(await writeReports(on.writer)).toEqual({ written: 0, left: 0 });
    on.clock.set(at(33));
    expect(await writeReports(on.writer)).toEqual({ written: 1, left: 0 });
  });

  type Stood = readonly [where: string, step: string];
  test.each<Stood>([
    ["before it looked at what stands", "standing .ndjson"],
    ["between two looks", "standing .html"],
    ["when it had the lease", "read"],
    ["before it put the first form", "put .ndjson"],
    ["between two forms", "put .html"],
    ["before the last form", "put .json"],
  ])("one that stood still %s puts nothing over what was written since", async (_where, step) => {
    let overtake: (() => Promise<void>) | undefined;
    const reached = async (what: string): Promise<void> => {
      const next = overtake;
      if (what !== step || next === undefined) return;
      overtake = undefined;
      await next();
    };
    const formOf = (name: string): string => name.slice(name.lastIndexOf("."));
    const reports = memoryReports((name) => reached(`put ${formOf(name)}`));
    const on = setUp({ reports });
    await allDay(on);
    await writeReports(on.writer);
    on.clock.set(at(31));
    await on.ends(6, 12, { pass: 1, findings: [findingOf(1)] });
    const slow: ReportWriter = {
      ...on.writer,
      reports: {
        ...reports,
        async standing(name) {
          await reached(`standing ${formOf(name)}`);
          return reports.standing(name);
        },
      },
      ledger: {
        async read() {
          await reached("read");
          return new Map();
        },
      },
    };
    const newest: string[] = [];
    const forms = (): readonly string[] => [...reports.kept.values()].map(({ text }) => text);
    overtake = async () => {
      on.clock.set(at(33));
      await on.ends(12, 18, { pass: 1, findings: [findingOf(2)] });
      expect(await writeReports(on.writer)).toEqual({ written: 1, left: 0 });
      newest.push(...forms());
    };
    await writeReports(slow).catch((error: unknown) => expect(error).toBeInstanceOf(ReportsFailed));
    expect(newest).toHaveLength(4);
    expect(forms()).toEqual(newest);
    expect(on.told().lines.map(({ id }) => id)).toEqual([findingOf(1).id, findingOf(2).id]);
    expect(reports.undropped()).toBe(0);
    // The record says what stands, so nothing is written again.
    expect(await writeReports(on.writer)).toEqual({ written: 0, left: 0 });
  });

  test("holds a day for as long as its invocation can last, and a minute by which clocks may differ", async () => {
    const on = setUp({
      remainingMs: () => 600_000,
      reports: memoryReports(() => {
        throw new Error("no");
      }),
    });
    await allDay(on);
    await expect(writeReports(on.writer)).rejects.toThrow("1 days");
    expect([...on.book.reportRecords.values()]).toMatchObject([
      { state: "leased", leaseUntilMs: at(30) + 660_000 },
    ]);
  });

  test("a day of which a window is in somebody's hands waits for the next turn", async () => {
    const on = setUp();
    await allDay(on);
    const leased = {
      ...([...on.book.records.values()][1] as WindowRecord),
      state: "leased",
      leaseUntilMs: at(30) + 1,
    };
    on.book.records.set("leased", leased as WindowRecord);
    expect(await writeReports(on.writer)).toEqual({ written: 0, left: 0 });
    on.clock.set(at(30) + 2);
    expect(await writeReports(on.writer)).toEqual({ written: 1, left: 0 });
  });

  test("what cannot be written keeps no other day from it, and is told at the end", async () => {
    const on = setUp({
      nowMs: at(60),
      reports: memoryReports((name) => {
        if (name.includes("2026-11-24.html")) throw new Error("HTTP 403 AccessDenied");
      }),
    });
    await allDay(on);
    for (const from of [24, 30, 36, 42]) await on.ends(from, from + 6);
    await expect(writeReports(on.writer)).rejects.toThrow(ReportsFailed);
    expect(on.textOf("json")).toBe("none");
    expect(JSON.parse(on.textOf("json", "2026-11-25"))).toMatchObject({ complete: true });
    expect(on.log.eventsOf("report_failed")).toEqual([
      { gateway: "centrobill", day: "2026-11-24", error: "Error: HTTP 403 AccessDenied" },
    ]);
    expect(on.reports.undropped()).toBe(0);
  });

  test.each([
    [60_000, { written: 1, left: 0 }],
    [59_999, { written: 0, left: 1 }],
  ])("with %d ms left: %j", async (remainingMs, expected) => {
    const on = setUp({ remainingMs: () => remainingMs });
    await allDay(on);
    expect(await writeReports(on.writer)).toEqual(expected);
  });

  test("a day that takes longer than an invocation is not put in part", async () => {
    let left = 900_000;
    const on = setUp({ remainingMs: () => (left -= 300_000) });
    await allDay(on);
    await on.ends(0, 6, { findings: Array.from({ length: 45 }, (_, nth) => findingOf(nth)) });
    await expect(writeReports(on.writer)).rejects.toThrow(ReportsFailed);
    expect(on.log.eventsOf("report_failed")[0]?.error).toContain("NoRoom: a day's findings");
    expect(on.reports.kept.size).toBe(0);
  });

  test("without a window there is nothing to write, and nothing is asked for", async () => {
    const on = setUp();
    expect(await writeReports(on.writer)).toEqual({ written: 0, left: 0 });
    expect(on.reports.kept.size).toBe(0);
  });
});
