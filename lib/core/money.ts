import { type Currency, digitsOf, parseCurrency } from "./currency.ts";

export { type Currency, digitsOf, parseCurrency } from "./currency.ts";

/** An amount in the minor units of its currency: 1999 EUR is 19.99, 500 JPY is 500. */
export type Money = { readonly amountMinor: bigint; readonly currency: Currency };

/**
 * The `amount` of a charge message, in minor units: a string of ASCII digits, over 0 and under 10^8, with
 * neither sign, point, exponent, space nor leading zero. Anything else, a number included, is `undefined`:
 * an amount that has to be interpreted is an amount that may be interpreted wrongly.
 */
export const parseAmountMinor = (text: unknown): bigint | undefined =>
  typeof text === "string" && /^[1-9][0-9]{0,7}$/.test(text) ? BigInt(text) : undefined;

/** The amount in major units with exactly the currency's digits: "19.99", "500", "0.005". Never an exponent. */
export const toDecimal = ({ amountMinor, currency }: Money): string => {
  const digits = digitsOf(currency);
  const sign = amountMinor < 0n ? "-" : "";
  const minor = String(amountMinor)
    .replace("-", "")
    .padStart(digits + 1, "0");
  if (digits === 0) return sign + minor;
  return `${sign}${minor.slice(0, -digits)}.${minor.slice(-digits)}`;
};

/** Longer texts are no amounts; the bound keeps a hostile one from costing a quadratic BigInt. */
const decimalLengthMax = 64;

/** As JSON writes a number, without its exponent. */
const decimalForm = /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?$/;

const matchDecimal = (text: string): RegExpExecArray | null =>
  text.length <= decimalLengthMax ? decimalForm.exec(text) : null;
const isDecimal = (text: string): boolean => text.length <= decimalLengthMax && decimalForm.test(text);

/**
 * The minor units of a decimal amount in major units, as gateways write them: "19.99", "19.9", "19", and
 * "19.9900" where the excess digits are zero. A leading minus is read (feeds write refunds so).
 * `undefined` where it has more precision than the currency, and for anything else: exponent, plus sign,
 * grouping, space, "19.", ".5", "019". No binary float is involved.
 */
export const fromDecimal = (text: string, currency: Currency): bigint | undefined => {
  const match = matchDecimal(text);
  if (match === null) return undefined;
  const [, sign, major, fraction = ""] = match;
  const digits = digitsOf(currency);
  if (/[1-9]/.test(fraction.slice(digits))) return undefined;
  const minor = BigInt(`${major}${fraction.slice(0, digits).padEnd(digits, "0")}`);
  return sign === "-" ? -minor : minor;
};

/** What a binary double keeps of any decimal, whatever its value. */
const digitsInDouble = 15;

/** Below it a whole number of hundredths is exact, and so is what it is made of. */
const hundredthsMax = 1e13;

/**
 * What `String` writes of a number over 0 that has two decimals at the most, without the search for the shortest text:
 * two texts of so few digits are never the same number. `undefined` for any other.
 */
const centsText = (value: number): string | undefined => {
  const hundredths = Math.round(value * 100);
  if (!(hundredths > 0 && hundredths < hundredthsMax) || hundredths / 100 !== value) return undefined;
  const cents = hundredths % 100;
  const whole = (hundredths - cents) / 100;
  if (cents === 0) return String(whole);
  if (cents % 10 === 0) return `${whole}.${cents / 10}`;
  return cents < 10 ? `${whole}.0${cents}` : `${whole}.${cents}`;
};

/**
 * The decimal text of an amount in parsed JSON, for `fromDecimal`. A string is returned as it is if it is a
 * decimal; a number as its shortest decimal, if it is finite, needs no exponent, and has no more significant
 * digits than a double keeps (beyond them the text may not be what the gateway wrote). Otherwise `undefined`.
 */
export const decimalOfJson = (value: unknown): string | undefined => {
  if (typeof value === "string") return isDecimal(value) ? value : undefined;
  if (typeof value !== "number") return undefined;
  const cents = centsText(value);
  if (cents !== undefined) return cents;
  const text = String(value);
  if (!isDecimal(text)) return undefined;
  if (text.length <= digitsInDouble) return text;
  const significant = text.replace(/[-.]/g, "").replace(/^0+/, "");
  return significant.length <= digitsInDouble ? text : undefined;
};

/** For people: "19.99 EUR". */
export const formatMoney = (money: Money): string => `${toDecimal(money)} ${money.currency}`;

/** Minor units as an amount, or as they are where the currency is none that is known. */
export const moneyText = (amount: string, currency: string): string => {
  const known = parseCurrency(currency);
  return known === undefined || !/^-?\d+$/.test(amount)
    ? `${amount} ${currency}`
    : formatMoney({ amountMinor: BigInt(amount), currency: known });
};
