import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Json } from "../../lib/core/json.ts";
import { parseJson } from "../../lib/core/json.ts";
import {
  defaultPolicy,
  keyLifeEndMs,
  leaseMsOf,
  networkSlackMs,
  type Policy,
  parsePolicy,
  probeDelaysOf,
  retriesLater,
  worstCaseMsOf,
} from "../../lib/core/policy.ts";
import { policyOf, t0, timeoutMs } from "./builders.ts";

test("the defaults are the contract's (section 6)", () => {
  expect(defaultPolicy).toStrictEqual({
    resendDelayMs: 2_000,
    resendsMax: 1,
    faultResendsMax: 3,
    faultResendDelayMs: 10_000,
    requestIdLifeMs: 900_000,
    leaseMs: undefined,
    lookupScheduleMs: [
      60_000, 360_000, 480_000, 900_000, 1_800_000, 3_600_000, 10_800_000, 21_600_000, 43_200_000, 86_400_000,
    ],
    feedLagMs: 300_000,
    clockSkewMs: 120_000,
    lateProcessingMs: 3_600_000,
    afterAbsence: "resendWithinLife",
    retryScheduleMs: [86_400_000, 259_200_000, 432_000_000],
    retryRegion: "global",
    budgetBy: "ledger",
    attemptsMax: 4,
    concurrencyMin: 1,
    closeAfterFaults: 10,
    closeAfterRefusals: 3,
    probeDelayMs: undefined,
    rateLimits: { centrapay: { requests: 200, perMs: 60_000 } },
    secondPersonFor: ["settle-as-approved", "settle-as-declined", "resend", "new-attempt", "refund"],
  } satisfies Policy);
});

test("with the defaults a certificate is complete inside the key life: no person is needed", () => {
  const counting = defaultPolicy.lookupScheduleMs.filter(
    (wait) => wait >= timeoutMs + defaultPolicy.feedLagMs,
  );
  expect(t0 + (counting[1] ?? Number.POSITIVE_INFINITY)).toBeLessThan(keyLifeEndMs(defaultPolicy, t0));
});

test("later attempts are made where the policy names their waits", () => {
  expect([[], [0], [1, 2]].map((retryScheduleMs) => retriesLater({ retryScheduleMs }))).toEqual([
    false,
    true,
    true,
  ]);
});

describe("parsePolicy", () => {
  test("says what words there are", () => {
    const parsed = parsePolicy({ retryRegion: "Brazil", secondPersonFor: "drop" });
    expect(parsed.ok ? "" : parsed.problems.join("\n")).toMatch(
      /one of global, europe, cemea, brazil[\s\S]*a list of settle-as-approved, settle-as-declined, /,
    );
  });

  test.each<[Json, string, string]>([
    [{ resendDelayMs: 0 }, "", "no wait is a wait"],
    [{ resendsMax: 0 }, "", "never resend"],
    [{ faultResendsMax: 10 }, "", "the most"],
    [{ requestIdLifeMs: 86_400_000 }, "", "as a gateway may promise"],
    [{ leaseMs: 1_000 }, "", "the shortest"],
    [{ requestIdLifeMs: 0 }, "", "nothing is ever sent again"],
    [{ lookupScheduleMs: [0] }, "", "one look-up at once"],
    [{ afterAbsence: "review" }, "", "a word of the list"],
    [{ afterAbsence: "newAttempt" }, "", "a word of the list"],
    [{ attemptsMax: 1 }, "", "one attempt"],
    [{ retryScheduleMs: [86_400_000, 86_400_000] }, "", "a day after each decline"],
    [{ retryScheduleMs: [] }, "", "no later attempts"],
    [{ retryScheduleMs: [60 * 86_400_000 + 1] }, "retryScheduleMs", "longer than any window"],
    [{ retryScheduleMs: [-1] }, "retryScheduleMs", "before the decline"],
    [{ retryScheduleMs: 86_400_000 }, "retryScheduleMs", "not a list"],
    [{ retryRegion: "brazil" }, "", "where Mastercard counts by the month, too"],
    [{ budgetBy: "gateway" }, "", "each account a merchant"],
    [{ budgetBy: "site" }, "budgetBy", "another word"],
    [{ retryRegion: "Brazil" }, "retryRegion", "another word"],
    [{}, "", "nothing changed"],
    [{ resendsMax: 6 }, "resendsMax", "too many"],
    [{ resendsMax: -1 }, "resendsMax", "fewer than none"],
    [{ resendsMax: 1.5 }, "resendsMax", "half a resend"],
    [{ resendsMax: "1" }, "resendsMax", "text"],
    [{ resendsMax: null }, "resendsMax", "null is no number"],
    [{ resendDelayMs: 600_001 }, "resendDelayMs", "too long"],
    [{ leaseMs: 0 }, "leaseMs", "no lease at all"],
    [{ leaseMs: 999 }, "leaseMs", "over before a request can leave: nothing would ever be sent"],
    [{ lookupScheduleMs: [] }, "lookupScheduleMs", "never looked up"],
    [{ lookupScheduleMs: [60_000, 60_000] }, "lookupScheduleMs", "twice at one moment"],
    [{ lookupScheduleMs: [60_000, 30_000] }, "lookupScheduleMs", "falling"],
    [{ lookupScheduleMs: 60_000 }, "lookupScheduleMs", "not a list"],
    [{ lookupScheduleMs: [1, "2"] }, "lookupScheduleMs", "text in it"],
    [{ lookupScheduleMs: Array.from({ length: 51 }, (_, at) => at) }, "lookupScheduleMs", "too many"],
    [
      { lookupScheduleMs: [60_000, 12 * 86_400_000 + 1] },
      "lookupScheduleMs",
      "SQS forgets the unknown's message after 14 days",
    ],
    [{ lookupScheduleMs: Array.from({ length: 50 }, (_, at) => at) }, "", "the most"],
    [{ afterAbsence: "resend" }, "afterAbsence", "another word"],
    [{ attemptsMax: 0 }, "attemptsMax", "none at all"],
    [{ secondPersonFor: ["refund", "drop"] }, "", "whatever a house wants two people for"],
    [{ secondPersonFor: [] }, "", "a house of one person"],
    [{ secondPersonFor: ["approve"] }, "secondPersonFor", "no such decision"],
    [{ secondPersonFor: ["drop", "drop"] }, "secondPersonFor", "named twice"],
    [{ secondPersonFor: "drop" }, "secondPersonFor", "not a list"],
    [{ feedLagMs: Number.POSITIVE_INFINITY }, "feedLagMs", "for ever"],
    [{ resendMax: 1 }, "resendMax", "a typo is not ignored"],
    [{ constructor: 1 }, "constructor", "what every object inherits is no number of the policy"],
    [parseJson('{"__proto__":{"resendsMax":5}}') as Json, "__proto__", "nor is a prototype"],
    [[], "the policy", "a list"],
    [null, "the policy", "null"],
    ["{}", "the policy", "text"],
  ])("%j → %s (%s)", (overrides, wrong) => {
    const parsed = parsePolicy(overrides);
    if (wrong === "")
      expect(parsed).toStrictEqual({ ok: true, policy: { ...defaultPolicy, ...(overrides as object) } });
    else {
      expect(parsed.ok).toBe(false);
      if (!parsed.ok)
        expect(parsed.problems.map((problem) => problem.startsWith(wrong))).toStrictEqual([true]);
    }
  });

  const day = 86_400_000;
  test.each<[keyof Policy, least: unknown, most: unknown, below: unknown, above: unknown, must: string]>([
    ["resendDelayMs", 0, 600_000, -1, 600_001, "a whole number of milliseconds up to 600000"],
    ["resendsMax", 0, 5, -1, 6, "a whole number from 0 to 5"],
    ["faultResendDelayMs", 0, 3_600_000, -1, 3_600_001, "a whole number of milliseconds up to 3600000"],
    ["faultResendsMax", 0, 10, -1, 11, "a whole number from 0 to 10"],
    ["requestIdLifeMs", 0, 365 * day, -1, 365 * day + 1, "a whole number of milliseconds"],
    ["leaseMs", 1_000, day, 999, day + 1, "a whole number of milliseconds from 1000 to 86400000"],
    [
      "lookupScheduleMs",
      [0],
      [0, 12 * day],
      [],
      [12 * day + 1],
      "a list of 1 to 50 rising whole numbers of milliseconds, at most 1036800000",
    ],
    ["feedLagMs", 0, 7 * day, -1, 7 * day + 1, "a whole number of milliseconds"],
    ["clockSkewMs", 0, day, -1, day + 1, "a whole number of milliseconds"],
    ["lateProcessingMs", 0, 7 * day, -1, 7 * day + 1, "a whole number of milliseconds"],
    [
      "afterAbsence",
      "resendWithinLife",
      "newAttempt",
      "",
      "send",
      '"resendWithinLife", "review" or "newAttempt"',
    ],
    [
      "retryScheduleMs",
      [],
      Array.from({ length: 50 }, () => 60 * day),
      Array.from({ length: 51 }, (_, at) => at),
      [60 * day + 1],
      "a list of up to 50 whole numbers of milliseconds, each at most 5184000000",
    ],
    ["budgetBy", "ledger", "gateway", "", "merchant", '"ledger" or "gateway"'],
    ["attemptsMax", 1, 20, 0, 21, "a whole number from 1 to 20"],
    ["concurrencyMin", 1, 1_000, 0, 1_001, "a whole number from 1 to 1000"],
    ["closeAfterFaults", 1, 1_000, 0, 1_001, "a whole number from 1 to 1000"],
    ["closeAfterRefusals", 1, 1_000, 0, 1_001, "a whole number from 1 to 1000"],
    ["probeDelayMs", 1, 3_600_000, 0, 3_600_001, "a whole number of milliseconds from 1 to 3600000"],
    [
      "rateLimits",
      { centrobill: { requests: 2, perMs: 100 } },
      { centrapay: { requests: 1e9, perMs: day } },
      { centrapay: { requests: 2, perMs: day + 1 } },
      { centrapay: { requests: 1e9 + 1, perMs: 100 } },
      'an object of centrobill, centrapay to {"requests": from 2, "perMs": from 100, at most 4850 for each two requests}',
    ],
  ])("%s: from %j to %j, and neither %j nor %j", (name, least, most, below, above, must) => {
    for (const value of [least, most]) expect(parsePolicy({ [name]: value } as Json).ok).toBe(true);
    for (const value of [below, above])
      expect(parsePolicy({ [name]: value } as Json)).toStrictEqual({
        ok: false,
        problems: [`${name}: must be ${must}`],
      });
  });

  test("names every problem", () => {
    const parsed = parsePolicy({ resendsMax: 9, nope: 1, attemptsMax: "4" });
    expect(parsed.ok ? [] : parsed.problems.map((problem) => problem.split(":")[0])).toStrictEqual([
      "resendsMax",
      "nope",
      "attemptsMax",
    ]);
  });

  test("never throws, and never lets a number through that is not one", () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.oneof(fc.constantFrom(...Object.keys(defaultPolicy)), fc.string({ maxLength: 5 })),
          fc.jsonValue({ maxDepth: 2 }),
          { maxKeys: 5 },
        ),
        (overrides) => {
          const parsed = parsePolicy(overrides as Json);
          if (!parsed.ok) return;
          for (const [name, value] of Object.entries(parsed.policy)) {
            expect(Object.keys(defaultPolicy)).toContain(name);
            if (name === "rateLimits" || name === "secondPersonFor") continue;
            for (const item of [value].flat())
              if (typeof item === "number") expect(Number.isSafeInteger(item) && item >= 0).toBe(true);
              else
                expect([
                  ["leaseMs", "probeDelayMs"].includes(name) && item === undefined,
                  ["afterAbsence", "budgetBy", "retryRegion"].includes(name),
                ]).toContain(true);
          }
        },
      ),
    );
  });
});

describe("rateLimits", () => {
  test.each<[Json, boolean, string]>([
    [{}, true, "none is known"],
    [{ centrapay: { requests: 200, perMs: 60_000 } }, true, "as documented"],
    [{ centrobill: { requests: 2, perMs: 100 } }, true, "the smallest there is"],
    [{ centrobill: { requests: 2, perMs: 4_850 } }, true, "the slowest there is"],
    [
      { centrobill: { requests: 2, perMs: 4_851 } },
      false,
      "slower: a charge of several requests would never get the turns it needs",
    ],
    [{ centrobill: { requests: 3, perMs: 9_700 } }, true, "two after a burst of one"],
    [{ centrapay: { requests: 25, perMs: 60_000 } }, true, "the slowest of a minute"],
    [{ centrapay: { requests: 24, perMs: 60_000 } }, false, "slower than that"],
    [{ centrapay: { requests: 1, perMs: 60_000 } }, false, "a burst of half of it would be none"],
    [{ centrapay: { requests: 200, perMs: 99 } }, false, "shorter than clocks are apart"],
    [{ centrapay: { requests: 200 } }, false, "per what?"],
    [{ centrapay: { requests: 2.5, perMs: 1_000 } }, false, "no half requests"],
    [{ centrapay: { requests: 200, perMs: 60_000, burst: 5 } }, false, "a typo is not ignored"],
    [{ stripe: { requests: 200, perMs: 60_000 } }, false, "not a gateway of ours"],
    [{ centrapay: 200 }, false, "not an object"],
    [[], false, "a list"],
    [null, false, "null"],
  ])("%j → %s (%s)", (rateLimits, ok) => {
    expect(parsePolicy({ rateLimits }).ok).toBe(ok);
  });
});

describe("probeDelaysOf", () => {
  test.each<[Partial<Policy>, number, number, string]>([
    [{}, 5_000, 120_000, "the defaults"],
    [{ probeDelayMs: 1_000 }, 1_000, 24_000, "as the user says"],
    [{ resendDelayMs: 200 }, 500, 12_000, "a run with short waits"],
    [{ resendDelayMs: 0 }, 100, 2_400, "never at once"],
  ])("%j → %i up to %i (%s)", (changes, firstMs, longestMs) => {
    expect(probeDelaysOf(policyOf(changes))).toEqual({ firstMs, longestMs });
  });
});

describe("networkSlackMs", () => {
  test.each<[Partial<Policy>, number, string]>([
    [{}, 1_020_000, "the key life, and the clocks"],
    [
      { requestIdLifeMs: 60_000, leaseMs: 500_000 },
      620_000,
      "a lease that is longer than that: it may be sent at its end",
    ],
    [{ requestIdLifeMs: 0 }, 372_000, "no life at all: the longest lease that follows from the waits"],
  ])("%j → %i (%s)", (changes, slackMs) => {
    expect(networkSlackMs(policyOf(changes))).toBe(slackMs);
  });
});

describe("leaseMsOf", () => {
  test.each<[Partial<Policy>, number, string]>([
    [{}, 72_000, "two time-outs, the wait between them, and 10 s"],
    [{ resendsMax: 0 }, 40_000, "one time-out and 10 s"],
    [{ resendsMax: 2, resendDelayMs: 1_000 }, 102_000, "three time-outs and two waits"],
    [{ leaseMs: 5_000 }, 5_000, "as the user says"],
  ])("%j → %i (%s)", (changes, leaseMs) => {
    expect(leaseMsOf(policyOf(changes), timeoutMs)).toBe(leaseMs);
  });
});

describe("worstCaseMsOf", () => {
  test.each<[Partial<Policy>, number, string]>([
    [{}, 68_000, "two time-outs, the wait between them, and the writes"],
    [{ resendsMax: 0 }, 36_000, "one time-out and the writes"],
    [{ resendsMax: 2, resendDelayMs: 1_000 }, 98_000, "three time-outs, two waits, and the writes"],
  ])("%j → %i (%s)", (changes, worstMs) => {
    expect(worstCaseMsOf(policyOf(changes), timeoutMs)).toBe(worstMs);
  });
});

describe("keyLifeEndMs (S3)", () => {
  test.each<[Partial<Policy>, number, string]>([
    [{}, 750_000, "15 minutes less the clock skew and what is on its way"],
    [{ requestIdLifeMs: 300_000 }, 240_000, "of a short life a fifth is kept back"],
    [{ requestIdLifeMs: 86_400_000 }, 86_250_000, "a day less the same"],
    [
      { requestIdLifeMs: 86_400_000, clockSkewMs: 0 },
      86_370_000,
      "clocks that agree: what is on its way arrives in time",
    ],
    [{ requestIdLifeMs: 0 }, -150_000, "no life at all: nothing is sent again, by whatever clock"],
  ])("%j → %i ms after the first send (%s)", (changes, afterMs) => {
    expect(keyLifeEndMs(policyOf(changes), t0)).toBe(t0 + afterMs);
  });

  test("is never later than the gateway's own end, and never before the first send", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 31_536_000_000 }),
        fc.nat(86_400_000),
        (requestIdLifeMs, clockSkewMs) => {
          const end = keyLifeEndMs(policyOf({ requestIdLifeMs, clockSkewMs }), t0);
          expect(end).toBeGreaterThanOrEqual(t0);
          expect(end).toBeLessThanOrEqual(t0 + requestIdLifeMs);
        },
      ),
    );
  });
});
