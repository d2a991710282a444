import { anotherCurrency, decimalOf, usdCentsOf } from "./amount.ts";
import type { Approval, Decline, Result } from "./scenario.ts";
import { finalResult, type Transaction } from "./transaction.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What a result makes of the amount that was asked: only an approval can capture something else. */
export function takenAmount(
  result: Result,
  asked: { readonly amountMinor: string; readonly currency: string },
): { amountMinor: string; currency: string } {
  const approval = result.kind === "pending" ? result.becomes : result;
  if (approval.kind !== "approved") return { amountMinor: asked.amountMinor, currency: asked.currency };
  return {
    amountMinor: (BigInt(asked.amountMinor) + BigInt(approval.excessMinor)).toString(),
    currency: approval.currency === "asked" ? asked.currency : anotherCurrency(asked.currency),
  };
}

/**
 * The body of the 201 that the payment got when it was processed. It does not follow the transaction: a resend
 * gets what the first send got, also when a pending payment has become final since.
 */
export function payAnswer(transaction: Transaction): Fields {
  return {
    payment: paymentFields(transaction, transaction.at),
    consumer: transaction.consumer,
    ...(transaction.metadata ? { metadata: transaction.metadata } : {}),
  };
}

/** The transaction's row in the feed, as it stands at a time (epoch ms). */
export function feedRow(transaction: Transaction, at: number): Fields {
  return {
    ...paymentFields(transaction, at),
    consumer: transaction.consumer,
    ...(transaction.metadata && transaction.metadataInFeed ? { metadata: transaction.metadata } : {}),
  };
}

/** What the gateway tells of the transaction by itself at a time (epoch ms): shaped like the answer. */
export function noticeBody(transaction: Transaction, at: number): Fields {
  return {
    payment: paymentFields(transaction, at),
    consumer: transaction.consumer,
    // Who hides our references in the feed hides them here, too.
    ...(transaction.metadata && transaction.metadataInFeed ? { metadata: transaction.metadata } : {}),
  };
}

function paymentFields(transaction: Transaction, at: number): Fields {
  const { amountMinor, currency, result, paidFrom } = transaction;
  const final = finalResult(transaction, at);
  const redirects = !final && result.kind === "pending" && result.action === "redirect";
  return {
    ...wordsOf(final),
    action: redirects ? "redirect" : "charge",
    mode: "sale",
    // Number() of a decimal text of at most 15 digits prints as that decimal again.
    amount: Number(decimalOf(amountMinor, currency)),
    amountUsd: Number(decimalOf(usdCentsOf(amountMinor, currency), "USD")),
    currency,
    orderId: transaction.orderId,
    transactionId: transaction.transactionId,
    descriptor: "SANDBOX",
    ...(redirects ? { url: `https://redirect.sandbox.example/${transaction.transactionId}` } : {}),
    source: {
      method: "card",
      number: paidFrom.number,
      paymentAccountId: paidFrom.paymentAccountId,
      brand: paidFrom.brand,
      expirationMonth: paidFrom.expirationMonth,
      expirationYear: paidFrom.expirationYear,
    },
    apiPaymentSource: paidFrom.type,
    timestamp: timestampOf(transaction.at),
  };
}

/** Pending comes with code 0 and "Approved", as in the gateway's redirect sample. */
function wordsOf(final: Approval | Decline | undefined): Fields {
  if (!final) return { code: 0, description: "Approved", status: "pending" };
  if (final.kind === "approved") return { code: final.code, description: "Approved", status: "success" };
  const { code, codeCategory, description } = final;
  return { code, ...(codeCategory === undefined ? {} : { codeCategory }), description, status: "fail" };
}

/** The gateway states whole seconds, in UTC. */
function timestampOf(at: number): Fields {
  return {
    dateTime: new Date(at).toISOString().slice(0, 19).replace("T", " "),
    timezone: "+00:00",
    unixTime: Math.floor(at / 1000),
  };
}
