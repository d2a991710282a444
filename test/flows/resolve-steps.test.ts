import { describe, expect, test } from "vitest";
import type { LeaseToken } from "../../lib/core/charge.ts";
import type { Feed, FeedRow } from "../../lib/core/feed.ts";
import type { Gateway } from "../../lib/core/gateway.ts";
import type { InstrumentRecord } from "../../lib/core/instrument-record.ts";
import type { JsonObject } from "../../lib/core/json.ts";
import type { LedgerEntry, UnknownEntry } from "../../lib/core/ledger.ts";
import { keyLifeEndMs, type Policy } from "../../lib/core/policy.ts";
import { worstCaseMs } from "../../lib/flows/charge-worker.ts";
import { resolveUnknowns } from "../../lib/flows/resolve-unknowns.ts";
import type { Worker } from "../../lib/ports.ts";
import {
  final,
  paid,
  policyOf,
  replies,
  requestIdOf,
  row,
  search,
  t0,
  unknown,
  waiting,
} from "../core/builders.ts";
import { manualClock } from "../doubles/manual-clock.ts";
import { memoryLedger } from "../doubles/memory-ledger.ts";
import { memoryLog } from "../doubles/memory-log.ts";
import { memoryPace } from "../doubles/memory-pace.ts";
import { memoryQueues } from "../doubles/memory-queues.ts";
import { chargeMessage, chargeOf } from "../doubles/samples.ts";
import { replied, scriptedWire, sha256Of } from "../doubles/scripted-wire.ts";
import { gatewayTimeoutMs, testGateway, testWorker } from "../doubles/worker.ts";

const hour = 3_600_000;
const lifeEndMs = keyLifeEndMs(policyOf(), t0);
const message = chargeMessage("order-1");
const { canonical } = chargeOf(message);
const get = (name: string) => ({ method: "GET", url: `https://feed.test/${name}`, headers: {} }) as never;

/** A feed of one page, and look-ups by id; what is asked is known by its name. */
const feedOf = (name: string, rowsOf: (asked: string) => readonly FeedRow[]): Feed => ({
  firstCursor: 1,
  pagesMax: 2,
  pageRequest: () => get(name),
  readPage: ({ body }) => ({ kind: "page", rows: rowsOf(body), unreadRows: 0 }),
  idRequest: (id) => get("transactionId" in id ? `by-${id.transactionId}` : `by-order-${id.orderId}`),
});

type Parts = {
  readonly entry?: LedgerEntry;
  /** more unknowns, beside the first */
  readonly others?: readonly UnknownEntry[];
  readonly rows?: Readonly<Record<string, readonly FeedRow[]>>;
  readonly gateway?: Partial<Gateway>;
  readonly policy?: Partial<Policy>;
  readonly nowMs?: number;
  readonly remainingMs?: (worker: Worker, asked: readonly string[]) => number;
  readonly receipt?: string;
  readonly instrument?: InstrumentRecord;
  readonly closed?: boolean;
  /** how often a write of the ledger is refused because somebody else wrote first */
  readonly lost?: (nth: number) => boolean;
  readonly failing?: boolean;
};

/** One round over unknowns as they stand in the ledger. */
const round = async (parts: Parts = {}) => {
  const { entry = unknown(), others = [], rows = {}, nowMs = t0 + hour } = parts;
  const clock = manualClock(nowMs);
  const asked: string[] = [];
  const wire = scriptedWire({
    clock,
    script({ method, url, requestId = "request-1" }) {
      const name = method === "POST" ? "send" : (url.split("/").at(-1) ?? "");
      asked.push(name);
      if (name === "send" || name === "void") return replied(201, JSON.parse(paid({}, { requestId }).body));
      return parts.failing === true ? replied(500) : replied(200, name);
    },
  });
  const log = memoryLog();
  const standing = memoryLedger();
  let writes = 0;
  const ledger: Worker["ledger"] = {
    ...standing,
    replace: async (token, next) =>
      parts.lost?.(++writes) === true ? { kind: "lost" } : standing.replace(token, next),
  };
  const pace = memoryPace();
  if (parts.closed === true) {
    const closing = { because: "outage", sinceMs: nowMs, untilMs: nowMs + 60_000, times: 1 } as const;
    await pace.replace("centrobill", undefined, { v: 1, version: "v" as LeaseToken, closing });
  }
  const instruments = { ...standing.instruments, read: async () => parts.instrument };
  const base = testWorker({ clock, wire, ledger, log, pace, instruments, queues: memoryQueues() });
  const worked: number[] = [];
  const turnsWithinMs: number[] = [];
  const feed = feedOf("page", (name) => rows[name] ?? []);
  const worker: Worker = {
    ...base,
    policy: policyOf(parts.policy),
    gateways: { centrobill: { ...testGateway(), feed, ...parts.gateway } as Gateway },
    paces: {
      ...base.paces,
      centrobill: {
        ...base.paces.centrobill,
        noteWorked: async (atMs) => void worked.push(atMs),
        admit: async (waitMs) => {
          turnsWithinMs.push(waitMs);
          return { kind: "go" };
        },
      },
    },
    remainingMs: () => parts.remainingMs?.(worker, asked) ?? Number.POSITIVE_INFINITY,
  };
  const all = [entry, ...others].map((one, at) => {
    const body: JsonObject = chargeMessage(one.chargeId);
    const fingerprint = sha256Of(at === 0 ? canonical : chargeOf(body).canonical);
    standing.plant(one.chargeId, JSON.stringify({ ...one, fingerprint }));
    return {
      messageId: one.chargeId,
      body: JSON.stringify({ v: 1, chargeId: one.chargeId, charge: body }),
      receives: 1,
    };
  });
  const ends = await resolveUnknowns(
    all.map((one, at) =>
      at === 0 && parts.receipt !== undefined ? { ...one, receipt: parts.receipt } : one,
    ),
    worker,
  );
  return {
    end: ends.get("order-1"),
    asked,
    waits: wire.sent.map(({ timeoutMs }) => timeoutMs),
    log,
    worked,
    turnsWithinMs,
    writes: () => standing.versionsOf("order-1").length,
    entry: () => standing.entryOf("order-1"),
    told: () => (worker.queues as ReturnType<typeof memoryQueues>).accepted.map(({ message: one }) => one.id),
  };
};
const giveBack = (delayMs: number) => ({ kind: "giveBack", delayMs });
const due = (changes: Partial<UnknownEntry> = {}): UnknownEntry =>
  unknown({ nextAtMs: t0 + hour, ...changes });

test("a message without its charge is said, and parked", async () => {
  const clock = manualClock();
  const log = memoryLog();
  const worker = testWorker({
    clock,
    wire: scriptedWire({ clock, script: [] }),
    ledger: memoryLedger(),
    log,
    queues: memoryQueues(),
  });
  const ends = await resolveUnknowns([{ messageId: "m", body: "[]", receives: 1 }], worker);
  expect(ends.get("m")).toEqual(giveBack(900_000));
  expect(log.eventsOf("message_failed")).toEqual([{ messageId: "m", error: "not a JSON object" }]);
});

describe("what is not due", () => {
  test("is asked for all the same where it is due within half a second", async () => {
    expect((await round({ entry: due({ nextAtMs: t0 + hour + 500 }) })).asked).toEqual(["page"]);
    const later = await round({ entry: due({ nextAtMs: t0 + hour + 501 }) });
    expect([later.asked, later.end]).toEqual([[], giveBack(501)]);
  });

  // biome-ignore format: one row a line
  test.each<[waitMs: number, receipt: string | undefined, known: string | undefined, writes: number, reason: string]>([
    [300_001, "r-2", "r-1", 1, "another receipt, and long enough for a notice to come"],
    [300_001, "r-2", undefined, 1, "the first receipt"],
    [300_000, "r-2", "r-1", 0, "not long enough for a write"],
    [300_001, "r-1", "r-1", 0, "the same receipt"],
    [300_001, undefined, "r-1", 0, "no receipt"],
  ])("after %i ms, received as %s and known as %s: %i writes (%s)", async (waitMs, receipt, known, writes) => {
    const entry = due({ nextAtMs: t0 + hour + waitMs, ...(known === undefined ? {} : { receipt: known }) });
    const one = await round({ entry, ...(receipt && { receipt }) });
    expect(one.end).toEqual(giveBack(waitMs));
    expect(one.writes()).toBe(writes);
    if (writes > 0) expect(one.entry()).toMatchObject({ state: "unknown", receipt, updatedAtMs: t0 + hour });
  });
});

describe("the same request id again, as the gateway asked", () => {
  const again = (changes: Partial<UnknownEntry> = {}): Parts => ({
    entry: due({ nextAct: "resend", nextAtMs: t0, ...changes }),
    nowMs: lifeEndMs,
  });
  // biome-ignore format: one row a line
  test.each<[Parts, asked: string[], reason: string]>([
    [again(), ["send"], "at the last moment of its key life"],
    [{ ...again(), nowMs: lifeEndMs + 1 }, ["page"], "past it nothing is sent (S3)"],
    [{ ...again({ firstSendAtMs: t0 + 5 }), nowMs: lifeEndMs + 5 }, ["send"], "which begins with the first send"],
    [{ ...again({ firstSendAtMs: t0 + 5 }), nowMs: lifeEndMs + 6 }, ["page"], "and ends by it"],
    [again({ state: "pending", reason: "gateway_pending" }), ["page"], "what was accepted is not sent again"],
    [{ ...again(), remainingMs: worstCaseMs }, ["send"], "in just enough time"],
    [{ ...again(), remainingMs: (worker) => worstCaseMs(worker) - 1 }, [], "in too little time"],
    [{ ...again(), closed: true }, [], "not into an outage"],
    [{ ...again(), lost: () => true }, [], "not where somebody else has the charge in hand (S7)"],
  ])("‹%#› asks %j (%s)", async (parts, asked) => {
    const one = await round(parts);
    expect(one.asked).toEqual(asked);
    if (asked[0] === "send") {
      expect(one.entry()).toMatchObject({ state: "approved", faultResends: 1, resends: 0 });
      expect(one.log.sumOf("Resends", { gateway: "centrobill" })).toBe(1);
      // Before charges that have not begun, which wait for a turn of the next five seconds.
      if (parts.remainingMs === undefined) expect(one.turnsWithinMs).toEqual([10_000]);
    } else if (asked.length === 0) expect(one.end?.kind).toBe("giveBack");
    if (parts.remainingMs !== undefined && asked.length === 0) expect(one.end).toEqual(giveBack(0));
    if (parts.lost !== undefined) expect(one.end).toEqual(giveBack(1_000));
    if (parts.closed === true) expect(one.writes()).toBe(0);
  });
});

describe("what was never sent", () => {
  test.each<[Parts, asked: string[], reason: string]>([
    [{ remainingMs: worstCaseMs }, ["send"], "in just enough time"],
    [{ remainingMs: (worker) => worstCaseMs(worker) - 1 }, [], "in too little time"],
    [{ closed: true }, [], "not into an outage"],
  ])("‹%#› asks %j (%s)", async (parts, asked) => {
    const one = await round({ ...parts, entry: { ...waiting(), nextAtMs: t0 } });
    expect(one.asked).toEqual(asked);
    if (parts.remainingMs !== undefined && asked.length === 0) expect(one.end).toEqual(giveBack(0));
    if (asked.length === 0) expect(one.writes()).toBe(0);
  });
});

test("what has ended is told, in however little time and whatever its gateway is closed for", async () => {
  const one = await round({ entry: final(), closed: true, remainingMs: (worker) => worstCaseMs(worker) - 1 });
  expect([one.end, one.asked, one.told()]).toEqual([{ kind: "done" }, [], ["order-1#1#approved"]]);
});

describe("certified absent", () => {
  /** One search has found nothing; the second is made now. */
  const gone = (changes: Partial<UnknownEntry> = {}): UnknownEntry =>
    due({ absences: [search(400)], looked: 2, lookups: 2, ...changes });
  const anew: Partial<Policy> = { afterAbsence: "newAttempt", requestIdLifeMs: 24 * hour };
  /** So much more than the worst case is left once the feed was asked. */
  const leaves =
    (moreMs: number) =>
    (worker: Worker, asked: readonly string[]): number =>
      asked.length === 0 ? hour : worstCaseMs(worker) + moreMs;
  const inLife: Partial<Policy> = { requestIdLifeMs: 24 * hour };
  // biome-ignore format: one row a line
  test.each<[Parts, asked: string[], state: string, attempt: number, reason: string]>([
    [{ policy: inLife }, ["page", "send"], "approved", 1, "the same request id, while the gateway knows it"],
    [{ policy: inLife, remainingMs: (worker) => worstCaseMs(worker) + 30_000 }, ["page", "send"], "approved", 1, "in just enough time to ask first"],
    [{ policy: inLife, remainingMs: leaves(0) }, ["page", "send"], "approved", 1, "in just enough time after it"],
    [{ policy: inLife, remainingMs: leaves(-1) }, ["page"], "unknown", 1, "in too little time"],
    [{ policy: anew, remainingMs: leaves(0) }, ["page", "send"], "approved", 2, "in just enough time"],
    [{ policy: anew, remainingMs: leaves(-1) }, ["page"], "unknown", 1, "in too little time"],
    [{ policy: inLife, closed: true }, ["page"], "unknown", 1, "not into an outage"],
    [{ policy: inLife, lost: () => true }, ["page"], "unknown", 1, "not where somebody else has it (S7)"],
    [{ policy: anew }, ["page", "send"], "approved", 2, "another request id, because the policy says so"],
    [{ policy: anew, closed: true }, ["page"], "unknown", 1, "not into an outage"],
    [{ policy: anew, lost: () => true }, ["page"], "unknown", 1, "not where somebody else has it (S7)"],
  ])("‹%#› asks %j, and is %s at attempt %i (%s)", async (parts, asked, state, attempt) => {
    const one = await round({ entry: gone(), ...parts });
    expect(one.asked).toEqual(asked);
    expect(one.entry()).toMatchObject({ state, attempt });
    if (parts.lost !== undefined) expect(one.end).toEqual(giveBack(1_000));
    if (parts.closed === true) expect(one.writes()).toBe(0);
  });

  const card = (): InstrumentRecord => ({
    v: 1,
    merchant: "all",
    ref: "card-1",
    token: "i" as LeaseToken,
    spends: Array.from({ length: 20 }, (_, at) => ({
      at: t0 - at,
      money: "1999 EUR",
      requestId: requestIdOf(`r-${at}`),
    })),
  });
  const crowded: Parts = {
    entry: gone({ instrumentRef: "card-1", instrumentNetwork: "visa" }),
    policy: anew,
    instrument: card(),
  };

  test("a person decides where the networks' rules leave no room for another attempt", async () => {
    const one = await round(crowded);
    expect(one.asked).toEqual(["page"]);
    expect(one.entry()).toMatchObject({
      state: "review",
      reason: "absent_not_sendable",
      attempt: 1,
      evidence: { kind: "absence", searches: [search(400), { atMs: t0 + hour }] },
    });
    expect(one.told()).toEqual(["order-1#1#review"]);
  });

  test("unless somebody else has it", async () => {
    const one = await round({ ...crowded, lost: () => true });
    expect([one.end, one.told()]).toEqual([giveBack(1_000), []]);
  });
});

describe("a gateway that cannot be asked", () => {
  test("is sent the same request id again, and that is counted", async () => {
    const nowMs = t0 + 60_000;
    const one = await round({ entry: due({ nextAtMs: nowMs }), nowMs, gateway: { feed: undefined } });
    expect(one.asked).toEqual(["send"]);
    expect(one.entry()).toMatchObject({ state: "approved", resends: 1, faultResends: 0 });
  });

  test("so is one at which asking may set the charge off", async () => {
    const nowMs = t0 + 60_000;
    const lookUpOf: Gateway["lookUpOf"] = () => ({
      requests: () => [],
      read: () => ({ kind: "rows", rows: [] }),
      maySetOff: () => true,
    });
    const one = await round({ entry: due({ nextAtMs: nowMs }), nowMs, gateway: { lookUpOf } });
    expect(one.asked).toEqual(["send"]);
    expect(one.entry()).toMatchObject({ state: "approved", resends: 1, faultResends: 0 });
  });
});

describe("a look-up by the gateway's own id", () => {
  const many = (count: number): readonly UnknownEntry[] =>
    Array.from({ length: count }, (_, at) =>
      due({ chargeId: `order-${at + 2}` as UnknownEntry["chargeId"], ids: { transactionId: `t-${at + 2}` } }),
    );
  // biome-ignore format: one row a line
  test.each<[Parts, asked: string[], reason: string]>([
    [{ entry: due({ ids: { transactionId: "tx-1" } }), rows: { page: [row("captured")] } }, ["page"], "the feed has it"],
    [{ entry: due({ ids: { transactionId: "tx-1", orderId: "o-1" } }) }, ["page", "by-tx-1"], "by its transaction"],
    [{ entry: due({ ids: { orderId: "o-1" } }) }, ["page", "by-order-o-1"], "by its order"],
    [{ entry: due({ ids: {} }) }, ["page"], "it has neither"],
    [{ entry: due({ ids: { transactionId: "tx-1" } }), failing: true }, ["page", "page"], "the feed fails, and so would this"],
    [{ entry: due({ ids: { transactionId: "t-1" } }), others: many(6) }, ["page", "by-t-1", "by-t-2", "by-t-3", "by-t-4", "by-t-5"], "five in a round"],
  ])("‹%#› asks %j (%s)", async (parts, asked) => {
    expect((await round(parts)).asked).toEqual(asked);
  });
});

describe("what was heard of a send that nobody answered", () => {
  test.each<[string, Parts, worked: number[]]>([
    ["it arrived: that is no outage", { rows: { page: [row("captured")] } }, [t0]],
    ["nothing", {}, []],
    ["nobody could be asked", { failing: true }, []],
  ])("%s", async (_what, parts, worked) => {
    expect((await round({ entry: due(), ...parts })).worked).toEqual(worked);
  });

  test("of a charge that a notice alone has told of there was no send to hear of", async () => {
    const { lastSendAtMs: _never, ...entry } = due();
    expect((await round({ entry: entry as UnknownEntry, rows: { page: [row("captured")] } })).worked).toEqual(
      [],
    );
  });
});

describe("what is recorded of a look-up", () => {
  test("whoever goes on waiting keeps the receipt, and whoever has ended needs none", async () => {
    const open = await round({ entry: due({ looked: 1 }), receipt: "r-1" });
    expect(open.entry()).toMatchObject({ state: "unknown", receipt: "r-1" });
    const ended = await round({ entry: due(), receipt: "r-1", rows: { page: [row("captured")] } });
    expect(ended.entry()?.state).toBe("approved");
    expect(ended.entry()).not.toHaveProperty("receipt");
    expect((await round({ entry: due({ looked: 1 }) })).entry()).not.toHaveProperty("receipt");
  });

  test("what the gateway says of a decline is kept without the card's token (S12)", async () => {
    const token = "0bce192c-a476-4a84-b751-e1dfad1e4723";
    const reply = { ...replies.refused, description: `no money on ${token}` };
    const one = await round({ entry: due({ openSends: 0 }), rows: { page: [row("refused", { reply })] } });
    const entry = one.entry();
    expect(entry?.state).toBe("declined_retryable");
    expect(entry !== undefined && "ending" in entry && entry.ending.description).toMatch(
      /^no money on (?!0bce192c)/,
    );
  });

  test("is not told where somebody else has written first", async () => {
    const one = await round({ entry: due(), rows: { page: [row("captured")] }, lost: () => true });
    expect([one.end, one.told()]).toEqual([giveBack(1_000), []]);
  });

  test("its lag is counted from when it was due", async () => {
    const one = await round({ entry: due({ nextAtMs: t0 + hour - 7_000 }) });
    expect(one.log.sumOf("LookupLagMs", { gateway: "centrobill" })).toBe(7_000);
    expect(one.log.sumOf("Lookups", { gateway: "centrobill" })).toBe(1);
  });
});

describe("what stays undetermined is taken back while that is possible", () => {
  /** Until this moment the gateway takes back. */
  const until = (untilMs: number): Partial<Gateway> => ({
    voidOf: (_charge, _prepared, atMs) => (atMs <= untilMs ? get("void") : undefined),
  });
  const last = {
    lookFailures: 9,
    looked: 20,
    lookups: 20,
    lastSendAtMs: t0 - 90 * 24 * hour,
    firstSendAtMs: t0 - 90 * 24 * hour,
  };
  // biome-ignore format: one row a line
  test.each<[string, Parts, asked: string[], state: string]>([
    ["the next look-up would come too late", { gateway: until(t0 + hour) }, ["page", "void"], "unknown"],
    ["it would not", { gateway: until(t0 + 900 * hour) }, ["page"], "unknown"],
    ["it is too late already", { gateway: until(t0) }, ["page"], "unknown"],
    ["it was taken back before", { entry: due({ voidedAtMs: t0 }), gateway: until(t0 + hour) }, ["page"], "unknown"],
    ["the gateway takes nothing back", {}, ["page"], "unknown"],
    ["no look-up is left", { entry: due(last), gateway: until(t0 + 2 * hour), failing: true }, ["page", "page", "void"], "unknown"],
    ["it is certified absent, past its key life", { entry: due({ absences: [search(400)], looked: 2 }), gateway: until(t0 + hour) }, ["page", "void"], "unknown"],
    ["it was taken, as asked", { rows: { page: [row("captured")] }, gateway: until(t0 + hour) }, ["page"], "approved"],
    ["it was taken, and otherwise: a person decides", { rows: { page: [row("captured", { amount: "20.00", reply: { ...replies.captured, echo: { amount: "20.00", currency: "EUR" } } })] }, gateway: until(t0 + hour) }, ["page"], "review"],
  ])("%s", async (_what, parts, asked, state) => {
    const one = await round({ entry: due(), ...parts });
    expect(one.asked).toEqual(asked);
    expect(one.entry()?.state).toBe(state);
    if (asked.at(-1) !== "void") return;
    // A page that failed is asked for once more, half a second later.
    const atMs = t0 + hour + (parts.failing === true ? 500 : 0);
    expect(one.entry()).toMatchObject({ voidingAtMs: atMs, voidedAtMs: atMs, nextAct: "lookUp" });
    expect(one.entry()?.history.findLast(({ e }) => e === "voided")).toMatchObject({ at: atMs, status: "HTTP 201" });
    expect(one.end).toEqual(giveBack(1_000));
    expect(one.waits.at(-1)).toBe(gatewayTimeoutMs);
  });

  test.each<[nth: number, asked: string[]]>([
    [1, ["page"]],
    [2, ["page", "void"]],
  ])("where somebody else writes first at write %i it is looked at again soon", async (nth, asked) => {
    const one = await round({ entry: due(), gateway: until(t0 + hour), lost: (at) => at === nth });
    expect(one.asked).toEqual(asked);
    expect(one.end).toEqual(giveBack(1_000));
  });
});
