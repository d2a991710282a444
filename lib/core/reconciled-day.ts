import type { GatewayName } from "./charge.ts";
import { passesAfterMs, windowMs } from "./window-plan.ts";
import { incompleteReasons, type RunRecord, type WindowRecord } from "./window-record.ts";

const dayMs = 86_400_000;

/** Why a part of a day is not reconciled. Words of reports: they are sent. */
export const missingReasons = [
  ...incompleteReasons,
  /** no run over it has come to its end */
  "not_compared",
  /** it is not over, or not for long enough to be looked at */
  "not_over",
  /** a run of a version before this one found more than it kept */
  "findings_not_kept",
] as const;
export type MissingReason = (typeof missingReasons)[number];

/** A stretch of the gateway's time of which no report may say that it is clean. */
export type MissingPart = {
  readonly fromMs: number;
  readonly toMs: number;
  readonly reason: MissingReason;
  readonly why?: string;
};

/** A run that came to its end, with the record that holds it. */
export type Look = Extract<WindowRecord, { readonly state: "done" }>;

/** What stands of one day of a gateway's time, by the records of its windows. */
export type ReconciledDay = {
  readonly gateway: GatewayName;
  /** a day of UTC, `2026-11-24` */
  readonly day: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** the runs whose rows and money count, oldest part first: of each part one, and no part in two of them */
  readonly standing: readonly Look[];
  /** the runs whose findings count: of each part those of a later run first, which has the later word */
  readonly told: readonly Look[];
  /** what is not reconciled, oldest first; empty: the day is */
  readonly missing: readonly MissingPart[];
  /** parts of it will be looked at once more, for what comes late */
  readonly lookedAtAgain: boolean;
};

/** One look at a window: the runs of one pass over it, or over its parts. */
type Pass = {
  readonly pass: number;
  readonly runs: readonly Look[];
  /** parts of the window that no run of it has come to the end of */
  readonly gaps: readonly { readonly fromMs: number; readonly toMs: number }[];
  /** `Infinity`: it was begun, and nobody knows what it will say */
  readonly endedAtMs: number;
};

const isLook = (record: WindowRecord): record is Look => record.state === "done";

/** The runs of a pass that are about a window, none of them within another. */
const passOver = (records: readonly WindowRecord[], fromMs: number, toMs: number): Pass => {
  const runs: Look[] = [];
  const gaps: { fromMs: number; toMs: number }[] = [];
  let at = fromMs;
  for (const look of records.filter(isLook).toSorted((a, b) => a.fromMs - b.fromMs || b.toMs - a.toMs)) {
    if (look.toMs <= at) continue;
    if (look.fromMs > at) gaps.push({ fromMs: at, toMs: look.fromMs });
    runs.push(look);
    at = look.toMs;
  }
  if (at < toMs) gaps.push({ fromMs: at, toMs });
  return {
    pass: records[0]?.pass ?? 0,
    runs,
    gaps,
    endedAtMs:
      gaps.length > 0
        ? Number.POSITIVE_INFINITY
        : runs.reduce((last, { run }) => Math.max(last, run.endedAtMs), 0),
  };
};

const isWhole = ({ runs, gaps }: Pass): boolean => gaps.length === 0 && runs.every(({ run }) => run.complete);

/** Findings that the record and what is kept beside it do not have. */
const notKept = ({ run, kept = 0 }: Look): number =>
  Object.values(run.findings).reduce((sum, count) => sum + count, 0) - run.first.length - kept;

/** What of its window a run has not read whole. */
export const unreadPart = ({ window, complete, incomplete }: RunRecord): MissingPart | undefined =>
  complete
    ? undefined
    : {
        ...window,
        reason: incomplete?.reason ?? "feed_incomplete",
        ...(incomplete === undefined ? {} : { why: incomplete.why }),
      };

const cutShort = (look: Look): readonly MissingPart[] => {
  const { fromMs, toMs, run } = look;
  const unread = unreadPart(run);
  if (unread !== undefined) return [{ ...unread, fromMs, toMs }];
  return notKept(look) > 0
    ? [{ fromMs, toMs, reason: "findings_not_kept", why: `${notKept(look)} findings` }]
    : [];
};

/** Of one window: the latest look that is whole, what later ones saw, and what is missing. */
const windowOf = (
  records: readonly WindowRecord[],
  fromMs: number,
  toMs: number,
  nowMs: number,
): Pick<ReconciledDay, "standing" | "told" | "missing"> & { readonly pass: number } => {
  const begun = records.filter(
    (record) => record.begun > 0 && record.fromMs >= fromMs && record.toMs <= toMs,
  );
  const passes = [...new Set(begun.map(({ pass }) => pass))]
    .map((pass) =>
      passOver(
        begun.filter((record) => record.pass === pass),
        fromMs,
        toMs,
      ),
    )
    .toSorted((a, b) => (a.endedAtMs === b.endedAtMs ? b.pass - a.pass : b.endedAtMs - a.endedAtMs));
  const whole = passes.findIndex(isWhole);
  const base = passes[whole] ?? passes.find(({ runs }) => runs.length > 0);
  if (base === undefined) {
    const reason = nowMs < toMs + (passesAfterMs[0] ?? 0) ? "not_over" : "not_compared";
    return { standing: [], told: [], missing: [{ fromMs, toMs, reason }], pass: -1 };
  }
  // What a later look did not read to its end takes nothing back, and may have seen more.
  const used = whole === -1 ? passes : passes.slice(0, whole + 1);
  const judged = whole === -1 ? [base] : used;
  return {
    standing: base.runs,
    told: used.flatMap(({ runs }) => runs),
    missing: judged
      .flatMap(({ gaps, runs }) => [
        ...gaps.map((gap): MissingPart => ({ ...gap, reason: "not_compared" })),
        ...runs.flatMap(cutShort),
      ])
      .toSorted((a, b) => a.fromMs - b.fromMs),
    pass: whole === -1 ? -1 : base.pass,
  };
};

/** Neighbours for the same reason are one part. */
const merged = (parts: readonly MissingPart[]): readonly MissingPart[] =>
  parts.reduce<MissingPart[]>((so, part) => {
    const last = so.at(-1);
    if (
      last !== undefined &&
      last.reason === part.reason &&
      last.why === part.why &&
      last.toMs === part.fromMs
    )
      so[so.length - 1] = { ...last, toMs: part.toMs };
    else so.push(part);
    return so;
  }, []);

/**
 * What stands of a day. It is reconciled only where each of its windows was looked at whole, and no later look at
 * one ended otherwise or was begun and has not ended.
 * @param dayStartMs its midnight, UTC
 * @param records windows of this gateway, of any time
 */
export const reconciledDay = (
  records: readonly WindowRecord[],
  gateway: GatewayName,
  dayStartMs: number,
  nowMs: number,
): ReconciledDay => {
  const windows = Array.from({ length: dayMs / windowMs }, (_, nth) => {
    const fromMs = dayStartMs + nth * windowMs;
    return windowOf(records, fromMs, fromMs + windowMs, nowMs);
  });
  return {
    gateway,
    day: new Date(dayStartMs).toISOString().slice(0, 10),
    fromMs: dayStartMs,
    toMs: dayStartMs + dayMs,
    standing: windows.flatMap(({ standing }) => standing),
    told: windows.flatMap(({ told }) => told),
    missing: merged(windows.flatMap(({ missing }) => missing)),
    lookedAtAgain: windows.some(({ pass }) => pass < passesAfterMs.length - 1),
  };
};

/** Midnights of the days of which there is something to tell, oldest first: from the first window that is known. */
export const daysToTell = (
  records: readonly WindowRecord[],
  nowMs: number,
  lookBackMs: number,
): readonly number[] => {
  const earliest = Math.max(
    records.reduce((least, { fromMs }) => Math.min(least, fromMs), nowMs),
    nowMs - lookBackMs,
  );
  const days: number[] = [];
  for (let day = Math.floor(earliest / dayMs) * dayMs; day < nowMs; day += dayMs)
    if (day + dayMs <= nowMs || records.some(({ state, fromMs }) => state === "done" && fromMs >= day))
      days.push(day);
  return days;
};

/** Whether somebody compares a part of the day just now: what is told of it will be another thing in minutes. */
export const isBeingCompared = (
  records: readonly WindowRecord[],
  { fromMs, toMs }: Pick<ReconciledDay, "fromMs" | "toMs">,
  nowMs: number,
): boolean =>
  records.some(
    (record) =>
      record.state === "leased" &&
      record.fromMs < toMs &&
      record.toMs > fromMs &&
      nowMs <= record.leaseUntilMs,
  );
