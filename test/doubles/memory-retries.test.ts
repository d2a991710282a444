import { retriesContract } from "../adapters/retries-contract.ts";
import { memoryLedger } from "./memory-ledger.ts";
import { memoryRelease, memoryRetries } from "./memory-retries.ts";

retriesContract("in memory", async () => {
  const ledger = memoryLedger();
  const retries = memoryRetries();
  return { retries: { ...retries, release: memoryRelease(ledger, retries) }, ledger };
});
