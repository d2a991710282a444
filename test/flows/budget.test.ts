import { describe, expect, test } from "vitest";
import type { Policy } from "../../lib/core/policy.ts";
import { submitCharges } from "../../lib/flows/submit-charge.ts";
import { chargeMessage } from "../doubles/samples.ts";
import { type Act, declines, pays } from "../doubles/scripted-bank.ts";
import { neverSent } from "../doubles/scripted-wire.ts";
import { stage } from "./stage.ts";

const hour = 3_600_000;
const on = (id: string, network = "mastercard", changes: object = {}) =>
  chargeMessage(id, { instrument: { ref: "card-1", network }, ...changes });
const recordOf = (one: ReturnType<typeof stage>, merchant = "all") =>
  one.ledger.instruments.read({ merchant, ref: "card-1" });

/** A stage on which `count` charges of one card were sent, each with this answer. */
const stageAfter = async (count: number, act: Act, network = "mastercard", policy: Partial<Policy> = {}) => {
  const one = stage({ bank: () => act, policy });
  for (let at = 0; at < count; at++) {
    one.send(on(`before-${at}`, network));
    await one.round();
  }
  return one;
};

describe("the budget of an instrument", () => {
  test("is taken in the write that opens the attempt, before the first byte (S1)", async () => {
    const one = await stageAfter(1, pays());
    expect(one.effects).toEqual([
      "instrument read",
      "instrument and ledger opened",
      "sent",
      "ledger approved",
      "queue approved",
      "deleted",
    ]);
    expect((await recordOf(one))?.spends).toMatchObject([{ money: "1999 EUR" }]);
  });

  test("a charge without an instrument has none, and no write more", async () => {
    const one = stage({ bank: [pays()] });
    one.send(chargeMessage("order-1"));
    await one.round();
    expect(one.effects).toEqual(["ledger opened", "sent", "ledger approved", "queue approved", "deleted"]);
  });

  test("the eleventh in a day is not sent: it is told when there is room again", async () => {
    const one = await stageAfter(10, declines(5005));
    one.send(on("order-11"));
    await one.round();
    expect(one.wire.posts()).toHaveLength(10);
    expect(one.told().at(-1)).toMatchObject({
      outcome: "declined_retryable",
      category: "limit_reached",
      code: "network_limit",
      evidence: { kind: "network_limit", limit: "mastercard_24_hours" },
      retry: { advice: "later", notBefore: new Date(one.startMs + 24 * hour + 1_020_000).toISOString() },
    });
    expect(one.entry("order-11")).toMatchObject({ state: "declined_retryable", sends: 0 });
    expect((await recordOf(one))?.spends).toHaveLength(10);
    const refusals = one.log.metrics.filter(({ name }) => name === "BudgetRefusals");
    expect(refusals).toMatchObject([
      { value: 1, members: { gateway: "centrobill", reason: "network_limit" } },
    ]);
    // And then there is.
    one.clock.set(one.startMs + 24 * hour + 1_020_000);
    one.send(on("order-12"));
    await one.round();
    expect(one.wire.posts()).toHaveLength(11);
  });

  test("a second message of a refused charge tells the same, and takes nothing", async () => {
    const one = await stageAfter(10, declines(5005));
    for (let copy = 0; copy < 2; copy++) {
      one.send(on("order-11"));
      await one.round();
    }
    const [first, second] = one.told().slice(-2);
    expect(second).toEqual(first);
  });

  test("with each gateway a merchant of its own its account has its own counts", async () => {
    const one = await stageAfter(1, declines(5005), "mastercard", { budgetBy: "gateway" });
    expect(await recordOf(one)).toBeUndefined();
    expect((await recordOf(one, "centrobill"))?.spends).toHaveLength(1);
  });

  test("a place is given back when the attempt was never sent, and taken again when it is", async () => {
    let sends = 0;
    const one = stage({ bank: () => (++sends === 1 ? { says: neverSent("refused") } : pays()) });
    one.send(on("order-1"));
    await one.round();
    expect(one.entry()?.state).toBe("waiting");
    expect((await recordOf(one))?.spends).toEqual([]);
    await one.run();
    expect(one.entry()?.state).toBe("approved");
    expect((await recordOf(one))?.spends).toHaveLength(1);
  });

  test("what waits to be sent and finds the count full is told, and not sent", async () => {
    const one = stage({
      bank: (chargeId, nth) =>
        chargeId === "order-1" && nth < 20 ? { says: neverSent("refused") } : declines(5005),
    });
    one.send(on("order-1"));
    await one.round();
    for (let at = 0; at < 10; at++) {
      one.send(on(`other-${at}`));
      await one.round();
    }
    const sent = one.wire.posts().length;
    await one.run();
    expect(one.wire.posts()).toHaveLength(sent);
    expect(one.entry()).toMatchObject({ state: "declined_retryable", evidence: { kind: "network_limit" } });
  });

  test("a worker that comes late finds the last place taken by another's transaction, and asks again", async () => {
    const one = await stageAfter(9, declines(5005));
    const [first, second] = [one.worker(), one.worker()];
    const deliver = (id: string) => [{ messageId: id, body: JSON.stringify(on(id)), receives: 1 }];
    await Promise.all([submitCharges(deliver("a"), first), submitCharges(deliver("b"), second)]);
    expect(one.wire.posts()).toHaveLength(10);
    expect(one.effects).toContain("instrument and ledger contended");
  });
});

describe("a closed instrument", () => {
  test("is never charged again, for any charge", async () => {
    const one = await stageAfter(1, declines(5041), "visa");
    expect(await recordOf(one)).toMatchObject({ closed: { chargeId: "before-0", rule: "visa_category_1" } });
    one.clock.set(one.startMs + 400 * 24 * hour);
    one.send(on("order-2", "visa", { amount: "5" }));
    await one.round();
    expect(one.wire.posts()).toHaveLength(1);
    expect(one.told().at(-1)).toMatchObject({
      outcome: "declined_permanent",
      category: "never_approved",
      code: "instrument_closed",
      retry: { advice: "never" },
      evidence: { kind: "instrument_closed", byChargeId: "before-0", rule: "visa_category_1", code: "41" },
    });
    const refusals = one.log.metrics.filter(({ name }) => name === "BudgetRefusals");
    expect(refusals.map(({ members }) => members)).toEqual([
      { gateway: "centrobill", reason: "instrument_closed" },
    ]);
  });

  test("is closed in the write that records the decline", async () => {
    const one = await stageAfter(1, declines(5041), "visa");
    expect(one.effects).toContain("instrument and ledger declined_permanent");
  });

  test("new data is a new reference, and is charged", async () => {
    const one = await stageAfter(1, declines(5041), "visa");
    one.send(chargeMessage("order-2", { instrument: { ref: "card-2", network: "visa" } }));
    await one.round();
    expect(one.wire.posts()).toHaveLength(2);
  });
});
