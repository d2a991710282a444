import { closeSync, writeSync } from "node:fs";
import type { Command } from "commander";
import { scanForRetries } from "../lib/adapters/dynamodb-scan.ts";
import { parseJson } from "../lib/core/json.ts";
import { defaultPolicy, parsePolicy } from "../lib/core/policy.ts";
import { type Meter, type RetryReport, retryReport } from "../lib/core/retry-report.ts";
import { type Region, regions } from "../lib/core/retry-rules/sources.ts";
import { exitStatus } from "./exit-status.ts";
import { openForWriting, tellWritten } from "./finding-files.ts";
import { type LedgerFlags, openLedgerAccess, withEnvFile } from "./ledger-access.ts";
import { retriesPage } from "./retries-page.ts";
import { jsonText, sumsText } from "./retry-words.ts";
import { textTable } from "./text-table.ts";
import { UsageProblem } from "./usage-problem.ts";

type ReportFlags = LedgerFlags & {
  readonly region?: string;
  readonly html?: string;
  readonly ndjson?: string;
  readonly json?: boolean;
};

/** Where the rules count: the flag, or the policy of the deployed functions, or everywhere. */
const regionOf = (flags: ReportFlags): Region => {
  if (flags.region !== undefined) {
    const region = regions.find((one) => one === flags.region);
    if (region === undefined) throw new UsageProblem(`--region: must be one of ${regions.join(", ")}`);
    return region;
  }
  const policy = parseJson(withEnvFile(process.env, flags.envFile)["POLICY"] ?? "{}");
  const parsed = policy === undefined ? undefined : parsePolicy(policy);
  return parsed?.ok === true ? parsed.policy.retryRegion : defaultPolicy.retryRegion;
};

const reportText = (report: RetryReport, unreadable: number): string =>
  [
    `${report.charges} charges; ${report.recovered.count} recovered by a later attempt: ${sumsText(report.recovered.sums)}`,
    `saved in the networks' fees, at least: ${sumsText(report.feesSaved)}`,
    `waiting: ${report.waiting.count} (${sumsText(report.waiting.sums)})`,
    `closed instruments: ${
      Object.entries(report.closed)
        .map(([rule, count]) => `${count} by ${rule}`)
        .join(", ") || "none"
    }`,
    ...(unreadable === 0 ? [] : [`${unreadable} items could not be read, and are not counted`]),
    "",
    ...textTable(
      [
        { title: "attempt" },
        { title: "made", align: "right" },
        { title: "approved", align: "right" },
        { title: "money" },
      ],
      report.attempts.map(({ attempt, made, approved, money }) => [
        String(attempt),
        String(made),
        String(approved),
        sumsText(money),
      ]),
    ),
    "",
    ...textTable(
      [{ title: "not made" }, { title: "reason" }, { title: "count", align: "right" }, { title: "fees" }],
      report.meter.map(({ kind, because, count, fees }) => [kind, because, String(count), sumsText(fees)]),
    ),
  ].join("\n");

/** `chargeonce retries report`. */
export const addReportCommand = (retries: Command): void => {
  retries
    .command("report")
    .description(
      "what later attempts brought, which were not made and why, and the fees that they did not cost",
    )
    .option("--data-dir <dir>", "the state that a run kept")
    .option("--env-file <file>", "variables of a deployed stack, as bootstrap writes them")
    .option("--region <region>", `where the rules count: ${regions.join(", ")}; default: the policy's`)
    .option("--html <file>", "write a page for people: open it in a browser")
    .option("--ndjson <file>", "write each attempt that was refused or put off, one JSON object a line")
    .option("--json", "the figures for machines; money in minor units")
    .addHelpText("after", "\nReads the whole ledger once. Exit status: 0; 2 wrong usage.")
    .action(async (flags: ReportFlags) => {
      const region = regionOf(flags);
      const access = await openLedgerAccess(flags, process.env);
      try {
        // Before anything is read: what cannot be written is told at once.
        const page = flags.html === undefined ? undefined : openForWriting("--html", flags.html);
        const lines = flags.ndjson === undefined ? undefined : openForWriting("--ndjson", flags.ndjson);
        const tell = (meter: Meter): void => {
          if (lines !== undefined) writeSync(lines, `${jsonText(meter)}\n`);
        };
        const counted = retryReport(region, tell);
        const unreadable = await scanForRetries(access.dynamodb, access.table, counted);
        const report = counted.report();
        if (page !== undefined) writeSync(page, retriesPage(report));
        for (const file of [page, lines]) if (file !== undefined) closeSync(file);
        tellWritten(flags.html, flags.ndjson);
        process.stdout.write(
          `${flags.json === true ? jsonText({ ...report, unreadable }) : reportText(report, unreadable)}\n`,
        );
        process.exitCode = exitStatus.allFinal;
      } finally {
        await access.close();
      }
    });
};
