import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decide, endingOf, noteSend, type Sent } from "../../lib/core/decide.ts";
import { adviceOf, type DeclineCategory, declineCategories, routeOf } from "../../lib/core/decline.ts";
import type { HistoryEvent, OpenedEntry } from "../../lib/core/ledger.ts";
import { nextLookAtMs } from "../../lib/core/lookup-schedule.ts";
import type { Outcome, UnknownWhy } from "../../lib/core/outcome.ts";
import type { Policy } from "../../lib/core/policy.ts";
import type { Transport } from "../../lib/core/transport.ts";
import type { Verdict } from "../../lib/core/verdict.ts";
import { notConnected, opened, policyOf, replied, search, t0, timedOut } from "./builders.ts";

const answered: Transport = replied(201, "");
const ids = { transactionId: "tx-1" };
const outcomes = {
  approved: { kind: "approved", code: "0", ids },
  pending: { kind: "pending", code: "0", ids },
  later: { kind: "declined", category: "insufficient_funds", networkCode: "51", code: "5051", ids },
  never: { kind: "declined", category: "never_approved", code: "5041", description: "lost", ids: {} },
  invalid: { kind: "requestError", code: "http_400", description: "no sku" },
  notProcessed: { kind: "notProcessed", cause: "refused" },
  mismatch: {
    kind: "mismatch",
    mismatch: { field: "amount", asked: "1999", got: "1998" },
    code: "0",
    ids,
  },
} as const satisfies Record<string, Outcome>;
const unknownOf = (why: UnknownWhy): Outcome => ({ kind: "unknown", why, ids: {} });

const sentOf = (outcome: Outcome, transport: Transport = answered, changes: Partial<Sent> = {}): Sent => ({
  atMs: t0,
  tookMs: 900,
  transport,
  outcome,
  ...changes,
});

const evidence = { kind: "reply", atMs: t0 + 900, status: 201, bodySha256: "b".repeat(64) } as const;

/** A verdict in a few words; times in seconds after `t0`. */
const told = (verdict: Verdict): string => {
  switch (verdict.kind) {
    case "settle":
      return `settle ${verdict.state}`;
    case "review":
      return `review ${verdict.reason}`;
    case "wait":
      return `wait ${verdict.state} ${verdict.reason} ${verdict.nextAct} +${(verdict.atMs - t0) / 1_000}${
        verdict.held === undefined ? "" : ` held ${verdict.held.state}`
      }`;
    case "sendAgain":
      return `sendAgain +${(verdict.atMs - t0) / 1_000}`;
    case "resendNow":
      return `resendNow after ${verdict.afterMs / 1_000}`;
  }
};

type Given = {
  /** sends that were open before this one */
  readonly open?: number;
  readonly resends?: number;
  readonly faultResends?: number;
  /** whether this request id was never sent before */
  readonly first?: boolean;
  readonly time?: boolean;
  readonly policy?: Partial<Policy>;
  readonly transport?: Transport;
  readonly looked?: number;
  readonly nowSeconds?: number;
  /** it was begun to be taken back before this send */
  readonly voiding?: boolean;
};

/** What follows one send at `t0`, decided two seconds later unless `given` says else. */
const decided = (outcome: Outcome, given: Given = {}): Verdict => {
  const open = given.open ?? 0;
  const sent = sentOf(outcome, given.transport ?? answered);
  const before = opened({
    openSends: open,
    sends: open,
    resends: given.resends ?? 0,
    faultResends: given.faultResends ?? 0,
    looked: given.looked ?? 0,
    ...(given.voiding === true ? { voidingAtMs: t0 - 50_000 } : {}),
    ...((given.first ?? open === 0) ? {} : { lastSendAtMs: t0 - 40_000 }),
  });
  return decide(
    noteSend(before, sent),
    sent,
    policyOf(given.policy),
    t0 + (given.nowSeconds ?? 2) * 1_000,
    () => given.time ?? true,
  );
};

describe("decide", () => {
  const noAnswer = unknownOf("no_answer");
  const fault = unknownOf("gateway_fault");
  const lookUp = "wait unknown no_answer lookUp +60";

  test.each<[Outcome, Given, verdict: string, reason: string]>([
    [outcomes.approved, {}, "settle approved", "the money was taken, as asked"],
    [outcomes.approved, { open: 1 }, "settle approved", "taken is taken, whatever else is open"],
    [
      outcomes.approved,
      { open: 1, voiding: true },
      "review refunded_or_charged_back",
      "told as it was before we took it back: the id is known",
    ],
    [outcomes.approved, { transport: timedOut }, "wait unknown contradiction lookUp +60", "no evidence (S4)"],

    [outcomes.mismatch, {}, "review mismatch", "S9"],
    [outcomes.mismatch, { open: 2 }, "review mismatch", "S9, whatever else is open"],
    [outcomes.mismatch, { transport: timedOut }, "wait unknown contradiction lookUp +60", "no evidence"],

    [outcomes.later, {}, "settle declined_retryable", "time may heal it"],
    [outcomes.never, {}, "settle declined_permanent", "nothing will"],
    [outcomes.invalid, {}, "settle request_error", "the request itself is wrong"],
    [
      outcomes.later,
      { open: 1 },
      "wait unknown answer_to_confirm lookUp +60 held declined_retryable",
      "the send before may have been captured (S2)",
    ],
    [
      outcomes.never,
      { open: 1 },
      "wait unknown answer_to_confirm lookUp +60 held declined_permanent",
      "the send before may have been captured (S2)",
    ],
    [
      outcomes.invalid,
      { open: 3 },
      "wait unknown answer_to_confirm lookUp +60 held request_error",
      "one of the sends before may have been captured (S2)",
    ],
    [
      { ...outcomes.later, conclusive: true },
      { open: 1 },
      "settle declined_retryable",
      "the gateway's word covers every send of this request id",
    ],
    [
      { ...outcomes.later, conclusive: true },
      { open: 1, transport: timedOut },
      "wait unknown contradiction lookUp +60",
      "no evidence, however conclusive",
    ],
    [outcomes.later, { transport: timedOut }, "wait unknown contradiction lookUp +60", "no evidence"],
    [outcomes.invalid, { transport: timedOut }, "wait unknown contradiction lookUp +60", "no evidence"],

    [outcomes.pending, {}, "wait pending gateway_pending lookUp +60", "accepted; its word is to come"],
    [
      outcomes.pending,
      { open: 1 },
      "wait pending gateway_pending lookUp +60",
      "the same beside an open send",
    ],

    [outcomes.notProcessed, { transport: notConnected }, "sendAgain +2", "nothing left: any worker may"],
    [
      outcomes.notProcessed,
      { transport: notConnected, open: 1 },
      "wait unknown no_answer lookUp +20",
      "an earlier send makes it the look-ups' business; the schedule goes on from there",
    ],
    [
      outcomes.notProcessed,
      { transport: notConnected, first: false },
      "wait unknown no_answer lookUp +20",
      "the same where it was answered, with something that is not final",
    ],
    [
      outcomes.notProcessed,
      { transport: notConnected, open: 1, looked: 10 },
      "wait unknown no_answer lookUp +2",
      "the schedule is used up: look now, and resolve what then is known",
    ],

    [noAnswer, { transport: timedOut }, "resendNow after 2", "the one resend that is documented"],
    [noAnswer, { transport: timedOut, resends: 1 }, lookUp, "it was made"],
    [noAnswer, { transport: timedOut, time: false }, lookUp, "no time left for it"],
    [noAnswer, { transport: timedOut, open: 1, resends: 1 }, lookUp, "two open, none left"],
    [noAnswer, { transport: timedOut, policy: { resendsMax: 0 } }, lookUp, "the policy has none"],
    [
      noAnswer,
      { transport: timedOut, resends: 4, policy: { resendsMax: 5, resendDelayMs: 500 } },
      "resendNow after 0.5",
      "the last of five",
    ],
    [noAnswer, { transport: timedOut, resends: 5, policy: { resendsMax: 5 } }, lookUp, "five were made"],
    [noAnswer, { transport: replied(502, "") }, "resendNow after 2", "a proxy's answer is none"],
    [
      noAnswer,
      { transport: timedOut, nowSeconds: 70, time: false },
      "wait unknown no_answer lookUp +70",
      "late",
    ],

    [fault, {}, "wait unknown gateway_fault resend +12", "10 s, and the message goes to the resolver"],
    [fault, { faultResends: 1 }, "wait unknown gateway_fault resend +22", "20 s"],
    [fault, { faultResends: 2 }, "wait unknown gateway_fault resend +42", "40 s"],
    [fault, { faultResends: 3 }, "wait unknown gateway_fault lookUp +60", "three were made"],
    [fault, { time: false }, "wait unknown gateway_fault resend +12", "this worker's time does not matter"],
    [fault, { resends: 1 }, "wait unknown gateway_fault resend +12", "a time-out's resends are others"],
    [
      fault,
      { policy: { faultResendsMax: 0 } },
      "wait unknown gateway_fault lookUp +60",
      "the policy has none",
    ],
    [
      fault,
      { policy: { faultResendDelayMs: 1_000 }, faultResends: 2 },
      "wait unknown gateway_fault resend +6",
      "the policy's delay, doubled twice",
    ],

    [unknownOf("unlisted_status"), {}, "wait unknown unlisted_status lookUp +60", "S10"],
    [unknownOf("unreadable"), {}, "wait unknown unreadable lookUp +60", "S10"],
    [unknownOf("unlisted"), {}, "wait unknown unlisted lookUp +60", "S10"],
    [unknownOf("contradiction"), {}, "wait unknown contradiction lookUp +60", "S10"],
    [unknownOf("not_a_capture"), {}, "wait unknown not_a_capture lookUp +60", "S10"],
    [unknownOf("unconfirmed"), {}, "wait unknown unconfirmed lookUp +60", "S10"],
    [unknownOf("unreadable"), { open: 1 }, "wait unknown unreadable lookUp +60", "never resent at once"],
  ])("%j given %j → %s (%s)", (outcome, given, verdict) => {
    expect(told(decided(outcome, given))).toBe(verdict);
  });

  test("a settled answer carries its evidence and the gateway's ids (S4)", () => {
    expect(decided(outcomes.approved)).toStrictEqual({
      kind: "settle",
      state: "approved",
      ending: { code: "0" },
      evidence: { ...evidence, code: "0", ...ids },
      ids,
    });
    expect(decided(outcomes.approved, { voiding: true })).toStrictEqual({
      kind: "review",
      reason: "refunded_or_charged_back",
      evidence: { ...evidence, code: "0", ...ids },
      ending: { code: "0" },
    });
    expect(decided(outcomes.never)).toStrictEqual({
      kind: "settle",
      state: "declined_permanent",
      ending: { category: "never_approved", code: "5041", description: "lost", retry: "never" },
      evidence: { ...evidence, code: "5041" },
      ids: {},
    });
    expect(decided(outcomes.invalid)).toStrictEqual({
      kind: "settle",
      state: "request_error",
      ending: { code: "http_400", description: "no sku" },
      evidence: { ...evidence, code: "http_400" },
      ids: {},
    });
  });

  test("a mismatch goes to a person with both values", () => {
    expect(decided(outcomes.mismatch)).toStrictEqual({
      kind: "review",
      reason: "mismatch",
      evidence: { ...evidence, code: "0", ...ids },
      ending: { code: "0" },
      mismatch: { field: "amount", asked: "1999", got: "1998" },
    });
  });

  test("a held answer is the one that would have been settled", () => {
    const settled = decided(outcomes.later);
    const held = decided(outcomes.later, { open: 1 });
    if (settled.kind !== "settle" || held.kind !== "wait") throw new Error("another verdict");
    expect(held.held).toStrictEqual({
      state: settled.state,
      ending: settled.ending,
      evidence: settled.evidence,
    });
  });

  test("a resend is asked for with the wait before it", () => {
    const asked: number[] = [];
    const sent = sentOf(noAnswer, timedOut);
    decide(noteSend(opened(), sent), sent, policyOf({ resendDelayMs: 1_234 }), t0, (afterMs) => {
      asked.push(afterMs);
      return false;
    });
    expect(asked).toStrictEqual([1_234]);
  });

  test.each([
    ["pending", outcomes.pending],
    ["declined", outcomes.later],
    ["unreadable", unknownOf("unreadable")],
  ])("a schedule that is used up means now (%s)", (_name, outcome) => {
    const sent = sentOf(outcome);
    const used = { ...noteSend(opened({ openSends: 1 }), sent), looked: 99 };
    const verdict = decide(used, sent, policyOf(), t0 + 7, () => true);
    expect(verdict).toMatchObject({ kind: "wait", atMs: t0 + 7 });
  });
});

// A poll of an accepted charge asks under the same request id: what is wrong with the poll is no word on the
// charge, and `pending` may not become `request_error`.
test("a request error does not end what the gateway accepted before", () => {
  const first = noteSend(opened(), sentOf(outcomes.pending));
  const poll = sentOf({ kind: "requestError", code: "http_401" }, replied(401, ""), { atMs: t0 + 2_000 });
  const verdict = decide(noteSend(first, poll), poll, policyOf(), t0 + 3_000, () => true);
  expect(verdict.kind).not.toBe("settle");
});

describe("decide, always", () => {
  const anyOutcome: fc.Arbitrary<Outcome> = fc.oneof(
    fc.constantFrom<Outcome>(...Object.values(outcomes)),
    fc
      .constantFrom<UnknownWhy>(
        "no_answer",
        "gateway_fault",
        "unlisted_status",
        "unreadable",
        "unlisted",
        "contradiction",
        "not_a_capture",
        "unconfirmed",
      )
      .map(unknownOf),
    fc
      .constantFrom(...declineCategories)
      .map((category): Outcome => ({ kind: "declined", category, code: "1", ids: {} })),
  );
  const anyCase = fc.record({
    outcome: anyOutcome,
    transport: fc.constantFrom<Transport>(answered, timedOut, notConnected, replied(500, "")),
    openSends: fc.nat(3),
    resends: fc.nat(6),
    faultResends: fc.nat(11),
    looked: fc.nat(12),
    sentBefore: fc.boolean(),
    time: fc.boolean(),
    nowMs: fc.nat(100_000_000),
    policy: fc.record({ resendsMax: fc.nat(5), faultResendsMax: fc.nat(10) }),
  });

  type Case = typeof anyCase extends fc.Arbitrary<infer T> ? T : never;
  const run = (given: Case) => {
    const { openSends, resends, faultResends, looked } = given;
    const sent = sentOf(given.outcome, given.transport);
    const entry = noteSend(
      opened({
        openSends,
        resends,
        faultResends,
        looked,
        ...(given.sentBefore || openSends > 0 ? { lastSendAtMs: t0 - 40_000 } : {}),
      }),
      sent,
    );
    const policy = policyOf(given.policy);
    const nowMs = t0 + given.nowMs;
    return { entry, policy, nowMs, verdict: decide(entry, sent, policy, nowMs, () => given.time) };
  };

  test("one verdict, with evidence where it ends something (S4)", () => {
    fc.assert(
      fc.property(anyCase, (given) => {
        const { verdict } = run(given);
        expect(["settle", "review", "wait", "sendAgain", "resendNow"]).toContain(verdict.kind);
        if (verdict.kind === "settle" || verdict.kind === "review") {
          expect(given.transport.kind).toBe("replied");
          expect(verdict.evidence.kind).toBe("reply");
        }
      }),
    );
  });

  test("approved is what the outcome says, and never anything else (S10)", () => {
    fc.assert(
      fc.property(anyCase, (given) => {
        const { verdict } = run(given);
        if (verdict.kind === "settle" && verdict.state === "approved")
          expect(given.outcome.kind).toBe("approved");
      }),
    );
  });

  test("an unknown outcome is never an end (S6)", () => {
    fc.assert(
      fc.property(anyCase, (given) => {
        const { verdict } = run(given);
        if (given.outcome.kind === "unknown") expect(["wait", "resendNow"]).toContain(verdict.kind);
      }),
    );
  });

  test("no answer that says no ends a charge while a send is open (S2)", () => {
    fc.assert(
      fc.property(anyCase, (given) => {
        const { verdict, entry } = run(given);
        if (verdict.kind === "settle" && verdict.state !== "approved") expect(entry.openSends).toBe(0);
      }),
    );
  });

  test("nothing goes back to the queue as unsent that was ever sent", () => {
    fc.assert(
      fc.property(anyCase, (given) => {
        const { verdict, entry } = run(given);
        if (verdict.kind === "sendAgain") {
          expect(entry.lastSendAtMs).toBeUndefined();
          expect(given.outcome.kind).toBe("notProcessed");
        }
      }),
    );
  });

  test("a resend is within its number and its time, and never waits in the past", () => {
    fc.assert(
      fc.property(anyCase, (given) => {
        const { verdict, entry, policy, nowMs } = run(given);
        if (verdict.kind === "resendNow") {
          expect(given.time).toBe(true);
          expect(entry.resends).toBeLessThan(policy.resendsMax);
          expect(given.outcome).toMatchObject({ kind: "unknown", why: "no_answer" });
        }
        if (verdict.kind === "wait") {
          expect(verdict.atMs).toBeGreaterThanOrEqual(nowMs);
          if (verdict.nextAct === "resend") expect(entry.faultResends).toBeLessThan(policy.faultResendsMax);
          else expect(verdict.atMs).toBe(nextLookAtMs(policy, entry, nowMs) ?? nowMs);
        }
      }),
    );
  });
});

describe("endingOf", () => {
  test.each(declineCategories)("a decline (%s) has the state of its route and the advice", (category) => {
    expect(endingOf({ kind: "declined", category, code: "c", ids: {} })).toStrictEqual({
      state: routeOf[category] === "retryable-declines" ? "declined_retryable" : "declined_permanent",
      ending: { category, code: "c", retry: adviceOf[category] },
    });
  });

  test.each<[DeclineCategory, string]>([
    ["insufficient_funds", "declined_retryable"],
    ["issuer_unavailable", "declined_retryable"],
    ["wrong_details", "declined_permanent"],
    ["customer_action", "declined_permanent"],
    ["unrecognised", "declined_permanent"],
  ])("%s → %s", (category, state) => {
    expect(endingOf({ kind: "declined", category, code: "c", ids: {} }).state).toBe(state);
  });

  test("keeps what was said", () => {
    expect(endingOf({ ...outcomes.later, description: "no money" }).ending).toStrictEqual({
      category: "insufficient_funds",
      code: "5051",
      networkCode: "51",
      description: "no money",
      retry: "later",
    });
    expect(endingOf({ ...outcomes.later, adviceCode: "24" }).ending.adviceCode).toBe("24");
    expect(endingOf({ kind: "requestError", code: "http_404" })).toStrictEqual({
      state: "request_error",
      ending: { code: "http_404" },
    });
    expect(endingOf(outcomes.invalid).ending).toStrictEqual({ code: "http_400", description: "no sku" });
  });
});

describe("noteSend", () => {
  const before: OpenedEntry = opened({
    sends: 1,
    openSends: 1,
    looked: 3,
    lookFailures: 2,
    lastSendAtMs: t0 - 40_000,
    absences: [search()],
  });
  const counts = ({ sends, openSends, looked, lookFailures, lastSendAtMs, absences }: OpenedEntry) => ({
    sends,
    openSends,
    looked,
    lookFailures,
    lastSendAtMs,
    absences: absences.length,
  });
  const once = { sends: 2, looked: 0, lookFailures: 0, lastSendAtMs: t0, absences: 0 };
  const unchanged = counts(before);

  test.each<[Sent, ReturnType<typeof counts>, HistoryEvent, reason: string]>([
    [
      sentOf(outcomes.notProcessed, notConnected),
      unchanged,
      { e: "never_sent", at: t0, cause: "refused" },
      "nothing was sent: nothing counts anew",
    ],
    [
      sentOf(unknownOf("no_answer"), timedOut),
      { ...once, openSends: 2 },
      { e: "unanswered", at: t0, ms: 900, cause: "timeout" },
      "one more is open, and the look-ups begin anew",
    ],
    [
      sentOf(unknownOf("unreadable")),
      { ...once, openSends: 2 },
      { e: "replied", at: t0, ms: 900, status: 201, sha256: "b".repeat(64) },
      "an answer that proves nothing leaves it open",
    ],
    [
      sentOf(unknownOf("gateway_fault"), replied(500, ""), { excerpt: "oops" }),
      { ...once, openSends: 2 },
      { e: "replied", at: t0, ms: 900, status: 500, sha256: "b".repeat(64), excerpt: "oops" },
      "a fault leaves it open; the excerpt is kept",
    ],
    [
      sentOf(outcomes.later, answered, { excerpt: "" }),
      { ...once, openSends: 1 },
      { e: "replied", at: t0, ms: 900, status: 201, code: "5051", sha256: "b".repeat(64), excerpt: "" },
      "an answer accounts for this send, and for no other",
    ],
    [
      sentOf(outcomes.pending),
      { ...once, openSends: 2 },
      { e: "replied", at: t0, ms: 900, status: 201, code: "0", sha256: "b".repeat(64) },
      "accepted: open until its final word",
    ],
    [
      sentOf(outcomes.approved),
      { ...once, openSends: 1 },
      { e: "replied", at: t0, ms: 900, status: 201, code: "0", sha256: "b".repeat(64) },
      "captured: accounted for",
    ],
  ])("%# (%4$s)", (sent, after, event) => {
    const noted = noteSend(before, sent);
    expect(counts(noted)).toStrictEqual(after);
    expect(noted.history).toStrictEqual([...before.history, event]);
    expect(noted.token).toBe(before.token);
    expect(noted.firstSendAtMs).toBe(before.firstSendAtMs);
  });

  test("the gateway's ids are kept, and later ones are added", () => {
    expect(noteSend(before, sentOf(outcomes.invalid))).not.toHaveProperty("ids");
    const first = noteSend(before, sentOf(outcomes.pending));
    expect(first.ids).toStrictEqual({ transactionId: "tx-1" });
    const second = noteSend(
      first,
      sentOf({ kind: "unknown", why: "unconfirmed", ids: { orderId: "or-1", transactionId: "tx-2" } }),
    );
    expect(second.ids).toStrictEqual({ transactionId: "tx-2", orderId: "or-1" });
    expect(noteSend(second, sentOf(unknownOf("no_answer"), timedOut)).ids).toStrictEqual(second.ids);
    expect(noteSend(second, sentOf(outcomes.notProcessed, notConnected)).ids).toStrictEqual(second.ids);
  });
});
