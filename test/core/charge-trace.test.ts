import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { type ChargeTrace, chargeTrace, type EndedEntry } from "../../lib/core/charge-trace.ts";
import type { HistoryEvent } from "../../lib/core/ledger.ts";
import { opened, t0, tokenOf } from "./builders.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const hour = 3_600_000;

const ended = (events: readonly HistoryEvent[], changes: Partial<EndedEntry> = {}): EndedEntry =>
  ({
    ...opened(),
    state: "approved",
    sends: 2,
    lookups: 1,
    evidence: { kind: "feed_row", atMs: t0 + hour, rowSha256: "0", code: "0" },
    finalAtMs: t0 + hour,
    ending: { code: "0" },
    history: [...opened().history, ...events],
    ...changes,
  }) as EndedEntry;

const named = (trace: ChargeTrace) =>
  trace.subsegments.map(({ name, start_time, end_time, fault, annotations }) => [
    name,
    Math.round((start_time - t0 / 1_000) * 1_000),
    Math.round((end_time - start_time) * 1_000),
    fault ?? false,
    annotations ?? {},
  ]);

describe("chargeTrace", () => {
  test("is the whole way of a charge, from its opening to its end, hours later on another queue", () => {
    const trace = chargeTrace(
      ended([
        { e: "unanswered", at: t0 + 10, ms: 30_000, cause: "timeout" },
        { e: "replied", at: t0 + 31_000, ms: 900, status: 502, sha256: "0" },
        { e: "recorded", at: t0 + 32_000, state: "unknown" },
        { e: "looked_up", at: t0 + hour - 50, from: 0, to: 1, rows: 7, whole: true, found: 1 },
        { e: "recorded", at: t0 + hour, state: "approved" },
      ]),
      sha256,
    );
    expect(trace).toMatchObject({
      name: "charge",
      start_time: t0 / 1_000,
      end_time: (t0 + hour) / 1_000,
      annotations: {
        charge_id: "order-1",
        gateway: "centrobill",
        outcome: "approved",
        attempts: 1,
        sends: 2,
        lookups: 1,
        code: "0",
      },
    });
    expect(trace.annotations).not.toHaveProperty("reason");
    expect(named(trace)).toEqual([
      ["opened", 0, 0, false, { attempt: 1, request_id: "request-1" }],
      ["gateway", 10, 30_000, true, { cause: "timeout" }],
      ["gateway", 31_000, 900, true, { status: 502 }],
      ["recorded_unknown", 32_000, 0, false, {}],
      ["look_up", hour - 50, 0, false, { rows: 7, found: 1 }],
      ["recorded_approved", hour, 0, false, {}],
    ]);
  });

  test.each<[HistoryEvent, readonly unknown[]]>([
    [
      { e: "replied", at: t0, ms: 5, status: 201, code: "0", sha256: "0" },
      ["gateway", 5, false, { status: 201, code: "0" }],
    ],
    [{ e: "replied", at: t0, ms: 5, status: 499, sha256: "0" }, ["gateway", 5, false, { status: 499 }]],
    [{ e: "replied", at: t0, ms: 5, status: 500, sha256: "0" }, ["gateway", 5, true, { status: 500 }]],
    [
      { e: "never_sent", at: t0, cause: "refused" } as HistoryEvent,
      ["never_sent", 0, true, { cause: "refused" }],
    ],
    [{ e: "lookup_failed", at: t0, why: "HTTP 500" }, ["lookup_failed", 0, true, {}]],
    [{ e: "prepare_failed", at: t0, why: "HTTP 500" }, ["prepare_failed", 0, true, {}]],
    [{ e: "leased", at: t0 }, ["leased", 0, false, {}]],
    [{ e: "notice", at: t0, id: "n-1", words: "charge" }, ["notice", 0, false, {}]],
    [
      { e: "proposed", at: t0, decision: "refund", by: "Ann" } as HistoryEvent,
      ["proposed", 0, false, { decision: "refund" }],
    ],
    [{ e: "taken_over", at: t0, leaseUntil: 1 }, ["taken_over", 0, false, {}]],
    [{ e: "absent", at: t0 }, ["absent", 0, false, {}]],
    [{ e: "prepared", at: t0, id: "pr-1" }, ["prepared", 0, false, {}]],
    [{ e: "voided", at: t0, status: "HTTP 200" }, ["voided", 0, false, {}]],
    [
      { e: "decided", at: t0, decision: "resend", by: "Ann" } as HistoryEvent,
      ["decided", 0, false, { decision: "resend" }],
    ],
    [{ e: "notice", at: t0, id: "n-1", words: "paid" }, ["notice", 0, false, {}]],
  ])("%j", (event, [name, ms, fault, annotations]) => {
    expect(named(chargeTrace(ended([event]), sha256))[1]).toStrictEqual([name, 0, ms, fault, annotations]);
  });

  test("a later attempt is of the same trace, which begins with the first", () => {
    const [first, again] = [ended([]), ended([], { attempt: 2, openedAtMs: t0 + hour })].map((entry) =>
      chargeTrace(entry, sha256),
    );
    expect([again?.trace_id, again?.start_time]).toEqual([first?.trace_id, t0 / 1_000]);
  });

  test("a person's turn says why", () => {
    const trace = chargeTrace(ended([], { state: "review", reason: "weak_match", ending: {} }), sha256);
    expect(trace.annotations).toMatchObject({ outcome: "review", reason: "weak_match" });
    expect(trace.annotations).not.toHaveProperty("code");
  });

  test("ids are as X-Ray wants them: the charge's own trace, and spans that differ", () => {
    const [one, again, later] = [
      chargeTrace(ended([{ e: "leased", at: t0 + 1 }]), sha256),
      chargeTrace(ended([{ e: "leased", at: t0 + 1 }]), sha256),
      chargeTrace(ended([{ e: "leased", at: t0 + hour }], { token: tokenOf("later") }), sha256),
    ];
    expect(one.trace_id).toMatch(/^1-[0-9a-f]{8}-[0-9a-f]{24}$/);
    expect(Number.parseInt(one.trace_id.slice(2, 10), 16)).toBe(Math.floor(t0 / 1_000));
    expect(again).toEqual(one);
    expect(later.trace_id).toBe(one.trace_id);
    const ids = [one, ...one.subsegments, later, ...later.subsegments].map(({ id }) => id);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{16}$/);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("of a charge with a long history, the latest is kept, and the document stays below 64 kB", () => {
    const events = Array.from(
      { length: 400 },
      (_, n): HistoryEvent => ({
        e: "looked_up",
        at: t0 + n,
        from: 0,
        to: 1,
        rows: 99_999,
        whole: true,
        found: n,
      }),
    );
    const trace = chargeTrace(ended(events), sha256);
    expect(trace.subsegments.at(-1)?.annotations?.["found"]).toBe(399);
    expect(JSON.stringify(trace).length).toBeLessThan(60_000);
    expect(trace.subsegments).toHaveLength(200);
  });
});
