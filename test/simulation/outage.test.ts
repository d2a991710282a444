import { describe, expect, test, vi } from "vitest";
import { runOutage } from "./outage.ts";

vi.setConfig({ testTimeout: 120_000 });

const hours = 6;
const charges = 600;
/** Each of three workers may lose as many charges as close the account, and what else it had begun. */
const lostMax = 3 * 10;

describe("six hours without one gateway, in the middle of a day's charges to both", () => {
  test.each([
    ["centrapay", "swallowed"],
    ["centrobill", "faults"],
  ] as const)("%s %s", async (gateway, kind) => {
    const without = await runOutage({ gateway, kind, hours: 0, charges });
    const outage = await runOutage({ gateway, kind, hours, charges });
    // No dead letter, no charge twice, none lost, nothing sent while it was closed: the checkers watched.
    expect([without.violation, outage.violation]).toEqual([undefined, undefined]);
    expect(outage.waited).toBeGreaterThan(200);
    expect(outage.mostReceives).toBeLessThan(120);
    // A charge whose own send was lost ends with a person, past its key life; of those that waited none does.
    expect(outage.reviewOthers).toBe(0);
    expect(outage.reviewOwnLoss).toBeLessThanOrEqual(lostMax);
    const { approved = 0, review = 0, ...others } = outage.states;
    expect(others).toEqual({});
    expect(approved + review).toBe(without.states["approved"]);
    // The other gateway's charges are not slowed.
    expect(outage.otherLatency.median).toBeLessThan(without.otherLatency.median * 1.1);
    expect(outage.otherLatency.ninetieth).toBeLessThan(without.otherLatency.ninetieth * 1.1);
    // Two requests a charge at 200 a minute, a quarter of an hour until the last message comes back, and five
    // minutes until somebody looks.
    expect(outage.drainedMs).toBeLessThan(outage.waited * 2 * (60_000 / 200) + 20 * 60_000);
    expect(outage.limited).toBe(0);
  });

  test.each(["centrapay", "centrobill"] as const)(
    "a key that %s refuses for as long burns a handful of charges, and the others wait",
    async (gateway) => {
      const outage = await runOutage({ gateway, kind: "credential", hours, charges });
      expect(outage.violation).toBeUndefined();
      expect(outage.burned).toBeLessThanOrEqual(9);
      expect(outage.states["request_error"]).toBe(outage.burned);
      expect(outage.states["review"]).toBeUndefined();
      expect(outage.waited).toBeGreaterThan(200);
    },
  );
});
