import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../lib/core/json.ts";
import { chargeMessage } from "../doubles/samples.ts";
import {
  type Act,
  captured,
  declines,
  type Made,
  pays,
  paysUnheard,
  pends,
  says,
  swallows,
} from "../doubles/scripted-bank.ts";
import { neverSent } from "../doubles/scripted-wire.ts";
import { stage } from "./stage.ts";

const charge = chargeMessage("order-1");
const fault = says(500);
const minute = 60_000;
/** Declined, and the answer is lost. */
const declinesUnheard = (code: number, made: Partial<Made> = {}): Act =>
  paysUnheard({ status: "fail", code, ...made });
/** A row that carries the gateway's own ids and none of ours. */
const noReference = { chargeId: null, requestId: null } as const;
const becomes = (
  status: "success" | "fail",
  code: number,
  afterMs = 3 * minute,
): NonNullable<Made["becomes"]> => ({
  status,
  code,
  afterMs,
});

describe("the way of an unknown to its end", () => {
  test.each<
    readonly [
      acts: readonly Act[],
      outcome: string,
      evidence: string,
      captures: number,
      looks: number,
      why: string,
    ]
  >([
    [[paysUnheard(), swallows], "approved", "feed_row", 1, 1, "captured by the first send, nothing heard"],
    [[swallows, paysUnheard()], "approved", "feed_row", 1, 1, "captured by the resend, nothing heard"],
    [[paysUnheard(), says(429)], "approved", "feed_row", 1, 1, "the second answer says nothing"],
    [[paysUnheard({ shownAfterMs: 4 * minute }), swallows], "approved", "feed_row", 1, 2, "the feed is late"],
    [[swallows, swallows, pays()], "approved", "reply", 1, 3, "absent for certain: sent with its own id"],
    [[swallows, swallows, paysUnheard()], "approved", "feed_row", 1, 4, "sent again, and lost once more"],
    [[swallows, swallows, swallows], "review", "absence", 0, 6, "absent once more, past the key life (S3)"],
    [
      [swallows, pends(becomes("fail", 5005, 1))],
      "declined_retryable",
      "feed_row",
      0,
      3,
      "one of two is open",
    ],
    [[swallows, swallows, declines(5041)], "declined_permanent", "reply", 0, 3, "absent, sent, declined"],
    [[swallows, swallows, says(400)], "request_error", "reply", 0, 3, "absent, sent, refused"],
    [
      [swallows, declines(5041)],
      "declined_permanent",
      "feed_row",
      0,
      3,
      "its row may be the answered one: two late searches",
    ],
    [
      [swallows, declines(5051)],
      "declined_retryable",
      "feed_row",
      0,
      3,
      "its row may be the answered one: two late searches",
    ],
    [[swallows, says(400)], "request_error", "reply_and_absence", 0, 3, "refused, confirmed by look-ups"],
    [[paysUnheard(), declines(5041)], "approved", "feed_row", 1, 1, "the lost send took the money"],
    [[paysUnheard(), says(403)], "approved", "feed_row", 1, 1, "the lost send took the money"],
    [
      [declinesUnheard(5041), swallows],
      "declined_permanent",
      "feed_row",
      0,
      3,
      "two are open: a certificate first",
    ],
    [[fault, pays()], "approved", "reply", 1, 0, "500: the same id again is answered"],
    [[fault, fault, pays()], "approved", "reply", 1, 0, "twice"],
    [[fault, fault, fault, pays()], "approved", "reply", 1, 0, "three times"],
    [[fault, fault, fault, fault, pays()], "approved", "reply", 1, 3, "then it is looked up, and absent"],
    [[says(429), pays()], "approved", "reply", 1, 3, "429: looked up, absent, sent again"],
    [[pends(becomes("success", 0))], "approved", "feed_row", 1, 2, "pending, then its final word"],
    [[pends(becomes("fail", 5005))], "declined_retryable", "feed_row", 0, 2, "pending, then its final word"],
    [[pends(becomes("success", 0, 3 * 60 * minute))], "approved", "feed_row", 1, 7, "hours later"],
    [[pends()], "review", "feed_row", 0, 10, "for ever pending: a person (S6)"],
    [[paysUnheard({ payment: { amount: 20 } }), swallows], "review", "feed_row", 1, 1, "another amount (S9)"],
    [[paysUnheard({ payment: { currency: "USD" } }), swallows], "review", "feed_row", 1, 1, "currency (S9)"],
    [[paysUnheard({ metadata: null }), swallows], "review", "feed_rows", 1, 3, "only a weak match (S14)"],
    [
      [paysUnheard({ payment: { status: "odd" } }), swallows],
      "review",
      "feed_row",
      1,
      10,
      "a word that no row names",
    ],
  ])("$1: $5", async (acts, outcome, evidence, captures, looks, why) => {
    const on = stage({ bank: acts });
    on.send(charge);
    await on.run();
    expect(on.told(), why).toMatchObject([
      { id: `order-1#1#${outcome}`, outcome, evidence: { kind: evidence } },
    ]);
    expect(on.bank.capturesOf("order-1"), why).toBe(captures);
    expect(on.wire.posts(), why).toHaveLength(acts.length);
    expect(new Set(on.wire.posts().map(({ requestId }) => requestId)).size, "one request id (S2)").toBe(1);
    expect(on.entry(), why).toMatchObject({ state: outcome, lookups: looks, evidence: { kind: evidence } });
    expect(on.waiting("unknown-outcomes"), "nothing is left on the queue").toStrictEqual([]);
  });

  test("a 500 is sent again with the same id after 10, 20 and 40 s", async () => {
    const on = stage({ bank: [fault, fault, fault, pays()] });
    on.send(charge);
    await on.run();
    expect(on.wire.posts().map(({ atMs }) => (atMs - on.startMs) / 1_000)).toStrictEqual([0, 10, 30, 70]);
    expect(on.wire.gets()).toStrictEqual([]);
    expect(on.entry()).toMatchObject({ faultResends: 3, sends: 4 });
  });

  test("the schedule counts from the last send", async () => {
    const on = stage({ bank: [swallows, pends()] });
    on.send(charge);
    await on.run();
    const lastSendAtMs = on.startMs + 32_000;
    expect(on.wire.gets().map(({ atMs }) => Math.round((atMs - lastSendAtMs) / minute))).toStrictEqual([
      1, 6, 8, 15, 30, 60, 180, 360, 720, 1_440,
    ]);
  });

  test("a refused connection at the resend is looked up, and the certificate sends it again", async () => {
    const on = stage({ bank: [fault, { says: neverSent() }, pays()] });
    on.send(charge);
    await on.run();
    expect(on.told()).toMatchObject([{ outcome: "approved" }]);
    expect(on.wire.posts()).toHaveLength(2);
  });

  test("each round is recorded before it is told, and told before it is deleted (S8)", async () => {
    const on = stage({ bank: [paysUnheard(), swallows] });
    on.send(charge);
    await on.round();
    on.effects.length = 0;
    await on.run();
    expect(on.effects).toStrictEqual([
      "ledger read",
      "looked up",
      "ledger approved",
      "queue approved",
      "deleted",
    ]);
  });

  test("the resend after an absence is leased before it leaves (S1), and counts its key life from the first send", async () => {
    const on = stage({ bank: [swallows, swallows, pays()] });
    on.send(charge);
    await on.round();
    on.effects.length = 0;
    await on.run();
    expect(on.effects.slice(-6)).toStrictEqual(
      [
        "ledger read",
        "looked up",
        "ledger opened",
        "sent",
        "ledger approved",
        "queue approved",
        "deleted",
      ].slice(-6),
    );
    expect(on.entry()).toMatchObject({ firstSendAtMs: on.startMs });
    expect(on.wire.posts()[2]?.notAfterMs).toBeLessThanOrEqual(on.startMs + 900_000 - 120_000);
  });
});

describe("a row of the feed is known by", () => {
  const made = (metadata: JsonObject, payment: JsonObject = {}): readonly Act[] => [
    paysUnheard({ metadata, payment }),
    swallows,
  ];
  test.each<readonly [acts: readonly Act[], outcome: string, why: string]>([
    [made({}), "approved", "our request id"],
    [made({ chargeId: null }), "approved", "our request id alone"],
    [made({ requestId: null }), "approved", "our charge id alone"],
    [
      [{ makes: captured, says: { kind: "replied", status: 201, body: "{" } }],
      "approved",
      "a body that was cut",
    ],
    [made(noReference), "review", "nothing of ours: only consumer and amount (S14)"],
    [
      made({ ...noReference }, { amount: 5 }),
      "review",
      "nothing of ours, another amount: a wrong one, perhaps",
    ],
    [
      made({ ...noReference }, { amount: 5, status: "fail", code: 5051 }),
      "approved",
      "nothing of ours, and took nothing: absent, and sent",
    ],
  ])("$1: $2", async (acts, outcome, why) => {
    const sends = acts.length;
    const on = stage({ bank: (_, nth) => acts[nth - 1] ?? pays() });
    on.send(charge);
    await on.run();
    expect(on.told(), why).toMatchObject([{ outcome }]);
    expect(on.wire.posts(), why).toHaveLength(why.endsWith("sent") ? sends + 1 : sends);
  });

  test("the gateway's own id, where the answer gave one: asked by it when the window holds no row", async () => {
    const on = stage({ bank: [pends(becomes("success", 0), {})] });
    on.send(charge);
    await on.round();
    expect(on.entry()).toMatchObject({ state: "pending", ids: { transactionId: "tx-1", orderId: "or-1" } });
    // The feed forgets what it was sent with the payment, and its own clock is a day off.
    const lost = stage({
      bank: [{ makes: { ...captured, status: "pending", metadata: null, becomes: becomes("success", 0) } }],
      feed: (_, page, request) =>
        request.url.includes("transactionId=")
          ? undefined
          : {
              kind: "replied",
              status: 200,
              body: { ...page(), data: [], meta: { currentPage: 1, lastPage: 1, total: 0 } },
            },
    });
    lost.send(charge);
    await lost.run();
    expect(lost.told()).toMatchObject([{ outcome: "approved", evidence: { transactionId: "tx-1" } }]);
    expect(lost.wire.gets().some(({ url }) => url.includes("transactionId=tx-1"))).toBe(true);
  });

  test("by the order's id, where the answer gave no other", async () => {
    const row: JsonObject = {
      code: 0,
      status: "success",
      action: "charge",
      mode: "sale",
      amount: 19.99,
      currency: "EUR",
      orderId: "or-1",
    };
    const on = stage({
      bank: [pends(becomes("success", 0), { transactionId: null })],
      feed: (_, _page, request) => {
        const data = request.url.includes("orderId=or-1") ? [row] : [];
        return {
          kind: "replied",
          status: 200,
          body: { data, meta: { currentPage: 1, lastPage: 1, total: data.length } },
        };
      },
    });
    on.send(charge);
    await on.round();
    expect(on.entry()?.ids).toStrictEqual({ orderId: "or-1" });
    await on.run();
    expect(on.told()).toMatchObject([{ outcome: "approved", evidence: { kind: "feed_row" } }]);
  });

  test("another charge's row is not taken, however alike (S13)", async () => {
    const twins = ["order-1", "order-2"].map((id) => chargeMessage(id, { request: charge["request"] ?? {} }));
    const on = stage({
      bank: (chargeId, nth) =>
        chargeId === "order-1"
          ? nth === 1
            ? paysUnheard()
            : swallows
          : nth <= 2
            ? swallows
            : declines(5041),
    });
    for (const twin of twins) on.send(twin);
    await on.run();
    expect(on.entry("order-1")).toMatchObject({ state: "approved" });
    expect(on.entry("order-2")).toMatchObject({ state: "declined_permanent" });
  });
});

describe("a weak match (S14)", () => {
  test("is shown to a person with its rows, and nothing is sent beside it", async () => {
    const on = stage({ bank: [paysUnheard({ metadata: null }), swallows] });
    on.send(charge);
    await on.run();
    expect(on.told()).toMatchObject([
      {
        outcome: "review",
        reason: "weak_match",
        evidence: { kind: "feed_rows", rows: [{ transactionId: "tx-1" }] },
      },
    ]);
    expect(on.wire.posts()).toHaveLength(2);
    expect(on.log.sumOf("MoneyToReview")).toBe(1999);
  });

  test("waits for a row with our reference, which closes the charge", async () => {
    const stranger: JsonObject = {
      code: 0,
      status: "success",
      action: "charge",
      mode: "sale",
      amount: 19.99,
      currency: "EUR",
      transactionId: "tx-somebody",
      consumer: { externalId: "user-of-order-1" },
    };
    const on = stage({ bank: [paysUnheard({ shownAfterMs: 5 * minute }), swallows], strangers: [stranger] });
    on.send(charge);
    await on.run();
    expect(on.told()).toMatchObject([{ outcome: "approved", evidence: { transactionId: "tx-1" } }]);
  });
});

describe("a double charge (S13)", () => {
  test("is named, alarmed, and every capture but the first is proposed for a refund", async () => {
    const on = stage({ bank: [paysUnheard(), paysUnheard()] });
    on.send(charge);
    await on.run();
    expect(on.told()).toMatchObject([
      {
        outcome: "review",
        reason: "double_charge",
        refundProposal: [{ gateway: "centrobill", transactionId: "tx-2" }],
        evidence: { kind: "feed_rows", rows: [{ transactionId: "tx-1" }, { transactionId: "tx-2" }] },
      },
    ]);
    expect(on.log.eventsOf("double_charge")).toMatchObject([
      { chargeId: "order-1", amount: "1999", currency: "EUR" },
    ]);
    expect([on.log.sumOf("DoubleCharges"), on.log.sumOf("MoneyToReview")]).toStrictEqual([1, 1999]);
  });

  test("one transaction in two rows is not one", async () => {
    const on = stage({
      bank: [paysUnheard(), swallows],
      feed: (_, page) => {
        const { data, meta } = page() as { readonly data: readonly JsonObject[]; readonly meta: JsonObject };
        return {
          kind: "replied",
          status: 200,
          body: { data: [...data, ...data], meta: { ...meta, total: 2 } },
        };
      },
    });
    on.send(charge);
    await on.run();
    expect(on.told()).toMatchObject([{ outcome: "approved" }]);
  });
});

describe("a decline that was answered while an earlier send was open", () => {
  test("is held, and no row for row counting lets it go: its own row is not the open send's", async () => {
    // The first send hangs at the gateway; its capture comes into the feed after the resend's decline did.
    const on = stage({
      bank: [paysUnheard({ shownAfterMs: 5 * minute }), declines(5041)],
    });
    on.send(charge);
    await on.run();
    expect(on.bank.capturesOf("order-1")).toBe(1);
    expect(on.told()).toMatchObject([{ outcome: "approved" }]);
  });

  test("keeps the answer and its evidence until then", async () => {
    const on = stage({ bank: [swallows, declines(5041)] });
    on.send(charge);
    await on.round();
    expect(on.entry()).toMatchObject({
      state: "unknown",
      reason: "answer_to_confirm",
      openSends: 1,
      held: {
        state: "declined_permanent",
        ending: { category: "never_approved" },
        evidence: { kind: "reply", status: 201 },
      },
    });
    expect(on.told()).toStrictEqual([]);
  });
});
