import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type SandboxCentrapay, startSandboxCentrapay } from "../../infra/local/sandbox-centrapay/server.ts";
import { httpWire } from "../../lib/adapters/http-wire.ts";
import type { LedgerEntry } from "../../lib/core/ledger.ts";
import { type Notice, wakeUpOf } from "../../lib/core/notice.ts";
import type { Policy } from "../../lib/core/policy.ts";
import type { Transport } from "../../lib/core/transport.ts";
import { resolveUnknowns } from "../../lib/flows/resolve-unknowns.ts";
import { submitCharges } from "../../lib/flows/submit-charge.ts";
import { centrapay } from "../../lib/gateways/centrapay/index.ts";
import { centrapayNotices } from "../../lib/gateways/centrapay/notice.ts";
import type { Clock, DeliveryEnd, Wire, Worker } from "../../lib/ports.ts";
import { type LedgerCall, memoryLedger } from "../doubles/memory-ledger.ts";
import { memoryNotices } from "../doubles/memory-notices.ts";
import { memoryQueues } from "../doubles/memory-queues.ts";
import { seededIds } from "../doubles/seeded-ids.ts";
import { testWorker } from "../doubles/worker.ts";
import { audience, centrapayPayload, readsToken, sameText, signedCentrapay } from "../gateways/notices.ts";

/** Real time and a real wire, with waits as short as a loaded machine allows. */
const clock: Clock = {
  nowMs: Date.now,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};
const policy: Partial<Policy> = {
  resendDelayMs: 10,
  faultResendDelayMs: 10,
  leaseMs: 2_500,
  lookupScheduleMs: [100, 400, 900, 1_200],
  feedLagMs: 20,
  clockSkewMs: 10,
  requestIdLifeMs: 20_000,
};
const gatewayTimeoutMs = 700;

// One for all: the tests wait for the wire most of the time, so that they do so at once, each on charges of its own.
let gateway: SandboxCentrapay;
beforeAll(async () => {
  gateway = await startSandboxCentrapay({ latencyMs: { min: 0, max: 0 }, stallMs: 1_500, expiryMs: 60_000 });
});
afterAll(() => gateway.close());

/** Of all tests here: the gateway knows a payment again by its request id. */
const ids = seededIds();
let charges = 0;
const message = (request: object): { readonly chargeId: string; readonly body: string } => {
  charges += 1;
  const chargeId = `flow-${charges}`;
  const body = JSON.stringify({
    v: 1,
    chargeId,
    gateway: "centrapay",
    amount: "1999",
    currency: "NZD",
    request,
  });
  return { chargeId, body };
};
const payBy = (assetId: string, tag?: string): object => ({
  mode: "pay",
  configId: "mc_1",
  merchantAccountId: "acct",
  assetType: "centrapay.nzd.test",
  assetId,
  ...(tag === undefined ? {} : { lineItems: [{ name: tag, qty: "1", price: "1999" }] }),
});
const quickPay = (barcode: string): object => ({
  mode: "quickPay",
  configId: "mc_1",
  merchantAccountId: "acct",
  barcode,
});

/** A worker over the sandbox; `fault` strikes at the ledger. */
const stage = (
  fault?: (call: LedgerCall) => "before" | "after" | undefined,
  ownPolicy: Partial<Policy> = {},
  remainingMs: () => number = () => Number.POSITIVE_INFINITY,
  /** what the worker hears of its nth request, in place of what was said */
  hear: (said: Transport, nth: number) => Transport = (said) => said,
) => {
  const ledger = memoryLedger(fault === undefined ? {} : { fault });
  const queues = memoryQueues();
  const notices = memoryNotices();
  const http = httpWire({ clock });
  let requests = 0;
  const wire: Wire = {
    async send(request, limits) {
      requests += 1;
      const nth = requests;
      return hear(await http.send(request, limits), nth);
    },
  };
  const worker: Worker = {
    ...testWorker({ clock, ids, wire, ledger, queues, notices, policy: { ...policy, ...ownPolicy } }),
    gateways: { centrapay: centrapay({ url: gateway.url, apiKey: "test-key-0123456789" }) },
    gatewayTimeoutMs,
    remainingMs,
  };
  let receives = 0;
  const deliver = async (flow: typeof submitCharges, body: string): Promise<DeliveryEnd | undefined> => {
    receives += 1;
    const ends = await flow([{ messageId: `m-${receives}`, body, receives }], worker);
    return ends.get(`m-${receives}`);
  };
  /** Works the unknown, as often as it is due, until it has ended. */
  const resolveToEnd = async (chargeId: string): Promise<LedgerEntry | undefined> => {
    for (let round = 0; round < 40; round++) {
      const entry = ledger.entryOf(chargeId);
      if (entry?.state !== "unknown" && entry?.state !== "pending") return entry;
      await clock.sleep(Math.max(1, entry.nextAtMs - clock.nowMs()));
      const told = queues.on("unknown-outcomes").find((one) => one.chargeId === chargeId);
      await deliver(resolveUnknowns, JSON.stringify(told));
    }
    return ledger.entryOf(chargeId);
  };
  return {
    ledger,
    queues,
    notices,
    submit: (body: string) => deliver(submitCharges, body),
    resolve: (message: object) => deliver(resolveUnknowns, JSON.stringify(message)),
    resolveToEnd,
    close: () => http.close(),
  };
};
/** A notice as the desk reads it from a signed body. */
const noticeOf = (paymentRequestId: string, activity: object, type = "payment-request:paid"): Notice => {
  const payload = centrapayPayload(
    {
      id: "act-9",
      value: { amount: "1999", currency: "NZD" },
      idempotencyKey: undefined,
      paymentRequestId,
      ...activity,
    },
    { id: `n-${type}-${JSON.stringify(activity).length}`.replace(/[^\w.:-]/g, "-"), type },
  );
  const read = centrapayNotices({ audience, verifyToken: readsToken, sameText }).read(
    payload as never,
    signedCentrapay(payload),
  );
  if (read.kind !== "notice") throw new Error(read.kind);
  return read.notice;
};
const capturesOf = (chargeId: string): number =>
  gateway.captures().filter((one) => one.chargeId === chargeId).length;

describe("a charge of several calls", { concurrent: true }, () => {
  test("keeps its Payment Request in the ledger before anything is paid on it", async () => {
    const { ledger, submit, close } = stage();
    const { chargeId, body } = message(payBy("wallet-1"));
    expect(await submit(body)).toStrictEqual({ kind: "done" });
    close();
    const versions = ledger.versionsOf(chargeId);
    expect(versions.map(({ state }) => state)).toStrictEqual(["opened", "opened", "approved"]);
    expect(versions[0]?.preparation).toStrictEqual({});
    expect(versions[1]?.preparation?.prepared?.id).toBeDefined();
    expect(ledger.entryOf(chargeId)?.history.map(({ e }) => e)).toStrictEqual([
      "opened",
      "prepared",
      "replied",
      "recorded",
    ]);
    expect(capturesOf(chargeId)).toBe(1);
  });

  test("a create whose answer is lost is found again: one Payment Request, one payment", async () => {
    const { ledger, submit, close } = stage();
    const { chargeId, body } = message(payBy("wallet-1", "sandbox-create-lost"));
    expect(await submit(body)).toMatchObject({ kind: "giveBack" });
    expect(ledger.entryOf(chargeId)).toMatchObject({ state: "waiting", sends: 0 });
    expect(await submit(body)).toStrictEqual({ kind: "done" });
    close();
    expect(ledger.entryOf(chargeId)?.state).toBe("approved");
    expect(gateway.requestsOf(chargeId)).toBe(1);
    expect(capturesOf(chargeId)).toBe(1);
  });

  test("a worker that dies between the create and the ledger leaves no second Payment Request", async () => {
    let died = false;
    const { ledger, submit, close } = stage(({ op, entry }) => {
      if (died || op !== "replace" || entry?.preparation?.prepared === undefined) return undefined;
      died = true;
      return "before";
    });
    const { chargeId, body } = message(payBy("wallet-1"));
    expect(await submit(body)).toMatchObject({ kind: "giveBack" });
    expect(gateway.requestsOf(chargeId)).toBe(1);
    await clock.sleep(2_550);
    // The lease is over: what was not prepared cannot have been paid, so it waits, and is found.
    expect(await submit(body)).toMatchObject({ kind: "giveBack" });
    expect(ledger.entryOf(chargeId)).toMatchObject({ state: "waiting", sends: 0 });
    expect(await submit(body)).toStrictEqual({ kind: "done" });
    close();
    expect(gateway.requestsOf(chargeId)).toBe(1);
    expect(capturesOf(chargeId)).toBe(1);
  });

  test("where preparing took the time, another invocation sends on what was made", async () => {
    const { chargeId, body } = message(payBy("wallet-1"));
    let invocation = 1;
    // The first invocation has no time left once the Payment Request is there.
    const { ledger, submit, close } = stage(undefined, {}, () =>
      invocation === 1 && gateway.requestsOf(chargeId) > 0 ? 0 : 60_000,
    );
    expect(await submit(body)).toMatchObject({ kind: "giveBack" });
    invocation = 2;
    expect(ledger.entryOf(chargeId)).toMatchObject({ state: "waiting", sends: 0 });
    expect(capturesOf(chargeId)).toBe(0);
    expect(await submit(body)).toStrictEqual({ kind: "done" });
    close();
    expect(gateway.requestsOf(chargeId)).toBe(1);
    expect(capturesOf(chargeId)).toBe(1);
  });

  test("a create that is refused ends the charge, and nothing was sent", async () => {
    const { ledger, submit, close } = stage();
    const { chargeId, body } = message({ ...payBy("wallet-1"), configId: "refused" });
    expect(await submit(body)).toStrictEqual({ kind: "done" });
    close();
    expect(ledger.entryOf(chargeId)).toMatchObject({
      state: "request_error",
      sends: 0,
      ending: { code: "NO_AVAILABLE_PAYMENT_OPTIONS" },
      evidence: { kind: "reply", status: 403 },
    });
    expect(capturesOf(chargeId)).toBe(0);
  });

  test("what is lost twice after the payment is found by its key", async () => {
    const { ledger, submit, resolveToEnd, close } = stage();
    const { chargeId, body } = message(payBy("sandbox-lost-twice-after"));
    await submit(body);
    expect(ledger.entryOf(chargeId)?.state).toBe("unknown");
    expect(await resolveToEnd(chargeId)).toMatchObject({ state: "approved", evidence: { kind: "feed_row" } });
    close();
    expect(capturesOf(chargeId)).toBe(1);
  });

  test("an unlisted refusal is neither declined nor sent again: a person's turn", async () => {
    const { submit, resolveToEnd, close } = stage();
    const { chargeId, body } = message(payBy("sandbox-unlisted-message"));
    await submit(body);
    expect(await resolveToEnd(chargeId)).toMatchObject({
      state: "review",
      reason: "unlisted_answer",
      sends: 1,
    });
    close();
    expect(capturesOf(chargeId)).toBe(0);
  });

  test("what stays undetermined is voided, looked at again, and only then ends", async () => {
    // A key life of nothing: the resolver may never send again, and the last look-up finds no payment.
    const { submit, resolveToEnd, close } = stage(undefined, { requestIdLifeMs: 200 });
    const { chargeId, body } = message(payBy("sandbox-unconfirmed-unpaid"));
    await submit(body);
    const ended = await resolveToEnd(chargeId);
    close();
    expect(ended?.history.map(({ e }) => e)).toContain("voided");
    expect(ended).toMatchObject({
      state: "declined_retryable",
      ending: { code: "CANCELLED:CANCELLED_BY_MERCHANT", retry: "later" },
    });
    expect(capturesOf(chargeId)).toBe(0);
  });
});

describe("a key that was used before", { concurrent: true }, () => {
  // biome-ignore format: one row a line
  test.each<[string, object, nth: number]>([
    ["IDEMPOTENT_OPERATION_FAILED", { mode: "confirm", paymentRequestId: "preauth-8", invoiceRef: "inv-8", lineItems: [{ name: "Order", qty: "1", price: "1999" }] }, 1],
    ["DUPLICATE_IDEMPOTENCY_KEY", payBy("wallet-1"), 2],
  ])("%s: something of ours took hold, and is looked for", async (said, request, sendNth) => {
    // On the way it was delivered twice: the first time it took the money, and the second answer is heard.
    const refused: Transport = {
      kind: "replied",
      status: 403,
      headers: {},
      body: JSON.stringify({ statusCode: 403, message: said }),
      bodySha256: "0".repeat(64),
    };
    const { ledger, submit, resolveToEnd, close } = stage(undefined, {}, undefined, (answer, nth) =>
      nth === sendNth ? refused : answer,
    );
    const { chargeId, body } = message(request);
    await submit(body);
    expect(ledger.entryOf(chargeId)).toMatchObject({ state: "unknown", reason: "unconfirmed" });
    expect(await resolveToEnd(chargeId)).toMatchObject({ state: "approved", attempt: 1, sends: 1 });
    close();
  });
});

describe("Quick Pay", { concurrent: true }, () => {
  test("is paid by the polls of the worker that holds the lease", async () => {
    const { ledger, submit, resolveToEnd, close } = stage(undefined, { leaseMs: 10_000 });
    const { chargeId, body } = message(quickPay("424242424"));
    await submit(body);
    expect(await resolveToEnd(chargeId)).toMatchObject({ state: "approved" });
    close();
    expect(ledger.entryOf(chargeId)?.sends).toBe(1);
    expect(capturesOf(chargeId)).toBe(1);
  });

  test("what is wrong with a poll is no word on a charge that was accepted", async () => {
    // create, the ask that starts the payment, and then a poll that is refused.
    const refused: Transport = {
      kind: "replied",
      status: 401,
      headers: {},
      body: '{"statusCode":401,"message":"Missing authentication"}',
      bodySha256: "0".repeat(64),
    };
    const { ledger, submit, resolveToEnd, close } = stage(
      undefined,
      { leaseMs: 10_000 },
      undefined,
      (said, nth) => (nth === 3 ? refused : said),
    );
    const { chargeId, body } = message(quickPay("424242424"));
    await submit(body);
    expect(ledger.entryOf(chargeId)).toMatchObject({ state: "unknown", reason: "answer_to_confirm" });
    expect(await resolveToEnd(chargeId)).toMatchObject({ state: "approved" });
    close();
    expect(capturesOf(chargeId)).toBe(1);
  });

  test("a lost create is not looked for while looking could pay it", async () => {
    const { ledger, submit, close } = stage();
    const { chargeId, body } = message(quickPay("sandbox-create-lost"));
    await submit(body);
    await submit(body);
    close();
    expect(ledger.entryOf(chargeId)).toMatchObject({ state: "waiting", sends: 0 });
    expect(gateway.requestsOf(chargeId)).toBe(1);
    expect(capturesOf(chargeId)).toBe(0);
  });

  test.each([
    ["434343434", "declined_permanent", "CANCELLED:PAYMENT_DECLINED"],
    ["464646464", "declined_permanent", "CANCELLED:INACTIVE_ASSET"],
  ])("barcode %s: %s", async (barcode, state, code) => {
    const { ledger, submit, close } = stage();
    const { chargeId, body } = message(quickPay(barcode));
    await submit(body);
    close();
    expect(ledger.entryOf(chargeId)).toMatchObject({ state, ending: { code } });
    expect(capturesOf(chargeId)).toBe(0);
  });
});

describe("a notice, which names the Payment Request and no charge", { concurrent: true }, () => {
  const lostTwice = async () => {
    const s = stage();
    const { chargeId, body } = message(payBy("sandbox-lost-twice-after"));
    await s.submit(body);
    const entry = s.ledger.entryOf(chargeId);
    expect(entry?.state).toBe("unknown");
    const paymentRequestId = entry?.preparation?.prepared?.id ?? "";
    const comes = async (notice: Notice): Promise<DeliveryEnd | undefined> => {
      await s.notices.keep(notice);
      return s.resolve(wakeUpOf(notice));
    };
    return { ...s, chargeId, entry, paymentRequestId, comes };
  };

  test.each(["with its key", "without a key"])(
    "%s closes the unknown whose it is, and no look-up is made",
    async (which) => {
      const { ledger, chargeId, entry, paymentRequestId, comes, close } = await lostTwice();
      const key = which === "with its key" ? { idempotencyKey: entry?.requestId } : { type: "paid" };
      expect(await comes(noticeOf(paymentRequestId, key))).toEqual({ kind: "done" });
      close();
      expect(ledger.entryOf(chargeId)).toMatchObject({
        state: "approved",
        lookups: 0,
        evidence: { kind: "notice", orderId: paymentRequestId },
      });
    },
  );

  test("paid with another key: the gateway is asked", async () => {
    const other = await lostTwice();
    await other.comes(noticeOf(other.paymentRequestId, { idempotencyKey: "somebody-s" }));
    expect(other.ledger.entryOf(other.chargeId)?.state).toBe("unknown");
    expect(await other.resolveToEnd(other.chargeId)).toMatchObject({
      state: "approved",
      evidence: { kind: "feed_row" },
    });
    other.close();
  });

  test("paid with another amount: signed, and a person's turn", async () => {
    const less = await lostTwice();
    await less.comes(noticeOf(less.paymentRequestId, { value: { amount: "1900", currency: "NZD" } }));
    less.close();
    expect(less.ledger.entryOf(less.chargeId)).toMatchObject({
      state: "review",
      reason: "mismatch",
      mismatch: { field: "amount", asked: "1999", got: "1900" },
    });
  });

  test("a refund of an approved charge is told to a person; the charge stays as it is", async () => {
    const { ledger, queues, notices, submit, resolve, close } = stage();
    const { chargeId, body } = message(payBy("wallet-1"));
    await submit(body);
    const before = ledger.versionsOf(chargeId).length;
    const id = ledger.entryOf(chargeId)?.preparation?.prepared?.id ?? "";
    const notice = noticeOf(id, { type: "refund" }, "payment-request:refund-completed");
    await notices.keep(notice);
    expect(await resolve(wakeUpOf(notice))).toEqual({ kind: "done" });
    close();
    expect(ledger.versionsOf(chargeId)).toHaveLength(before);
    expect(queues.on("review")).toMatchObject([{ chargeId, reason: "refunded_or_charged_back" }]);
  });

  test("a confirmation is known by its key: it shares its Payment Request with others", async () => {
    const { ledger, queues, notices, submit, resolve, close } = stage();
    const confirm = {
      mode: "confirm",
      paymentRequestId: "preauth-7",
      invoiceRef: "inv-7",
      lineItems: [{ name: "Order", qty: "1", price: "1999" }],
    };
    const [one, other] = [message(confirm), message(confirm)];
    await submit(one.body);
    await submit(other.body);
    const key = ledger.entryOf(other.chargeId)?.requestId;
    const notice = noticeOf(
      "preauth-7",
      { type: "refund", confirmationIdempotencyKey: key },
      "payment-request:refund-completed",
    );
    await notices.keep(notice);
    await resolve(wakeUpOf(notice));
    close();
    expect(queues.on("review").map(({ chargeId }) => chargeId)).toEqual([other.chargeId]);
  });

  test("a book that does not answer is not in the way of a charge", async () => {
    const { ledger, notices, submit, close } = stage();
    notices.failBy(() => true);
    const { chargeId, body } = message(payBy("wallet-1"));
    expect(await submit(body)).toEqual({ kind: "done" });
    close();
    expect(ledger.entryOf(chargeId)?.state).toBe("approved");
  });
});
