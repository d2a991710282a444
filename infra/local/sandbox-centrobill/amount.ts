/**
 * Amounts as the gateway's JSON has them: decimals in major units. This is on purpose not the product's own
 * money code: a gateway that shares it would agree with every mistake in it.
 */

/** Currencies whose minor unit is not a hundredth (ISO 4217). */
const minorDigits: Readonly<Record<string, number>> = {
  ...Object.fromEntries(
    "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(" ").map((code) => [code, 0]),
  ),
  ...Object.fromEntries("BHD IQD JOD KWD LYD OMR TND".split(" ").map((code) => [code, 3])),
  CLF: 4,
  UYW: 4,
};

const known: ReadonlySet<string> = new Set(Intl.supportedValuesOf("currency"));

/** Whether the gateway takes this currency: three capital letters that ISO 4217 knows. */
export function isCurrency(value: unknown): value is string {
  return typeof value === "string" && (known.has(value) || Object.hasOwn(minorDigits, value));
}

/** Digits after the point of a currency: JPY 0, EUR 2, KWD 3, CLF 4. */
export function minorDigitsOf(currency: string): number {
  return minorDigits[currency] ?? 2;
}

/**
 * Minor units, as digits, of a decimal text in major units: `("19.9", "EUR")` is `"1990"`. Undefined when the
 * text is not a plain positive decimal or is finer than the currency: the gateway never rounds, so that a sum
 * a client made with floats shows.
 */
export function minorOf(decimal: string, currency: string): string | undefined {
  const parts = /^(0|[1-9]\d{0,14})(?:\.(\d+))?$/.exec(decimal);
  if (!parts) return undefined;
  const [, whole = "", fraction = ""] = parts;
  const digits = minorDigitsOf(currency);
  if (fraction.length > digits) return undefined;
  const minor = BigInt(whole + fraction.padEnd(digits, "0"));
  return minor > 0n ? minor.toString() : undefined;
}

/** The decimal text in major units of an amount in minor units: `("1990", "EUR")` is `"19.90"`. */
export function decimalOf(amountMinor: string, currency: string): string {
  const digits = minorDigitsOf(currency);
  if (digits === 0) return amountMinor;
  const padded = amountMinor.padStart(digits + 1, "0");
  return `${padded.slice(0, -digits)}.${padded.slice(-digits)}`;
}

/** Another currency with as many digits, so that the same decimal can be approved in the wrong one. */
export function anotherCurrency(currency: string): string {
  const [first = "EUR", second = "USD"] =
    { 0: ["JPY", "KRW"], 3: ["KWD", "BHD"], 4: ["CLF", "UYW"] }[minorDigitsOf(currency)] ?? [];
  return currency === first ? second : first;
}

/** Made-up fixed rates, in millionths of a US dollar for one major unit. They only fill `amountUsd`. */
const microUsd: Readonly<Record<string, bigint>> = {
  EUR: 1_080_000n,
  GBP: 1_270_000n,
  JPY: 6_700n,
  KWD: 3_250_000n,
  CLF: 39_400_000n,
};

/** US cents, rounded half up, of an amount: what the gateway states as `amountUsd`. */
export function usdCentsOf(amountMinor: string, currency: string): string {
  const scale = 10n ** BigInt(minorDigitsOf(currency)) * 10_000n;
  const rate = microUsd[currency] ?? 1_000_000n;
  return ((BigInt(amountMinor) * rate * 2n + scale) / (scale * 2n)).toString();
}
