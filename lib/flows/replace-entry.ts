import { type BudgetRefusal, isFinal, type LedgerEntry } from "../core/ledger.ts";
import type { Worker } from "../ports.ts";
import { replaceOnInstrument, replaceTaking } from "./write-on-instrument.ts";

/**
 * Counts a state that a charge has come to; of one that has ended, also how often it was sent, and its trace; of one
 * that a card's count or closure left unsent, why.
 */
export const noteState = (entry: LedgerEntry, worker: Worker): void => {
  worker.log.metric("ChargeOutcome", 1, { gateway: entry.gateway, outcome: entry.state });
  if (!isFinal(entry) && entry.state !== "review") return;
  worker.log.metric("Sends", entry.sends, { gateway: entry.gateway });
  const { kind } = entry.evidence;
  if (kind === "network_limit" || kind === "instrument_closed")
    worker.log.metric("BudgetRefusals", 1, { gateway: entry.gateway, reason: kind });
  worker.trace?.(entry);
};

/** Writes the next version of an entry, if the one it was made from still stands (S7). */
export const replaceEntry = async (from: LedgerEntry, to: LedgerEntry, worker: Worker): Promise<boolean> =>
  noteReplaced(from, to, await replaceOnInstrument(from, to, worker), worker);

/**
 * The same of a version that opens an attempt: it needs a place in the counts of its instrument.
 * @returns why it may not be sent, where the networks' rules forbid it: nothing is written then
 */
export const replaceOpening = async (
  from: LedgerEntry,
  to: LedgerEntry,
  worker: Worker,
): Promise<boolean | BudgetRefusal> => {
  const written = await replaceTaking(from, to, worker);
  return typeof written === "object" ? written : noteReplaced(from, to, written, worker);
};

const noteReplaced = (
  from: LedgerEntry,
  to: LedgerEntry,
  written: "replaced" | "lost",
  worker: Worker,
): boolean => {
  const members = {
    chargeId: to.chargeId,
    requestId: to.requestId,
    gateway: to.gateway,
    attempt: to.attempt,
    state: to.state,
  };
  if (written === "lost") {
    worker.log.event("lease_lost", members);
    return false;
  }
  worker.log.event("charge_recorded", {
    ...members,
    ...("reason" in to ? { reason: to.reason } : {}),
    ...("ending" in to && to.ending.code !== undefined ? { code: to.ending.code } : {}),
    ...("ending" in to && to.ending.category !== undefined ? { category: to.ending.category } : {}),
  });
  if (from.state !== to.state) noteState(to, worker);
  if (to.state === "review") {
    worker.log.metric("MoneyToReview", Number(to.amount), { gateway: to.gateway, currency: to.currency });
    if (to.reason === "double_charge") {
      worker.log.event("double_charge", { ...members, amount: to.amount, currency: to.currency });
      worker.log.metric("DoubleCharges", 1, { gateway: to.gateway });
    }
  }
  return true;
};
