import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { IllegalTransition, type OpenedEntry, type UnknownEntry } from "../../lib/core/ledger.ts";
import { nextLookAtMs } from "../../lib/core/lookup-schedule.ts";
import { certifiesAbsence, windowOf } from "../../lib/core/resolution.ts";
import { leftAloneUntilMs, takeOver } from "../../lib/core/takeover.ts";
import { by, final, leased, opened, policyOf, search, t0, timeoutMs, unknown, waiting } from "./builders.ts";

const leaseEnd = t0 + 72_000;
const at = by(100);

describe("a lease that ran out without a word", () => {
  const taken = takeOver(opened(), policyOf(), at);

  test("may have been sent until its last moment: unknown, and looked up (S2, S6)", () => {
    expect(taken).toMatchObject({
      state: "unknown",
      reason: "worker_lost",
      nextAct: "lookUp",
      nextAtMs: leaseEnd + 60_000,
      lastSendAtMs: leaseEnd,
      firstSendAtMs: t0,
      requestId: "request-1",
      attempt: 1,
      token: "token-at-100",
      updatedAtMs: t0 + 100_000,
    });
    expect(taken).not.toHaveProperty("leaseUntilMs");
  });

  test("says so in the history, and goes to the look-ups' queue", () => {
    expect(taken.history).toStrictEqual([
      ...opened().history,
      { e: "taken_over", at: t0 + 100_000, leaseUntil: leaseEnd },
      { e: "recorded", at: t0 + 100_000, state: "unknown", route: "unknown-outcomes" },
    ]);
  });

  test.each<[Partial<OpenedEntry>, resendsMax: number, open: number, sends: number, reason: string]>([
    [{}, 0, 1, 1, "one send"],
    [{}, 1, 2, 1, "and the resend that it may have made"],
    [{}, 5, 6, 1, "and every resend that it may have made"],
    [{ openSends: 2, sends: 3, lastSendAtMs: t0 - 1 }, 1, 4, 4, "on top of what was open before"],
  ])("%j with %i resends: %i open, %i sends (%s)", (changes, resendsMax, openSends, sends) => {
    expect(takeOver(opened(changes), policyOf({ resendsMax }), at)).toMatchObject({ openSends, sends });
  });

  test("the look-ups begin anew from there", () => {
    const before = opened({
      looked: 7,
      lookFailures: 2,
      lookups: 9,
      absences: [search()],
      lastSendAtMs: t0 - 500_000,
    });
    expect(takeOver(before, policyOf(), at)).toMatchObject({
      looked: 0,
      lookFailures: 0,
      lookups: 9,
      absences: [],
      nextAtMs: leaseEnd + 60_000,
    });
  });

  test("one that is found late is looked up now", () => {
    expect(takeOver(opened(), policyOf(), by(9_999))).toMatchObject({ nextAtMs: t0 + 9_999_000 });
  });

  test("the key life goes on from the first send (S3), and what was known stays known", () => {
    const held = {
      state: "declined_permanent",
      ending: { code: "5041" },
      evidence: { kind: "reply", atMs: t0, status: 201, bodySha256: "b".repeat(64) },
    } as const;
    const again = leased(unknown({ firstSendAtMs: t0 - 5_000, held, ids: { orderId: "or-1" } }), 90);
    expect(takeOver(again, policyOf(), by(200))).toMatchObject({
      firstSendAtMs: t0 - 5_000,
      lastSendAtMs: t0 + 162_000,
      held,
      ids: { orderId: "or-1" },
    });
  });

  test("what is not in a worker's hands is not taken over", () => {
    for (const entry of [waiting(), final()])
      expect(() =>
        takeOver({ ...entry, leaseUntilMs: t0 } as unknown as OpenedEntry, policyOf(), at),
      ).toThrow(IllegalTransition);
  });

  test("no search before the lease's end certifies its absence, whenever it was really sent (S5)", () => {
    fc.assert(
      fc.property(fc.nat(72_000), fc.nat(600_000), (sentAfterMs, lookedAfterMs) => {
        const policy = policyOf();
        const entry = takeOver(opened(), policy, at) as UnknownEntry;
        const atMs = leaseEnd + lookedAfterMs;
        const window = windowOf(entry, policy, timeoutMs, atMs);
        expect(window.fromMs).toBeLessThanOrEqual(t0 + sentAfterMs - policy.clockSkewMs + 72_000);
        expect(window.toMs).toBeGreaterThanOrEqual(t0 + sentAfterMs + timeoutMs + policy.clockSkewMs);
        const certifies = certifiesAbsence(
          entry,
          { atMs, ...window, rows: 0, whole: true },
          policy,
          timeoutMs,
        );
        expect(certifies).toBe(lookedAfterMs >= timeoutMs + policy.feedLagMs);
        expect(entry.nextAtMs).toBe(nextLookAtMs(policy, entry, t0 + 100_000));
      }),
    );
  });
});

describe("a lease that ran out while something was prepared", () => {
  const preparing = opened({ preparation: {} });

  test("nothing can have been sent: it waits, and what may have been made is looked for first", () => {
    const taken = takeOver(preparing, policyOf(), at);
    expect(taken).toMatchObject({
      state: "waiting",
      nextAtMs: t0 + 100_000,
      preparation: { lostAtMs: leaseEnd },
      openSends: 0,
      sends: 0,
      token: "token-at-100",
    });
    expect(taken.history).toStrictEqual([
      ...preparing.history,
      { e: "taken_over", at: t0 + 100_000, leaseUntil: leaseEnd },
    ]);
    for (const name of ["firstSendAtMs", "lastSendAtMs", "leaseUntilMs"])
      expect(taken).not.toHaveProperty(name);
  });

  test("a `make` lost before is older than this one: the later counts", () => {
    const again = opened({ preparation: { lostAtMs: t0 - 500_000 } });
    expect(takeOver(again, policyOf(), at)).toMatchObject({ preparation: { lostAtMs: leaseEnd } });
  });

  test.each<readonly [name: string, entry: OpenedEntry, waitsForClocks: boolean]>([
    ["nothing is prepared: whoever is ahead would take the making away, and make another", preparing, true],
    [
      "it is prepared: taken over early it is looked up, and not made again",
      opened({ preparation: { prepared: { id: "p-1" } } }),
      false,
    ],
    ["nothing has to be prepared", opened(), false],
  ])("how long a lease is left alone: %s", (_, entry, waitsForClocks) => {
    const policy = policyOf();
    expect(leftAloneUntilMs(entry, policy)).toBe(leaseEnd + (waitsForClocks ? policy.clockSkewMs : 0));
  });

  test("once it was prepared it may have been sent", () => {
    const ready = opened({ preparation: { prepared: { id: "p-1" } } });
    expect(takeOver(ready, policyOf(), at)).toMatchObject({
      state: "unknown",
      reason: "worker_lost",
      preparation: { prepared: { id: "p-1" } },
      openSends: 2,
    });
  });
});
