import { categorise } from "./decline.ts";
import { fromDecimal, parseCurrency } from "./money.ts";
import type { Mismatch, Outcome } from "./outcome.ts";
import type { Asked, Echo, GatewayReply, GatewayRules } from "./reply.ts";
import type { Transport } from "./transport.ts";

/**
 * The first thing in which an echo differs from what was asked (S9), or `undefined`. The amount and the
 * currency must be there; our own reference is compared where the gateway returns one.
 */
export const mismatchOf = (asked: Asked, echo: Echo): Mismatch | undefined => {
  const differs = (field: Mismatch["field"], want: string, got: string | undefined): Mismatch | undefined =>
    got === want ? undefined : { field, asked: want, got: (got ?? "nothing").slice(0, 64) };
  const currency = parseCurrency(asked.currency);
  const amountMinor =
    currency === undefined || echo.amount === undefined ? undefined : fromDecimal(echo.amount, currency);
  return (
    differs("currency", asked.currency, echo.currency) ??
    differs(
      "amount",
      String(asked.amountMinor),
      amountMinor === undefined ? echo.amount : String(amountMinor),
    ) ??
    (echo.chargeId === undefined ? undefined : differs("chargeId", asked.chargeId, echo.chargeId)) ??
    (echo.requestId === undefined ? undefined : differs("requestId", asked.requestId, echo.requestId))
  );
};

/** What a gateway's own words prove about the charge that was asked for. */
export const outcomeOfReply = (reply: GatewayReply, asked: Asked, rules: GatewayRules): Outcome => {
  switch (reply.kind) {
    case "captured": {
      const mismatch = mismatchOf(asked, reply.echo);
      return mismatch === undefined
        ? { kind: "approved", code: reply.code, ids: reply.ids }
        : { kind: "mismatch", mismatch, code: reply.code, ids: reply.ids };
    }
    case "accepted":
      return strangerOf(asked, reply.echo) ?? { kind: "pending", code: reply.code, ids: reply.ids };
    case "refused":
      return (
        strangerOf(asked, reply.echo) ?? {
          kind: "declined",
          code: reply.code,
          ...(reply.description === undefined ? {} : { description: reply.description }),
          ids: reply.ids,
          ...(reply.conclusive === true ? { conclusive: true as const } : {}),
          ...categorise(rules.declines, reply.code, reply.codeCategory),
        }
      );
    case "invalid":
      return reply.description === undefined
        ? { kind: "requestError", code: reply.code }
        : { kind: "requestError", code: reply.code, description: reply.description };
    case "unproven":
      return { kind: "unknown", why: reply.why, ids: reply.ids };
  }
};

/** An answer that carries another charge's reference says nothing about ours. */
const strangerOf = (asked: Asked, echo: Echo): Outcome | undefined =>
  (echo.chargeId !== undefined && echo.chargeId !== asked.chargeId) ||
  (echo.requestId !== undefined && echo.requestId !== asked.requestId)
    ? { kind: "unknown", why: "contradiction", ids: {} }
    : undefined;

/**
 * What one send proved. Unknown unless a rule proves otherwise (S10): a status, code or body that no row
 * names is never approved, never declined and never "not sent".
 */
export const classify = (transport: Transport, asked: Asked, rules: GatewayRules): Outcome => {
  switch (transport.kind) {
    case "neverSent":
      return { kind: "notProcessed", cause: transport.cause };
    case "sentUnanswered":
      return { kind: "unknown", why: "no_answer", cause: transport.cause, ids: {} };
    case "replied": {
      const row = Object.hasOwn(rules.statuses, transport.status)
        ? rules.statuses[transport.status]
        : undefined;
      if (row === undefined) return { kind: "unknown", why: "unlisted_status", ids: {} };
      switch (row.meaning) {
        case "read":
          return outcomeOfReply(rules.readReply(transport), asked, rules);
        case "requestError":
          return { kind: "requestError", ...rules.readRequestError(transport) };
        case "fault":
          return { kind: "unknown", why: "gateway_fault", ids: {} };
        case "noAnswer":
          return { kind: "unknown", why: "no_answer", ids: {} };
      }
    }
  }
};
