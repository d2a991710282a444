import type { Charge, ChargeId, GatewayName, LeaseToken, Problem, RefusalCode, RequestId } from "./charge.ts";
import type { DeclineCategory, RetryAdvice } from "./decline.ts";
import type { Evidence, ReplyEvidence, Search } from "./evidence.ts";
import type { Mismatch, UnknownWhy } from "./outcome.ts";
import type { Prepared } from "./preparation.ts";
import type { GatewayIds } from "./reply.ts";
import type { ReviewDecision } from "./review-decision.ts";
import type { NeverSentCause, UnansweredCause } from "./transport.ts";

/** Where a charge can be. The words are stored: they are for ever. */
export const ledgerStates = [
  /** a worker holds the lease and may be sending */
  "opened",
  /** proved never to have been sent; the next worker may send it */
  "waiting",
  /** may have been charged; being found out */
  "unknown",
  /** the gateway accepted it; its final word is to come */
  "pending",
  "approved",
  "declined_permanent",
  "declined_retryable",
  "request_error",
  "expired",
  /** a person's turn */
  "review",
] as const;
export type LedgerState = (typeof ledgerStates)[number];

export const finalStates = [
  "approved",
  "declined_permanent",
  "declined_retryable",
  "request_error",
  "expired",
] as const satisfies readonly LedgerState[];
export type FinalState = (typeof finalStates)[number];

/** Which state may follow which. What is not here cannot be written. */
export const mayFollow: Readonly<Record<LedgerState, readonly LedgerState[]>> = {
  opened: [
    // The same attempt with what was prepared for it.
    "opened",
    "waiting",
    "unknown",
    "pending",
    "approved",
    "declined_permanent",
    "declined_retryable",
    "request_error",
    "review",
  ],
  // Refused before it was sent: its instrument is closed, or a network's count leaves no room. `review`: an attempt
  // before it took the money after all.
  waiting: ["opened", "expired", "declined_permanent", "declined_retryable", "review"],
  unknown: [
    "opened",
    "unknown",
    "pending",
    "approved",
    "declined_permanent",
    "declined_retryable",
    "request_error",
    "review",
  ],
  // To ask by the same request, where asking is a send (Quick Pay).
  pending: ["opened", "pending", "approved", "declined_permanent", "declined_retryable", "review"],
  approved: [],
  declined_permanent: [],
  // A later attempt, under a new request id, after this one was answered (S2).
  declined_retryable: ["opened", "waiting"],
  request_error: [],
  expired: [],
  // Decided by a person. Itself with a proposal, or with a decision that tells no outcome; `unknown` is sent again
  // under its own id, `waiting` under a new one, each by whoever gets the charge's message.
  review: ["review", "unknown", "waiting", "approved", "declined_permanent"],
};

/** Why a person has to look. Stored words. */
export const reviewReasons = [
  /** every look-up of the schedule was made and the outcome is still not known (S6) */
  "lookups_used_up",
  /** absent at the gateway, but its request id may no longer be recognised (S3) */
  "absent_past_key_life",
  /** absent at the gateway, and the policy leaves what follows to a person */
  "absent",
  /** absent at the gateway, and it may not be sent any more (`notAfter`, or no attempt is left) */
  "absent_not_sendable",
  /** the gateway took something else than what was asked (S9) */
  "mismatch",
  /** only a row that does not carry our reference looks like this charge (S14) */
  "weak_match",
  /** the gateway took the money twice (S13) */
  "double_charge",
  /** an attempt that was taken for absent or answered turned out to be captured */
  "captured_by_earlier_attempt",
  /** captured, and then given back */
  "refunded_or_charged_back",
  /** the gateway contradicts itself */
  "contradiction",
  /** the gateway refused it in a word that no row knows, and took nothing */
  "unlisted_answer",
] as const;
export type ReviewReason = (typeof reviewReasons)[number];

/** Why an attempt is not final yet. */
export type OpenReason =
  | UnknownWhy
  /** the worker that held the lease never recorded anything */
  | "worker_lost"
  /** the gateway said that its word is to come */
  | "gateway_pending"
  /** declined, but an earlier send of the same id was never answered: to be confirmed */
  | "answer_to_confirm";

/** One thing that happened to a charge, as it is kept. Short names: an approved charge fits into 1 KB. */
export type HistoryEvent =
  | { readonly e: "opened"; readonly at: number; readonly attempt: number; readonly requestId: RequestId }
  | { readonly e: "leased"; readonly at: number }
  | {
      readonly e: "replied";
      readonly at: number;
      readonly ms: number;
      readonly status: number;
      readonly code?: string;
      readonly sha256: string;
      readonly excerpt?: string;
    }
  | { readonly e: "unanswered"; readonly at: number; readonly ms: number; readonly cause: UnansweredCause }
  | { readonly e: "never_sent"; readonly at: number; readonly cause: NeverSentCause }
  | { readonly e: "taken_over"; readonly at: number; readonly leaseUntil: number }
  | {
      readonly e: "looked_up";
      readonly at: number;
      readonly from: number;
      readonly to: number;
      readonly rows: number;
      readonly whole: boolean;
      readonly found: number;
      readonly weak?: number;
    }
  | { readonly e: "lookup_failed"; readonly at: number; readonly why: string }
  | { readonly e: "absent"; readonly at: number }
  | { readonly e: "prepared"; readonly at: number; readonly id: string }
  | { readonly e: "prepare_failed"; readonly at: number; readonly why: string }
  | { readonly e: "voided"; readonly at: number; readonly status: string }
  | { readonly e: "notice"; readonly at: number; readonly id: string; readonly words: string }
  | { readonly e: "recorded"; readonly at: number; readonly state: LedgerState; readonly route?: string }
  | {
      /** by the first person, where two are wanted; or what holds */
      readonly e: "proposed" | "decided";
      readonly at: number;
      readonly decision: ReviewDecision;
      readonly by: string;
      readonly reason: string;
      readonly stated?: string;
      readonly transactionId?: string;
      readonly amount?: string;
      /** what the gateway said at that moment, or why it was not asked */
      readonly saw: string;
      /** the version of the entry that it was made on */
      readonly on: LeaseToken;
      /** the hash of the proposal that is confirmed */
      readonly confirms?: string;
      /** SHA-256 over everything before it and itself: the chain of `decision-chain.ts` */
      readonly hash: string;
    };

/** What a final answer says beyond its state. */
export type Ending = {
  readonly category?: DeclineCategory;
  readonly code?: string;
  readonly networkCode?: string;
  readonly adviceCode?: string;
  readonly description?: string;
  readonly retry?: RetryAdvice;
};

/** A decline or a request error that cannot end the attempt yet, because an earlier send is open. */
export type HeldAnswer = {
  readonly state: "declined_permanent" | "declined_retryable" | "request_error";
  readonly ending: Ending;
  readonly evidence: ReplyEvidence;
};

type EntryBase = {
  readonly v: 1;
  readonly chargeId: ChargeId;
  readonly gateway: GatewayName;
  /** minor units, digits */
  readonly amount: string;
  readonly currency: string;
  /** SHA-256 of the message's canonical JSON: another content under the same id is not this charge */
  readonly fingerprint: string;
  readonly notAfterMs?: number;
  readonly instrumentRef?: string;
  /** the merchant's word for the network of the instrument */
  readonly instrumentNetwork?: string;
  /**
   * Who is charged, by each name that the message gives: the first twelve hex digits of its SHA-256. Only ever
   * enough for a weak match (S14).
   */
  readonly consumerMarks?: readonly string[];
  /** names this version of the entry; whoever writes the next one has to know it (S7) */
  readonly token: LeaseToken;
  readonly openedAtMs: number;
  readonly updatedAtMs: number;

  readonly attempt: number;
  readonly requestId: RequestId;
  /** request ids of the attempts before this one */
  readonly earlierRequestIds?: readonly RequestId[];
  /** the earliest moment at which the first byte of this request id can have left: the key life starts here */
  readonly firstSendAtMs?: number;
  /** the latest moment at which a send of this request id can have begun */
  readonly lastSendAtMs?: number;
  /** sends of this request id that may have arrived and are not accounted for */
  readonly openSends: number;
  readonly resends: number;
  readonly faultResends: number;

  /**
   * Over all attempts, as far as somebody told of them. Of a worker that was lost one is counted: whether it sent again
   * within its lease was in its memory alone, and a write before each resend is not worth that. What is proved by
   * counts rests on `openSends`, which takes all that it may have sent.
   */
  readonly sends: number;
  readonly lookups: number;

  /** look-ups since the last send: the place in the schedule */
  readonly looked: number;
  /** look-ups since then that failed in a row */
  readonly lookFailures: number;
  /** searches since the last send that count towards an absence certificate (S5) */
  readonly absences: readonly Search[];
  readonly ids?: GatewayIds;
  readonly held?: HeldAnswer;
  /** where the gateway wants something made first; nothing is sent before `prepared` is here */
  readonly preparation?: {
    readonly prepared?: Prepared;
    /** when a `make` may have taken hold unseen: it is looked for before another one */
    readonly lostAtMs?: number;
  };
  /** what may still have become a charge is about to be taken back: money taken is no approval any more */
  readonly voidingAtMs?: number;
  /** and was taken back then, as far as the gateway said */
  readonly voidedAtMs?: number;
  readonly history: readonly HistoryEvent[];
};

export type OpenedEntry = EntryBase & { readonly state: "opened"; readonly leaseUntilMs: number };
export type WaitingEntry = EntryBase & { readonly state: "waiting"; readonly nextAtMs: number };
export type UnknownEntry = EntryBase & {
  readonly state: "unknown" | "pending";
  readonly reason: OpenReason;
  readonly nextAtMs: number;
  readonly nextAct: "resend" | "lookUp";
  /** by which its hidden message can be made visible before its time; the queue's latest word may be another */
  readonly receipt?: string;
};
export type FinalEntry = EntryBase & {
  readonly state: FinalState;
  readonly evidence: Evidence;
  readonly finalAtMs: number;
  readonly ending: Ending;
};
export type ReviewEntry = EntryBase & {
  readonly state: "review";
  readonly reason: ReviewReason;
  readonly evidence: Evidence;
  readonly finalAtMs: number;
  readonly ending: Ending;
  readonly mismatch?: Mismatch;
  /** a person ended the review without an outcome: nobody is waited for any more */
  readonly droppedAtMs?: number;
};

/** The ledger's entry of one charge: what is known of it, and everything that happened to it. */
export type LedgerEntry = OpenedEntry | WaitingEntry | UnknownEntry | FinalEntry | ReviewEntry;

/** A message that never became a charge, as it is kept. */
export type Rejection = {
  readonly v: 1;
  /** SHA-256 of the message's text: the same text is the same rejection */
  readonly bodySha256: string;
  readonly chargeId?: ChargeId;
  readonly code: RefusalCode | "conflicting_duplicate";
  readonly problems: readonly Problem[];
  readonly atMs: number;
};

/**
 * Everything of an entry that is not its state's own, which a transition leaves behind: what it starts from. Names are
 * left out and not put in: so the copy is an object of the usual kind to the machine, and so is all that is made of it.
 * What waits has no more of its own than an unknown, and what has ended no more than a review.
 */
const baseOf = (entry: LedgerEntry): EntryBase => {
  switch (entry.state) {
    case "opened": {
      const { state, leaseUntilMs, ...base } = entry;
      return base;
    }
    case "waiting":
    case "unknown":
    case "pending": {
      const { state, reason, nextAtMs, nextAct, receipt, ...base } = entry as UnknownEntry;
      return base;
    }
    default: {
      const { state, reason, evidence, finalAtMs, ending, mismatch, droppedAtMs, ...base } =
        entry as ReviewEntry;
      return base;
    }
  }
};

/** The impossible: a transition that `mayFollow` does not have. */
export class IllegalTransition extends Error {
  override readonly name = "IllegalTransition";
}

type StatePart<E> = E extends EntryBase ? Omit<E, keyof EntryBase> : never;

/** The next version of an entry, under a new token. Throws `IllegalTransition` on a step that may not be. */
export const nextEntry = <Next extends LedgerEntry>(
  entry: LedgerEntry,
  part: StatePart<Next>,
  changes: Partial<EntryBase>,
  by: { readonly token: LeaseToken; readonly nowMs: number },
): Next => {
  const state = (part as unknown as { state: LedgerState }).state;
  if (!mayFollow[entry.state].includes(state))
    throw new IllegalTransition(`${entry.state} may not become ${state}`);
  const next = { token: by.token, updatedAtMs: by.nowMs };
  return Object.assign(baseOf(entry), changes, next, part) as unknown as Next;
};

/** Whether a request id was that of an attempt before this one. */
export const isEarlierRequest = (
  { earlierRequestIds }: LedgerEntry,
  requestId: string | undefined,
): boolean =>
  (earlierRequestIds as readonly (string | undefined)[] | undefined)?.includes(requestId) === true;

export const isFinal = (entry: LedgerEntry): entry is FinalEntry =>
  (finalStates as readonly LedgerState[]).includes(entry.state);

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

/** The first entry of a charge: written before the first byte goes out (S1). */
export const openEntry = (
  charge: Charge,
  by: {
    readonly fingerprint: string;
    readonly requestId: RequestId;
    readonly token: LeaseToken;
    readonly nowMs: number;
    readonly leaseMs: number;
    readonly needsPreparation?: boolean;
    readonly consumerMarks?: readonly string[];
  },
): OpenedEntry => {
  // Its members in the order in which they are kept. None is spread in between: what follows in a literal would be put
  // in one by one, and by name.
  const entry = {
    v: 1,
    state: "opened",
    leaseUntilMs: by.nowMs + by.leaseMs,
    chargeId: charge.chargeId,
    gateway: charge.gateway,
    amount: String(charge.money.amountMinor),
    currency: charge.money.currency,
    fingerprint: by.fingerprint,
  } as Partial<Writable<OpenedEntry>> as Writable<OpenedEntry>;
  if (charge.notAfterMs !== undefined) entry.notAfterMs = charge.notAfterMs;
  if (charge.instrument !== undefined) entry.instrumentRef = charge.instrument.ref;
  if (charge.instrument?.network !== undefined) entry.instrumentNetwork = charge.instrument.network;
  if (by.consumerMarks !== undefined && by.consumerMarks.length > 0) entry.consumerMarks = by.consumerMarks;
  return Object.assign(
    entry,
    {
      token: by.token,
      openedAtMs: by.nowMs,
      updatedAtMs: by.nowMs,
      attempt: 1,
      requestId: by.requestId,
      firstSendAtMs: by.nowMs,
      openSends: 0,
      resends: 0,
      faultResends: 0,
      sends: 0,
      lookups: 0,
      looked: 0,
      lookFailures: 0,
      absences: [],
    },
    by.needsPreparation === true ? { preparation: {} } : {},
    { history: [{ e: "opened", at: by.nowMs, attempt: 1, requestId: by.requestId } as const] },
  );
};

/** A new charge that may not be sent, as one that waits: what it ends as is written in its place. */
const neverOpened = (charge: Charge, by: Parameters<typeof openEntry>[1]): WaitingEntry => {
  const { firstSendAtMs: _never, leaseUntilMs: _lease, ...never } = openEntry(charge, by);
  return { ...never, state: "waiting", nextAtMs: by.nowMs };
};

/**
 * An expired charge is opened and ended in one write: it was never sent, and its id is used up.
 * (`waiting` is the state of what was never sent; nothing is written between.)
 */
export const openExpired = (
  charge: Charge & { readonly notAfterMs: number },
  by: Parameters<typeof openEntry>[1],
): FinalEntry => expire(neverOpened(charge, by), charge.notAfterMs, by);

/** Ends a charge that was never sent and may not be sent any more. */
export const expire = (
  entry: WaitingEntry,
  notAfterMs: number,
  by: { readonly token: LeaseToken; readonly nowMs: number },
): FinalEntry =>
  nextEntry<FinalEntry>(
    entry,
    {
      state: "expired",
      evidence: { kind: "never_sent", atMs: by.nowMs, notAfterMs },
      finalAtMs: by.nowMs,
      ending: { code: "not_after_passed" },
    },
    { history: [...entry.history, { e: "recorded", at: by.nowMs, state: "expired" }] },
    by,
  );

/** Why the networks' rules let nothing be sent on an instrument now. */
export type BudgetRefusal = Extract<Evidence, { kind: "network_limit" | "instrument_closed" }>;

/**
 * Ends an attempt that was never sent, and that the networks' rules forbid: for now, where a count is full, and
 * for ever, where its instrument is closed.
 */
export const refuse = (
  entry: WaitingEntry,
  evidence: BudgetRefusal,
  by: { readonly token: LeaseToken; readonly nowMs: number },
): FinalEntry => {
  const [state, ending]: [FinalState, Ending] =
    evidence.kind === "network_limit"
      ? ["declined_retryable", { category: "limit_reached", code: "network_limit", retry: "later" }]
      : ["declined_permanent", { category: "never_approved", code: "instrument_closed", retry: "never" }];
  return nextEntry<FinalEntry>(
    entry,
    { state, evidence, finalAtMs: by.nowMs, ending },
    { history: [...entry.history, { e: "recorded", at: by.nowMs, state }] },
    by,
  );
};

/** The same of a charge that is new: opened and ended in one write, and its id is used up. */
export const openRefused = (
  charge: Charge,
  evidence: BudgetRefusal,
  by: Parameters<typeof openEntry>[1],
): FinalEntry => refuse(neverOpened(charge, by), evidence, by);

/** Takes the lease, to send the same request id (again). The key life goes on counting from the first send. */
export const leaseEntry = (
  entry: WaitingEntry | UnknownEntry,
  by: { readonly token: LeaseToken; readonly nowMs: number; readonly leaseMs: number },
): OpenedEntry =>
  nextEntry<OpenedEntry>(
    entry,
    { state: "opened", leaseUntilMs: by.nowMs + by.leaseMs },
    {
      firstSendAtMs: entry.firstSendAtMs ?? by.nowMs,
      history: [...entry.history, { e: "leased", at: by.nowMs }],
    },
    by,
  );

/** The entry of the next attempt, and what it starts with: nothing of the one before is left open. */
const nextAttempt = <Before extends LedgerEntry>(
  entry: Before,
  by: { readonly requestId: RequestId; readonly nowMs: number },
): { readonly kept: Before; readonly changes: Partial<EntryBase> } => {
  const { lastSendAtMs: _last, held: _held, ids: _ids, preparation, ...held } = entry;
  const { voidingAtMs: _voiding, voidedAtMs: _voided, ...kept } = held;
  const attempt = entry.attempt + 1;
  // Nothing was ever sent on what was made for an attempt that a count kept back, and what may have been made is
  // looked for still.
  const unsent = entry.state === "declined_retryable" && entry.evidence.kind === "network_limit";
  return {
    kept: kept as unknown as Before,
    changes: {
      attempt,
      requestId: by.requestId,
      earlierRequestIds: [...(entry.earlierRequestIds ?? []), entry.requestId],
      openSends: 0,
      resends: 0,
      faultResends: 0,
      looked: 0,
      lookFailures: 0,
      absences: [],
      ...(preparation === undefined ? {} : { preparation: unsent ? preparation : {} }),
      history: [...entry.history, { e: "opened", at: by.nowMs, attempt, requestId: by.requestId }],
    },
  };
};

/**
 * A new attempt under a new request id. Only after an answered outcome or an absence certificate (S2); the
 * caller holds one of the two.
 */
export const openAttempt = (
  entry: UnknownEntry,
  by: {
    readonly requestId: RequestId;
    readonly token: LeaseToken;
    readonly nowMs: number;
    readonly leaseMs: number;
  },
): OpenedEntry => {
  const { kept, changes } = nextAttempt(entry, by);
  return nextEntry<OpenedEntry>(
    kept,
    { state: "opened", leaseUntilMs: by.nowMs + by.leaseMs },
    { ...changes, firstSendAtMs: by.nowMs },
    by,
  );
};

/**
 * The same as a person decided it, or after a decline that time may help, when its moment has come: it waits, never
 * sent, for whoever gets the charge's message.
 */
export const awaitAttempt = (
  entry: ReviewEntry | (FinalEntry & { readonly state: "declined_retryable" }),
  by: { readonly requestId: RequestId; readonly token: LeaseToken; readonly nowMs: number },
): WaitingEntry => {
  const { kept, changes } = nextAttempt(entry, by);
  const { firstSendAtMs: _unsent, ...unsent } = kept;
  return nextEntry<WaitingEntry>(
    unsent as typeof entry,
    { state: "waiting", nextAtMs: by.nowMs },
    changes,
    by,
  );
};
