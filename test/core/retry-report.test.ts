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
    expect(told).toMatchObject([
      { attempt: 2, kind: "postponed", limit: "visa_amount_30_days", fee },
      { attempt: 3, kind: "refused", because: "instrument_closed", fee },
    ]);
    expect(counted.report()).toMatchObject({
      meter: [
        { kind: "refused", because: "instrument_closed", count: 1, fees: { USD: 10n } },
        { kind: "postponed", because: "visa_amount_30_days", count: 1, fees: { USD: 10n } },
      ],
      feesSaved: { USD: 20n },
    });
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
