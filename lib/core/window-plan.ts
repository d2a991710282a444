import type { GatewayName, LeaseToken } from "./charge.ts";
import type { WindowRecord } from "./window-record.ts";

const hourMs = 3_600_000;
/** Windows stand on a grid of the gateway's time, the same for every worker. */
export const windowMs = 6 * hourMs;
/** How long after its end a window is looked at, and again, for what came late: 1 hour, 3 days. */
export const passesAfterMs: readonly number[] = [hourMs, 72 * hourMs];
/** How far back the first run ever looks. */
export const firstLookBackMs = 24 * hourMs;
/** How far back missed windows are made up for. */
export const lookBackMs = 35 * 24 * hourMs;
/** An incomplete window is tried again after so long; one that was begun so often, once a day. */
export const tryAgainAfterMs = hourMs;
export const triesMax = 24;
const dayMs = 24 * hourMs;
/** The shortest window that is cut in halves. */
export const splitMinMs = 120_000;

type Place = Pick<WindowRecord, "fromMs" | "toMs" | "pass">;

/** A window that somebody should work on now, and the record that stands for it, if there is one. */
export type DueWindow = Place & { readonly standing: WindowRecord | undefined };

const nameOf = ({ fromMs, toMs, pass }: Place): string => `${fromMs} ${toMs} ${pass}`;

const isDue = (record: WindowRecord, nowMs: number): boolean => {
  switch (record.state) {
    case "waiting":
      return true;
    case "leased":
      return nowMs > record.leaseUntilMs;
    case "split":
      return false;
    case "done":
      return (
        !record.run.complete &&
        nowMs >= record.run.endedAtMs + (record.begun < triesMax ? tryAgainAfterMs : dayMs)
      );
  }
};

/** The grid's windows whose time has come, from the earliest that is known (or a day ago) to now. */
const gridOf = (records: readonly WindowRecord[], nowMs: number): readonly Place[] => {
  const earliest = records.reduce((least, { fromMs }) => Math.min(least, fromMs), nowMs - firstLookBackMs);
  const places: Place[] = [];
  for (
    let fromMs = Math.ceil(Math.max(earliest, nowMs - lookBackMs) / windowMs) * windowMs;
    fromMs + windowMs <= nowMs;
    fromMs += windowMs
  )
    for (const [pass, afterMs] of passesAfterMs.entries())
      if (fromMs + windowMs + afterMs <= nowMs) places.push({ fromMs, toMs: fromMs + windowMs, pass });
  return places;
};

/** What is to be worked on now, oldest first; halves of windows that were cut are records of their own. */
export const dueWindows = (records: readonly WindowRecord[], nowMs: number): readonly DueWindow[] => {
  const standing = new Map(records.map((record) => [nameOf(record), record]));
  const missing = gridOf(records, nowMs).filter((place) => !standing.has(nameOf(place)));
  return [
    ...missing.map((place) => ({ ...place, standing: undefined })),
    ...records
      .filter((record) => isDue(record, nowMs))
      .map((record) => ({
        fromMs: record.fromMs,
        toMs: record.toMs,
        pass: record.pass,
        standing: record,
      })),
  ].sort((a, b) => a.fromMs - b.fromMs || a.pass - b.pass);
};

/**
 * Up to where the gateway's time has been reconciled whole, without a hole: what the freshness of
 * reconciliation is measured by. `undefined`: nothing has been yet.
 */
export const watermarkMs = (records: readonly WindowRecord[]): number | undefined => {
  const done = records
    .filter((record) => record.state === "done" && record.run.complete && record.pass === 0)
    .sort((a, b) => a.fromMs - b.fromMs);
  const first = records.reduce<number | undefined>(
    (least, { fromMs }) => (least === undefined ? fromMs : Math.min(least, fromMs)),
    undefined,
  );
  let mark = first;
  for (const { fromMs, toMs } of done) if (mark !== undefined && fromMs <= mark) mark = Math.max(mark, toMs);
  return mark === first ? undefined : mark;
};

/** The two halves of a window that did not fit into one invocation. */
export const halvesOf = (
  { fromMs, toMs, pass }: Place,
  gateway: GatewayName,
  tokens: readonly [LeaseToken, LeaseToken],
): readonly WindowRecord[] => {
  const middleMs = Math.floor((fromMs + toMs) / 2);
  return [
    { v: 1, gateway, fromMs, toMs: middleMs, pass, token: tokens[0], begun: 0, state: "waiting" },
    { v: 1, gateway, fromMs: middleMs, toMs, pass, token: tokens[1], begun: 0, state: "waiting" },
  ];
};
