import type { Finding, FindingKind, NextStep } from "../core/finding.ts";
import { moneyText } from "../core/money.ts";
import type { MissingPart, MissingReason } from "../core/reconciled-day.ts";
import type { GatewaySide, LedgerSide } from "../core/sides.ts";

/** The kinds as people read them. */
export const kindWords: Readonly<Record<FindingKind, string>> = {
  missing_in_ledger: "Not in the ledger",
  missing_at_gateway: "Not at the gateway",
  amount_differs: "Amounts differ",
  currency_differs: "Currencies differ",
  state_differs: "One says taken, the other not",
  double_charge: "Charged twice",
  late_outcome: "Outcome came late",
  refunded_or_charged_back: "Given back",
  unmatched_weak: "Perhaps the same",
};

export const nextWords: Readonly<Record<NextStep, string>> = {
  find_the_sender: "Find out which system charged this; give it back, or take it into the books.",
  ask_the_gateway: "Ask the gateway for this charge by its ids. Do not charge it again before they answered.",
  settle_the_difference: "Settle the difference with the gateway or the customer.",
  do_not_charge_again: "The money was taken: do not charge again, and tell whoever acted on the decline.",
  revoke_the_approval: "The money was not taken: take back what was delivered, or charge anew.",
  confirm_the_refund: "Confirm the refund that is proposed.",
  nothing: "Nothing: the outcome is recorded, and the pipeline tells it.",
  decide_the_review: "Decide this charge in review: the feed has its outcome.",
  book_the_reversal: "Book the reversal, and stop delivering where that follows from it.",
  confirm_the_match: "Say whether the gateway's row is this charge's.",
};

const at = (ms: number | undefined): string => (ms === undefined ? "" : `, ${new Date(ms).toISOString()}`);

export const ledgerWords = (ledger: LedgerSide): string =>
  `${ledger.state}${ledger.reason === undefined ? "" : ` (${ledger.reason})`}, ${moneyText(ledger.amount, ledger.currency)}, attempt ${ledger.attempt}, request id ${ledger.requestId}${ledger.transactionId === undefined ? "" : `, transaction ${ledger.transactionId}`}${at(ledger.firstSentAtMs)}`;

export const rowWords = (row: GatewaySide): string => {
  const money = row.amount ?? row.written;
  return [
    row.kind === "reversal"
      ? "reversal"
      : `${row.says}${row.code === undefined ? "" : ` (code ${row.code})`}`,
    money === undefined
      ? undefined
      : row.amount === undefined
        ? `${money} ${row.currency ?? ""}`
        : moneyText(money, row.currency ?? ""),
    row.transactionId === undefined ? undefined : `transaction ${row.transactionId}`,
    row.parentTransactionId === undefined ? undefined : `of ${row.parentTransactionId}`,
    row.requestId === undefined ? "no request id" : `request id ${row.requestId}`,
    row.atMs === undefined ? undefined : new Date(row.atMs).toISOString(),
  ]
    .filter((part) => part !== undefined)
    .join(", ");
};

export const proposalWords = ({ refundProposal = [] }: Finding): readonly string[] =>
  refundProposal.map(
    ({ gateway, transactionId, amount, currency }) =>
      `refund transaction ${transactionId} at ${gateway}${amount === undefined || currency === undefined ? "" : `, ${moneyText(amount, currency)}`}`,
  );

const reasonWords: Readonly<Record<MissingReason, string>> = {
  feed_incomplete: "the gateway's feed could not be read to its end",
  feed_moved: "rows moved while the feed was read",
  ledger_unreadable: "entries of the ledger could not be read",
  not_compared: "no run over it has come to its end",
  not_over: "it is not over, or not long enough ago",
  findings_not_kept: "more was found than was kept; the queue review was told",
};

/** What of a stretch of time is not reconciled, and why. */
export const missingWords = ({ fromMs, toMs, reason, why }: MissingPart): string =>
  `${new Date(fromMs).toISOString()} to ${new Date(toMs).toISOString()}: ${reasonWords[reason]}${why === undefined ? "" : ` (${why})`}`;
