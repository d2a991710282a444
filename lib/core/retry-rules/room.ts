import type { NetworkLimit } from "./limits.ts";

/** One attempt as the limits count it. */
export type Spend = {
  /** when it was opened, milliseconds since 1970 */
  readonly at: number;
  /** amount in minor units and currency, as one text: equal texts are the same amount */
  readonly money: string;
};

/** Whether one more attempt is within every limit; if not, from when on, and which limit is the last to free. */
export type Room =
  | { readonly kind: "free" }
  | { readonly kind: "full"; readonly untilMs: number; readonly limit: NetworkLimit };

/**
 * @param slackMs how much later than it was opened an attempt may reach the network: windows are that much longer
 */
export const roomOf = (
  spends: readonly Spend[],
  money: string,
  limits: readonly NetworkLimit[],
  slackMs: number,
  nowMs: number,
): Room => {
  let room: Room = { kind: "free" };
  for (const limit of limits) {
    const insideMs = limit.perMs + slackMs;
    // One by a clock that is ahead of ours counts, too.
    const inside = spends.filter(
      ({ at, money: of }) => at > nowMs - insideMs && (limit.counts === "instrument" || of === money),
    );
    if (inside.length < limit.attemptsMax) continue;
    const times = inside.map(({ at }) => at).sort((a, b) => a - b);
    const leaving = times[times.length - limit.attemptsMax] ?? nowMs;
    const untilMs = leaving + insideMs;
    if (room.kind === "free" || untilMs > room.untilMs) room = { kind: "full", untilMs, limit };
  }
  return room;
};
