import { expect, test } from "vitest";
import { writesMs } from "../../lib/core/policy.ts";
import { pacedSend } from "../../lib/flows/paced-send.ts";
import type { Purpose } from "../../lib/ports.ts";
import { manualClock } from "../doubles/manual-clock.ts";
import { memoryLedger } from "../doubles/memory-ledger.ts";
import { memoryQueues } from "../doubles/memory-queues.ts";
import { replied, scriptedWire } from "../doubles/scripted-wire.ts";
import { gatewayTimeoutMs, testGateway, testWorker } from "../doubles/worker.ts";

const ever = Number.POSITIVE_INFINITY;

// biome-ignore format: one row a line
test.each<[purpose: Purpose, leftMs: number | undefined, remainingMs: number, waitMs: number, reason: string]>([
  ["charge", undefined, ever, 20_000, "what has begun waits the longest"],
  ["lookUp", undefined, ever, 10_000, "what asks"],
  ["probe", undefined, ever, 10_000, "what may open the account again"],
  ["charge", 5_000, ever, 5_000, "no longer than it may be sent (S3, S7)"],
  ["charge", 30_000, ever, 20_000, "which is longer than anybody waits"],
  ["charge", -1, ever, 0, "it may not be sent any more"],
  ["charge", undefined, gatewayTimeoutMs + writesMs + 3_000, 3_000, "no longer than leaves time for the answer and its record"],
  ["charge", 2_000, gatewayTimeoutMs + writesMs + 3_000, 2_000, "whichever is shorter"],
  ["charge", undefined, gatewayTimeoutMs, 0, "no time is left"],
])("a %s with %s ms to be sent in, %i ms of the invocation left: waits %i ms for its turn (%s)", async (purpose, leftMs, remainingMs, waitMs) => {
  const clock = manualClock();
  const wire = scriptedWire({ clock, script: () => replied(200, "{}") });
  const base = testWorker({ clock, wire, ledger: memoryLedger(), queues: memoryQueues(), remainingMs: () => remainingMs });
  const asked: [Purpose, number][] = [];
  const centrobill = {
    ...base.paces.centrobill,
    turn: async (what: Purpose, ms: number) => {
      asked.push([what, ms]);
      return { kind: "held", untilMs: 0 } as const;
    },
  };
  const limits = { timeoutMs: gatewayTimeoutMs, ...(leftMs !== undefined && { notAfterMs: clock.nowMs() + leftMs }) };
  const worker = { ...base, paces: { ...base.paces, centrobill } };
  const sent = await pacedSend(testGateway(), purpose, { method: "GET", url: "https://pay.test/x", headers: {} }, limits, worker);
  expect(asked).toEqual([[purpose, waitMs]]);
  expect(sent).toEqual({ transport: { kind: "neverSent", cause: "held_back" }, atMs: clock.nowMs(), tookMs: 0 });
  expect(wire.sent).toEqual([]);
});
