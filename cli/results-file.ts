import { closeSync, openSync, renameSync, writeSync } from "node:fs";
import type { ChargeId } from "../lib/core/charge.ts";
import type { Evidence } from "../lib/core/evidence.ts";
import { defined } from "../lib/core/json.ts";
import type { LedgerEntry } from "../lib/core/ledger.ts";
import type { MessageEvidence, RouteMessage } from "../lib/core/route-message.ts";

/** One line of a results file (contract, section 3, `--results`). */
export type ResultRow = {
  readonly chargeId?: ChargeId;
  /** of the file, from 1 */
  readonly line: number;
  readonly outcome: string;
  readonly attempts: number;
  readonly sends: number;
  readonly lookups: number;
  readonly category?: string;
  readonly code?: string;
  readonly networkCode?: string;
  readonly description?: string;
  /** why a person has to look */
  readonly reason?: string;
  readonly evidence?: Evidence | MessageEvidence;
  readonly firstSentAt?: string;
  readonly finalAt?: string;
};

const iso = (ms: number): string => new Date(ms).toISOString();

/** When the first request of a charge can have left; `undefined` when none ever did. */
export const firstSentAtMs = (entry: LedgerEntry): number | undefined => {
  if (entry.sends === 0) return undefined;
  const sent = entry.history.find(({ e }) => e === "replied" || e === "unanswered" || e === "taken_over");
  // A worker that was lost left no line of its own: it may have sent from the moment of its intent on.
  const opened = entry.history[0]?.at ?? entry.openedAtMs;
  return sent === undefined || sent.e === "taken_over" ? opened : sent.at;
};

/** The row of a charge, as the ledger has it. */
export const rowOfEntry = (entry: LedgerEntry, line: number): ResultRow => {
  const ended = "evidence" in entry ? entry : undefined;
  const firstSent = firstSentAtMs(entry);
  return defined({
    chargeId: entry.chargeId,
    line,
    outcome: entry.state,
    attempts: entry.attempt,
    sends: entry.sends,
    lookups: entry.lookups,
    ...ended?.ending,
    retry: undefined,
    reason: "reason" in entry ? entry.reason : undefined,
    evidence: ended?.evidence,
    firstSentAt: firstSent === undefined ? undefined : iso(firstSent),
    finalAt: ended === undefined ? undefined : iso(ended.finalAtMs),
  }) as ResultRow;
};

/** The row of a line that is no charge, from the message that told its refusal. */
export const rowOfRefusal = (refusal: RouteMessage, line: number): ResultRow =>
  defined({
    chargeId: refusal.chargeId,
    line,
    outcome: refusal.outcome,
    attempts: 0,
    sends: 0,
    lookups: 0,
    code: refusal.code,
    description: refusal.description,
    evidence: refusal.evidence,
    finalAt: refusal.at,
  }) as ResultRow;

export type ResultsFile = {
  add(row: ResultRow): void;
  /** puts the file in its place */
  close(): void;
};

/** Writes beside the file and renames at the end: whoever reads it finds all the rows or the file of before. */
export const openResultsFile = (path: string): ResultsFile => {
  const beside = `${path}.${process.pid}.tmp`;
  const file = openSync(beside, "w", 0o600);
  let waiting = "";
  const write = (): void => {
    if (waiting !== "") writeSync(file, waiting);
    waiting = "";
  };
  return {
    add(row) {
      waiting += `${JSON.stringify(row)}\n`;
      if (waiting.length > 65_536) write();
    },
    close() {
      write();
      closeSync(file);
      renameSync(beside, path);
    },
  };
};
