import { describe, expect, test } from "vitest";
import type { Policy } from "../../lib/core/policy.ts";
import { chargeMessage } from "../doubles/samples.ts";
import { pays, paysUnheard, says, swallows } from "../doubles/scripted-bank.ts";
import { type Scripted, unanswered } from "../doubles/scripted-wire.ts";
import { stage } from "./stage.ts";

const charge = chargeMessage("order-1");
const minute = 60_000;
/** The last send of a charge whose two sends time out. */
const lastSendMs = 32_000;
const broken: Scripted = { kind: "replied", status: 500, body: "" };

const lost = (policy: Partial<Policy> = {}, third = pays()) =>
  stage({ bank: (_, nth) => (nth <= 2 ? swallows : third), policy });

describe("an absence certificate (S5)", () => {
  test("takes two whole searches, both later than time-out and feed lag; only then is anything sent", async () => {
    const on = lost();
    on.send(charge);
    await on.run();
    const looks = on.wire.gets().map(({ atMs }) => atMs - on.startMs - lastSendMs);
    const resentMs = (on.wire.posts()[2]?.atMs ?? 0) - on.startMs - lastSendMs;
    expect(looks.map((ms) => Math.round(ms / minute))).toStrictEqual([1, 6, 8]);
    expect(looks.filter((ms) => ms >= 330_000 && ms < resentMs)).toHaveLength(2);
    expect(on.entry()).toMatchObject({ state: "approved", sends: 3, attempt: 1 });
    expect(on.entry()?.history.map(({ e }) => e)).toContain("absent");
  });

  test("covers first send − skew to last send + in flight, by the request itself", async () => {
    const on = lost();
    on.send(charge);
    await on.run();
    for (const { url } of on.wire.gets()) {
      const query = new URL(url).searchParams;
      expect(Date.parse(query.get("dateFrom") ?? "")).toBeLessThanOrEqual(on.startMs - 120_000);
      expect(Date.parse(query.get("dateTo") ?? "")).toBeGreaterThanOrEqual(on.startMs + lastSendMs + 150_000);
    }
  });

  test.each<readonly [schedule: readonly number[], outcome: string, sends: number, why: string]>([
    [[1, 2, 3, 4, 5], "review", 2, "five searches, all earlier than the lag allows: none counts"],
    [[1, 2, 6], "review", 2, "one late search is not enough"],
    [[6, 8], "approved", 3, "two late ones are"],
  ])("$1: $3", async (schedule, outcome, sends, why) => {
    const on = lost({ lookupScheduleMs: schedule.map((at) => at * minute) });
    on.send(charge);
    await on.run();
    expect(on.told(), why).toMatchObject([{ outcome }]);
    expect(on.wire.posts(), why).toHaveLength(sends);
    if (outcome === "review") expect(on.told()).toMatchObject([{ reason: "lookups_used_up" }]);
  });

  test("a search that failed does not count, and does not use up the schedule", async () => {
    const on = stage({
      bank: (_, nth) => (nth <= 2 ? swallows : pays()),
      feed: (nth) => (nth <= 8 ? broken : undefined),
    });
    on.send(charge);
    await on.run();
    expect(on.told()).toMatchObject([{ outcome: "approved" }]);
    const whole = on.entry()?.history.filter((event) => event.e === "looked_up" && event.whole) ?? [];
    expect(whole.length).toBeGreaterThanOrEqual(2);
  });

  test("a search that was not whole does not count", async () => {
    const on = stage({
      bank: (_, nth) => (nth <= 2 ? swallows : pays()),
      // The gateway's own count says that there is a row more than it gave.
      feed: () => ({
        kind: "replied",
        status: 200,
        body: { data: [], meta: { currentPage: 1, lastPage: 1, perPage: 100, total: 1 } },
      }),
    });
    on.send(charge);
    await on.run();
    expect(on.wire.posts()).toHaveLength(2);
    expect(on.told()).toMatchObject([{ outcome: "review", reason: "lookups_used_up" }]);
  });

  test("a row that cannot be read makes a search not whole", async () => {
    const on = stage({
      bank: (_, nth) => (nth <= 2 ? swallows : pays()),
      // Nothing in the row says whose it is, and the gateway does not count its rows.
      feed: () => ({
        kind: "replied",
        status: 200,
        body: { data: [{ what: "a row" }], meta: { lastPage: 1 } },
      }),
    });
    on.send(charge);
    await on.run();
    expect(on.wire.posts()).toHaveLength(2);
    expect(on.told()).toMatchObject([{ outcome: "review" }]);
  });

  test("a new send begins it anew", async () => {
    const on = lost({ requestIdLifeMs: 3_600_000 }, swallows);
    on.send(charge);
    await on.run(40 * minute);
    const sends = on.wire.posts().map(({ atMs }) => atMs);
    expect(sends.length).toBeGreaterThan(3);
    for (const [index, atMs] of sends.entries()) {
      if (index < 2) continue;
      const between = on.wire
        .gets()
        .filter((look) => look.atMs > (sends[index - 1] ?? 0) + 330_000 && look.atMs <= atMs);
      expect(between.length).toBeGreaterThanOrEqual(2);
    }
  });
});

describe("what follows the certificate", () => {
  test.each<
    readonly [
      policy: Partial<Policy>,
      outcome: string,
      reason: string | undefined,
      sends: number,
      ids: number,
      why: string,
    ]
  >([
    [{}, "approved", undefined, 3, 1, "within the key life: the same id again"],
    [{ requestIdLifeMs: 300_000 }, "review", "absent_past_key_life", 2, 1, "past it: a person (S3)"],
    [{ afterAbsence: "review" }, "review", "absent", 2, 1, "the policy leaves it to a person"],
    [{ afterAbsence: "review", requestIdLifeMs: 300_000 }, "review", "absent_past_key_life", 2, 1, "S3"],
    [{ afterAbsence: "newAttempt" }, "approved", undefined, 3, 2, "a new attempt, a new id (S2)"],
    [
      { afterAbsence: "newAttempt", requestIdLifeMs: 300_000 },
      "review",
      "absent_past_key_life",
      2,
      1,
      "S3 holds",
    ],
    [
      { afterAbsence: "newAttempt", attemptsMax: 1 },
      "review",
      "absent_not_sendable",
      2,
      1,
      "no attempt left",
    ],
  ])("$1: $5", async (policy, outcome, reason, sends, ids, why) => {
    const on = lost(policy);
    on.send(charge);
    await on.run();
    expect(on.told(), why).toMatchObject([{ outcome }]);
    expect(on.told()[0]?.reason, why).toBe(reason);
    expect(on.wire.posts(), why).toHaveLength(sends);
    expect(new Set(on.wire.posts().map(({ requestId }) => requestId)).size, why).toBe(ids);
    if (outcome === "review")
      expect(on.told()[0]?.evidence, "the searches").toMatchObject({ kind: "absence", searches: [{}, {}] });
  });

  test("notAfter over: a person, though the key life runs", async () => {
    const on = lost();
    on.send({ ...charge, notAfter: "2026-11-22T12:05:00Z" });
    await on.run();
    expect(on.told()).toMatchObject([{ outcome: "review", reason: "absent_not_sendable" }]);
    expect(on.wire.posts()).toHaveLength(2);
  });

  test("a new attempt is told as the second, and the first id is remembered", async () => {
    const on = lost({ afterAbsence: "newAttempt" });
    on.send(charge);
    await on.run();
    expect(on.told()).toMatchObject([{ id: "order-1#2#approved", attempt: 2 }]);
    const [first, , third] = on.wire.posts();
    expect(on.entry()).toMatchObject({
      attempt: 2,
      requestId: third?.requestId,
      earlierRequestIds: [first?.requestId],
      sends: 3,
    });
  });

  test("a new attempt that is lost, while the first turns up captured after all: a person", async () => {
    const on = stage({
      bank: [swallows, paysUnheard({ madeAfterMs: 9 * minute }), swallows, swallows],
      policy: { afterAbsence: "newAttempt" },
    });
    on.send(charge);
    await on.run();
    expect(on.told()).toMatchObject([
      { outcome: "review", reason: "captured_by_earlier_attempt", evidence: { kind: "feed_rows" } },
    ]);
  });

  test("both attempts captured: a double charge with its refund proposal (S13)", async () => {
    const on = stage({
      bank: [swallows, paysUnheard({ madeAfterMs: 9 * minute }), paysUnheard(), swallows],
      policy: { afterAbsence: "newAttempt" },
    });
    on.send(charge);
    await on.run();
    expect(on.told()).toMatchObject([{ outcome: "review", reason: "double_charge", refundProposal: [{}] }]);
  });

  test("a new attempt that never left is sent by the next delivery, under the lease's own id", async () => {
    const on = stage({
      bank: (_, nth) => (nth <= 2 ? swallows : nth === 3 ? { says: { kind: "neverSent" } } : pays()),
      policy: { afterAbsence: "newAttempt" },
    });
    on.send(charge);
    await on.run();
    expect(on.told()).toMatchObject([{ id: "order-1#2#approved" }]);
    expect(on.wire.posts()).toHaveLength(3);
    expect(on.bank.capturesOf("order-1")).toBe(1);
  });

  test("a new attempt that never left is not begun in too little time either", async () => {
    const on = stage({
      bank: (_, nth) => (nth <= 2 ? swallows : nth === 3 ? { says: { kind: "neverSent" } } : pays()),
      policy: { afterAbsence: "newAttempt" },
    });
    on.send(charge);
    while (on.entry()?.state !== "waiting") await on.run(10_000);
    const [message] = on.waiting("unknown-outcomes");
    on.clock.advance(Math.max(0, message?.inMs ?? 0));
    on.allow(60_000);
    on.effects.length = 0;
    expect(await on.round("unknown-outcomes")).toStrictEqual([{ kind: "giveBack", delayMs: 0 }]);
    expect(on.effects).toStrictEqual(["ledger read"]);
    on.allow(Number.POSITIVE_INFINITY);
    await on.run();
    expect(on.told()).toMatchObject([{ id: "order-1#2#approved" }]);
  });

  test("a resend that would not end in this invocation is not leased: it goes back untouched", async () => {
    const on = stage({
      bank: (_, nth) => (nth === 1 ? says(500) : swallows),
      concurrency: 1,
      invocationMs: 100_000,
    });
    for (const id of ["order-1", "order-2"]) on.send(chargeMessage(id));
    await on.round();
    on.clock.advance(10_000);
    const ends = await on.round("unknown-outcomes");
    // The first took its time-out, the wait and its resend: 62 s. The second needs 68.
    expect(ends[1]).toStrictEqual({ kind: "giveBack", delayMs: 0 });
    expect(on.wire.posts()).toHaveLength(2 + 2);
    expect(on.entry("order-2")).toMatchObject({
      state: "unknown",
      nextAct: "resend",
      sends: 1,
      faultResends: 0,
    });
  });
});

describe("without a word from anybody", () => {
  test("the schedule ends in review, and an alarm counts the money (S6)", async () => {
    const on = stage({ bank: () => swallows, feed: () => unanswered() });
    on.send(charge);
    await on.run();
    expect(on.told()).toMatchObject([
      { outcome: "review", reason: "lookups_used_up", evidence: { kind: "lookups" } },
    ]);
    expect(on.log.sumOf("MoneyToReview", { currency: "EUR" })).toBe(1999);
    expect(on.entry()?.updatedAtMs).toBeGreaterThanOrEqual(on.startMs + 86_400_000);
  });
});
