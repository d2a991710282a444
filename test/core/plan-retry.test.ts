import { describe, expect, test } from "vitest";
import type { InstrumentRecord } from "../../lib/core/instrument-record.ts";
import type { FinalEntry, HistoryEvent, LedgerEntry } from "../../lib/core/ledger.ts";
import { attemptsMade, isRetryable, planRetry, type RetryableEntry } from "../../lib/core/plan-retry.ts";
import type { RetryDecision } from "../../lib/core/retry-record.ts";
import {
  final,
  opened,
  pending,
  policyOf,
  requestIdOf,
  review,
  t0,
  tokenOf,
  unknown,
  waiting,
} from "./builders.ts";

const hour = 3_600_000;
const day = 24 * hour;
const policy = policyOf({ requestIdLifeMs: 60_000, leaseMs: 60_000, clockSkewMs: 0, attemptsMax: 4 });

const events = (...names: string[]): HistoryEvent[] =>
  names.map((e) => ({ e, at: t0 }) as unknown as HistoryEvent);

const declined = (
  changes: Partial<FinalEntry> = {},
  ending: Partial<FinalEntry["ending"]> = {},
): RetryableEntry =>
  ({
    ...final("declined_retryable"),
    history: events("opened", "replied"),
    finalAtMs: t0,
    instrumentNetwork: "visa",
    ending: { code: "5051", category: "insufficient_funds", ...ending },
    ...changes,
  }) as RetryableEntry;
const card = (count: number, changes: Partial<InstrumentRecord> = {}): InstrumentRecord => ({
  v: 1,
  merchant: "all",
  ref: "card-1",
  token: tokenOf("t"),
  spends: Array.from({ length: count }, (_, at) => ({
    at: t0 - at * hour,
    money: "1999 EUR",
    requestId: requestIdOf(`r-${at}`),
  })),
  ...changes,
});
const closed = (rule: "visa_category_1" | "mastercard_advice_close") =>
  card(1, { closed: { atMs: t0, chargeId: declined().chargeId, rule, code: "x" } });

describe("whose later attempt is planned", () => {
  test.each<[LedgerEntry | undefined, boolean]>([
    [final("declined_retryable"), true],
    ...[
      opened(),
      waiting(),
      unknown(),
      pending(),
      review(),
      final(),
      final("declined_permanent"),
      undefined,
    ].map((entry): [LedgerEntry | undefined, boolean] => [entry, false]),
  ])("$state", (entry, isIt) => {
    expect(isRetryable(entry)).toBe(isIt);
  });
});

describe("attempts that were made", () => {
  // biome-ignore format: one row a line
  test.each<[names: string[], made: number, why: string]>([
    [[], 0, "nothing happened"],
    [["opened", "replied"], 1, "answered"],
    [["opened", "unanswered"], 1, "nobody answered: it may have arrived"],
    [["opened", "unanswered", "looked_up", "notice"], 1, "however often something is heard of it"],
    [["opened", "taken_over"], 1, "its worker died: it may have arrived"],
    [["opened", "looked_up"], 1, "found by a look-up"],
    [["opened", "notice"], 1, "told by a notice"],
    [["opened", "never_sent", "recorded"], 0, "not sent"],
    [["opened", "recorded"], 0, "no room in a network's count"],
    [["opened", "replied", "opened", "never_sent"], 1, "the second was not sent"],
    [["opened", "recorded", "opened", "replied"], 1, "the first was not sent"],
    [["opened", "replied", "opened", "replied"], 2, "both"],
    [["replied"], 0, "an answer to nothing"],
  ])("%j: %i (%s)", (names, made) => {
    expect(attemptsMade({ history: events(...names) })).toBe(made);
  });
});

describe("a decision as it is kept", () => {
  const common = { at: t0, attempt: 1 };
  const usd = (amountMinor: number) => ({ amountMinor, currency: "USD" });
  // biome-ignore format: one row a line
  test.each<[RetryableEntry, InstrumentRecord | undefined, RetryDecision, why: string]>([
    [declined(), undefined, { ...common, kind: "scheduled", dueMs: t0 + day, because: "schedule" }, "the wish, and nothing against it"],
    [declined(), card(19), { ...common, kind: "scheduled", dueMs: t0 + day, because: "schedule" }, "the twentieth"],
    [declined(), card(20), { ...common, kind: "postponed", dueMs: t0 + 30 * day - 19 * hour + 60_000, because: "network_limit", limit: "visa_amount_30_days", fee: usd(10) }, "the twenty-first, and what it would have cost"],
    [declined({ instrumentNetwork: "mastercard" }), card(35), { ...common, kind: "postponed", dueMs: t0 + 30 * day - 34 * hour + 60_000, because: "network_limit", limit: "mastercard_amount_30_days", fee: usd(50) }, "a fee that is taken from a day on"],
    [declined({ amount: "500" }), card(20), { ...common, kind: "scheduled", dueMs: t0 + day, because: "schedule" }, "of another amount"],
    [declined({ currency: "USD" }), card(20), { ...common, kind: "scheduled", dueMs: t0 + day, because: "schedule" }, "of another currency"],
    [declined({ instrumentNetwork: "mastercard" }, { adviceCode: "27" }), undefined, { ...common, kind: "postponed", dueMs: t0 + 4 * day, because: "mastercard_advice_wait" }, "the network's wait, which has no fee"],
    [declined({}, { networkCode: "41" }), undefined, { ...common, kind: "refused", because: "visa_category_1", fee: usd(10) }, "the card is lost"],
    [declined({ instrumentNetwork: "mastercard" }, { adviceCode: "03" }), undefined, { ...common, kind: "refused", because: "mastercard_advice_close", fee: usd(3) }, "do not try again"],
    [declined(), closed("visa_category_1"), { ...common, kind: "refused", because: "instrument_closed", fee: usd(10) }, "closed before, and what an attempt costs is told of the rule that closed it"],
    [declined(), closed("mastercard_advice_close"), { ...common, kind: "refused", because: "instrument_closed", fee: usd(3) }, "the same of the other network"],
    [declined({}, { category: "blocked" }), card(1), { ...common, kind: "refused", because: "category" }, "no fee is saved where no rule forbids"],
    [declined({}, { category: undefined as never }), undefined, { ...common, kind: "refused", because: "category" }, "nobody knows what for"],
    [declined({ notAfterMs: t0 + hour }), undefined, { ...common, kind: "refused", because: "past_not_after" }, "too late for the merchant"],
    [declined({ history: [1, 2, 3, 4].flatMap(() => events("opened", "replied")) }), undefined, { ...common, kind: "refused", because: "attempts_used_up" }, "all were made"],
    [declined({ evidence: { kind: "network_limit" } as never, history: events("opened") }), card(1), { ...common, kind: "scheduled", dueMs: t0, because: "schedule" }, "it was never sent: the schedule has no say"],
  ])("‹%#›", (entry, instrument, decision, why) => {
    const planned = planRetry(entry, instrument, [day, 2 * day, 3 * day, 4 * day], policy, { nowMs: t0, fraction: 0 });
    expect(planned.decision, why).toStrictEqual(decision);
    expect(planned.next.kind).toBe(decision.kind === "refused" ? "never" : "at");
  });
});
