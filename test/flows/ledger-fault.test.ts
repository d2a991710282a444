import { describe, expect, test } from "vitest";
import { chargeMessage } from "../doubles/samples.ts";
import { declines, pays, swallows } from "../doubles/scripted-bank.ts";
import { stage } from "./stage.ts";

const charge = chargeMessage("order-1");
const leaseMs = 72_000;

/** Makes one write of the ledger go wrong: the first with these words. */
const onceAt = (words: string, fault: "before" | "after" | "again") => {
  let met = false;
  return (what: string) => {
    if (met || what !== words) return undefined;
    met = true;
    return fault;
  };
};

describe("a ledger write that fails before the send", () => {
  test("nothing is sent, and the next delivery charges", async () => {
    const on = stage({ bank: [pays()], ledgerFault: onceAt("open opened", "before") });
    on.send(charge);
    expect(await on.round()).toMatchObject([{ kind: "giveBack" }]);
    expect([on.effects, on.wire.sent]).toStrictEqual([[], []]);
    expect(on.log.eventsOf("message_failed")).toMatchObject([
      { error: expect.stringContaining("LedgerUnavailable") },
    ]);
    await on.run();
    expect(on.effects).toStrictEqual([
      "ledger opened",
      "sent",
      "ledger approved",
      "queue approved",
      "deleted",
    ]);
  });

  test("that took hold and nobody was told: nothing is sent, the lease ends, the look-ups find out (S1)", async () => {
    const on = stage({ bank: [pays()], ledgerFault: onceAt("open opened", "after") });
    on.send(charge);
    expect(await on.round()).toMatchObject([{ kind: "giveBack" }]);
    expect(on.wire.sent, "a worker that was not told does not hold the lease").toStrictEqual([]);
    await on.run(leaseMs);
    expect(on.wire.sent).toStrictEqual([]);
    await on.run();
    // Absent for certain, within the key life: sent with its own id.
    expect(on.told()).toMatchObject([{ outcome: "approved", attempt: 1 }]);
    expect(on.wire.posts()).toHaveLength(1);
    expect(on.bank.capturesOf("order-1")).toBe(1);
  });

  test("whose answer was lost and which the client sent again is known as ours: no delay at all", async () => {
    const on = stage({ bank: [pays()], ledgerFault: onceAt("open opened", "again") });
    on.send(charge);
    expect(await on.round()).toStrictEqual([{ kind: "done" }]);
    expect(on.effects).toStrictEqual([
      "ledger opened",
      "sent",
      "ledger approved",
      "queue approved",
      "deleted",
    ]);
  });
});

describe("a ledger write that fails after the send", () => {
  test("nothing is told, the lease ends, and the look-ups find the capture", async () => {
    const on = stage({ bank: [pays()], ledgerFault: onceAt("replace approved", "before") });
    on.send(charge);
    expect(await on.round()).toMatchObject([{ kind: "giveBack" }]);
    expect(on.effects).toStrictEqual(["ledger opened", "sent"]);
    await on.run(leaseMs - 1);
    expect(on.entry()?.state, "left alone while the lease lives").toBe("opened");
    await on.run();
    expect(on.told()).toMatchObject([{ outcome: "approved", evidence: { kind: "feed_row" } }]);
    expect([on.wire.posts().length, on.bank.capturesOf("order-1")]).toStrictEqual([1, 1]);
  });

  test("that took hold and nobody was told: the next delivery tells it", async () => {
    const on = stage({ bank: [pays()], ledgerFault: onceAt("replace approved", "after") });
    on.send(charge);
    expect(await on.round()).toMatchObject([{ kind: "giveBack" }]);
    expect(on.queues.accepted).toStrictEqual([]);
    await on.run();
    expect(on.effects).toStrictEqual([
      "ledger opened",
      "sent",
      "ledger has approved",
      "queue approved",
      "deleted",
    ]);
  });

  test("whose answer was lost and which the client sent again is known as ours", async () => {
    const on = stage({ bank: [pays()], ledgerFault: onceAt("replace approved", "again") });
    on.send(charge);
    expect(await on.round()).toStrictEqual([{ kind: "done" }]);
    expect(on.told()).toMatchObject([{ outcome: "approved", evidence: { kind: "reply" } }]);
  });

  test("of a decline: the look-ups find the row, and nothing is sent again", async () => {
    const on = stage({ bank: [declines(5041)], ledgerFault: onceAt("replace declined_permanent", "before") });
    on.send(charge);
    await on.run();
    expect(on.told()).toMatchObject([{ outcome: "declined_permanent", evidence: { kind: "feed_row" } }]);
    expect(on.wire.posts()).toHaveLength(1);
  });

  test("of a hand-back: taken over, certified absent, sent with its own id", async () => {
    const on = stage({
      bank: (_, nth) => (nth === 1 ? { says: { kind: "neverSent" } } : pays()),
      ledgerFault: onceAt("replace waiting", "before"),
    });
    on.send(charge);
    await on.run();
    expect(on.told()).toMatchObject([{ outcome: "approved", attempt: 1 }]);
    expect([on.wire.posts().length, on.bank.capturesOf("order-1")]).toStrictEqual([1, 1]);
  });
});

describe("a ledger write that fails while an unknown is worked", () => {
  test.each(["before", "after", "again"] as const)(
    "%s: the look-up is made again, the end is the same",
    async (fault) => {
      const on = stage({ bank: [swallows, swallows, pays()], ledgerFault: onceAt("replace unknown", fault) });
      on.send(charge);
      await on.run();
      expect(on.told()).toMatchObject([{ outcome: "approved" }]);
      expect(on.bank.capturesOf("order-1")).toBe(1);
      expect(new Set(on.wire.posts().map(({ requestId }) => requestId)).size).toBe(1);
    },
  );

  test.each(["before", "after"] as const)(
    "%s taking the lease for a resend: nothing is sent without it (S1)",
    async (fault) => {
      let opens = 0;
      const on = stage({
        bank: [swallows, swallows, pays()],
        ledgerFault: (what) => (what === "replace opened" && ++opens === 1 ? fault : undefined),
      });
      on.send(charge);
      await on.run();
      const leasedBeforeEachSend = on.effects.filter(
        (effect) => effect === "sent" || effect === "ledger opened",
      );
      expect(leasedBeforeEachSend.slice(0, 3)).toStrictEqual(["ledger opened", "sent", "sent"]);
      expect(leasedBeforeEachSend.slice(3)).toStrictEqual(
        on.wire.posts().length === 3 ? ["ledger opened", "sent"] : [],
      );
      expect(on.bank.capturesOf("order-1")).toBeLessThanOrEqual(1);
      expect(on.entry()?.state).toBe(on.bank.capturesOf("order-1") === 1 ? "approved" : "review");
    },
  );

  test("no read, no look-up: the whole batch comes back, and nothing is lost", async () => {
    const on = stage({ bank: [swallows, swallows, pays()] });
    on.send(charge);
    await on.round();
    let failures = 0;
    on.ledger.failBy(({ op }) => (op === "read" && ++failures <= 3 ? "before" : undefined));
    await on.run();
    expect(on.wire.gets().length).toBeGreaterThan(0);
    expect(failures).toBeGreaterThan(3);
    expect(on.told()).toMatchObject([{ outcome: "approved" }]);
  });
});
