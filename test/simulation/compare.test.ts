import { expect, test, vi } from "vitest";
import { compare } from "./compare.ts";

vi.setConfig({ testTimeout: 120_000 });

test("in the same histories other designs charge twice, and this one does not", async () => {
  const [ours, ...others] = await compare({ seeds: 25, charges: 20, strength: 0.5 });
  expect(ours).toMatchObject({ chargedTwice: 0, falseFailures: 0, falseApprovals: 0, lost: 0 });
  expect(others).toHaveLength(3);
  for (const other of others) {
    expect(other.charges).toBe(ours?.charges);
    expect(other.chargedTwice, other.name).toBeGreaterThan(0);
    expect(other.falseFailures, other.name).toBeGreaterThan(0);
  }
  // The machine has its own time again.
  expect(Math.abs(Date.now() - performance.timeOrigin - performance.now())).toBeLessThan(60_000);
});
