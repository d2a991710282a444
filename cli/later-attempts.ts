import { dynamodbInstruments } from "../lib/adapters/dynamodb-instruments.ts";
import { dynamodbRetries } from "../lib/adapters/dynamodb-retries.ts";
import type { InstrumentRecord } from "../lib/core/instrument-record.ts";
import type { LedgerEntry } from "../lib/core/ledger.ts";
import { moneyText } from "../lib/core/money.ts";
import type { RetryDecision, RetryRecord } from "../lib/core/retry-record.ts";
import type { LedgerAccess } from "./ledger-access.ts";

/** What the ledger keeps beside a charge: its later attempts without the message that waits (S12), and its instrument. */
export type LaterAttempts = {
  readonly retry?: Omit<RetryRecord, "message">;
  /** at whom it is counted is the functions' policy: whichever there is */
  readonly instrument?: InstrumentRecord;
};

export const readLaterAttempts = async (
  { dynamodb, table }: LedgerAccess,
  entry: LedgerEntry | undefined,
): Promise<LaterAttempts> => {
  if (entry === undefined) return {};
  const record = await dynamodbRetries(dynamodb, table).read(entry.chargeId);
  const { message: _message, ...retry } = record ?? ({} as RetryRecord);
  const book = dynamodbInstruments(dynamodb, table);
  const ref = entry.instrumentRef;
  const instrument =
    ref === undefined
      ? undefined
      : ((await book.read({ merchant: "all", ref })) ?? (await book.read({ merchant: entry.gateway, ref })));
  return { ...(record && { retry }), ...(instrument && { instrument }) };
};

const iso = (ms: number): string => new Date(ms).toISOString();

const decisionWords = (decision: RetryDecision): string => {
  if (decision.kind === "released") return `put onto the queue again, after attempt ${decision.attempt}`;
  const why = "limit" in decision && decision.limit !== undefined ? decision.limit : decision.because;
  const fee =
    decision.fee === undefined
      ? ""
      : `; a fee of ${moneyText(String(decision.fee.amountMinor), decision.fee.currency)} saved`;
  return decision.kind === "refused"
    ? `no attempt after attempt ${decision.attempt}: ${why}${fee}`
    : `attempt ${decision.attempt + 1} ${decision.kind} for ${iso(decision.dueMs)}: ${why}${fee}`;
};

export const laterAttemptsText = ({ retry, instrument }: LaterAttempts): string =>
  [
    ...(retry === undefined
      ? []
      : [
          "",
          `later attempts: ${retry.state}${retry.dueMs === undefined ? "" : `, due at ${iso(retry.dueMs)}`}`,
          ...retry.decisions.map((decision) => `  ${iso(decision.at)}  ${decisionWords(decision)}`),
        ]),
    ...(instrument === undefined
      ? []
      : [
          "",
          instrument.closed === undefined
            ? `instrument ${instrument.ref}: ${instrument.spends.length} attempts kept`
            : `instrument ${instrument.ref}: closed since ${iso(instrument.closed.atMs)} by ${instrument.closed.chargeId}'s ${instrument.closed.code} (${instrument.closed.rule}); new card data is a new reference`,
        ]),
  ].join("\n");
