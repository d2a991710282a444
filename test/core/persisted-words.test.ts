import { expect, test } from "vitest";
import { gatewayNames } from "../../lib/core/charge.ts";
import { declineCategories } from "../../lib/core/decline.ts";
import type { Evidence } from "../../lib/core/evidence.ts";
import { findingKinds, nextSteps } from "../../lib/core/finding.ts";
import { finalStates, type HistoryEvent, ledgerStates, reviewReasons } from "../../lib/core/ledger.ts";
import { boundNames, neverReasons } from "../../lib/core/next-attempt.ts";
import { wakeUpOf } from "../../lib/core/notice.ts";
import { QUEUES } from "../../lib/core/queues.ts";
import { missingReasons } from "../../lib/core/reconciled-day.ts";
import { retryStates } from "../../lib/core/retry-record.ts";
import { limitIds } from "../../lib/core/retry-rules/limits.ts";
import { reviewDecisions } from "../../lib/core/review-decision.ts";
import { incompleteReasons } from "../../lib/core/window-record.ts";

// What is stored or sent is read by others, for longer than any version lives. Words may be added; a word that
// is here may not be renamed, taken away, or come to mean something else.
test("the words that are stored and sent are for ever", () => {
  expect(ledgerStates).toStrictEqual([
    "opened",
    "waiting",
    "unknown",
    "pending",
    "approved",
    "declined_permanent",
    "declined_retryable",
    "request_error",
    "expired",
    "review",
  ]);
  expect(finalStates).toStrictEqual([
    "approved",
    "declined_permanent",
    "declined_retryable",
    "request_error",
    "expired",
  ]);
  expect(reviewReasons).toStrictEqual([
    "lookups_used_up",
    "absent_past_key_life",
    "absent",
    "absent_not_sendable",
    "mismatch",
    "weak_match",
    "double_charge",
    "captured_by_earlier_attempt",
    "refunded_or_charged_back",
    "contradiction",
    "unlisted_answer",
  ]);
  expect(declineCategories).toStrictEqual([
    "never_approved",
    "wrong_details",
    "insufficient_funds",
    "issuer_refused",
    "issuer_unavailable",
    "limit_reached",
    "network_limit",
    "blocked",
    "invalid_request",
    "customer_action",
    "unrecognised",
  ]);
  expect(findingKinds).toStrictEqual([
    "missing_in_ledger",
    "missing_at_gateway",
    "amount_differs",
    "currency_differs",
    "state_differs",
    "double_charge",
    "late_outcome",
    "refunded_or_charged_back",
    "unmatched_weak",
  ]);
  expect(nextSteps).toStrictEqual([
    "find_the_sender",
    "ask_the_gateway",
    "settle_the_difference",
    "do_not_charge_again",
    "revoke_the_approval",
    "confirm_the_refund",
    "nothing",
    "decide_the_review",
    "book_the_reversal",
    "confirm_the_match",
  ]);
  expect(reviewDecisions).toStrictEqual([
    "settle-as-approved",
    "settle-as-declined",
    "resend",
    "new-attempt",
    "refund",
    "drop",
  ]);
  expect(incompleteReasons).toStrictEqual(["feed_incomplete", "feed_moved", "ledger_unreadable"]);
  expect(missingReasons).toStrictEqual([
    ...incompleteReasons,
    "not_compared",
    "not_over",
    "findings_not_kept",
  ]);
  expect(neverReasons).toStrictEqual([
    "instrument_closed",
    "visa_category_1",
    "mastercard_advice_close",
    "mastercard_advice_stop",
    "mastercard_advice_unlisted",
    "category",
    "attempts_used_up",
    "past_not_after",
    "money_taken",
  ]);
  expect(boundNames).toStrictEqual(["schedule", "mastercard_advice_wait", "network_limit"]);
  expect(retryStates).toStrictEqual(["scheduled", "released", "ended"]);
  expect(limitIds).toStrictEqual([
    "mastercard_24_hours",
    "mastercard_amount_30_days",
    "visa_amount_30_days",
    "mastercard_brazil_month",
  ]);
  expect(gatewayNames).toStrictEqual(["centrobill", "centrapay"]);
  expect(QUEUES.map(({ name }) => name)).toStrictEqual([
    "charges",
    "unknown-outcomes",
    "approved",
    "permanent-declines",
    "retryable-declines",
    "request-errors",
    "review",
    "reconcile-windows",
  ]);
});

// A record of all words does not compile without one that is there, or with one that is not.
const events: Record<HistoryEvent["e"], true> = {
  opened: true,
  leased: true,
  replied: true,
  unanswered: true,
  never_sent: true,
  taken_over: true,
  looked_up: true,
  lookup_failed: true,
  absent: true,
  prepared: true,
  prepare_failed: true,
  voided: true,
  notice: true,
  recorded: true,
  proposed: true,
  decided: true,
};
const evidence: Record<Evidence["kind"], true> = {
  reply: true,
  feed_row: true,
  notice: true,
  reply_and_absence: true,
  absence: true,
  never_sent: true,
  feed_rows: true,
  lookups: true,
  network_limit: true,
  instrument_closed: true,
  stated: true,
};

test("so are those of a history and of evidence", () => {
  expect(Object.keys(events)).toHaveLength(16);
  expect(Object.keys(evidence)).toHaveLength(11);
});

test("a wake-up stays as it is: one may be on a queue while another version is deployed", () => {
  const notice = {
    gateway: "centrobill",
    reference: "404168112",
    id: "404168112.success.charge.sale",
  } as const;
  expect(wakeUpOf(notice as never)).toEqual({
    v: 1,
    kind: "notice",
    gateway: "centrobill",
    reference: "404168112",
    notice: "404168112.success.charge.sale",
  });
});
