import type { GatewayName } from "./charge.ts";
import type { FinalState } from "./ledger.ts";
import type { GatewaySide, LedgerSide } from "./sides.ts";

/** What reconciliation can find. The words are stored and sent: they are for ever. */
export const findingKinds = [
  /** the gateway has a row that no charge of the ledger explains */
  "missing_in_ledger",
  /** the ledger says approved, and the whole feed of its time has no row of it */
  "missing_at_gateway",
  /** both say captured, of different amounts */
  "amount_differs",
  "currency_differs",
  /** one side says that money was taken, the other that it was not */
  "state_differs",
  /** the gateway took the money of one charge more than once (S13) */
  "double_charge",
  /** the feed has the word that the ledger waits for */
  "late_outcome",
  /** the gateway gave the money back, or had to */
  "refunded_or_charged_back",
  /** a row without our reference that looks like a charge without a row (S14): only ever proposed */
  "unmatched_weak",
] as const;
export type FindingKind = (typeof findingKinds)[number];

/** What follows from a finding. Stored and sent, like the kinds. */
export const nextSteps = [
  /** find out which system charged this, and give it back or take it into the books */
  "find_the_sender",
  /** ask the gateway for this charge by its ids; do not charge it again before they answered */
  "ask_the_gateway",
  /** settle the difference with the gateway or the customer */
  "settle_the_difference",
  /** the money was taken: do not charge again; tell whoever acted on the decline */
  "do_not_charge_again",
  /** the money was not taken, though it was called approved: take back what was delivered, or charge anew */
  "revoke_the_approval",
  /** give back what was taken too much, as proposed; a person confirms it */
  "confirm_the_refund",
  /** the reconciliation recorded it, and the pipeline tells it: nothing to do */
  "nothing",
  /** decide the charge in review: the feed has its outcome */
  "decide_the_review",
  /** book the reversal, and stop delivering where that follows from it */
  "book_the_reversal",
  /** say whether the row is this charge's */
  "confirm_the_match",
] as const;
export type NextStep = (typeof nextSteps)[number];

/** Minor units, digits. */
export type FindingMoney = { readonly amount: string; readonly currency: string };

export type RefundProposal = {
  readonly gateway: GatewayName;
  readonly transactionId: string;
} & Partial<FindingMoney>;

/** One difference between the ledger and a gateway, with both sides. */
export type Finding = {
  /** the same difference has the same id in every run, and another one another */
  readonly id: string;
  readonly kind: FindingKind;
  readonly gateway: GatewayName;
  readonly chargeId?: string;
  readonly ledger?: LedgerSide;
  /** the gateway's side: at most eight rows */
  readonly rows: readonly GatewaySide[];
  /** what is at stake, where an amount can be read */
  readonly money?: FindingMoney;
  readonly next: NextStep;
  /** double charges: whether the captures came under one request id or under several */
  readonly by?: "one_request_id" | "several_request_ids";
  readonly refundProposal?: readonly RefundProposal[];
  /** late outcomes: what the ledger says now */
  readonly closedAs?: FinalState | "review";
  /** a person has it already: the charge is in review for the same reason */
  readonly inReview?: true;
  /** the gateway's time of it, or that of the charge; milliseconds since 1970 */
  readonly atMs?: number;
};

/** Whether somebody has to act on it. */
export const waitsForPerson = (finding: Finding): boolean => finding.next !== "nothing";
