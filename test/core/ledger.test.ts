import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  awaitAttempt,
  expire,
  type FinalEntry,
  finalStates,
  IllegalTransition,
  isFinal,
  type LedgerEntry,
  type LedgerState,
  leaseEntry,
  ledgerStates,
  mayFollow,
  nextEntry,
  openAttempt,
  openEntry,
  openExpired,
  openRefused,
  refuse,
  type UnknownEntry,
} from "../../lib/core/ledger.ts";
import { CHARGE_QUEUES } from "../../lib/core/queues.ts";
import type { GatewayIds } from "../../lib/core/reply.ts";
import { outcomeQueues, queueOf, type RecordedVerdict, recordVerdict } from "../../lib/core/verdict.ts";
import {
  aCharge,
  by,
  final,
  opened,
  pending,
  requestIdOf,
  review,
  search,
  t0,
  tokenOf,
  unknown,
  waiting,
} from "./builders.ts";

const evidence = { kind: "reply", atMs: t0 + 900, status: 201, bodySha256: "b".repeat(64) } as const;

/** An entry in each state. */
const inState: Readonly<Record<LedgerState, LedgerEntry>> = {
  opened: opened({ sends: 1, openSends: 1, lastSendAtMs: t0 }),
  waiting: waiting(),
  unknown: unknown(),
  pending: pending(),
  approved: final("approved"),
  declined_permanent: final("declined_permanent"),
  declined_retryable: final("declined_retryable"),
  request_error: final("request_error"),
  expired: final("expired"),
  review: review(),
};

const step = (from: LedgerEntry, to: LedgerState): LedgerEntry =>
  nextEntry(from, { state: to } as never, {}, by(60));

describe("mayFollow", () => {
  test.each<[LedgerState, LedgerState[], reason: string]>([
    [
      "opened",
      [
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
      "whatever a send may prove; itself with what was prepared; never expired: it may have been sent",
    ],
    [
      "waiting",
      ["opened", "expired", "declined_permanent", "declined_retryable", "review"],
      "never sent: sent later, or not at all, too late, for the networks' rules, or since an attempt before it took the money",
    ],
    [
      "unknown",
      [
        "opened",
        "unknown",
        "pending",
        "approved",
        "declined_permanent",
        "declined_retryable",
        "request_error",
        "review",
      ],
      "whatever look-ups may prove; never waiting nor expired: it may have been sent (S6)",
    ],
    [
      "pending",
      ["opened", "pending", "approved", "declined_permanent", "declined_retryable", "review"],
      "accepted is never unknown again, and was no mistake of the request",
    ],
    ["approved", [], "final"],
    ["declined_permanent", [], "final"],
    ["declined_retryable", ["opened", "waiting"], "a later attempt"],
    ["request_error", [], "final"],
    ["expired", [], "final"],
    [
      "review",
      ["review", "unknown", "waiting", "approved", "declined_permanent"],
      "a person decides: itself with a proposal; never opened, for nobody at a desk holds a lease",
    ],
  ])("%s → %j (%s)", (from, to) => {
    expect([...mayFollow[from]].sort()).toStrictEqual([...to].sort());
  });

  test("every state is in it", () => {
    expect(Object.keys(mayFollow).sort()).toStrictEqual([...ledgerStates].sort());
  });

  test("a final state has no way out, but that of a retryable decline to a later attempt", () => {
    for (const state of finalStates)
      expect(mayFollow[state]).toStrictEqual(state === "declined_retryable" ? ["opened", "waiting"] : []);
  });

  test("every state but the first can be reached, and every one that is not final can be left", () => {
    const reached = new Set(Object.values(mayFollow).flat());
    expect(ledgerStates.filter((state) => !reached.has(state))).toStrictEqual([]);
    for (const state of ledgerStates)
      if (!(finalStates as readonly LedgerState[]).includes(state))
        expect(mayFollow[state].length).toBeGreaterThan(0);
  });
});

describe("nextEntry", () => {
  const steps = ledgerStates.flatMap((from) => ledgerStates.map((to) => [from, to] as const));

  test.each(steps.filter(([from, to]) => mayFollow[from].includes(to)))("%s may become %s", (from, to) => {
    const entry = inState[from];
    expect(step(entry, to)).toMatchObject({
      state: to,
      chargeId: entry.chargeId,
      token: "token-at-60",
      updatedAtMs: t0 + 60_000,
      openedAtMs: entry.openedAtMs,
    });
  });

  test.each(steps.filter(([from, to]) => !mayFollow[from].includes(to)))(
    "%s may not become %s",
    (from, to) => {
      expect(() => step(inState[from], to)).toThrow(new IllegalTransition(`${from} may not become ${to}`));
    },
  );

  test("an illegal step has a name of its own", () => {
    expect(() => step(final(), "opened")).toThrow(
      expect.objectContaining({ name: "IllegalTransition", message: "approved may not become opened" }),
    );
  });

  const ofFinal = ["evidence", "finalAtMs", "ending"];
  const ofUnknown = ["reason", "nextAtMs", "nextAct", "receipt"];
  const ofState: Readonly<Record<LedgerState, readonly string[]>> = {
    opened: ["leaseUntilMs"],
    waiting: ["nextAtMs"],
    unknown: ofUnknown,
    pending: ofUnknown,
    approved: ofFinal,
    declined_permanent: ofFinal,
    declined_retryable: ofFinal,
    request_error: ofFinal,
    expired: ofFinal,
    review: [...ofFinal, "reason", "mismatch", "droppedAtMs"],
  };
  test.each(steps.filter(([from, to]) => mayFollow[from].includes(to)))(
    "from %s to %s nothing of the old state stays behind",
    (from, to) => {
      const full = {
        ...inState[from],
        ...Object.fromEntries(ofState[from].map((name) => [name, `old ${name}`])),
      } as unknown as LedgerEntry;
      const next = step(full, to);
      expect(next).toMatchObject({ state: to, history: full.history });
      for (const name of ofState[from]) expect(next).not.toHaveProperty(name);
    },
  );

  test("a state leaves behind what was its own: by its receipt nobody is woken any more", () => {
    const from = unknown({ receipt: "receipt-1" });
    expect(leaseEntry(from, by(60))).not.toHaveProperty("receipt");
  });

  test("changes replace members, and the entry before stays as it was", () => {
    const before = unknown();
    const copy = structuredClone(before);
    const next = nextEntry<UnknownEntry>(
      before,
      { state: "unknown", reason: "worker_lost", nextAtMs: 1, nextAct: "lookUp" },
      { sends: 7 },
      by(60),
    );
    expect(next).toMatchObject({ sends: 7, reason: "worker_lost", nextAtMs: 1, openSends: 1 });
    expect(before).toStrictEqual(copy);
  });
});

test.each(ledgerStates)("isFinal: %s", (state) => {
  expect(isFinal(inState[state])).toBe((finalStates as readonly LedgerState[]).includes(state));
});

const openingBy = {
  fingerprint: "f".repeat(64),
  requestId: requestIdOf("request-1"),
  token: tokenOf("token-0"),
  nowMs: t0,
  leaseMs: 72_000,
};

describe("openEntry", () => {
  test("holds the request id and the key life's begin before the first byte goes out (S1, S3)", () => {
    expect(openEntry(aCharge(), openingBy)).toStrictEqual({
      v: 1,
      state: "opened",
      leaseUntilMs: t0 + 72_000,
      chargeId: "order-1",
      gateway: "centrobill",
      amount: "1999",
      currency: "EUR",
      fingerprint: "f".repeat(64),
      token: "token-0",
      openedAtMs: t0,
      updatedAtMs: t0,
      attempt: 1,
      requestId: "request-1",
      firstSendAtMs: t0,
      openSends: 0,
      resends: 0,
      faultResends: 0,
      sends: 0,
      lookups: 0,
      looked: 0,
      lookFailures: 0,
      absences: [],
      history: [{ e: "opened", at: t0, attempt: 1, requestId: "request-1" }],
    });
  });

  test("keeps what later decisions need of the message", () => {
    const instrument = { ref: "card-1", network: "visa" };
    const charge = aCharge({ notAfter: "2026-11-22T18:00:00Z", instrument });
    expect(openEntry(charge, { ...openingBy, needsPreparation: true })).toMatchObject({
      notAfterMs: Date.UTC(2026, 10, 22, 18),
      instrumentRef: "card-1",
      instrumentNetwork: "visa",
      preparation: {},
    });
    expect(openEntry(charge, { ...openingBy, needsPreparation: false })).not.toHaveProperty("preparation");
    expect(openEntry(charge, { ...openingBy, consumerMarks: ["anna"] }).consumerMarks).toEqual(["anna"]);
    for (const by of [openingBy, { ...openingBy, consumerMarks: [] }])
      expect(openEntry(charge, by)).not.toHaveProperty("consumerMarks");
  });

  test("holds nothing of the gateway's own part, where a card token is (S12)", () => {
    const text = JSON.stringify(openEntry(aCharge({ metadata: { note: "a-note" } }), openingBy));
    for (const secret of ["0bce192c-a476-4a84-b751-e1dfad1e4723", "lena@example.net", "a-note"])
      expect(text).not.toContain(secret);
  });
});

describe("expired", () => {
  const notAfterMs = t0 - 1;
  test("a charge that came too late is opened and ended in one, and was never sent (S4)", () => {
    const charge = { ...aCharge(), notAfterMs };
    const entry = openExpired(charge, openingBy);
    expect(entry).toMatchObject({
      state: "expired",
      chargeId: "order-1",
      notAfterMs,
      requestId: "request-1",
      evidence: { kind: "never_sent", atMs: t0, notAfterMs },
      finalAtMs: t0,
      ending: { code: "not_after_passed" },
      sends: 0,
      openSends: 0,
      token: "token-0",
    });
    for (const name of ["firstSendAtMs", "lastSendAtMs", "leaseUntilMs", "nextAtMs"])
      expect(entry).not.toHaveProperty(name);
    expect(entry.history).toStrictEqual([
      { e: "opened", at: t0, attempt: 1, requestId: "request-1" },
      { e: "recorded", at: t0, state: "expired" },
    ]);
  });

  test("one that waited until it was too late is ended, under a new token", () => {
    const entry = expire(waiting(), notAfterMs, by(90));
    expect(entry).toMatchObject({
      state: "expired",
      token: "token-at-90",
      finalAtMs: t0 + 90_000,
      updatedAtMs: t0 + 90_000,
      evidence: { kind: "never_sent", atMs: t0 + 90_000, notAfterMs },
    });
    expect(entry.history.at(-1)).toStrictEqual({ e: "recorded", at: t0 + 90_000, state: "expired" });
  });

  test.each(["opened", "unknown", "pending", "approved", "review"] as const)(
    "what is %s does not expire: it may have been sent (S6)",
    (state) => {
      const entry = inState[state] as unknown as Parameters<typeof expire>[0];
      expect(() => expire(entry, notAfterMs, by(90))).toThrow(IllegalTransition);
    },
  );
});

describe("refuse", () => {
  const full = { kind: "network_limit", atMs: t0, limit: "visa_30_days", untilMs: t0 + 5 } as const;
  const closed = {
    kind: "instrument_closed",
    atMs: t0,
    rule: "visa_category_1",
    code: "41",
    byChargeId: "order-0",
    closedAtMs: t0,
  } as const;

  test.each([
    [full, "declined_retryable"],
    [closed, "declined_permanent"],
  ] as const)(
    "what the networks forbid ends with its evidence, and its history says so: %j",
    (why, state) => {
      const entry = refuse(waiting(), why, by(60));
      expect(entry).toMatchObject({ state, evidence: why, finalAtMs: t0 + 60_000, token: "token-at-60" });
      expect(entry.history).toStrictEqual([...waiting().history, { e: "recorded", at: t0 + 60_000, state }]);
      const atOnce = openRefused(aCharge(), why, openingBy);
      expect(atOnce).toMatchObject({ state, evidence: why, sends: 0 });
      expect(atOnce.firstSendAtMs).toBeUndefined();
      expect(atOnce.history.map(({ e }) => e)).toEqual(["opened", "recorded"]);
    },
  );
});

describe("leaseEntry", () => {
  test("the key life goes on from the first send (S3), and the request id is the same (S2)", () => {
    const entry = leaseEntry(unknown({ firstSendAtMs: t0 }), by(100));
    expect(entry).toMatchObject({
      state: "opened",
      requestId: "request-1",
      attempt: 1,
      firstSendAtMs: t0,
      lastSendAtMs: t0,
      openSends: 1,
      sends: 1,
      leaseUntilMs: t0 + 172_000,
      token: "token-at-100",
    });
    expect(entry.history.at(-1)).toStrictEqual({ e: "leased", at: t0 + 100_000 });
    for (const name of ["reason", "nextAtMs", "nextAct"]) expect(entry).not.toHaveProperty(name);
  });

  test("what was never sent begins its key life now", () => {
    expect(waiting()).not.toHaveProperty("firstSendAtMs");
    expect(leaseEntry(waiting(), by(100)).firstSendAtMs).toBe(t0 + 100_000);
  });

  test("a held answer stays held", () => {
    const held = { state: "declined_permanent", ending: {}, evidence } as const;
    expect(leaseEntry(unknown({ held }), by(100)).held).toStrictEqual(held);
  });
});

describe("awaitAttempt", () => {
  const declined = (evidence: FinalEntry["evidence"]): Parameters<typeof awaitAttempt>[0] =>
    ({ ...final("declined_retryable"), preparation: { lostAtMs: t0 }, evidence }) as never;
  const next = (evidence: FinalEntry["evidence"]) =>
    awaitAttempt(declined(evidence), { ...by(600), requestId: requestIdOf("request-2") });

  test("after a decline it waits under a new request id, with nothing of the one before", () => {
    const entry = next({ kind: "reply", atMs: t0, status: 201, bodySha256: "ab" });
    expect(entry).toMatchObject({
      state: "waiting",
      attempt: 2,
      requestId: "request-2",
      earlierRequestIds: ["request-1"],
    });
    expect(entry.preparation).toStrictEqual({});
    expect(entry.firstSendAtMs).toBeUndefined();
    expect(entry.lastSendAtMs).toBeUndefined();
  });

  // Found by the simulator: a second Payment Request was made, and the first not looked for.
  test("after a refusal by a count, before anything was sent, what may have been made is still looked for", () => {
    const entry = next({ kind: "network_limit", atMs: t0, limit: "mastercard_24_hours", untilMs: t0 + 5 });
    expect(entry.preparation).toEqual({ lostAtMs: t0 });
  });
});

describe("openAttempt", () => {
  const before = unknown({
    attempt: 2,
    requestId: requestIdOf("request-2"),
    earlierRequestIds: [requestIdOf("request-1")],
    resends: 1,
    faultResends: 2,
    sends: 4,
    openSends: 2,
    lookups: 5,
    looked: 3,
    lookFailures: 1,
    absences: [search(400), search(500)],
    ids: { transactionId: "tx-1" },
    held: { state: "declined_permanent", ending: {}, evidence },
    preparation: { prepared: { id: "p-1" }, lostAtMs: t0 },
    voidedAtMs: t0,
  });
  const after = openAttempt(before, { ...by(600), requestId: requestIdOf("request-3") });

  test("begins anew under a new request id, and remembers every one before (S2)", () => {
    expect(after).toMatchObject({
      state: "opened",
      attempt: 3,
      requestId: "request-3",
      earlierRequestIds: ["request-1", "request-2"],
      firstSendAtMs: t0 + 600_000,
      leaseUntilMs: t0 + 672_000,
      openSends: 0,
      resends: 0,
      faultResends: 0,
      looked: 0,
      lookFailures: 0,
      absences: [],
      preparation: {},
      token: "token-at-600",
    });
    expect(after.history.at(-1)).toStrictEqual({
      e: "opened",
      at: t0 + 600_000,
      attempt: 3,
      requestId: "request-3",
    });
  });

  test("takes nothing of the attempt before with it", () => {
    for (const name of ["lastSendAtMs", "held", "ids", "voidedAtMs", "reason", "nextAct"])
      expect(after).not.toHaveProperty(name);
    expect(after.preparation).toStrictEqual({});
  });

  test("goes on counting what counts over all attempts", () => {
    expect(after).toMatchObject({ sends: 4, lookups: 5, openedAtMs: t0 });
    expect(after.history.slice(0, -1)).toStrictEqual(before.history);
  });

  test("a first second attempt, of a gateway that prepares nothing", () => {
    const second = openAttempt(unknown(), { ...by(600), requestId: requestIdOf("request-2") });
    expect(second).toMatchObject({ attempt: 2, earlierRequestIds: ["request-1"] });
    expect(second).not.toHaveProperty("preparation");
  });
});

describe("recordVerdict", () => {
  const settle: RecordedVerdict = {
    kind: "settle",
    state: "approved",
    ending: { code: "0" },
    evidence,
    ids: { transactionId: "tx-1" },
  };
  const wait: RecordedVerdict = {
    kind: "wait",
    state: "unknown",
    reason: "no_answer",
    nextAct: "lookUp",
    atMs: t0 + 60_000,
  };
  const sent = opened({ sends: 1, openSends: 1, lastSendAtMs: t0 });

  test("a final state with its evidence, its ids and its queue (S4)", () => {
    const entry = recordVerdict(sent, settle, by(1));
    expect(entry).toMatchObject({
      state: "approved",
      ending: { code: "0" },
      evidence,
      finalAtMs: t0 + 1_000,
      ids: { transactionId: "tx-1" },
      token: "token-at-1",
    });
    expect(entry).not.toHaveProperty("leaseUntilMs");
    expect(entry.history.at(-1)).toStrictEqual({
      e: "recorded",
      at: t0 + 1_000,
      state: "approved",
      route: "approved",
    });
  });

  test.each<[{ readonly ids?: GatewayIds }, reason: string]>([
    [{ ids: {} }, "none"],
    [{}, "no word"],
  ])("the ids that were known stay where the verdict has %j (%s)", (part) => {
    const { ids: _ids, ...bare } = settle;
    const entry = recordVerdict({ ...sent, ids: { orderId: "or-1" } }, { ...bare, ...part }, by(1));
    expect(entry.ids).toStrictEqual({ orderId: "or-1" });
    expect(recordVerdict(sent, { ...bare, ...part }, by(1))).not.toHaveProperty("ids");
  });

  test("a review with its reason, and both values of a mismatch", () => {
    const mismatch = { field: "amount", asked: "1999", got: "1998" } as const;
    expect(
      recordVerdict(
        sent,
        { kind: "review", reason: "mismatch", evidence, ending: { code: "0" }, mismatch },
        by(1),
      ),
    ).toMatchObject({
      state: "review",
      reason: "mismatch",
      evidence,
      ending: { code: "0" },
      mismatch,
      finalAtMs: t0 + 1_000,
    });
    const bare = recordVerdict(sent, { kind: "review", reason: "absent", evidence }, by(1));
    expect("ending" in bare && bare.ending).toEqual({});
    expect(bare).not.toHaveProperty("mismatch");
    expect(bare.history.at(-1)).toMatchObject({ e: "recorded", state: "review", route: "review" });
  });

  test("a wait with its next act, its held answer and its queue", () => {
    const held = { state: "declined_permanent", ending: {}, evidence } as const;
    const entry = recordVerdict(sent, { ...wait, reason: "answer_to_confirm", held }, by(1));
    expect(entry).toMatchObject({
      state: "unknown",
      reason: "answer_to_confirm",
      nextAct: "lookUp",
      nextAtMs: t0 + 60_000,
      held,
      openSends: 1,
    });
    expect(entry.history.at(-1)).toStrictEqual({
      e: "recorded",
      at: t0 + 1_000,
      state: "unknown",
      route: "unknown-outcomes",
    });
    expect(recordVerdict(sent, wait, by(1))).not.toHaveProperty("held");
  });

  test("waiting again keeps the held answer and writes no line", () => {
    const held = { state: "declined_permanent", ending: {}, evidence } as const;
    const before = unknown({ held });
    const again = recordVerdict(before, wait, by(90));
    expect(again).toMatchObject({ state: "unknown", held, token: "token-at-90" });
    expect(again.history).toStrictEqual(before.history);
  });

  test("an unknown that the gateway accepted is pending from then on", () => {
    const accepted = recordVerdict(
      unknown(),
      { ...wait, state: "pending", reason: "gateway_pending" },
      by(90),
    );
    expect(accepted.state).toBe("pending");
    expect(accepted.history.at(-1)).toMatchObject({ e: "recorded", state: "pending" });
    expect(recordVerdict(pending(), { ...wait, state: "unknown" }, by(99)).state).toBe("pending");
    expect(recordVerdict(pending(), { ...wait, state: "pending" }, by(99)).history).toStrictEqual(
      pending().history,
    );
  });

  // The line names a state that the entry is not in, once for every look-up that saw nothing.
  test("a pending entry that goes on waiting writes no line", () => {
    const entry = recordVerdict(pending(), { ...wait, state: "unknown" }, by(99));
    expect(entry.history).toStrictEqual(pending().history);
  });

  test("unsent: back to waiting, and the key life has not begun", () => {
    const entry = recordVerdict(opened(), { kind: "sendAgain", atMs: t0 + 5_000 }, by(1));
    expect(entry).toMatchObject({ state: "waiting", nextAtMs: t0 + 5_000, requestId: "request-1" });
    for (const name of ["firstSendAtMs", "leaseUntilMs"]) expect(entry).not.toHaveProperty(name);
    expect(entry.history).toStrictEqual(opened().history);
  });

  test("nothing that is unknown goes back to waiting (S6)", () => {
    expect(() => recordVerdict(unknown(), { kind: "sendAgain", atMs: t0 }, by(1))).toThrow(IllegalTransition);
  });

  test("nothing that was sent goes back to waiting: its key life would begin anew (S3)", () => {
    const sent = opened({ lastSendAtMs: t0 });
    expect(() => recordVerdict(sent, { kind: "sendAgain", atMs: t0 }, by(1))).toThrow(
      new IllegalTransition("what was sent does not wait unsent (S3)"),
    );
  });

  test("a decline that waits for a later attempt is none that a late word could begin anew", () => {
    const { lastSendAtMs: _never, ...declined } = inState.declined_retryable as FinalEntry;
    expect(() =>
      recordVerdict(declined as unknown as UnknownEntry, { kind: "sendAgain", atMs: t0 }, by(1)),
    ).toThrow(new IllegalTransition("nothing is recorded over declined_retryable"));
  });

  const anyVerdict: fc.Arbitrary<RecordedVerdict> = fc.oneof(
    fc
      .constantFrom("approved", "declined_permanent", "declined_retryable", "request_error")
      .map((state): RecordedVerdict => ({ ...settle, state: state as "approved" })),
    fc.constantFrom<RecordedVerdict>(
      { kind: "review", reason: "absent", evidence },
      wait,
      { ...wait, state: "pending" },
      { kind: "sendAgain", atMs: t0 },
    ),
  );
  const anyEntry = fc.constantFrom(...Object.values(inState));

  test("whatever is recorded follows `mayFollow`, takes a new token and keeps the history", () => {
    fc.assert(
      fc.property(anyEntry, anyVerdict, (entry, verdict) => {
        let next: LedgerEntry;
        try {
          next = recordVerdict(entry as UnknownEntry, verdict, by(99, "another token"));
        } catch (error) {
          expect(error).toBeInstanceOf(IllegalTransition);
          return;
        }
        expect(mayFollow[entry.state]).toContain(next.state);
        expect(next.token).toBe("another token");
        expect(next.chargeId).toBe(entry.chargeId);
        expect(next.requestId).toBe(entry.requestId);
        expect(next.history.slice(0, entry.history.length)).toStrictEqual(entry.history);
        if (isFinal(next) || next.state === "review") expect(next.evidence).toStrictEqual(evidence);
      }),
    );
  });

  test("nothing is recorded over a final state (S15)", () => {
    fc.assert(
      fc.property(fc.constantFrom(...finalStates), anyVerdict, (state, verdict) => {
        const entry = inState[state] as unknown as UnknownEntry;
        expect(() => recordVerdict(entry, verdict, by(99))).toThrow(IllegalTransition);
      }),
    );
  });
});

describe("queueOf", () => {
  test.each<[LedgerState, queue: string | undefined, reason: string]>([
    ["opened", undefined, "a worker has it in hand"],
    ["waiting", undefined, "its message goes back to the queue it came from"],
    ["unknown", "unknown-outcomes", "the look-ups"],
    ["pending", "unknown-outcomes", "the look-ups"],
    ["approved", "approved", "the merchant"],
    ["declined_permanent", "permanent-declines", "the merchant"],
    ["declined_retryable", "retryable-declines", "later attempts"],
    ["request_error", "request-errors", "the merchant"],
    ["expired", "request-errors", "the merchant"],
    ["review", "review", "a person"],
  ])("%s → %s (%s)", (state, queue) => {
    expect(queueOf[state]).toBe(queue);
  });

  test("every outcome queue has a state that goes there", () => {
    const names = CHARGE_QUEUES.map(({ name }) => name).filter((name) => name !== "charges");
    expect([...outcomeQueues].sort()).toStrictEqual([...names].sort());
  });
});
