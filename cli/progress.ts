import type { RoutedOutcome } from "../lib/core/route-message.ts";

/** How a run stands at a moment. */
export type RunState = {
  /** lines of the file that the queue has */
  readonly sent: number;
  /** whether the whole file is on the queue */
  readonly allSent: boolean;
  /** texts of the file that have their outcome, and those that do not */
  readonly ended: number;
  readonly open: number;
  readonly counts: ReadonlyMap<RoutedOutcome, number>;
  /** charges whose outcome is being found out, by the ledger */
  readonly unknown: number;
  readonly pending: number;
  /** until the next of them is asked for, and how long the oldest of them has waited; milliseconds */
  readonly nextLookUpMs?: number;
  readonly longestWaitMs?: number;
  /** gateway accounts to which no charge goes at the moment, and why, in words */
  readonly closed?: readonly string[];
};

export type Progress = {
  /** a line of its own, above what is redrawn */
  note(text: string): void;
  stop(): void;
};

const redrawMs = 250;
const plainLineMs = 2_000;
/** The stretch over which the rate is measured. */
const rateMs = 5_000;

const clock = (ms: number): string => {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes} min ${seconds % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};

const labels: Readonly<Partial<Record<RoutedOutcome, string>>> = {
  approved: "approved",
  declined_permanent: "declined",
  declined_retryable: "declined for now",
  request_error: "request errors",
  expired: "expired",
  review: "review",
};

/** The lines of a live view. Pure. */
export const progressLines = (state: RunState, elapsedMs: number, perSecond: number): string[] => {
  const counted = Object.entries(labels)
    .map(([outcome, label]) => [label, state.counts.get(outcome as RoutedOutcome) ?? 0] as const)
    .filter(([, count]) => count > 0)
    .map(([label, count]) => `${label} ${count}`);
  const total = state.ended + state.open;
  const waits = [
    ...(state.unknown > 0 ? [`${state.unknown} unknown`] : []),
    ...(state.pending > 0 ? [`${state.pending} pending`] : []),
  ];
  const waiting =
    waits.length === 0
      ? []
      : [
          `waiting: ${waits.join(", ")}${state.nextLookUpMs === undefined ? "" : `; next look-up in ${clock(state.nextLookUpMs)}`}${state.longestWaitMs === undefined ? "" : `; the oldest since ${clock(state.longestWaitMs)}`}`,
        ];
  return [
    `${clock(elapsedMs)}  ${state.ended} of ${total}${state.allSent ? "" : "+"} ended, ${perSecond.toFixed(perSecond < 10 ? 1 : 0)}/s`,
    ...(counted.length === 0 ? [] : [counted.join(", ")]),
    ...waiting,
    ...(state.closed ?? []),
  ];
};

/**
 * Shows how a run stands: redrawn in place on a terminal, otherwise a plain line now and then when something
 * has changed. Nothing is written after `stop`.
 */
export const startProgress = (
  stream: Pick<NodeJS.WriteStream, "write" | "isTTY" | "columns">,
  stateNow: () => RunState,
): Progress => {
  const terminal = stream.isTTY === true;
  const startedAt = performance.now();
  const marks: { readonly at: number; readonly ended: number }[] = [];
  let drawn = 0;
  let lastPlain = "";
  const erase = (): string => (drawn === 0 ? "" : `\x1b[${drawn}A\x1b[J`);

  const draw = (): void => {
    const state = stateNow();
    const now = performance.now();
    marks.push({ at: now, ended: state.ended });
    while (marks.length > 1 && now - (marks[0]?.at ?? now) > rateMs) marks.shift();
    const oldest = marks[0] ?? { at: now, ended: state.ended };
    const perSecond = now > oldest.at ? ((state.ended - oldest.ended) * 1_000) / (now - oldest.at) : 0;
    const lines = progressLines(state, now - startedAt, perSecond);
    if (terminal) {
      const width = stream.columns || 80;
      const cut = lines.map((line) => (line.length < width ? line : `${line.slice(0, width - 2)}…`));
      stream.write(`${erase()}${cut.join("\n")}\n`);
      drawn = cut.length;
      return;
    }
    // The clock alone is no news.
    const news = lines.slice(1).join("; ") + String(state.ended);
    if (news === lastPlain) return;
    lastPlain = news;
    stream.write(`${lines.join("; ")}\n`);
  };
  draw();
  const timer = setInterval(draw, terminal ? redrawMs : plainLineMs);
  return {
    note(text) {
      stream.write(`${terminal ? erase() : ""}${text}\n`);
      drawn = 0;
    },
    stop() {
      clearInterval(timer);
      if (terminal) stream.write(erase());
      drawn = 0;
    },
  };
};
