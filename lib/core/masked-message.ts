import { maskCardNumbers } from "./card-number.ts";
import { isDeeperThan, isJsonObject, type Json, parseJson } from "./json.ts";

/** Names under which a card's security code travels. */
const securityCodeName = /^(cvv2?|cvc2?|security_?code|card_?code)$/i;
/** Only names of such a length can be one: nearly every name is told apart by it. */
const isSecurityCodeName = (name: string): boolean => name.length <= 13 && securityCodeName.test(name);
/** With quotes, and with the escaped ones of JSON inside a string. */
const securityCodeInText =
  /(["'\\]*(?:cvv2?|cvc2?|security_?code|card_?code)["'\\]*\s*[:=]\s*)["'\\]*\d{1,6}["'\\]*/gi;

const mask = "***";

/** The path of the first member that is named like a card's security code, or `undefined`. */
export const findSecurityCode = (value: Json): string | undefined =>
  securityCodePlace(value)?.join(".").slice(0, 120);

const securityCodePlace = (value: Json): string[] | undefined => {
  if (typeof value !== "object" || value === null) return undefined;
  const named = isJsonObject(value);
  for (const key of Object.keys(value)) {
    if (named && isSecurityCodeName(key)) return [key];
    const place = securityCodePlace((value as Record<string, Json>)[key] ?? null);
    if (place !== undefined) return [key, ...place];
  }
  return undefined;
};

/** Longest copy of a refused message that is passed on, in UTF-16 units. */
const textMax = 32_768;

/**
 * A refused message's text, for the person who has to correct it: card numbers and security codes masked,
 * however JSON wrote them, and cut where it is too long to pass on.
 */
export const maskedText = (body: string): string => {
  const parsed = parseJson(body);
  const readable =
    parsed === undefined || isDeeperThan(parsed, 50)
      ? body
      : JSON.stringify(parsed, (key, item: unknown) => (securityCodeName.test(key) ? mask : item));
  // Masked before it is cut: a number that was cut has no check digit to be known by.
  return maskCardNumbers(readable).replace(securityCodeInText, `$1${mask}`).slice(0, textMax);
};

const withoutSecrets = (text: string, secrets: readonly string[]): string => {
  const long = secrets.filter((secret) => secret.length >= 4);
  if (!long.some((secret) => text.includes(secret))) return text;
  // The longest first: one may be the beginning of another.
  long.sort((a, b) => b.length - a.length);
  return long.reduce((masked, secret) => masked.replaceAll(secret, mask), text);
};

/** What every match of `cardMemberInText` and of `securityCodeInText` holds: most texts hold none of it. */
const cardWord = /paymentAccountId|token|number|iban|cvv|cvc|security|card/i;
/** A gateway's answer may name the card it charged though the message did not. */
const cardMemberInText = /("?(?:paymentAccountId|token|number|iban)"?\s*[:=]\s*)"(?:[^"\\]|\\.)*"/gi;

/** Gateway text with the charge's own secrets and every card number masked, and cut to `max`. */
export const maskedExcerpt = (text: string, secrets: readonly string[], max: number): string => {
  const masked = maskCardNumbers(withoutSecrets(text, secrets));
  if (!cardWord.test(masked)) return masked.slice(0, max);
  return masked
    .replace(cardMemberInText, `$1"${mask}"`)
    .replace(securityCodeInText, `$1${mask}`)
    .slice(0, max);
};
