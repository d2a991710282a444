import type { Brand } from "./brand.ts";

/** An ISO 4217 alpha-3 code of a currency or fund that has minor units. */
export type Currency = Brand<string, "Currency">;

/** How many decimal digits the minor unit takes: 2 for cents, 0 where there is no minor unit in use. */
export type CurrencyDigits = 0 | 2 | 3 | 4;

/**
 * ISO 4217 list one, by digits. The digits are ISO's, not those of a locale library: CLDR shows several of
 * these with fewer (ISK as ISO, but HUF, IDR or PKR with 0), and an amount read so would be wrong by 100.
 *
 * Not in it: XXX and XTS (no currency, test), metals and units of account (no minor units defined), and codes
 * that were withdrawn (HRK, SLL, CUC, ZWL, ANG). BGN stays although Bulgaria pays in euro since 2026: feeds
 * and disputes name it for longer than tills do.
 */
const codesByDigits: readonly (readonly [CurrencyDigits, string])[] = [
  [0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"],
  [
    2,
    `AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE
     CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD
     HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP
     MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD
     SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS
     VED VES WST XAD XCD XCG YER ZAR ZMW ZWG`,
  ],
  [3, "BHD IQD JOD KWD LYD OMR TND"],
  [4, "CLF UYW"],
];

/** Every known code with its digits. */
export const currencies: ReadonlyMap<string, CurrencyDigits> = new Map(
  codesByDigits.flatMap(([digits, codes]) => codes.split(/\s+/).map((code) => [code, digits] as const)),
);

/** The currency of an exact, upper-case alpha-3 code; `undefined` where it is not a known one. */
export const parseCurrency = (text: string): Currency | undefined =>
  currencies.has(text) ? (text as Currency) : undefined;

/** The decimal digits of the currency's minor unit. */
export const digitsOf = (currency: Currency): CurrencyDigits => {
  const digits = currencies.get(currency);
  // Only parseCurrency makes one, so this cannot happen; a guessed digit count would be a wrong amount.
  if (digits === undefined) throw new TypeError("not a known currency");
  return digits;
};
