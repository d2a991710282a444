import { mkdirSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { SQSClient } from "@aws-sdk/client-sqs";
import { type ConsumedQueueName, QUEUES } from "../../lib/core/queues.ts";
import { bootstrap } from "../bootstrap.ts";
import { type DataDir, openDataDir } from "./data-dir.ts";
import { startDynamodbStandIn } from "./dynamodb-stand-in.ts";
import {
  type EventSource,
  type EventSourceStats,
  type FunctionUnstartable,
  type InvocationReport,
  startEventSource,
} from "./event-source.ts";
import type { FunctionLogLine } from "./function-process.ts";
import { LOCAL_CREDENTIALS, LOCAL_REGION, localClients } from "./local-clients.ts";
import { startSqsStandIn } from "./sqs-stand-in.ts";

export interface StackFunction {
  /** The bundle is `<bundlesDir>/<name>/index.mjs`. */
  readonly name: string;
  readonly queue: ConsumedQueueName;
  readonly batchSize: number;
  readonly batchingWindowMs: number;
  readonly timeoutMs: number;
  /** Processes that run it. */
  readonly workers: number;
  /**
   * How long a message that was received stays hidden, in whole seconds; by default the time-out plus 5 s.
   * (Six times the time-out in AWS; here a killed run's messages should come back soon.)
   */
  readonly visibilitySeconds?: number | undefined;
}

export interface StackOptions {
  /** Where state lives; without it everything is in memory and gone at `close`. */
  readonly dataDir?: string | undefined;
  /** Variables the functions get beside the stack's own, which win. Nothing else of this process's is passed. */
  readonly env: Readonly<Record<string, string>>;
  /** Of queue and table names; none by default. */
  readonly prefix?: string | undefined;
  readonly functions: readonly StackFunction[];
  /** The folder of the built bundles. */
  readonly bundlesDir: string;
  /** Lines that functions write; appended to `functions.log` in the data dir where not given. */
  readonly onLog?: ((line: FunctionLogLine) => void) | undefined;
  readonly onInvocation?: ((report: InvocationReport) => void) | undefined;
  /** Told once when a part broke down beyond repair: the caller closes the stack and reports. */
  readonly onFatal?: ((error: Error) => void) | undefined;
}

export interface Stack {
  readonly sqs: SQSClient;
  readonly dynamodb: DynamoDBClient;
  /** Everything a function needs to work on this stack: the caller's variables, addresses, credentials. */
  readonly env: Readonly<Record<string, string>>;
  /** Absolute path of the data dir. */
  readonly dataDir: string;
  /**
   * Starts the event sources, with `more` beside the variables that the stack was given (a gateway's address
   * may be known only now). Resolves when every function's processes are ready; throws
   * `FunctionUnstartable` (with what the function wrote) when one cannot start.
   */
  startFunctions(more?: Readonly<Record<string, string>>): Promise<void>;
  stats(): Record<string, EventSourceStats>;
  /** The function processes that run now. */
  hostPids(): number[];
  /** The processes of the stand-ins. */
  standInPids(): number[];
  /**
   * Stops polling, lets running invocations end (at most their time-out; `withinMs` ends them by force
   * earlier), then ends the function processes, the stand-ins, and gives the data dir up. May be called
   * twice.
   */
  close(withinMs?: number): Promise<void>;
}

/**
 * Starts the embedded stack: SQS and DynamoDB stand-ins, the queues and the table on them, and a data dir
 * that belongs to this process alone. Throws `DataDirInUse`, `StandInUnavailable`, `BootstrapConflict`;
 * nothing is left running then.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const dataDir = await openDataDir(options.dataDir);
  const undo: (() => Promise<void> | void)[] = [() => dataDir.close()];
  const undoAll = async () => {
    for (let last = undo.pop(); last; last = undo.pop()) await last();
  };
  try {
    return await build(options, dataDir, undo, undoAll);
  } catch (error) {
    await undoAll();
    throw error;
  }
}

async function build(
  options: StackOptions,
  dataDir: DataDir,
  undo: (() => Promise<void> | void)[],
  undoAll: () => Promise<void>,
): Promise<Stack> {
  let fatalTold = false;
  const tellFatal = (error: Error) => {
    if (fatalTold) return;
    fatalTold = true;
    options.onFatal?.(error);
  };

  const standIns = await startStandIns(dataDir, undo);
  for (const standIn of [standIns.sqs, standIns.dynamodb]) {
    void standIn.brokeDown.then((how) => tellFatal(new Error(how)));
  }
  const endpoints = { sqs: standIns.sqs.endpoint, dynamodb: standIns.dynamodb.endpoint };
  const clients = localClients(endpoints);
  undo.push(() => clients.destroy());

  const addresses = await bootstrap(clients, options.prefix ?? "", {
    visibilitySeconds: Object.fromEntries(
      options.functions.map((one) => [
        one.queue,
        one.visibilitySeconds ?? Math.ceil(one.timeoutMs / 1_000) + 5,
      ]),
    ),
  });
  const env: Record<string, string> = {
    ...options.env,
    ...addresses,
    AWS_ENDPOINT_URL_SQS: endpoints.sqs,
    AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodb,
    AWS_REGION: LOCAL_REGION,
    AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
  };
  const onLog = options.onLog ?? (await functionsLog(dataDir, undo));

  const sources = new Map<string, EventSource>();
  const startSource = async (one: StackFunction, more: Readonly<Record<string, string>>): Promise<void> => {
    const variable = QUEUES.find((queue) => queue.name === one.queue)?.variable ?? "";
    const source = await startEventSource({
      sqs: clients.sqs,
      queueUrl: addresses[variable] ?? "",
      functionName: one.name,
      bundle: join(options.bundlesDir, one.name, "index.mjs"),
      env: { ...more, ...env },
      workers: one.workers,
      batchSize: one.batchSize,
      batchingWindowMs: one.batchingWindowMs,
      functionTimeoutMs: one.timeoutMs,
      onLog,
      onInvocation: options.onInvocation,
      onFatal: (error: FunctionUnstartable) => tellFatal(error),
      onSpawn: (pid) => dataDir.noteChild(pid),
      onExit: (pid) => dataDir.forgetChild(pid),
    });
    sources.set(one.name, source);
  };

  let starting: Promise<unknown> = Promise.resolve();
  let closing: Promise<void> | null = null;
  return {
    sqs: clients.sqs,
    dynamodb: clients.dynamodb,
    env,
    dataDir: dataDir.path,
    async startFunctions(more = {}) {
      const started = Promise.allSettled(options.functions.map((one) => startSource(one, more)));
      starting = started;
      for (const one of await started) if (one.status === "rejected") throw one.reason;
    },
    stats: () => Object.fromEntries([...sources].map(([name, source]) => [name, source.stats()])),
    hostPids: () => [...sources.values()].flatMap((source) => source.hostPids()),
    standInPids: () => [standIns.sqs.pid, standIns.dynamodb.pid].filter((pid) => pid !== null),
    close(withinMs) {
      closing ??= (async () => {
        await starting;
        await Promise.all([...sources.values()].map((source) => source.stop(withinMs)));
        await undoAll();
      })();
      return closing;
    },
  };
}

/** Both at once; when one does not start, the other is closed with the rest. */
async function startStandIns(dataDir: DataDir, undo: (() => Promise<void> | void)[]) {
  // A temporary dir's state would be thrown away at close: memory is quicker.
  const at = (name: string) => (dataDir.temporary ? undefined : join(dataDir.path, name));
  const [sqs, dynamodb] = await Promise.allSettled([
    startSqsStandIn({ folder: at("sqs") }),
    startDynamodbStandIn({ file: at("ledger.db"), onSpawn: (pid) => dataDir.noteChild(pid) }),
  ]);
  for (const standIn of [sqs, dynamodb]) {
    if (standIn.status !== "fulfilled") continue;
    const { pid, close } = standIn.value;
    undo.push(async () => {
      await close();
      if (pid !== null) dataDir.forgetChild(pid);
    });
  }
  if (sqs.status === "rejected") throw sqs.reason;
  if (dynamodb.status === "rejected") throw dynamodb.reason;
  if (sqs.value.pid !== null) dataDir.noteChild(sqs.value.pid);
  return { sqs: sqs.value, dynamodb: dynamodb.value };
}

async function functionsLog(
  dataDir: DataDir,
  undo: (() => Promise<void> | void)[],
): Promise<(line: FunctionLogLine) => void> {
  mkdirSync(dataDir.path, { recursive: true });
  const file = await open(join(dataDir.path, "functions.log"), "a", 0o600);
  const stream = file.createWriteStream();
  // A full disk must not end the run; the lines are lost, the ledger is not.
  stream.on("error", () => {});
  undo.push(() => new Promise<void>((resolve) => stream.end(() => resolve())));
  return ({ line }) => {
    stream.write(`${line}\n`);
  };
}
