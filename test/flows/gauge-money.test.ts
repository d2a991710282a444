import { expect, test } from "vitest";
import type { BacklogState } from "../../lib/core/backlog.ts";
import type { ChargeId } from "../../lib/core/charge.ts";
import type { LedgerEntry } from "../../lib/core/ledger.ts";
import { closeGate } from "../../lib/core/pace.ts";
import { probeDelaysOf } from "../../lib/core/policy.ts";
import { gaugeMoney } from "../../lib/flows/gauge-money.ts";
import { chargeIdOf, final, policyOf, review, t0, tokenOf, unknown } from "../core/builders.ts";
import { manualClock } from "../doubles/manual-clock.ts";
import { memoryLedger } from "../doubles/memory-ledger.ts";
import { memoryLog } from "../doubles/memory-log.ts";
import { memoryPace } from "../doubles/memory-pace.ts";

const hourMs = 3_600_000;

const standing = async (entries: readonly LedgerEntry[]) => {
  const ledger = memoryLedger();
  for (const entry of entries) await ledger.open(entry);
  const listed = new Map<BacklogState, ChargeId[]>();
  for (const { state, chargeId } of entries)
    listed.set(state as BacklogState, [...(listed.get(state as BacklogState) ?? []), chargeId]);
  const log = memoryLog();
  const paces = memoryPace();
  return {
    ledger,
    log,
    paces,
    listed,
    gauge: (remainingMs = 60_000) =>
      gaugeMoney({
        clock: manualClock(t0 + 7 * hourMs),
        work: { chargesIn: async (state) => listed.get(state) ?? [] },
        ledger,
        paces,
        log,
        remainingMs: () => remainingMs,
      }),
  };
};

test("tells what waits in charges and in money, and that nothing else does", async () => {
  const stand = await standing([
    unknown({ chargeId: chargeIdOf("a"), amount: "1999" }),
    unknown({ chargeId: chargeIdOf("b"), amount: "1", firstSendAtMs: t0 + 6.5 * hourMs }),
    review({ chargeId: chargeIdOf("c"), amount: "500", currency: "JPY", finalAtMs: t0 }),
  ]);
  await stand.gauge();
  expect(stand.log.sumOf("BacklogCharges", { state: "unknown", age: "all" })).toBe(2);
  expect(stand.log.sumOf("BacklogCharges", { state: "unknown", age: "over_6h" })).toBe(1);
  expect(stand.log.sumOf("BacklogMoney", { state: "unknown", age: "all", currency: "EUR" })).toBe(2000);
  expect(stand.log.sumOf("BacklogMoney", { state: "unknown", age: "over_6h", currency: "EUR" })).toBe(1999);
  expect(stand.log.sumOf("BacklogMoney", { state: "review", age: "over_6h", currency: "JPY" })).toBe(500);
  expect(
    stand.log.metrics.filter(({ name, members }) => name === "BacklogCharges" && members.state === "pending"),
  ).toHaveLength(4);
  expect(stand.log.eventsOf("backlog_read")).toEqual([{ count: 3, rows: 3, durationMs: 0 }]);
});

test("what the index still lists and the ledger has ended does not wait", async () => {
  const ended = { ...final(), chargeId: chargeIdOf("a") };
  const stand = await standing([ended]);
  stand.listed.set("unknown", [ended.chargeId, chargeIdOf("nobody")]);
  await stand.gauge();
  expect(stand.log.sumOf("BacklogCharges")).toBe(0);
});

test("an entry of another version of the software is told of, and hides no other", async () => {
  const stand = await standing([
    unknown({ chargeId: chargeIdOf("a") }),
    unknown({ chargeId: chargeIdOf("b") }),
  ]);
  stand.ledger.plant("a", JSON.stringify({ v: 2 }));
  await stand.gauge();
  expect(stand.log.sumOf("BacklogCharges", { state: "unknown", age: "all" })).toBe(1);
  expect(stand.log.eventsOf("message_failed")).toMatchObject([{ chargeId: "a" }]);
});

test("where the time does not reach, what was read is told, and how much that was", async () => {
  const stand = await standing([unknown()]);
  await stand.gauge(5_000);
  expect(stand.log.eventsOf("backlog_read")).toMatchObject([{ count: 1, rows: 0 }]);
  await stand.gauge(5_001);
  expect(stand.log.eventsOf("backlog_read")).toMatchObject([{ rows: 0 }, { count: 1, rows: 1 }]);
});

test("what waits is read a thousand at a time, each once, and nothing more", async () => {
  const ids = Array.from({ length: 2_000 }, (_, nth) => chargeIdOf(`c-${nth}`));
  const stand = await standing(ids.map((chargeId) => unknown({ chargeId })));
  await stand.gauge();
  const reads = stand.ledger.calls.filter(({ op }) => op === "read").map(({ chargeIds }) => chargeIds);
  expect(reads.map((some) => some.length)).toEqual([1_000, 1_000]);
  expect(reads.flat()).toEqual(ids);
});

test("says which gateway accounts are closed, and of the open ones nothing", async () => {
  const stand = await standing([]);
  const closed = closeGate(undefined, { because: "outage", atMs: t0 }, probeDelaysOf(policyOf()));
  await stand.paces.replace("centrobill", undefined, { v: 1, ...closed, version: tokenOf("v1") });
  await stand.gauge();
  expect(stand.log.metrics.filter(({ name }) => name === "GatewayShut")).toEqual([
    { name: "GatewayShut", value: 1, members: { gateway: "centrobill", reason: "outage" } },
  ]);
});

test("a ledger that does not answer leaves the gauge without a word: no zero is told", async () => {
  const stand = await standing([unknown()]);
  stand.ledger.failBy(() => "before");
  await expect(stand.gauge()).rejects.toThrow("nothing was done");
  expect(stand.log.metrics).toEqual([]);
});
