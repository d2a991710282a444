import { describe, expect, test } from "vitest";
import type { LeaseToken } from "../../lib/core/charge.ts";
import { chargeMessage } from "../doubles/samples.ts";
import { paysUnheard, swallows } from "../doubles/scripted-bank.ts";
import { stage } from "./stage.ts";

const charge = chargeMessage("order-1");
/** A charge whose answer nobody heard, when its look-up is due. */
const due = async () => {
  const on = stage({ bank: [paysUnheard(), swallows] });
  on.send(charge);
  await on.round();
  on.clock.set(on.entry()?.state === "unknown" ? on.clock.nowMs() + 3_600_000 : 0);
  on.log.events.length = 0;
  return on;
};

describe("a message of an unknown that cannot be worked is given back, and said", () => {
  test("its charge is none", async () => {
    const on = stage();
    on.send(
      { v: 1, chargeId: "order-1", charge: { ...charge, amount: "1.5", currency: "EURO" } },
      "unknown-outcomes",
    );
    expect(await on.round("unknown-outcomes")).toEqual([{ kind: "giveBack", delayMs: 900_000 }]);
    const [{ error } = {}] = on.log.eventsOf("message_failed");
    expect(error).toMatch(/^charge: amount must [^;]+; currency must [^;]+$/);
  });

  test("its entry is of a version that nobody here knows, and its neighbours are worked all the same", async () => {
    const on = await due();
    on.ledger.plant("order-2", JSON.stringify({ v: 99 }));
    on.send({ v: 1, chargeId: "order-2", charge: chargeMessage("order-2") }, "unknown-outcomes");
    const ends = await on.round("unknown-outcomes");
    expect(ends.map(({ kind }) => kind)).toEqual(["done", "giveBack"]);
    expect(on.log.eventsOf("message_failed")).toMatchObject([
      { error: expect.stringMatching(/^UnreadableItem: /) },
    ]);
    expect(on.entry()?.state).toBe("approved");
  });
});

describe("while a pause of the gateway's runs", () => {
  const closed = async (because: "rate_limited" | "outage") => {
    const on = await due();
    const before = on.entry();
    await on.pace.replace("centrobill", undefined, {
      v: 1,
      version: "v" as LeaseToken,
      closing: { because, sinceMs: on.clock.nowMs(), untilMs: on.clock.nowMs() + 60_000, times: 1 },
    });
    const [end] = await on.round("unknown-outcomes");
    return { on, before, end };
  };

  test("not even a look-up is made: the message comes back when it is over, and nothing is written", async () => {
    const { on, before, end } = await closed("rate_limited");
    const delayMs = end?.kind === "giveBack" ? end.delayMs : Number.NaN;
    expect(delayMs).toBeGreaterThanOrEqual(60_000);
    expect(delayMs).toBeLessThan(61_000);
    expect(on.wire.gets()).toEqual([]);
    expect(on.entry()).toEqual(before);
  });

  test("during an outage look-ups go on", async () => {
    const { on, end } = await closed("outage");
    expect(end).toEqual({ kind: "done" });
    expect(on.entry()?.state).toBe("approved");
  });
});
