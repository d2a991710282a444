import type { Gateway } from "../../lib/core/gateway.ts";
import type { JsonObject } from "../../lib/core/json.ts";
import type { LedgerEntry } from "../../lib/core/ledger.ts";
import type { Policy } from "../../lib/core/policy.ts";
import type { QueueName } from "../../lib/core/queues.ts";
import type { RouteMessage } from "../../lib/core/route-message.ts";
import { resolveUnknowns } from "../../lib/flows/resolve-unknowns.ts";
import { submitCharges } from "../../lib/flows/submit-charge.ts";
import type {
  Clock,
  Delivery,
  DeliveryEnd,
  InstrumentBook,
  Ledger,
  Queues,
  RetryBook,
  Wire,
} from "../../lib/ports.ts";
import { type ManualClock, manualClock } from "../doubles/manual-clock.ts";
import { type LedgerFault, type MemoryLedger, memoryLedger } from "../doubles/memory-ledger.ts";
import { type MemoryLog, memoryLog } from "../doubles/memory-log.ts";
import { type MemoryNotices, memoryNotices } from "../doubles/memory-notices.ts";
import { type MemoryPace, memoryPace } from "../doubles/memory-pace.ts";
import { type MemoryQueues, memoryQueues, type QueueFault } from "../doubles/memory-queues.ts";
import {
  type Act,
  type ScriptedBank,
  type ScriptedBankOptions,
  scriptedBank,
} from "../doubles/scripted-bank.ts";
import { type ScriptedWire, scriptedWire } from "../doubles/scripted-wire.ts";
import { seededIds } from "../doubles/seeded-ids.ts";
import { type TestWorker, testWorker } from "../doubles/worker.ts";

export type StageOptions = {
  readonly bank?: ScriptedBankOptions["acts"];
  readonly feed?: ScriptedBankOptions["feed"];
  readonly strangers?: readonly JsonObject[];
  readonly policy?: Partial<Policy>;
  readonly gateway?: Gateway;
  readonly retries?: RetryBook;
  /** how long one invocation may run; none: for ever */
  readonly invocationMs?: number;
  readonly concurrency?: number;
  /** for a run of many hours */
  readonly roundsMax?: number;
  readonly ledgerFault?: (what: string, nth: number) => LedgerFault | undefined;
  readonly queueFault?: (queue: QueueName, nth: number) => QueueFault | undefined;
  /** called right before a charge leaves; the flows wait for it */
  readonly beforePost?: (nth: number) => void | Promise<void>;
  /** called when the answer to a charge is there; the flows wait for it */
  readonly afterPost?: (nth: number) => void | Promise<void>;
};

type Held = { readonly id: string; readonly body: string; visibleAtMs: number; receives: number };
const receiptOf = ({ id, receives }: Held): string => `${id} receive ${receives}`;
type SourceName = "charges" | "unknown-outcomes";

export type Stage = {
  readonly clock: ManualClock;
  readonly startMs: number;
  readonly ledger: MemoryLedger;
  readonly notices: MemoryNotices;
  readonly queues: MemoryQueues;
  readonly wire: ScriptedWire;
  readonly bank: ScriptedBank;
  readonly log: MemoryLog;
  readonly pace: MemoryPace;
  /** effects in the order in which they were done, answers included: `ledger opened`, `sent`, `queue approved`, `deleted` */
  readonly effects: string[];
  /** another worker over the same ledger, queues and gateway; its clock may be wrong */
  worker(clock?: Clock): TestWorker;
  /** puts a message onto a queue; it may be any text */
  send(message: JsonObject | string, queue?: SourceName, delayMs?: number): void;
  /** how long invocations may run from now on */
  allow(invocationMs: number): void;
  /** works both queues, in virtual time, until nothing is left or so much time is over */
  run(forMs?: number): Promise<void>;
  /** works what is visible on a queue now, as one batch; answers the ends in order */
  round(queue?: SourceName): Promise<readonly DeliveryEnd[]>;
  /** messages on a queue, and when each is visible, counted from the start */
  waiting(
    queue: SourceName,
  ): readonly { readonly body: string; readonly inMs: number; readonly receives: number }[];
  entry(chargeId?: string): LedgerEntry | undefined;
  /** what the outcome queues were told, the worker's own queue left out */
  told(): readonly RouteMessage[];
};

const batchMax: Readonly<Record<SourceName, number>> = { charges: 10, "unknown-outcomes": 1_000 };
const flows = { charges: submitCharges, "unknown-outcomes": resolveUnknowns } as const;
/** More rounds than any charge needs: a flow that never ends is a finding, not a slow test. */
const roundsDefaultMax = 400;

/** A worker on its queues, with its ledger and its gateway, in virtual time. SQS keeps whole seconds, so does this. */
export const stage = (options: StageOptions = {}): Stage => {
  const { roundsMax = roundsDefaultMax } = options;
  const clock = manualClock();
  const startMs = clock.nowMs();
  const effects: string[] = [];
  const held: Record<SourceName, Held[]> = { charges: [], "unknown-outcomes": [] };
  let messages = 0;
  const put = (queue: SourceName, body: string, delayMs: number): void => {
    held[queue].push({ id: `m${++messages}`, body, visibleAtMs: clock.nowMs() + delayMs, receives: 0 });
  };

  let writes = 0;
  const ledger = memoryLedger({
    fault: ({ op, entry }) =>
      op === "read" || op === "instrument" || op === "list"
        ? undefined
        : options.ledgerFault?.(`${op} ${entry?.state ?? ""}`.trim(), ++writes),
  });
  let routes = 0;
  const queues = memoryQueues({
    fault: (queue) => options.queueFault?.(queue, ++routes),
    done({ queue, body, delayMs }) {
      if (queue === "unknown-outcomes") put(queue, body, Math.ceil(delayMs / 1_000) * 1_000);
    },
  });
  const bank = scriptedBank({
    clock,
    acts: options.bank ?? [],
    ...(options.feed === undefined ? {} : { feed: options.feed }),
    ...(options.strangers === undefined ? {} : { strangers: options.strangers }),
  });
  let posts = 0;
  const wire = scriptedWire({
    clock,
    script(request) {
      effects.push(request.method === "POST" ? "sent" : "looked up");
      return bank.answer(request);
    },
    async before(request) {
      if (request.method !== "POST") return;
      posts += 1;
      await options.beforePost?.(posts);
    },
    async done(request) {
      if (request.method === "POST") await options.afterPost?.(posts);
    },
  });

  // Told when the flow is told, not when it takes hold: what comes after rests on the answer.
  const heardLedger: Ledger = {
    async open(entry) {
      const answer = await ledger.open(entry);
      effects.push(answer.kind === "opened" ? `ledger ${entry.state}` : `ledger has ${answer.entry.state}`);
      return answer;
    },
    async replace(previous, entry) {
      const answer = await ledger.replace(previous, entry);
      effects.push(answer.kind === "replaced" ? `ledger ${entry.state}` : `ledger refuses ${entry.state}`);
      return answer;
    },
    async read(chargeIds) {
      const entries = await ledger.read(chargeIds);
      effects.push("ledger read");
      return entries;
    },
    async reject(rejection) {
      await ledger.reject(rejection);
      effects.push("ledger rejected");
    },
  };
  const heardInstruments: InstrumentBook = {
    async read(key) {
      const record = await ledger.instruments.read(key);
      effects.push("instrument read");
      return record;
    },
    async open(entry, change) {
      const answer = await ledger.instruments.open(entry, change);
      effects.push(`instrument and ledger ${answer.kind === "opened" ? entry.state : answer.kind}`);
      return answer;
    },
    async replace(previous, entry, change) {
      const answer = await ledger.instruments.replace(previous, entry, change);
      effects.push(`instrument and ledger ${answer.kind === "replaced" ? entry.state : answer.kind}`);
      return answer;
    },
  };
  const heardQueues: Queues = {
    async send(queue, message, delayMs) {
      await queues.send(queue, message, delayMs);
      effects.push(`queue ${queue}`);
    },
    flush: () => queues.flush(),
  };

  const notices = memoryNotices();
  const log = memoryLog();
  const pace = memoryPace();
  const ids = seededIds();
  let invokedAtMs = startMs;
  let invocationMs = options.invocationMs ?? Number.POSITIVE_INFINITY;
  const worker = (ownClock: Clock = clock): TestWorker =>
    testWorker({
      clock: ownClock,
      wire: wire satisfies Wire,
      ledger: heardLedger,
      instruments: heardInstruments,
      notices,
      queues: heardQueues,
      // As SQS has it: the latest receipt of a message, while it is hidden.
      wake: async (receipt) => {
        for (const one of Object.values(held).flat())
          if (receiptOf(one) === receipt) one.visibleAtMs = Math.min(one.visibleAtMs, clock.nowMs());
      },
      ids,
      log,
      pace,
      ...(options.policy === undefined ? {} : { policy: options.policy }),
      ...(options.gateway === undefined ? {} : { gateway: options.gateway }),
      ...(options.retries === undefined ? {} : { retries: options.retries }),
      ...(options.concurrency === undefined ? {} : { concurrency: options.concurrency }),
      remainingMs: () => invocationMs - (clock.nowMs() - invokedAtMs),
    });
  const own = worker();

  const round = async (queue: SourceName = "charges"): Promise<readonly DeliveryEnd[]> => {
    const batch = held[queue]
      .filter(({ visibleAtMs }) => visibleAtMs <= clock.nowMs())
      .slice(0, batchMax[queue]);
    invokedAtMs = clock.nowMs();
    for (const one of batch) one.receives += 1;
    const deliveries = batch.map(
      (one): Delivery => ({
        messageId: one.id,
        body: one.body,
        receives: one.receives,
        receipt: receiptOf(one),
      }),
    );
    const ends = await flows[queue](deliveries, own);
    return batch.map((one) => {
      const end = ends.get(one.id);
      if (end === undefined) throw new Error(`nothing was said of ${one.id}`);
      if (end.kind === "done") {
        held[queue].splice(held[queue].indexOf(one), 1);
        effects.push("deleted");
      } else one.visibleAtMs = clock.nowMs() + Math.ceil(end.delayMs / 1_000) * 1_000;
      return end;
    });
  };

  return {
    clock,
    startMs,
    ledger,
    notices,
    queues,
    wire,
    bank,
    log,
    pace,
    effects,
    worker,
    send: (message, queue = "charges", delayMs = 0) =>
      put(queue, typeof message === "string" ? message : JSON.stringify(message), delayMs),
    allow(ms) {
      invocationMs = ms;
    },
    async run(forMs = Number.POSITIVE_INFINITY) {
      const endMs = clock.nowMs() + forMs;
      for (let rounds = 0; ; rounds++) {
        const next = (["charges", "unknown-outcomes"] as const)
          .flatMap((queue) => held[queue].map(({ visibleAtMs }) => ({ queue, visibleAtMs })))
          .sort((a, b) => a.visibleAtMs - b.visibleAtMs)[0];
        if (next === undefined || next.visibleAtMs > endMs) break;
        if (rounds === roundsMax) throw new Error(`no end after ${rounds} rounds`);
        clock.set(Math.max(clock.nowMs(), next.visibleAtMs));
        await round(next.queue);
      }
      if (Number.isFinite(endMs)) clock.set(Math.max(clock.nowMs(), endMs));
    },
    round,
    waiting: (queue) =>
      held[queue].map(({ body, visibleAtMs, receives }) => ({
        body,
        inMs: visibleAtMs - clock.nowMs(),
        receives,
      })),
    entry: (chargeId = "order-1") => ledger.entryOf(chargeId),
    told: () =>
      queues.accepted.filter(({ queue }) => queue !== "unknown-outcomes").map(({ message }) => message),
  };
};

/** The same for every send: a bank that never runs out. */
export const always =
  (act: Act): ScriptedBankOptions["acts"] =>
  () =>
    act;
