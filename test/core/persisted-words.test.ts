import { expect, test } from "vitest";
import { gatewayNames } from "../../lib/core/charge.ts";
import { declineCategories } from "../../lib/core/decline.ts";
import { finalStates, ledgerStates, reviewReasons } from "../../lib/core/ledger.ts";
import { QUEUES } from "../../lib/core/queues.ts";

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
  expect(gatewayNames).toStrictEqual(["centrobill", "centrapay"]);
  expect(QUEUES.map(({ name }) => name)).toStrictEqual([
    "charges",
    "unknown-outcomes",
    "approved",
    "permanent-declines",
    "retryable-declines",
    "request-errors",
    "review",
  ]);
});
