import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../lib/core/json.ts";
import { chargeMessage } from "../doubles/samples.ts";
import { type Act, declines, pays, says, swallows } from "../doubles/scripted-bank.ts";
import { stage } from "./stage.ts";

const charge = (id = "order-1"): JsonObject => chargeMessage(id);

describe("a route that is not accepted (S8)", () => {
  test.each<readonly [act: readonly Act[], outcome: string]>([
    [[pays()], "approved"],
    [[declines(5041)], "declined_permanent"],
    [[declines(5051)], "declined_retryable"],
    [[says(400)], "request_error"],
    [[swallows, swallows], "unknown"],
  ])("$1: the message stays, and its redelivery tells the same under the same id", async (acts, outcome) => {
    const on = stage({ bank: acts, queueFault: (_, nth) => (nth <= 2 ? "refused" : undefined) });
    on.send(charge());
    expect(await on.round()).toMatchObject([{ kind: "giveBack" }]);
    expect(on.entry()?.state, "the ledger has it").toBe(outcome);
    expect(on.queues.accepted).toStrictEqual([]);
    on.clock.advance(900_000);
    expect(await on.round()).toMatchObject([{ kind: "giveBack" }]);
    on.clock.advance(900_000);
    expect(await on.round()).toStrictEqual([{ kind: "done" }]);
    expect(on.queues.accepted.map(({ message }) => message.id)).toStrictEqual([`order-1#1#${outcome}`]);
    expect(on.wire.posts(), "sent no more").toHaveLength(acts.length);
  });

  test("that was accepted though its sender heard otherwise is told twice under one id", async () => {
    const on = stage({ bank: [pays()], queueFault: (_, nth) => (nth === 1 ? "untold" : undefined) });
    on.send(charge());
    await on.run();
    const told = on.told();
    expect(told.map(({ id }) => id)).toStrictEqual(["order-1#1#approved", "order-1#1#approved"]);
    expect(told[1], "word for word").toStrictEqual(told[0]);
    expect(on.wire.posts()).toHaveLength(1);
  });

  test("of an unknown's end: it stays on its own queue until somebody was told", async () => {
    let refusals = 0;
    const on = stage({
      bank: [swallows, swallows, pays()],
      queueFault: (queue) => (queue === "approved" && ++refusals <= 2 ? "refused" : undefined),
    });
    on.send(charge());
    await on.run();
    expect(refusals).toBe(3);
    expect(on.told()).toMatchObject([{ id: "order-1#1#approved" }]);
    expect(on.waiting("unknown-outcomes")).toStrictEqual([]);
  });

  test("done is said only after the queue accepted: until then the flow waits", async () => {
    let accept = (): void => {};
    const on = stage({ bank: [pays()] });
    on.queues.failBy(() => new Promise((resolve) => (accept = () => resolve(undefined))));
    on.send(charge());
    let ended = false;
    const round = on.round().then((ends) => {
      ended = true;
      return ends;
    });
    for (let turn = 0; turn < 20; turn++) await new Promise((next) => setImmediate(next));
    expect([on.entry()?.state, ended]).toStrictEqual(["approved", false]);
    accept();
    expect(await round).toStrictEqual([{ kind: "done" }]);
  });
});

describe("a batch", () => {
  const poison = [
    "",
    "{",
    "null",
    "[".repeat(60_000),
    JSON.stringify(chargeMessage("order-1", { amount: "-1" })),
    JSON.stringify(chargeMessage("unreadable")),
    JSON.stringify(chargeMessage("wire-breaks")),
  ];

  test("a poison message harms none of its neighbours, wherever it stands", async () => {
    for (const place of [0, 5, 9]) {
      for (const text of poison) {
        const on = stage({
          bank: (chargeId) => {
            // What no flow expects: a mistake of the program, in the middle of a send.
            if (chargeId === "wire-breaks") throw new TypeError("a URL with a user name or password");
            return pays();
          },
        });
        on.ledger.plant("unreadable", JSON.stringify({ v: 2 }));
        for (let index = 0; index < 10; index++) on.send(index === place ? text : charge(`good-${index}`));
        const ends = await on.round();
        expect(ends).toHaveLength(10);
        const neighbours = ends.filter((_, index) => index !== place);
        expect(neighbours, text.slice(0, 40)).toStrictEqual(Array(9).fill({ kind: "done" }));
        expect(on.queues.on("approved")).toHaveLength(9);
      }
    }
  });

  test("a send that ends in a mistake of the program may have left: unknown, not sent again", async () => {
    const on = stage({
      bank: () => {
        throw new TypeError("not an http or https URL");
      },
    });
    on.send(charge());
    expect(await on.round()).toMatchObject([{ kind: "giveBack" }]);
    expect(on.log.eventsOf("message_failed")).toMatchObject([
      { error: expect.stringContaining("TypeError") },
    ]);
    on.clock.advance(900_000);
    expect(await on.round()).toStrictEqual([{ kind: "done" }]);
    expect(on.entry()).toMatchObject({ state: "unknown", reason: "worker_lost" });
    expect(on.effects.filter((effect) => effect === "sent")).toHaveLength(1);
  });

  test("a queue that refuses one route gives back that message alone", async () => {
    const on = stage({ bank: () => pays() });
    on.queues.failBy((_, { chargeId }) => (chargeId === "order-3" ? "refused" : undefined));
    for (let index = 0; index < 10; index++) on.send(charge(`order-${index}`));
    const ends = await on.round();
    expect(ends.map(({ kind }) => kind).indexOf("giveBack")).toBe(3);
    expect(ends.filter(({ kind }) => kind === "done")).toHaveLength(9);
  });

  test("ten approvals share one request to the queue", async () => {
    const on = stage({ bank: () => pays() });
    for (let index = 0; index < 10; index++) on.send(charge(`order-${index}`));
    await on.round();
    expect(on.queues.requests).toStrictEqual([10]);
    expect(on.ledger.calls.filter(({ op }) => op !== "open" && op !== "replace")).toStrictEqual([]);
    expect(on.ledger.calls).toHaveLength(20);
  });

  test("an empty one is nothing", async () => {
    const on = stage();
    expect(await on.round()).toStrictEqual([]);
    expect(await on.round("unknown-outcomes")).toStrictEqual([]);
  });
});
