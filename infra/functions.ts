import type { IndexName } from "../lib/adapters/ledger-item.ts";
import { CHARGE_QUEUES, QUEUES, type QueueName } from "../lib/core/queues.ts";
import { outcomeQueues } from "../lib/core/verdict.ts";
import {
  type CredentialName,
  credentialNames,
  noticeCredentialNames,
  noticeSettingNames,
  retryQueues,
  retrySettingNames,
  type SettingName,
  settingNames,
} from "../lib/settings.ts";
import { VISIBILITY_TIMEOUTS } from "./queue-limits.ts";

/** What starts a function. The queue of a queue function is the one whose `consumedBy` names it. */
export type Trigger =
  | {
      readonly kind: "queue";
      /** messages of one invocation, at the most */
      batchSize(durations: Durations): number;
      /** how long Lambda collects a batch; a batch of more than ten needs at least 1 */
      readonly batchingWindowSeconds: number;
      /** invocations at once, from 2 on; where a user may say so, this is the default */
      readonly invocationsMax: number;
    }
  | { readonly kind: "schedule"; readonly everyMinutes: number }
  /** a route of the HTTP entry, payload format 2.0 */
  | { readonly kind: "http"; readonly method: "POST"; readonly path: string }
  /** an address of its own, for callers whom IAM has named */
  | { readonly kind: "url" };

/** What the time-out of a function is derived from. */
export type Durations = {
  /** one charge at the worst, `worstCaseMsOf` the settings */
  readonly worstCaseMs: number;
  /** charges at once in one invocation */
  readonly concurrency: number;
};

export type FunctionRow = {
  /** `functions/<name>.ts`, and the bundle's folder */
  readonly name: string;
  readonly trigger: Trigger;
  /** what it is given beside the ledger's table: addresses of queues, settings, credentials */
  readonly reads: {
    readonly queues: readonly QueueName[];
    readonly settings: readonly SettingName[];
    readonly credentials: readonly CredentialName[];
  };
  /** whether it charges or looks up, and so has to come from an address that the gateways know */
  readonly callsGateways: boolean;
  /** DynamoDB actions on the table */
  readonly table: readonly string[];
  /** indexes of the table that it queries */
  readonly indexes: readonly IndexName[];
  /** queues that it sends to */
  readonly sendsTo: readonly QueueName[];
  /** queues of which it hides messages that it gives back, or shows hidden ones again */
  readonly hides: readonly QueueName[];
  timeoutMs(durations: Durations): number;
  /** its queue is the merchant's to read until the policy names a schedule of later attempts */
  readonly worksWith?: "retrySchedule";
  /** queues whose messages it looks at and gives back, without deleting any */
  readonly looksInto?: readonly QueueName[];
  /** whether it asks how full each queue is, dead-letter queues among them */
  readonly countsQueues?: boolean;
  /** whether it puts reports into their bucket, and is given its address */
  readonly writesReports?: boolean;
  /** it is there where the stack wants it */
  readonly onlyWith?: "reviewDesk";
  /** what it may keep on its disk, MB, where that is more than Lambda gives by itself */
  readonly diskMb?: number;
};

/** What of the policy decides whether a function is at work. */
export type AtWork = { readonly retrySchedule: boolean };

const overheadMs = 5_000;
/** Where turns are given out by the minute a charge may wait for its own before it is begun. */
const turnHoldMs = 15_000;
/** What a round of look-ups may take before it has to end. */
const scanMs = 60_000;
/**
 * Charges of one invocation. A batch costs one page in the ledger (`dynamodb-pages.ts`) and one invocation, so a larger
 * one is cheaper. 20 is as many as still go into one request to the ledger, which takes 24 beside their page, and fill
 * SQS's requests of ten. More than may be on their way at once would only wait for each other.
 */
const submitBatchOf = ({ concurrency }: Durations): number => Math.min(20, Math.max(10, concurrency));

/** What a worker of charges reads. */
const worker = {
  reads: {
    queues: CHARGE_QUEUES.map(({ name }) => name),
    settings: settingNames,
    credentials: credentialNames,
  },
  callsGateways: true,
} as const;

/** What compares ledger and gateways. */
const reconciler = {
  ...worker,
  table: ["BatchGetItem", "GetItem", "PartiQLInsert", "PartiQLUpdate", "PutItem", "Query"],
  indexes: [],
  // What it closes is told by its own message, which is woken.
  hides: ["unknown-outcomes"],
} as const;

/**
 * The functions that are deployed, in one list: time-outs, triggers, permissions and alarms follow from its
 * rows. A row names exactly the actions that its bundle's SDK calls need; `test/aws/permissions.test.ts` reads
 * them from the code and compares.
 */
export const FUNCTIONS = [
  {
    name: "submit-charges",
    trigger: { kind: "queue", batchSize: submitBatchOf, batchingWindowSeconds: 1, invocationsMax: 4 },
    ...worker,
    table: ["BatchGetItem", "GetItem", "PartiQLInsert", "PartiQLUpdate", "PutItem", "Query"],
    indexes: [],
    sendsTo: outcomeQueues,
    hides: ["charges"],
    // What is begun must have time for its worst case, or it is given back and never sent.
    timeoutMs: (durations) =>
      Math.ceil(submitBatchOf(durations) / durations.concurrency) * durations.worstCaseMs +
      turnHoldMs +
      overheadMs,
  },
  {
    name: "resolve-unknowns",
    // As many as it can get, so that one scan of the feed serves a whole outage.
    trigger: { kind: "queue", batchSize: () => 1_000, batchingWindowSeconds: 5, invocationsMax: 2 },
    ...worker,
    table: ["BatchGetItem", "GetItem", "PartiQLInsert", "PartiQLUpdate", "PutItem", "Query"],
    indexes: [],
    sendsTo: outcomeQueues,
    hides: ["unknown-outcomes"],
    timeoutMs: ({ worstCaseMs }) => scanMs + 2 * worstCaseMs + overheadMs,
  },
  {
    name: "receive-notices",
    trigger: { kind: "http", method: "POST", path: "/notices/{gateway}" },
    reads: {
      queues: ["unknown-outcomes"],
      settings: noticeSettingNames,
      credentials: noticeCredentialNames,
    },
    // It asks for keys that are public, from wherever it is.
    callsGateways: false,
    table: ["PutItem"],
    indexes: [],
    sendsTo: ["unknown-outcomes"],
    hides: [],
    timeoutMs: () => 20_000,
  },
  {
    name: "reconcile",
    // It puts the windows that are due onto their queue. Without that queue it would work them, so it may do both.
    trigger: { kind: "schedule", everyMinutes: 30 },
    ...reconciler,
    reads: { ...worker.reads, queues: QUEUES.map(({ name }) => name) },
    sendsTo: ["review", "reconcile-windows"],
    timeoutMs: () => 120_000,
  },
  {
    name: "reconcile-window",
    // One window an invocation: it has all of its time, and all of its disk.
    trigger: { kind: "queue", batchSize: () => 1, batchingWindowSeconds: 0, invocationsMax: 5 },
    ...reconciler,
    sendsTo: ["review"],
    timeoutMs: () => timeoutMaxMs,
    // About ten million charges of one window with their rows.
    diskMb: 2_048,
  },
  {
    name: "write-reports",
    // Not in one turn with `reconcile`, whose windows are worked for minutes then.
    trigger: { kind: "schedule", everyMinutes: 20 },
    reads: { queues: [], settings: [], credentials: [] },
    callsGateways: false,
    table: ["BatchGetItem", "PutItem", "Query"],
    indexes: [],
    sendsTo: [],
    hides: [],
    writesReports: true,
    timeoutMs: () => timeoutMaxMs,
    // About half a million findings of one day with their histories.
    diskMb: 2_048,
  },
  {
    name: "schedule-retries",
    trigger: { kind: "queue", batchSize: () => 10, batchingWindowSeconds: 0, invocationsMax: 2 },
    worksWith: "retrySchedule",
    reads: { queues: retryQueues, settings: retrySettingNames, credentials: [] },
    callsGateways: false,
    table: ["BatchGetItem", "GetItem", "PutItem"],
    indexes: [],
    sendsTo: ["permanent-declines"],
    hides: ["retryable-declines"],
    timeoutMs: () => 60_000,
  },
  {
    name: "release-retries",
    // Without a schedule, too: what was scheduled before it was taken away has to be told.
    trigger: { kind: "schedule", everyMinutes: 5 },
    reads: { queues: retryQueues, settings: retrySettingNames, credentials: [] },
    callsGateways: false,
    table: ["BatchGetItem", "GetItem", "PutItem"],
    indexes: ["work"],
    sendsTo: ["charges", "permanent-declines", "retryable-declines"],
    hides: [],
    timeoutMs: () => 240_000,
  },
  {
    name: "gauge-money",
    trigger: { kind: "schedule", everyMinutes: 5 },
    reads: { queues: [], settings: [], credentials: [] },
    callsGateways: false,
    table: ["BatchGetItem", "GetItem"],
    indexes: ["work"],
    sendsTo: [],
    hides: [],
    timeoutMs: () => 60_000,
  },
  {
    name: "pack-worklist",
    trigger: { kind: "schedule", everyMinutes: 5 },
    reads: { queues: [], settings: [], credentials: [] },
    callsGateways: false,
    table: ["BatchGetItem", "GetItem", "PutItem", "Query"],
    indexes: ["desk"],
    sendsTo: [],
    hides: [],
    // A page after the other: a hundred thousand charges that come at once take two minutes.
    timeoutMs: () => 240_000,
  },
  {
    name: "review-desk",
    onlyWith: "reviewDesk",
    trigger: { kind: "url" },
    ...worker,
    reads: { ...worker.reads, queues: QUEUES.map(({ name }) => name) },
    table: ["BatchGetItem", "GetItem", "PartiQLInsert", "PartiQLUpdate", "PutItem", "Query"],
    indexes: ["desk", "work"],
    // A decision puts the charge's own message back; it tells no unknown.
    sendsTo: ["charges", ...outcomeQueues.filter((name) => name !== "unknown-outcomes")],
    hides: ["review"],
    looksInto: ["review"],
    countsQueues: true,
    timeoutMs: () => 60_000,
  },
] as const satisfies readonly FunctionRow[];

/** Whether a function is there in a stack with these parts. */
export const isThere = (row: FunctionRow, wanted: { readonly reviewDesk?: boolean }): boolean =>
  row.onlyWith === undefined || wanted[row.onlyWith] === true;

export type FunctionName = (typeof FUNCTIONS)[number]["name"];

/** The queue that a function works. Throws for one that works none: its row says otherwise than `QUEUES`. */
export const queueWorkedBy = (functionName: string): QueueName => {
  const queue = QUEUES.find(({ consumedBy }) => consumedBy === functionName);
  if (queue === undefined) throw new Error(`${functionName} is started by a queue, and no queue names it`);
  return queue.name;
};

/** The function of the list that works a queue; none where it is the merchant's to read. */
export const workerOf = (queueName: QueueName): FunctionName | undefined => {
  const consumedBy = QUEUES.find(({ name }) => name === queueName)?.consumedBy;
  return FUNCTIONS.find(({ name }) => name === consumedBy)?.name;
};

/** Lambda's longest time-out: settings by which a function would take longer are refused. */
export const timeoutMaxMs = 900_000;

/** The time-out of a function, which Lambda takes in whole seconds. */
export const timeoutSecondsOf = (row: Pick<FunctionRow, "timeoutMs">, durations: Durations): number =>
  Math.ceil(row.timeoutMs(durations) / 1_000);

/**
 * How long a message that a function received stays hidden, in seconds: six of its time-outs, and the wait for its
 * batch. `undefined` where nobody but the merchant works the queue.
 */
export const visibilitySecondsOf = (queueName: QueueName, durations: Durations): number | undefined => {
  const row = FUNCTIONS.find(({ name }) => name === workerOf(queueName));
  return row?.trigger.kind === "queue"
    ? VISIBILITY_TIMEOUTS * timeoutSecondsOf(row, durations) + row.trigger.batchingWindowSeconds
    : undefined;
};

/** Whether a function is at work in a stack with this policy. */
export const isAtWork = ({ worksWith }: Pick<FunctionRow, "worksWith">, atWork: AtWork): boolean =>
  worksWith === undefined || atWork[worksWith];

/** Whether a queue is worked in a stack with this policy; what is not, the merchant reads. */
export const isWorked = (queueName: QueueName, atWork: AtWork): boolean => {
  const row: FunctionRow | undefined = FUNCTIONS.find(({ name }) => name === workerOf(queueName));
  return row !== undefined && isAtWork(row, atWork);
};
