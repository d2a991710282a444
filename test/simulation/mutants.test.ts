import { expect, test, vi } from "vitest";
import { mutants } from "./mutants/index.ts";
import { catchMutant } from "./prove.ts";

vi.setConfig({ testTimeout: 120_000 });

test("there are at least fifteen, each with a name of its own", () => {
  expect(mutants.length).toBeGreaterThanOrEqual(15);
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
});

test.each(mutants.map((mutant) => [mutant.name, mutant] as const))("%s is caught", async (_name, mutant) => {
  const { violation } = await catchMutant(mutant, 1_000, 20);
  expect(mutant.caughtBy).toContain(violation?.checker);
});
