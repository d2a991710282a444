import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { failedMessages } from "./batch-response.ts";
import {
  type FunctionLogLine,
  type FunctionProcess,
  type InvocationEnd,
  startFunctionProcess,
} from "./function-process.ts";
import { sqsEvent } from "./sqs-event.ts";

/** Short, so that stopping need not abort a poll: an aborted long poll swallows a message. */
const POLL_SECONDS = 1;
/** A poll this much over its time hangs; aborting it costs at worst one visibility time-out. */
const POLL_GRACE_MS = 15_000;
const CALL_DEADLINE_MS = 10_000;
/** The most that SQS gives or takes in one call. */
const SQS_BATCH = 10;
/** Pause between looks into the queue while a batching window is open. */
const WINDOW_PAUSE_MS = 20;
const DELETE_ATTEMPTS = 3;
const FAULT_PAUSE_MS = 200;
const FAULT_PAUSE_MAX_MS = 5_000;
/** Starts in a row that may fail before the function counts as unable to start. */
const START_ATTEMPTS = 3;
const START_PAUSE_MS = 200;

export interface InvocationReport {
  readonly functionName: string;
  readonly pid: number;
  readonly messages: number;
  readonly failed: number;
  readonly durationMs: number;
  readonly end: InvocationEnd["kind"];
  /** What the handler threw, or how its process ended. */
  readonly reason?: string;
}

export interface EventSourceOptions {
  readonly sqs: SQSClient;
  readonly queueUrl: string;
  /** Asked of the queue where not given. */
  readonly queueArn?: string | undefined;
  readonly functionName: string;
  /** Path of the built bundle that exports `handler`. */
  readonly bundle: string;
  /** The function's whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Processes that run the function, each one batch at a time (the mapping's maximum concurrency). */
  readonly workers: number;
  /** Most messages of one invocation; more than ten are collected by several receives. */
  readonly batchSize: number;
  /** How long, from the first message of a batch, more are waited for; 0 takes what is there. */
  readonly batchingWindowMs: number;
  /** A handler that takes longer is killed. Must not exceed the queue's visibility time-out. */
  readonly functionTimeoutMs: number;
  readonly onLog: (line: FunctionLogLine) => void;
  readonly onInvocation?: ((report: InvocationReport) => void) | undefined;
  /** Told once if, later on, the function cannot be started any more; the event source has then stopped. */
  readonly onFatal?: ((error: FunctionUnstartable) => void) | undefined;
  /** Told of each process as it starts and as it has ended. */
  readonly onSpawn?: ((pid: number) => void) | undefined;
  readonly onExit?: ((pid: number) => void) | undefined;
}

export interface EventSourceStats {
  /** Messages received, and what became of them. `failed` ones come back after their visibility time-out. */
  readonly received: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Messages received while stopping and given back at once. */
  readonly givenBack: number;
  /** Succeeded messages that SQS would not delete; they are delivered again. */
  readonly undeleted: number;
  readonly invocations: number;
  readonly timeouts: number;
  /** Function processes that were started in place of one that ended. */
  readonly restarts: number;
  /** Calls to SQS that failed. */
  readonly queueFaults: number;
  /** Invocations that run now. */
  readonly running: number;
}

export interface EventSource {
  stats(): EventSourceStats;
  /** The processes of the function that run now. */
  hostPids(): number[];
  /**
   * Stops polling, lets running invocations end (each is bounded by the function's time-out; `withinMs` ends
   * them by force earlier, which may leave a charge unknown), deletes what succeeded, ends the processes.
   */
  stop(withinMs?: number): Promise<void>;
}

/** The function's process ends before it can take an event, repeatedly; the message has its stderr. */
export class FunctionUnstartable extends Error {
  override readonly name = "FunctionUnstartable";
}

/** The mapping is one that Lambda would refuse, too. */
export class EventSourceRefused extends Error {
  override readonly name = "EventSourceRefused";
}

/**
 * Feeds a function from a queue as Lambda's event source mapping does: receives, builds the `SQSEvent`,
 * invokes, and deletes what did not fail. What failed (by the function's answer, or the whole batch when it
 * threw, timed out or died) is left for its visibility time-out.
 *
 * Resolves when every worker's process has the bundle imported. Throws `FunctionUnstartable` when that fails
 * three times in a row, `EventSourceRefused` when the function may run longer than a message stays hidden,
 * and what the SDK throws when the queue cannot be asked.
 *
 * Unlike Lambda it does not split batches at 6 MB, and scales neither up nor down.
 */
export async function startEventSource(options: EventSourceOptions): Promise<EventSource> {
  const queueArn = await checkedQueueArn(options);
  const counts = {
    received: 0,
    succeeded: 0,
    failed: 0,
    givenBack: 0,
    undeleted: 0,
    invocations: 0,
    timeouts: 0,
    restarts: 0,
    queueFaults: 0,
    running: 0,
  };
  const processes = new Set<FunctionProcess>();
  const stopping = new AbortController();
  let fatal: FunctionUnstartable | null = null;

  const spawn = (): FunctionProcess => {
    const { functionName, bundle, env, onLog } = options;
    const spawned = startFunctionProcess({ functionName, bundle, env, onLog });
    processes.add(spawned);
    options.onSpawn?.(spawned.pid);
    void spawned.ended.then(() => {
      processes.delete(spawned);
      options.onExit?.(spawned.pid);
    });
    return spawned;
  };

  /** A process with the bundle imported, or null when there will be none any more. */
  const startOne = async (): Promise<FunctionProcess | null> => {
    for (let attempt = 1; !stopping.signal.aborted; attempt++) {
      const spawned = spawn();
      const failure = await spawned.started;
      if (failure === null) return spawned;
      await spawned.ended;
      if (attempt >= START_ATTEMPTS) {
        // One function, one cause: the first worker that gives up speaks for all.
        fatal ??= new FunctionUnstartable(`function ${options.functionName} cannot start: ${failure}`);
        stopping.abort();
        break;
      }
      await pause(START_PAUSE_MS * attempt, stopping.signal);
    }
    return null;
  };

  const receive = async (most: number, waitSeconds: number): Promise<Message[]> => {
    const answer = await options.sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: options.queueUrl,
        MaxNumberOfMessages: Math.min(most, SQS_BATCH),
        WaitTimeSeconds: waitSeconds,
        MessageSystemAttributeNames: ["All"],
        MessageAttributeNames: ["All"],
      }),
      { abortSignal: AbortSignal.timeout(waitSeconds * 1_000 + POLL_GRACE_MS) },
    );
    counts.received += answer.Messages?.length ?? 0;
    return answer.Messages ?? [];
  };

  /** One batch; empty when nothing came during a poll. Throws only when nothing at all was received. */
  const collect = async (): Promise<Message[]> => {
    const batch = await receive(options.batchSize, POLL_SECONDS);
    const closesAt = performance.now() + options.batchingWindowMs;
    while (batch.length > 0 && batch.length < options.batchSize && !stopping.signal.aborted) {
      const windowLeftMs = closesAt - performance.now();
      // Without a window a batch of up to ten is what one receive gave, and a larger one what is there.
      if (options.batchingWindowMs === 0 && batch.length % SQS_BATCH !== 0) break;
      if (options.batchingWindowMs > 0 && windowLeftMs <= 0) break;
      let more: Message[];
      try {
        more = await receive(options.batchSize - batch.length, 0);
      } catch {
        counts.queueFaults++;
        break;
      }
      batch.push(...more);
      if (more.length > 0) continue;
      if (options.batchingWindowMs === 0) break;
      await pause(Math.min(WINDOW_PAUSE_MS, Math.max(0, closesAt - performance.now())), stopping.signal);
    }
    return batch;
  };

  const giveBack = async (batch: readonly Message[]): Promise<void> => {
    counts.givenBack += batch.length;
    await inTens(batch, async (entries) => {
      await options.sqs.send(
        new ChangeMessageVisibilityBatchCommand({
          QueueUrl: options.queueUrl,
          Entries: entries.map((message, index) => ({
            Id: String(index),
            ReceiptHandle: message.ReceiptHandle,
            VisibilityTimeout: 0,
          })),
        }),
        { abortSignal: AbortSignal.timeout(CALL_DEADLINE_MS) },
      );
    }).catch(() => {
      // They come back by themselves after their visibility time-out.
      counts.queueFaults++;
    });
  };

  /** Deletes messages; those that SQS would not delete after three attempts are counted and come back. */
  const remove = async (messages: readonly Message[]): Promise<void> => {
    let left = [...messages];
    for (let attempt = 1; left.length > 0 && attempt <= DELETE_ATTEMPTS; attempt++) {
      if (attempt > 1) await pause(FAULT_PAUSE_MS * (attempt - 1));
      const undeleted: Message[] = [];
      await inTens(left, async (entries) => {
        try {
          const answer = await options.sqs.send(
            new DeleteMessageBatchCommand({
              QueueUrl: options.queueUrl,
              Entries: entries.map((message, index) => ({
                Id: String(index),
                ReceiptHandle: message.ReceiptHandle,
              })),
            }),
            { abortSignal: AbortSignal.timeout(CALL_DEADLINE_MS) },
          );
          for (const failure of answer.Failed ?? []) {
            const entry = entries[Number(failure.Id)];
            if (entry) undeleted.push(entry);
          }
        } catch {
          counts.queueFaults++;
          undeleted.push(...entries);
        }
      });
      left = undeleted;
    }
    counts.undeleted += left.length;
  };

  const invoke = async (host: FunctionProcess, batch: readonly Message[]): Promise<readonly Message[]> => {
    const startedAt = performance.now();
    counts.invocations++;
    counts.running++;
    const end = await host.invoke(sqsEvent(batch, queueArn), options.functionTimeoutMs);
    counts.running--;
    const ids = batch.map((message) => message.MessageId ?? "");
    const failed = end.kind === "returned" ? failedMessages(end.result, ids) : new Set(ids);
    if (end.kind === "timedOut") counts.timeouts++;
    counts.failed += failed.size;
    counts.succeeded += batch.length - failed.size;
    options.onInvocation?.({
      functionName: options.functionName,
      pid: host.pid,
      messages: batch.length,
      failed: failed.size,
      durationMs: performance.now() - startedAt,
      end: end.kind,
      ...reasonOf(end),
    });
    return batch.filter((message) => !failed.has(message.MessageId ?? ""));
  };

  const work = async (first: FunctionProcess): Promise<void> => {
    let host = first;
    let faultPauseMs = FAULT_PAUSE_MS;
    let deleting: Promise<void> = Promise.resolve();
    while (!stopping.signal.aborted) {
      if (!host.usable()) {
        await host.ended;
        counts.restarts++;
        const next = await startOne();
        if (!next) break;
        host = next;
      }
      let batch: Message[];
      try {
        batch = await collect();
        faultPauseMs = FAULT_PAUSE_MS;
      } catch {
        counts.queueFaults++;
        await pause(faultPauseMs, stopping.signal);
        faultPauseMs = Math.min(faultPauseMs * 2, FAULT_PAUSE_MAX_MS);
        continue;
      }
      if (batch.length === 0) continue;
      if (stopping.signal.aborted || !host.usable()) {
        await giveBack(batch);
        continue;
      }
      const done = await invoke(host, batch);
      // The next batch need not wait for these deletions, but they must not pile up.
      await deleting;
      deleting = remove(done);
    }
    await deleting;
  };

  const first = await Promise.all(Array.from({ length: options.workers }, startOne));
  const endProcesses = () => Promise.all([...processes].map((process) => process.stop()));
  if (fatal) {
    await endProcesses();
    throw fatal;
  }
  const working = Promise.all(first.filter((host) => host !== null).map(work)).then(async () => {
    if (!fatal) return;
    await endProcesses();
    options.onFatal?.(fatal);
  });

  return {
    stats: () => ({ ...counts }),
    hostPids: () => [...processes].map((process) => process.pid),
    async stop(withinMs = Number.POSITIVE_INFINITY) {
      stopping.abort();
      const force = Number.isFinite(withinMs) ? setTimeout(() => void endProcesses(), withinMs) : undefined;
      await working;
      clearTimeout(force);
      await endProcesses();
    },
  };
}

async function checkedQueueArn(options: EventSourceOptions): Promise<string> {
  const answer = await options.sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: options.queueUrl,
      AttributeNames: ["QueueArn", "VisibilityTimeout"],
    }),
    { abortSignal: AbortSignal.timeout(CALL_DEADLINE_MS) },
  );
  const visibilityMs = Number(answer.Attributes?.VisibilityTimeout ?? 0) * 1_000;
  if (visibilityMs < options.functionTimeoutMs) {
    throw new EventSourceRefused(
      `function ${options.functionName} may run ${options.functionTimeoutMs} ms, longer than its queue hides ` +
        `a message (${visibilityMs} ms): it would be delivered again while it is worked on`,
    );
  }
  return options.queueArn ?? answer.Attributes?.QueueArn ?? "";
}

function reasonOf(end: InvocationEnd): { reason?: string } {
  if (end.kind === "threw") return { reason: `${end.error.name}: ${end.error.message}` };
  if (end.kind === "died") return { reason: end.how };
  return {};
}

async function inTens<T>(items: readonly T[], act: (some: T[]) => Promise<void>): Promise<void> {
  const calls: Promise<void>[] = [];
  for (let from = 0; from < items.length; from += SQS_BATCH)
    calls.push(act(items.slice(from, from + SQS_BATCH)));
  await Promise.all(calls);
}

/** Waits, or until the signal. */
function pause(ms: number, until?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (until?.aborted) return resolve();
    const over = () => {
      clearTimeout(timer);
      until?.removeEventListener("abort", over);
      resolve();
    };
    const timer = setTimeout(over, ms);
    until?.addEventListener("abort", over, { once: true });
  });
}
