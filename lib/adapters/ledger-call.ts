import { CallFailed, withDeadline } from "./deadline.ts";

/** No answer before the deadline: what was asked may have been done. */
export class LedgerUnavailable extends CallFailed {
  override readonly name = "LedgerUnavailable";
}

/** Makes one call to the ledger's table, named for the error. @throws `LedgerUnavailable` */
export type LedgerCall = <T>(what: string, run: (abortSignal: AbortSignal) => Promise<T>) => Promise<T>;

/** Calls that end at their deadline, with the error that the ports promise. */
export const ledgerCall =
  (deadlineMs: number): LedgerCall =>
  (what, run) =>
    withDeadline(deadlineMs, run, (message) => new LedgerUnavailable(`${what}: ${message}`));
