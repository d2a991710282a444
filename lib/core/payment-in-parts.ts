import type { GatewaySide } from "./sides.ts";

/** What a charge was asked to take. */
type Asked = { readonly amount: string; readonly currency: string; readonly transactionId?: string };

/** Captures with payments that came in parts taken as one, and what each of them is made of. */
export type Payments = {
  readonly captures: readonly GatewaySide[];
  partsOf(capture: GatewaySide): readonly GatewaySide[];
};

/**
 * Several captures under one order that come to no more than was asked are one payment in parts. A payment is one
 * "towards the request" and may be of several assets (facts, Centrapay §5.4 and its pay's `mode`); that a patron pays a
 * Quick Pay so is an assumption, and the safe one: no refund is proposed of half a payment. What comes to more is money
 * taken twice.
 */
export const paymentsOf = (captures: readonly GatewaySide[], asked: Asked): Payments => {
  const byOrder = Map.groupBy(
    captures.filter(({ orderId, amount, currency }) => orderId && amount && currency === asked.currency),
    ({ orderId }) => orderId,
  );
  const wholes = new Map<GatewaySide, GatewaySide>();
  const parts = new Map<GatewaySide, readonly GatewaySide[]>();
  for (const some of byOrder.values()) {
    const sum = some.reduce((total, { amount = "0" }) => total + BigInt(amount), 0n);
    if (sum > BigInt(asked.amount)) continue;
    const known = some.find(({ transactionId }) => transactionId === asked.transactionId);
    const whole = { ...(known ?? (some[0] as GatewaySide)), amount: String(sum) };
    parts.set(whole, some);
    for (const part of some) wholes.set(part, whole);
  }
  return {
    captures: [...new Set(captures.map((row) => wholes.get(row) ?? row))],
    partsOf: (capture) => parts.get(capture) ?? [capture],
  };
};
