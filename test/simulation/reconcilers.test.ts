import { describe, expect, test, vi } from "vitest";
import { mutants } from "./mutants/index.ts";
import type { ChargeWay } from "./sim-charges.ts";
import { runWorld } from "./world.ts";

vi.setConfig({ testTimeout: 120_000 });

/** Double charges that are seen of each. */
const enough = 2;
/** Histories in which a mistake is looked for; most show it in the first few. */
const seeds = 120;
/** Mistakes by which charges are captured twice, and where. */
// biome-ignore format: one mistake a line
const doubling: readonly (readonly [name: string, way: ChargeWay])[] = [
  ["new-request-id-on-redelivery", "centrobill"],
  ["unknown-is-sent-anew", "centrobill"],
  ["final-is-sent-anew", "centrobill"],
  ["time-out-means-never-sent", "centrobill"],
  ["one-not-found-is-absence", "centrobill"],
  ["feed-lag-ignored", "centrobill"],
  ["window-too-short", "centrobill"],
  ["first-rows-only", "centrobill"],
  ["resend-past-key-life", "centrobill"],
  // A second Payment Request of a charge is known by what Centrapay says of it, whatever its payment's key is.
  ["new-request-id-on-redelivery", "pay"],
  ["unknown-is-sent-anew", "pay"],
  ["final-is-sent-anew", "pay"],
  ["new-request-id-on-redelivery", "quickPay"],
  ["unknown-is-sent-anew", "quickPay"],
  ["final-is-sent-anew", "quickPay"],
  ["one-not-found-is-absence", "confirm"],
  ["resend-past-key-life", "confirm"],
];
/** Mistakes that leave no key of the first confirmation in the ledger: its row says nobody's name. */
const nameless = ["record-after-send", "new-request-id-on-redelivery", "final-is-sent-anew"];

/** Histories with a mistake until enough was charged twice, in which no checker may find anything. */
const reconciled = async (name: string, way: ChargeWay) => {
  const mutant = mutants.find((one) => one.name === name);
  if (mutant === undefined) throw new Error(`no mutant ${name}`);
  let [twice, named] = [0, 0];
  for (let seed = 1; seed <= seeds && twice < enough; seed++) {
    const result = await runWorld({
      seed,
      charges: 20,
      ways: [way],
      strength: 1,
      operators: false,
      mutant: { ...mutant, forReconciliation: true },
    });
    expect(result.violation?.message, `seed ${seed}`).toBeUndefined();
    twice += result.tally.chargedTwice;
    named += result.doublesNamed;
  }
  return { twice, named };
};

describe("reconciliation", () => {
  test.each(doubling)("names every charge that %s captures twice by %s", async (name, way) => {
    const { twice, named } = await reconciled(name, way);
    expect(twice).toBeGreaterThan(0);
    expect(named).toBeGreaterThan(0);
  });

  test.each(nameless)(
    "tells every confirmation that %s made beyond the first as a stranger's",
    async (name) => {
      expect((await reconciled(name, "confirm")).twice).toBeGreaterThan(0);
    },
  );

  test("names no double in histories of the shipped flows, whatever strikes", async () => {
    for (let seed = 1; seed <= 18; seed++) {
      const ways = seed > 12 ? { ways: ["quickPay"] as const } : {};
      const result = await runWorld({ seed, charges: 20, reconciled: true, ...ways });
      expect(result.violation?.message, `seed ${seed}`).toBeUndefined();
      expect(result.doublesNamed).toBe(0);
    }
  });
});
