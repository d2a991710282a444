import type { PaidFrom } from "./pay-request.ts";
import type { Approval, Decline, Result } from "./scenario.ts";

/** One payment the gateway processed, once and for all. It is JSON as it stands, so that a file can keep it. */
export interface Transaction {
  /** Digits, assigned by the gateway. */
  readonly transactionId: string;
  /** Digits, assigned by the gateway. */
  readonly orderId: string;
  /** The X-Request-ID header it came with, if any. */
  readonly requestId?: string;
  /** `metadata.chargeId` of the request, if any. */
  readonly chargeId?: string;
  /** What was captured or declined, in minor units of `currency`; not always what was asked. */
  readonly amountMinor: string;
  readonly currency: string;
  /** When processing began, epoch ms: a request id's life counts from here. */
  readonly beganAt: number;
  /** When it was processed, epoch ms. */
  readonly at: number;
  /** When its status is final, epoch ms; later than `at` for a pending one only. */
  readonly finalAt: number;
  readonly result: Result;
  readonly paidFrom: PaidFrom;
  readonly consumer: Readonly<Record<string, unknown>>;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly metadataInFeed: boolean;
  /** SHA-256 of the request's body, to tell a resend from another request under the same id. */
  readonly bodyHash: string;
}

/** What a transaction amounts to at a time: its final result, or undefined while it is pending. */
export function finalResult(transaction: Transaction, at: number): Approval | Decline | undefined {
  const { result } = transaction;
  if (result.kind !== "pending") return result;
  return at >= transaction.finalAt ? result.becomes : undefined;
}
