import type { Command } from "commander";
import { readChargeRecord } from "../lib/adapters/dynamodb-ledger.ts";
import { parseChargeId } from "../lib/core/charge.ts";
import { chargeHistory } from "./charge-history.ts";
import { exitStatus } from "./exit-status.ts";
import { laterAttemptsText, readLaterAttempts } from "./later-attempts.ts";
import { type LedgerFlags, openLedgerAccess } from "./ledger-access.ts";
import { UsageProblem } from "./usage-problem.ts";

/** `chargeonce show CHARGE_ID` (contract, section 3). */
export const addShowCommand = (program: Command): void => {
  program
    .command("show")
    .argument("<charge-id>")
    .description("a charge's whole history: attempts, sends, replies, look-ups, notices, routes")
    .option("--data-dir <dir>", "the state that a run kept")
    .option("--env-file <file>", "variables of a deployed stack, as bootstrap writes them")
    .option("--json", "the ledger's own words")
    .addHelpText(
      "after",
      "\nExit status: 0 it does not wait for a person; 1 it does; 2 wrong usage, or the ledger has no such charge.",
    )
    .action(async (text: string, flags: LedgerFlags & { readonly json?: boolean }) => {
      const chargeId = parseChargeId(text);
      if (chargeId === undefined)
        throw new UsageProblem("charge id: must be 1 to 64 characters of A-Z a-z 0-9 . _ : -");
      const ledger = await openLedgerAccess(flags, process.env);
      try {
        const record = await readChargeRecord(ledger.dynamodb, ledger.table, chargeId);
        if (record.entry === undefined && record.rejections.length === 0)
          throw new UsageProblem(`${chargeId}: the ledger has no such charge`);
        const later = await readLaterAttempts(ledger, record.entry);
        const told =
          flags.json === true
            ? JSON.stringify({ ...record, ...later })
            : `${chargeHistory(record)}\n${laterAttemptsText(later)}`.trimEnd();
        process.stdout.write(`${told}\n`);
        const { entry } = record;
        const waits = entry?.state === "review" && entry.droppedAtMs === undefined;
        process.exitCode = waits ? exitStatus.someInReview : exitStatus.allFinal;
      } finally {
        await ledger.close();
      }
    });
};
