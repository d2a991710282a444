import { describe, expect, test } from "vitest";
import type { Feed } from "../../lib/core/feed.ts";
import type { JsonObject } from "../../lib/core/json.ts";
import type { UnknownEntry } from "../../lib/core/ledger.ts";
import { closeFromFeed } from "../../lib/flows/close-from-feed.ts";
import type { Worker } from "../../lib/ports.ts";
import { row, t0, unknown } from "../core/builders.ts";
import { manualClock } from "../doubles/manual-clock.ts";
import { memoryLedger } from "../doubles/memory-ledger.ts";
import { memoryQueues } from "../doubles/memory-queues.ts";
import { chargeMessage } from "../doubles/samples.ts";
import { type Act, declines, pays, paysUnheard, pends, swallows } from "../doubles/scripted-bank.ts";
import { replied, scriptedWire } from "../doubles/scripted-wire.ts";
import { testGateway, testWorker } from "../doubles/worker.ts";
import { type StageOptions, stage } from "./stage.ts";

const hour = 3_600_000;
const lost: Act["says"] = { kind: "sentUnanswered", cause: "timeout", tookMs: 1_000 };
const unheard = (act: Act): Act => ({ ...act, says: lost });

/** Unknowns of one hour, and a feed that is read some hours later. */
const close = async (
  acts: readonly Act[],
  more: StageOptions = {},
  changed: Partial<Worker> = {},
  asKnown: (entry: UnknownEntry) => UnknownEntry = (entry) => entry,
) => {
  const on = stage({
    policy: { lookupScheduleMs: [400 * hour], resendsMax: acts.length - 1, feedLagMs: 60_000 },
    bank: acts,
    ...more,
  });
  on.send(chargeMessage("order-1"));
  await on.round();
  on.clock.set(on.startMs + 20 * hour);
  const before = asKnown(on.entry() as UnknownEntry);
  on.effects.length = 0;
  const { feed, ...gateway } = testGateway();
  if (feed === undefined) throw new Error("no feed");
  const closed = await closeFromFeed(
    [before],
    { gateway: { ...gateway, feed }, feed },
    {
      ...on.worker(),
      ...changed,
    },
    0,
  );
  return { on, before, closed, after: on.entry() };
};

describe("an unknown is closed by rows", () => {
  test.each<[string, readonly Act[], StageOptions, object]>([
    ["that took the money", [unheard(pays())], {}, { state: "approved", evidence: { kind: "feed_row" } }],
    [
      "that refused it",
      [unheard(declines(5005, { description: "Do not honor" }))],
      {},
      { state: "declined_retryable" },
    ],
    ["of another amount", [unheard(pays({ amount: 25 }))], {}, { state: "review", reason: "mismatch" }],
    [
      "that took it twice",
      [unheard(pays()), unheard(pays())],
      {},
      { state: "review", reason: "double_charge" },
    ],
  ])("%s", async (_, acts, more, after) => {
    const run = await close(acts, more);
    expect(run.after).toMatchObject(after);
    expect([...run.closed]).toEqual([["order-1", run.after]]);
    expect(run.on.effects).not.toContain("sent");
  });

  test("that answer an earlier attempt", async () => {
    const { after, closed } = await close([unheard(pays())], {}, {}, (entry) => ({
      ...entry,
      attempt: 2,
      requestId: "request-2" as UnknownEntry["requestId"],
      earlierRequestIds: [entry.requestId],
    }));
    expect(after).toMatchObject({ state: "review", reason: "captured_by_earlier_attempt" });
    expect(closed.size).toBe(1);
  });

  test("that gave its money back", async () => {
    const strangers: JsonObject[] = [];
    const { after, closed } = await close([unheard(pays())], { strangers }, {}, (entry) => {
      strangers.push({
        action: "chargeback",
        mode: "chargebackFirst",
        status: "success",
        code: 0,
        amount: 19.99,
        currency: "EUR",
        transactionId: "cb-1",
        metadata: { chargeId: "order-1", requestId: entry.requestId },
        timestamp: { unixTime: Math.floor(entry.openedAtMs / 1_000) + 60 },
      });
      return entry;
    });
    expect(after).toMatchObject({ state: "review", reason: "refunded_or_charged_back" });
    expect(closed.size).toBe(1);
  });

  test.each<[receipt: string | undefined, woken: string[], reason: string]>([
    ["r-1", ["r-1"], "its message is woken, and tells"],
    [undefined, [], "it comes at its own time"],
  ])("whose message is known by %s: %j (%s)", async (receipt, woken) => {
    const heard: string[] = [];
    const asKnown = ({ receipt: _own, ...entry }: UnknownEntry): UnknownEntry =>
      receipt === undefined ? entry : { ...entry, receipt };
    const wake = async (one: string) => void heard.push(one);
    expect((await close([unheard(pays())], {}, { wake }, asKnown)).after?.state).toBe("approved");
    expect(heard).toEqual(woken);
    // Whoever can wake nobody closes it all the same.
    const deaf = await close([unheard(pays())], {}, { wake: undefined } as never, asKnown);
    expect(deaf.closed.size).toBe(1);
  });

  test("and what the gateway says of a refusal is not kept: nobody is there who could mask it (S12)", async () => {
    const { after } = await close([unheard(declines(5005, { description: "card of lena@example.net" }))]);
    expect(after).toMatchObject({ state: "declined_retryable", ending: { code: "5005" } });
    expect(JSON.stringify(after)).not.toContain("lena");
  });
});

describe("an unknown is left as it is", () => {
  test.each<[string, readonly Act[], StageOptions]>([
    ["that the feed does not show", [swallows], {}],
    ["that still pends", [unheard(pends())], {}],
    [
      "while the feed does not answer",
      [paysUnheard({}, lost)],
      { feed: () => ({ kind: "replied", status: 500 }) },
    ],
    [
      "however little is left of its look-ups",
      [swallows],
      { policy: { lookupScheduleMs: [], resendsMax: 0, feedLagMs: 60_000 } },
    ],
  ])("%s", async (_, acts, more) => {
    const { before, after, closed } = await close(acts, more);
    expect(closed.size).toBe(0);
    expect(after).toEqual(before);
  });

  test.each<[nobody: boolean, state: string]>([
    [true, "unknown"],
    [false, "declined_retryable"],
  ])(
    "whose refusal is seen beside a capture that names nobody, of the same consumer (S14): %s → %s",
    async (nobody, state) => {
      const first = paysUnheard({ ...(nobody ? {} : { status: "fail", code: 5051 }), metadata: null }, lost);
      const { before, after } = await close([first, declines(5051)], {}, {}, (entry) => {
        const at = entry.openedAtMs + hour;
        const look = { e: "looked_up", at, from: 0, to: at, rows: 1, whole: true, found: 1 } as const;
        return { ...entry, history: [...entry.history, look] };
      });
      expect(before).toMatchObject({ reason: "answer_to_confirm", openSends: 1, sends: 2 });
      expect(after).toMatchObject({ state });
    },
  );

  test("that another worker has written meanwhile (S7)", async () => {
    const { on } = await close([swallows]);
    const lose: Worker["ledger"] = {
      ...on.ledger,
      replace: async () => ({ kind: "lost", entry: on.entry() as UnknownEntry }),
    };
    expect((await close([unheard(pays())], {}, { ledger: lose })).closed.size).toBe(0);
  });
});

describe("its message", () => {
  /** Closes an unknown by its row in the feed, and tells whose message was woken. */
  const wokenOf = async (receipt: string | undefined, wakes = true): Promise<unknown[]> => {
    const clock = manualClock(t0 + 20 * hour);
    const ledger = memoryLedger();
    const entry = unknown({ firstSendAtMs: t0, ...(receipt === undefined ? {} : { receipt }) });
    ledger.plant(entry.chargeId, JSON.stringify(entry));
    const feed: Feed = {
      firstCursor: 0,
      pagesMax: 1,
      pageRequest: () => ({ method: "GET", url: "https://feed.test/", headers: {} }),
      readPage: () => ({ kind: "page", rows: [row("captured")], unreadRows: 0 }),
      idRequest: () => undefined,
    };
    const woken: unknown[] = [];
    const wire = scriptedWire({ clock, script: () => replied(200) });
    const worker = testWorker({
      clock,
      wire,
      ledger,
      queues: memoryQueues(),
      ...(wakes ? { wake: async (of: string) => void woken.push(of) } : {}),
    });
    const closed = await closeFromFeed([entry], { gateway: testGateway(), feed }, worker, 0);
    expect([...closed.values()].map(({ state }) => state)).toEqual(["approved"]);
    return woken;
  };

  test("is woken where it is known by what, and somebody can", async () => {
    expect(await wokenOf("receipt-1")).toEqual(["receipt-1"]);
    expect(await wokenOf(undefined)).toEqual([]);
    expect(await wokenOf("receipt-1", false)).toEqual([]);
  });
});
