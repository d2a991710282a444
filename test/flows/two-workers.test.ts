import { describe, expect, test } from "vitest";
import { resolveUnknowns } from "../../lib/flows/resolve-unknowns.ts";
import { submitCharges } from "../../lib/flows/submit-charge.ts";
import type { Delivery } from "../../lib/ports.ts";
import { chargeMessage } from "../doubles/samples.ts";
import { declines, pays, paysUnheard, says, swallows } from "../doubles/scripted-bank.ts";
import { type Stage, type StageOptions, stage } from "./stage.ts";

const charge = chargeMessage("order-1");
const leaseMs = 72_000;
const delivery = (body: string, receives = 1): Delivery => ({
  messageId: `other-${receives}`,
  body,
  receives,
});

/** An unknown whose look-up is due, and its message. */
const dueUnknown = async (options: StageOptions): Promise<readonly [Stage, string]> => {
  const on = stage(options);
  on.send(charge);
  await on.round();
  const [message] = on.waiting("unknown-outcomes");
  on.clock.advance(message?.inMs ?? 0);
  on.effects.length = 0;
  return [on, message?.body ?? ""];
};

describe("a worker that comes back after its lease was taken over (S7)", () => {
  test.each([
    ["approved", pays()],
    ["declined", declines(5041)],
    ["nothing", swallows],
  ] as const)("with %s: the write refuses it, and the look-ups' word counts", async (_, act) => {
    const on = stage({
      bank: (_charge, nth) => (nth === 1 ? act : nth === 2 ? paysUnheard() : swallows),
      // It freezes with the answer in its hands; meanwhile the message is delivered to another worker.
      async afterPost(nth) {
        if (nth !== 1) return;
        on.clock.advance(leaseMs + 1);
        await submitCharges([delivery(JSON.stringify(charge))], on.worker());
      },
    });
    on.send(charge);
    await on.round();
    expect(on.effects.slice(0, 4)).toStrictEqual([
      "ledger opened",
      "sent",
      "ledger has opened",
      "ledger unknown",
    ]);
    expect(on.effects.some((effect) => effect.startsWith("ledger refuses"))).toBe(true);
    expect(on.entry()).toMatchObject({ state: "unknown", reason: "worker_lost" });
    expect(on.told(), "the late worker tells nobody its own word").toStrictEqual([]);
    expect(on.log.eventsOf("lease_lost")).toHaveLength(1);
    await on.run();
    expect(on.bank.capturesOf("order-1")).toBeLessThanOrEqual(1);
    expect(on.entry()?.state === "approved").toBe(on.bank.capturesOf("order-1") === 1);
    expect(new Set(on.told().map(({ id }) => id)).size).toBe(1);
  });

  test("before it sent: not a byte leaves it any more, by its clock and the lease's end", async () => {
    const on = stage({
      bank: [pays()],
      async beforePost(nth) {
        if (nth !== 1) return;
        on.clock.advance(leaseMs + 1);
        await submitCharges([delivery(JSON.stringify(charge))], on.worker());
      },
    });
    on.send(charge);
    await on.round();
    expect(on.wire.posts()).toStrictEqual([]);
    expect(on.entry()).toMatchObject({ state: "unknown" });
    await on.run();
    expect(new Set(on.told().map(({ id }) => id))).toStrictEqual(new Set(["order-1#1#approved"]));
    expect([on.wire.posts().length, on.bank.capturesOf("order-1")]).toStrictEqual([1, 1]);
  });

  test("between its time-out and its resend: the resend does not leave", async () => {
    const on = stage({
      bank: [swallows, paysUnheard()],
      async afterPost(nth) {
        if (nth !== 1) return;
        on.clock.advance(leaseMs);
        await submitCharges([delivery(JSON.stringify(charge))], on.worker());
      },
    });
    on.send(charge);
    await on.round();
    expect(on.wire.posts()).toHaveLength(1);
    expect(on.entry()).toMatchObject({ state: "unknown", reason: "worker_lost" });
  });

  test("and nobody took it over: its own word still counts, the lease was not lost", async () => {
    const on = stage({ bank: [pays()], afterPost: () => on.clock.advance(leaseMs + 60_000) });
    on.send(charge);
    expect(await on.round()).toStrictEqual([{ kind: "done" }]);
    expect(on.entry()?.state).toBe("approved");
  });

  test("taken over early by a clock that is an hour ahead: one capture, and it is found", async () => {
    const on = stage({
      bank: [pays()],
      async afterPost(nth) {
        if (nth === 1)
          await submitCharges([delivery(JSON.stringify(charge))], on.worker(on.clock.skewed(3_600_000)));
      },
    });
    on.send(charge);
    await on.run();
    expect(on.wire.posts()).toHaveLength(1);
    expect(new Set(on.told().map(({ id }) => id))).toStrictEqual(new Set(["order-1#1#approved"]));
  });
});

describe("two workers on one message at once", () => {
  test("one opens and sends, the other leaves it alone", async () => {
    const on = stage({ bank: [pays()] });
    on.send(charge);
    const [ends, others] = await Promise.all([
      on.round(),
      submitCharges([delivery(JSON.stringify(charge))], on.worker()),
    ]);
    expect([...ends, ...others.values()].map(({ kind }) => kind).sort()).toStrictEqual(["done", "giveBack"]);
    expect(on.wire.posts()).toHaveLength(1);
  });

  test("two resolvers on one unknown: both look, one records, one outcome is told", async () => {
    const [on, body] = await dueUnknown({ bank: [paysUnheard(), swallows] });
    await Promise.all([on.round("unknown-outcomes"), resolveUnknowns([delivery(body)], on.worker())]);
    expect(on.effects.filter((effect) => effect === "ledger approved")).toHaveLength(1);
    expect(on.effects.filter((effect) => effect === "ledger refuses approved")).toHaveLength(1);
    await on.run();
    expect(on.told().map(({ id }) => id)).toStrictEqual(["order-1#1#approved"]);
    expect(on.entry()).toMatchObject({ lookups: 1 });
  });

  test("two resolvers on one fault: one leases and resends (S1)", async () => {
    const [on, body] = await dueUnknown({ bank: [says(500), pays()] });
    await Promise.all([on.round("unknown-outcomes"), resolveUnknowns([delivery(body)], on.worker())]);
    expect(on.wire.posts()).toHaveLength(2);
    expect(on.effects.filter((effect) => effect === "ledger refuses opened")).toHaveLength(1);
    await on.run();
    expect(new Set(on.told().map(({ id }) => id)).size).toBe(1);
  });

  test("two resolvers on one certificate: one leases and resends", async () => {
    const on = stage({ bank: (_, nth) => (nth <= 2 ? swallows : pays()) });
    on.send(charge);
    await on.run(32_000 + 7 * 60_000);
    const [message] = on.waiting("unknown-outcomes");
    on.clock.advance(message?.inMs ?? 0);
    await Promise.all([
      on.round("unknown-outcomes"),
      resolveUnknowns([delivery(message?.body ?? "")], on.worker()),
    ]);
    expect(on.wire.posts()).toHaveLength(3);
    expect(on.bank.capturesOf("order-1")).toBe(1);
    await on.run();
    expect(new Set(on.told().map(({ id }) => id))).toStrictEqual(new Set(["order-1#1#approved"]));
  });
});

describe("a resolver that dies with the lease", () => {
  test.each(["opened", "approved"] as const)(
    "at its write of %s: the next one takes over, looks up, ends",
    async (state) => {
      let hits = 0;
      const on = stage({
        bank: (_, nth) => (nth <= 2 ? swallows : pays()),
        policy: { requestIdLifeMs: 3_600_000 },
        ledgerFault(what) {
          if (what !== `replace ${state}`) return undefined;
          hits += 1;
          // It took hold, and the worker never heard: as if it had died right after.
          return hits === 1 ? (state === "opened" ? "after" : "before") : undefined;
        },
      });
      on.send(charge);
      await on.run();
      expect(on.told()).toMatchObject([{ outcome: "approved" }]);
      expect(on.bank.capturesOf("order-1")).toBe(1);
      expect(on.entry()?.history.some(({ e }) => e === "taken_over")).toBe(true);
    },
  );
});
