import pLimit from "p-limit";
import type { Gateway } from "../../lib/core/gateway.ts";
import { defaultPolicy, type Policy } from "../../lib/core/policy.ts";
import { gatewayPaces } from "../../lib/flows/gateway-pace.ts";
import { centrobill } from "../../lib/gateways/centrobill/index.ts";
import type {
  Clock,
  Ids,
  InstrumentBook,
  Ledger,
  NoticeBook,
  Queues,
  RetryBook,
  Wire,
  Worker,
} from "../../lib/ports.ts";
import { memoryLedger } from "./memory-ledger.ts";
import { type MemoryLog, memoryLog } from "./memory-log.ts";
import { type MemoryPace, memoryPace } from "./memory-pace.ts";
import { sha256Of } from "./scripted-wire.ts";
import { seededIds } from "./seeded-ids.ts";

export const gatewayTimeoutMs = 30_000;
export const gatewayUrl = "https://pay.test";
export const feedUrl = "https://feed.test";
export const apiKey = "test-key-0123456789";

/** Centrobill as it is, with or without its feed. */
export const testGateway = (options: { readonly feed?: boolean } = {}): Gateway =>
  centrobill({ url: gatewayUrl, apiKey, ...(options.feed === false ? {} : { feedUrl }) });

export type TestWorkerParts = {
  readonly clock: Clock;
  readonly wire: Wire;
  readonly ledger: Ledger;
  /** where not given, one that writes nowhere else: for charges without an instrument */
  readonly instruments?: InstrumentBook;
  readonly queues: Queues;
  readonly notices?: NoticeBook;
  readonly retries?: RetryBook;
  readonly wake?: Worker["wake"];
  readonly ids?: Ids;
  readonly log?: MemoryLog;
  readonly policy?: Partial<Policy>;
  readonly gateway?: Gateway;
  readonly concurrency?: number;
  /** what the workers of one gateway share; a book of its own where not given */
  readonly pace?: MemoryPace;
  /** the moment at which the invocation ends; none: it never does */
  readonly endsAtMs?: number;
  /** how long it may still run, in place of `endsAtMs`: for a worker that is invoked again and again */
  readonly remainingMs?: () => number;
};

export type TestWorker = Worker & { readonly log: MemoryLog };

/** A worker over doubles. Everything that is not given is as in production, or says so by its name. */
export const testWorker = (parts: TestWorkerParts): TestWorker => {
  const ids = parts.ids ?? seededIds();
  const log = parts.log ?? memoryLog();
  const policy = { ...defaultPolicy, ...parts.policy };
  const limit = () => pLimit(parts.concurrency ?? 10);
  return {
    clock: parts.clock,
    ids,
    sha256: sha256Of,
    wire: parts.wire,
    ledger: parts.ledger,
    instruments: parts.instruments ?? memoryLedger().instruments,
    ...(parts.notices === undefined ? {} : { notices: parts.notices }),
    ...(parts.retries === undefined ? {} : { retries: parts.retries }),
    queues: parts.queues,
    ...(parts.wake === undefined ? {} : { wake: parts.wake }),
    log,
    limit: limit(),
    paces: gatewayPaces({ book: parts.pace ?? memoryPace(), clock: parts.clock, ids, log, policy, limit }),
    gateways: { centrobill: parts.gateway ?? testGateway() },
    policy,
    gatewayTimeoutMs,
    remainingMs:
      parts.remainingMs ??
      (() =>
        parts.endsAtMs === undefined ? Number.POSITIVE_INFINITY : parts.endsAtMs - parts.clock.nowMs()),
  };
};
