import { randomUUID } from "node:crypto";

/** A charge message, as far as the designs beside ours read it. */
export type ChargeMessage = {
  readonly chargeId: string;
  readonly amount: string;
  readonly currency: string;
  readonly request: { readonly sku: object } & Readonly<Record<string, unknown>>;
};

/** The request of a charge: address, headers and text. */
export const paymentOf = ({ chargeId, amount, currency, request }: ChargeMessage) => ({
  url: `${process.env["CENTROBILL_URL"]}/payment`,
  headers: {
    Authorization: process.env["CENTROBILL_API_KEY"] ?? "",
    "Content-Type": "application/json",
    "X-Request-ID": randomUUID(),
  },
  body: JSON.stringify({
    ...request,
    sku: { ...request.sku, price: [{ offset: "0d", amount: Number(amount) / 100, currency, repeat: false }] },
    metadata: { chargeId },
  }),
});

/** Charges by fetch, as most would. @throws whatever the answer is that is no approval */
export const chargeByFetch = async (message: ChargeMessage): Promise<{ readonly transactionId: string }> => {
  const { url, headers, body } = paymentOf(message);
  const answer = await fetch(url, { method: "POST", headers, body, signal: AbortSignal.timeout(30_000) });
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  const { payment } = (await answer.json()) as {
    payment: { status: string; code: number; transactionId: string };
  };
  if (payment.status !== "success" || payment.code !== 0) throw new Error(`declined: ${payment.code}`);
  return { transactionId: payment.transactionId };
};
