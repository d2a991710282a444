import { instrumentsContract } from "../adapters/instruments-contract.ts";
import { type LedgerFault, memoryLedger } from "./memory-ledger.ts";

instrumentsContract("in memory", async () => {
  const ledger = memoryLedger();
  return {
    ledger,
    instruments: ledger.instruments,
    losesAnAnswer: () => {
      let fault: LedgerFault | undefined = "again";
      ledger.failBy(() => {
        const now = fault;
        fault = undefined;
        return now;
      });
      return ledger.instruments;
    },
  };
});
