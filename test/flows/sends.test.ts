import { describe, expect, test } from "vitest";
import type { Policy } from "../../lib/core/policy.ts";
import { chargeMessage } from "../doubles/samples.ts";
import { type Act, paysUnheard, says } from "../doubles/scripted-bank.ts";
import { neverSent } from "../doubles/scripted-wire.ts";
import { gatewayTimeoutMs } from "../doubles/worker.ts";
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

describe("the same request id is sent again by the same worker", () => {
  test.each<[Partial<Policy>, boolean, why: string]>([
    [{ leaseMs: resentMs + gatewayTimeoutMs }, true, "its answer comes just before the lease ends"],
    [{ leaseMs: resentMs + gatewayTimeoutMs - 1 }, false, "its answer may come after the lease"],
    [{ requestIdLifeMs: resentMs, clockSkewMs: 0 }, true, "it leaves as its life ends"],
    [{ requestIdLifeMs: resentMs - 1, clockSkewMs: 0 }, false, "past its life (S3)"],
    [{ resendsMax: 0 }, false, "no resend is wanted"],
  ])("%j: %s (%s)", async (policy, again) => {
    expect(await sentAt(policy)).toEqual(again ? [0, resentMs] : [0]);
  });
});

test("the life of a request id begins with the send that may have arrived, not with one that never left", async () => {
  const on = stage({
    bank: (_, nth) => (nth === 1 ? { says: neverSent() } : unheard),
    policy: { resendsMax: 1, resendDelayMs: 2_000, requestIdLifeMs: resentMs + 500, clockSkewMs: 0 },
  });
  on.send(chargeMessage("order-1"));
  await on.run(60_000);
  const [first = Number.NaN, again] = on.wire.posts().map(({ atMs }) => atMs - on.startMs);
  expect(first).toBeGreaterThan(500);
  expect(again).toBe(first + resentMs);
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
