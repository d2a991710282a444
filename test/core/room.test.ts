import { describe, expect, test } from "vitest";
import { type NetworkLimit, said } from "../../lib/core/retry-rules/index.ts";
import { roomOf } from "../../lib/core/retry-rules/room.ts";

const limit = (changes: Partial<NetworkLimit> = {}): NetworkLimit => ({
  id: "mastercard_24_hours",
  network: "mastercard",
  attemptsMax: 2,
  perMs: 100,
  counts: "instrument",
  ...said("braintree_mastercard"),
  ...changes,
});
const ofAmount = limit({ id: "visa_amount_30_days", counts: "instrument_amount", perMs: 1_000 });

describe("room for one more attempt", () => {
  test.each<[times: readonly number[], nowMs: number, untilMs: number | undefined, reason: string]>([
    [[], 50, undefined, "none was made"],
    [[10], 50, undefined, "one of two"],
    [[10, 20], 50, 110, "both: until the first is as old as the window"],
    [[20, 10], 50, 110, "in whatever order they are kept"],
    [[10, 20], 109, 110, "a millisecond before"],
    [[10, 20], 110, undefined, "and then"],
    [[10, 20, 30], 50, 120, "one more than there may be: until two have gone"],
    [[10, 70], 50, 110, "one by a clock that is ahead"],
  ])("%j at %i: full until %s (%s)", (times, nowMs, untilMs) => {
    const room = roomOf(
      times.map((at) => ({ at, money: "1 EUR" })),
      "1 EUR",
      [limit()],
      0,
      nowMs,
    );
    expect(room.kind === "full" ? room.untilMs : undefined).toBe(untilMs);
  });

  test("what may arrive later than it was opened counts for longer", () => {
    const spends = [10, 20].map((at) => ({ at, money: "1 EUR" }));
    expect(roomOf(spends, "1 EUR", [limit()], 30, 120)).toMatchObject({ kind: "full", untilMs: 140 });
    expect(roomOf(spends, "1 EUR", [limit()], 30, 140)).toEqual({ kind: "free" });
  });

  test("a limit on an amount counts that amount alone, and of two full limits the later one tells", () => {
    const spends = [10, 20].map((at) => ({ at, money: "1 EUR" }));
    expect(roomOf(spends, "2 EUR", [ofAmount], 0, 50)).toEqual({ kind: "free" });
    expect(roomOf(spends, "1 EUR", [limit(), ofAmount], 0, 50)).toMatchObject({
      untilMs: 1_010,
      limit: { id: "visa_amount_30_days" },
    });
    expect(roomOf(spends, "1 EUR", [ofAmount, limit()], 0, 50)).toMatchObject({ untilMs: 1_010 });
  });
});
