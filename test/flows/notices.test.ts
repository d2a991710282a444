import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../lib/core/json.ts";
import type { NoticeRequest, WakeUp } from "../../lib/core/notice.ts";
import { type NoticeReceiver, receiveNotice } from "../../lib/flows/receive-notice.ts";
import { centrobillNotices } from "../../lib/gateways/centrobill/notice.ts";
import { memoryLog } from "../doubles/memory-log.ts";
import { chargeMessage } from "../doubles/samples.ts";
import { captured, declines, pays, paysUnheard, pends, swallows } from "../doubles/scripted-bank.ts";
import { testGateway } from "../doubles/worker.ts";
import { centrobillPayload, sameText, secret, sha256, signedCentrobill } from "../gateways/notices.ts";
import { always, type Stage, type StageOptions, stage } from "./stage.ts";

const charge = chargeMessage("order-1");
const minute = 60_000;
const desk = centrobillNotices({ secrets: [secret], sha256, sameText });
const noFeed = testGateway({ feed: false });
/** The transaction of the charge, at a gateway whose answers nobody heard. */
const unheard = paysUnheard({ payment: { transactionId: "1001", orderId: "2001" } });

/** A notice comes in at the door of a stage: it is answered, and, if it is kept, its wake-up is on the queue. */
const door = (s: Stage) => {
  const seen = new Set<string>();
  const log = memoryLog();
  let queueDown = false;
  const receiver: NoticeReceiver = {
    notices: s.notices,
    wakeUps: {
      async send(wakeUp: WakeUp) {
        if (queueDown) throw new Error("the queue is down");
        s.send(JSON.stringify(wakeUp), "unknown-outcomes");
      },
    },
    log,
    recent: seen,
  };
  const comes = (request: NoticeRequest) =>
    receiveNotice({ ...request, atMs: s.clock.nowMs() }, desk, receiver);
  return {
    log,
    forget: () => seen.clear(),
    queueIs: (state: "up" | "down") => {
      queueDown = state === "down";
    },
    comes,
    /** a genuine one about the charge's attempt; `payment` and `metadata` replace members */
    async notifies(payment: JsonObject = {}, metadata: JsonObject | null = {}): Promise<number> {
      const own = { transactionId: "1001", orderId: "2001", ...payment };
      const requestId = s.entry()?.requestId ?? "none";
      const { status } = await comes(
        signedCentrobill(centrobillPayload(own, metadata === null ? null : { requestId, ...metadata })),
      );
      return status;
    },
  };
};

const unknownStage = async (options: StageOptions = {}) => {
  const s = stage({ bank: [unheard, swallows], ...options });
  s.send(charge);
  await s.round("charges");
  expect(s.entry()).toMatchObject({ state: "unknown" });
  return { s, ...door(s) };
};
const told = (s: Stage): string[] => s.told().map(({ id }) => id);

describe("an unknown whose notice comes", () => {
  test("is approved by it at once, on its evidence, and told when its own message comes; no look-up is made", async () => {
    const { s, notifies } = await unknownStage();
    expect(await notifies()).toBe(200);
    const before = s.clock.nowMs();
    await s.round("unknown-outcomes");
    expect(s.clock.nowMs()).toBe(before);
    expect(s.entry()).toMatchObject({
      state: "approved",
      lookups: 0,
      ids: { transactionId: "1001", orderId: "2001" },
      evidence: { kind: "notice", id: "1001.success.charge.sale", transactionId: "1001" },
    });
    await s.run();
    expect(told(s)).toEqual(["order-1#1#approved"]);
    expect(s.told()[0]).toMatchObject({ charge, evidence: { kind: "notice" } });
    expect(s.effects).not.toContain("looked up");
    expect(s.bank.capturesOf("order-1")).toBe(1);
  });

  test("whose message is hidden is woken, and told at once", async () => {
    const { s, notifies } = await unknownStage({ gateway: noFeed });
    await s.run(2 * minute);
    const [hidden] = s.waiting("unknown-outcomes");
    expect(hidden?.inMs).toBeGreaterThan(60 * minute);
    await notifies();
    await s.run(1_000);
    expect(s.entry()?.state).toBe("approved");
    expect(told(s)).toEqual(["order-1#1#approved"]);
    expect(s.waiting("unknown-outcomes")).toEqual([]);
  });

  test("whose message was received in between, and is not due for hours, is woken all the same", async () => {
    const { s, notifies } = await unknownStage({
      gateway: noFeed,
      policy: { resendsMax: 0, lookupScheduleMs: [60_000, 36 * 60 * minute] },
    });
    // SQS hides a message for twelve hours at the most.
    await s.run(13 * 60 * minute);
    const [hidden] = s.waiting("unknown-outcomes");
    expect(hidden?.receives).toBe(2);
    expect(s.entry()).toMatchObject({ state: "unknown", receipt: expect.stringContaining("receive 2") });
    await notifies();
    await s.run(1_000);
    expect(told(s)).toEqual(["order-1#1#approved"]);
  });

  test("without a feed an unknown is closed by it, and would be a person's turn without", async () => {
    for (const [heard, state] of [
      [true, "approved"],
      [false, "review"],
    ] as const) {
      const { s, notifies } = await unknownStage({ gateway: noFeed });
      if (heard) await notifies();
      await s.run();
      expect(s.entry()?.state).toBe(state);
    }
  });

  test("says pending: it waits for the gateway's word, and is not sent again", async () => {
    const s = stage({ bank: [unheard, swallows] });
    s.send(charge);
    await s.round("charges");
    const { notifies } = door(s);
    await notifies({ status: "pending" });
    await s.round("unknown-outcomes");
    expect(s.entry()).toMatchObject({ state: "pending" });
    await s.run();
    expect(s.entry()).toMatchObject({ state: "approved", evidence: { kind: "feed_row" } });
    expect(told(s)).toEqual(["order-1#1#approved"]);
  });

  test("before its worker recorded anything waits for that worker's word (S7)", async () => {
    const s = stage({
      bank: [unheard, swallows],
      async beforePost(nth) {
        if (nth !== 2) return;
        expect(s.entry()?.state).toBe("opened");
        await door(s).notifies();
        await s.round("unknown-outcomes");
        expect(s.entry()?.state).toBe("opened");
      },
    });
    s.send(charge);
    await s.run();
    expect(s.entry()).toMatchObject({ state: "approved", evidence: { kind: "notice" }, lookups: 0 });
    expect(told(s)).toEqual(["order-1#1#approved"]);
  });

  test("of a worker that died leaves the charge to its own message, and closes it then", async () => {
    let dies = true;
    const s = stage({
      bank: [unheard, swallows],
      gateway: noFeed,
      ledgerFault: (what) => (what === "replace unknown" && dies ? "before" : undefined),
    });
    s.send(charge);
    await s.round("charges");
    expect(s.entry()?.state).toBe("opened");
    dies = false;
    await door(s).notifies();
    await s.run();
    expect(s.entry()).toMatchObject({ state: "approved", evidence: { kind: "notice" } });
    expect(told(s)).toEqual(["order-1#1#approved"]);
  });

  test("twice, and twice at once: once counted", async () => {
    const { s, notifies, forget } = await unknownStage();
    await notifies();
    forget();
    await notifies();
    await s.run();
    forget();
    await notifies();
    await s.run();
    expect(s.entry()?.history.filter(({ e }) => e === "notice")).toHaveLength(1);
    expect(told(s)).toEqual(["order-1#1#approved"]);
    expect(s.notices.kept()).toHaveLength(1);
  });

  test("a flood of copies is answered, and queued once", async () => {
    const { s, notifies } = await unknownStage();
    for (let n = 0; n < 500; n++) expect(await notifies()).toBe(200);
    expect(s.waiting("unknown-outcomes")).toHaveLength(2);
  });
});

describe("what is not signed is not believed by itself", () => {
  test.each<readonly [payment: JsonObject, metadata: JsonObject, why: string]>([
    [{ amount: 25 }, {}, "another amount"],
    [{ currency: "USD" }, {}, "another currency"],
    [{}, { requestId: "made-up" }, "a request id that was never sent"],
    [{ mode: "auth" }, {}, "an authorisation"],
  ])("%o %o: the gateway is asked now, and its row decides", async (payment, metadata, why) => {
    const { s, notifies } = await unknownStage();
    await notifies(payment, metadata);
    await s.round("unknown-outcomes");
    expect(s.entry(), why).toMatchObject({ state: "unknown", nextAtMs: s.clock.nowMs() });
    await s.run();
    expect(s.entry(), why).toMatchObject({ state: "approved", evidence: { kind: "feed_row" } });
    expect(told(s)).toEqual(["order-1#1#approved"]);
  });

  test("where nobody can be asked a person is told, and the charge stays what it was", async () => {
    const { s, notifies } = await unknownStage({ gateway: noFeed });
    await notifies({ amount: 25 });
    await s.round("unknown-outcomes");
    expect(s.entry()?.state).toBe("unknown");
    expect(s.told()).toMatchObject([
      {
        id: "order-1#1#review#1001.success.charge.sale",
        outcome: "review",
        reason: "mismatch",
        mismatch: { field: "amount", asked: "1999", got: "2500" },
        evidence: { kind: "notice" },
      },
    ]);
  });

  test("another charge's transaction, under this one's names, moves nothing", async () => {
    // What an eavesdropper could make of another notice: its signature, and our charge's references.
    const { s, notifies, comes } = await unknownStage({ bank: always(swallows) });
    await comes(
      signedCentrobill(centrobillPayload({ transactionId: "7777" }, { chargeId: "other-1", requestId: "r" })),
    );
    s.clock.advance(10);
    await notifies({ transactionId: "7777", orderId: "7778", mode: "settle" });
    await s.round("unknown-outcomes");
    expect(s.entry()).toMatchObject({ state: "unknown", nextAtMs: s.clock.nowMs() });
    await s.run();
    expect(s.entry()?.state).not.toBe("approved");
    expect(s.bank.capturesOf("order-1")).toBe(0);
  });

  test("the charge's own transaction, under another amount than its first notice told, moves nothing", async () => {
    // The signature covers neither: whoever has it may name the amount that was asked.
    const { s, notifies } = await unknownStage({ gateway: noFeed });
    await notifies({ amount: 25 });
    await s.round("unknown-outcomes");
    s.clock.advance(10);
    await notifies({ mode: "settle" });
    await s.round("unknown-outcomes");
    expect(s.entry()?.state).toBe("unknown");
    expect(s.told()).toMatchObject([{ reason: "mismatch" }, { reason: "contradiction" }]);
  });

  test("the same words of another charge's notice under this one's names are not even kept", async () => {
    const { s, notifies, comes } = await unknownStage({ bank: always(swallows), gateway: noFeed });
    await comes(
      signedCentrobill(centrobillPayload({ transactionId: "7777" }, { chargeId: "other-1", requestId: "r" })),
    );
    await notifies({ transactionId: "7777" });
    expect(s.notices.kept()).toMatchObject([{ chargeId: "other-1" }]);
    await s.run(5 * minute);
    expect(s.entry()?.state).toBe("unknown");
  });

  test("a no is asked for, and without a feed believed of the one send alone, as a permanent one", async () => {
    const declined = paysUnheard({ status: "fail", code: 5051, payment: { transactionId: "1001" } });
    const asked = await unknownStage({ bank: always(declined) });
    await asked.notifies({ status: "fail", code: 5051 });
    await asked.s.run();
    expect(asked.s.entry()).toMatchObject({
      state: "declined_retryable",
      evidence: { kind: "feed_row" },
    });

    const blind = await unknownStage({
      bank: always(declined),
      gateway: noFeed,
      policy: { resendsMax: 0 },
    });
    await blind.notifies({ status: "fail", code: 5051 });
    await blind.s.run();
    expect(blind.s.entry()).toMatchObject({
      state: "declined_permanent",
      ending: { category: "unrecognised", code: "5051", retry: "never" },
      evidence: { kind: "notice" },
    });
    expect(told(blind.s)).toEqual(["order-1#1#declined_permanent"]);

    const twice = await unknownStage({ bank: always(declined), gateway: noFeed });
    await twice.notifies({ status: "fail", code: 5051 });
    await twice.s.run(30 * minute);
    expect(twice.s.entry()?.state).toBe("unknown");
  });
});

describe("what has ended is not written again (S15)", () => {
  const endedStage = async (act = pays({ transactionId: "1001", orderId: "2001" })) => {
    const s = stage({ bank: [act] });
    s.send(charge);
    await s.run();
    return { s, ...door(s), versions: () => s.ledger.versionsOf("order-1").length };
  };

  test("a notice that agrees leaves no trace in the ledger, and nobody is told twice", async () => {
    const { s, notifies, versions } = await endedStage();
    const before = versions();
    await notifies();
    await notifies({ status: "pending" });
    await s.run();
    expect(versions()).toBe(before);
    expect(told(s)).toEqual(["order-1#1#approved"]);
    expect(s.notices.notedOf("order-1")).toEqual([]);
  });

  test.each<readonly [reason: string, payment: JsonObject]>([
    [
      "refunded_or_charged_back",
      { action: "credit", mode: "refund", transactionId: "3", parentTransactionId: "1001" },
    ],
    ["refunded_or_charged_back", { action: "credit", mode: "void", transactionId: "3" }],
    [
      "refunded_or_charged_back",
      { action: "chargeback", mode: "chargebackFirst", status: "chargeback", transactionId: "3" },
    ],
    ["double_charge", { transactionId: "3", orderId: "4" }],
    ["contradiction", { status: "fail", code: 5005 }],
    ["mismatch", { amount: 20 }],
  ])("approved, and then %s: kept beside it, told to review once", async (reason, payment) => {
    const { s, notifies, versions, forget } = await endedStage();
    const before = versions();
    for (let n = 0; n < 3; n++) {
      forget();
      await notifies(payment);
      await s.run();
    }
    expect(versions()).toBe(before);
    expect(s.entry()?.state).toBe("approved");
    const [noted, ...more] = s.notices.notedOf("order-1");
    expect(more).toEqual([]);
    expect(noted).toMatchObject({ reason });
    const reviews = s.told().filter(({ outcome }) => outcome === "review");
    expect(new Set(reviews.map(({ id }) => id))).toEqual(new Set([`order-1#1#review#${noted?.id}`]));
    expect(reviews[0]).toMatchObject({
      reason,
      chargeId: "order-1",
      amount: "1999",
      evidence: { kind: "notice" },
    });
  });

  test("declined, and then captured: told to review, and still declined", async () => {
    const { s, notifies, versions } = await endedStage(declines(5041));
    const before = versions();
    await notifies();
    await s.run();
    expect(versions()).toBe(before);
    expect(s.entry()?.state).toBe("declined_permanent");
    expect(s.told().at(-1)).toMatchObject({ outcome: "review", reason: "contradiction" });
    expect(s.told().at(-1)?.description).toContain("declined_permanent");
  });

  test("a refund without metadata is known by the transaction that it gives back", async () => {
    const { s, notifies } = await endedStage();
    await notifies();
    await notifies(
      { action: "credit", mode: "refund", transactionId: "3", parentTransactionId: "1001" },
      null,
    );
    await s.run();
    expect(s.told().at(-1)).toMatchObject({ chargeId: "order-1", reason: "refunded_or_charged_back" });
  });

  test.each([
    ["the ledger's answer was lost", "after"],
    ["nothing was written", "before"],
  ] as const)("a refund is told, though %s when its charge was brought forward", async (_why, fault) => {
    const { s, notifies } = await unknownStage();
    await notifies({ action: "credit", mode: "refund", transactionId: "3", parentTransactionId: "1001" });
    let failed = false;
    s.ledger.failBy(({ op }) => {
      if (op !== "replace" || failed) return undefined;
      failed = true;
      return fault;
    });
    await s.run();
    expect(failed).toBe(true);
    expect(told(s)).toContain("order-1#1#review#3.success.credit.refund");
    expect(s.entry()?.state).toBe("approved");
  });

  test("a refund before its charge is known to be captured: told, and the charge is found out", async () => {
    const { s, notifies } = await unknownStage();
    await notifies({ action: "credit", mode: "refund", transactionId: "3", parentTransactionId: "1001" });
    await notifies();
    await s.run();
    expect(s.entry()?.state).toBe("approved");
    expect(told(s).sort()).toEqual(["order-1#1#approved", "order-1#1#review#3.success.credit.refund"].sort());
  });

  test("pending, and its last word comes by notice", async () => {
    const s = stage({ bank: [pends(undefined, { transactionId: "1001", orderId: "2001" })] });
    s.send(charge);
    await s.round("charges");
    expect(s.entry()?.state).toBe("pending");
    await door(s).notifies();
    await s.run(2 * minute);
    expect(s.entry()).toMatchObject({ state: "approved", evidence: { kind: "notice" } });
  });
});

describe("what belongs to nobody here", () => {
  test.each<readonly [why: string, metadata: JsonObject | null]>([
    ["it names no charge", null],
    ["it names a charge that is not in the ledger", { chargeId: "another-system-7" }],
  ])("%s: kept, counted, and let go after a few looks", async (_why, metadata) => {
    const { s, notifies } = await unknownStage({ gateway: noFeed, policy: { resendsMax: 0 } });
    await notifies({}, metadata);
    await s.run(minute);
    expect(s.notices.kept()).toHaveLength(1);
    expect(s.entry()?.state).toBe("unknown");
    expect(s.waiting("unknown-outcomes")).toHaveLength(1);
    expect(s.log.metrics.filter(({ name }) => name === "Notices")).toMatchObject([
      { members: { outcome: "unmatched", gateway: "centrobill" } },
    ]);
  });

  test("a wake-up without its notice, or of a gateway that is not here, is given back and said", async () => {
    const s = stage({});
    for (const gateway of ["centrobill", "centrapay"])
      s.send({ v: 1, kind: "notice", gateway, reference: "1", notice: "n" }, "unknown-outcomes");
    const ends = await s.round("unknown-outcomes");
    expect(ends).toEqual([
      { kind: "giveBack", delayMs: 900_000 },
      { kind: "giveBack", delayMs: 900_000 },
    ]);
    expect(s.log.events.filter(({ name }) => name === "message_failed")).toHaveLength(2);
  });
});

describe("at the door", () => {
  test("what is not proved is refused, leaves nothing, and is counted", async () => {
    const { s, comes, log } = await unknownStage();
    const genuine = signedCentrobill(centrobillPayload({ transactionId: "1001" }));
    const answers = [
      await comes({ ...genuine, headers: {} }),
      await comes({ ...genuine, headers: { "x-signature": "0".repeat(64) } }),
      await comes({ ...genuine, body: "{" }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 400]);
    expect(s.notices.kept()).toEqual([]);
    expect(s.waiting("unknown-outcomes")).toHaveLength(1);
    expect(log.metrics.map(({ name, members }) => [name, members?.["reason"]])).toEqual([
      ["NoticesRefused", "no_signature"],
      ["NoticesRefused", "wrong_signature"],
      ["NoticesRefused", "malformed"],
    ]);
  });

  test("what could not be kept, or not queued, is not said yes to; the gateway's next copy is", async () => {
    const { s, notifies, queueIs } = await unknownStage();
    s.notices.failBy((op) => op === "keep");
    expect(await notifies()).toBe(503);
    s.notices.failBy(() => false);
    queueIs("down");
    expect(await notifies()).toBe(503);
    queueIs("up");
    expect(await notifies()).toBe(200);
    await s.run(2 * minute);
    expect(s.entry()).toMatchObject({ state: "approved", evidence: { kind: "notice" } });
  });

  test("a ledger that does not answer gives the wake-up back, and nothing is lost", async () => {
    const { s, notifies } = await unknownStage();
    await notifies();
    let down = true;
    s.ledger.failBy(() => (down ? "before" : undefined));
    await s.round("unknown-outcomes");
    expect(s.waiting("unknown-outcomes")).toHaveLength(2);
    down = false;
    await s.run();
    expect(s.entry()).toMatchObject({ state: "approved" });
    expect(told(s)).toEqual(["order-1#1#approved"]);
  });

  test("a review that its queue did not accept is told by the next receive, under the same id (S8)", async () => {
    let refused = 0;
    const s = stage({
      bank: [pays({ transactionId: "1001", orderId: "2001" })],
      queueFault: (queue) => (queue === "review" && refused++ === 0 ? "refused" : undefined),
    });
    s.send(charge);
    await s.run();
    await door(s).notifies({ status: "fail", code: 5005 });
    await s.run();
    expect(told(s)).toEqual(["order-1#1#approved", "order-1#1#review#1001.fail.charge.sale"]);
    expect(s.notices.notedOf("order-1")).toHaveLength(1);
  });
});

test("nothing that was kept or queued holds the card or the secret (S12)", async () => {
  const { s, notifies } = await unknownStage({ bank: always({ ...unheard, makes: captured }) });
  await notifies();
  await s.run();
  const everything = JSON.stringify([s.notices.kept(), s.notices.notedOf("order-1"), s.ledger.entries()]);
  expect(everything).not.toMatch(/513284|secret-account|s-code/);
});
