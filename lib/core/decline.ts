import type { QueueName } from "./queues.ts";

/**
 * Why a charge was declined, as far as it changes what may be done next. The words are stored and sent:
 * they are for ever.
 */
export const declineCategories = [
  /** the issuer will never approve this card: lost, stolen, closed, stopped */
  "never_approved",
  /** the card's or the customer's details are wrong or out of date */
  "wrong_details",
  /** not enough money, or over the holder's limit, now */
  "insufficient_funds",
  /** the issuer says no without a reason that rules a later attempt out */
  "issuer_refused",
  /** the issuer or its network cannot be reached now */
  "issuer_unavailable",
  /** a limit of the gateway or merchant that time lifts */
  "limit_reached",
  /** a network's limit on attempts was hit at the gateway */
  "network_limit",
  /** a block list, a restriction, or suspicion of fraud */
  "blocked",
  /** the request's own details were found wrong by the gateway */
  "invalid_request",
  /** the holder has to act: confirm, authenticate */
  "customer_action",
  /** the gateway said no with a code that no row knows */
  "unrecognised",
] as const;
export type DeclineCategory = (typeof declineCategories)[number];

export type RetryAdvice = "later" | "never" | "after_update" | "customer_action";

/** Least strict first. Where two rows speak about one decline, the stricter one counts. */
const strictness: readonly RetryAdvice[] = ["later", "customer_action", "after_update", "never"];

/** What may follow a decline of each category, and so which queue it goes to. */
export const adviceOf: Readonly<Record<DeclineCategory, RetryAdvice>> = {
  never_approved: "never",
  wrong_details: "after_update",
  insufficient_funds: "later",
  issuer_refused: "later",
  issuer_unavailable: "later",
  limit_reached: "later",
  network_limit: "never",
  blocked: "never",
  invalid_request: "after_update",
  customer_action: "customer_action",
  // What no row knows is never tried again by a machine.
  unrecognised: "never",
};

export type DeclineRoute = Extract<QueueName, "permanent-declines" | "retryable-declines">;

/** The queue of each category: only what time alone may heal is retryable. */
export const routeOf: Readonly<Record<DeclineCategory, DeclineRoute>> = {
  never_approved: "permanent-declines",
  wrong_details: "permanent-declines",
  insufficient_funds: "retryable-declines",
  issuer_refused: "retryable-declines",
  issuer_unavailable: "retryable-declines",
  limit_reached: "retryable-declines",
  network_limit: "permanent-declines",
  blocked: "permanent-declines",
  invalid_request: "permanent-declines",
  customer_action: "permanent-declines",
  unrecognised: "permanent-declines",
};

/** What a row says of a code, and who says so: `inferred` and `policy` are not the gateway's word. */
export type DeclineRow = {
  readonly category: DeclineCategory;
  /** the card network's own code behind the gateway's, where known */
  readonly networkCode?: string;
  /** Mastercard's own number of the advice behind the gateway's code, whatever number the gateway gives it */
  readonly adviceCode?: string;
  readonly source: string;
  readonly basis: "documented" | "inferred" | "policy" | "merchant";
};

/** A gateway's decline table: single codes, ranges of numeric codes (both ends in), the gateway's categories. */
export type DeclineTable = {
  readonly codes: Readonly<Record<string, DeclineRow>>;
  readonly ranges: readonly (DeclineRow & { readonly from: number; readonly to: number })[];
  readonly codeCategories: Readonly<Record<string, DeclineRow>>;
};

export type Categorised = {
  readonly category: DeclineCategory;
  readonly networkCode?: string;
  readonly adviceCode?: string;
};

const stricter = (a: DeclineRow, b: DeclineRow): DeclineRow =>
  strictness.indexOf(adviceOf[b.category]) > strictness.indexOf(adviceOf[a.category]) ? b : a;

/**
 * Looks a decline up: the code's own row, else its range, and the gateway's category beside it. The stricter
 * of the two counts, and a gateway's category alone never makes a decline retryable: a code that no row
 * names stays `unrecognised` unless its category forbids more than that says.
 */
export const categorise = (table: DeclineTable, code: string, codeCategory?: string): Categorised => {
  const number = /^\d{1,9}$/.test(code) ? Number(code) : undefined;
  const byCode = Object.hasOwn(table.codes, code)
    ? table.codes[code]
    : table.ranges.find((row) => number !== undefined && number >= row.from && number <= row.to);
  const byCategory =
    codeCategory !== undefined && Object.hasOwn(table.codeCategories, codeCategory)
      ? table.codeCategories[codeCategory]
      : undefined;
  if (byCode === undefined) {
    const category = byCategory?.category;
    return { category: category !== undefined && adviceOf[category] !== "later" ? category : "unrecognised" };
  }
  const row = byCategory === undefined ? byCode : stricter(byCode, byCategory);
  return {
    category: row.category,
    ...(byCode.networkCode === undefined ? {} : { networkCode: byCode.networkCode }),
    ...(byCode.adviceCode === undefined ? {} : { adviceCode: byCode.adviceCode }),
  };
};
