import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../lib/core/json.ts";
import { defaultFeedProfile } from "../../lib/gateways/centrobill/feed-profile.ts";
import { centrobill } from "../../lib/gateways/centrobill/index.ts";
import { chargeMessage } from "../doubles/samples.ts";
import { paysUnheard, pends, type ScriptedBankOptions, swallows } from "../doubles/scripted-bank.ts";
import { type Scripted, unanswered } from "../doubles/scripted-wire.ts";
import { apiKey, feedUrl, gatewayUrl } from "../doubles/worker.ts";
import { stage } from "./stage.ts";

const charge = chargeMessage("order-1");
const day = 86_400_000;
type Page = { readonly data: readonly JsonObject[]; readonly meta: JsonObject };
const ok = (body: unknown): Scripted => ({ kind: "replied", status: 200, body });
const status = (code: number): Scripted => ({ kind: "replied", status: code, body: { message: "no" } });
const pageOf = (page: () => JsonObject): Page => page() as unknown as Page;
const stranger = (serial: number): JsonObject => ({
  transactionId: `other-${serial}`,
  metadata: { chargeId: `other-${serial}` },
});

type Feed = NonNullable<ScriptedBankOptions["feed"]>;

const troubles: readonly (readonly [what: string, feed: Feed])[] = [
  ["answers 500", () => status(500)],
  ["answers 401", () => status(401)],
  ["answers 404", () => status(404)],
  ["answers 429", () => status(429)],
  ["answers with HTML", () => ok("<html>down for maintenance</html>")],
  ["answers with another shape", (_, page) => ok({ result: { transactions: pageOf(page).data } })],
  ["answers with a list that is none", () => ok({ data: "none", meta: {} })],
  [
    "answers with another page than the one asked for",
    (_, page) => ok({ ...page(), meta: { currentPage: 7, lastPage: 7 } }),
  ],
  ["never answers", () => unanswered()],
  ["refuses the connection", () => ({ kind: "neverSent" })],
  ["gives the same page for ever", () => ok({ data: [stranger(1)], meta: {} })],
];

describe("a feed that", () => {
  test.each(troubles)(
    "%s: a look-up that failed; nothing is sent, and the horizon ends in review",
    async (_, feed) => {
      const on = stage({ bank: [paysUnheard(), swallows], feed });
      on.send(charge);
      await on.run(day - 60_000);
      expect(on.entry(), "still being found out").toMatchObject({
        state: "unknown",
        looked: 0,
        absences: [],
      });
      expect(on.entry()?.lookFailures).toBeGreaterThan(3);
      expect(on.waiting("unknown-outcomes")[0]?.receives, "well before it is a dead letter").toBeLessThan(
        150,
      );
      expect(JSON.stringify(on.entry()).length, "an entry may have 400 KB").toBeLessThan(20_000);
      await on.run();
      expect(on.told()).toMatchObject([
        { outcome: "review", reason: "lookups_used_up", evidence: { kind: "lookups" } },
      ]);
      expect(on.wire.posts(), "nothing is sent on no evidence").toHaveLength(2);
      expect(on.log.eventsOf("feed_failed").length).toBeGreaterThan(3);
    },
  );

  test.each(troubles)(
    "%s, and then recovers: the schedule was not used up, the capture is found",
    async (_, feed) => {
      const on = stage({
        bank: [paysUnheard(), swallows],
        feed: (nth, page, request) =>
          on.clock.nowMs() < on.startMs + 3_600_000 ? feed(nth, page, request) : undefined,
      });
      on.send(charge);
      await on.run();
      expect(on.told()).toMatchObject([{ outcome: "approved", evidence: { kind: "feed_row" } }]);
      expect(on.entry()?.updatedAtMs).toBeLessThan(on.startMs + 3_600_000 + 900_000);
      expect(on.bank.capturesOf("order-1")).toBe(1);
    },
  );

  test("pages for ever, each page another one: as many as are allowed, then not whole", async () => {
    const gateway = centrobill({
      url: gatewayUrl,
      apiKey,
      feedUrl,
      feedProfile: { ...defaultFeedProfile, paging: { ...defaultFeedProfile.paging, pagesMax: 7 } },
    });
    const on = stage({
      bank: [paysUnheard(), swallows],
      gateway,
      feed: (nth) => ok({ data: [stranger(nth)], meta: { lastPage: 1_000_000 } }),
    });
    on.send(charge);
    await on.run();
    expect(on.wire.gets().length).toBe(10 * 7);
    expect(on.told()).toMatchObject([{ outcome: "review", reason: "lookups_used_up" }]);
    expect(on.wire.posts()).toHaveLength(2);
  });

  test("pages for ever ends with the invocation's time, before the worst case of a send", async () => {
    const on = stage({
      bank: [paysUnheard(), swallows],
      invocationMs: 120_000,
      feed: (nth) =>
        ({ ...ok({ data: [stranger(nth)], meta: { lastPage: 1_000_000 } }), tookMs: 1_000 }) as Scripted,
    });
    on.send(charge);
    await on.round();
    on.clock.advance(60_000);
    const beganMs = on.clock.nowMs();
    expect(await on.round("unknown-outcomes")).toMatchObject([{ kind: "giveBack" }]);
    expect(on.clock.nowMs() - beganMs).toBeLessThan(120_000 - 68_000);
    expect(on.log.eventsOf("feed_failed")).toMatchObject([{ reason: "out of time" }]);
    expect(on.entry()).toMatchObject({ looked: 0, lookFailures: 1 });
  });

  test("breaks off after a page that held the capture: a capture cannot be unseen", async () => {
    const on = stage({
      bank: [paysUnheard(), swallows],
      feed: (nth, page) =>
        nth === 1
          ? ok({ data: pageOf(page).data, meta: { currentPage: 1, lastPage: 2, total: 2 } })
          : status(500),
    });
    on.send(charge);
    await on.run();
    expect(on.told()).toMatchObject([{ outcome: "approved", evidence: { kind: "feed_row" } }]);
  });

  test("breaks off after a page that held a decline: a decline needs a whole scan", async () => {
    let broken = true;
    const on = stage({
      bank: [paysUnheard({ status: "fail", code: 5041 }), swallows],
      feed: (_, page, request) => {
        if (!broken) return undefined;
        return new URL(request.url).searchParams.get("page") === "1"
          ? ok({ data: pageOf(page).data, meta: { currentPage: 1, lastPage: 2, total: 2 } })
          : status(500);
      },
    });
    on.send(charge);
    await on.run(day / 2);
    expect(on.told()).toStrictEqual([]);
    broken = false;
    await on.run();
    expect(on.told()).toMatchObject([{ outcome: "declined_permanent" }]);
  });

  test("answers 500 once is asked again at once: one look-up, none failed", async () => {
    const on = stage({
      bank: [paysUnheard(), swallows],
      feed: (nth) => (nth === 1 ? status(500) : undefined),
    });
    on.send(charge);
    await on.run();
    expect(on.entry()).toMatchObject({ state: "approved", lookups: 1, lookFailures: 0 });
    expect(on.wire.gets()).toHaveLength(2);
  });

  test("fails now and then: only failures in a row count at the end", async () => {
    const on = stage({
      bank: [pends({ afterMs: 241_000, status: "success", code: 0 })],
      policy: { lookupScheduleMs: [60_000, 120_000, 180_000, 240_000] },
      // Each look-up that fails asks twice.
      feed: (nth) => (nth % 3 === 0 ? undefined : status(500)),
    });
    on.send(charge);
    await on.run();
    expect(on.entry()?.history.filter(({ e }) => e === "lookup_failed")).toHaveLength(4);
    expect(on.told()).toMatchObject([{ outcome: "approved" }]);
  });

  test("fails at the end of the schedule after it was whole: tried three times, then a person", async () => {
    const on = stage({
      bank: [swallows, swallows],
      policy: {
        afterAbsence: "resendWithinLife",
        requestIdLifeMs: 60_000,
        lookupScheduleMs: [60_000, 120_000],
      },
      feed: (nth) => (nth === 1 ? undefined : status(500)),
    });
    on.send(charge);
    await on.run();
    expect(on.entry()).toMatchObject({ state: "review", reason: "lookups_used_up", looked: 1 });
    expect(on.entry()?.lookFailures).toBeGreaterThanOrEqual(3);
  });
});

describe("look-ups by the gateway's own id", () => {
  /** Pending charges whose rows have no reference of ours and are in no window. */
  const pendings = (count: number, feed: Feed) => {
    const on = stage({
      bank: () => ({ makes: { status: "pending", code: 0, metadata: null } }),
      invocationMs: 300_000,
      feed: (nth, page, request) =>
        request.url.includes("transactionId=")
          ? feed(nth, page, request)
          : ok({ data: [], meta: { currentPage: 1, lastPage: 1, total: 0 } }),
    });
    for (let index = 0; index < count; index++) on.send(chargeMessage(`order-${index}`));
    return on;
  };

  test.each<readonly [what: string, feed: Feed]>([
    ["answered", () => undefined],
    ["failing", () => status(500)],
    ["unanswered", () => unanswered()],
  ])("are five a round at the most: %s", async (_, feed) => {
    const on = pendings(20, feed);
    on.allow(Number.POSITIVE_INFINITY);
    while (on.waiting("charges").length > 0) await on.round();
    on.clock.advance(62_000);
    await on.round("unknown-outcomes");
    expect(on.wire.gets().filter(({ url }) => url.includes("transactionId="))).toHaveLength(5);
  });

  test("that hang leave the round the time to record what it found", async () => {
    const on = pendings(8, () => unanswered());
    while (on.waiting("charges").length > 0) await on.round();
    on.clock.advance(62_000);
    const beganMs = on.clock.nowMs();
    await on.round("unknown-outcomes");
    expect(on.clock.nowMs() - beganMs, "within the invocation, with room for a send").toBeLessThanOrEqual(
      300_000 - 68_000,
    );
    expect(on.ledger.entries().every(({ lookups }) => lookups === 1)).toBe(true);
  });
});
