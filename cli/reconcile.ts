import { createHash, randomBytes, randomUUID } from "node:crypto";
import { closeSync, existsSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { SQSClient } from "@aws-sdk/client-sqs";
import type { Command } from "commander";
import { startSandboxCentrapay } from "../infra/local/sandbox-centrapay/server.ts";
import { startSandboxCentrobill } from "../infra/local/sandbox-centrobill/server.ts";
import { sqsClientLimits } from "../lib/adapters/deadline.ts";
import { diskSpills } from "../lib/adapters/disk-spills.ts";
import { dynamodbInstruments } from "../lib/adapters/dynamodb-instruments.ts";
import { dynamodbLedger } from "../lib/adapters/dynamodb-ledger.ts";
import { dynamodbPace } from "../lib/adapters/dynamodb-pace.ts";
import { dynamodbReconciliation, keepRun } from "../lib/adapters/dynamodb-reconciliation.ts";
import { dynamodbScan } from "../lib/adapters/dynamodb-scan.ts";
import { httpWire } from "../lib/adapters/http-wire.ts";
import { sqsQueues } from "../lib/adapters/sqs-queues.ts";
import type { LeaseToken, RequestId } from "../lib/core/charge.ts";
import type { FeedWindow } from "../lib/core/feed.ts";
import { findingKinds } from "../lib/core/finding.ts";
import { QUEUES } from "../lib/core/queues.ts";
import type { RunRecord } from "../lib/core/window-record.ts";
import { gatewayPaces } from "../lib/flows/gateway-pace.ts";
import { feedOf, reconcileWindow } from "../lib/flows/reconcile-window.ts";
import { gatewaysOf } from "../lib/gateways/registry.ts";
import type { Clock, Ids, Log, Reconciler } from "../lib/ports.ts";
import { type Credential, readSettings, type Settings, SettingsError } from "../lib/settings.ts";
import { demonstrationPolicy, sandboxApiKey } from "./demonstration.ts";
import { type ExitStatus, exitStatus } from "./exit-status.ts";
import { csvFile, type FindingFile, ndjsonFile, openForWriting, type ToldFinding } from "./finding-files.ts";
import { kindWords, moneyText } from "./finding-words.ts";
import {
  type LedgerAccess,
  type LedgerFlags,
  openLedgerAccess,
  useAwsVariables,
  withEnvFile,
} from "./ledger-access.ts";
import { reconcilePage } from "./reconcile-page.ts";
import { readRunRecord } from "./run-record.ts";
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

/** Findings that the page shows; the files for machines have all of them. */
const pageMax = 2_000;

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

const clock: Clock = {
  nowMs: () => Date.now(),
  sleep: (ms) => new Promise((wake) => setTimeout(wake, ms)),
};
const ids: Ids = {
  requestId: () => randomUUID() as RequestId,
  leaseToken: () => randomBytes(9).toString("base64url") as LeaseToken,
  fraction: Math.random,
};
const silent: Log = { event() {}, metric() {} };

/** What a command works on: a deployed stack's variables, or those of a run that has ended. */
type Place = {
  readonly settings: Settings;
  readonly access: LedgerAccess;
  /** whether somebody consumes the queue `review` there */
  readonly tellReview: boolean;
  close(): Promise<void>;
};

const settingsOf = (env: Readonly<Record<string, string | undefined>>): Settings => {
  try {
    return readSettings(env);
  } catch (error) {
    if (error instanceof SettingsError) throw new UsageProblem(error.problems);
    throw error;
  }
};

const keyOf = (name: string, credential: Credential): string => {
  if (credential.kind === "value") return credential.value;
  throw new UsageProblem(`${name}: is not set; a command does not read the secret store`);
};

const deployedPlace = async (flags: ReconcileFlags): Promise<Place> => {
  const env = withEnvFile(process.env, flags.envFile);
  const access = await openLedgerAccess(flags, process.env);
  try {
    useAwsVariables(env);
    return { settings: settingsOf(env), access, tellReview: true, close: () => access.close() };
  } catch (error) {
    await access.close();
    throw error;
  }
};

/**
 * The ledger of a data dir, and its sandboxes started again on what they did; the feeds of other gateways are
 * named by the environment.
 */
const localPlace = async (dataDir: string): Promise<Place> => {
  const access = await openLedgerAccess({ dataDir }, {});
  const opened: { close(): Promise<void> }[] = [access];
  const close = async (): Promise<void> => {
    for (const one of opened.toReversed()) await one.close();
  };
  try {
    const ofSandbox = readRunRecord(resolve(dataDir))?.gateway.includes("sandbox") ?? true;
    const fileOf = (name: string): string | undefined => {
      const path = join(resolve(dataDir), `sandbox-${name}.ndjson`);
      return ofSandbox && existsSync(path) ? path : undefined;
    };
    const [centrobillFile, centrapayFile] = [fileOf("centrobill"), fileOf("centrapay")];
    const centrobill =
      centrobillFile === undefined ? undefined : await startSandboxCentrobill({ dataFile: centrobillFile });
    if (centrobill !== undefined) opened.push(centrobill);
    const centrapay =
      centrapayFile === undefined ? undefined : await startSandboxCentrapay({ dataFile: centrapayFile });
    if (centrapay !== undefined) opened.push(centrapay);
    const { env } = process;
    const settings = settingsOf({
      ...Object.fromEntries(QUEUES.map(({ variable }) => [variable, "-"])),
      LEDGER_TABLE: access.table,
      POLICY: centrobill === undefined ? env["POLICY"] : JSON.stringify(demonstrationPolicy),
      ...(centrobill === undefined
        ? {
            CENTROBILL_API_KEY: env["CENTROBILL_API_KEY"] ?? "none",
            CENTROBILL_FEED_URL: env["CENTROBILL_FEED_URL"],
            CENTROBILL_FEED_PROFILE: env["CENTROBILL_FEED_PROFILE"],
          }
        : { CENTROBILL_API_KEY: sandboxApiKey, CENTROBILL_FEED_URL: centrobill.feedUrl }),
      ...(centrapay === undefined
        ? {
            CENTRAPAY_API_KEY: env["CENTRAPAY_API_KEY"],
            CENTRAPAY_URL: env["CENTRAPAY_URL"],
            CENTRAPAY_MERCHANT_ID: env["CENTRAPAY_MERCHANT_ID"],
          }
        : {
            CENTRAPAY_API_KEY: sandboxApiKey,
            CENTRAPAY_URL: centrapay.url,
            CENTRAPAY_MERCHANT_ID: "sandbox-merchant",
          }),
    });
    return { settings, access, tellReview: false, close };
  } catch (error) {
    await close();
    throw error;
  }
};

const reconcile = async (flags: ReconcileFlags): Promise<ExitStatus> => {
  const window = windowOf(flags);
  const place = flags.dataDir === undefined ? await deployedPlace(flags) : await localPlace(flags.dataDir);
  const files: FindingFile[] = [];
  const wire = httpWire({ clock });
  const sqs = new SQSClient({ ...sqsClientLimits });
  try {
    const { settings, access } = place;
    const { centrapay } = settings;
    const gateways = gatewaysOf({
      centrobill: {
        ...settings.centrobill,
        apiKey: keyOf("CENTROBILL_API_KEY", settings.centrobill.apiKey),
      },
      ...(centrapay === undefined
        ? {}
        : { centrapay: { ...centrapay, apiKey: keyOf("CENTRAPAY_API_KEY", centrapay.apiKey) } }),
    });
    const page = flags.html === undefined ? undefined : openForWriting("--html", flags.html);
    if (flags.csv !== undefined) files.push(csvFile(flags.csv));
    if (flags.ndjson !== undefined) files.push(ndjsonFile(flags.ndjson));
    // One thing after another: what is asked of a gateway here is its feed.
    const limit = Object.assign(<T>(task: () => Promise<T>): Promise<T> => task(), { concurrency: 1 });
    const worker: Reconciler = {
      clock,
      ids,
      sha256: (text) => createHash("sha256").update(text).digest("hex"),
      wire,
      ledger: dynamodbLedger(access.dynamodb, access.table),
      instruments: dynamodbInstruments(access.dynamodb, access.table),
      queues: sqsQueues({ client: sqs, urlOf: (queue) => settings.queueUrls[queue] }),
      log: silent,
      limit,
      gateways,
      paces: gatewayPaces({
        book: dynamodbPace(access.dynamodb, access.table),
        clock,
        ids,
        log: silent,
        policy: settings.policy,
        limit: () => limit,
      }),
      policy: settings.policy,
      gatewayTimeoutMs: settings.gatewayTimeoutMs,
      remainingMs: () => Number.POSITIVE_INFINITY,
      scan: dynamodbScan(access.dynamodb, access.table),
      book: dynamodbReconciliation(access.dynamodb, access.table),
      spills: diskSpills(tmpdir()),
    };
    const runs: RunRecord[] = [];
    const withoutFeed: string[] = [];
    const shown: ToldFinding[] = [];
    let more = 0;
    for (const gateway of Object.values(gateways)) {
      const of = feedOf(gateway);
      if (of === undefined) {
        withoutFeed.push(gateway.name);
        continue;
      }
      const run = await reconcileWindow(of, window, worker, {
        tellReview: place.tellReview,
        onFinding(finding, entry) {
          for (const file of files) file.add({ finding, entry });
          if (page === undefined) return;
          if (shown.length < pageMax) shown.push({ finding, entry });
          else more += 1;
        },
      });
      await keepRun(access.dynamodb, access.table, run);
      runs.push(run);
    }
    if (runs.length === 0)
      throw new UsageProblem("no gateway has a feed to compare with: CENTROBILL_FEED_URL is not set");
    if (page !== undefined) {
      writeSync(page, reconcilePage({ runs, withoutFeed, findings: shown, more }));
      closeSync(page);
    }
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
    wire.close();
    sqs.destroy();
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
      `${run.gateway}: ${run.feedRows} feed rows, ${run.ledgerEntries} charges, ${run.closed} unknown closed`,
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
