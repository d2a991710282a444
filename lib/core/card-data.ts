import { findCardNumber, holdsCardNumber } from "./card-number.ts";
import { isDeeperThan, type Json, parseJson, repeatedName } from "./json.ts";
import { findSecurityCode } from "./masked-message.ts";

/** Where a message holds what no message may (S12). `field` never shows it. */
export type CardData = {
  readonly code: "card_number" | "security_code";
  readonly field: string;
  readonly must: string;
};

/** Nested deeper, no message is a charge; and whoever walks it by recursion would overflow the stack. */
const nestingMax = 50;

const cardNumberAt = (field: string): CardData => ({
  code: "card_number",
  field,
  must: "not hold a card number",
});

/** The first card number in parsed JSON, or else the first member that is named like a security code. */
export const findCardData = (message: Json): CardData | undefined => {
  const cardNumber = findCardNumber(message);
  if (cardNumber !== undefined) return cardNumberAt(cardNumber.path);
  const securityCode = isDeeperThan(message, nestingMax) ? undefined : findSecurityCode(message);
  return securityCode === undefined
    ? undefined
    : { code: "security_code", field: securityCode, must: "not be there: a card's security code" };
};

/** The same for a text, whether it is JSON or not. */
export const findCardDataInText = (text: string): CardData | undefined => {
  const message = parseJson(text);
  const found = message === undefined ? undefined : findCardData(message);
  if (found !== undefined) return found;
  // What has its name twice is in the text alone.
  const isAll = message !== undefined && repeatedName(text) === undefined;
  return !isAll && holdsCardNumber(text) ? cardNumberAt("message") : undefined;
};
