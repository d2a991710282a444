import { describe, expect, test, vi } from "vitest";
import { mutants } from "./mutants/index.ts";
import { runWorld } from "./world.ts";

vi.setConfig({ testTimeout: 120_000 });

/** Double charges that are seen of each. */
const enough = 3;
/** Mistakes by which charges are captured twice at Centrobill, and in how many histories they are looked for. */
const doubling: readonly (readonly [name: string, seeds: number])[] = [
  ["new-request-id-on-redelivery", 10],
  ["unknown-is-sent-anew", 10],
  ["final-is-sent-anew", 10],
  ["time-out-means-never-sent", 40],
  ["one-not-found-is-absence", 80],
  ["feed-lag-ignored", 80],
  ["window-too-short", 10],
  ["first-rows-only", 20],
  ["resend-past-key-life", 80],
];

describe("reconciliation", () => {
  test.each(doubling)("names every charge that %s captures twice", async (name, seeds) => {
    const mutant = mutants.find((one) => one.name === name);
    if (mutant === undefined) throw new Error(`no mutant ${name}`);
    let [twice, named] = [0, 0];
    for (let seed = 1; seed <= seeds && twice < enough; seed++) {
      const result = await runWorld({
        seed,
        charges: 20,
        ways: ["centrobill"],
        mutant: { ...mutant, forReconciliation: true },
      });
      expect(result.violation?.message, `seed ${seed}`).toBeUndefined();
      twice += result.tally.chargedTwice;
      named += result.doublesNamed;
    }
    expect(twice).toBeGreaterThan(0);
    expect(named).toBeGreaterThan(0);
  });

  test("names no double in histories of the shipped flows, whatever strikes", async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const result = await runWorld({ seed, charges: 20, reconciled: true });
      expect(result.violation?.message, `seed ${seed}`).toBeUndefined();
      expect(result.doublesNamed).toBe(0);
    }
  });
});
