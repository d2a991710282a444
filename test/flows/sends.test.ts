import { describe, expect, test } from "vitest";
import type { OpenedEntry } from "../../lib/core/ledger.ts";
import type { Policy } from "../../lib/core/policy.ts";
import { workAttempt } from "../../lib/flows/send-attempt.ts";
import type { Wire } from "../../lib/ports.ts";
import { manualClock } from "../doubles/manual-clock.ts";
import { memoryLedger } from "../doubles/memory-ledger.ts";
import { memoryQueues } from "../doubles/memory-queues.ts";
import { chargeMessage, chargeOf, openedEntry } from "../doubles/samples.ts";
import { type Act, paysUnheard, says } from "../doubles/scripted-bank.ts";
import { neverSent } from "../doubles/scripted-wire.ts";
import { seededIds } from "../doubles/seeded-ids.ts";
import { gatewayTimeoutMs, testGateway, testWorker } from "../doubles/worker.ts";
import { always, stage } from "./stage.ts";

const unheard: Act = {
  ...paysUnheard(),
  says: { kind: "sentUnanswered", cause: "timeout", tookMs: gatewayTimeoutMs },
};

/** How often one delivery of a charge is sent, and when; nobody hears an answer before the time-out. */
const sentAt = async (policy: Partial<Policy>): Promise<number[]> => {
  const on = stage({ bank: always(unheard), policy: { resendDelayMs: 2_000, resendsMax: 1, ...policy } });
  on.send(chargeMessage("order-1"));
  await on.round();
  return on.wire.posts().map(({ atMs }) => atMs - on.startMs);
};
const resentMs = gatewayTimeoutMs + 2_000;
/** a request id of a life so short is kept from being sent in its last fifth */
const shortestMs = resentMs / 0.8;

describe("the same request id is sent again by the same worker", () => {
  test.each<[Partial<Policy>, boolean, why: string]>([
    [{ leaseMs: resentMs + gatewayTimeoutMs }, true, "its answer comes just before the lease ends"],
    [{ leaseMs: resentMs + gatewayTimeoutMs - 1 }, false, "its answer may come after the lease"],
    [{ requestIdLifeMs: shortestMs, clockSkewMs: 0 }, true, "it leaves at the last moment of its life"],
    [{ requestIdLifeMs: shortestMs - 1, clockSkewMs: 0 }, false, "past it (S3)"],
    [{ resendsMax: 0 }, false, "no resend is wanted"],
  ])("%j: %s (%s)", async (policy, again) => {
    expect(await sentAt(policy)).toEqual(again ? [0, resentMs] : [0]);
  });
});

test("the life of a request id begins with the send that may have arrived, not with one that never left", async () => {
  const on = stage({
    bank: (_, nth) => (nth === 1 ? { says: neverSent() } : unheard),
    policy: { resendsMax: 1, resendDelayMs: 2_000, requestIdLifeMs: shortestMs + 500, clockSkewMs: 0 },
  });
  on.send(chargeMessage("order-1"));
  await on.run(60_000);
  const [first = Number.NaN, again] = on.wire.posts().map(({ atMs }) => atMs - on.startMs);
  expect(first).toBeGreaterThan(500);
  expect(again).toBe(first + resentMs);
});

test("a resend for which the invocation's time ran out is unknown still, and not unsent: its life goes on (S3)", async () => {
  const [clock, ledger, queues] = [manualClock(), memoryLedger(), memoryQueues()];
  const wire: Wire = { send: async () => ({ kind: "neverSent", cause: "too_late" }) };
  let remainingMs = 600_000;
  const worker = testWorker({ clock, ledger, queues, wire, remainingMs: () => remainingMs });
  const charge = chargeOf(chargeMessage("order-1"));
  const sent: OpenedEntry = { ...openedEntry(chargeMessage("order-1"), seededIds()), openSends: 1 };
  const entry: OpenedEntry = {
    ...sent,
    firstSendAtMs: sent.openedAtMs,
    lastSendAtMs: sent.openedAtMs,
    sends: 1,
  };
  await ledger.open(entry);
  // Its place on the way to the gateway comes free when there is no time left.
  const exchange = <T>(task: () => Promise<T>): Promise<T> => {
    remainingMs = 0;
    return task();
  };
  const recorded = await workAttempt(entry, { charge, gateway: testGateway(), exchange }, worker);
  expect(recorded).toMatchObject({
    state: "unknown",
    firstSendAtMs: sent.openedAtMs,
    sends: 1,
    openSends: 1,
  });
});

test("a gateway whose notices name the charge itself gives it no other name", async () => {
  const on = stage({ bank: [says(500)], policy: { faultResendsMax: 0 } });
  const calls: string[] = [];
  on.notices.failBy((op) => calls.push(op) === 0);
  on.send(chargeMessage("order-1"));
  await on.round();
  expect(on.wire.posts()).toHaveLength(1);
  expect(calls).toEqual([]);
});

test("the ledger keeps an excerpt of each answer, and none where nothing was answered", async () => {
  const on = stage({ bank: [says(500, { error: "busy" })], policy: { faultResendsMax: 0 } });
  on.send(chargeMessage("order-1"));
  await on.round();
  const [replied] = on.entry()?.history.filter(({ e }) => e === "replied") ?? [];
  expect(replied).toMatchObject({ status: 500, excerpt: expect.stringContaining("busy") });
  const lost = stage({ bank: [unheard], policy: { resendsMax: 0 } });
  lost.send(chargeMessage("order-1"));
  await lost.round();
  const [unanswered] = lost.entry()?.history.filter(({ e }) => e === "unanswered") ?? [];
  expect(unanswered).not.toHaveProperty("excerpt");
});
