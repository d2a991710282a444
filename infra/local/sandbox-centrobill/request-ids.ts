import type { Transaction } from "./transaction.ts";

/** What the gateway knows about X-Request-IDs: how often each was sent, and what came of it. */
export interface RequestIds {
  /** Notes a send of this id at a time (epoch ms); answers which one it is, counted from 1. */
  noteSend(requestId: string, at: number): number;
  /** When this id was sent, epoch ms, in order. Forgetting and the end of its life do not touch this. */
  sendsOf(requestId: string): readonly number[];
  /** Keeps what this id made. */
  remember(requestId: string, transaction: Transaction): void;
  /** What this id made; undefined when it made nothing yet, its life has run out or it was forgotten. */
  original(requestId: string, at: number): Transaction | undefined;
  /** Drops every original, so that each id is new to the gateway. What is in flight goes on. */
  forgetAll(): void;
  /**
   * Notes what this id is about to make, until it has made it; answers a promise of it. Nothing may be awaited
   * between asking for `original` and `inFlight` and this call, or two sends could both be the first.
   */
  begin(requestId: string, processing: Promise<Transaction>): Promise<Transaction>;
  /** What a send of this id that is being processed will make. */
  inFlight(requestId: string): Promise<Transaction> | undefined;
}

/** A memory that knows an id for `lifeMs` from when its processing began. */
export function createRequestIds(lifeMs: number): RequestIds {
  const sends = new Map<string, number[]>();
  const originals = new Map<string, Transaction>();
  const inFlight = new Map<string, Promise<Transaction>>();
  return {
    noteSend(requestId, at) {
      const times = sends.get(requestId) ?? [];
      sends.set(requestId, times);
      return times.push(at);
    },
    sendsOf: (requestId) => [...(sends.get(requestId) ?? [])],
    remember(requestId, transaction) {
      originals.set(requestId, transaction);
    },
    original(requestId, at) {
      const transaction = originals.get(requestId);
      return transaction && at - transaction.beganAt < lifeMs ? transaction : undefined;
    },
    forgetAll() {
      originals.clear();
    },
    begin(requestId, processing) {
      const ended = processing.finally(() => inFlight.delete(requestId));
      inFlight.set(requestId, ended);
      return ended;
    },
    inFlight: (requestId) => inFlight.get(requestId),
  };
}
