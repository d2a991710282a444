import { appendFile, closeSync, mkdirSync, openSync, write } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { type FunctionThread, startFunctionThread } from "../infra/local/function-thread.ts";
import { type HttpEntry, startHttpEntry } from "../infra/local/http-entry.ts";
import { type Stack, startStack } from "../infra/local/stack.ts";
import { dynamodbLedger } from "../lib/adapters/dynamodb-ledger.ts";
import { paceReader } from "../lib/adapters/dynamodb-pace.ts";
import { readWork } from "../lib/adapters/dynamodb-work.ts";
import { sqsQueues } from "../lib/adapters/sqs-queues.ts";
import { type ChargeId, gatewayNames, parseChargeId } from "../lib/core/charge.ts";
import { member, parseJson } from "../lib/core/json.ts";
import type { LedgerEntry } from "../lib/core/ledger.ts";
import { maskedText } from "../lib/core/masked-message.ts";
import { gateOf } from "../lib/core/pace.ts";
import { retriesLater } from "../lib/core/policy.ts";
import { QUEUES, type QueueName } from "../lib/core/queues.ts";
import { routeOfRejection } from "../lib/core/route-message.ts";
import type { Ledger, Queues } from "../lib/ports.ts";
import { builtFile } from "./built-file.ts";
import { type ChargeFile, type ChargeLine, openChargeFile } from "./charge-file.ts";
import { csvHelp } from "./csv-row.ts";
import { type ExitStatus, exitStatus } from "./exit-status.ts";
import { feedFile } from "./file-feed.ts";
import { startOutcomeConsumer } from "./outcome-consumer.ts";
import { openOutcomeLog } from "./outcome-log.ts";
import { type Progress, type RunState, startProgress } from "./progress.ts";
import { startReleaser } from "./releaser.ts";
import { openResultsFile, type ResultRow, rowOfEntry, rowOfRefusal } from "./results-file.ts";
import { readRunRecord, refuseOtherRun, writeRunRecord } from "./run-record.ts";
import { type RunFlags, type RunSettings, readRunSettings } from "./run-settings.ts";
import { summaryJson, summaryText } from "./run-summary.ts";
import { createRunTotals, type RunTotals } from "./run-totals.ts";
import { gatewaysName, type Sandboxes, startSandboxes } from "./sandboxes.ts";
import { stackFunctions } from "./stack-functions.ts";
import { paceText } from "./status-text.ts";
import { type StopSignals, watchStopSignals } from "./stop-signals.ts";
import { createTally, type Item, type Tally } from "./tally.ts";
import { truthCheck } from "./truth-check.ts";

/** How often the ledger is asked what waits. */
const waitingEveryMs = 1_000;

/** `chargeonce run` (contract, section 3). */
export const addRunCommand = (program: Command): void => {
  program
    .command("run", { isDefault: true })
    .description("start everything on this machine, work charges until each has its outcome, and tell")
    .option(
      "--charges <file>",
      "charges, NDJSON or CSV (by its ending); default: the sample that comes along",
    )
    .option("--centrobill-url <url>", "an outside Centrobill instead of its sandbox")
    .option("--centrobill-feed-url <url>", "its feed, which is asked when an answer is lost")
    .option("--centrobill-feed-profile <file>", "how its feed is asked and read, JSON")
    .option("--centrobill-decline-table <file>", "decline codes in place of the built-in table, JSON")
    .option("--centrapay-url <url>", "an outside Centrapay instead of its sandbox")
    .option("--gateway-timeout-ms <n>", "how long one exchange with the gateway may take")
    .option("--policy <file>", "waits and horizons that differ from the defaults, JSON")
    .option("--concurrency <n>", "charges on their way to the gateway at once")
    .option("--data-dir <dir>", "keep state here: a killed run is taken up by the next one")
    .option("--results <file>", "write a row for each charge and each line that is none, NDJSON")
    .option("--quiet", "no live view")
    .option("--json", "the summary as JSON, and no live view")
    .addHelpText(
      "after",
      `\n${csvHelp}\n\nExit status: 0 all charges are final; 1 some wait for review, or something broke; 2 wrong usage, configuration or\ninput file; 130 interrupted, state kept.`,
    )
    .action(async (flags: RunFlags) => {
      process.exitCode = await run(readRunSettings(flags, process.env));
    });
};

const run = async (settings: RunSettings): Promise<ExitStatus> => {
  const file = await openChargeFile(settings.chargesFile);
  const gatewayName = gatewaysName(settings);
  const { dataDir } = settings;
  const before = dataDir === undefined ? undefined : readRunRecord(dataDir);
  if (dataDir !== undefined && before !== undefined)
    refuseOtherRun(dataDir, before, { path: file.path, identity: file.identity, gateway: gatewayName });
  for (const warning of settings.warnings) process.stderr.write(`warning: ${warning}\n`);

  const signals = watchStopSignals();
  const broken = new AbortController();
  const cut = stackFunctions(settings.concurrency, settings.policy, settings.gatewayTimeoutMs);
  const startedAt = performance.now();
  const stack = await startStack({
    dataDir,
    env: { ...settings.environment, CONCURRENCY: String(cut.concurrencyEach) },
    functions: cut.functions,
    bundlesDir: builtFile("../functions", "../dist/functions"),
    onFatal: (error) => broken.abort(error),
  });
  let sandboxes: Sandboxes | undefined;
  let entry: HttpEntry | undefined;
  let receiver: FunctionThread | undefined;
  let releaser: ReturnType<typeof startReleaser> | undefined;
  try {
    mkdirSync(stack.dataDir, { recursive: true });
    entry = await startHttpEntry();
    sandboxes = await startSandboxes(settings, stack.dataDir, entry.url);
    receiver = await startReceiver(stack, sandboxes, entry);
    releaser = await startRetries(stack, settings);
    return await work({
      settings,
      file,
      gatewayName,
      acceptedBytes: before?.charges.acceptedBytes ?? 0,
      stack,
      sandboxes,
      signals,
      broken: broken.signal,
      startedAt,
    });
  } finally {
    signals.force.addEventListener("abort", () => killFunctions(stack), { once: true });
    if (signals.force.aborted || broken.signal.aborted) killFunctions(stack);
    await stack.close();
    await sandboxes?.close();
    await entry?.close();
    await receiver?.stop();
    await releaser?.stop();
    signals.close();
  }
};

/** `release-retries`, as its schedule would call it, where the policy names a schedule of later attempts. */
const startRetries = async (
  stack: Stack,
  { environment, policy }: RunSettings,
): Promise<ReturnType<typeof startReleaser> | undefined> => {
  if (!retriesLater(policy)) return undefined;
  const thread = await startFunctionThread({
    functionName: "release-retries",
    bundle: join(builtFile("../functions", "../dist/functions"), "release-retries", "index.mjs"),
    env: { ...environment, ...stack.env },
    onLog: ({ line }) => appendFile(join(stack.dataDir, "retries.log"), `${line}\n`, () => {}),
  });
  return startReleaser(thread);
};

/** `receive-notices`, as its function URL would call it; only sandboxes can send to an address of this machine. */
const startReceiver = async (
  stack: Stack,
  { noticeVariables }: Sandboxes,
  entry: HttpEntry,
): Promise<FunctionThread | undefined> => {
  if (Object.keys(noticeVariables).length === 0) return undefined;
  const log = openSync(join(stack.dataDir, "notices.log"), "a", 0o600);
  const receiver = await startFunctionThread({
    functionName: "receive-notices",
    bundle: join(builtFile("../functions", "../dist/functions"), "receive-notices", "index.mjs"),
    env: { ...stack.env, ...noticeVariables },
    // A full disk must not end the run.
    onLog: ({ line }) => void write(log, `${line}\n`, () => {}),
  });
  entry.serve(receiver.invoke);
  return {
    ...receiver,
    async stop() {
      await receiver.stop();
      closeSync(log);
    },
  };
};

type RunParts = {
  readonly settings: RunSettings;
  readonly file: ChargeFile;
  readonly gatewayName: string;
  readonly acceptedBytes: number;
  readonly stack: Stack;
  readonly sandboxes: Sandboxes;
  readonly signals: StopSignals;
  readonly broken: AbortSignal;
  readonly startedAt: number;
};

const work = async (parts: RunParts): Promise<ExitStatus> => {
  const { settings, file, stack, sandboxes, signals, broken } = parts;
  const tally = createTally();
  const outcomes = openOutcomeLog(join(stack.dataDir, "outcomes"));
  for await (const { message, place } of outcomes.readBack()) tally.noteOutcome(message, place);

  const urlOf = (queue: QueueName): string =>
    stack.env[QUEUES.find(({ name }) => name === queue)?.variable ?? ""] ?? "";
  const ledger = dynamodbLedger(stack.dynamodb, stack.env["LEDGER_TABLE"] ?? "");
  const queues = sqsQueues({ client: stack.sqs, urlOf });
  await reopenDecided(tally, ledger);
  const over = new AbortController();
  const stopped = AbortSignal.any([signals.stop, broken, over.signal]);

  let sent = 0;
  let allSent = false;
  const endIfAllEnded = (): void => {
    if (allSent && tally.openCount() === 0) over.abort();
  };
  const waiting = watchWaiting(stack, ledger, stopped);
  const state = (): RunState => ({
    sent,
    allSent,
    ended: tally.items.length - tally.openCount(),
    open: tally.openCount(),
    counts: tally.counts(),
    ...waiting.now(),
  });
  const progress: Progress | undefined =
    settings.quiet || settings.json ? undefined : startProgress(process.stderr, state);

  const failed = new AbortController();
  const consumer = startOutcomeConsumer({
    sqs: stack.sqs,
    urlOf,
    ...(retriesLater(settings.policy) ? { except: "retryable-declines" as const } : {}),
    log: outcomes,
    tally,
    onNews: endIfAllEnded,
  });
  try {
    await stack.startFunctions(sandboxes.variables);
    const feeding = feedFile({
      file,
      acceptedBytes: parts.acceptedBytes,
      sqs: stack.sqs,
      queueUrl: urlOf("charges"),
      onLine: (line) => tally.noteLine(line),
      refuse: (line) => refuseLine(line, ledger, queues),
      onAccepted(bytes, lines) {
        sent += lines;
        if (settings.dataDir !== undefined)
          writeRunRecord(stack.dataDir, {
            v: 1,
            charges: { ...file.identity, path: file.path, acceptedBytes: bytes },
            gateway: parts.gatewayName,
          });
      },
      stop: stopped,
    }).then(
      () => {
        allSent = true;
        endIfAllEnded();
      },
      (error: unknown) => failed.abort(error),
    );
    await untilAborted(AbortSignal.any([stopped, failed.signal]));
    await feeding;
  } finally {
    progress?.stop();
    await waiting.stop();
  }
  // Read before the consumer stops, or it would hold a last batch for a poll's length.
  if (signals.stop.aborted) {
    process.stderr.write(`${stopNotice(signals.reason(), settings.dataDir)}\n`);
    await consumer.stop();
    outcomes.close();
    return exitStatus.interrupted;
  }
  await consumer.stop();
  const failure: unknown = broken.aborted
    ? broken.reason
    : failed.signal.aborted
      ? failed.signal.reason
      : undefined;
  if (failure !== undefined) {
    outcomes.close();
    throw failure;
  }

  const known = sandboxes.truth();
  const check = known && truthCheck(known);
  const totals = createRunTotals();
  const results = settings.resultsFile === undefined ? undefined : openResultsFile(settings.resultsFile);
  const seenLines = new Set<number>();
  await forEachRow(
    tally,
    ledger,
    (queue, place) => outcomes.messageAt(queue, place),
    totals,
    (row, entry) => {
      seenLines.add(row.line);
      results?.add(row);
      if (entry !== undefined) check?.see(entry);
    },
  );
  results?.close();
  outcomes.close();

  const truth = check?.result();
  const summary = {
    lines: tally.items.reduce((lines, { moreLines }) => lines + 1 + (moreLines?.length ?? 0), 0),
    totals,
    ...(truth === undefined ? {} : { truth }),
    ...(Object.keys(sandboxes.noticeVariables).length === 0 ? {} : { notices: sandboxes.notices() }),
    gatewayName: parts.gatewayName,
    elapsedMs: performance.now() - parts.startedAt,
  };
  if (summary.lines === 0) process.stderr.write(`warning: ${file.path}: holds no charge\n`);
  process.stdout.write(
    settings.json ? `${JSON.stringify(summaryJson(summary))}\n` : `${summaryText(summary)}\n`,
  );
  const wrong = truth !== undefined && (truth.disagreeing.length > 0 || truth.doubleCharges.length > 0);
  return totals.countOf("review") > 0 || wrong ? exitStatus.someInReview : exitStatus.allFinal;
};

const stopNotice = (reason: string, dataDir: string | undefined): string =>
  `stopped (${reason}): charges in progress come to their end; again: at once\n${
    dataDir === undefined
      ? "what this run knew is gone with it: it had no --data-dir"
      : `state is kept in ${dataDir}: the same command goes on from it`
  }`;

/** A line that no queue takes, or none may have, is refused here as a worker would refuse it: kept in the ledger, then told. */
const refuseLine = async (line: ChargeLine, ledger: Ledger, queues: Queues): Promise<void> => {
  if (line.unqueueable === undefined) return;
  const chargeId = parseChargeId(member(parseJson(line.body), "chargeId"));
  const rejection = {
    v: 1,
    ...(chargeId === undefined ? {} : { chargeId }),
    bodySha256: line.bodySha256,
    ...line.unqueueable,
    atMs: Date.now(),
  } as const;
  await ledger.reject(rejection);
  const { queue, message } = routeOfRejection(rejection, maskedText(line.body));
  await queues.send(queue, message);
};

/** What a person has decided since the last run is carried out by this one, and told. */
const reopenDecided = async (tally: Tally, ledger: Ledger): Promise<void> => {
  for (const [chargeId, entry] of await ledger.read(tally.inReview()))
    if (entry.state !== "review") tally.reopen(chargeId);
};

type Waiting = Pick<RunState, "unknown" | "pending" | "nextLookUpMs" | "longestWaitMs" | "closed">;

/** Asks the ledger now and then what is being found out. What cannot be asked is shown as it was. */
const watchWaiting = (
  stack: Stack,
  ledger: Ledger,
  stop: AbortSignal,
): { now(): Waiting; stop(): Promise<void> } => {
  let seen: Waiting = { unknown: 0, pending: 0 };
  const table = stack.env["LEDGER_TABLE"] ?? "";
  const book = paceReader(stack.dynamodb, table);
  const look = async (): Promise<void> => {
    const [unknown, pending, paces] = await Promise.all([
      readWork(stack.dynamodb, table, "unknown", 25),
      readWork(stack.dynamodb, table, "pending", 25),
      Promise.all(gatewayNames.map(async (gateway) => [gateway, await book.read(gateway)] as const)),
    ]);
    const first = [...unknown.first, ...pending.first];
    const entries =
      first.length === 0 ? [] : [...(await ledger.read(first.map(({ chargeId }) => chargeId))).values()];
    const nowMs = Date.now();
    seen = {
      unknown: unknown.count,
      pending: pending.count,
      closed: paces
        .filter(([, record]) => gateOf(record, nowMs).kind !== "open")
        .map(([gateway, record]) => `${gateway} ${paceText(record, nowMs)}`),
      ...(first.length === 0 ? {} : { nextLookUpMs: Math.min(...first.map(({ atMs }) => atMs)) - nowMs }),
      ...(entries.length === 0
        ? {}
        : { longestWaitMs: nowMs - Math.min(...entries.map(({ openedAtMs }) => openedAtMs)) }),
    };
  };
  let looking: Promise<void> = Promise.resolve();
  let busy = false;
  const timer = setInterval(() => {
    if (busy || stop.aborted) return;
    busy = true;
    looking = look()
      .catch(() => {})
      .finally(() => {
        busy = false;
      });
  }, waitingEveryMs);
  return {
    now: () => seen,
    async stop() {
      clearInterval(timer);
      await looking;
    },
  };
};

const entriesAtOnce = 100;

/** A row for each charge and each line that is none, in the order of the file. */
const forEachRow = async (
  tally: Tally,
  ledger: Ledger,
  refusalAt: (
    queue: "request-errors",
    place: { readonly offset: number; readonly bytes: number },
  ) => Parameters<typeof rowOfRefusal>[0] | undefined,
  totals: RunTotals,
  tell: (row: ResultRow, entry?: LedgerEntry) => void,
): Promise<void> => {
  const told = new Set<ChargeId>();
  const { items } = tally;
  for (let from = 0; from < items.length; from += entriesAtOnce) {
    const some = items.slice(from, from + entriesAtOnce);
    const charges = some.filter((item) => tally.refusalOf(item.body) === undefined);
    const entries = await ledger.read(charges.flatMap(({ chargeId }) => chargeId ?? []));
    for (const item of some) {
      const place = tally.refusalOf(item.body);
      if (place !== undefined) {
        const refusal = refusalAt("request-errors", place);
        if (refusal === undefined) throw new Error(`line ${item.line}: its refusal cannot be read back`);
        for (const line of linesOf(item)) {
          totals.addRefusal(refusal.outcome);
          tell(rowOfRefusal(refusal, line));
        }
        continue;
      }
      const entry = item.chargeId === undefined ? undefined : entries.get(item.chargeId);
      if (entry === undefined || told.has(entry.chargeId)) continue;
      told.add(entry.chargeId);
      totals.addCharge(entry);
      tell(rowOfEntry(entry, item.line), entry);
    }
  }
};

const linesOf = (item: Item): readonly number[] => [item.line, ...(item.moreLines ?? [])];

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });

const killFunctions = (stack: Stack): void => {
  for (const pid of stack.hostPids()) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended.
    }
  }
};
