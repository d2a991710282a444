import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../lib/core/json.ts";
import type { HistoryEvent, LedgerEntry } from "../../lib/core/ledger.ts";
import type { Policy } from "../../lib/core/policy.ts";
import { resolveUnknowns } from "../../lib/flows/resolve-unknowns.ts";
import { submitCharges } from "../../lib/flows/submit-charge.ts";
import { centrapay } from "../../lib/gateways/centrapay/index.ts";
import type { DeliveryEnd, Worker } from "../../lib/ports.ts";
import { manualClock } from "../doubles/manual-clock.ts";
import { memoryLedger } from "../doubles/memory-ledger.ts";
import { memoryLog } from "../doubles/memory-log.ts";
import { memoryQueues } from "../doubles/memory-queues.ts";
import {
  neverSent,
  replied,
  type Scripted,
  type SentRequest,
  scriptedWire,
  unanswered,
} from "../doubles/scripted-wire.ts";
import { apiKey, gatewayTimeoutMs, testWorker } from "../doubles/worker.ts";

const url = "https://pay.test";
const pay: JsonObject = {
  mode: "pay",
  configId: "mc_1",
  merchantAccountId: "account-1",
  assetType: "centrapay.nzd.test",
  assetId: "asset-secret-77",
};
const quickPay: JsonObject = {
  mode: "quickPay",
  configId: "mc_1",
  merchantAccountId: "account-1",
  barcode: "barcode-secret-88",
};
const value = { amount: "1999", currency: "NZD" };
const minute = 60_000;

/** What each call is answered with, in order; the last answer stays. */
type Answers = {
  readonly [Call in "make" | "find" | "charge" | "look" | "activities" | "void"]?: Scripted[];
};
const callOf = ({ method, url: asked }: SentRequest): keyof Answers => {
  if (/\/api\/payment-requests$/.test(asked)) return "make";
  if (asked.includes("/external-ref/")) return "find";
  if (asked.endsWith("/activities")) return "activities";
  if (asked.endsWith("/void")) return "void";
  return method === "POST" ? "charge" : "look";
};

/** A charge of several calls in virtual time, delivery by delivery. */
const stage = (answers: Answers, request: JsonObject = pay, policy: Partial<Policy> = {}) => {
  const clock = manualClock();
  const startMs = clock.nowMs();
  const ledger = memoryLedger();
  const queues = memoryQueues();
  const log = memoryLog();
  const left = new Map(Object.entries(answers).map(([call, scripted]) => [call, [...scripted]]));
  const asked: string[] = [];
  const wire = scriptedWire({
    clock,
    script(sent) {
      const call = callOf(sent);
      asked.push(call);
      const scripted = left.get(call) ?? [];
      const answer = scripted.length > 1 ? scripted.shift() : scripted[0];
      if (answer === undefined) throw new Error(`nobody said what ${call} is answered with`);
      return answer;
    },
  });
  const worker: Worker = {
    ...testWorker({ clock, wire, ledger, queues, log, policy }),
    gateways: { centrapay: centrapay({ url, apiKey }) },
  };
  const message = {
    v: 1,
    chargeId: "order-1",
    gateway: "centrapay",
    amount: "1999",
    currency: "NZD",
    request,
  };
  let receives = 0;
  const deliver = async (flow: typeof submitCharges, body: string): Promise<DeliveryEnd | undefined> => {
    receives += 1;
    return (await flow([{ messageId: "m", body, receives }], worker)).get("m");
  };
  return {
    clock,
    startMs,
    ledger,
    log,
    wire,
    asked,
    submit: (changes: JsonObject = {}) => deliver(submitCharges, JSON.stringify({ ...message, ...changes })),
    /** works the unknown when it is due */
    async resolve(): Promise<DeliveryEnd | undefined> {
      const entry = ledger.entryOf("order-1");
      if (entry !== undefined && "nextAtMs" in entry) clock.set(Math.max(clock.nowMs(), entry.nextAtMs));
      const told = queues.on("unknown-outcomes").at(-1);
      return deliver(resolveUnknowns, JSON.stringify(told));
    },
    entry: (): LedgerEntry | undefined => ledger.entryOf("order-1"),
  };
};

const at = (ms: number): string => new Date(manualClock().nowMs() + ms).toISOString();
const made = (changes: JsonObject = {}): Scripted =>
  replied(200, { id: "pr-1", status: "new", createdAt: at(0), expiresAt: at(2 * minute), ...changes });
const paid = replied(200, { type: "payment", id: "tx-1", value, paymentRequestId: "pr-1" });
const found = (items: readonly JsonObject[], more: JsonObject = {}): Scripted =>
  replied(200, { items: [...items], ...more });
const refusal = (message: string, more: JsonObject = {}): Scripted => replied(403, { message, ...more });
/** What happened, each event without its moment. */
const historyOf = (entry: LedgerEntry | undefined): object[] =>
  (entry?.history ?? []).map(({ at: _at, ...event }: HistoryEvent) => event);
const unprepared = (entry: LedgerEntry | undefined): object[] => historyOf(entry).slice(1);

describe("what is made first", () => {
  test("is kept before the charge is sent on it, which the request names", async () => {
    const on = stage({ make: [made()], charge: [paid] });
    expect(await on.submit()).toStrictEqual({ kind: "done" });
    expect(on.asked).toStrictEqual(["make", "charge"]);
    expect(on.wire.sent.at(-1)?.url).toBe(`${url}/api/payment-requests/pr-1/pay`);
    expect(
      on.ledger.versionsOf("order-1").map(({ state, preparation }) => [state, preparation]),
    ).toStrictEqual([
      ["opened", {}],
      ["opened", { prepared: { id: "pr-1", madeAtMs: on.startMs, expiresAtMs: on.startMs + 2 * minute } }],
      ["approved", { prepared: { id: "pr-1", madeAtMs: on.startMs, expiresAtMs: on.startMs + 2 * minute } }],
    ]);
    expect(historyOf(on.entry()).slice(1, 2)).toStrictEqual([{ e: "prepared", id: "pr-1" }]);
    expect(on.entry()).toMatchObject({ state: "approved", sends: 1 });
  });

  test("may take as long as any request, while the lease lasts and the charge may be sent", async () => {
    const on = stage({ make: [made()], charge: [paid] });
    await on.submit({ notAfter: at(30_000) });
    const [make] = on.wire.sent;
    expect(make?.timeoutMs).toBe(gatewayTimeoutMs);
    expect(make?.notAfterMs).toBe(on.startMs + 30_000);
    const unbounded = stage({ make: [made()], charge: [paid] });
    await unbounded.submit();
    expect(unbounded.wire.sent[0]?.notAfterMs).toBe(unbounded.startMs + 72_000);
  });

  test.each<[Scripted, why: string, lost: boolean, reason: string]>([
    [unanswered(), "timeout", true, "it may have been made"],
    [unanswered("reset"), "reset", true, "it may have been made"],
    [replied(500), "HTTP 500", true, "it may have been made"],
    [replied(200, "<html>"), "HTTP 200", true, "it may have been made"],
    [replied(200, { id: "pr-1", status: "paid" }), "HTTP 200", true, "not new: nobody knows what it is"],
    [replied(201, { id: "pr-1", status: "new" }), "HTTP 201", true, "the right body, an unlisted status"],
    [refusal("WHO_KNOWS"), "HTTP 403", true, "refused in a word that no row knows"],
    [neverSent(), "refused", false, "nothing left"],
    [neverSent("connect_timeout"), "connect_timeout", false, "nothing left"],
  ])("%# a make that brings nothing: %2$s, maybe made %3$s (%4$s)", async (answer, why, lost) => {
    const on = stage({ make: [answer] });
    expect(await on.submit()).toMatchObject({ kind: "giveBack" });
    const entry = on.entry();
    expect(entry).toMatchObject({ state: "waiting", sends: 0, openSends: 0, nextAtMs: on.clock.nowMs() });
    expect(entry?.preparation).toStrictEqual(lost ? { lostAtMs: on.clock.nowMs() } : {});
    expect(unprepared(entry)).toStrictEqual([{ e: "prepare_failed", why }]);
    expect(entry?.history.at(-1)?.at).toBe(on.startMs);
    expect(on.asked).toStrictEqual(["make"]);
  });

  test.each<[Scripted, state: string, ending: JsonObject, status: number, reason: string]>([
    [
      refusal("NO_AVAILABLE_PAYMENT_OPTIONS"),
      "request_error",
      { code: "NO_AVAILABLE_PAYMENT_OPTIONS" },
      403,
      "nothing to pay with",
    ],
    [
      refusal("PATRON_CODE_INVALID", { reason: "asset-secret-77 is not known" }),
      "declined_permanent",
      {
        category: "wrong_details",
        code: "PATRON_CODE_INVALID",
        description: "*** is not known",
        retry: "after_update",
      },
      403,
      "no such card; no secret in what is told",
    ],
    [
      refusal("REQUEST_EXPIRED"),
      "declined_retryable",
      { category: "issuer_unavailable", code: "REQUEST_EXPIRED", retry: "later" },
      403,
      "a later attempt may",
    ],
    [
      replied(400, { message: '"amount" is required' }),
      "request_error",
      { code: "http_400", description: '"amount" is required' },
      400,
      "the request itself",
    ],
    [replied(401), "request_error", { code: "http_401" }, 401, "the key"],
  ])("%# refused: %2$s %3$j (%5$s)", async (answer, state, ending, status) => {
    const on = stage({ make: [answer] });
    expect(await on.submit()).toStrictEqual({ kind: "done" });
    expect(on.entry()).toMatchObject({
      state,
      sends: 0,
      evidence: { kind: "reply", atMs: on.clock.nowMs(), status, code: ending["code"] },
    });
    expect(on.entry()).toHaveProperty("ending", ending);
    expect(on.entry()).toHaveProperty("evidence.bodySha256", expect.stringMatching(/^[0-9a-f]{64}$/));
    expect(on.asked).toStrictEqual(["make"]);
  });
});

describe("a confirmation, for which nothing is made", () => {
  test("is sent at once, on the Payment Request that its message names", async () => {
    const confirm = {
      mode: "confirm",
      paymentRequestId: "preauth-7",
      invoiceRef: "inv-7",
      lineItems: [{ name: "Order", qty: "1", price: "1999" }],
    };
    const on = stage({ charge: [paid] }, confirm);
    expect(await on.submit()).toStrictEqual({ kind: "done" });
    expect(on.asked).toStrictEqual(["charge"]);
    expect(on.wire.sent.at(-1)?.url).toBe(`${url}/api/payment-requests/preauth-7/confirm`);
    expect(on.entry()).toMatchObject({ state: "approved", sends: 1 });
    expect(on.entry()?.preparation).toBeUndefined();
  });
});

describe("what was made and not charged for long", () => {
  const expires = 2 * minute;
  test.each<[afterMs: number, madeWith: JsonObject, firstCharge: Scripted, asked: string, reason: string]>([
    [expires - 10_000, {}, neverSent(), "make charge charge", "ten seconds are left: it is charged"],
    [expires - 9_999, {}, neverSent(), "make charge make charge", "it may be over on arrival: another one"],
    [expires + minute, {}, neverSent(), "make charge make charge", "it is over"],
    [90 * minute, { expiresAt: null }, neverSent(), "make charge charge", "nobody said when it is over"],
    [expires + minute, {}, replied(429), "make charge charge", "something was sent on it: never another one"],
  ])("%i ms later, %j: %4$s (%5$s)", async (afterMs, madeWith, firstCharge, asked) => {
    const on = stage({ make: [made(madeWith), made({ id: "pr-2" })], charge: [firstCharge, paid] }, pay, {
      requestIdLifeMs: 24 * 60 * minute,
    });
    await on.submit();
    const sent = on.entry()?.state === "unknown";
    on.clock.set(on.startMs + afterMs);
    await (sent ? on.resolve() : on.submit());
    expect(on.asked.join(" ")).toBe(asked);
    const used = asked.split(" ").filter((call) => call === "make").length;
    expect(on.wire.sent.at(-1)?.url).toBe(`${url}/api/payment-requests/pr-${used}/pay`);
  });
});

describe("what was made and lost", () => {
  const lost = [unanswered(), made({ id: "pr-2" })];
  const open = { id: "pr-1", status: "new" };
  test.each<[Scripted[], asked: string, sentOn: string | undefined, reason: string]>([
    [[found([open])], "make find charge", "pr-1", "it is found, and the charge is sent on it"],
    [[found([])], "make find make charge", "pr-2", "nothing was made: it is made now"],
    [[found([{ id: "pr-0", status: "expired" }])], "make find make charge", "pr-2", "an expired one is none"],
    [
      [found([{ id: "pr-0", status: "cancelled" }, open, { id: "pr-3", status: "new" }])],
      "make find charge",
      "pr-3",
      "of several the last that is open",
    ],
    [[found([], { nextPageKey: "2" }), found([open])], "make find find charge", "pr-1", "on the second page"],
    [[found([open], { nextPageKey: "" })], "make find charge", "pr-1", "no page is next"],
  ])("%#: %2$s, on %3$s (%4$s)", async (find, asked, sentOn) => {
    const on = stage({ make: [...lost], find, charge: [paid] });
    await on.submit();
    await on.submit();
    expect(on.asked.join(" ")).toBe(asked);
    expect(on.wire.sent.map(({ timeoutMs }) => timeoutMs)).toStrictEqual(
      on.asked.map(() => gatewayTimeoutMs),
    );
    expect(on.wire.sent.at(-1)?.url).toBe(`${url}/api/payment-requests/${sentOn}/pay`);
    expect(on.entry()).toMatchObject({
      state: "approved",
      sends: 1,
      preparation: { prepared: { id: sentOn } },
    });
    expect(on.entry()?.preparation).not.toHaveProperty("lostAtMs");
  });

  test.each<[Scripted, why: string, reason: string]>([
    [unanswered(), "looking for it: timeout", "no answer"],
    [neverSent(), "looking for it: refused", "no connection"],
    [replied(500), "looking for it: HTTP 500", "a fault"],
    [replied(200, {}), "looking for it: no list of items", "another shape"],
    [found([{}]), "looking for it: an item without an id", "something that nobody can read"],
  ])("%# a look that brings nothing makes nothing: %2$s (%3$s)", async (find, why) => {
    const on = stage({ make: [unanswered()], find: [find] });
    await on.submit();
    const lostAtMs = on.clock.nowMs();
    expect(await on.submit()).toMatchObject({ kind: "giveBack" });
    expect(on.entry()).toMatchObject({ state: "waiting", sends: 0, preparation: { lostAtMs } });
    expect(unprepared(on.entry())).toStrictEqual([
      { e: "prepare_failed", why: "timeout" },
      { e: "leased" },
      { e: "prepare_failed", why },
    ]);
    expect(on.entry()?.history.at(-1)?.at).toBe(lostAtMs);
    expect(on.asked).not.toContain("charge");
  });

  test("a look that the pace held back comes again soon: nothing about it failed", async () => {
    const afterEight = async (find: Scripted): Promise<number> => {
      const on = stage({ make: [unanswered()], find: [find] });
      await on.submit();
      let delayMs = 0;
      for (let turn = 0; turn < 7; turn += 1) {
        const end = await on.submit();
        if (end?.kind === "giveBack") delayMs = end.delayMs;
        on.clock.set(on.clock.nowMs() + delayMs);
      }
      return delayMs;
    };
    expect(await afterEight(neverSent("held_back"))).toBeLessThanOrEqual(6_400);
    expect(await afterEight(neverSent()), "a failure's pause").toBeGreaterThanOrEqual(320_000);
  });

  test("nobody looks beyond the own lease: a look may set off what its next holder made (S1)", async () => {
    const on = stage({ make: [unanswered()], find: [found([])], charge: [paid] });
    await on.submit();
    const leasedAtMs = on.clock.nowMs();
    await on.submit();
    const [, look] = on.wire.sent;
    expect(look?.url).toContain("/external-ref/");
    expect(look?.notAfterMs).toBe(leasedAtMs + 72_000);
  });

  test("pages without end are no answer; the same page again ends them", async () => {
    let page = 0;
    const endless: Scripted = {
      kind: "replied",
      status: 200,
      get body() {
        page += 1;
        return { items: [], nextPageKey: `page-${page}` };
      },
    };
    const on = stage({ make: [unanswered()], find: [endless] });
    await on.submit();
    await on.submit();
    expect(unprepared(on.entry()).at(-1)).toStrictEqual({
      e: "prepare_failed",
      why: "looking for it: pages without end",
    });
    expect(on.asked.filter((call) => call === "find")).toHaveLength(20);
    const same = stage({
      make: [unanswered(), made()],
      find: [found([], { nextPageKey: "again" })],
      charge: [paid],
    });
    await same.submit();
    await same.submit();
    expect(same.asked.join(" ")).toBe("make find find make charge");
  });

  test.each<[status: string, reason: string]>([
    ["paid", "nothing of ours was ever sent on it"],
    ["odd", "in a word that no row knows"],
  ])("one that is %s is a person's turn (%s)", async (status) => {
    const on = stage({ make: [unanswered()], find: [found([open, { id: "pr-9", status }])] });
    await on.submit();
    const atMs = on.clock.nowMs();
    expect(await on.submit()).toStrictEqual({ kind: "done" });
    expect(on.entry()).toMatchObject({
      state: "review",
      reason: "contradiction",
      sends: 0,
      evidence: {
        kind: "lookups",
        atMs,
        made: 1,
        failed: 0,
        lastSendAtMs: on.startMs,
      },
    });
    expect(on.asked).toStrictEqual(["make", "find"]);
  });

  test("in Quick Pay it is not looked for until it must have expired", async () => {
    const on = stage(
      { make: [unanswered(), made()], find: [found([])], look: [made({ status: "paid", value })] },
      quickPay,
    );
    await on.submit();
    const lostAtMs = on.clock.nowMs();
    expect(await on.submit()).toStrictEqual({ kind: "giveBack", delayMs: 300_000 });
    expect(on.entry()).toMatchObject({ state: "waiting", nextAtMs: lostAtMs + 300_000 });
    on.clock.set(lostAtMs + 299_999);
    await on.submit();
    expect(on.asked).toStrictEqual(["make"]);
    on.clock.set(lostAtMs + 300_000);
    await on.submit();
    expect(on.asked).toStrictEqual(["make", "find", "make", "look"]);
    expect(on.entry()?.state).toBe("approved");
  });
});

describe("the look-up of one charge", () => {
  const request = (status: string): Scripted =>
    replied(200, { id: "pr-1", status, value, externalRef: "order-1" });
  const payment = { type: "payment", id: "tx-1", value, paymentRequestId: "pr-1" };
  const unheard = [unanswered()];
  const slow = { requestIdLifeMs: 24 * 60 * minute };
  /** An unknown after two sends that nobody answered, looked up once. */
  const lookedUp = async (answers: Answers) => {
    const on = stage({ make: [made()], charge: unheard, ...answers }, pay, slow);
    await on.submit();
    const lastSendAtMs = on.entry()?.lastSendAtMs ?? 0;
    await on.resolve();
    return { on, lastSendAtMs };
  };

  test("asks for the request and what was paid on it, over the whole time of the sends", async () => {
    const { on, lastSendAtMs } = await lookedUp({ look: [request("paid")], activities: [found([payment])] });
    expect(on.entry()).toMatchObject({ state: "approved", evidence: { kind: "feed_row" } });
    expect(on.asked.slice(-2)).toStrictEqual(["look", "activities"]);
    const atMs = lastSendAtMs + minute;
    expect(on.entry()?.history.find(({ e }) => e === "looked_up")).toStrictEqual({
      e: "looked_up",
      at: atMs,
      from: on.startMs - 120_000,
      to: atMs + 120_000,
      rows: 1,
      whole: true,
      found: 1,
    });
  });

  test.each<[Answers, why: string, asked: string, reason: string]>([
    [{ look: [replied(500)] }, "HTTP 500", "look look", "a fault is asked again once"],
    [{ look: [unanswered()] }, "sentUnanswered: timeout", "look look", "and so is silence"],
    [{ look: [neverSent()] }, "neverSent: refused", "look look", "and nobody there"],
    [
      { look: [replied(404)], activities: [found([])] },
      "HTTP 404 or another shape",
      "look activities",
      "an answer that is none",
    ],
    [
      { look: [request("paid")], activities: [replied(200, {})] },
      "HTTP 200 or another shape",
      "look activities",
      "half an answer is none",
    ],
    [
      { look: [replied(503), request("paid")], activities: [replied(500)] },
      "HTTP 500",
      "look look activities activities",
      "the half that failed",
    ],
  ])("%# that fails says why: %2$s (%4$s)", async (answers, why, asked) => {
    const { on } = await lookedUp(answers);
    expect(on.entry()).toMatchObject({ state: "unknown", lookFailures: 1, looked: 0, lookups: 1 });
    expect(historyOf(on.entry()).at(-1)).toStrictEqual({ e: "lookup_failed", why });
    expect(on.asked.slice(3).join(" ")).toBe(asked);
  });

  test("a Quick Pay is asked for by its own request, as a send, while asking may set it off", async () => {
    const on = stage(
      { make: [made()], look: [unanswered(), unanswered(), made({ status: "paid", value })] },
      quickPay,
    );
    await on.submit();
    expect(on.entry()).toMatchObject({ state: "unknown", sends: 2 });
    await on.resolve();
    expect(on.entry()).toMatchObject({ state: "approved", sends: 3, evidence: { kind: "reply" } });
    expect(historyOf(on.entry()).some((event) => "e" in event && event.e === "looked_up")).toBe(false);
  });

  test("past its key life it is not asked for at all while asking may set it off", async () => {
    const on = stage(
      { make: [replied(200, { id: "pr-1", status: "new" })], look: [unanswered()] },
      quickPay,
      {
        requestIdLifeMs: 70_000,
      },
    );
    await on.submit();
    const asked = on.asked.length;
    await on.resolve();
    expect(on.asked).toHaveLength(asked);
    expect(historyOf(on.entry()).at(-1)).toStrictEqual({
      e: "lookup_failed",
      why: "asking could still set the charge off",
    });
  });

  test("what stays undetermined is voided once, looked at again, and then ends", async () => {
    const policy = { lookupScheduleMs: [minute], requestIdLifeMs: 70_000 };
    const on = stage(
      {
        make: [made()],
        charge: unheard,
        look: [request("new"), request("cancelled")],
        activities: [found([])],
        void: [replied(200, {})],
      },
      pay,
      policy,
    );
    await on.submit();
    const end = await on.resolve();
    expect(on.asked.slice(-3)).toStrictEqual(["look", "activities", "void"]);
    expect(on.entry()).toMatchObject({
      state: "unknown",
      reason: "no_answer",
      voidedAtMs: on.clock.nowMs(),
      nextAct: "lookUp",
      nextAtMs: on.clock.nowMs() + 1_000,
    });
    expect(historyOf(on.entry()).at(-1)).toStrictEqual({ e: "voided", status: "HTTP 200" });
    expect(end).toStrictEqual({ kind: "giveBack", delayMs: 1_000 });
    await on.resolve();
    expect(on.entry()).toMatchObject({ state: "declined_permanent", ending: { code: "CANCELLED" } });
    expect(on.asked.filter((call) => call === "void")).toHaveLength(1);
  });

  test.each<[Scripted, status: string]>([
    [unanswered("reset"), "reset"],
    [refusal("VOID_WINDOW_EXCEEDED"), "HTTP 403"],
  ])("%# a void that fails is noted, and ends nothing by itself: %2$s", async (answer, status) => {
    const policy = { lookupScheduleMs: [minute], requestIdLifeMs: 70_000 };
    const on = stage(
      { make: [made()], charge: unheard, look: [request("new")], activities: [found([])], void: [answer] },
      pay,
      policy,
    );
    await on.submit();
    await on.resolve();
    expect(historyOf(on.entry()).at(-1)).toStrictEqual({ e: "voided", status });
    expect(on.entry()?.state).toBe("unknown");
    await on.resolve();
    expect(on.entry()).toMatchObject({ state: "review", reason: "lookups_used_up" });
    expect(on.asked.filter((call) => call === "void")).toHaveLength(1);
  });
});
