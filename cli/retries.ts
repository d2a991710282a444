import type { Command } from "commander";
import { addReportCommand } from "./retries-report.ts";
import { addSimulateCommand } from "./retries-simulate.ts";

/** `chargeonce retries …`: later attempts. */
export const addRetriesCommand = (program: Command): void => {
  const retries = program
    .command("retries")
    .description("later attempts within the networks' rules: what they would bring, and what they brought");
  addSimulateCommand(retries);
  addReportCommand(retries);
};
