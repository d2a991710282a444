import {
  actOn,
  budgetOf,
  closeBy,
  giveBackPlace,
  type InstrumentKey,
  type InstrumentRecord,
  instrumentKeyOf,
  takePlace,
} from "../core/instrument-record.ts";
import type { BudgetRefusal, LedgerEntry } from "../core/ledger.ts";
import type { Worker } from "../ports.ts";

/** Others write the same record meanwhile; in each round one of them gets through. */
const triesMax = 30;
const pauseMs = 20;

/** So many others write the record of one instrument that none of our tries took hold: nothing was written. */
export class InstrumentContended extends Error {
  override readonly name = "InstrumentContended";
}

/** Reads the record and writes what is made of it, again and again until nobody came in between. */
const withRecord = async <T>(
  key: InstrumentKey,
  worker: Worker,
  write: (record: InstrumentRecord | undefined) => Promise<T | "contended">,
): Promise<T> => {
  for (let tries = 1; tries <= triesMax; tries++) {
    const written = await write(await worker.instruments.read(key));
    if (written !== "contended") return written;
    await worker.clock.sleep(worker.ids.fraction() * pauseMs * tries);
  }
  throw new InstrumentContended(`an instrument's record, ${triesMax} times`);
};

const by = (worker: Worker) => ({ token: worker.ids.leaseToken(), nowMs: worker.clock.nowMs() });

/** Why nothing may be sent on this instrument now; `undefined` where something may. */
const refusalOf = (
  record: InstrumentRecord | undefined,
  entry: LedgerEntry,
  worker: Worker,
): BudgetRefusal | undefined => {
  const nowMs = worker.clock.nowMs();
  const budget = budgetOf(record, entry, worker.policy, nowMs);
  switch (budget.kind) {
    case "free":
      return undefined;
    case "full":
      return { kind: "network_limit", atMs: nowMs, limit: budget.limit, untilMs: budget.untilMs };
    case "closed": {
      const { rule, code, chargeId, atMs } = budget.closure;
      return { kind: "instrument_closed", atMs: nowMs, rule, code, byChargeId: chargeId, closedAtMs: atMs };
    }
  }
};

type Opened = Awaited<ReturnType<Worker["ledger"]["open"]>>;

/**
 * Opens a charge, and with it takes its attempt's place in the counts of its instrument: in one transaction, so
 * that of two workers only one gets the last place. A charge without an instrument has no counts.
 * @param entryOf makes the entry, new at each try: opened, or refused where the rules let nothing be sent
 */
export const openOnInstrument = async (
  entryOf: (refusal: BudgetRefusal | undefined) => LedgerEntry,
  worker: Worker,
): Promise<{ readonly entry: LedgerEntry; readonly opened: Opened }> => {
  const first = entryOf(undefined);
  const key = instrumentKeyOf(first, worker.policy);
  // What ends without being sent takes no place.
  if (key === undefined || actOn(undefined, first) !== "take")
    return { entry: first, opened: await worker.ledger.open(first) };
  return withRecord(key, worker, async (record) => {
    const refusal = refusalOf(record, first, worker);
    const entry = entryOf(refusal);
    const opened =
      refusal === undefined
        ? await worker.instruments.open(entry, takePlace(key, record, entry, by(worker), worker.policy))
        : await worker.ledger.open(entry);
    return opened.kind === "contended" ? "contended" : { entry, opened };
  });
};

/**
 * Replaces an entry by one whose attempt takes a place in the counts of its instrument.
 * @returns what became of it, or why it may not be sent: nothing is written then
 */
export const replaceTaking = async (
  from: LedgerEntry,
  to: LedgerEntry,
  worker: Worker,
): Promise<"replaced" | "lost" | BudgetRefusal> => {
  const key = instrumentKeyOf(to, worker.policy);
  if (key === undefined) return (await worker.ledger.replace(from.token, to)).kind;
  return withRecord(key, worker, async (record) => {
    const refusal = refusalOf(record, to, worker);
    if (refusal !== undefined) return refusal;
    const change = takePlace(key, record, to, by(worker), worker.policy);
    return (await worker.instruments.replace(from.token, to, change)).kind;
  });
};

/** Replaces an entry, and gives its attempt's place back or closes its instrument, where that follows from it. */
export const replaceOnInstrument = async (
  from: LedgerEntry,
  to: LedgerEntry,
  worker: Worker,
): Promise<"replaced" | "lost"> => {
  const key = instrumentKeyOf(to, worker.policy);
  const act = actOn(from, to);
  if (act === "take") throw new Error(`${to.chargeId}: an attempt would be opened without its place`);
  if (key === undefined || act === undefined) return (await worker.ledger.replace(from.token, to)).kind;
  const changeOf = act === "giveBack" ? giveBackPlace : closeBy;
  return withRecord(key, worker, async (record) => {
    const change = changeOf(key, record, to, by(worker), worker.policy);
    const written =
      change === undefined
        ? await worker.ledger.replace(from.token, to)
        : await worker.instruments.replace(from.token, to, change);
    return written.kind;
  });
};
