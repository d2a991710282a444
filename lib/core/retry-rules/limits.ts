import { type Basis, isInForce, type Region, said } from "./sources.ts";

export const networks = ["visa", "mastercard"] as const;
export type Network = (typeof networks)[number];

/**
 * The network that a merchant's word for it names. `undefined`: none, or one whose counts are not published;
 * every network's rules count then, and so the strictest.
 */
export const networkOf = (word: string | undefined): Network | undefined => {
  const name = word?.toLowerCase().replace(/[^a-z]/g, "");
  if (name === "visa" || name === "visaelectron") return "visa";
  return name === "mastercard" || name === "mc" || name === "maestro" ? "mastercard" : undefined;
};

export const limitIds = [
  "mastercard_24_hours",
  "mastercard_amount_30_days",
  "visa_amount_30_days",
  "mastercard_brazil_month",
] as const;
export type LimitId = (typeof limitIds)[number];

/**
 * How many attempts a network lets an instrument have at a merchant. All windows roll, where a source says
 * "calendar day" or "tumbling", too: that is the stricter reading. The first attempt counts, though Visa speaks
 * of reattempts; so do attempts by the holder, which Visa counts apart.
 */
export type NetworkLimit = Basis & {
  readonly id: LimitId;
  readonly network: Network;
  readonly attemptsMax: number;
  readonly perMs: number;
  /** of all amounts together, or of each amount by itself */
  readonly counts: "instrument" | "instrument_amount";
};

const dayMs = 86_400_000;

export const networkLimits: readonly NetworkLimit[] = [
  {
    id: "mastercard_24_hours",
    network: "mastercard",
    attemptsMax: 10,
    perMs: dayMs,
    counts: "instrument",
    ...said("braintree_mastercard", "2022-10-01"),
  },
  {
    id: "mastercard_amount_30_days",
    network: "mastercard",
    attemptsMax: 35,
    perMs: 30 * dayMs,
    counts: "instrument_amount",
    ...said("braintree_mastercard"),
  },
  // It was 15; PayPal and others still print that. Cielo, TabaPay, Checkout.com and Recurly use 20.
  {
    id: "visa_amount_30_days",
    network: "visa",
    attemptsMax: 20,
    perMs: 30 * dayMs,
    counts: "instrument_amount",
    ...said("cielo_changelog", "2025-05-25"),
  },
  // A fee from the eighth on, by the month.
  {
    id: "mastercard_brazil_month",
    network: "mastercard",
    attemptsMax: 7,
    perMs: 31 * dayMs,
    counts: "instrument",
    ...said("payzu", null, "brazil"),
  },
];

/** The limits that count for an instrument of this network, now and here. */
export const limitsOf = (
  network: Network | undefined,
  at: { readonly nowMs: number; readonly region: Region },
): readonly NetworkLimit[] =>
  networkLimits.filter((one) => (network === undefined || one.network === network) && isInForce(one, at));

/** What a fee is taken for: an attempt beyond a limit, or one on an instrument that is closed. */
export type FeeFor = LimitId | "visa_category_1" | "mastercard_advice_close";

export type NetworkFee = Basis & {
  readonly for: FeeFor;
  /** minor units */
  readonly amountMinor: number;
  readonly currency: string;
};

/**
 * What one attempt too many costs. Where sources differ (Visa takes 0.25 of cross-border ones) the lowest stands
 * here: a saving is never told higher than it is sure to be.
 */
export const networkFees: readonly NetworkFee[] = [
  { for: "visa_category_1", amountMinor: 10, currency: "USD", ...said("clearent") },
  { for: "visa_amount_30_days", amountMinor: 10, currency: "USD", ...said("clearent") },
  { for: "mastercard_24_hours", amountMinor: 50, currency: "USD", ...said("retries_com", "2025-01-01") },
  {
    for: "mastercard_amount_30_days",
    amountMinor: 50,
    currency: "USD",
    ...said("retries_com", "2025-01-01"),
  },
  {
    for: "mastercard_24_hours",
    amountMinor: 55,
    currency: "EUR",
    ...said("tabapay_mastercard", "2024-08-01", "europe"),
  },
  {
    for: "mastercard_amount_30_days",
    amountMinor: 55,
    currency: "EUR",
    ...said("tabapay_mastercard", "2024-08-01", "europe"),
  },
  { for: "mastercard_brazil_month", amountMinor: 200, currency: "BRL", ...said("payzu", null, "brazil") },
  { for: "mastercard_advice_close", amountMinor: 3, currency: "USD", ...said("maast") },
];

/** The fee of one attempt too many, now and here; `undefined` where none is known. */
export const feeOf = (
  what: FeeFor,
  at: { readonly nowMs: number; readonly region: Region },
): Pick<NetworkFee, "amountMinor" | "currency"> | undefined => {
  const inForce = networkFees.filter((fee) => fee.for === what && isInForce(fee, at));
  const own = inForce.find(({ region }) => region !== "global") ?? inForce[0];
  return own === undefined ? undefined : { amountMinor: own.amountMinor, currency: own.currency };
};
