import { describe, expect, test, vi } from "vitest";
import { runWorld } from "./world.ts";

vi.setConfig({ testTimeout: 120_000 });

const minute = 60_000;

describe("what was declined is taken after all, and told, while its later attempts are due or under way", () => {
  test.each([
    ["refused", "they wait, unsent"],
    ["faults", "they are to be sent again under their own id"],
  ] as const)(
    "while the gateway is away (%s: %s), nothing is sent on top of it once that was heard",
    async (kind, why) => {
      let heard = 0;
      for (let seed = 1; seed <= 40; seed++) {
        const world = await runWorld({
          seed,
          charges: 20,
          ways: ["centrobill"],
          onCards: true,
          turnsOver: true,
          troubles: [{ gateway: "centrobill", kind, fromMs: 20 * minute, untilMs: 80 * minute }],
        });
        expect(world.violation, `seed ${seed}: ${why}`).toBeUndefined();
        heard += world.turnedAndHeard;
      }
      expect(heard).toBeGreaterThan(100);
    },
  );
});
