import { hash } from "node:crypto";
import { closeSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { resolve } from "node:path";
import type { Command } from "commander";
import { diskSpills } from "../lib/adapters/disk-spills.ts";
import { dynamodbReconciliation, keepRun } from "../lib/adapters/dynamodb-reconciliation.ts";
import { dynamodbRetries } from "../lib/adapters/dynamodb-retries.ts";
import { dynamodbSentCharges } from "../lib/adapters/dynamodb-sent-charges.ts";
import { hideMessages } from "../lib/adapters/sqs-queues.ts";
import type { FeedWindow } from "../lib/core/feed.ts";
import { findingKinds } from "../lib/core/finding.ts";
import { moneyText } from "../lib/core/money.ts";
import { unreadPart } from "../lib/core/reconciled-day.ts";
import type { RunRecord } from "../lib/core/window-record.ts";
import { feedOf, reconcileWindow } from "../lib/flows/reconcile-window.ts";
import type { Reconciler } from "../lib/ports.ts";
import { findingTally } from "../lib/reports/finding-tally.ts";
import { kindWords } from "../lib/reports/finding-words.ts";
import { reconcilePage } from "../lib/reports/reconcile-page.ts";
import { type ExitStatus, exitStatus } from "./exit-status.ts";
import { csvFile, type FindingFile, ndjsonFile, openForWriting, tellWritten } from "./finding-files.ts";
import type { LedgerFlags } from "./ledger-access.ts";
import { openPlace, workerAt } from "./place.ts";
import { textTable } from "./text-table.ts";
import { UsageProblem } from "./usage-problem.ts";

type ReconcileFlags = LedgerFlags & {
  readonly from?: string;
  readonly to?: string;
  readonly json?: boolean;
  readonly html?: string;
  readonly csv?: string;
  readonly ndjson?: string;
};

/** `chargeonce reconcile` (contract, section 3). */
export const addReconcileCommand = (program: Command): void => {
  program
    .command("reconcile")
    .description("compare ledger and gateway over a stretch of time, row by row, and name every difference")
    .option("--from <time>", "its beginning: ISO 8601 with a zone, or a date (midnight UTC)")
    .option("--to <time>", "its end, not in it")
    .option("--data-dir <dir>", "the state that a run kept, with its sandbox's feed")
    .option("--env-file <file>", "variables of a deployed stack, as bootstrap writes them")
    .option("--html <file>", "write a page for people: open it in a browser")
    .option("--csv <file>", "write the findings, one line each")
    .option("--ndjson <file>", "write the findings with their charges' histories, one JSON object each")
    .option("--json", "the record of the run as JSON")
    .addHelpText(
      "after",
      `
Exit status: 0 nothing waits for a person; 1 findings wait, or the run is not complete; 2 wrong usage.
Unknowns that the feed answers are closed. On a deployed ledger the queue review is told of what waits.`,
    )
    .action(async (flags: ReconcileFlags) => {
      process.exitCode = await reconcile(flags);
    });
};

/** A moment that names its zone, or a date, which is midnight UTC. */
const momentOf = (flag: string, text: string | undefined): number => {
  if (text === undefined) throw new UsageProblem(`${flag}: is not given`);
  const isMoment = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d))?$/.test(text);
  const ms = isMoment ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms))
    throw new UsageProblem(
      `${flag} ${text}: must be a time with its zone, such as 2026-11-25T00:00:00Z or …+01:00, or a date`,
    );
  return ms;
};

const windowOf = (flags: ReconcileFlags): FeedWindow => {
  const problems: string[] = [];
  const read = (flag: string, text: string | undefined): number => {
    try {
      return momentOf(flag, text);
    } catch (error) {
      if (!(error instanceof UsageProblem)) throw error;
      problems.push(...error.lines);
      return 0;
    }
  };
  const window = { fromMs: read("--from", flags.from), toMs: read("--to", flags.to) };
  if (problems.length === 0 && window.toMs <= window.fromMs) problems.push("--to: must be later than --from");
  if (problems.length > 0) throw new UsageProblem(problems);
  return window;
};

const refuseOneFileTwice = ({ html, csv, ndjson }: ReconcileFlags): void => {
  const paths = [html, csv, ndjson].flatMap((path) => (path === undefined ? [] : [resolve(path)]));
  if (new Set(paths).size < paths.length)
    throw new UsageProblem("--html, --csv and --ndjson: must name a file each");
};

const sha256 = (text: string): string => hash("sha256", text, "hex");

const reconcile = async (flags: ReconcileFlags): Promise<ExitStatus> => {
  const window = windowOf(flags);
  refuseOneFileTwice(flags);
  const place = await openPlace(flags);
  const files: FindingFile[] = [];
  let close = (): void => {};
  try {
    const { access } = place;
    const atPlace = workerAt(place);
    close = atPlace.close;
    const page = flags.html === undefined ? undefined : openForWriting("--html", flags.html);
    if (flags.csv !== undefined) files.push(csvFile(flags.csv));
    if (flags.ndjson !== undefined) files.push(ndjsonFile(flags.ndjson));
    const worker: Reconciler = {
      ...atPlace,
      ...(place.deployed && {
        wake: (receiptHandle: string) =>
          hideMessages(
            access.sqs,
            place.settings.queueUrls["unknown-outcomes"],
            [{ receiptHandle, delayMs: 0 }],
            atPlace.log,
          ),
      }),
      sentCharges: dynamodbSentCharges(access.dynamodb, access.table),
      retries: dynamodbRetries(access.dynamodb, access.table),
      book: dynamodbReconciliation(access.dynamodb, access.table),
      spills: diskSpills(tmpdir()),
    };
    const runs: RunRecord[] = [];
    const withoutFeed: string[] = [];
    const tally = findingTally();
    for (const gateway of Object.values(worker.gateways)) {
      const of = feedOf(gateway);
      if (of === undefined) {
        withoutFeed.push(gateway.name);
        continue;
      }
      const run = await reconcileWindow(of, window, worker, {
        tellReview: place.deployed,
        onFinding(finding, entry) {
          for (const file of files) file.add({ finding, entry });
          if (page !== undefined) tally.add(finding, entry);
        },
      });
      await keepRun(access.dynamodb, access.table, run);
      const unread = unreadPart(run);
      if (unread !== undefined) for (const file of files) file.addMissing(run.gateway, unread);
      runs.push(run);
    }
    if (runs.length === 0)
      throw new UsageProblem("no gateway has a feed to compare with: CENTROBILL_FEED_URL is not set");
    if (page !== undefined) {
      const missing = runs.flatMap((run) => {
        const part = unreadPart(run);
        return part === undefined ? [] : [{ gateway: run.gateway, part }];
      });
      const findings = tally.totals();
      writeSync(page, reconcilePage({ window, runs, missing, withoutFeed, findings }, sha256));
      closeSync(page);
    }
    tellWritten(flags.html, flags.csv, flags.ndjson);
    process.stdout.write(
      flags.json === true
        ? `${JSON.stringify({ runs, withoutFeed })}\n`
        : `${summaryOf(runs, withoutFeed)}\n`,
    );
    return runs.every(({ complete, waiting }) => complete && waiting === 0)
      ? exitStatus.allFinal
      : exitStatus.someInReview;
  } finally {
    for (const file of files) file.close();
    close();
    await place.close();
  }
};

const summaryOf = (runs: readonly RunRecord[], withoutFeed: readonly string[]): string => {
  const lines = runs.flatMap((run) => {
    const kinds = findingKinds.flatMap((kind) => {
      const count = run.findings[kind] ?? 0;
      return count === 0 ? [] : [[kind, String(count), kindWords[kind]]];
    });
    return [
      `${run.gateway}: ${run.feedRows} rows at the gateway, ${run.ledgerEntries} charges, ${run.closed} unknown closed`,
      ...Object.entries(run.money).map(
        ([currency, { matched, unmatched, unknown }]) =>
          `  matched ${moneyText(matched, currency)}, not matched ${moneyText(unmatched, currency)}, unknown ${moneyText(unknown, currency)}`,
      ),
      ...(kinds.length === 0
        ? ["  no findings"]
        : textTable([{ title: "finding" }, { title: "count", align: "right" }, { title: "" }], kinds).map(
            (line) => `  ${line}`,
          )),
      ...(run.incomplete === undefined
        ? []
        : [`  NOT COMPLETE: ${run.incomplete.reason} (${run.incomplete.why})`]),
      `  ${run.waiting} wait for a person`,
    ];
  });
  return [...lines, ...withoutFeed.map((gateway) => `${gateway} has no feed here, and is not compared`)].join(
    "\n",
  );
};
