import { type ChargeId, type GatewayName, gatewayNames, parseChargeId } from "../core/charge.ts";
import type { Finding } from "../core/finding.ts";
import { NoRoom } from "../core/no-room.ts";
import {
  daysToTell,
  isBeingCompared,
  type Look,
  type ReconciledDay,
  reconciledDay,
} from "../core/reconciled-day.ts";
import type { ReportRecord } from "../core/report-record.ts";
import { lookBackMs, windowMs } from "../core/window-plan.ts";
import type { ReportDraft, ReportWriter } from "../ports.ts";
import { csvHead, findingCsv, findingJson, missingCsv, missingJson } from "./finding-lines.ts";
import { findingTally } from "./finding-tally.ts";
import { reconcilePage } from "./reconcile-page.ts";

/** Whoever writes reports dies with its invocation; clocks may differ by as much. */
const leaseGraceMs = 60_000;
/** What is left of an invocation must be worth beginning a day. */
const worthMs = 60_000;
/** Charges whose histories are read together. */
const togetherMax = 100;
/** Ids of findings that are remembered, so that none is told twice. Beyond it a copy may be, under the same id. */
const idsMax = 100_000;

const forms = ["ndjson", "csv", "html", "json"] as const;
type Form = (typeof forms)[number];
/** What stood under the name of each form. */
type Standing = ReadonlyMap<Form, string | undefined>;

/** Where a day's reports are kept: for ever the same place, so that a later one takes the place of an earlier one. */
export const reportName = (gateway: GatewayName, day: string, form: Form): string =>
  `reconciliation/${gateway}/${day}.${form}`;

export type Written = { readonly written: number; readonly left: number };

/** Not every report that was due is written: the next turn tries again. */
export class ReportsFailed extends Error {
  override readonly name = "ReportsFailed";
}

/**
 * Writes the reports of every day of which something else is to be told than was, oldest first. A day is written by
 * one writer at a time, under a lease; one of which a window is being compared just now waits for the next turn.
 * @throws `ReportsFailed` when some day could not be written; the others are
 */
export const writeReports = async (writer: ReportWriter): Promise<Written> => {
  let [written, left, failed] = [0, 0, 0];
  for (const gateway of gatewayNames) {
    const nowMs = writer.clock.nowMs();
    const records = await writer.book.windows(gateway, nowMs - lookBackMs - windowMs);
    const days = daysToTell(records, nowMs, lookBackMs).map((ms) =>
      reconciledDay(records, gateway, ms, nowMs),
    );
    const [first] = days;
    if (first === undefined) continue;
    const standing = new Map(
      (await writer.book.reports(gateway, first.day)).map((record) => [record.day, record]),
    );
    for (const day of days) {
      const record = standing.get(day.day);
      const of = hashOf(day, writer);
      if (!isDue(record, of, nowMs) || isBeingCompared(records, day, nowMs)) continue;
      if (writer.remainingMs() < worthMs) {
        left += 1;
        continue;
      }
      try {
        if (await writeDay(day, of, record, writer)) written += 1;
      } catch (error) {
        failed += 1;
        writer.log.event("report_failed", {
          gateway,
          day: day.day,
          error: error instanceof Error ? `${error.name}: ${error.message}` : "unknown",
        });
      }
    }
  }
  if (failed > 0) throw new ReportsFailed(`${failed} days`);
  return { written, left };
};

const isDue = (record: ReportRecord | undefined, of: string, nowMs: number): boolean => {
  if (record === undefined) return true;
  return record.state === "leased" ? nowMs > record.leaseUntilMs : record.of !== of;
};

/** Names all that a day's reports are made of; histories of its charges are told as they are when they are written. */
const hashOf = (
  { told, standing, missing, lookedAtAgain }: ReconciledDay,
  { sha256 }: ReportWriter,
): string =>
  sha256(
    JSON.stringify([
      told.map(({ token }) => token),
      standing.map(({ token }) => token),
      missing,
      lookedAtAgain,
    ]),
  );

/** @returns whether it was this writer that wrote it */
const writeDay = async (
  day: ReconciledDay,
  of: string,
  standing: ReportRecord | undefined,
  writer: ReportWriter,
): Promise<boolean> => {
  const { gateway } = day;
  const { book, clock, ids, log } = writer;
  const base = { v: 1, gateway, day: day.day } as const;
  // Looked at before the lease is taken: whoever takes it from this writer, having stood still, looked later and changes
  // what this one saw, so that nothing of it is put over the newer report.
  const over = new Map<Form, string | undefined>();
  for (const form of forms) over.set(form, await writer.reports.standing(reportName(gateway, day.day, form)));
  const leased: ReportRecord = {
    ...base,
    token: ids.leaseToken(),
    state: "leased",
    leaseUntilMs: clock.nowMs() + writer.remainingMs() + leaseGraceMs,
  };
  if ((await book.replaceReport(standing?.token, leased)).kind === "lost") return false;
  const count = await putAll(day, over, writer);
  const complete = day.missing.length === 0;
  const token = ids.leaseToken();
  const writtenAtMs = clock.nowMs();
  await book.replaceReport(leased.token, { ...base, token, state: "written", of, complete, writtenAtMs });
  log.event("report_written", { gateway, day: day.day, state: complete ? "complete" : "incomplete", count });
  return true;
};

/** Puts every form of a day's report. @returns how many findings they tell */
const putAll = async (day: ReconciledDay, over: Standing, writer: ReportWriter): Promise<number> => {
  const { gateway, missing, standing } = day;
  const drafts: ReportDraft[] = [];
  const begin = (form: Form, contentType: string): ReportDraft => {
    const draft = writer.reports.begin(reportName(gateway, day.day, form), contentType, over.get(form));
    drafts.push(draft);
    return draft;
  };
  try {
    const ndjson = begin("ndjson", "application/x-ndjson");
    const csv = begin("csv", "text/csv; charset=utf-8");
    csv.add(csvHead);
    for (const part of missing) {
      ndjson.add(missingJson(gateway, part));
      csv.add(missingCsv(gateway, part));
    }
    const tally = findingTally();
    let count = 0;
    for await (const some of toldFindings(day, writer)) {
      const chargeIds = some.flatMap(({ chargeId }) => parseChargeId(chargeId) ?? []);
      const entries = chargeIds.length === 0 ? undefined : await writer.ledger.read(chargeIds);
      for (const finding of some) {
        const entry = entries?.get(finding.chargeId as ChargeId);
        // What another gateway was asked for is no charge of this feed's.
        const own = entry?.gateway === gateway ? entry : undefined;
        ndjson.add(findingJson({ finding, entry: own }));
        csv.add(findingCsv({ finding, entry: own }));
        tally.add(finding, own);
      }
      count += some.length;
      if (writer.remainingMs() < worthMs / 2)
        throw new NoRoom("a day's findings: the invocation is too short");
    }
    const findings = tally.totals();
    const runs = standing.map(({ run }) => run);
    begin("html", "text/html; charset=utf-8").add(
      reconcilePage(
        {
          window: { fromMs: day.fromMs, toMs: day.toMs },
          runs,
          missing: missing.map((part) => ({ gateway, part })),
          withoutFeed: [],
          findings,
          ...(day.lookedAtAgain ? { note: againWords } : {}),
        },
        writer.sha256,
      ),
    );
    begin("json", "application/json").add(
      `${JSON.stringify({
        v: 1,
        gateway,
        day: day.day,
        complete: missing.length === 0,
        missing,
        lookedAtAgain: day.lookedAtAgain,
        findings: findings.counts,
        waiting: findings.waiting,
        runs: runs.map(({ first: _first, ...run }) => run),
      })}\n`,
    );
    // Cut short in between, no form says that the day is complete while one with more in it does not: those that sum up
    // are the last to say so, and the first to say otherwise.
    for (const draft of missing.length === 0 ? drafts : drafts.toReversed()) await draft.put();
    return count;
  } finally {
    for (const draft of drafts) draft.drop();
  }
};

const againWords =
  "Windows are looked at once more, three days after their end, for what comes late; this report is written again then.";

/** The findings of a day's runs, each once, in the words of the latest run that has it; some at a time. */
const toldFindings = async function* (
  { told }: ReconciledDay,
  { book }: ReportWriter,
): AsyncIterable<readonly Finding[]> {
  const seen = new Set<string>();
  for (const look of told)
    for await (const some of findingsOf(look, book)) {
      const fresh = some.filter(({ id }) => !seen.has(id));
      for (const { id } of fresh) if (seen.size < idsMax) seen.add(id);
      for (let from = 0; from < fresh.length; from += togetherMax)
        yield fresh.slice(from, from + togetherMax);
    }
};

const findingsOf = async function* (
  { run, token, kept = 0 }: Look,
  book: ReportWriter["book"],
): AsyncIterable<readonly Finding[]> {
  yield run.first;
  if (kept === 0) return;
  let read = 0;
  for await (const some of book.findings(token)) {
    read += some.length;
    yield some;
  }
  if (read < kept) throw new Error(`of ${kept} findings that are kept ${read} are there`);
};
