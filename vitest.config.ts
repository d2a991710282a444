import { defineConfig } from "vitest/config";

/**
 * Two projects: `fast` (pure code and loopback servers, well under 15 s, what `npm run check` runs) and
 * `stack` (the built functions, the real SQS and DynamoDB stand-ins, the synthesized infrastructure).
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "fast",
          include: [
            "test/{core,gateways,flows,desk,reports,doubles,adapters,simulation,cli}/**/*.test.ts",
            "test/*.test.ts",
          ],
          exclude: ["test/**/*.stack.test.ts"],
          // Vitest leaves a core free, and there may be only two.
          maxWorkers: "100%",
          // Pure code and doubles keep nothing between files; a fresh world for each would take a third of the time.
          pool: "threads",
          isolate: false,
          // Of those that say so: they wait for the wire, and not for a processor.
          maxConcurrency: 20,
          // A loaded machine is slow, not wrong.
          testTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "stack",
          include: ["test/**/*.stack.test.ts", "test/{functions,local,aws}/**/*.test.ts"],
          // Most of these wait for processes and waits of their own: side by side they take half the time.
          maxWorkers: 2,
          testTimeout: 180_000,
          sequence: { groupOrder: 1 },
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
