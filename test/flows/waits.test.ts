import { describe, expect, test } from "vitest";
import type { ChargeId } from "../../lib/core/charge.ts";
import type { UnknownEntry } from "../../lib/core/ledger.ts";
import { hasTimeFor, timeForWaitMs } from "../../lib/flows/charge-worker.ts";
import { lookUpCharge } from "../../lib/flows/look-up-charge.ts";
import { submitCharges } from "../../lib/flows/submit-charge.ts";
import { centrapay } from "../../lib/gateways/centrapay/index.ts";
import { aCharge, gateway as bill, t0, unknown } from "../core/builders.ts";
import { manualClock } from "../doubles/manual-clock.ts";
import { memoryLedger } from "../doubles/memory-ledger.ts";
import { memoryQueues } from "../doubles/memory-queues.ts";
import { chargeMessage } from "../doubles/samples.ts";
import { neverSent, replied, type Scripted, scriptedWire } from "../doubles/scripted-wire.ts";
import { apiKey, gatewayTimeoutMs, type TestWorkerParts, testWorker } from "../doubles/worker.ts";
import { requests } from "../gateways/centrapay-subject.ts";
import { chargeOf as chargeAt } from "../gateways/gateway-contract.ts";

const workerWith = (parts: Partial<TestWorkerParts> & { readonly answers?: readonly Scripted[] } = {}) => {
  const clock = manualClock();
  const wire = scriptedWire({ clock, script: parts.answers ?? [] });
  const ids = {
    ...testWorker({ clock, wire, ledger: memoryLedger(), queues: memoryQueues() }).ids,
    fraction: () => 1,
  };
  return {
    ...testWorker({ clock, wire, ledger: memoryLedger(), queues: memoryQueues(), ids, ...parts }),
    sent: wire.sent,
  };
};

test.each<[remainingMs: number, waitMs: number, has: boolean, reason: string]>([
  [36_000, 0, true, "the gateway's time-out, and the writes: just enough"],
  [35_999, 0, false, "a millisecond short"],
  [37_000, 1_000, true, "with a wait before it"],
  [36_999, 1_000, false, "a millisecond short"],
])("%i ms left: a send after %i ms has time: %s (%s)", (remainingMs, waitMs, has) => {
  const worker = workerWith({ remainingMs: () => remainingMs });
  expect(hasTimeFor(worker, waitMs)).toBe(has);
  expect(timeForWaitMs(worker)).toBe(remainingMs - gatewayTimeoutMs - 6_000);
});

describe("how long a charge that was not sent waits", () => {
  /** The gateway lets it begin, and then not send. */
  const heldBack = <W extends ReturnType<typeof workerWith>>(worker: W): W => ({
    ...worker,
    paces: {
      ...worker.paces,
      centrobill: {
        ...worker.paces.centrobill,
        turn: async () => ({ kind: "held" as const, untilMs: worker.clock.nowMs() }),
      },
    },
  });
  const deliver = async (worker: ReturnType<typeof workerWith>, receives: number) =>
    (
      await submitCharges(
        [{ messageId: "m", body: JSON.stringify(chargeMessage("order-1")), receives }],
        worker,
      )
    ).get("m");

  test.each<[receives: number, held: number, failed: number, reason: string]>([
    [2, 400, 10_000, "the second time"],
    [1, 100, 5_000, "held back: soon; not connected: later"],
    [3, 900, 20_000, "the longer, the more often"],
    [8, 6_400, 640_000, "and a failure always longer"],
  ])("received %i times: held back %i ms, not connected %i ms (%s)", async (receives, held, failed) => {
    expect(await deliver(heldBack(workerWith()), receives)).toStrictEqual({
      kind: "giveBack",
      delayMs: held,
    });
    const lost = workerWith({ answers: [neverSent()] });
    expect(await deliver(lost, receives)).toStrictEqual({ kind: "giveBack", delayMs: failed });
  });
});

describe("how long a charge waits for which nothing could be made", () => {
  const message = {
    v: 1,
    chargeId: "order-1",
    gateway: "centrapay",
    amount: "1999",
    currency: "NZD",
    request: requests.pay,
  };
  test.each<[Scripted | "held", delayMs: number, reason: string]>([
    ["held", 900, "the pace alone kept it back: soon"],
    [neverSent(), 20_000, "not connected: as any failure"],
    [replied(500), 20_000, "a fault: as any failure"],
  ])("%j: %i ms (%s)", async (answer, delayMs) => {
    const worker = workerWith({ answers: answer === "held" ? [] : [answer] });
    const paces =
      answer === "held"
        ? {
            ...worker.paces,
            centrapay: {
              ...worker.paces.centrapay,
              turn: async () => ({ kind: "held" as const, untilMs: worker.clock.nowMs() }),
            },
          }
        : worker.paces;
    const gateways = { centrapay: centrapay({ url: "https://pay.test", apiKey }) };
    const body = JSON.stringify(message);
    const ends = await submitCharges([{ messageId: "m", body, receives: 3 }], { ...worker, paces, gateways });
    expect(ends.get("m")).toStrictEqual({ kind: "giveBack", delayMs });
  });
});

test.each<[afterMs: number, state: string, reason: string]>([
  [20_000, "approved", "the last moment at which it may be sent first"],
  [20_001, "expired", "too late: it never was sent"],
])("a charge that waited until %i ms is %s (%s)", async (afterMs, state) => {
  const clock = manualClock();
  const ledger = memoryLedger();
  const notAfter = new Date(clock.nowMs() + 20_000).toISOString();
  const startMs = clock.nowMs();
  const approval = {
    payment: { code: 0, status: "success", amount: 19.99, currency: "EUR", transactionId: "tx-1" },
  };
  const wire = scriptedWire({ clock, script: [neverSent(), replied(201, approval)] });
  const worker = testWorker({ clock, wire, ledger, queues: memoryQueues() });
  const deliver = () =>
    submitCharges(
      [{ messageId: "m", body: JSON.stringify(chargeMessage("order-1", { notAfter })), receives: 1 }],
      worker,
    );
  await deliver();
  expect(ledger.entryOf("order-1")?.state).toBe("waiting");
  clock.set(startMs + afterMs);
  await deliver();
  expect(ledger.entryOf("order-1")?.state).toBe(state);
});

describe("lookUpCharge", () => {
  const pay = centrapay({ url: "https://pay.test", apiKey });
  const charge = chargeAt(pay, requests.pay, { currency: "NZD", amount: "1999" });
  const quick = chargeAt(pay, requests.quickPay, { currency: "NZD", amount: "1999" });
  const prepared = { id: "pr-1" };
  const entry = (changes: Partial<UnknownEntry> = {}): UnknownEntry =>
    unknown({ chargeId: charge.chargeId as ChargeId, preparation: { prepared }, ...changes });
  const request = replied(200, { id: "pr-1", status: "new" });
  const none = replied(200, { items: [] });
  const at = (worker: ReturnType<typeof workerWith>, ms: number) => {
    (worker.clock as ReturnType<typeof manualClock>).set(t0 + ms);
    return worker;
  };

  test.each<[Partial<UnknownEntry>, atMs: number, from: number, to: number, reason: string]>([
    [{}, 600_000, -120_000, 720_000, "to now, with the skew on both ends"],
    [{ lastSendAtMs: t0 + 590_000 }, 600_000, -120_000, 740_000, "or to what is in flight"],
    [{ firstSendAtMs: t0 - 5_000 }, 600_000, -125_000, 720_000, "from the first send"],
    [
      { firstSendAtMs: undefined as never, openedAtMs: t0 - 7_000 },
      600_000,
      -127_000,
      720_000,
      "from the opening, where nothing says when it was sent",
    ],
    [{ lastSendAtMs: undefined as never }, 600_000, -120_000, 750_000, "a send may be on its way"],
  ])("%j at %i: from %i to %i (%s)", async (changes, atMs, from, to) => {
    const worker = at(workerWith({ answers: [request, none] }), atMs);
    const looked = await lookUpCharge({ entry: entry(changes), charge, gateway: pay }, worker);
    expect(looked).toStrictEqual({
      kind: "looked",
      rows: [],
      scanned: { scan: { atMs: t0 + atMs, fromMs: t0 + from, toMs: t0 + to, rows: 0, whole: true } },
    });
  });

  test.each<[Scripted[], failure: string]>([
    [[replied(404), none], "HTTP 404 or another shape"],
    [[neverSent(), neverSent()], "neverSent: refused"],
  ])("%# a look that fails has no rows, and is not whole: %2$s", async (answers, failure) => {
    const worker = at(workerWith({ answers }), 600_000);
    const looked = await lookUpCharge({ entry: entry(), charge, gateway: pay }, worker);
    expect(looked).toStrictEqual({
      kind: "looked",
      rows: [],
      scanned: {
        scan: { atMs: t0 + 600_000, fromMs: t0 - 120_000, toMs: t0 + 720_000, rows: 0, whole: false },
        failure,
      },
    });
  });

  test.each<[atMs: number, kind: string, reason: string]>([
    [750_000, "send", "the key life's last moment"],
    [750_001, "looked", "past it nothing is asked: it might be a send (S3)"],
  ])("a Quick Pay at %i ms: %s (%s)", async (atMs, kind) => {
    const worker = at(workerWith(), atMs);
    const looked = await lookUpCharge({ entry: entry(), charge: quick, gateway: pay }, worker);
    expect(looked.kind).toBe(kind);
    if (looked.kind === "looked")
      expect(looked).toMatchObject({
        rows: [],
        scanned: { failure: "asking could still set the charge off" },
      });
    expect(worker.sent).toHaveLength(0);
  });

  test("a gateway that has none is a mistake of whoever asks", async () => {
    await expect(
      lookUpCharge({ entry: unknown(), charge: aCharge(), gateway: bill }, workerWith()),
    ).rejects.toThrow(new TypeError("centrobill has no look-up of one charge"));
  });
});
