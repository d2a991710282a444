import { defineConfig } from "vitest/config";

/** The tests that a mutant is held against: pure ones, and the flows over their doubles. */
export default defineConfig({
  test: {
    include: ["test/{core,gateways,flows}/**/*.test.ts", "test/settings.test.ts"],
    exclude: ["test/**/*.stack.test.ts"],
    // Counting every step takes its time; what never ends is Stryker's to stop.
    testTimeout: 60_000,
    setupFiles: ["test/mutation/setup.ts"],
  },
});
