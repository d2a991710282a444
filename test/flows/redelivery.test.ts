import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../lib/core/json.ts";
import { chargeMessage } from "../doubles/samples.ts";
import { type Act, declines, pays, paysUnheard, pends, says, swallows } from "../doubles/scripted-bank.ts";
import { neverSent } from "../doubles/scripted-wire.ts";
import { testGateway } from "../doubles/worker.ts";
import { always, type Stage, stage } from "./stage.ts";

const charge = (changes: JsonObject = {}): JsonObject => chargeMessage("order-1", changes);
const leaseMs = 72_000;
const day = 86_400_000;
const week = 7 * day;

/** A charge that was opened by a worker which never came back. */
const abandoned = async (acts: readonly Act[] = []): Promise<Stage> => {
  const on = stage({
    bank: acts,
    ledgerFault: (what, nth) => (nth === 1 && what === "open opened" ? "after" : undefined),
  });
  on.send(charge());
  expect(await on.round()).toMatchObject([{ kind: "giveBack" }]);
  expect(on.entry()).toMatchObject({ state: "opened", sends: 0 });
  on.effects.length = 0;
  return on;
};

describe("a message whose charge is in another's hands", () => {
  test("is left alone while the lease lives, and hidden until it ends", async () => {
    const on = await abandoned();
    on.clock.set(on.startMs + 20_000);
    expect(await on.round()).toStrictEqual([{ kind: "giveBack", delayMs: leaseMs - 20_000 + 1_000 }]);
    expect(on.effects).toStrictEqual(["ledger has opened"]);
    expect(on.wire.sent).toStrictEqual([]);
  });

  test("is left alone at the lease's last moment, too", async () => {
    const on = await abandoned();
    on.clock.set(on.startMs + leaseMs);
    expect(await on.round()).toStrictEqual([{ kind: "giveBack", delayMs: 1_000 }]);
    expect(on.entry()?.state).toBe("opened");
  });

  test("is taken over as unknown once the lease is over: nothing is sent blindly (S2)", async () => {
    const on = await abandoned();
    on.clock.set(on.startMs + leaseMs + 1);
    expect(await on.round()).toStrictEqual([{ kind: "done" }]);
    expect(on.effects).toStrictEqual([
      "ledger has opened",
      "ledger unknown",
      "queue unknown-outcomes",
      "deleted",
    ]);
    expect(on.entry()).toMatchObject({
      state: "unknown",
      reason: "worker_lost",
      nextAct: "lookUp",
      // The dead worker may have sent and resent until the lease's last moment.
      lastSendAtMs: on.startMs + leaseMs,
      openSends: 2,
    });
    expect(on.wire.sent).toStrictEqual([]);
    expect(on.log.eventsOf("lease_taken_over")).toMatchObject([{ chargeId: "order-1" }]);
  });

  test.each<readonly [clockOff: number, state: string, why: string]>([
    [-60_000, "opened", "a clock that is behind waits longer"],
    [0, "opened", "the lease lives"],
    [60_000, "unknown", "a clock that is ahead takes it over early, and sends nothing"],
  ])("seen by a clock that is off by %i ms: %s", async (off, state, why) => {
    const on = await abandoned();
    on.clock.set(on.startMs + 30_000 + off);
    await on.round();
    expect(on.entry()?.state, why).toBe(state);
    expect(on.wire.sent, why).toStrictEqual([]);
  });
});

/** What a second delivery of the same message finds, some time later, and does. */
describe("the same message again", () => {
  test.each<
    readonly [acts: readonly Act[], afterMs: number, sends: number, id: string | undefined, why: string]
  >([
    [[pays()], 0, 1, "order-1#1#approved", "approved: told again under the same id (S8)"],
    [[pays()], week, 1, "order-1#1#approved", "and a week later"],
    [[declines(5041)], day, 1, "order-1#1#declined_permanent", "declined: told again"],
    [
      [declines(5051)],
      day,
      1,
      "order-1#1#declined_retryable",
      "retryable: no new attempt by redelivery (S2)",
    ],
    [[says(400)], day, 1, "order-1#1#request_error", "request error: told again"],
    [[pays({ amount: 1 })], day, 1, "order-1#1#review", "review: a person's turn, told again"],
    [[swallows, swallows], 0, 2, "order-1#1#unknown", "unknown: to its queue again, nothing sent"],
    [[swallows, swallows], week, 2, "order-1#1#unknown", "past the key life: nothing sent (S3)"],
    [[says(500)], 0, 1, "order-1#1#unknown", "its resend is the resolver's, not the redelivery's"],
    [[pends()], week, 1, "order-1#1#pending", "pending: to its queue again"],
  ])("$4", async (acts, afterMs, sends, id, why) => {
    const { send, round, clock, queues, wire, ledger } = stage({ bank: acts });
    send(charge());
    await round();
    const first = queues.accepted.length;
    clock.advance(afterMs);
    const writes = ledger.calls.length;
    send(charge());
    const ends = await round();
    expect(ends.at(-1), why).toStrictEqual({ kind: "done" });
    expect(wire.posts(), why).toHaveLength(sends);
    expect(wire.gets(), why).toStrictEqual([]);
    expect(
      queues.accepted.slice(first).map(({ message }) => message.id),
      why,
    ).toContain(id);
    expect(new Set(queues.accepted.map(({ message }) => message.id)).size, "one id").toBe(1);
    expect(ledger.calls.length - writes, "one write, refused").toBe(1);
  });

  test("beside the one that was never sent: one of them sends, the other tells", async () => {
    const on = stage({ bank: [{ says: neverSent() }, pays()] });
    on.send(charge());
    await on.round();
    on.clock.advance(week);
    on.send(charge());
    expect((await on.round()).map(({ kind }) => kind).sort()).toStrictEqual(["done", "giveBack"]);
    expect(on.effects).toContain("ledger refuses opened");
    await on.run();
    expect(on.told().map(({ id }) => id)).toStrictEqual(["order-1#1#approved", "order-1#1#approved"]);
    expect(on.wire.posts()).toHaveLength(1);
  });

  test.each<readonly [changes: JsonObject, why: string]>([
    [{ amount: "2000" }, "another amount"],
    [{ currency: "USD" }, "another currency"],
    [{ metadata: { order: "2" } }, "other metadata"],
    [{ notAfter: "2036-01-01T00:00:00Z" }, "another deadline"],
    [{ request: { ...(charge()["request"] as JsonObject), sku: { name: "other" } } }, "another product"],
  ])("with other content it is a request error and never a second charge: %o", async (changes, why) => {
    const { send, run, told, wire, ledger, entry } = stage({ bank: [pays()] });
    send(charge());
    await run();
    send(charge(changes));
    await run();
    expect(told().slice(1), why).toMatchObject([
      { outcome: "request_error", code: "conflicting_duplicate", chargeId: "order-1", attempt: 0 },
    ]);
    expect(wire.posts(), why).toHaveLength(1);
    expect(entry(), why).toMatchObject({ state: "approved", amount: "1999" });
    expect(ledger.rejections(), why).toMatchObject([
      {
        code: "conflicting_duplicate",
        problems: [{ field: "chargeId", must: "be new: it names a charge with another content" }],
      },
    ]);
  });

  test("with its fields in another order it is the same", async () => {
    const { send, run, told, wire } = stage({ bank: [pays()] });
    send(charge());
    await run();
    send(JSON.stringify(Object.fromEntries(Object.entries(charge()).reverse()), undefined, 2));
    await run();
    expect(told().map(({ id }) => id)).toStrictEqual(["order-1#1#approved", "order-1#1#approved"]);
    expect(wire.posts()).toHaveLength(1);
  });

  test("ten copies in one batch are one charge", async () => {
    const { send, run, bank, wire, queues } = stage({ bank: always(pays()) });
    for (let copy = 0; copy < 10; copy++) send(charge());
    await run();
    expect([wire.posts().length, bank.capturesOf("order-1")]).toStrictEqual([1, 1]);
    expect(queues.on("approved")).toHaveLength(10);
    expect(new Set(queues.on("approved").map(({ id }) => id)).size).toBe(1);
  });

  test("ten copies of which the sent one is never answered are one charge", async () => {
    const { send, run, bank, queues } = stage({
      bank: (_, nth) => (nth === 1 ? paysUnheard() : swallows),
    });
    for (let copy = 0; copy < 10; copy++) send(charge());
    await run();
    expect(bank.capturesOf("order-1")).toBe(1);
    expect(new Set(queues.accepted.map(({ message }) => message.id))).toStrictEqual(
      new Set(["order-1#1#unknown", "order-1#1#approved"]),
    );
  });
});

describe("a redrive from the dead-letter queue", () => {
  test.each<readonly [lease: string, acts: readonly Act[], why: string]>([
    ["unknown", [swallows, swallows], "an unknown of last week is looked up, never sent"],
    ["opened", [], "an attempt whose worker died last week is looked up, never sent"],
  ])("%s", async (_, acts, why) => {
    const on = acts.length === 0 ? await abandoned() : stage({ bank: acts });
    if (acts.length > 0) {
      on.send(charge());
      await on.round();
    }
    const sends = on.wire.posts().length;
    on.clock.advance(week);
    on.send(charge());
    await on.run();
    expect(on.wire.posts(), why).toHaveLength(sends);
    expect(on.entry(), why).toMatchObject({ state: "review", reason: "absent_past_key_life" });
    expect(on.wire.gets().length, why).toBeGreaterThan(1);
  });

  test("of the resolver's own message sends nothing past the key life either", async () => {
    const on = stage({ bank: [says(500)] });
    on.send(charge());
    await on.round();
    expect(on.entry()).toMatchObject({ state: "unknown", nextAct: "resend" });
    on.clock.advance(week);
    on.effects.length = 0;
    await on.run();
    expect(on.wire.posts()).toHaveLength(1);
    expect(on.effects, "no lease is taken for it either").not.toContain("ledger opened");
    expect(on.entry()).toMatchObject({ state: "review", reason: "absent_past_key_life" });
  });
});

describe("a message that was accepted, and that a stricter version refuses", () => {
  /** After this many messages the new version is there. */
  const upgraded = (act: Act): readonly [Stage, () => void] => {
    const gateway = testGateway();
    let isNew = false;
    const on = stage({
      bank: always(act),
      gateway: {
        ...gateway,
        parseRequest: (request) =>
          isNew
            ? [
                { field: "request.url", must: "be there" },
                { field: "request.sku", must: "be new" },
              ]
            : gateway.parseRequest(request),
      },
    });
    return [
      on,
      () => {
        isNew = true;
      },
    ];
  };

  test.each<readonly [state: string, act: Act]>([
    ["approved", pays()],
    ["unknown", swallows],
  ])("is no request error, and stays for a person: the charge is %s", async (state, act) => {
    const [on, upgrade] = upgraded(act);
    on.send(charge());
    await on.round();
    expect(on.entry()?.state).toBe(state);
    const [told, sent] = [on.told().length, on.wire.sent.length];
    upgrade();
    on.send(charge());
    expect(await on.round()).toMatchObject([{ kind: "giveBack" }]);
    expect(on.entry()?.state).toBe(state);
    expect(on.told().slice(told)).toStrictEqual([]);
    expect(on.wire.sent).toHaveLength(sent);
    expect(on.log.eventsOf("message_failed").at(-1)).toMatchObject({
      error: `AcceptedBefore: order-1 is ${state} in the ledger, and is refused now: request.url request.sku`,
    });
  });

  test("one that is nested without an end is refused as ever, and overflows nothing", async () => {
    const [on] = upgraded(pays());
    on.send(charge());
    await on.round();
    on.send(`{"chargeId":"order-1","deep":${"[".repeat(20_000)}${"]".repeat(20_000)}}`);
    expect(await on.round()).toStrictEqual([{ kind: "done" }]);
    expect(on.told().at(-1)).toMatchObject({ chargeId: "order-1", outcome: "request_error" });
  });

  test("with another content it is refused as ever, and so is one that is new", async () => {
    const [on, upgrade] = upgraded(pays());
    on.send(charge());
    await on.round();
    upgrade();
    on.send(charge({ amount: "1" }));
    on.send(chargeMessage("order-2", {}));
    expect(await on.round()).toStrictEqual([{ kind: "done" }, { kind: "done" }]);
    expect(
      on
        .told()
        .slice(-2)
        .map(({ chargeId, outcome }) => [chargeId, outcome]),
    ).toStrictEqual([
      ["order-1", "request_error"],
      ["order-2", "request_error"],
    ]);
  });
});
