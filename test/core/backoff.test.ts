import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { backoffMs, pauseMs } from "../../lib/core/backoff.ts";

describe("backoffMs", () => {
  test.each<[receives: number, fraction: number, ms: number, reason: string]>([
    [1, 0, 2_500, "half of the first wait at least"],
    [1, 1, 5_000, "the first wait at most"],
    [2, 1, 10_000, "doubles"],
    [3, 1, 20_000, "doubles again"],
    [8, 1, 640_000, "still doubling"],
    [9, 1, 900_000, "15 minutes at most"],
    [9, 0, 450_000, "half of it at least"],
    [240, 1, 900_000, "the last receive before it is a dead letter"],
    [1e9, 1, 900_000, "no overflow"],
    [0, 1, 5_000, "a count that SQS did not give counts as the first"],
    [-5, 1, 5_000, "nor does a wrong one break it"],
    [1, 0.5, 3_750, "in between by chance"],
  ])("%i receives, %d → %i ms (%s)", (receives, fraction, ms) => {
    expect(backoffMs(receives, fraction)).toBe(ms);
  });

  const anyReceives = fc.integer({ min: 0, max: 2_000 });
  const anyFraction = fc.double({ min: 0, max: 1, noNaN: true });

  test("is a whole number that SQS can hide a message for, and never nothing", () => {
    fc.assert(
      fc.property(anyReceives, anyFraction, (receives, fraction) => {
        const ms = backoffMs(receives, fraction);
        expect(Number.isSafeInteger(ms)).toBe(true);
        expect(ms).toBeGreaterThanOrEqual(2_500);
        expect(ms).toBeLessThanOrEqual(900_000);
      }),
    );
  });

  test("never shrinks with the receives", () => {
    fc.assert(
      fc.property(anyReceives, anyFraction, (receives, fraction) => {
        expect(backoffMs(receives + 1, fraction)).toBeGreaterThanOrEqual(backoffMs(receives, fraction));
      }),
    );
  });

  test("a gateway that is down for a day costs a message fewer receives than make it a dead letter", () => {
    let ms = 0;
    let receives = 0;
    while (ms < 86_400_000) ms += backoffMs(++receives, 0);
    expect(receives).toBeLessThan(240);
  });
});

describe("pauseMs", () => {
  test.each<[receives: number, fraction: number, ms: number, reason: string]>([
    [1, 1, 100, "the next turn may be soon"],
    [1, 0, 75, "never nothing"],
    [10, 1, 10_000, "longer the more often it came in vain"],
    [30, 0, 67_500, "three quarters of it at least"],
    [95, 1, 900_000, "15 minutes at most"],
    [1e9, 1, 900_000, "no overflow"],
    [0, 1, 100, "a count that SQS did not give counts as the first"],
  ])("%i receives, %d → %i ms (%s)", (receives, fraction, ms) => {
    expect(pauseMs(receives, fraction)).toBe(ms);
  });

  test("a gateway that is closed for a day costs a message fewer receives than make it a dead letter", () => {
    let ms = 0;
    let receives = 0;
    while (ms < 86_400_000) ms += pauseMs(++receives, 0);
    expect(receives).toBeLessThan(240);
  });
});
