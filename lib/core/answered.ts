import type { GatewayRules } from "./reply.ts";
import type { Transport } from "./transport.ts";

/** What an exchange says of the gateway account itself, whatever it says of the charge. */
export type Answered =
  /** it works */
  | { readonly kind: "well" }
  /** no answer, or the gateway's own fault */
  | { readonly kind: "fault" }
  /** too many requests; nobody may ask again before `retryAfterMs` is over, where it says so */
  | { readonly kind: "limited"; readonly retryAfterMs?: number }
  /** the account is refused: its key, or where it calls from */
  | { readonly kind: "refused" };

/** A pause that is longer than this is a mistake of the gateway's: it would stop a merchant for days. */
const retryAfterMaxMs = 86_400_000;

const secondsForm = /^\d{1,9}(\.\d{1,9})?$/;
/** `Date.parse` alone would take "-5" and "1." for dates that are over: at once, where nothing was said. */
const dateForm = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;

/** `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date; `undefined` where it is neither. */
export const retryAfterMsOf = (header: string | undefined, nowMs: number): number | undefined => {
  const text = header?.trim() ?? "";
  if (!secondsForm.test(text) && !dateForm.test(text)) return undefined;
  const ms = secondsForm.test(text) ? Number(text) * 1_000 : Date.parse(text) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(Math.ceil(ms), 0), retryAfterMaxMs);
};

/** `undefined` where nothing was tried: the exchange says nothing then. */
export const answeredOf = (
  transport: Transport,
  rules: Pick<GatewayRules, "refusesAccount">,
  nowMs: number,
): Answered | undefined => {
  switch (transport.kind) {
    case "neverSent":
      return transport.cause === "too_late" || transport.cause === "held_back"
        ? undefined
        : { kind: "fault" };
    case "sentUnanswered":
      return { kind: "fault" };
    case "replied": {
      if (transport.status === 429) {
        const retryAfterMs = retryAfterMsOf(transport.headers["retry-after"], nowMs);
        return { kind: "limited", ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
      }
      if (rules.refusesAccount(transport)) return { kind: "refused" };
      return { kind: transport.status >= 500 ? "fault" : "well" };
    }
  }
};
