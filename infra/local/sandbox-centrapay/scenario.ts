import type { Answer } from "../delivery.ts";

/** One call that moves money: whether it is processed, and how it is answered. */
export interface Call {
  readonly processes: boolean;
  readonly answer: Answer | { readonly kind: "message"; readonly message: string };
}

/** What the gateway does with one charge. */
export interface Scenario {
  readonly description: string;
  /** pay and confirm: by the number of the call of one idempotencyKey, then `later` for every further one */
  readonly calls: readonly Call[];
  readonly later: Call;
  /** how a create is answered the first time; the Payment Request is made all the same */
  readonly create: Answer;
  /** what of the amount is left unpaid, minor units */
  readonly remainingMinor: number;
  /** Quick Pay: how the Payment Request ends once it was asked for, and after how many asks */
  readonly quickPay: {
    readonly asks: number;
    readonly becomes: "paid" | "cancelled" | "never";
    readonly reason?: string;
  };
}

const result: Answer = { kind: "result" };
const answered: Call = { processes: true, answer: result };
const plain: Omit<Scenario, "description"> = {
  calls: [],
  later: answered,
  create: result,
  remainingMinor: 0,
  quickPay: { asks: 2, becomes: "paid" },
};

const calls = (description: string, ...first: readonly Call[]): Scenario => ({
  ...plain,
  description,
  calls: first,
});
const refused = (message: string): Scenario => ({
  ...plain,
  description: `403 ${message} on every call`,
  later: { processes: false, answer: { kind: "message", message } },
  quickPay: { asks: 1, becomes: "cancelled", reason: message },
});
const stall: Answer = { kind: "stall" };
const fault: Answer = { kind: "error", status: 500 };

const table = {
  approve: { ...plain, description: "paid at once; Quick Pay on the second ask" },
  "lost-before": calls("the first call is swallowed", { processes: false, answer: stall }),
  "lost-after": calls("paid; the first call is not answered", { processes: true, answer: stall }),
  "lost-twice-after": calls(
    "paid; neither of two calls is answered",
    { processes: true, answer: stall },
    { processes: true, answer: stall },
  ),
  "reset-after": calls("paid; the first call is reset", { processes: true, answer: { kind: "reset" } }),
  "half-body": calls("paid; half an answer", { processes: true, answer: { kind: "halfBody" } }),
  truncated: calls("paid; an answer cut without a length", {
    processes: true,
    answer: { kind: "truncated" },
  }),
  "html-after": calls("paid; a 502 in HTML", {
    processes: true,
    answer: { kind: "error", status: 502, html: true },
  }),
  "fault-then-approve": calls(
    "two calls get 500 and are not processed",
    { processes: false, answer: fault },
    { processes: false, answer: fault },
  ),
  "fault-after": calls("paid; the first call gets 500", { processes: true, answer: fault }),
  "rate-limited": calls("the first call gets 429 with Retry-After: 1", {
    processes: false,
    answer: { kind: "error", status: 429, retryAfterS: 1 },
  }),
  "unconfirmed-paid": {
    ...plain,
    description: "paid, and PAYMENT_UNCONFIRMED on every call",
    later: { processes: true, answer: { kind: "message", message: "PAYMENT_UNCONFIRMED" } },
  },
  "unconfirmed-unpaid": {
    ...plain,
    description: "not paid, and PAYMENT_UNCONFIRMED on every call",
    later: { processes: false, answer: { kind: "message", message: "PAYMENT_UNCONFIRMED" } },
  },
  "unlisted-message": refused("A_WORD_OF_TOMORROW"),
  "create-lost": { ...plain, description: "made; the create is not answered", create: stall },
  "create-fault": { ...plain, description: "made; the create gets 500", create: fault },
  partial: { ...plain, description: "paid but for one minor unit", remainingMinor: 1 },
  "never-paid": {
    ...plain,
    description: "Quick Pay: nobody pays, it expires",
    quickPay: { asks: 1, becomes: "never" },
  },
} satisfies Record<string, Scenario>;

/** The documents' own test barcodes (guides/farmlands-pos-integration). */
const barcodes: Readonly<Record<string, Scenario>> = {
  "424242424": table.approve,
  "434343434": refused("PAYMENT_DECLINED"),
  "454545454": refused("PATRON_CODE_EXPIRED"),
  "464646464": refused("INACTIVE_ASSET"),
};

export const scenarioNames = Object.keys(table) as readonly (keyof typeof table)[];

/**
 * The scenario of an asset, a barcode or a pre-authorised Payment Request: `sandbox-<name>`, with `-<number>`
 * behind it where several are wanted, and any business code by its own name (`sandbox-INACTIVE_ASSET`).
 * Anything else is approved.
 */
export const scenarioOf = (id: string): Scenario => {
  const known = Object.hasOwn(barcodes, id) ? barcodes[id] : undefined;
  const name = /^sandbox-([A-Za-z_-]+?)(?:-\d+)?$/.exec(id)?.[1];
  if (known !== undefined || name === undefined) return known ?? table.approve;
  if (Object.hasOwn(table, name)) return table[name as keyof typeof table];
  return /^[A-Z][A-Z_]+$/.test(name) ? refused(name) : table.approve;
};
