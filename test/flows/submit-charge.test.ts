import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../lib/core/json.ts";
import { chargeMessage } from "../doubles/samples.ts";
import { type Act, captured, declines, pays, pends, says, swallows } from "../doubles/scripted-bank.ts";
import { neverSent, unanswered } from "../doubles/scripted-wire.ts";
import { always, stage } from "./stage.ts";

const charge = (changes: JsonObject = {}): JsonObject => chargeMessage("order-1", changes);
/** An answer whose body is not the documented one. */
const body = (text: unknown): Act => says(201, text);
const html = "<html><body>Bad Gateway</body></html>";
const fault = says(500, { message: "Internal Server Error" });
const wait = "unknown-outcomes";
const [never, later, update] = ["never", "later", "after_update"] as const;

describe("what becomes of a charge in its first round", () => {
  test.each<
    readonly [acts: readonly Act[], outcome: string, queue: string, code: string | undefined, why: string]
  >([
    [[pays()], "approved", "approved", "0", "201, success, code 0"],
    [[{ makes: { ...captured, code: "0" } }], "approved", "approved", "0", "the code may be a string"],
    [[swallows, pays()], "approved", "approved", "0", "one time-out, the resend is answered"],
    [[swallows, declines(5051)], "unknown", wait, undefined, "declined, but an earlier send is open"],
    [[swallows, says(400)], "unknown", wait, undefined, "refused, but an earlier send is open"],
    [[swallows, swallows], "unknown", wait, undefined, "two time-outs: asked, not sent a third time"],
    [[says(502, html), pays()], "approved", "approved", "0", "a proxy's word is no answer"],
    [[says(503), swallows], "unknown", wait, undefined, "a proxy's word is no answer"],
    [[{ says: unanswered("reset") }, pays()], "approved", "approved", "0", "a reset is no answer"],
    [[{ says: unanswered("cut") }, pays()], "approved", "approved", "0", "half a body is no answer"],
    [[fault], "unknown", wait, undefined, "500: later, with the same id"],
    [[pends()], "pending", wait, undefined, "its final word is to come"],
    [[pends(undefined, { action: "redirect" })], "pending", wait, undefined, "a redirect is not an approval"],
    [[says(400, { message: "Bad" })], "request_error", "request-errors", "http_400", "the request is wrong"],
    [[says(401)], "request_error", "request-errors", "http_401", "not to be tried again"],
    [[says(403)], "request_error", "request-errors", "http_403", "not to be tried again"],
    [[says(404)], "request_error", "request-errors", "http_404", "not to be tried again"],
    [[says(429)], "unknown", wait, undefined, "not documented (S10)"],
    [[says(409)], "unknown", wait, undefined, "not documented (S10)"],
    [[says(200, { payment: { code: 0, status: "success" } })], "unknown", wait, undefined, "201 it must be"],
    [[body(html)], "unknown", wait, undefined, "201 with HTML (S10)"],
    [[body("")], "unknown", wait, undefined, "201 without a body (S10)"],
    [[body('{"payment":{"code":0,"sta')], "unknown", wait, undefined, "201 cut short (S10)"],
    [[pays({ status: "fail" })], "unknown", wait, undefined, "code 0 and fail contradict each other"],
    [[pays({ code: 5051 })], "unknown", wait, undefined, "success and 5051 contradict each other"],
    [[pays({ status: "refunded" })], "unknown", wait, undefined, "a word that no row names (S10)"],
    [[pays({ mode: "auth" })], "unknown", wait, undefined, "an authorisation is not a capture"],
    [[pays({ amount: 20 })], "review", "review", "0", "approved, but another amount (S9)"],
    [[pays({ amount: null })], "review", "review", "0", "approved, but no amount (S9)"],
    [[pays({ currency: "USD" })], "review", "review", "0", "approved, but another currency (S9)"],
    [[{ makes: { ...captured, metadata: { chargeId: "x" } } }], "review", "review", "0", "not ours (S9)"],
    [[{ makes: { ...captured, metadata: { requestId: "x" } } }], "review", "review", "0", "not ours (S9)"],
  ])("$1: $4", async (acts, outcome, queue, code, why) => {
    const { send, round, queues, wire, bank, entry } = stage({ bank: acts });
    send(charge());
    expect(await round(), why).toStrictEqual([{ kind: "done" }]);
    expect(queues.accepted, why).toHaveLength(1);
    expect(queues.accepted[0], why).toMatchObject({
      queue,
      message: { id: `order-1#1#${outcome}`, chargeId: "order-1", outcome, attempt: 1, charge: charge() },
    });
    expect(queues.accepted[0]?.message.code, why).toBe(code);
    expect(entry()?.state, why).toBe(outcome);
    expect(new Set(wire.posts().map(({ requestId }) => requestId)).size, "one request id").toBe(1);
    expect(wire.posts(), why).toHaveLength(acts.length);
    expect(wire.gets(), "no look-up yet").toStrictEqual([]);
    // Whatever was said, at most one capture, and approved only what was captured.
    if (outcome === "approved") expect(bank.capturesOf("order-1")).toBe(1);
    else expect(bank.capturesOf("order-1")).toBeLessThanOrEqual(1);
  });

  test.each<
    readonly [
      code: number | string,
      queue: string,
      category: string,
      advice: string | undefined,
      network: string | undefined,
    ]
  >([
    [5041, "permanent-declines", "never_approved", never, "41"],
    [5043, "permanent-declines", "never_approved", never, "43"],
    [5046, "permanent-declines", "never_approved", never, "46"],
    [5054, "permanent-declines", "wrong_details", update, "54"],
    [5082, "permanent-declines", "wrong_details", update, "82"],
    [5051, "retryable-declines", "insufficient_funds", later, "51"],
    ["5051", "retryable-declines", "insufficient_funds", later, "51"],
    [5005, "retryable-declines", "issuer_refused", later, "05"],
    [5091, "retryable-declines", "issuer_unavailable", later, "91"],
    [6101, "retryable-declines", "limit_reached", later, undefined],
    [6301, "retryable-declines", "limit_reached", later, undefined],
    [6001, "permanent-declines", "network_limit", never, undefined],
    [6801, "permanent-declines", "blocked", never, undefined],
    [5059, "permanent-declines", "blocked", never, "59"],
    [3001, "permanent-declines", "invalid_request", update, undefined],
    [5999, "permanent-declines", "unrecognised", never, undefined],
    ["A17", "permanent-declines", "unrecognised", never, undefined],
  ])("declined with %s goes to %s as %s", async (code, queue, category, advice, networkCode) => {
    const { send, round, queues, entry } = stage({ bank: [declines(code)] });
    send(charge());
    await round();
    const outcome = queue === "retryable-declines" ? "declined_retryable" : "declined_permanent";
    expect(queues.accepted).toMatchObject([
      {
        queue,
        message: { outcome, category, code: String(code), retry: { advice }, evidence: { kind: "reply" } },
      },
    ]);
    expect(queues.accepted[0]?.message.networkCode).toBe(networkCode);
    expect(entry()).toMatchObject({
      state: outcome,
      evidence: { kind: "reply", status: 201, code: String(code) },
    });
  });

  test("a category that forbids more than the code counts, one that allows more does not", async () => {
    const strict = stage({ bank: [declines(5051, { codeCategory: 1 })] });
    strict.send(charge());
    await strict.round();
    expect(strict.told()).toMatchObject([{ outcome: "declined_permanent", category: "never_approved" }]);
    const mild = stage({ bank: [declines(5041, { codeCategory: 2 })] });
    mild.send(charge());
    await mild.round();
    expect(mild.told()).toMatchObject([{ outcome: "declined_permanent", category: "never_approved" }]);
  });

  test("a mismatch tells a person both values (S9)", async () => {
    const { send, round, told, log } = stage({ bank: [pays({ amount: 20.5 })] });
    send(charge());
    await round();
    expect(told()).toMatchObject([
      { outcome: "review", reason: "mismatch", mismatch: { field: "amount", asked: "1999", got: "2050" } },
    ]);
    expect(log.sumOf("MoneyToReview", { currency: "EUR" })).toBe(1999);
  });
});

describe("the order of effects", () => {
  test("opened in the ledger, sent, recorded, told, deleted: each after the one before (S1, S8)", async () => {
    const { send, round, effects, ledger } = stage({ bank: [pays()] });
    send(charge());
    await round();
    expect(effects).toStrictEqual(["ledger opened", "sent", "ledger approved", "queue approved", "deleted"]);
    expect(
      ledger.calls.map(({ op }) => op),
      "two writes, no read",
    ).toStrictEqual(["open", "replace"]);
  });

  test("what is opened names attempt, request id and lease before a byte leaves (S1)", async () => {
    let seen: unknown;
    const on = stage({
      bank: [pays()],
      beforePost: () => {
        seen = on.entry();
      },
    });
    on.send(charge());
    await on.round();
    expect(seen).toMatchObject({
      state: "opened",
      attempt: 1,
      requestId: on.wire.posts()[0]?.requestId,
      leaseUntilMs: on.startMs + 72_000,
      sends: 0,
    });
  });

  test.each<readonly [acts: readonly Act[], effects: readonly string[], why: string]>([
    [[swallows, pays()], ["sent", "sent", "ledger approved", "queue approved"], "both sends under one lease"],
    [[swallows, swallows], ["sent", "sent", "ledger unknown", "queue unknown-outcomes"], "never a third"],
    [[fault], ["sent", "ledger unknown", "queue unknown-outcomes"], "the delay is the queue's"],
    [[declines(5041)], ["sent", "ledger declined_permanent", "queue permanent-declines"], "told last"],
  ])("$2", async (acts, expected, why) => {
    const { send, round, effects } = stage({ bank: acts });
    send(charge());
    await round();
    expect(effects, why).toStrictEqual(["ledger opened", ...expected, "deleted"]);
  });

  test("the resend waits as the policy says, and carries the same id and the same body", async () => {
    const { send, round, wire, startMs, entry } = stage({ bank: [swallows, pays()] });
    send(charge());
    await round();
    const [first, second] = wire.posts();
    expect(second?.atMs).toBe(startMs + 30_000 + 2_000);
    expect(second?.requestId).toBe(first?.requestId);
    expect(second?.body).toBe(first?.body);
    expect(entry()).toMatchObject({ sends: 2, openSends: 1, firstSendAtMs: startMs, state: "approved" });
  });

  test("every send is bound by the lease, the first by notAfter, those after it by the key life (S3, S7)", async () => {
    const { send, round, wire, startMs } = stage({ bank: [swallows, swallows] });
    send(charge({ notAfter: "2026-11-22T12:00:20Z" }));
    await round();
    expect(wire.posts().map(({ notAfterMs }) => (notAfterMs ?? 0) - startMs)).toStrictEqual([20_000, 72_000]);
    const bounds = async (requestIdLifeMs: number): Promise<readonly number[]> => {
      const short = stage({ bank: [swallows, swallows], policy: { requestIdLifeMs } });
      short.send(charge());
      await short.round();
      return short.wire.posts().map(({ notAfterMs }) => (notAfterMs ?? 0) - startMs);
    };
    expect(await bounds(50_000)).toStrictEqual([72_000, 40_000]);
    // The life of an id bounds what is sent under it again, so the first send leaves however short it is.
    expect(await bounds(20_000)).toStrictEqual([72_000]);
    expect(await bounds(0)).toStrictEqual([72_000]);
  });
});

describe("a request that never left", () => {
  test.each(["refused", "unresolved", "connect_timeout", "too_late"] as const)(
    "%s: given back, and nobody is told",
    async (cause) => {
      const { send, round, effects, entry, wire } = stage({ bank: [{ says: neverSent(cause) }] });
      send(charge());
      expect(await round()).toMatchObject([{ kind: "giveBack" }]);
      expect(effects).toStrictEqual(["ledger opened", "sent", "ledger waiting"]);
      expect(wire.posts()).toStrictEqual([]);
      expect(entry()).toMatchObject({ state: "waiting", sends: 0, openSends: 0 });
      expect(entry(), "its key life has not begun").not.toHaveProperty("firstSendAtMs");
    },
  );

  test("is sent by a later delivery, as a first send under its own id", async () => {
    const { send, run, startMs, entry, wire, told } = stage({
      bank: [{ says: neverSent() }, { says: neverSent() }, { says: neverSent() }, pays()],
    });
    send(charge());
    await run();
    expect(told()).toMatchObject([{ outcome: "approved", attempt: 1 }]);
    const [only] = wire.posts();
    expect(wire.posts()).toHaveLength(1);
    expect(only?.atMs, "after three pauses").toBeGreaterThan(startMs + 15_000);
    expect(entry()).toMatchObject({
      sends: 1,
      attempt: 1,
      firstSendAtMs: only?.atMs,
      requestId: only?.requestId,
    });
  });

  test("held back by the pace time and again, it comes back soon: nothing about it failed", async () => {
    const held = Array.from({ length: 8 }, () => ({ says: neverSent("held_back") }));
    const { send, run, startMs, wire, told } = stage({ bank: [...held, pays()] });
    send(charge());
    await run();
    expect(told()).toMatchObject([{ outcome: "approved", attempt: 1 }]);
    expect(wire.posts()[0]?.atMs, "a failure's pauses would be a quarter of an hour").toBeLessThan(
      startMs + 60_000,
    );
  });

  test("a gateway that cannot be reached for a day costs fewer receives than a dead letter has", async () => {
    const down = 86_400_000;
    const on = stage({ bank: () => (on.clock.nowMs() < on.startMs + down ? { says: neverSent() } : pays()) });
    on.send(charge());
    await on.run(down - 1);
    const [waiting] = on.waiting("charges");
    expect(waiting?.receives).toBeLessThan(240);
    expect(on.entry()?.state).toBe("waiting");
    await on.run();
    expect(on.told()).toMatchObject([{ outcome: "approved" }]);
    expect(on.wire.posts()).toHaveLength(1);
  });

  test("a resend that never left leaves the charge as unknown as before", async () => {
    const { send, round, wire, entry, queues } = stage({ bank: [swallows, { says: neverSent() }] });
    send(charge());
    await round();
    expect(wire.posts()).toHaveLength(1);
    expect(entry()).toMatchObject({ state: "unknown", sends: 1, openSends: 1, nextAct: "lookUp" });
    expect(queues.accepted).toMatchObject([{ queue: "unknown-outcomes" }]);
  });
});

describe("notAfter", () => {
  const soon = "2026-11-22T12:00:30Z";
  test.each<readonly [notAfter: string, acts: readonly Act[], outcome: string, sends: number, why: string]>([
    ["2026-11-22T11:59:59Z", [], "expired", 0, "over before it came"],
    ["2026-11-22T12:00:00Z", [pays()], "approved", 1, "the very moment is not later"],
    [
      soon,
      [{ says: neverSent() }, { says: neverSent() }, { says: neverSent() }, { says: neverSent() }],
      "expired",
      0,
      "over while it waited",
    ],
    [soon, [{ says: neverSent() }, pays()], "approved", 1, "a first send in time"],
    ["2026-11-22T12:00:10Z", [swallows, pays()], "approved", 2, "first sent in time: a resend may be later"],
    ["2026-11-22T12:00:05Z", [fault, pays()], "approved", 2, "first sent in time: a resend may be later"],
  ])("$0, $2: $4", async (notAfter, acts, outcome, sends, why) => {
    const { send, run, told, wire, entry, bank } = stage({ bank: acts });
    send(charge({ notAfter }));
    await run();
    expect(told(), why).toMatchObject([{ outcome }]);
    expect(wire.posts(), why).toHaveLength(sends);
    if (outcome !== "expired") return;
    expect(bank.capturesOf("order-1")).toBe(0);
    expect(told(), why).toMatchObject([{ code: "not_after_passed", evidence: { kind: "never_sent" } }]);
    expect(entry(), "never sent").toMatchObject({
      state: "expired",
      sends: 0,
      evidence: { kind: "never_sent" },
    });
  });

  test("over before it came: one write, no lease, and nothing tried", async () => {
    const { send, round, effects } = stage();
    send(charge({ notAfter: "2026-11-22T11:59:59Z" }));
    await round();
    expect(effects).toStrictEqual(["ledger expired", "queue request-errors", "deleted"]);
  });

  test("an expired charge is used up: the same id again is not sent either", async () => {
    const { send, run, wire, queues } = stage();
    send(charge({ notAfter: "2026-11-22T11:00:00Z" }));
    await run();
    send(charge({ notAfter: "2026-11-22T11:00:00Z" }));
    await run();
    expect(wire.sent).toStrictEqual([]);
    expect(new Set(queues.accepted.map(({ message }) => message.id))).toStrictEqual(
      new Set(["order-1#1#expired"]),
    );
  });
});

describe("the time that is left", () => {
  // Two gateway time-outs, the wait between and the writes.
  const worstCaseMs = 2 * 30_000 + 2_000 + 6_000;

  test("a charge begins only if its worst case fits; otherwise nothing is touched", async () => {
    const { send, round, effects, ledger, wire } = stage({ bank: [pays()], invocationMs: worstCaseMs - 1 });
    send(charge());
    expect(await round()).toStrictEqual([{ kind: "giveBack", delayMs: 0 }]);
    expect([effects, ledger.calls, wire.sent]).toStrictEqual([[], [], []]);
  });

  test("with exactly enough it begins", async () => {
    const { send, round, told } = stage({ bank: [pays()], invocationMs: worstCaseMs });
    send(charge());
    await round();
    expect(told()).toMatchObject([{ outcome: "approved" }]);
  });

  test("what waits its turn behind slow charges goes back untouched", async () => {
    const { send, round, wire, ledger } = stage({
      bank: always(swallows),
      concurrency: 5,
      invocationMs: worstCaseMs + 20_000,
    });
    for (let index = 0; index < 10; index++) send(chargeMessage(`slow-${index}`));
    const ends = await round();
    expect(ends.map(({ kind }) => kind)).toStrictEqual([
      ...Array(5).fill("done"),
      ...Array(5).fill("giveBack"),
    ]);
    expect(ends.slice(5)).toStrictEqual(Array(5).fill({ kind: "giveBack", delayMs: 0 }));
    expect([ledger.entries().length, wire.posts().length]).toStrictEqual([5, 10]);
  });

  test("a resend whose answer may come too late is not made: the look-ups find out", async () => {
    const late = stage({
      bank: [swallows],
      invocationMs: worstCaseMs,
      beforePost: () => late.clock.advance(1),
    });
    late.send(charge());
    expect(await late.round()).toStrictEqual([{ kind: "done" }]);
    expect(late.wire.posts()).toHaveLength(1);
    expect(late.entry()).toMatchObject({ state: "unknown", resends: 0, nextAct: "lookUp" });
  });

  test("a resend whose answer may come after the lease is not made (S7)", async () => {
    const { send, round, wire, entry } = stage({ bank: [swallows], policy: { leaseMs: 61_999 } });
    send(charge());
    await round();
    expect(wire.posts()).toHaveLength(1);
    expect(entry()).toMatchObject({ state: "unknown", resends: 0 });
  });

  test("a resend past the key life is not made (S3)", async () => {
    const { send, round, wire, entry } = stage({ bank: [swallows], policy: { requestIdLifeMs: 35_000 } });
    send(charge());
    await round();
    expect(wire.posts()).toHaveLength(1);
    expect(entry()).toMatchObject({ state: "unknown", resends: 0 });
  });
});

describe("a message that is not a charge", () => {
  test.each<readonly [body: string, code: string, why: string]>([
    ["", "invalid_message", "nothing"],
    ["null", "invalid_message", "null"],
    ["{", "invalid_message", "not JSON"],
    ["[".repeat(50_000), "invalid_message", "nested without an end"],
    ['"order-1"', "invalid_message", "a text"],
    [JSON.stringify(charge({ amount: 19.99 })), "invalid_message", "a float"],
    [JSON.stringify(charge({ currency: "eur" })), "invalid_message", "lower case"],
    [JSON.stringify(charge({ notAfer: "2026" })), "invalid_message", "a typo"],
    [JSON.stringify(charge({ gateway: "centrapay" })), "gateway_not_available", "no such gateway here"],
    [
      JSON.stringify(charge({ instrument: { ref: "4111111111111111" } })),
      "card_number",
      "a card number (S12)",
    ],
    ["x".repeat(70_000), "message_too_large", "too long"],
  ])("%.60s… → %s", async (text, code, why) => {
    const { send, round, effects, told, wire, ledger } = stage();
    send(text);
    expect(await round(), why).toStrictEqual([{ kind: "done" }]);
    // A charge by this id may have been accepted by another version.
    const read = JSON.stringify(ledger.rejections()).includes('"chargeId"') ? ["ledger read"] : [];
    expect(effects, why).toStrictEqual([...read, "ledger rejected", "queue request-errors", "deleted"]);
    expect(told(), why).toMatchObject([
      { outcome: "request_error", code, attempt: 0, evidence: { kind: "message" } },
    ]);
    expect([wire.sent, ledger.entries()], why).toStrictEqual([[], []]);
    expect(JSON.stringify([told(), ledger.rejections()])).not.toContain("4111111111111111");
  });

  test("the same text twice is one rejection, told under one id", async () => {
    const { send, round, queues, ledger } = stage();
    send("{");
    send("{");
    await round();
    expect(ledger.rejections()).toHaveLength(1);
    expect(new Set(queues.accepted.map(({ message }) => message.id)).size).toBe(1);
  });
});
