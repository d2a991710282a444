import { describe, expect, test } from "vitest";
import type { FeedRow } from "../../lib/core/feed.ts";
import type { Found } from "../../lib/core/matching.ts";
import { weighLookUp } from "../../lib/flows/weigh-look-up.ts";
import { replies, t0, unknown } from "../core/builders.ts";
import { manualClock } from "../doubles/manual-clock.ts";
import { memoryLedger } from "../doubles/memory-ledger.ts";
import { memoryQueues } from "../doubles/memory-queues.ts";
import { replied, scriptedWire, sha256Of } from "../doubles/scripted-wire.ts";
import { testGateway, testWorker } from "../doubles/worker.ts";

const row = (kind: "captured" | "refused"): FeedRow => ({
  kind: "charge",
  reply: replies[kind],
  transactionId: "tx-1",
  chargeId: "order-1",
  requestId: "request-1",
  amount: "19.99",
  currency: "EUR",
  consumers: [],
  atMs: t0 + 1_000,
  raw: { id: kind },
});
const nothing: Found = { own: [], otherAttempt: [], reversals: [], weak: [] } as unknown as Found;

/** What a look-up that found this, and perhaps failed, proves of an unknown. */
const weigh = (found: Partial<Found>, failure?: string) => {
  const clock = manualClock(t0 + 600_000);
  const worker = testWorker({
    clock,
    wire: scriptedWire({ clock, script: () => replied(200) }),
    ledger: memoryLedger(),
    queues: memoryQueues(),
  });
  const scan = {
    atMs: t0 + 600_000,
    fromMs: t0 - 200_000,
    toMs: t0 + 600_000,
    rows: 1,
    whole: failure === undefined,
  };
  return weighLookUp(
    unknown({ openSends: 1, sends: 1 }),
    { ...nothing, ...found },
    failure === undefined ? { scan } : { scan, failure },
    testGateway(),
    worker,
  );
};

describe("a look-up that failed", () => {
  test.each<[string, Partial<Found>]>([
    ["and saw nothing", {}],
    ["and saw a refusal, which more rows could unsay", { own: [row("refused")] }],
  ])("%s proves nothing, and counts as none", (_, found) => {
    const { looked, noted, resolution } = weigh(found, "HTTP 503");
    expect({ looked, failures: noted.lookFailures, kind: resolution.kind }).toEqual({
      looked: false,
      failures: 1,
      kind: "wait",
    });
  });

  test("and saw a capture proves that: it cannot be unseen", () => {
    expect(weigh({ own: [row("captured")] }, "HTTP 503")).toMatchObject({
      looked: true,
      resolution: { kind: "settle", state: "approved" },
    });
  });
});

test("what a row proves rests on that row, word for word", () => {
  const { looked, resolution } = weigh({ own: [row("captured")] });
  expect(looked).toBe(true);
  expect(JSON.stringify(resolution)).toContain(sha256Of(JSON.stringify({ id: "captured" })));
});
