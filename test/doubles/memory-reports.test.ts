import { reportsContract } from "../adapters/reports-contract.ts";
import { memoryReports } from "./memory-reports.ts";

reportsContract(async () => {
  let failing = false;
  const reports = memoryReports(() => {
    if (!failing) return;
    failing = false;
    throw new Error("not taken");
  });
  return {
    reports,
    keptOf: (name) => reports.kept.get(name),
    failNext: () => {
      failing = true;
    },
    close: async () => {},
  };
});
