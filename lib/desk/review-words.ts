import type { ReviewReason } from "../core/ledger.ts";
import type { ReviewDecision } from "../core/review-decision.ts";

/** Why a charge waits for a person, as people read it. */
export const reasonWords: Readonly<Record<ReviewReason, string>> = {
  lookups_used_up: "Every look-up was made, and the outcome is still not known.",
  absent_past_key_life: "Absent at the gateway, and its request id may no longer be recognised there.",
  absent: "Absent at the gateway, and the policy leaves what follows to a person.",
  absent_not_sendable: "Absent at the gateway, and it may not be sent any more.",
  mismatch: "The gateway took something else than what was asked.",
  weak_match: "Only a row without our reference looks like this charge.",
  double_charge: "The gateway took the money twice.",
  captured_by_earlier_attempt: "An attempt that was taken for absent or answered turned out to be captured.",
  refunded_or_charged_back: "Captured, and then given back.",
  contradiction: "The gateway contradicts itself.",
  unlisted_answer: "The gateway refused it in a word that no row knows, and took nothing.",
};

/** What a decision means, as the form says it. */
export const decisionWords: Readonly<Record<ReviewDecision, string>> = {
  "settle-as-approved": "The money was taken as asked.",
  "settle-as-declined": "No money was taken, and none will be by this charge.",
  resend: "Send the same request id once more, while the gateway still knows it.",
  "new-attempt": "Send it anew, under a new request id.",
  refund: "Money has to be given back: recorded here, and made at the gateway's own desk.",
  drop: "Nobody waits any more. Nothing is sent, and no outcome is told.",
};
