import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../lib/core/json.ts";
import { chargeMessage } from "../doubles/samples.ts";
import { type Act, declines, pays, paysUnheard, swallows } from "../doubles/scripted-bank.ts";
import { stage } from "./stage.ts";

const minute = 60_000;
const many = 1_000;
const nameOf = (index: number): string => `order-${String(index).padStart(4, "0")}`;

/** As if a hundred workers each saw ten of them: none is narrowed, and none closes the gateway. */
const sideBySide = { closeAfterFaults: Number.POSITIVE_INFINITY, concurrencyMin: 50 };

/** A thousand charges whose first two sends get no answer; each third was captured, each third declined. */
const outage = (third: Act = pays()) => {
  const on = stage({
    bank(chargeId, nth) {
      const kind = Number(chargeId.slice(-4)) % 3;
      if (nth > 2) return third;
      if (nth === 2) return swallows;
      return kind === 0 ? paysUnheard() : kind === 1 ? paysUnheard({ status: "fail", code: 5041 }) : swallows;
    },
    concurrency: 50,
    policy: sideBySide,
  });
  for (let index = 0; index < many; index++) on.send(chargeMessage(nameOf(index)));
  return on;
};

/** Sends them all within the outage: ten by ten, side by side in real life and here in no time. */
const strike = async (on: ReturnType<typeof outage>): Promise<void> => {
  while (on.waiting("charges").some(({ inMs }) => inMs <= 0)) {
    const beganMs = on.clock.nowMs();
    await on.round();
    // As many workers at once as there are batches: the next batch began when this one did.
    on.clock.set(beganMs + 50);
  }
  on.clock.advance(40_000);
};

describe("a thousand unknowns of one outage", () => {
  test("cost one scan a round: no more requests than pages and five", async () => {
    const on = outage();
    await strike(on);
    expect(on.waiting("unknown-outcomes")).toHaveLength(many);
    expect(on.wire.gets()).toStrictEqual([]);
    on.clock.advance(2 * minute);
    await on.round("unknown-outcomes");
    const rows = Math.ceil((2 * many) / 3);
    expect(on.wire.gets().length).toBeLessThanOrEqual(Math.ceil(rows / 100) + 5);
    expect(on.ledger.calls.filter(({ op }) => op === "read")).toHaveLength(1);
    const states = Map.groupBy(on.ledger.entries(), ({ state }) => state);
    // A capture closes at once; a decline with two open sends and an absence wait for their searches.
    expect(states.get("approved")).toHaveLength(Math.ceil(many / 3));
    expect(states.get("unknown")).toHaveLength(many - Math.ceil(many / 3));
  });

  test("all end as the gateway knows them, each captured once, none lost", async () => {
    const on = outage();
    await strike(on);
    await on.run();
    const entries = on.ledger.entries();
    expect(entries).toHaveLength(many);
    for (const { chargeId, state } of entries) {
      const kind = Number(chargeId.slice(-4)) % 3;
      expect(state).toBe(kind === 1 ? "declined_permanent" : "approved");
      expect(on.bank.capturesOf(chargeId)).toBe(kind === 1 ? 0 : 1);
    }
    expect(new Set(on.told().map(({ chargeId }) => chargeId)).size).toBe(many);
    // Three rounds, and a few for stragglers, whatever the number of charges.
    expect(on.wire.gets().length).toBeLessThan(10 * (Math.ceil(many / 100) + 5));
  });

  test("unknowns that lie days apart do not make everyone read the days between", async () => {
    const on = stage({
      bank: () => swallows,
      policy: { lookupScheduleMs: [3 * 86_400_000, 6 * 86_400_000] },
    });
    on.send(chargeMessage("order-1"));
    await on.round();
    on.clock.advance(2 * 86_400_000);
    on.send(chargeMessage("order-2"));
    await on.round();
    on.clock.advance(5 * 86_400_000);
    await on.round("unknown-outcomes");
    const spans = on.wire.gets().map(({ url }) => {
      const query = new URL(url).searchParams;
      return Date.parse(query.get("dateTo") ?? "") - Date.parse(query.get("dateFrom") ?? "");
    });
    expect(spans).toHaveLength(2);
    for (const span of spans) expect(span).toBeLessThan(2 * 3_600_000);
  });
});

describe("a message of the unknown queue that cannot be worked is parked, never lost", () => {
  const routed = async (on: ReturnType<typeof stage>, id: string): Promise<JsonObject> => {
    on.send(chargeMessage(id));
    await on.round();
    const own = on.waiting("unknown-outcomes").find(({ body }) => body.includes(`"chargeId":"${id}"`));
    return JSON.parse(own?.body ?? "null") as JsonObject;
  };
  const bodies: readonly (readonly [what: string, of: (good: JsonObject) => string])[] = [
    ["not JSON", () => "{"],
    ["null", () => "null"],
    ["a text", () => '"order-1"'],
    ["of another version", (good) => JSON.stringify({ ...good, v: 2 })],
    ["without a charge", ({ charge: _, ...rest }) => JSON.stringify(rest)],
    ["about another charge", (good) => JSON.stringify({ ...good, chargeId: "order-2" })],
    ["with a charge that is none", (good) => JSON.stringify({ ...good, charge: { chargeId: "order-1" } })],
    [
      "of a gateway that is not here",
      (good) => JSON.stringify({ ...good, charge: chargeMessage("order-1", { gateway: "centrapay" }) }),
    ],
    [
      "that the ledger does not know",
      (good) => JSON.stringify({ ...good, chargeId: "order-9", charge: chargeMessage("order-9") }),
    ],
    [
      "with another content",
      (good) => JSON.stringify({ ...good, charge: chargeMessage("order-1", { amount: "5" }) }),
    ],
  ];
  test.each(bodies)("%s", async (_, of) => {
    const on = stage({ bank: () => swallows });
    const good = await routed(on, "order-1");
    on.send(of(good), "unknown-outcomes");
    expect(await on.round("unknown-outcomes")).toStrictEqual([{ kind: "giveBack", delayMs: 900_000 }]);
    expect(on.log.eventsOf("message_failed")).toHaveLength(1);
    expect([on.wire.gets(), on.told()]).toStrictEqual([[], []]);
  });

  test("among a hundred good ones it harms none", async () => {
    const on = stage({
      bank: (_, nth) => (nth === 1 ? paysUnheard() : swallows),
      concurrency: 50,
      policy: sideBySide,
    });
    for (let index = 0; index < 100; index++) on.send(chargeMessage(nameOf(index)));
    while (on.waiting("charges").length > 0) await on.round();
    for (const [, of] of bodies.slice(0, 3)) on.send(of({}), "unknown-outcomes");
    on.clock.advance(20 * minute);
    const ends = await on.round("unknown-outcomes");
    expect(ends.filter(({ kind }) => kind === "done")).toHaveLength(100);
    expect(ends.filter(({ kind }) => kind === "giveBack")).toHaveLength(3);
  });

  test("an entry that this version cannot read harms none of the others", async () => {
    const on = stage({ bank: (_, nth) => (nth === 1 ? paysUnheard() : swallows), policy: sideBySide });
    for (let index = 0; index < 40; index++) on.send(chargeMessage(nameOf(index)));
    while (on.waiting("charges").length > 0) await on.round();
    const unreadable = on.ledger.entryOf(nameOf(27));
    on.ledger.plant(nameOf(27), JSON.stringify({ v: 2 }));
    on.clock.advance(10 * minute);
    const ends = await on.round("unknown-outcomes");
    expect(ends.filter(({ kind }) => kind === "done")).toHaveLength(39);
    expect(on.log.eventsOf("message_failed")).toMatchObject([{ error: expect.stringContaining(nameOf(27)) }]);
    on.ledger.plant(nameOf(27), JSON.stringify(unreadable));
    await on.run();
    expect(new Set(on.queues.on("approved").map(({ chargeId }) => chargeId)).size, "not lost").toBe(40);
  });

  test("the same unknown twice in one batch is looked up once; the copy sees the result", async () => {
    const on = stage({ bank: [paysUnheard(), swallows] });
    const good = await routed(on, "order-1");
    on.send(good, "unknown-outcomes");
    on.clock.advance(2 * minute);
    expect((await on.round("unknown-outcomes")).map(({ kind }) => kind)).toStrictEqual(["done", "giveBack"]);
    expect(on.wire.gets()).toHaveLength(1);
    await on.run();
    expect(on.told().map(({ id }) => id)).toStrictEqual(["order-1#1#approved", "order-1#1#approved"]);
  });

  test("one that came early waits for its time, with nobody asked", async () => {
    const on = stage({ bank: () => swallows });
    const good = await routed(on, "order-1");
    on.send(good, "unknown-outcomes");
    expect(await on.round("unknown-outcomes")).toStrictEqual([
      { kind: "giveBack", delayMs: 60_000 - 30_000 },
    ]);
    expect(on.wire.gets()).toStrictEqual([]);
  });

  test("an unknown in another resolver's hands is left alone while that lease lives", async () => {
    const on = stage({
      bank: (_, nth) => (nth === 3 ? declines(5041) : swallows),
      ledgerFault: (what) => (what === "replace declined_permanent" ? "before" : undefined),
    });
    const good = await routed(on, "order-1");
    await on.run(8.2 * minute);
    expect(on.entry()?.state).toBe("opened");
    on.send(good, "unknown-outcomes");
    const ends = await on.round("unknown-outcomes");
    expect(ends.every(({ kind }) => kind === "giveBack")).toBe(true);
    expect(on.entry()?.state).toBe("opened");
  });
});
