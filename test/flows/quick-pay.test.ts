import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../lib/core/json.ts";
import { awaitAttempt, type LedgerEntry } from "../../lib/core/ledger.ts";
import type { RetryableEntry } from "../../lib/core/plan-retry.ts";
import type { Policy } from "../../lib/core/policy.ts";
import { submitCharges } from "../../lib/flows/submit-charge.ts";
import { centrapay } from "../../lib/gateways/centrapay/index.ts";
import type { DeliveryEnd, Worker } from "../../lib/ports.ts";
import { manualClock } from "../doubles/manual-clock.ts";
import { memoryLedger } from "../doubles/memory-ledger.ts";
import { memoryLog } from "../doubles/memory-log.ts";
import { memoryNotices } from "../doubles/memory-notices.ts";
import { memoryQueues } from "../doubles/memory-queues.ts";
import { neverSent, replied, type Scripted, scriptedWire, unanswered } from "../doubles/scripted-wire.ts";
import { apiKey, testWorker } from "../doubles/worker.ts";

const url = "https://pay.test";
const value = { amount: "1999", currency: "NZD" };
const message = {
  v: 1,
  chargeId: "order-1",
  gateway: "centrapay",
  amount: "1999",
  currency: "NZD",
  request: { mode: "quickPay", configId: "mc_1", merchantAccountId: "account-1", barcode: "424242424" },
};

type Scene = {
  /** what each GET of the Payment Request is answered with, the last one for ever */
  readonly polls: readonly Scripted[];
  readonly policy?: Partial<Policy>;
  readonly makeTakesMs?: number;
  /** how long the invocation may run */
  readonly runsMs?: number;
  /** how long it may be sent */
  readonly lastsMs?: number;
  readonly referFails?: boolean;
  readonly hearsNotices?: boolean;
  /** whatever comes of it, a later attempt is made */
  readonly again?: boolean;
  /** another worker writes the entry while it is made */
  readonly takenOver?: boolean;
};

/** One delivery of a Quick Pay charge, in virtual time. */
const submit = async (scene: Scene) => {
  const {
    polls,
    policy,
    makeTakesMs = 0,
    runsMs,
    lastsMs,
    referFails = false,
    hearsNotices = true,
    takenOver,
    again,
  } = scene;
  const clock = manualClock();
  const startMs = clock.nowMs();
  const ledger = memoryLedger();
  const log = memoryLog();
  const notices = memoryNotices();
  notices.failBy((op) => referFails && op === "refer");
  const left = [...polls];
  let made = 0;
  const wire = scriptedWire({
    clock,
    script: ({ method }) =>
      method === "POST"
        ? replied(
            200,
            { id: `pr-${++made}`, status: "new", createdAt: new Date(startMs).toISOString() },
            makeTakesMs,
          )
        : ((left.length > 1 ? left.shift() : left[0]) as Scripted),
    async before({ method }) {
      const entry = ledger.entryOf("order-1");
      if (method === "POST" && takenOver === true && entry !== undefined)
        await ledger.replace(entry.token, { ...entry, token: "other" } as LedgerEntry);
    },
  });
  const worker: Worker = {
    ...testWorker({
      clock,
      wire,
      ledger,
      log,
      ...(hearsNotices ? { notices } : {}),
      queues: memoryQueues(),
      ...(policy === undefined ? {} : { policy }),
      ...(runsMs === undefined ? {} : { endsAtMs: startMs + runsMs }),
    }),
    gateways: { centrapay: centrapay({ url, apiKey }) },
  };
  const notAfter = lastsMs === undefined ? {} : { notAfter: new Date(startMs + lastsMs).toISOString() };
  const body = JSON.stringify({ ...message, ...notAfter });
  const deliver = () => submitCharges([{ messageId: "m", body, receives: 1 }], worker);
  const ends = await deliver();
  if (again === true) {
    const ended = { ...ledger.entryOf("order-1"), state: "declined_retryable" } as RetryableEntry;
    const by = { requestId: worker.ids.requestId(), token: worker.ids.leaseToken(), nowMs: startMs };
    await ledger.replace(ended.token, awaitAttempt(ended, by));
    await deliver();
  }
  const entry = ledger.entryOf("order-1");
  return {
    end: ends.get("m") as DeliveryEnd,
    entry,
    /** when the Payment Request was asked for */
    polledMs: wire.gets().map(({ atMs }) => atMs - startMs),
    /** until when each of these might leave */
    boundsMs: wire.gets().map(({ notAfterMs = Number.NaN }) => notAfterMs - startMs),
    sentEvents: (entry?.history ?? []).filter(
      ({ e }) => e !== "opened" && e !== "prepared" && e !== "recorded",
    ),
    log,
    referredTo: (await notices.read("centrapay", "pr-1").catch(() => undefined))?.chargeId,
    laterReferredTo: (await notices.read("centrapay", "pr-2")).chargeId,
    nowMs: clock.nowMs() - startMs,
    startMs,
  };
};

const look = (status: string, more: JsonObject = {}): Scripted =>
  replied(200, {
    id: "pr-1",
    status,
    value,
    externalRef: "order-1",
    createdAt: new Date(manualClock().nowMs()).toISOString(),
    ...more,
  });
const paid = look("paid");
const fresh = look("new");

describe("an accepted charge is asked for again while its worker has it", () => {
  test("every two seconds, and the last word takes the place of those before: one send", async () => {
    const on = await submit({ polls: [fresh, fresh, paid], policy: { leaseMs: 60_000 } });
    expect(on.end).toStrictEqual({ kind: "done" });
    expect(on.polledMs).toEqual([0, 2_000, 4_000]);
    expect(on.entry).toMatchObject({ state: "approved", sends: 1, lookups: 2 });
    expect(on.log.eventsOf("charge_sent").map(({ outcome }) => outcome)).toEqual([
      "pending",
      "pending",
      "approved",
    ]);
  });

  test("also past the moment after which it was not to be sent first: it was", async () => {
    const on = await submit({ polls: [fresh, paid], lastsMs: 1_000, policy: { leaseMs: 60_000 } });
    expect(on.entry).toMatchObject({ state: "approved" });
    expect(on.boundsMs).toEqual([1_000, 60_000]);
  });

  test("as long as one more answer still comes within the lease", async () => {
    const on = await submit({ polls: [fresh], policy: { leaseMs: 36_000 } });
    expect(on.polledMs).toEqual([0, 2_000, 4_000, 6_000]);
    expect(on.entry).toMatchObject({ state: "pending", sends: 1, openSends: 1, lookups: 3 });
    expect(on.sentEvents).toHaveLength(1);
  });

  test.each<[string, Scripted, object, why: string]>([
    ["that is not sent", neverSent(), { lookups: 0 }, "leaves the word before standing"],
    [
      "that is refused",
      replied(401, { message: "no" }),
      { lookups: 1, reason: "answer_to_confirm" },
      "counts",
    ],
    ["that stays unanswered", unanswered(), { lookups: 1, reason: "no_answer" }, "counts"],
  ])("a poll %s: the charge stays open (%3$s)", async (_, poll, expected) => {
    const on = await submit({ polls: [fresh, poll], policy: { leaseMs: 60_000, resendsMax: 0 } });
    expect(on.entry).toMatchObject({ state: "unknown", sends: 1, openSends: 1, ...expected });
    expect(on.sentEvents).toHaveLength(1);
  });
});

describe("what is made first", () => {
  test("is not sent on when making it took the time that a send needs: another invocation does", async () => {
    const on = await submit({
      polls: [paid],
      makeTakesMs: 5_000,
      runsMs: 40_000,
      policy: { resendsMax: 0 },
    });
    expect(on.end).toMatchObject({ kind: "giveBack" });
    expect(on.polledMs).toEqual([]);
    expect(on.entry).toMatchObject({
      state: "waiting",
      sends: 0,
      nextAtMs: on.startMs + 5_000,
      preparation: { prepared: { id: "pr-1" } },
    });
  });

  test("is left to the worker that has taken the charge over meanwhile (S7)", async () => {
    const on = await submit({ polls: [paid], takenOver: true });
    expect(on.end).toStrictEqual({ kind: "giveBack", delayMs: 1_000 });
    expect(on.polledMs).toEqual([]);
    expect(on.entry?.token).toBe("other");
  });

  test("is remembered of a later attempt, too", async () => {
    const on = await submit({ polls: [paid, look("paid", { id: "pr-2" })], again: true });
    expect(on.entry).toMatchObject({ attempt: 2, preparation: { prepared: { id: "pr-2" } } });
    expect([on.referredTo, on.laterReferredTo]).toEqual(["order-1", "order-1"]);
  });

  test("is remembered, since notices will name it and not the charge", async () => {
    const on = await submit({ polls: [paid] });
    expect([on.referredTo, on.laterReferredTo]).toEqual(["order-1", undefined]);
    const deaf = await submit({ polls: [paid], hearsNotices: false });
    expect([deaf.entry?.state, deaf.log.eventsOf("notice_failed")]).toEqual(["approved", []]);
    const failed = await submit({ polls: [paid], referFails: true });
    expect(failed.entry).toMatchObject({ state: "approved" });
    expect(failed.log.eventsOf("notice_failed")).toStrictEqual([
      {
        chargeId: "order-1",
        gateway: "centrapay",
        error: "LedgerUnavailable: refer: nothing was done",
      },
    ]);
  });
});
