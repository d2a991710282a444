import { describe, expect, test } from "vitest";
import type { RetryWish } from "../../lib/core/next-attempt.ts";
import { type PastAttempt, simulateRetries } from "../../lib/core/retry-simulation.ts";
import { t0 } from "./builders.ts";

const hour = 3_600_000;
const day = 24 * hour;
const wish: RetryWish = { scheduleMs: [day, 3 * day], attemptsMax: 3, region: "global", slackMs: 0 };

/** `at` in hours after the first. */
const past = (
  at: number,
  outcome: PastAttempt["outcome"],
  changes: Partial<PastAttempt> = {},
): PastAttempt => ({
  chargeId: "inv-1",
  instrument: "card-1",
  network: "visa",
  atMs: t0 + at * hour,
  amountMinor: 1999n,
  currency: "EUR",
  outcome,
  networkCode: "51",
  category: "insufficient_funds",
  ...changes,
});
const one = { count: 1, money: { EUR: 1999n } };
const none = { count: 0, money: {} };

describe("a history played anew", () => {
  test.each<[history: readonly PastAttempt[], expected: object, reason: string]>([
    [[past(0, "approved")], { sent: [1], recovered: none, perhaps: none, missed: none }, "approved at once"],
    [[past(0, "declined"), past(20, "approved")], { sent: [1, 1], recovered: one }, "approved by the second"],
    [
      [past(0, "declined"), past(30, "approved")],
      { sent: [1, 1, 1], recovered: one, missed: none },
      "declined still at the second, approved by the third",
    ],
    [
      [past(0, "declined"), past(200, "approved")],
      { sent: [1, 1, 1], recovered: none, perhaps: none, missed: one, refused: { attempts_used_up: one } },
      "approved when the schedule had given up",
    ],
    [
      [past(0, "declined")],
      { sent: [1, 1, 1], perhaps: one, recovered: none, refused: { attempts_used_up: one } },
      "nobody knows what later ones would have brought",
    ],
    [
      [past(0, "declined"), past(200, "declined")],
      { sent: [1, 1, 1], perhaps: none, refused: { attempts_used_up: one } },
      "declined beyond everything that would have been tried",
    ],
    [
      [past(0, "declined", { networkCode: "41" }), past(48, "declined"), past(72, "approved")],
      {
        sent: [1],
        refused: { visa_category_1: one },
        missed: one,
        forbidden: { visa_category_1: { count: 2, fees: { USD: 20n } } },
        feesSaved: { USD: 20n },
      },
      "lost: the history went on, and paid for it",
    ],
    [
      [past(0, "declined", { networkCode: "41" }), past(5, "approved", { chargeId: "inv-2" })],
      { sent: [1], charges: 2, refused: { visa_category_1: one, instrument_closed: one } },
      "closed for another charge, too",
    ],
    [
      [past(0, "declined", { category: "blocked" })],
      { sent: [1], refused: { category: one }, perhaps: none },
      "suspicion",
    ],
    [
      [
        past(0, "declined", { network: "mastercard", adviceCode: "03", instrument: "card-2" }),
        past(1, "declined"),
      ],
      { charges: 2, refused: { mastercard_advice_close: one, attempts_used_up: one } },
      "another instrument is another charge",
    ],
  ])("%# (%s)", (history, expected) => {
    expect(simulateRetries(history, wish)).toMatchObject(expected);
  });

  const lost = { networkCode: "41" };
  const other = (at: number, outcome: PastAttempt["outcome"], changes: Partial<PastAttempt> = {}) =>
    past(at, outcome, { chargeId: "inv-2", ...changes });
  // biome-ignore format: one row a line
  test.each<[history: readonly PastAttempt[], expected: object, reason: string]>([
    [[past(0, "approved", lost), other(1, "approved")], { forbidden: {}, sent: [2] }, "an approval closes nothing, whatever its code"],
    [[past(0, "declined", { network: "mastercard", adviceCode: "01" }), other(1, "approved", { network: "mastercard" })], { forbidden: {}, refused: { mastercard_advice_stop: one } }, "advice that stops one charge forbids no other"],
    [[past(0, "declined"), past(24, "approved")], { sent: [1, 1], recovered: one }, "approved at the moment at which it is tried"],
    [[past(0, "declined"), past(20, "approved"), past(22, "declined")], { sent: [1, 1], recovered: one }, "what was approved stays so"],
    [[past(0, "declined"), past(10, "declined", lost)], { sent: [1, 1], refused: { visa_category_1: one }, perhaps: one }, "the latest word by then counts"],
    [[past(0, "declined"), past(10, "declined", lost), past(12, "declined")], { sent: [1, 1, 1], refused: { attempts_used_up: one } }, "and none before it"],
    [[past(0, "declined"), past(24, "declined", lost)], { sent: [1, 1], refused: { visa_category_1: one }, perhaps: none }, "that of this moment, too"],
    [[past(0, "declined"), past(25, "declined", lost)], { sent: [1, 1, 1], refused: { visa_category_1: one } }, "and no later one"],
    [[other(0, "declined", lost), past(1, "approved")], { sent: [1], missed: none, refused: { visa_category_1: one, instrument_closed: one } }, "a first attempt is nothing that a schedule misses"],
    [[past(0, "declined"), other(30, "declined", lost)], { sent: [2, 1], refused: { visa_category_1: one, instrument_closed: one } }, "whichever is due first is tried first"],
  ])("%# (%s)", (history, expected) => {
    const { forbidden, ...rest } = simulateRetries(history, wish);
    expect({ ...rest, forbidden }).toMatchObject(expected);
    // An object without members would match any.
    if ("forbidden" in expected) expect(forbidden).toEqual(expected.forbidden);
  });

  test("a full count puts the next attempt off once, and counts each amount by itself", () => {
    const before = Array.from({ length: 19 }, (_, at) => past(at, "approved", { chargeId: `a-${at}` }));
    expect(simulateRetries([...before, past(19, "declined")], wish)).toMatchObject({
      sent: [20, 1, 1],
      postponed: 1,
    });
    expect(simulateRetries([...before, past(19, "declined", { amountMinor: 500n })], wish)).toMatchObject({
      sent: [20, 1, 1],
      postponed: 0,
      forbidden: {},
    });
    const another = past(20, "approved", { chargeId: "a-20", amountMinor: 500n });
    expect(simulateRetries([...before, past(19, "approved"), another], wish).forbidden).toEqual({});
  });

  test("the order of lines does not matter", () => {
    const history = [past(0, "declined"), past(20, "declined"), past(40, "approved")];
    expect(simulateRetries(history.toReversed(), wish)).toEqual(simulateRetries(history, wish));
  });

  test("the eleventh decline of a day is forbidden, costs its fee, and would have been put off", () => {
    const history = Array.from({ length: 12 }, (_, at) =>
      past(at, "declined", { network: "mastercard", chargeId: `inv-${at}`, amountMinor: BigInt(100 + at) }),
    );
    const simulation = simulateRetries(history, { ...wish, attemptsMax: 1 });
    expect(simulation.forbidden).toEqual({ mastercard_24_hours: { count: 2, fees: { USD: 100n } } });
    expect(simulation).toMatchObject({ sent: [12], postponed: 2 });
  });

  test("without an instrument nothing is counted together", () => {
    const history = Array.from({ length: 30 }, (_, at): PastAttempt => {
      const { instrument: _none, ...rest } = past(at, "approved", { chargeId: `inv-${at}` });
      return rest;
    });
    const simulation = simulateRetries(history, wish);
    expect(simulation.forbidden).toEqual({});
    expect(simulation).toMatchObject({ sent: [30], postponed: 0 });
  });
});
