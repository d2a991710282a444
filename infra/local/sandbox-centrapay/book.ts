/** A Payment Request as the gateway keeps it. It is JSON as it stands, so that a file can keep it. */
export interface PaymentRequest {
  readonly id: string;
  readonly externalRef: string | undefined;
  readonly merchantAccountId: string | undefined;
  readonly barcode: string | undefined;
  readonly amount: string;
  readonly currency: string;
  /** a pre-authorised one that confirmations draw on */
  readonly preAuth: boolean;
  readonly createdAt: number;
  readonly expiresAt: number;
  status: "new" | "paid" | "cancelled";
  cancellationReason: string | undefined;
  remaining: string;
  asks: number;
  readonly activities: Activity[];
}

export interface Activity {
  readonly id: string;
  readonly type: "request" | "payment" | "confirmation" | "refund" | "cancellation";
  readonly amount: string;
  readonly currency: string;
  readonly idempotencyKey: string | undefined;
  readonly invoiceRef: string | undefined;
  readonly createdAt: number;
}

/** One capture, under the reference that the merchant gave it. */
export interface Capture {
  readonly chargeId: string;
  readonly amount: string;
  readonly currency: string;
  /** of a confirmation, whose reference may be of several: the key that it was made with */
  readonly key?: string;
}

/** What the gateway really did. */
export class Book {
  private readonly requests = new Map<string, PaymentRequest>();

  add(request: PaymentRequest): PaymentRequest {
    this.requests.set(request.id, request);
    return request;
  }

  get(id: string): PaymentRequest | undefined {
    return this.requests.get(id);
  }

  byExternalRef(externalRef: string): readonly PaymentRequest[] {
    return [...this.requests.values()].filter((one) => one.externalRef === externalRef);
  }

  all(): Iterable<PaymentRequest> {
    return this.requests.values();
  }

  /** Money taken and not given back, oldest first. */
  captures(): readonly Capture[] {
    return [...this.requests.values()].flatMap((request) => {
      const refunded = request.activities.some(({ type }) => type === "refund");
      return request.activities
        .filter(({ type }) => (type === "payment" && !refunded) || type === "confirmation")
        .map(({ amount, currency, invoiceRef, idempotencyKey, type }) => ({
          chargeId: request.externalRef ?? invoiceRef ?? request.id,
          amount,
          currency,
          ...(type === "confirmation" && idempotencyKey !== undefined ? { key: idempotencyKey } : {}),
        }));
    });
  }
}

/** `expired` is a status of the clock, not of the book. */
export const statusAt = (request: PaymentRequest, now: number): string =>
  request.status === "new" && !request.preAuth && now >= request.expiresAt ? "expired" : request.status;

const iso = (ms: number): string => new Date(ms).toISOString();

export const requestJson = (request: PaymentRequest, now: number): object => ({
  id: request.id,
  shortCode: `CP-${request.id.slice(-6).toUpperCase()}`,
  merchantId: "sandbox-merchant",
  value: { amount: request.amount, currency: request.currency },
  status: statusAt(request, now),
  liveness: "test",
  createdAt: iso(request.createdAt),
  updatedAt: iso(now),
  expiresAt: iso(request.expiresAt),
  ...(request.externalRef === undefined ? {} : { externalRef: request.externalRef }),
  ...(request.cancellationReason === undefined ? {} : { cancellationReason: request.cancellationReason }),
  ...(request.status === "paid" ? { remainingAmount: request.remaining } : {}),
});

export const activityJson = (activity: Activity, request: PaymentRequest): object => ({
  type: activity.type,
  id: activity.id,
  value: { amount: activity.amount, currency: activity.currency },
  paymentRequestId: request.id,
  activityNumber: String(request.activities.indexOf(activity) + 1),
  createdAt: iso(activity.createdAt),
  ...(activity.idempotencyKey === undefined ? {} : { idempotencyKey: activity.idempotencyKey }),
  ...(activity.invoiceRef === undefined ? {} : { invoiceRef: activity.invoiceRef }),
});
