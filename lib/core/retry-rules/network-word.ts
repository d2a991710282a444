import { networkOf } from "./limits.ts";
import { adviceRuleOf } from "./mastercard.ts";
import type { Region } from "./sources.ts";
import { visaCategoryOf } from "./visa.ts";

/** What is known of a decline that the networks have a rule for. */
export type NetworkDecline = {
  /** the merchant's word for the network */
  readonly network?: string | undefined;
  /** the network's own response code */
  readonly networkCode?: string | undefined;
  /** Mastercard's own advice code */
  readonly adviceCode?: string | undefined;
};

/**
 * A network's no to a later attempt. `closes`: on this instrument, for any charge; otherwise for this charge.
 * `wait`: leave from a moment on.
 */
export type NetworkWord =
  | {
      readonly kind: "closes";
      readonly rule: "visa_category_1" | "mastercard_advice_close";
      readonly code: string;
    }
  | {
      readonly kind: "stops";
      readonly rule: "mastercard_advice_stop" | "mastercard_advice_unlisted";
      readonly code: string;
    }
  | { readonly kind: "waits"; readonly waitMs: number }
  | { readonly kind: "nothing" };

/**
 * What the networks say of a later attempt after this decline. Where the network is not told, or is one whose
 * rules are not published, both networks' rules count. No advice code at all says nothing: neither gateway that
 * there is passes them on, and the decline's category decides.
 */
export const networkWordOf = (
  { network: word, networkCode, adviceCode }: NetworkDecline,
  at: { readonly nowMs: number; readonly region: Region },
): NetworkWord => {
  const network = networkOf(word);
  if (network !== "mastercard" && networkCode !== undefined && visaCategoryOf(networkCode, at) === 1)
    return { kind: "closes", rule: "visa_category_1", code: networkCode };
  if (network === "visa" || adviceCode === undefined) return { kind: "nothing" };
  const advice = adviceRuleOf(adviceCode, at);
  switch (advice?.action) {
    case undefined:
      return { kind: "stops", rule: "mastercard_advice_unlisted", code: adviceCode };
    case "close":
      return { kind: "closes", rule: "mastercard_advice_close", code: adviceCode };
    case "stop":
      return { kind: "stops", rule: "mastercard_advice_stop", code: adviceCode };
    case "wait":
      return { kind: "waits", waitMs: advice.waitMs };
    case "none":
      return { kind: "nothing" };
  }
};
