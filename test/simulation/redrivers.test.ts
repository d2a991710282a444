import { expect, test, vi } from "vitest";
import { runWorld } from "./world.ts";

vi.setConfig({ testTimeout: 120_000 });

test("dead letters are put back, days later, by commands that die, and nothing is lost or charged twice", async () => {
  let dead = 0;
  let back = 0;
  for (let seed = 1; seed <= 30; seed++) {
    const { violation, story } = await runWorld({ seed, charges: 20, redriven: true, told: true });
    expect(violation?.message).toBeUndefined();
    for (const { what } of story) {
      if (what.endsWith("is a dead letter")) dead += 1;
      if (what.startsWith("redrives ") && !what.includes("(dry run)") && !what.includes("nothing")) back += 1;
    }
  }
  expect(dead).toBeGreaterThan(50);
  expect(back).toBeGreaterThan(20);
});
