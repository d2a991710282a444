/** Where a rule counts. `global` is everywhere; what a region adds counts there beside it. */
export const regions = ["global", "europe", "cemea", "brazil"] as const;
export type Region = (typeof regions)[number];

/** Who says so, and how old it is. The networks publish little: most rows are second-hand. */
export type RuleSource = {
  readonly title: string;
  readonly url: string;
  /**
   * the day that the text bears or on which it was announced, `YYYY-MM-DD` or a year alone; `null`: it bears none,
   * and was read on 2026-11-22
   */
  readonly edition: string | null;
  /** `network`: the network's own text, as others recorded it; the rest pass on what they were told */
  readonly kind: "network" | "acquirer" | "secondary";
};

/** The editions that rules rest on, apart from the rest: what works charges has no use for titles and addresses. */
const editions = {
  visa_core_rules: "2026-04-18",
  cielo_changelog: "2025-05-25",
  checkout_code_57: "2026-09-10",
  tabapay_visa: "2025-09-12",
  tabapay_mastercard: null,
  clearent: "2021",
  braintree_mastercard: "2024",
  retries_com: null,
  antom_advice_codes: null,
  maast: "2021",
  payzu: null,
} as const satisfies Readonly<Record<string, string | null>>;
export type SourceId = keyof typeof editions;

const withEditions = (
  texts: Readonly<Record<SourceId, Omit<RuleSource, "edition">>>,
): Readonly<Record<SourceId, RuleSource>> =>
  Object.fromEntries(
    Object.entries(texts).map(([id, { title, url, kind }]) => [
      id,
      { title, url, edition: editions[id as SourceId], kind },
    ]),
  ) as Record<SourceId, RuleSource>;

export const sources = /* @__PURE__ */ withEditions({
  visa_core_rules: {
    title:
      "Visa Core Rules and Visa Product and Service Rules, ID# 0030640, Table 7-2, as the open decline-codes data records it",
    url: "https://usa.visa.com/dam/VCOM/download/about-visa/visa-rules-public.pdf",
    kind: "network",
  },
  cielo_changelog: {
    title: "Cielo, changelog for developers",
    url: "https://docs.cielo.com.br",
    kind: "acquirer",
  },
  checkout_code_57: {
    title: "Checkout.com, merchant communication on response code 57",
    url: "https://www.checkout.com/merchant-communications",
    kind: "acquirer",
  },
  tabapay_visa: {
    title: "TabaPay, Visa response code updates",
    url: "https://developers.tabapay.com/docs/visa-response-code-updates",
    kind: "acquirer",
  },
  tabapay_mastercard: {
    title: "TabaPay, Mastercard excessive attempts and merchant advice codes",
    url: "https://developers.tabapay.com/docs/mastercard-1",
    kind: "acquirer",
  },
  clearent: {
    title: "Clearent, Visa excessive reattempts",
    url: "https://clearent.com",
    kind: "acquirer",
  },
  braintree_mastercard: {
    title: "Braintree, Mastercard network updates (mastercard-f23, mc-s24)",
    url: "https://developer.paypal.com/braintree/articles/network-updates/mastercard-f23",
    kind: "acquirer",
  },
  retries_com: {
    title: "retries.com, Mastercard transaction processing excellence",
    url: "https://retries.com/guides/transaction-processing-excellence",
    kind: "secondary",
  },
  antom_advice_codes: {
    title: "Antom, merchant advice codes",
    url: "https://docs.antom.com/ac/ams/mac",
    kind: "acquirer",
  },
  maast: {
    title: "Maast, help: Mastercard merchant advice codes",
    url: "https://help.maast.com",
    kind: "acquirer",
  },
  payzu: {
    title: "PayZu, retries by network in Brazil",
    url: "https://docs.payzu.com.br",
    kind: "acquirer",
  },
});

/** On what a rule rests. */
export type Basis = {
  readonly source: SourceId;
  readonly edition: string | null;
  /** the day from which it counts, `YYYY-MM-DD`; `null`: not said, so always */
  readonly effectiveFrom: string | null;
  readonly region: Region;
};

/** A rule's basis: its source, with that source's edition. */
export const said = (
  source: SourceId,
  effectiveFrom: string | null = null,
  region: Region = "global",
): Basis => ({ source, edition: editions[source], effectiveFrom, region });

/** Whether a rule counts at this moment, in this region. */
export const isInForce = (
  { effectiveFrom, region }: Pick<Basis, "effectiveFrom" | "region">,
  at: { readonly nowMs: number; readonly region: Region },
): boolean =>
  (region === "global" || region === at.region) &&
  (effectiveFrom === null || Date.parse(effectiveFrom) <= at.nowMs);

/** The newest edition that any rule rests on, milliseconds since 1970; of a year alone its first day counts. */
export const newestEditionMs = (): number =>
  Math.max(
    ...Object.values(sources).map(({ edition }: RuleSource) => (edition === null ? 0 : Date.parse(edition))),
  );

const freshMs = 365 * 86_400_000;

/** What to say when nobody has looked at the rules for a year; `undefined` while there is nothing to say. */
export const staleRulesWarning = (nowMs: number): string | undefined => {
  const newestMs = newestEditionMs();
  return nowMs - newestMs <= freshMs
    ? undefined
    : `the newest source of the retry rules is of ${new Date(newestMs).toISOString().slice(0, 10)}, more than 12 months old: look for new editions (lib/core/retry-rules/sources.ts)`;
};
