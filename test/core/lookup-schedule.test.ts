import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nextLookAtMs } from "../../lib/core/lookup-schedule.ts";
import { policyOf, t0 } from "./builders.ts";

const policy = policyOf();
const s = (seconds: number): number => t0 + seconds * 1_000;

describe("nextLookAtMs", () => {
  test.each<[looked: number, nowSeconds: number, dueSeconds: number | undefined, reason: string]>([
    [0, 30, 60, "the first, a minute after the last send"],
    [0, 90, 90, "late already: at once, nothing was searched yet"],
    [1, 61, 360, "the second, once the feed may show the row"],
    [1, 355, 415, "a late first look-up moves the second by a minute"],
    [2, 361, 480, "the third completes a certificate inside the key life"],
    [2, 470, 530, "half the gap of two minutes apart"],
    [3, 481, 900, "the fourth"],
    [9, 43_201, 86_400, "the last"],
    [10, 86_401, undefined, "used up (S6)"],
    [99, 86_401, undefined, "used up long ago"],
  ])("look-up %i at %i s → %s s (%s)", (looked, nowSeconds, dueSeconds) => {
    const entry = { looked, lastSendAtMs: t0, openedAtMs: t0 - 999_000 };
    expect(nextLookAtMs(policy, entry, s(nowSeconds))).toBe(
      dueSeconds === undefined ? undefined : s(dueSeconds),
    );
  });

  test("half of a short gap is less than a minute", () => {
    const short = policyOf({ lookupScheduleMs: [60_000, 100_000] });
    expect(nextLookAtMs(short, { looked: 1, lastSendAtMs: t0, openedAtMs: t0 }, s(99))).toBe(s(119));
  });

  test("counts from the moment it was opened where nothing says when it was sent", () => {
    expect(nextLookAtMs(policy, { looked: 0, openedAtMs: t0 }, t0)).toBe(s(60));
  });

  test("is never in the past, and two look-ups never fall on one moment", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 1, maxLength: 12 }),
        fc.nat(11),
        fc.integer({ min: 0, max: 20_000_000 }),
        (gaps, looked, sinceMs) => {
          let at = 0;
          const lookupScheduleMs = gaps.map((gap) => {
            at += gap;
            return at;
          });
          const nowMs = t0 + sinceMs;
          const next = nextLookAtMs(
            policyOf({ lookupScheduleMs }),
            { looked, lastSendAtMs: t0, openedAtMs: t0 },
            nowMs,
          );
          if (looked >= gaps.length) expect(next).toBeUndefined();
          else {
            expect(next).toBeGreaterThanOrEqual(nowMs);
            if (looked > 0) expect(next).toBeGreaterThan(nowMs);
          }
        },
      ),
    );
  });
});
