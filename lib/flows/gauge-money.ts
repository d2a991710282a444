import { backlogCount, backlogStates } from "../core/backlog.ts";
import { gatewayNames } from "../core/charge.ts";
import { gateOf } from "../core/pace.ts";
import type { Clock, Ledger, Log, PaceBook, WorkIndex } from "../ports.ts";
import { readEntries } from "./read-entries.ts";

/** What the gauge works with: it reads, and writes nothing but metrics. */
export type GaugeParts = {
  readonly clock: Clock;
  readonly work: WorkIndex;
  readonly ledger: Pick<Ledger, "read">;
  readonly paces: Pick<PaceBook, "read">;
  readonly log: Log;
  /** how long this invocation may still run */
  remainingMs(): number;
};

/** Entries that are held at a time: a bad day's unknowns are more than memory should hold. */
const entriesAtOnce = 1_000;
/** What telling takes. */
const tellMs = 5_000;

/**
 * Measures what waits, in charges and in money, by how long it has waited; and which gateway accounts are
 * closed. Where the time does not reach for all entries the money is of those that were read, which the event
 * says: an alarm is then late, never wrong.
 * @throws `LedgerUnavailable`: a gauge that cannot read says nothing, and its alarm says so
 */
export const gaugeMoney = async ({
  clock,
  work,
  ledger,
  paces,
  log,
  remainingMs,
}: GaugeParts): Promise<void> => {
  const startedMs = clock.nowMs();
  const waiting = (await Promise.all(backlogStates.map((state) => work.chargesIn(state)))).flat();
  const count = backlogCount(startedMs);
  let read = 0;
  while (read < waiting.length && remainingMs() > tellMs) {
    const entries = await readEntries(waiting.slice(read, read + entriesAtOnce), ledger);
    for (const [chargeId, entry] of entries)
      if (entry instanceof Error) log.event("message_failed", { chargeId, error: entry.message });
      else count.add(entry);
    read += entriesAtOnce;
  }
  const { charges, money } = count.backlog();
  for (const { state, age, count } of charges) log.metric("BacklogCharges", count, { state, age });
  for (const { state, age, currency, amountMinor } of money)
    log.metric("BacklogMoney", Number(amountMinor), { state, age, currency });
  for (const gateway of gatewayNames) {
    const gate = gateOf(await paces.read(gateway), clock.nowMs());
    if (gate.kind !== "open") log.metric("GatewayShut", 1, { gateway, reason: gate.because });
  }
  log.event("backlog_read", {
    count: waiting.length,
    rows: Math.min(read, waiting.length),
    durationMs: clock.nowMs() - startedMs,
  });
};
