import { describe, expect, test } from "vitest";
import { submitCharge } from "../../lib/flows/submit-charge.ts";
import type { Delivery } from "../../lib/ports.ts";
import { chargeMessage } from "../doubles/samples.ts";
import { type Act, pays, paysUnheard, says, swallows } from "../doubles/scripted-bank.ts";
import { neverSent, replied, type Scripted } from "../doubles/scripted-wire.ts";
import { type Stage, type StageOptions, stage } from "./stage.ts";

const minute = 60_000;
const hour = 60 * minute;
const isRates = (url: string): boolean => url.endsWith("/currency-exchange-rate");
const says429 = (seconds: string): Act => ({
  says: { kind: "replied", status: 429, headers: { "retry-after": seconds } },
});

/** A stage whose bank and look-ups follow the time since the start. */
const timed = (
  bank: (afterMs: number, chargeId: string, nth: number) => Act,
  feed: (afterMs: number, url: string) => Scripted | undefined = () => undefined,
  more: Omit<StageOptions, "bank" | "feed"> = {},
): Stage => {
  const on: Stage = stage({
    ...more,
    roundsMax: 20_000,
    bank: (chargeId, nth, request) => bank(request.atMs - on.startMs, chargeId, nth),
    feed: (_nth, _page, request) => feed(request.atMs - on.startMs, request.url),
  });
  return on;
};
const sendMany = (on: Stage, many: number): void => {
  for (let nth = 0; nth < many; nth++) on.send(chargeMessage(`order-${nth}`));
};
const postsBetween = (on: Stage, fromMs: number, toMs: number): number =>
  on.wire.posts().filter(({ atMs }) => atMs - on.startMs > fromMs && atMs - on.startMs < toMs).length;
const receivesMax = (on: Stage): number =>
  Math.max(0, ...on.waiting("charges").map(({ receives }) => receives));

describe("Retry-After", () => {
  test("nobody sends before it is over, and everybody after", async () => {
    let limited = 0;
    const on = timed((afterMs) => (afterMs < 100 && ++limited > 0 ? says429("90") : pays()));
    on.send(chargeMessage("first"));
    await on.round();
    expect(limited).toBe(1);
    sendMany(on, 40);
    await on.run(89_000);
    expect(on.wire.sent).toHaveLength(1);
    await on.run(5 * minute);
    for (let nth = 0; nth < 40; nth++) expect(on.entry(`order-${nth}`)?.state).toBe("approved");
    expect(on.log.eventsOf("gateway_closed")).toMatchObject([{ reason: "rate_limited", delayMs: 90_000 }]);
  });

  test("a worker that was not told of it learns it from the record within a second", async () => {
    const on = timed((afterMs) => (afterMs < 100 ? says429("60") : pays()));
    const other = on.worker();
    on.send(chargeMessage("first"));
    await on.round();
    const delivery: Delivery = {
      messageId: "m",
      body: JSON.stringify(chargeMessage("second")),
      receives: 1,
    };
    expect(await submitCharge(delivery, other)).toMatchObject({ kind: "giveBack" });
    expect(on.wire.sent).toHaveLength(1);
    // The time that is left, and part of a spread so that not all come back at once.
    const back = await submitCharge(delivery, other);
    expect(back.kind === "giveBack" && back.delayMs).toBeGreaterThan(59_000);
    expect(on.entry("second")).toBeUndefined();
  });

  test("not even a look-up is made before it is over", async () => {
    const on = timed((_, chargeId, nth) =>
      chargeId === "limited" ? says429("600") : nth === 1 ? paysUnheard() : swallows,
    );
    on.send(chargeMessage("lost"));
    await on.round();
    on.send(chargeMessage("limited"));
    await on.round();
    const closedAtMs = on.clock.nowMs() - on.startMs;
    await on.run(9 * minute);
    expect(on.wire.gets()).toEqual([]);
    await on.run(hour);
    expect(on.wire.gets().every(({ atMs }) => atMs - on.startMs >= closedAtMs + 10 * minute - 1_000)).toBe(
      true,
    );
    expect(on.entry("lost")?.state).toBe("approved");
  });

  test("a charge whose time runs out while it waits ends then, and is not sent", async () => {
    const on = timed(() => says429("3600"));
    on.send(chargeMessage("first"));
    await on.round();
    const notAfter = new Date(on.startMs + 10 * minute).toISOString();
    on.send(chargeMessage("late", { notAfter }));
    await on.run(11 * minute);
    expect(on.entry("late")?.state).toBe("expired");
    expect(on.wire.sent).toHaveLength(1);
  });
});

describe("an outage", () => {
  const sixHours = 6 * hour;
  const down = (afterMs: number): boolean => afterMs < sixHours;

  test.each<[string, Act]>([
    ["connections are refused", { says: neverSent("refused") }],
    ["a proxy answers 503", says(503)],
  ])(
    "of six hours (%s): nothing in review, nothing near a dead letter, all charged afterwards",
    async (_, act) => {
      const on = timed(
        (afterMs) => (down(afterMs) ? act : pays()),
        (afterMs, url) => (isRates(url) ? replied(down(afterMs) ? 503 : 200, []) : undefined),
      );
      sendMany(on, 60);
      await on.run(sixHours);
      // Ten faults close it, and time alone opens nothing.
      expect(on.wire.posts().length).toBeLessThanOrEqual(20);
      expect(on.wire.gets().filter(({ url }) => isRates(url)).length).toBeGreaterThan(60);
      expect(receivesMax(on)).toBeLessThan(120);
      await on.run(2 * 24 * hour);
      const states = new Set(
        on.ledger.entries().map(({ state, chargeId }) => `${state} ${on.bank.capturesOf(chargeId)}`),
      );
      // What a proxy swallowed, if it was sent at all, was never captured: past its key life that is a person's.
      states.delete("review 0");
      expect(states).toEqual(new Set(["approved 1"]));
      expect(on.ledger.entries().filter(({ state }) => state === "review").length).toBeLessThanOrEqual(
        act.says?.kind === "neverSent" ? 0 : 10,
      );
      expect(on.log.eventsOf("gateway_opened")).toHaveLength(1);
    },
  );

  test("what opens it again is a look-up on the host that charges, and never somebody's charge", async () => {
    const on = timed(
      (afterMs) => (afterMs < hour ? swallows : pays()),
      (afterMs, url) => (isRates(url) ? replied(afterMs < hour ? 503 : 404) : undefined),
    );
    sendMany(on, 30);
    await on.run(55 * minute);
    // Ten at once, and for some of them the resend that was on its way.
    expect(on.wire.posts().length).toBeLessThanOrEqual(20);
    const lastPostMs = Math.max(...on.wire.posts().map(({ atMs }) => atMs - on.startMs));
    expect(lastPostMs).toBeLessThan(2 * minute);
    await on.run(3 * 24 * hour);
    for (const { chargeId } of on.ledger.entries())
      expect(on.bank.capturesOf(chargeId)).toBeLessThanOrEqual(1);
    expect(postsBetween(on, hour, 2 * hour)).toBeGreaterThanOrEqual(20);
  });

  test("a host that answers look-ups and no charges gets two charges a pause, not ten", async () => {
    const on = timed(
      () => ({ says: neverSent("refused") }),
      (_, url) => (isRates(url) ? replied(200, []) : undefined),
    );
    sendMany(on, 30);
    await on.run(2 * hour);
    const first = on.wire.posts().length;
    // Pauses double up to five minutes: about two a pause and a half hour to begin with.
    expect(first).toBeLessThan(100);
    expect(on.log.eventsOf("gateway_closed").length).toBeGreaterThan(5);
    expect(receivesMax(on)).toBeLessThan(120);
  });

  test("answers that always come too late are no outage: the feed shows the charges as worked", async () => {
    const on = timed(
      (_, _chargeId, nth) => (nth === 1 ? paysUnheard() : swallows),
      (_, url) => (isRates(url) ? replied(200, []) : undefined),
    );
    sendMany(on, 40);
    await on.run(6 * hour);
    expect(on.ledger.entries().map(({ state }) => state)).toEqual(Array(40).fill("approved"));
    for (let nth = 0; nth < 40; nth++) expect(on.bank.capturesOf(`order-${nth}`)).toBe(1);
  });
});

describe("a bad credential", () => {
  const bad = 3 * hour;
  test.each([401, 403])(
    "HTTP %i three times in a row: the account is closed, and nothing more is burnt",
    async (status) => {
      const on = timed(
        (afterMs) => (afterMs < bad ? says(status, { message: "no" }) : pays()),
        (afterMs) => (afterMs < bad ? replied(status) : undefined),
        { concurrency: 1 },
      );
      sendMany(on, 50);
      await on.run(bad);
      expect(on.ledger.entries().map(({ state }) => state)).toEqual(Array(3).fill("request_error"));
      expect(on.log.eventsOf("gateway_closed")).toMatchObject([{ reason: "credential" }]);
      expect(on.log.sumOf("GatewayClosed", { reason: "credential" })).toBe(1);
      await on.run(24 * hour);
      const states = Map.groupBy(on.ledger.entries(), ({ state }) => state);
      expect(states.get("request_error")).toHaveLength(3);
      expect(states.get("approved")).toHaveLength(47);
    },
  );

  test("single ones among good ones are request errors as before", async () => {
    const on = timed((_, chargeId) => (Number(chargeId.slice(6)) % 2 === 0 ? says(401) : pays()), undefined, {
      concurrency: 1,
    });
    sendMany(on, 20);
    await on.run(minute);
    const states = Map.groupBy(on.ledger.entries(), ({ state }) => state);
    expect(states.get("request_error")).toHaveLength(10);
    expect(states.get("approved")).toHaveLength(10);
    expect(on.log.eventsOf("gateway_closed")).toEqual([]);
  });
});

describe("a ledger that does not keep the pace", () => {
  test("charges go on while it cannot be read, and this worker obeys what it saw itself", async () => {
    const on = timed((afterMs) => (afterMs < 100 ? says429("120") : pays()));
    on.pace.failBy(() => "before");
    on.send(chargeMessage("first"));
    await on.round();
    sendMany(on, 5);
    await on.run(119_000);
    expect(on.wire.sent).toHaveLength(1);
    await on.run(10 * minute);
    expect(on.entry("order-4")?.state).toBe("approved");
    expect(on.log.eventsOf("pace_unread").length).toBeGreaterThan(0);
  });

  test("a closing whose answer was lost stands, and is written once", async () => {
    const on = timed((afterMs) => (afterMs < 100 ? says429("120") : pays()));
    on.pace.failBy((call) => (call === "replace" ? "after" : undefined));
    on.send(chargeMessage("first"));
    await on.round();
    on.pace.failBy(undefined);
    expect(on.pace.recordOf("centrobill")?.closing).toMatchObject({ because: "rate_limited" });
    expect(on.pace.calls.filter((call) => call === "replace")).toHaveLength(1);
  });
});

describe("reads of the shared record", () => {
  test("are one a second for a worker, however many charges it works", async () => {
    const on = timed(() => pays());
    sendMany(on, 200);
    await on.run(minute);
    const seconds = (on.clock.nowMs() - on.startMs) / 1_000;
    const worked = Math.max(...on.wire.sent.map(({ atMs }) => atMs - on.startMs)) / 1_000;
    expect(on.pace.calls.filter((call) => call === "read").length).toBeLessThanOrEqual(Math.ceil(worked) + 1);
    expect(seconds).toBeGreaterThan(0);
    expect(on.pace.calls).not.toContain("replace");
  });
});

describe("an account whose rate is known", () => {
  const rate = { requests: 20, perMs: 10_000 };

  test("no stretch has more requests than are allowed, on however many workers", async () => {
    const on = timed(() => pays(), undefined, { policy: { rateLimits: { centrobill: rate } } });
    sendMany(on, 120);
    await on.run(10 * minute);
    expect(on.ledger.entries().every(({ state }) => state === "approved")).toBe(true);
    const at = on.wire.sent.map(({ atMs }) => atMs).sort((a, b) => a - b);
    for (let from = 0; from + rate.requests < at.length; from++)
      expect((at[from + rate.requests] ?? 0) - (at[from] ?? 0)).toBeGreaterThanOrEqual(rate.perMs - 1_000);
    expect(receivesMax(on)).toBeLessThan(120);
  });
});
