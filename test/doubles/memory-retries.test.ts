import { retriesContract } from "../adapters/retries-contract.ts";
import { memoryRetries } from "./memory-retries.ts";

retriesContract("in memory", async () => ({ retries: memoryRetries() }));
