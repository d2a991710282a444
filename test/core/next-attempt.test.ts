import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { adviceOf, declineCategories } from "../../lib/core/decline.ts";
import {
  type Declined,
  type InstrumentView,
  nextAttempt,
  type RetryWish,
} from "../../lib/core/next-attempt.ts";
import { adviceRules, networkLimits, roomOf, visaCodeRules } from "../../lib/core/retry-rules/index.ts";
import { t0 } from "./builders.ts";

const hour = 3_600_000;
const day = 24 * hour;
const wish: RetryWish = { scheduleMs: [day, 3 * day, 5 * day], attemptsMax: 4, region: "global", slackMs: 0 };
const declined = (changes: Partial<Declined> = {}): Declined => ({
  network: "visa",
  networkCode: "51",
  category: "insufficient_funds",
  atMs: t0,
  attempts: 1,
  money: "1999 EUR",
  ...changes,
});
/** So many attempts of one amount, an hour apart, the last of them `agoMs` before now. */
const spent = (count: number, agoMs = 0, money = "1999 EUR"): InstrumentView => ({
  spends: Array.from({ length: count }, (_, at) => ({ at: t0 - agoMs - (count - 1 - at) * hour, money })),
  closed: false,
});
const closed: InstrumentView = { spends: [], closed: true };

describe("when the next attempt may be made", () => {
  test.each<
    [
      changes: Partial<Declined>,
      instrument: InstrumentView | undefined,
      hours: number,
      because: string,
      reason: string,
    ]
  >([
    [{}, undefined, 24, "schedule", "the schedule's first wait"],
    [{ attempts: 2 }, undefined, 72, "schedule", "its second"],
    [{ attempts: 3 }, undefined, 120, "schedule", "its third"],
    [{}, spent(1), 24, "schedule", "one attempt is within every limit"],
    [{ networkCode: "05", category: "issuer_refused" }, spent(1), 24, "schedule", "category 4"],
    [
      { network: "mastercard", networkCode: "41" },
      undefined,
      24,
      "schedule",
      "Visa's code, and not Visa's card",
    ],
    [{ network: "mastercard", adviceCode: "24" }, spent(1), 24, "schedule", "an hour is over by then"],
    [{ network: "mastercard", adviceCode: "27" }, spent(1), 96, "mastercard_advice_wait", "four days"],
    [{ network: "mastercard", adviceCode: "30" }, spent(1), 240, "mastercard_advice_wait", "ten days"],
    [{ adviceCode: "30" }, spent(1), 24, "schedule", "Mastercard's advice on a Visa card says nothing"],
    [
      { network: "amex", adviceCode: "30" },
      spent(1),
      240,
      "mastercard_advice_wait",
      "a network without rules: both",
    ],
    [
      { network: "mastercard", adviceCode: "40" },
      spent(1),
      24,
      "schedule",
      "a prepaid card: nothing about time",
    ],
    [{}, spent(19), 24, "schedule", "the twentieth is within Visa's limit"],
    [{}, spent(20), 701, "network_limit", "the twenty-first waits until the first is 30 days old"],
    [{}, spent(20, 0, "500 EUR"), 24, "schedule", "of another amount"],
    [{ network: "mastercard" }, spent(34), 24, "schedule", "the day's ten are over by then"],
    [{ network: "mastercard" }, spent(35), 686, "network_limit", "thirty-five of one amount"],
    [{ network: "mastercard" }, spent(35, 0, "500 EUR"), 24, "schedule", "of another amount"],
    [{ network: undefined }, spent(20), 701, "network_limit", "not told which network: the strictest"],
    [{ notAfterMs: t0 + 24 * hour }, undefined, 24, "schedule", "at the last moment"],
  ])("%j, %j: after %i h, for %s (%s)", (changes, instrument, hours, because) => {
    const next = nextAttempt(declined(changes), instrument, wish, t0, 0);
    if (next.kind !== "at") throw new Error(next.because);
    expect([(next.atMs - t0) / hour, next.last.name]).toEqual([hours, because]);
  });

  test("what holds it back is asked for of the moment at which it would be made, not of now", () => {
    const next = nextAttempt(declined({ network: "mastercard" }), spent(34), wish, t0, 0);
    expect(next).toMatchObject({ bounds: [{ name: "schedule", atMs: t0 + day }] });
  });

  test("of two that end in one moment the merchant's own wish is named", () => {
    const hourly = { ...wish, scheduleMs: [hour] };
    const next = nextAttempt(declined({ network: "mastercard", adviceCode: "24" }), undefined, hourly, t0, 0);
    expect(next).toMatchObject({ last: { name: "schedule" } });
  });

  test("ten in a day: the eleventh waits until the first is a day old, whatever the schedule wishes", () => {
    const eager = { ...wish, scheduleMs: [60_000, 120_000] };
    const next = nextAttempt(declined({ network: "mastercard" }), spent(10), eager, t0, 0);
    expect(next).toMatchObject({ kind: "at", atMs: t0 + 15 * hour, last: { limit: "mastercard_24_hours" } });
  });

  test.each<[Partial<Declined>, InstrumentView | undefined, because: string, fee: boolean, reason: string]>([
    [{ networkCode: "41", category: "never_approved" }, undefined, "visa_category_1", true, "lost"],
    [{ networkCode: "41" }, undefined, "visa_category_1", true, "lost, whatever the gateway's table says"],
    [{ network: undefined, networkCode: "14" }, undefined, "visa_category_1", true, "it may be a Visa card"],
    [
      { network: "mastercard", adviceCode: "03" },
      undefined,
      "mastercard_advice_close",
      true,
      "do not try again",
    ],
    [{ network: "mastercard", adviceCode: "21" }, undefined, "mastercard_advice_close", true, "nor here"],
    [
      { network: undefined, adviceCode: "03" },
      undefined,
      "mastercard_advice_close",
      true,
      "it may be a Mastercard",
    ],
    [{}, closed, "instrument_closed", false, "an earlier charge's decline closed it"],
    [
      { network: "mastercard", adviceCode: "01" },
      undefined,
      "mastercard_advice_stop",
      false,
      "the data first",
    ],
    [
      { network: "mastercard", adviceCode: "99" },
      undefined,
      "mastercard_advice_unlisted",
      false,
      "no rule, no leave",
    ],
    [
      { category: "blocked", networkCode: "59" },
      undefined,
      "category",
      false,
      "suspicion is no matter of time",
    ],
    [{ category: "unrecognised" }, undefined, "category", false, "nobody knows"],
    [{ attempts: 4 }, undefined, "attempts_used_up", false, "four were made"],
    [{ notAfterMs: t0 + 24 * hour - 1 }, undefined, "past_not_after", false, "a millisecond too late"],
    [{ notAfterMs: t0 + 25 * hour }, spent(20), "past_not_after", false, "the limit frees too late"],
    [
      { notAfterMs: t0 - 1, networkCode: "41" },
      closed,
      "visa_category_1",
      true,
      "what costs a fee is told first",
    ],
  ])("%j, %j: never, for %s (%s)", (changes, instrument, because, fee) => {
    const next = nextAttempt(declined(changes), instrument, wish, t0, 0);
    expect(next).toMatchObject({ kind: "never", because });
    expect("fee" in next).toBe(fee);
  });

  test("a schedule that is shorter than `attemptsMax` ends there", () => {
    const short = { ...wish, scheduleMs: [day] };
    expect(nextAttempt(declined({ attempts: 2 }), undefined, short, t0, 0)).toMatchObject({
      because: "attempts_used_up",
    });
  });

  test.each<[fraction: number, minutes: number, reason: string]>([
    [0, 0, "first in the spread"],
    [0.5, 30, "its middle"],
    [0.99, 59.4, "nearly an hour"],
  ])("spread %d of a day's wait: %d minutes later (%s)", (fraction, minutes) => {
    const next = nextAttempt(declined(), undefined, wish, t0, fraction);
    expect(next).toMatchObject({ atMs: t0 + day + minutes * 60_000 });
  });

  test("of a short wait a tenth is the spread", () => {
    const soon = { ...wish, scheduleMs: [60_000] };
    expect(nextAttempt(declined(), undefined, soon, t0, 0.5)).toMatchObject({ atMs: t0 + 63_000 });
  });

  test("the spread goes no further than `notAfter`", () => {
    const next = nextAttempt(declined({ notAfterMs: t0 + day + 60_000 }), undefined, wish, t0, 0.9);
    expect(next).toMatchObject({ atMs: t0 + day + 60_000 });
  });

  const anyDecline = fc.record({
    network: fc.constantFrom("visa", "mastercard", "amex", undefined),
    networkCode: fc.constantFrom(...visaCodeRules.map(({ code }) => code), "05", "13", undefined),
    adviceCode: fc.constantFrom(...adviceRules.map(({ code }) => code), "99", undefined),
    category: fc.constantFrom(...declineCategories),
    attempts: fc.integer({ min: 1, max: 5 }),
    notAfterMs: fc.option(fc.integer({ min: t0, max: t0 + 40 * day }), { nil: undefined }),
  });
  const anyInstrument = fc.record({
    closed: fc.boolean(),
    spends: fc.array(
      fc.record({
        at: fc.integer({ min: t0 - 40 * day, max: t0 + hour }),
        money: fc.constantFrom("1999 EUR", "500 EUR"),
      }),
      { maxLength: 60 },
    ),
  });

  test("never before any bound, never past `notAfter`, and never beyond a limit", () => {
    fc.assert(
      fc.property(
        anyDecline,
        anyInstrument,
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (changes, one, f) => {
          const now = t0 + hour;
          const next = nextAttempt(declined(changes), one, { ...wish, slackMs: 900_000 }, now, f);
          if (next.kind === "never") return;
          expect(one.closed).toBe(false);
          expect(adviceOf[changes.category]).toBe("later");
          expect(next.atMs).toBeGreaterThanOrEqual(now);
          for (const bound of next.bounds) expect(next.atMs).toBeGreaterThanOrEqual(bound.atMs);
          if (changes.notAfterMs !== undefined) expect(next.atMs).toBeLessThanOrEqual(changes.notAfterMs);
          const limits = networkLimits.filter(
            ({ region, network }) => region === "global" && (changes.network ?? "amex") === network,
          );
          expect(roomOf(one.spends, "1999 EUR", limits, 900_000, next.atMs)).toEqual({ kind: "free" });
        },
      ),
    );
  });
});
