import { deskContract } from "../adapters/desk-contract.ts";
import { memoryDesk } from "./memory-desk.ts";
import { memoryLedger } from "./memory-ledger.ts";

deskContract("in memory", async () => {
  const ledger = memoryLedger();
  return { ledger, desk: memoryDesk(ledger) };
});
