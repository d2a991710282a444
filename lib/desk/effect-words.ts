import type { Effect } from "../core/judge-decision.ts";
import type { LedgerEntry } from "../core/ledger.ts";
import { moneyText } from "../core/money.ts";

const iso = (ms: number): string => new Date(ms).toISOString();

/** What a person does at the gateway's own desk. The calls are the gateways' own; nothing here makes them. */
const refundWords = {
  centrobill:
    "Nothing here refunds: do it at Centrobill's desk (their SDK documents POST /payment/{transactionId}/credit with a reason and an amount)",
  centrapay:
    "Nothing here refunds: do it at Centrapay's desk (documented: POST /api/payment-requests/{id}/refund with value and an externalRef of your own, which makes it repeatable; how long a refund is possible is not)",
} as const;

/** What a decision would do, in words. */
export const effectText = (effect: Effect, entry: LedgerEntry): string => {
  switch (effect.kind) {
    case "settle":
      return `record ${effect.state} on ${effect.evidence.kind === "persons_word" ? "a person's word" : `the evidence ${effect.evidence.kind}`}, and tell it as ${entry.chargeId}#${entry.attempt}#${effect.state}`;
    case "resend":
      return `send ${moneyText(entry.amount, entry.currency)} once more under the same request id ${effect.requestId}, until ${iso(effect.untilMs)}; past that a worker looks up and does not send`;
    case "newAttempt":
      return `send ${moneyText(entry.amount, entry.currency)} as attempt ${effect.attempt}, under a new request id`;
    case "refund": {
      const { transactionId, amount, currency } = effect.refund;
      const money =
        amount === undefined || currency === undefined ? "all of it" : moneyText(amount, currency);
      return `record that transaction ${transactionId} (${money}) is given back, and tell review; the charge stays in review. ${refundWords[entry.gateway]}`;
    }
    case "drop":
      return "end the review: nothing is sent, and no outcome is told";
  }
};
