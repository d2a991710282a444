import type { DeclineCategory, DeclineRow, DeclineTable } from "../../core/decline.ts";

/** Where a message is documented (github centrapay/centrapay-docs at c43f3cff, paths below src/content). */
const create = "api/openapi/endpoints/create-payment-request.yaml";
const pay = "api/payment-requests.mdoc, Pay";
const refund = "api/payment-requests.mdoc, Refund";
const voiding = "api/payment-requests.mdoc, Void";
const release = "api/payment-requests.mdoc, Release";
const confirm = "api/payment-requests.mdoc, Confirm";
const conditions = "api/payment-requests.mdoc, Accept and Decline";
const reasons = "api/payment-requests.mdoc, Cancellation Reasons";
const statusCodes = "api/status-codes, 403 Permission Denied";
const older = "an older revision of the documentation";

/** What a message proves. The documents name the message; what to do about it they mostly leave open. */
export type MessageRow = {
  readonly meaning:
    | "declined"
    | "requestError"
    /** a documented word for "ask": the outcome is looked up */
    | "unconfirmed"
    /** no word on a charge: taken for one that is not listed */
    | "unknown";
  readonly category?: DeclineCategory;
  readonly source: string;
  /** `policy`: the documents are silent on what follows, so this is our reading, on the safe side */
  readonly basis: "documented" | "policy";
};

const declined = (category: DeclineCategory, source: string): MessageRow => ({
  meaning: "declined",
  category,
  source,
  basis: "policy",
});
const requestError = (source: string, basis: MessageRow["basis"] = "policy"): MessageRow => ({
  meaning: "requestError",
  source,
  basis,
});
const unconfirmed = (source: string): MessageRow => ({ meaning: "unconfirmed", source, basis: "policy" });
const unknown = (source: string): MessageRow => ({ meaning: "unknown", source, basis: "policy" });

/**
 * Every message of the Payment Request endpoints, and the reasons of a cancelled Payment Request. A message
 * that is not here is unknown: never retried and never declined in silence.
 */
export const messages: Readonly<Record<string, MessageRow>> = {
  // The resource is missing, or the key may not reach it: the documents do not tell the two apart.
  FORBIDDEN: requestError(statusCodes, "documented"),

  // create
  CHECKSUM_FAILED: requestError(create, "documented"),
  LINE_ITEMS_SUM_CHECK_FAILED: requestError(create, "documented"),
  REDIRECT_URL_INVALID: requestError(create),
  PATRON_CODE_INVALID: declined("wrong_details", create),
  NO_AVAILABLE_PAYMENT_OPTIONS: requestError(create),
  TOKEN_COLLECTION_NOT_FOUND: requestError(create),
  CONNECTION_NOT_FOUND: requestError(create),
  CONNECTION_MERCHANT_MISMATCH: requestError(create),
  CONNECTION_CREATED_BY_MISMATCH: requestError(create),

  // pay
  INVALID_ASSET_TYPE: requestError(pay),
  INVALID_MERCHANT_CONFIG: requestError(pay),
  REMAINING_AMOUNT_EXCEEDED: requestError(pay),
  INACTIVE_ASSET: declined("never_approved", pay),
  QUOTA_EXCEEDED: declined("limit_reached", pay),
  INSUFFICIENT_ASSET_VALUE: declined("insufficient_funds", pay),
  ASSET_REDEMPTION_DENIED: declined("blocked", pay),
  // Its causes are mixed ("not active, overdrawn, quota exceeded, line-item category"): the strictest counts.
  PAYMENT_DECLINED: declined("blocked", pay),
  REQUEST_CANCELLED: declined("customer_action", pay),
  REQUEST_EXPIRED: declined("issuer_unavailable", pay),
  // Neither success nor failure came from the provider in time: an unknown outcome in a decline's clothes.
  PAYMENT_UNCONFIRMED: unconfirmed(pay),
  // On a replay it may be our own payment.
  REQUEST_PAID: unconfirmed(pay),

  // confirm
  INVALID_PAYMENT_REQUEST_TYPE: requestError(confirm),
  INVALID_AMOUNT: requestError(confirm),
  // Only a request of ours can have used our key before, and it may have taken the money.
  IDEMPOTENT_OPERATION_FAILED: unconfirmed(confirm),
  PRE_AUTH_RELEASED: declined("never_approved", confirm),
  PRE_AUTH_PENDING: declined("issuer_unavailable", confirm),

  // refund, void, release, conditions: not asked for by a charge, so nothing that they say ends one
  NOT_PAID: unknown(refund),
  ALREADY_REFUNDED: unknown(refund),
  REPEAT_REFERENCE: unknown(refund),
  PARTIAL_REFUNDS_NOT_ALLOWED: unknown(refund),
  REFUND_NOT_SUPPORTED: unknown(refund),
  REFUND_WINDOW_EXCEEDED: unknown(refund),
  CONFIRMATION_NOT_FOUND: unknown(refund),
  REFUND_DECLINED: unknown(refund),
  VOID_WINDOW_EXCEEDED: unknown(voiding),
  PRE_AUTH_ALREADY_CONFIRMED: unknown(voiding),
  PATRON_NOT_AUTHORIZED: unknown(conditions),
  MERCHANT_NOT_AUTHORIZED: unknown(conditions),
  CONDITION_ALREADY_SET: unknown(conditions),

  // Names of before: still read.
  DUPLICATE_IDEMPOTENCY_KEY: unconfirmed(older),
  PRE_AUTH_EXPIRED: declined("never_approved", `${older}; now PRE_AUTH_RELEASED (${release})`),
};

/** Why a Payment Request was cancelled. It was not paid then, whatever the reason. */
export const cancellationReasons: Readonly<Record<string, DeclineCategory>> = {
  // By the merchant on purpose: not for a machine to try again. (Our own voids are told apart by the ledger.)
  CANCELLED_BY_MERCHANT: "blocked",
  CANCELLED_BY_PATRON: "customer_action",
  DECLINED_BY_PATRON: "customer_action",
  DECLINED_BY_MERCHANT: "blocked",
  PATRON_CODE_INVALID: "wrong_details",
  PATRON_CODE_EXPIRED: "wrong_details",
  INACTIVE_ASSET: "never_approved",
  // Overdrawn, a quota, a restriction: not told apart.
  PAYMENT_DECLINED: "blocked",
  NO_AVAILABLE_PAYMENT_OPTIONS: "invalid_request",
  PAYMENT_REQUEST_EXPIRED: "issuer_unavailable",
  // "For an unknown reason", but its status says that it was not paid.
  PAYMENT_FAILED: "unrecognised",
  // Only in an older revision.
  INSUFFICIENT_ASSET_VALUE: "insufficient_funds",
  PREAUTH_EXPIRED: "never_approved",
};

/** Codes of a cancelled Payment Request stand apart from those of a 403 by this. */
export const cancelledCode = (reason: string): string => `CANCELLED:${reason}`;
export const expiredCode = "PAYMENT_REQUEST_EXPIRED";

const row = (category: DeclineCategory, source: string): DeclineRow => ({
  category,
  source,
  basis: "policy",
});

/** The same as a decline table: what `classify` looks a refusal up in. */
export const declineTable: DeclineTable = {
  codes: Object.fromEntries([
    ...Object.entries(messages).flatMap(([message, { category, source }]) =>
      category === undefined ? [] : [[message, row(category, source)] as const],
    ),
    ...Object.entries(cancellationReasons).map(
      ([reason, category]) => [cancelledCode(reason), row(category, reasons)] as const,
    ),
    // Nothing was paid, and a new Payment Request may be.
    [expiredCode, row("issuer_unavailable", reasons)] as const,
  ]),
  ranges: [],
  codeCategories: {},
};

/** A message as the table has it: its pages differ in case, and in spaces for underscores. */
export const normalMessage = (message: string): string =>
  message
    .trim()
    .toUpperCase()
    .replace(/[\s_-]+/g, "_")
    .slice(0, 64);

export const messageRow = (message: string): MessageRow | undefined => {
  const name = normalMessage(message);
  return Object.hasOwn(messages, name) ? messages[name] : undefined;
};
