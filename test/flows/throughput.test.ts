import { expect, test } from "vitest";
import { measureThroughput } from "../bench/throughput.ts";

test.each([
  [50, 50],
  [500, 50],
  [50, 4],
])(
  "a gateway that takes %i ms, %i at once: no place on the way is empty for long, and none is taken twice",
  async (latencyMs, concurrency) => {
    // In virtual time: the same on every machine.
    const { done, share, mostInFlight } = await measureThroughput(latencyMs, concurrency);
    expect(done).toBe(1_000);
    expect(share).toBeGreaterThanOrEqual(0.95);
    expect(mostInFlight).toBe(concurrency);
  },
);
