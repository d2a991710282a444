import { type Basis, isInForce, type Region, said } from "./sources.ts";

/**
 * What Mastercard's merchant advice codes (MAC) say of a later attempt.
 * `close`: never again on this instrument; `stop`: no later attempt of this charge, unless its data changes;
 * `wait`: not before that long; `none`: nothing about time.
 */
export type AdviceAction = "close" | "stop" | "wait" | "none";

export type AdviceRule = Basis & {
  /** Mastercard's own number. A gateway that numbers them anew is translated in its decline table, not here. */
  readonly code: string;
  readonly action: AdviceAction;
  /** milliseconds; 0 where the code names no time */
  readonly waitMs: number;
  readonly meaning: string;
};

const hourMs = 3_600_000;
const rule = (
  code: string,
  action: AdviceAction,
  waitMs: number,
  meaning: string,
  basis: Basis,
): AdviceRule => ({
  code,
  action,
  waitMs,
  meaning,
  ...basis,
});
const braintree = said("braintree_mastercard");
const antom = said("antom_advice_codes");

export const adviceRules: readonly AdviceRule[] = [
  rule("01", "stop", 0, "new account information is available: update the data first", braintree),
  rule("02", "wait", 0, "cannot approve now: try again later", braintree),
  rule("03", "close", 0, "do not try again", said("tabapay_mastercard")),
  rule("04", "stop", 0, "token requirements are not fulfilled for this token mode", braintree),
  rule("05", "stop", 0, "the negotiated value was not approved", antom),
  rule("21", "close", 0, "payment cancellation: do not try again", said("tabapay_mastercard")),
  rule("22", "stop", 0, "the merchant does not qualify for this product code", antom),
  rule("24", "wait", hourMs, "try again after 1 hour", braintree),
  rule("25", "wait", 24 * hourMs, "try again after 24 hours", braintree),
  rule("26", "wait", 48 * hourMs, "try again after 2 days", braintree),
  rule("27", "wait", 96 * hourMs, "try again after 4 days", braintree),
  rule("28", "wait", 144 * hourMs, "try again after 6 days", braintree),
  rule("29", "wait", 192 * hourMs, "try again after 8 days", braintree),
  rule("30", "wait", 240 * hourMs, "try again after 10 days", braintree),
  rule("40", "none", 0, "a prepaid card that cannot be reloaded", antom),
  // Its number was good for one purchase: another attempt cannot go through.
  rule("41", "stop", 0, "a virtual card number for a single use", antom),
  rule("43", "none", 0, "a virtual card number for several uses", antom),
];

/** The rule of an advice code; `undefined` for one that is not listed, which is no leave to try again. */
export const adviceRuleOf = (
  code: string,
  at: { readonly nowMs: number; readonly region: Region },
): AdviceRule | undefined => {
  const wanted = code.trim().padStart(2, "0");
  return adviceRules.find((one) => one.code === wanted && isInForce(one, at));
};
