import { describe, expect, test } from "vitest";
import type { FinalEntry, HistoryEvent } from "../../lib/core/ledger.ts";
import type { RetryRecord } from "../../lib/core/retry-record.ts";
import { type Meter, retryReport } from "../../lib/core/retry-report.ts";
import { chargeIdOf, final, requestIdOf, t0, tokenOf } from "./builders.ts";

const opened = (attempt: number): HistoryEvent => ({
  e: "opened",
  at: t0,
  attempt,
  requestId: requestIdOf(`r-${attempt}`),
});
const replied: HistoryEvent = { e: "replied", at: t0, ms: 5, status: 201, sha256: "ab" };
const entry = (attempts: number, changes: Partial<FinalEntry> = {}): FinalEntry => ({
  ...final("approved"),
  history: Array.from({ length: attempts }, (_, at) => [opened(at + 1), replied]).flat(),
  ...changes,
});
const record = (changes: Partial<RetryRecord> = {}): RetryRecord => ({
  v: 1,
  chargeId: chargeIdOf("order-1"),
  gateway: "centrobill",
  token: tokenOf("t"),
  state: "ended",
  attempt: 1,
  decisions: [],
  ...changes,
});
const fee = { amountMinor: 10, currency: "USD" };

describe("the report of later attempts", () => {
  test("money is told by the attempt that brought it, and by day; the first attempt recovers nothing", () => {
    const counted = retryReport("global");
    counted.entry(entry(1));
    counted.entry(entry(2));
    counted.entry(entry(3, { amount: "500", currency: "JPY" }));
    counted.entry(entry(2, { state: "declined_permanent" }));
    const report = counted.report();
    expect(report.attempts).toEqual([
      { attempt: 1, made: 4, approved: 1, money: { EUR: 1999n } },
      { attempt: 2, made: 3, approved: 1, money: { EUR: 1999n } },
      { attempt: 3, made: 1, approved: 1, money: { JPY: 500n } },
    ]);
    expect(report.recovered).toEqual({ count: 2, sums: { EUR: 1999n, JPY: 500n } });
    expect(report.recoveredByDay).toEqual([{ day: "2026-11-22", sums: { EUR: 1999n, JPY: 500n } }]);
  });

  test("each attempt that was refused or put off is told with its reason and its fee", () => {
    const told: Meter[] = [];
    const counted = retryReport("global", (meter) => told.push(meter));
    counted.record(
      record({
        decisions: [
          { at: t0, attempt: 1, kind: "scheduled", dueMs: t0, because: "schedule" },
          {
            at: t0,
            attempt: 1,
            kind: "postponed",
            dueMs: t0,
            because: "network_limit",
            limit: "visa_amount_30_days",
            fee,
          },
          { at: t0, attempt: 1, kind: "released" },
          { at: t0, attempt: 2, kind: "refused", because: "instrument_closed", fee },
        ],
      }),
    );
    const common = { chargeId: "order-1", gateway: "centrobill", atMs: t0, fee };
    expect(told).toStrictEqual([
      { ...common, attempt: 2, kind: "postponed", because: "network_limit", limit: "visa_amount_30_days" },
      { ...common, attempt: 3, kind: "refused", because: "instrument_closed" },
    ]);
    expect(counted.report()).toMatchObject({
      meter: [
        { kind: "refused", because: "instrument_closed", count: 1, fees: { USD: 10n } },
        { kind: "postponed", because: "visa_amount_30_days", count: 1, fees: { USD: 10n } },
      ],
      feesSaved: { USD: 20n },
    });
  });

  test("what two limits put off is counted by each of them", () => {
    const counted = retryReport("global");
    const putOff = { at: t0, attempt: 1, kind: "postponed", dueMs: t0, because: "network_limit" } as const;
    for (const limit of ["visa_amount_30_days", "mastercard_24_hours"] as const)
      counted.record(record({ decisions: [{ ...putOff, limit }] }));
    expect(counted.report().meter.map(({ because, count }) => [because, count])).toEqual([
      ["mastercard_24_hours", 1],
      ["visa_amount_30_days", 1],
    ]);
  });

  const refused = (chargeId: string): FinalEntry => ({
    ...entry(0, { chargeId: chargeIdOf(chargeId), state: "declined_retryable" }),
    evidence: { kind: "network_limit", atMs: t0, limit: "mastercard_24_hours", untilMs: t0 + 5 },
  });

  test("what was refused before it was sent counts once, whether a record tells of it or not", () => {
    const counted = retryReport("global");
    counted.entry(refused("order-1"));
    counted.entry(refused("order-2"));
    counted.record(
      record({
        decisions: [{ at: t0, attempt: 1, kind: "postponed", dueMs: t0, because: "network_limit", fee }],
      }),
    );
    const { meter, feesSaved } = counted.report();
    expect(meter.map(({ kind, count }) => [kind, count]).sort()).toEqual([
      ["postponed", 1],
      ["refused", 1],
    ]);
    expect(feesSaved).toEqual({ USD: 60n });
  });

  const closedBy = (rule: string): FinalEntry["evidence"] => ({
    kind: "instrument_closed",
    atMs: t0 + 7,
    rule,
    code: "41",
    byChargeId: "order-9",
    closedAtMs: t0,
  });
  const limited = (limit: string): FinalEntry["evidence"] => ({
    kind: "network_limit",
    atMs: t0 + 7,
    limit,
    untilMs: t0 + 9,
  });
  // biome-ignore format: one row a line
  test.each<[FinalEntry["evidence"], Partial<Meter> | undefined, reason: string]>([
    [limited("mastercard_24_hours"), { because: "network_limit", limit: "mastercard_24_hours", fee: { amountMinor: 50, currency: "USD" } }, "a limit, and what it costs"],
    [limited("kept_attempts"), { because: "network_limit" }, "no network's limit: it costs nothing"],
    [closedBy("visa_category_1"), { because: "instrument_closed", fee }, "closed by Visa's list"],
    [closedBy("mastercard_advice_close"), { because: "instrument_closed", fee: { amountMinor: 3, currency: "USD" } }, "closed by Mastercard's advice"],
    [closedBy("another"), { because: "instrument_closed" }, "closed by a rule of another version"],
    [final().evidence, undefined, "an answer of the gateway's"],
    [{ kind: "never_sent", atMs: t0, notAfterMs: t0 }, undefined, "too late for the merchant"],
  ])("what ended by %j was refused by the rules: %j (%s)", (evidence, more) => {
    const told: Meter[] = [];
    const counted = retryReport("global", (meter) => told.push(meter));
    counted.entry({ ...refused("order-1"), evidence });
    const { meter } = counted.report();
    const whole = { chargeId: "order-1", gateway: "centrobill", attempt: 1, atMs: t0 + 7, kind: "refused", amount: "1999", currency: "EUR" };
    expect(told).toStrictEqual(more === undefined ? [] : [{ ...whole, ...more }]);
    expect(meter.map(({ fees }) => fees)).toEqual(
      more === undefined ? [] : [more.fee === undefined ? {} : { USD: BigInt(more.fee.amountMinor) }],
    );
  });

  test("of a charge with a record the record tells, and of another one its entry", () => {
    const told: Meter[] = [];
    const counted = retryReport("global", (meter) => told.push(meter));
    counted.entry(refused("order-1"));
    counted.entry(refused("order-2"));
    counted.record(record());
    counted.report();
    expect(told.map(({ chargeId }) => chargeId)).toEqual(["order-2"]);
  });

  test("a refusal is told with the money of its message, where there is one", () => {
    const told: Meter[] = [];
    const counted = retryReport("global", (meter) => told.push(meter));
    const message = { amount: "700", currency: "JPY" } as RetryRecord["message"];
    const decisions = [{ at: t0, attempt: 1, kind: "refused", because: "category" }] as const;
    counted.record(record({ decisions, ...(message && { message }) }));
    expect(told).toStrictEqual([
      {
        chargeId: "order-1",
        gateway: "centrobill",
        attempt: 2,
        atMs: t0,
        kind: "refused",
        because: "category",
        amount: "700",
        currency: "JPY",
      },
    ]);
    expect(counted.report().waiting).toEqual({ count: 0, sums: {} });
  });

  test("days are told in their order, and every charge is counted", () => {
    const counted = retryReport("global");
    for (const days of [2, 0, 1]) counted.entry(entry(2, { finalAtMs: t0 + days * 86_400_000 }));
    counted.entry(entry(0));
    const report = counted.report();
    expect(report.charges).toBe(4);
    expect(report.recoveredByDay.map(({ day }) => day)).toEqual(["2026-11-22", "2026-11-23", "2026-11-24"]);
  });

  test("what happened the most often is told first, and of the same number by its name", () => {
    const counted = retryReport("global");
    for (const because of ["category", "past_not_after", "attempts_used_up", "past_not_after"] as const)
      counted.record(record({ decisions: [{ at: t0, attempt: 1, kind: "refused", because }] }));
    expect(counted.report().meter.map((one) => one.because)).toEqual([
      "past_not_after",
      "attempts_used_up",
      "category",
    ]);
  });

  test("what waits, and the instruments that are closed", () => {
    const counted = retryReport("global");
    const message = {
      v: 1,
      id: "x",
      attempt: 1,
      outcome: "declined_retryable",
      amount: "700",
      currency: "EUR",
      at: "",
    } as const;
    counted.record(record({ state: "scheduled", dueMs: t0, message }));
    counted.record(record({ state: "ended" }));
    const card = { v: 1, merchant: "all", ref: "card-1", token: tokenOf("t"), spends: [] } as const;
    counted.instrument(card);
    counted.instrument({
      ...card,
      closed: { atMs: t0, chargeId: chargeIdOf("order-1"), rule: "visa_category_1", code: "41" },
    });
    expect(counted.report()).toMatchObject({
      waiting: { count: 1, sums: { EUR: 700n } },
      closed: { visa_category_1: 1 },
    });
  });

  test("an empty ledger is reported, too", () => {
    expect(retryReport("global").report()).toMatchObject({
      charges: 0,
      attempts: [],
      meter: [],
      feesSaved: {},
    });
  });
});
