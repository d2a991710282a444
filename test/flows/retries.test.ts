import { describe, expect, test } from "vitest";
import type { ChargeId } from "../../lib/core/charge.ts";
import type { JsonObject } from "../../lib/core/json.ts";
import type { LedgerEntry } from "../../lib/core/ledger.ts";
import { type Notice, wakeUpOf } from "../../lib/core/notice.ts";
import type { Policy } from "../../lib/core/policy.ts";
import { releaseRetries } from "../../lib/flows/release-retries.ts";
import { resolveUnknowns } from "../../lib/flows/resolve-unknowns.ts";
import { scheduleRetries } from "../../lib/flows/schedule-retries.ts";
import type { RetryReleaser } from "../../lib/ports.ts";
import { memoryRelease, memoryRetries } from "../doubles/memory-retries.ts";
import { captureNotice, chargeMessage } from "../doubles/samples.ts";
import { type Act, declines, pays, says } from "../doubles/scripted-bank.ts";
import { neverSent } from "../doubles/scripted-wire.ts";
import { testGateway } from "../doubles/worker.ts";
import { stage } from "./stage.ts";

const hour = 3_600_000;
const day = 24 * hour;
const withRetries: Partial<Policy> = { retryScheduleMs: [day, 3 * day, 5 * day] };
const on = (id: string, changes: JsonObject = {}) =>
  chargeMessage(id, { instrument: { ref: "card-1", network: "visa" }, ...changes });

/** A stage with both functions of later attempts beside it. */
const retryStage = (
  bank: (chargeId: string, nth: number) => Act,
  policy: Partial<Policy> = withRetries,
  faults: { sendCharge?: () => boolean } = {},
  feed = true,
) => {
  const retries = memoryRetries();
  const one = stage({ bank, policy, retries, gateway: testGateway({ feed }), roundsMax: 4_000 });
  const worker = one.worker();
  const clerk: RetryReleaser = {
    clock: worker.clock,
    ids: worker.ids,
    ledger: worker.ledger,
    release: memoryRelease(one.ledger, retries),
    instruments: worker.instruments,
    retries,
    due: retries.due,
    queues: one.queues,
    log: one.log,
    policy: worker.policy,
    async sendCharge(charge) {
      if (faults.sendCharge?.() === true) throw new Error("no answer");
      one.send(charge);
    },
    remainingMs: () => Number.POSITIVE_INFINITY,
  };
  let heard = 0;
  /** every retryable decline that was told since the last time, each twice: SQS may */
  const schedule = async () => {
    const declined = one.queues.accepted.slice(heard).filter(({ queue }) => queue === "retryable-declines");
    heard = one.queues.accepted.length;
    return scheduleRetries(
      [...declined, ...declined].map(({ message }, at) => ({
        messageId: `m${at}`,
        body: JSON.stringify(message),
        receives: 1,
      })),
      clerk,
    );
  };
  return { ...one, retries, clerk, schedule, release: () => releaseRetries(clerk) };
};

const tick = async (one: ReturnType<typeof retryStage>, ms: number) => {
  one.clock.set(one.clock.nowMs() + ms);
  await one.release();
  await one.run();
  await one.schedule();
};

describe("later attempts", () => {
  test("a decline is tried again after a day, under a request id of its own, and approved", async () => {
    const one = retryStage((_id, nth) => (nth === 1 ? declines(5051) : pays()));
    one.send(on("order-1"));
    await one.run();
    await one.schedule();
    const dueMs = one.retries.recordOf("order-1")?.dueMs ?? 0;
    expect(dueMs).toBeGreaterThanOrEqual(one.startMs + day);
    expect(dueMs).toBeLessThanOrEqual(one.startMs + day + hour);

    await tick(one, day - 1);
    expect(one.wire.posts()).toHaveLength(1);
    await tick(one, 2 * hour);
    const [first, second] = one.wire.posts();
    expect(one.wire.posts()).toHaveLength(2);
    expect(second?.requestId).not.toBe(first?.requestId);
    expect(one.entry()).toMatchObject({
      state: "approved",
      attempt: 2,
      sends: 2,
      earlierRequestIds: [first?.requestId],
    });
    expect(one.retries.recordOf("order-1")).toMatchObject({
      state: "released",
      decisions: [
        { kind: "scheduled", because: "schedule" },
        { kind: "released", attempt: 1 },
      ],
    });
    // The message with the card's token is not kept any longer than it is needed.
    expect(JSON.stringify(one.retries.recordOf("order-1"))).not.toContain("paymentSource");
  });

  test("when every attempt is used up the merchant is told, once by its id, on permanent-declines", async () => {
    const one = retryStage(() => declines(5051));
    one.send(on("order-1"));
    await one.run();
    await one.schedule();
    for (const days of [2, 4, 6, 8]) await tick(one, days * day);
    expect(one.wire.posts()).toHaveLength(4);
    const last = one.queues.accepted.filter(({ queue }) => queue === "permanent-declines");
    expect(new Set(last.map(({ message }) => message.id))).toEqual(new Set(["order-1#4#declined_retryable"]));
    expect(last[0]?.message).toMatchObject({
      outcome: "declined_retryable",
      reason: "attempts_used_up",
      retry: { advice: "never" },
    });
  });

  test.each<[policy: Partial<Policy>, changes: JsonObject, because: string, reason: string]>([
    [{ ...withRetries, attemptsMax: 1 }, {}, "attempts_used_up", "one attempt is all there may be"],
    [withRetries, { notAfter: "2026-11-23T11:00:00Z" }, "past_not_after", "too late a day later"],
  ])("%j %j: never, for %s (%s)", async (policy, changes, because) => {
    const one = retryStage(() => declines(5051), policy);
    one.send(on("order-1", changes));
    await one.run();
    await one.schedule();
    await tick(one, 40 * day);
    expect(one.wire.posts()).toHaveLength(1);
    expect(one.told().at(-1)).toMatchObject({ reason: because });
    expect(one.retries.recordOf("order-1")?.state).toBe("ended");
  });

  test("a wait that `notAfter` ends while nobody releases: told, and not sent", async () => {
    const one = retryStage(() => declines(5051));
    one.send(on("order-1", { notAfter: "2026-11-24T00:00:00Z" }));
    await one.run();
    await one.schedule();
    await tick(one, 3 * day);
    expect(one.wire.posts()).toHaveLength(1);
    expect(one.queues.accepted.at(-1)).toMatchObject({
      queue: "permanent-declines",
      message: { reason: "past_not_after" },
    });
  });

  test("an instrument that another charge's decline closed meanwhile is not charged: told, with the fee saved", async () => {
    const one = retryStage((id) => declines(id === "order-1" ? 5051 : 5041));
    one.send(on("order-1"));
    await one.run();
    await one.schedule();
    one.send(on("order-2"));
    await one.run();
    await tick(one, 2 * day);
    expect(one.wire.posts()).toHaveLength(2);
    expect(one.retries.recordOf("order-1")?.decisions.at(-1)).toMatchObject({
      kind: "refused",
      because: "instrument_closed",
      fee: { amountMinor: 10, currency: "USD" },
    });
  });

  test("a full count puts it off until there is room, however the schedule wishes", async () => {
    const one = retryStage(() => declines(5051), { retryScheduleMs: [60_000], attemptsMax: 2 });
    for (let at = 0; at < 20; at++) {
      one.send(on(`other-${at}`));
      await one.run();
    }
    one.send(on("order-1"));
    await one.run();
    expect(one.entry("order-1")).toMatchObject({ sends: 0, evidence: { kind: "network_limit" } });
    await one.schedule();
    const { dueMs = 0, decisions } = one.retries.recordOf("order-1") ?? {};
    expect(dueMs).toBeGreaterThanOrEqual(one.startMs + 30 * day);
    expect(decisions?.[0]).toMatchObject({
      kind: "postponed",
      limit: "visa_amount_30_days",
      fee: { amountMinor: 10 },
    });
    // Never sent so far: it has its two attempts still.
    one.clock.set(dueMs);
    await one.release();
    await one.run();
    expect(one.entry("order-1")).toMatchObject({ sends: 1, attempt: 2, state: "declined_retryable" });
  });

  test("switched off while it waits: the decline is the merchant's to read, with its charge", async () => {
    const one = retryStage(() => declines(5051));
    one.send(on("order-1"));
    await one.run();
    await one.schedule();
    one.clock.set(one.startMs + 2 * day);
    await releaseRetries({ ...one.clerk, policy: { ...one.clerk.policy, retryScheduleMs: [] } });
    expect(one.queues.accepted.at(-1)).toMatchObject({
      queue: "retryable-declines",
      message: { id: "order-1#1#declined_retryable", charge: { chargeId: "order-1" } },
    });
    expect(one.retries.recordOf("order-1")?.state).toBe("ended");
  });

  test("stopped between the entry and the message, it is found and sent, under the id that was written", async () => {
    let fails = true;
    const one = retryStage((_id, nth) => (nth === 1 ? declines(5051) : pays()), withRetries, {
      sendCharge: () => fails,
    });
    one.send(on("order-1"));
    await one.run();
    await one.schedule();
    one.clock.set(one.startMs + 2 * day);
    expect(await one.release()).toBe(0);
    const written = one.entry();
    expect(written).toMatchObject({ state: "waiting", attempt: 2 });
    fails = false;
    expect(await one.release()).toBe(1);
    await one.run();
    expect(one.wire.posts().at(-1)?.requestId).toBe(written?.requestId);
    expect(one.entry()?.state).toBe("approved");
  });

  test("released twice at once, and the charge's message four times: it is sent once", async () => {
    const one = retryStage((_id, nth) => (nth === 1 ? declines(5051) : pays()));
    one.send(on("order-1"));
    await one.run();
    await one.schedule();
    one.clock.set(one.startMs + 2 * day);
    await Promise.all([one.release(), one.release()]);
    one.send(on("order-1"));
    one.send(on("order-1"));
    await one.run();
    expect(one.wire.posts()).toHaveLength(2);
    expect(one.bank.capturesOf("order-1")).toBe(1);
  });

  test("a copy of the charge while it waits starts nothing", async () => {
    const one = retryStage(() => declines(5051));
    one.send(on("order-1"));
    await one.run();
    await one.schedule();
    one.send(on("order-1"));
    await one.run();
    await one.schedule();
    expect(one.wire.posts()).toHaveLength(1);
    expect(one.retries.recordOf("order-1")?.decisions).toHaveLength(1);
  });

  test("released, and not sent because the gateway is away: it waits for its turn as a first attempt does", async () => {
    const one = retryStage((_id, nth) =>
      nth === 1 ? declines(5051) : nth === 2 ? { says: neverSent("refused") } : pays(),
    );
    one.send(on("order-1"));
    await one.run();
    await one.schedule();
    await tick(one, 2 * day);
    expect(one.entry()).toMatchObject({ state: "approved", attempt: 2 });
    expect(new Set(one.wire.posts().map(({ requestId }) => requestId)).size).toBe(2);
  });

  test("a message that is none of ours is not lost", async () => {
    const one = retryStage(() => pays());
    const ends = await scheduleRetries(
      [
        { messageId: "a", body: "{", receives: 1 },
        { messageId: "b", body: JSON.stringify({ v: 1, chargeId: "x", outcome: "approved" }), receives: 1 },
      ],
      one.clerk,
    );
    expect([...ends.values()]).toEqual([
      { kind: "giveBack", delayMs: 43_000_000 },
      { kind: "giveBack", delayMs: 43_000_000 },
    ]);
  });
});

describe("declined, and then the gateway says that it took the money", () => {
  /** A charge that was declined, and a notice of it that is applied as often as it is heard. */
  const heard = async (
    own: Partial<Notice> = {},
    bank: (nth: number) => Act = (nth) => (nth === 1 ? declines(5051) : pays()),
    feed = true,
  ) => {
    const one = retryStage((_id, nth) => bank(nth), withRetries, {}, feed);
    one.send(on("order-1"));
    await one.run();
    const notice = captureNotice(one.entry() as LedgerEntry, own);
    await one.notices.keep(notice);
    const hear = async (forMs?: number) => {
      one.send(wakeUpOf(notice), "unknown-outcomes");
      await one.run(forMs);
    };
    return { ...one, one, notice, hear };
  };
  const stopped = { attempt: 1, kind: "refused", because: "money_taken" };

  test.each<[string, (on: Awaited<ReturnType<typeof heard>>) => Promise<unknown>, kinds: string[]]>([
    [
      "before its later attempt was planned",
      async ({ hear, schedule }) => {
        await hear();
        await schedule();
      },
      ["refused"],
    ],
    [
      "while it waits",
      async ({ hear, schedule }) => {
        await schedule();
        await hear();
      },
      ["scheduled", "refused"],
    ],
    [
      "twice",
      async ({ hear, schedule }) => {
        await hear();
        await schedule();
        await hear();
      },
      ["refused"],
    ],
  ])("%s: a person is told, and it is not charged again", async (_, happen, kinds) => {
    const on = await heard();
    await happen(on);
    for (const days of [2, 4, 6]) await tick(on.one, days * day);
    expect(on.wire.posts()).toHaveLength(1);
    expect(on.entry()).toMatchObject({ state: "declined_retryable", attempt: 1 });
    const record = on.retries.recordOf("order-1");
    expect(record).toMatchObject({ state: "ended" });
    expect(record?.decisions.map(({ kind }) => kind)).toEqual(kinds);
    expect(record?.decisions.at(-1)).toMatchObject(stopped);
    // The card's token goes with the wait, and nobody is told that it failed for good.
    expect(JSON.stringify(record)).not.toContain("paymentSource");
    expect(new Set(on.told().map(({ outcome }) => outcome))).toEqual(
      new Set(["declined_retryable", "review"]),
    );
    expect(on.queues.accepted.map(({ queue }) => queue)).not.toContain("permanent-declines");
  });

  test.each<[string, Partial<Notice>]>([
    ["a refusal", { reply: { kind: "refused", code: "5051", echo: {}, ids: {} } }],
    [
      "money that was given back",
      { kind: "reversal", reply: { kind: "unproven", why: "not_a_capture", ids: {} } },
    ],
  ])("%s stops no later attempt", async (_, own) => {
    const on = await heard(own);
    await on.schedule();
    await on.hear();
    await tick(on.one, 2 * day);
    expect(on.wire.posts()).toHaveLength(2);
  });

  test.each<[string, ending: (on: Awaited<ReturnType<typeof heard>>) => Promise<unknown>]>([
    ["by a notice", ({ hear }) => hear(hour)],
    ["by two of them", async ({ hear }) => [await hear(hour), await hear(hour)]],
  ])(
    "released, and not sent yet, since the gateway is away: called back %s, and told with its charge",
    async (_, happen) => {
      let away = true;
      const on = await heard({}, (nth) =>
        nth === 1 ? declines(5051) : away ? { says: neverSent("refused") } : pays(),
      );
      await on.schedule();
      on.clock.set(on.startMs + 2 * day);
      await on.release();
      await on.one.run(hour);
      expect(on.entry()).toMatchObject({ state: "waiting", attempt: 2 });
      await happen(on);
      away = false;
      await on.one.run(2 * day);
      expect(on.wire.posts().filter(({ body }) => body !== undefined)).not.toHaveLength(0);
      expect(on.bank.capturesOf("order-1")).toBe(0);
      expect(on.entry()).toMatchObject({
        state: "review",
        reason: "captured_by_earlier_attempt",
        attempt: 2,
        evidence: { kind: "notice", id: "1001.success.charge.sale" },
      });
      expect(on.told().at(-1)).toMatchObject({
        id: "order-1#2#review",
        reason: "captured_by_earlier_attempt",
        charge: { chargeId: "order-1" },
      });
    },
  );

  test.each<[string, feed: boolean]>([
    ["a gateway with a feed, whose window for it does not reach back so far", true],
    ["a gateway without one", false],
  ])("released, sent and not answered, at %s: not sent again under its own id", async (_, feed) => {
    const on = await heard({}, (nth) => (nth === 1 ? declines(5051) : nth === 2 ? says(500) : pays()), feed);
    await on.schedule();
    on.clock.set(on.startMs + 2 * day);
    await on.release();
    await on.one.round();
    expect(on.entry()).toMatchObject({ state: "unknown", attempt: 2, nextAct: "resend" });
    await on.hear();
    await on.one.run();
    expect(on.wire.posts()).toHaveLength(2);
    expect(on.entry()).toMatchObject({ state: "review", reason: "captured_by_earlier_attempt" });
    expect(on.told().at(-1)).toMatchObject({ id: "order-1#2#review", charge: { chargeId: "order-1" } });
  });

  test("heard between the reading and the writing of a release: nothing is released", async () => {
    const on = await heard();
    await on.schedule();
    on.clock.set(on.startMs + 2 * day);
    const { clerk } = on.one;
    const released = await releaseRetries({
      ...clerk,
      async release(...writes) {
        await on.hear();
        return clerk.release(...writes);
      },
    });
    expect(released).toBe(0);
    await tick(on.one, 2 * day);
    expect(on.wire.posts()).toHaveLength(1);
    expect(on.entry()).toMatchObject({ state: "declined_retryable", attempt: 1 });
    expect(on.retries.recordOf("order-1")).toMatchObject({ state: "ended" });
  });

  test("released between the judging and the stopping, by a function that then died: called back, and told when it is found", async () => {
    const on = await heard();
    await on.schedule();
    on.clock.set(on.startMs + 2 * day);
    const { read } = on.retries;
    let isDead = false;
    const first = on.one.worker();
    const dying = async (chargeId: ChargeId) => {
      const record = await read(chargeId);
      if (isDead) return record;
      isDead = true;
      await releaseRetries({ ...on.one.clerk, sendCharge: () => Promise.reject(new Error("died")) });
      return record;
    };
    const judged = { ...first, retries: { ...on.retries, read: dying } };
    const wakeUp = { messageId: "w", body: JSON.stringify(wakeUpOf(on.notice)), receives: 1 };
    expect((await resolveUnknowns([wakeUp], judged)).get("w")).toEqual({ kind: "giveBack", delayMs: 1_000 });
    expect(on.entry()).toMatchObject({ state: "waiting", attempt: 2 });
    expect((await resolveUnknowns([wakeUp], first)).get("w")).toEqual({ kind: "done" });
    expect(await on.release()).toBe(1);
    await on.one.run();
    expect(on.wire.posts()).toHaveLength(1);
    expect(on.told().at(-1)).toMatchObject({ id: "order-1#2#review", charge: { chargeId: "order-1" } });
  });

  test("what was sent already is not called back", async () => {
    const on = await heard();
    await on.schedule();
    await tick(on.one, 2 * day);
    const before = on.retries.recordOf("order-1");
    await on.hear();
    expect(on.wire.posts()).toHaveLength(2);
    expect(on.retries.recordOf("order-1")).toEqual(before);
  });
});
