import type { EndedEntry } from "../core/charge-trace.ts";
import { evidenceRowsMax, type FeedRowEvidence } from "../core/evidence.ts";
import { defined } from "../core/json.ts";
import { lastWords } from "../core/last-words.ts";
import { isEarlierRequest, type LedgerEntry } from "../core/ledger.ts";
import type { GatewaySide } from "../core/sides.ts";
import { recordVerdict } from "../core/verdict.ts";
import type { Worker } from "../ports.ts";
import { stamp } from "./charge-worker.ts";
import { isOpen } from "./continue-charge.ts";
import { replaceEntry } from "./replace-entry.ts";

const captured = ({ kind, says }: GatewaySide): boolean => kind === "charge" && says === "captured";

/** Captures that are not this attempt's, by their request id, or else since nothing of it was sent by then. */
const takenBefore = (entry: LedgerEntry, rows: readonly GatewaySide[], skewMs: number): GatewaySide[] =>
  lastWords(rows, captured).filter((row) => {
    if (!captured(row)) return false;
    if (entry.state === "waiting") return true;
    if (row.requestId !== undefined || entry.attempt === 1) return isEarlierRequest(entry, row.requestId);
    const { atMs = Number.POSITIVE_INFINITY } = row;
    return atMs < (entry.firstSendAtMs ?? entry.openedAtMs) - skewMs;
  });

/**
 * Gives an attempt to a person that waits to be sent, or may be sent again, though rows show that the money was taken
 * before it (S2): no look-up for it reaches back so far. Its own message tells it, with its charge.
 * @returns the entry as it is then; `undefined`: nothing is to be called back, or somebody wrote first
 */
export const callBack = async (
  entry: LedgerEntry,
  rows: readonly GatewaySide[],
  worker: Worker,
): Promise<EndedEntry | undefined> => {
  if (entry.state !== "waiting" && !isOpen(entry)) return undefined;
  const taken = takenBefore(entry, rows, worker.policy.clockSkewMs);
  if (taken.length === 0) return undefined;
  const by = stamp(worker);
  const isOurs =
    entry.attempt > 1 &&
    taken.some(({ requestId }) => requestId === undefined || isEarlierRequest(entry, requestId));
  const evidence = taken.slice(0, evidenceRowsMax).map(
    (row) =>
      defined({
        kind: "feed_row" as const,
        atMs: by.nowMs,
        code: row.code,
        rowSha256: worker.sha256(JSON.stringify(row)),
        transactionId: row.transactionId,
        orderId: row.orderId,
      }) as FeedRowEvidence,
  );
  // What goes to a person has ended.
  const called = recordVerdict(
    entry,
    {
      kind: "review",
      reason: isOurs ? "captured_by_earlier_attempt" : "contradiction",
      evidence: { kind: "feed_rows", rows: evidence },
    },
    by,
  ) as EndedEntry;
  if (!(await replaceEntry(entry, called, worker))) return undefined;
  if (isOpen(entry) && entry.receipt !== undefined) await worker.wake?.(entry.receipt);
  return called;
};
