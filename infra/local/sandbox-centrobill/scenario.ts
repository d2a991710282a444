import type { Answer } from "../delivery.ts";

/**
 * What the gateway does with a charge, chosen by the request's `metadata.scenario`. One row a scenario: what
 * comes of the payment (`results`), and for each send of one request id whether it is processed and how it is
 * answered (`sends`, then `later` for every further one).
 */

export interface Approval {
  readonly kind: "approved";
  /** The documents write code 0 as a number and as a string. */
  readonly code: 0 | "0";
  /** Minor units captured beyond what was asked. */
  readonly excessMinor: number;
  readonly currency: "asked" | "another";
}

export interface Decline {
  readonly kind: "declined";
  readonly code: number;
  readonly codeCategory?: number;
  readonly description: string;
}

export interface Pending {
  readonly kind: "pending";
  readonly action: "charge" | "redirect";
  readonly becomes: Approval | Decline;
}

/** What comes of a payment once it is processed. */
export type Result = Approval | Decline | Pending;

/** One send: a send that `processes` is processed, or finds what an earlier send of its id made. */
export interface Send {
  readonly processes: boolean;
  readonly answer: Answer;
}

export interface Scenario {
  readonly description: string;
  /** By how often this charge was processed before; the last one holds from there on. */
  readonly results: readonly [Result, ...Result[]];
  readonly sends: readonly Send[];
  readonly later: Send;
  /** False: the feed row comes without metadata, so without our own reference. */
  readonly metadataInFeed: boolean;
}

const approval: Approval = { kind: "approved", code: 0, excessMinor: 0, currency: "asked" };
const insufficientFunds: Decline = { kind: "declined", code: 5051, description: "Insufficient funds" };
const doNotHonor: Decline = { kind: "declined", code: 5005, description: "Do not honor" };

const answered: Send = { processes: true, answer: { kind: "result" } };
const stalledBefore: Send = { processes: false, answer: { kind: "stall" } };
const stalledAfter: Send = { processes: true, answer: { kind: "stall" } };

/** Every send is processed and answered; only the result differs. */
function resulting(description: string, ...results: readonly [Result, ...Result[]]): Scenario {
  return { description, results, sends: [], later: answered, metadataInFeed: true };
}

function declining(code: number, description: string): Scenario {
  return resulting(`declined with ${code}`, { kind: "declined", code, description });
}

/** The charge is approved, but these first sends go wrong. */
function disturbed(description: string, ...sends: readonly Send[]): Scenario {
  return { description, results: [approval], sends, later: answered, metadataInFeed: true };
}

/** Every send is turned down as a request: nothing is ever processed. */
function refusing(description: string, status: number): Scenario {
  return {
    description,
    results: [approval],
    sends: [],
    later: { processes: false, answer: { kind: "error", status } },
    metadataInFeed: true,
  };
}

function before(answer: Answer): Send {
  return { processes: false, answer };
}

function after(answer: Answer): Send {
  return { processes: true, answer };
}

const table = {
  approve: resulting("approved at once", approval),
  "approve-string-code": resulting('approved, with code "0" as a string', { ...approval, code: "0" }),

  "decline-insufficient-funds": resulting("declined with 5051, on every attempt", insufficientFunds),
  "decline-insufficient-funds-then-approve": resulting(
    "the charge's first attempt is declined with 5051, a later attempt approved",
    insufficientFunds,
    approval,
  ),
  "decline-do-not-honor": resulting("declined with 5005", doNotHonor),
  "decline-stolen": declining(5043, "Stolen card"),
  "decline-lost": declining(5041, "Lost card"),
  "decline-closed-account": declining(5046, "Closed account"),
  "decline-expired-card": declining(5054, "Expired card"),
  "decline-cvv": resulting("declined with 5082 and codeCategory 3", {
    kind: "declined",
    code: 5082,
    codeCategory: 3,
    // Verbatim from the notice sample in the gateway's documents.
    description:
      "Negative online CAM, dCVV, iCVV, CVV, or CAVV results or Offline PIN authentication interrupted",
  }),
  "decline-validation": declining(3001, "Validation error"),
  "decline-blacklist": declining(6801, "Blacklisted"),
  "decline-scheme-limit": declining(6001, "Card scheme limit reached"),
  "decline-unlisted": declining(5999, "Declined"),

  "pending-then-approved": resulting("pending with code 0; the feed row becomes a success", {
    kind: "pending",
    action: "charge",
    becomes: approval,
  }),
  "pending-then-declined": resulting("pending with code 0; the feed row becomes a 5005 decline", {
    kind: "pending",
    action: "charge",
    becomes: doNotHonor,
  }),
  redirect: resulting("pending with code 0 and a url to send the customer to; becomes a success", {
    kind: "pending",
    action: "redirect",
    becomes: approval,
  }),

  "bad-request": refusing("400 on every send", 400),
  unauthorized: refusing("401 on every send", 401),
  forbidden: refusing("403 on every send", 403),
  "not-found": refusing("404 on every send", 404),

  "fault-then-approve": disturbed(
    "two sends get 500 and are not processed; the third is processed",
    before({ kind: "error", status: 500 }),
    before({ kind: "error", status: 500 }),
  ),
  "fault-after-capture": disturbed(
    "captured, but the first send gets 500; the resend gets the original result",
    after({ kind: "error", status: 500 }),
  ),
  "rate-limited": disturbed(
    "the first send gets 429 with Retry-After: 1 and is not processed; the second is",
    before({ kind: "error", status: 429, retryAfterS: 1 }),
  ),
  "unavailable-503": disturbed(
    "the first send gets 503 and is not processed; the second is",
    before({ kind: "error", status: 503 }),
  ),
  "html-502-before-capture": disturbed(
    "the first send gets a 502 in HTML and is not processed; the second is",
    before({ kind: "error", status: 502, html: true }),
  ),
  "html-502-after-capture": disturbed(
    "captured, but the first send gets a 502 in HTML; the resend gets the original result",
    after({ kind: "error", status: 502, html: true }),
  ),

  "timeout-before-capture": disturbed("the first send is swallowed; the resend is processed", stalledBefore),
  "timeout-after-capture": disturbed(
    "captured on the first send, which is not answered; the resend gets the original result",
    stalledAfter,
  ),
  "timeout-twice-after-capture": disturbed(
    "captured on the first send; neither of two sends is answered",
    stalledAfter,
    stalledAfter,
  ),
  "timeout-twice-never-processed": disturbed(
    "two sends are swallowed; a third one with the same id is processed",
    stalledBefore,
    stalledBefore,
  ),
  "reset-before-capture": disturbed(
    "the first send is reset and not processed; the resend is processed",
    before({ kind: "reset" }),
  ),
  "reset-after-capture": disturbed(
    "captured on the first send, which is reset; the resend gets the original result",
    after({ kind: "reset" }),
  ),
  "half-body": disturbed(
    "captured; the first answer ends before its Content-Length is reached",
    after({ kind: "halfBody" }),
  ),
  truncated: disturbed(
    "captured; the first answer has no Content-Length and its JSON is cut",
    after({ kind: "truncated" }),
  ),
  "empty-201": disturbed("captured; the first answer is a 201 without a body", after({ kind: "empty" })),

  "wrong-amount": resulting("approved and captured, one minor unit more than asked", {
    ...approval,
    excessMinor: 1,
  }),
  "wrong-currency": resulting("approved and captured, in another currency than asked", {
    ...approval,
    currency: "another",
  }),
  "approve-no-metadata": {
    description: "captured, no send is ever answered, and the feed row has no metadata: only a weak match",
    results: [approval],
    sends: [],
    later: stalledAfter,
    metadataInFeed: false,
  },
} satisfies Record<string, Scenario>;

export type ScenarioName = keyof typeof table;

/** The whole table, by name. */
export const scenarios: Readonly<Record<ScenarioName, Scenario>> = table;

/** Every name that `metadata.scenario` may have. */
export const scenarioNames = Object.keys(table) as readonly ScenarioName[];

/** The scenario of that name; undefined for a name that is not in the table. */
export function scenarioNamed(name: string): Scenario | undefined {
  return Object.hasOwn(table, name) ? table[name as ScenarioName] : undefined;
}

/** What the scenario has for the nth send of one request id, counted from 1. */
export function sendNumber(scenario: Scenario, nth: number): Send {
  return scenario.sends[nth - 1] ?? scenario.later;
}

/** What comes of a charge that was processed `earlier` times before. */
export function resultAfter(scenario: Scenario, earlier: number): Result {
  return scenario.results[Math.min(earlier, scenario.results.length - 1)] ?? scenario.results[0];
}
