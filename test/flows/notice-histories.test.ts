import fc from "fast-check";
import { expect, test } from "vitest";
import { isFinal, type LedgerEntry } from "../../lib/core/ledger.ts";
import { receiveNotice } from "../../lib/flows/receive-notice.ts";
import { centrobillNotices } from "../../lib/gateways/centrobill/notice.ts";
import { memoryLog } from "../doubles/memory-log.ts";
import { chargeMessage } from "../doubles/samples.ts";
import { type Act, paysUnheard, swallows } from "../doubles/scripted-bank.ts";
import { testGateway } from "../doubles/worker.ts";
import { centrobillPayload, sameText, secret, sha256, signedCentrobill } from "../gateways/notices.ts";
import { stage } from "./stage.ts";

/** What the gateway did with the one charge that arrived, and whether anybody heard it. */
type Truth = "captured" | "declined" | "captured, with another amount" | "never arrived";
/** A notice of it: when it comes after the charge was sent, how often, and whether it is what the gateway wrote. */
type Coming = {
  readonly what: "genuine" | "pending" | "refund" | "forged" | "another's signature" | "another amount";
  readonly afterMs: number;
  readonly copies: number;
};

const minute = 60_000;
const transaction = { transactionId: "1001", orderId: "2001" };
const actOf: Readonly<Record<Truth, Act>> = {
  captured: paysUnheard({ payment: transaction }),
  declined: paysUnheard({ status: "fail", code: 5005, payment: transaction }),
  "captured, with another amount": paysUnheard({ payment: { ...transaction, amount: 20 } }),
  "never arrived": swallows,
};
const coming = fc.record<Coming>({
  what: fc.constantFrom(
    "genuine",
    "genuine",
    "pending",
    "refund",
    "forged",
    "another's signature",
    "another amount",
  ),
  afterMs: fc.oneof(fc.nat({ max: 60_000 }), fc.nat({ max: 90 * minute })),
  copies: fc.integer({ min: 1, max: 3 }),
});
const history = fc.record({
  truth: fc.constantFrom<Truth>(
    "captured",
    "captured",
    "declined",
    "captured, with another amount",
    "never arrived",
  ),
  comings: fc.array(coming, { maxLength: 5 }),
  feed: fc.boolean(),
  /** every so many writes of the ledger fail, before or after they took hold; 0: none */
  failEvery: fc.constantFrom(0, 0, 3, 5),
  failHow: fc.constantFrom("before" as const, "after" as const),
});

test("whatever notices come, early, late, twice, forged or never: no promise is broken", async () => {
  const ended: Record<string, number> = {};
  await fc.assert(
    fc.asyncProperty(history, async ({ truth, comings, feed, failEvery, failHow }) => {
      const s = stage({
        bank: [actOf[truth], swallows, swallows, swallows, swallows],
        gateway: testGateway({ feed }),
        // What never arrived is a person's: a send that nobody planned would end the history.
        policy: { afterAbsence: "review" },
        ledgerFault: (_what, nth) => (failEvery > 0 && nth % failEvery === 0 ? failHow : undefined),
      });
      const desk = centrobillNotices({ secrets: [secret], sha256, sameText });
      const log = memoryLog();
      const comes = async (request: ReturnType<typeof signedCentrobill>): Promise<number> => {
        const { status } = await receiveNotice({ ...request, atMs: s.clock.nowMs() }, desk, {
          notices: s.notices,
          wakeUps: { send: async (wakeUp) => s.send(JSON.stringify(wakeUp), "unknown-outcomes") },
          log,
          recent: new Set(),
        });
        return status;
      };
      const notify = async ({ what }: Coming): Promise<void> => {
        const requestId = s.entry()?.requestId ?? "";
        const word = truth === "declined" ? { status: "fail", code: 5005 } : {};
        const amount = truth === "captured, with another amount" ? { amount: 20 } : {};
        const own = { ...transaction, ...word, ...amount };
        switch (what) {
          case "forged": {
            const made = signedCentrobill(centrobillPayload(transaction, { requestId }), "guessed");
            expect(await comes(made)).toBe(401);
            return;
          }
          case "another's signature":
            // Of a charge that was captured, seen before: its notice came first, as it does.
            await comes(
              signedCentrobill(
                centrobillPayload({ transactionId: "7" }, { chargeId: "other-1", requestId: "r" }),
              ),
            );
            s.clock.advance(5);
            await comes(
              signedCentrobill(centrobillPayload({ transactionId: "7", mode: "settle" }, { requestId })),
            );
            return;
        }
        // The rest is about what arrived.
        if (truth === "never arrived") return;
        if (what === "refund") {
          if (truth === "declined") return;
          const refund = {
            action: "credit",
            mode: "refund",
            transactionId: "9",
            parentTransactionId: "1001",
          };
          await comes(signedCentrobill(centrobillPayload(refund, { requestId })));
        } else if (what === "pending")
          await comes(
            signedCentrobill(centrobillPayload({ ...own, status: "pending", code: 0 }, { requestId })),
          );
        else if (what === "another amount")
          await comes(
            signedCentrobill(centrobillPayload({ ...own, amount: 1, mode: "settle" }, { requestId })),
          );
        else await comes(signedCentrobill(centrobillPayload(own, { requestId })));
      };

      s.send(chargeMessage("order-1"));
      await s.run(1);
      const planned = comings
        .flatMap((one) =>
          Array.from({ length: one.copies }, (_, n) => ({ one, atMs: one.afterMs + n * 700 })),
        )
        .sort((a, b) => a.atMs - b.atMs);
      const startMs = s.clock.nowMs();
      for (const { one, atMs } of planned) {
        await s.run(Math.max(1, startMs + atMs - s.clock.nowMs()));
        await notify(one);
      }
      await s.run();

      const entry = s.entry() as LedgerEntry;
      ended[`${truth}: ${entry.state}`] = (ended[`${truth}: ${entry.state}`] ?? 0) + 1;
      expect(isFinal(entry) || entry.state === "review", entry.state).toBe(true);
      expect(s.bank.capturesOf("order-1")).toBeLessThanOrEqual(1);
      // S9, S10, S11
      if (entry.state === "approved") expect(truth).toBe("captured");
      if (entry.state.startsWith("declined")) expect(truth).toBe("declined");
      // S4, S15: from the first final state on nothing is written.
      const versions = s.ledger.versionsOf("order-1");
      const firstFinal = versions.findIndex(isFinal);
      if (firstFinal !== -1) expect(versions.slice(firstFinal)).toHaveLength(1);
      // S8: a route id always tells the same, and the end is told.
      const told = new Map<string, string>();
      for (const message of s.told()) {
        const text = JSON.stringify({ ...message, charge: null, description: null });
        expect(told.get(message.id) ?? text).toBe(text);
        told.set(message.id, text);
      }
      expect([...told.keys()]).toContain(`order-1#1#${entry.state}`);
      // What was given back is told, whatever became of the charge.
      const refunded = comings.some(({ what }) => what === "refund") && /^captured/.test(truth);
      expect([...told.keys()].includes("order-1#1#review#9.success.credit.refund")).toBe(refunded);
    }),
    { numRuns: 400, seed: 20_261_122 },
  );
  // Every kind of end was met, or the property said nothing.
  expect(Object.keys(ended).sort()).toEqual(
    expect.arrayContaining([
      "captured, with another amount: review",
      "captured: approved",
      "declined: declined_retryable",
      "never arrived: review",
    ]),
  );
}, 120_000);
