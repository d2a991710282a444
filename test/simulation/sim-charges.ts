import type { Random } from "./random.ts";
import { invoiceRefOf } from "./sim-centrapay.ts";

/** The ways of charging, Centrobill's one and Centrapay's three. */
export const chargeWays = ["centrobill", "pay", "confirm", "quickPay"] as const;
export type ChargeWay = (typeof chargeWays)[number];

/** Half of the charges are Centrobill's, and each of Centrapay's ways is there in most histories. */
export const drawnWays: readonly ChargeWay[] = [
  ...(["centrobill", "centrobill", "centrobill", "centrobill", "centrobill"] as const),
  ...(["pay", "pay", "confirm", "quickPay", "quickPay"] as const),
];

const merchant = { configId: "mc_1", merchantAccountId: "acc1" };
const preAuths = 3;

/** A charge as it stands on the queue. */
export const chargeMessage = (chargeId: string, way: ChargeWay, random: Random): string => {
  const amount = random.between(2, 99_999);
  const pool = random.between(1, preAuths);
  const base = { v: 1, chargeId, amount: String(amount) };
  switch (way) {
    case "centrobill":
      return JSON.stringify({
        ...base,
        gateway: "centrobill",
        currency: "EUR",
        request: {
          paymentSource: { type: "consumer", value: `consumer-${chargeId}` },
          consumer: { externalId: `consumer-${chargeId}`, ip: "192.0.2.1" },
          sku: { siteId: "site-1" },
        },
      });
    case "pay":
      return centrapay({ mode: "pay", ...merchant, assetType: "centrapay.nzd.test", assetId: "asset-1" });
    case "confirm":
      // Several charges draw on one pre-authorised Payment Request.
      return centrapay({
        mode: "confirm",
        paymentRequestId: `pre${pool}`,
        invoiceRef: invoiceRefOf(chargeId),
        lineItems: [{ name: "feed", qty: "1", price: String(amount) }],
      });
    case "quickPay":
      return centrapay({ mode: "quickPay", ...merchant, barcode: "424242424", patronNotPresent: true });
  }
  function centrapay(request: object): string {
    return JSON.stringify({ ...base, gateway: "centrapay", currency: "NZD", request });
  }
};
