import { describe, expect, test } from "vitest";
import { backoffMs } from "../../lib/core/backoff.ts";
import type { ChargeId } from "../../lib/core/charge.ts";
import type { InstrumentRecord } from "../../lib/core/instrument-record.ts";
import type { FinalEntry, LedgerEntry } from "../../lib/core/ledger.ts";
import type { Policy } from "../../lib/core/policy.ts";
import type { RetryRecord } from "../../lib/core/retry-record.ts";
import { type RouteMessage, routeOfEntry } from "../../lib/core/route-message.ts";
import { releaseRetries } from "../../lib/flows/release-retries.ts";
import { scheduleRetries } from "../../lib/flows/schedule-retries.ts";
import type { RetryReleaser } from "../../lib/ports.ts";
import {
  aCharge,
  card,
  final,
  opened,
  policyOf,
  requestIdOf,
  t0,
  tokenOf,
  waiting,
} from "../core/builders.ts";
import { memoryLog } from "../doubles/memory-log.ts";
import { memoryRetries } from "../doubles/memory-retries.ts";
import { seededIds } from "../doubles/seeded-ids.ts";

const hour = 3_600_000;
const day = 24 * hour;
const fraction = 0.25;
const orderId = "order-1" as ChargeId;

const declined = (changes: Partial<FinalEntry> = {}): FinalEntry => ({
  ...final("declined_retryable"),
  history: [
    { e: "opened", at: t0 },
    { e: "replied", at: t0, ms: 1, status: 200, sha256: "b".repeat(64) },
  ] as FinalEntry["history"],
  finalAtMs: t0,
  instrumentRef: "card-1",
  instrumentNetwork: "visa",
  ending: { code: "5051", category: "insufficient_funds", retry: "later" },
  ...changes,
});
const toldOf = (entry: FinalEntry): RouteMessage => routeOfEntry(entry, aCharge())?.message as RouteMessage;
const message = toldOf(declined());
const scheduled = { at: t0, attempt: 1, kind: "scheduled", dueMs: t0 + day, because: "schedule" } as const;
const refused = { at: t0, attempt: 1, kind: "refused", because: "category" } as const;
const record = (changes: Partial<RetryRecord> = {}): RetryRecord => ({
  v: 1,
  chargeId: orderId,
  gateway: "centrobill",
  token: tokenOf("r-0"),
  state: "scheduled",
  attempt: 1,
  dueMs: t0 + day,
  message,
  decisions: [scheduled],
  ...changes,
});
const { message: _message, dueMs: _dueMs, ...without } = record();
const ended = (changes: Partial<RetryRecord> = {}): RetryRecord => ({
  ...without,
  state: "ended",
  ...changes,
});
const spent = (count: number, money = "1999 EUR"): InstrumentRecord["spends"] =>
  Array.from({ length: count }, (_, at) => ({
    at: t0 - at * hour,
    money,
    requestId: requestIdOf(`r-${at}`),
  }));

/** A clerk over one charge's entry and record, as both stand at `nowMs`. */
const desk = async (
  {
    entry = declined(),
    before,
    instrument,
    nowMs = t0 + day,
    policy = {},
  }: {
    entry?: LedgerEntry | undefined;
    before?: RetryRecord;
    instrument?: InstrumentRecord;
    nowMs?: number;
    policy?: Partial<Policy>;
  } = {},
  faults: Partial<RetryReleaser> = {},
) => {
  const retries = memoryRetries();
  if (before !== undefined) await retries.replace(undefined, before);
  const log = memoryLog();
  const sent: [queue: string, message: unknown][] = [];
  const charges: unknown[] = [];
  let standing = entry;
  const clerk: RetryReleaser = {
    clock: { nowMs: () => nowMs, sleep: async () => {} },
    ids: { ...seededIds(), fraction: () => fraction },
    ledger: {
      read: async (ids) => new Map(standing?.chargeId === ids[0] ? [[orderId, standing as LedgerEntry]] : []),
    },
    release: async (previous, next, released) => {
      if (standing?.token !== previous.entry) return { kind: "lost" };
      if ((await retries.replace(previous.record, released)).kind === "lost") return { kind: "lost" };
      standing = next;
      return { kind: "released" };
    },
    instruments: {
      read: async (key) => {
        expect(key).toEqual({ merchant: "all", ref: "card-1" });
        return instrument;
      },
    },
    retries,
    due: retries.due,
    queues: { send: async (queue, one) => void sent.push([queue, one]), flush: () => {} },
    log,
    policy: policyOf({
      retryScheduleMs: [day, 3 * day, 5 * day],
      requestIdLifeMs: 0,
      leaseMs: 0,
      clockSkewMs: 0,
      ...policy,
    }),
    sendCharge: async (charge) => void charges.push(charge),
    remainingMs: () => Number.POSITIVE_INFINITY,
    ...faults,
  };
  return {
    log,
    retries,
    sent,
    charges,
    record: () => retries.recordOf(orderId),
    entry: () => standing,
    release: () => releaseRetries(clerk),
    schedule: async (body: unknown = message, receives = 1) =>
      (await scheduleRetries([{ messageId: "m", body: JSON.stringify(body), receives }], clerk)).get("m"),
  };
};
const off: Partial<Policy> = { retryScheduleMs: [] };
const parked = { kind: "giveBack", delayMs: 43_000_000 };
const lastWord = (because: string) => ({ ...message, reason: because, retry: { advice: "never" } });

describe("a retryable decline is read", () => {
  const { charge: _charge, ...noCharge } = message;
  // biome-ignore format: one row a line
  test.each<[string, unknown]>([
    ["no object", []],
    ["another version", { ...message, v: 2 }],
    ["no charge id", { ...message, chargeId: 7 }],
    ["another outcome", { ...message, outcome: "declined_permanent" }],
    ["no charge", noCharge],
    ["a charge that is none", { ...message, charge: "x" }],
    ["no attempt", { ...message, attempt: "1" }],
  ])("%s is parked, and said", async (_what, body) => {
    const one = await desk();
    expect(await one.schedule(body)).toEqual(parked);
    expect(one.log.events).toEqual([
      { name: "message_failed", members: { messageId: "m", error: "not a retryable decline" } },
    ]);
    expect(one.record()).toBeUndefined();
  });

  test("of a charge that is not in the ledger it is parked, and said", async () => {
    const one = await desk({}, { ledger: { read: async () => new Map() } });
    expect(await one.schedule()).toEqual(parked);
    expect(one.log.events).toEqual([
      { name: "message_failed", members: { messageId: "m", error: "not in the ledger" } },
    ]);
  });

  test.each<[unknown, string]>([
    [new TypeError("no answer"), "TypeError: no answer"],
    ["a text", "unknown"],
  ])("what fails comes back later, and is said: %s", async (thrown, error) => {
    const fails = { read: () => Promise.reject(thrown) };
    const one = await desk({}, { ledger: fails });
    expect(await one.schedule(message, 3)).toEqual({ kind: "giveBack", delayMs: backoffMs(3, fraction) });
    expect(one.log.eventsOf("message_failed")).toEqual([{ messageId: "m", error }]);
  });
});

describe("what follows from a retryable decline", () => {
  const planned = {
    ...record(),
    token: expect.any(String),
    dueMs: expect.any(Number),
    decisions: expect.anything(),
  };
  const again = { ...scheduled, at: t0 + hour, dueMs: t0 + day + fraction * hour };
  const nothing = { told: [], done: true };
  const two = declined({ attempt: 2 });
  // biome-ignore format: one row a line
  test.each<[string, LedgerEntry, RetryRecord | undefined, { told: unknown[]; done: boolean; record?: unknown }]>([
    ["the first", declined(), undefined, { ...nothing, record: { ...planned, decisions: [again] } }],
    ["a copy of what is planned", declined(), record(), { ...nothing, record: record() }],
    ["a copy of what was released", declined(), record({ state: "released" }), { ...nothing, record: record({ state: "released" }) }],
    ["a copy of what will not be: told once more", declined(), ended({ decisions: [refused] }), { told: [["permanent-declines", lastWord("category")]], done: true, record: ended({ decisions: [refused] }) }],
    ["one that ended without a decision", declined(), ended(), { ...nothing, record: { ...planned, decisions: [scheduled, again] } }],
    ["of an attempt that has gone by", two, undefined, nothing],
    ["of a charge that was approved since", final(), undefined, nothing],
    ["a later one than the record's", declined(), ended({ attempt: 0, decisions: [refused] }), { ...nothing, record: { ...planned, decisions: [refused, again] } }],
  ])("%s", async (_what, entry, before, { told, done, record: after }) => {
    const one = await desk({ entry, ...(before && { before }), nowMs: t0 + hour });
    expect(await one.schedule()).toEqual(done ? { kind: "done" } : parked);
    expect(one.sent).toEqual(told);
    expect(one.record()).toEqual(after);
  });

  test("none: the record says so first, then the merchant is told", async () => {
    const one = await desk({ entry: declined({ notAfterMs: t0 + hour }), nowMs: t0 });
    expect(await one.schedule()).toEqual({ kind: "done" });
    const decision = { at: t0, attempt: 1, kind: "refused", because: "past_not_after" };
    expect(one.record()).toEqual(ended({ token: expect.any(String), decisions: [decision as never] }));
    expect(one.sent).toEqual([["permanent-declines", lastWord("past_not_after")]]);
  });

  test("switched off it is the merchant's to read, and stays", async () => {
    const one = await desk({ policy: off });
    expect(await one.schedule()).toEqual(parked);
    expect([one.record(), one.sent]).toEqual([undefined, []]);
  });

  test("whoever comes second writes nothing, tells nothing, and looks again soon", async () => {
    const lost = { read: async () => undefined, replace: async () => ({ kind: "lost" as const }) };
    const one = await desk({ entry: declined({ notAfterMs: t0 }) }, { retries: lost });
    expect(await one.schedule()).toEqual({ kind: "giveBack", delayMs: 1_000 });
    expect([one.sent, one.log.events, one.log.metrics]).toEqual([[], [], []]);
  });

  test("a charge without an instrument asks for no counts", async () => {
    const { instrumentRef: _ref, ...bare } = declined();
    const one = await desk({ entry: bare as FinalEntry, nowMs: t0 });
    expect(await one.schedule()).toEqual({ kind: "done" });
    expect(one.record()?.state).toBe("scheduled");
  });

  test("a card that is closed is asked for", async () => {
    const closed = { atMs: t0, chargeId: orderId, rule: "visa_category_1", code: "41" } as const;
    const one = await desk({ instrument: card({ closed }) });
    await one.schedule();
    expect(one.sent).toEqual([["permanent-declines", lastWord("instrument_closed")]]);
  });

  test("a decision is said and counted", async () => {
    const one = await desk({ nowMs: t0 });
    await one.schedule();
    const members = { chargeId: "order-1", gateway: "centrobill", attempt: 1 };
    expect(one.log.events).toEqual([
      {
        name: "retry_decided",
        members: { ...members, outcome: "scheduled", reason: "schedule", delayMs: day + fraction * hour },
      },
    ]);
    expect(one.log.metrics).toEqual([
      {
        name: "RetryDecisions",
        value: 1,
        members: { gateway: "centrobill", outcome: "scheduled", reason: "schedule" },
      },
    ]);
  });
});

describe("a later attempt that is due", () => {
  const released = { at: t0 + day, attempt: 1, kind: "released" } as const;
  const gone = (decisions: readonly unknown[], state = "ended") =>
    ended({ token: expect.any(String), state: state as "ended", decisions: decisions as never });
  const untouched = { sends: 0, told: [] as unknown[] };
  const closure = { atMs: t0, chargeId: orderId, rule: "visa_category_1", code: "41" } as const;
  const usd10 = { fee: { amountMinor: 10, currency: "USD" } };
  const refusedFor = (because: string, more: object = {}) => ({
    at: t0 + day,
    attempt: 1,
    kind: "refused",
    because,
    ...more,
  });
  const eur = (count: number): InstrumentRecord =>
    card({ spends: spent(count, "1999 EUR").map((one) => ({ ...one, at: t0 + day - hour })) });
  const putOff = (untilMs: number, more: object) => ({
    at: t0 + day,
    attempt: 1,
    kind: "postponed",
    dueMs: untilMs,
    because: "network_limit",
    ...more,
  });
  const later = (one: { dueMs: number }) => ({
    ...record(),
    token: expect.any(String),
    dueMs: one.dueMs,
    decisions: [scheduled, one],
  });
  const full = putOff(t0 + 30 * day - 19 * hour, { limit: "visa_amount_30_days", ...usd10 });
  const kept = Array.from({ length: 2_000 }, (_, at) => ({
    at: t0 - at,
    money: `${at} EUR`,
    requestId: requestIdOf("r"),
  }));
  const crowded = putOff(t0 - 1_999 + 32 * day, {});
  const { instrumentRef: _ref, ...bare } = declined();
  const never = (because: string) => ({ sends: 0, told: [["permanent-declines", lastWord(because)]] });
  // biome-ignore format: one row a line
  test.each<[string, Parameters<typeof desk>[0], { sends: number; told: unknown[]; record: unknown; state?: string }]>([
    ["is sent, and its message goes", { before: record() }, { sends: 1, told: [], record: gone([scheduled, released], "released"), state: "waiting" }],
    ["with room on its card", { before: record(), instrument: card({ spends: spent(19) }) }, { sends: 1, told: [], record: gone([scheduled, released], "released"), state: "waiting" }],
    ["without an instrument", { before: record(), entry: bare as FinalEntry }, { sends: 1, told: [], record: gone([scheduled, released], "released"), state: "waiting" }],
    ["at the merchant's last moment", { before: record(), entry: declined({ notAfterMs: t0 + day }) }, { sends: 1, told: [], record: gone([scheduled, released], "released"), state: "waiting" }],
    ["a moment too late", { before: record(), entry: declined({ notAfterMs: t0 + day - 1 }) }, { ...never("past_not_after"), record: gone([scheduled, refusedFor("past_not_after")]) }],
    ["its card was closed", { before: record(), instrument: card({ closed: closure }) }, { ...never("instrument_closed"), record: gone([scheduled, refusedFor("instrument_closed", usd10)]) }],
    ["its card has no room", { before: record(), instrument: card({ spends: spent(20) }) }, { ...untouched, record: later(full) }],
    ["its card has no room for a day, and what it would have cost counts from a day on", { before: record(), entry: declined({ instrumentNetwork: "mastercard" }), instrument: eur(10) }, { ...untouched, record: later(putOff(t0 + 2 * day - hour, { limit: "mastercard_24_hours", fee: { amountMinor: 50, currency: "USD" } })) }],
    ["its card has more attempts than are kept", { before: record(), instrument: card({ spends: kept }) }, { ...untouched, record: later(crowded) }],
    ["switched off meanwhile: told as it was", { before: record(), policy: off }, { sends: 0, told: [["retryable-declines", message]], record: gone([scheduled, refusedFor("retries_off")]) }],
    ["was approved meanwhile", { before: record(), entry: final() }, { ...untouched, record: gone([scheduled]) }],
    ["was declined for another attempt meanwhile", { before: record(), entry: declined({ attempt: 3 }) }, { ...untouched, record: gone([scheduled]) }],
    ["its entry waits already: whoever wrote that was stopped", { before: record(), entry: { ...waiting(), attempt: 2 } }, { sends: 1, told: [], record: gone([scheduled, released], "released"), state: "waiting" }],
    ["a worker whose own message is long gone has it open, and may give it back to nobody", { before: record(), entry: { ...opened(), attempt: 2 } }, { sends: 1, told: [], record: gone([scheduled, released], "released"), state: "opened" }],
    ["such a worker has recorded its outcome, and may not have told it", { before: record(), entry: declined({ attempt: 2 }) }, { sends: 1, told: [], record: gone([scheduled, released], "released"), state: "declined_retryable" }],
    ["a worker has another attempt open", { before: record(), entry: { ...opened(), attempt: 3 } }, { ...untouched, state: "opened", record: gone([scheduled]) }],
    ["its entry waits for another attempt", { before: record(), entry: { ...waiting(), attempt: 3 } }, { ...untouched, record: gone([scheduled]) }],
  ])("%s", async (_what, parts, { sends, told, record: after, state }) => {
    const one = await desk(parts);
    const { requestId, attempt } = one.entry() ?? {};
    expect(await one.release()).toBe(sends);
    expect(one.charges).toEqual(Array.from({ length: sends }, () => message.charge));
    expect(one.sent).toEqual(told);
    expect(one.record()).toEqual(after);
    if (state !== undefined) expect(one.entry()?.state).toBe(state);
    if (sends === 0 || attempt !== 1) return;
    // What waits has an id of its own, because the attempt before was answered (S2).
    expect(one.entry()).toMatchObject({
      attempt: 2,
      token: expect.any(String),
      requestId: expect.any(String),
      earlierRequestIds: [requestId],
      updatedAtMs: t0 + day,
      nextAtMs: t0 + day,
    });
    expect(one.entry()?.requestId).not.toBe(requestId);
  });

  test.each<[string, RetryRecord | undefined]>([
    ["has no record", undefined],
    ["was released", record({ state: "released" })],
    ["ended", record({ state: "ended" })],
    ["has no message", (({ message: _gone, ...rest }) => rest)(record())],
    ["is not due", record({ dueMs: t0 + day + 1 })],
  ])("by an index that lags: what %s stays as it is", async (_what, before) => {
    const one = await desk(before === undefined ? {} : { before }, { due: async () => [orderId] });
    expect(await one.release()).toBe(0);
    expect([one.record(), one.charges, one.sent, one.log.events]).toEqual([before, [], [], []]);
    expect(one.entry()?.token).toBe(declined().token);
  });

  test("whose charge the ledger has not ends, and nothing is sent", async () => {
    const none = { read: async () => new Map() };
    const one = await desk({ before: record() }, { ledger: none });
    expect(await one.release()).toBe(0);
    expect([one.record(), one.charges, one.log.events]).toEqual([gone([scheduled]), [], []]);
  });

  test("whoever comes second sends nothing", async () => {
    const one = await desk({ before: record() }, { release: async () => ({ kind: "lost" }) });
    expect(await one.release()).toBe(0);
    expect([one.charges, one.record()]).toEqual([[], record()]);
  });

  test("is said and counted, with how late it was", async () => {
    const one = await desk({ before: record(), nowMs: t0 + day + 7_000 });
    await one.release();
    const members = { chargeId: "order-1", gateway: "centrobill", attempt: 1 };
    expect(one.log.events).toEqual([{ name: "retry_released", members }]);
    expect(one.log.metrics).toEqual([
      { name: "RetryLagMs", value: 7_000, members: { gateway: "centrobill" } },
    ]);
  });

  test("what is put off or refused is said and counted", async () => {
    const one = await desk({ before: record(), policy: off });
    await one.release();
    expect(one.log.eventsOf("retry_decided")).toMatchObject([{ outcome: "refused", reason: "retries_off" }]);
    expect(one.log.sumOf("RetryDecisions")).toBe(1);
  });

  test.each<[unknown, string]>([
    [new TypeError("no answer"), "TypeError: no answer"],
    ["a text", "unknown"],
  ])("one that fails is said, stays due, and keeps no turn from ending: %s", async (thrown, error) => {
    const one = await desk({ before: record() }, { sendCharge: () => Promise.reject(thrown) });
    expect(await one.release()).toBe(0);
    expect(one.log.eventsOf("message_failed")).toEqual([{ chargeId: "order-1", error }]);
    expect(one.record()).toEqual({ ...record(), token: one.record()?.token });
    expect(one.entry()).toMatchObject({ state: "waiting", attempt: 2 });
  });

  test("a record without its charge is said, and not sent", async () => {
    const { charge: _charge, ...rest } = message;
    const one = await desk({ before: record({ message: rest as RouteMessage }) });
    expect(await one.release()).toBe(0);
    expect(one.log.eventsOf("message_failed")).toMatchObject([
      { error: "Error: a scheduled retry without its charge" },
    ]);
  });

  test.each<[remainingMs: number, released: number]>([
    [15_000, 1],
    [14_999, 0],
  ])("with %i ms left %i is released", async (remainingMs, released) => {
    const one = await desk({ before: record() }, { remainingMs: () => remainingMs });
    expect(await one.release()).toBe(released);
  });

  test("what cannot be released stands in nobody's way, however much of it there is", async () => {
    const stuck = Array.from({ length: 250 }, (_, at) => `stuck-${at}` as ChargeId);
    const one = await desk({ before: record() });
    const waits = [...stuck, orderId];
    const { read, replace } = one.retries;
    const behind = await desk(
      { before: record() },
      {
        due: async (_byMs, most) => waits.slice(0, most),
        retries: {
          read: async (id) => (id === orderId ? read(id) : Promise.reject(new Error("of a version to come"))),
          replace,
        },
      },
    );
    expect(await behind.release()).toBe(1);
    expect(behind.log.eventsOf("message_failed")).toHaveLength(250);
  });

  test("all that are due, ten at a time, each once", async () => {
    const ids = Array.from({ length: 23 }, (_, at) => `order-${at}` as ChargeId);
    let asked = 0;
    let busy = 0;
    let busiest = 0;
    const read: string[] = [];
    const one = await desk(
      {},
      {
        due: async (byMs, most) => {
          asked += 1;
          expect([byMs, most]).toEqual([t0 + day, asked === 1 ? 100 : 123]);
          return asked === 1 ? ids : ids.slice(0, 3);
        },
        retries: {
          read: async (id) => {
            read.push(id);
            busy += 1;
            busiest = Math.max(busiest, busy);
            await new Promise((resolve) => setImmediate(resolve));
            busy -= 1;
            return undefined;
          },
          replace: async () => ({ kind: "lost" }),
        },
      },
    );
    expect(await one.release()).toBe(0);
    expect([read, busiest, asked]).toEqual([ids, 10, 2]);
  });
});
