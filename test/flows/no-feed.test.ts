import { describe, expect, test } from "vitest";
import type { Policy } from "../../lib/core/policy.ts";
import { chargeMessage } from "../doubles/samples.ts";
import { type Act, pays, pends, says, swallows } from "../doubles/scripted-bank.ts";
import { testGateway } from "../doubles/worker.ts";
import { stage } from "./stage.ts";

const charge = chargeMessage("order-1");
const fault = says(500);
const gateway = testGateway({ feed: false });

/** The gateway cannot be asked: one same-id resend, then nothing but a person. */
describe("without a feed", () => {
  test.each<
    readonly [acts: readonly Act[], policy: Partial<Policy>, outcome: string, sends: number, why: string]
  >([
    [[pays()], {}, "approved", 1, "an answer needs no feed"],
    [[swallows, pays()], {}, "approved", 2, "the one resend is answered"],
    [[swallows, swallows], {}, "review", 2, "the one resend was made; then the horizon"],
    [[says(429), pays()], {}, "approved", 2, "not resent by the worker, so once by the resolver"],
    [[says(429), swallows], {}, "review", 2, "and no more than once"],
    [[fault, pays()], {}, "approved", 2, "a documented fault has resends of its own"],
    [[fault, fault, fault, fault, swallows], {}, "review", 5, "three for the fault, one for the silence"],
    [[pends()], {}, "review", 1, "accepted: not to be sent again, a notice may come"],
    [[swallows], { resendsMax: 0 }, "review", 1, "the policy wants none"],
    [[says(429)], { requestIdLifeMs: 30_000 }, "review", 1, "past the key life (S3)"],
  ])("$2: $4", async (acts, policy, outcome, sends, why) => {
    const on = stage({ bank: acts, gateway, policy });
    on.send(charge);
    await on.run();
    expect(on.told(), why).toMatchObject([{ outcome }]);
    expect(on.wire.posts(), why).toHaveLength(sends);
    expect(new Set(on.wire.posts().map(({ requestId }) => requestId)).size, why).toBe(1);
    expect(on.wire.gets(), "nobody to ask").toStrictEqual([]);
    if (outcome !== "review") return;
    expect(on.told(), why).toMatchObject([
      { reason: "lookups_used_up", evidence: { kind: "lookups", made: 0 } },
    ]);
    expect(on.entry()?.updatedAtMs, "not before the horizon").toBeGreaterThanOrEqual(on.startMs + 86_400_000);
  });

  test("an attempt whose worker died is sent once more, within its key life and under its lease", async () => {
    const on = stage({
      bank: [pays()],
      gateway,
      ledgerFault: (what, nth) => (nth === 1 && what === "open opened" ? "after" : undefined),
    });
    on.send(charge);
    await on.run();
    expect(on.told()).toMatchObject([{ outcome: "approved" }]);
    expect(on.wire.posts()).toHaveLength(1);
    expect(on.wire.posts()[0]?.notAfterMs).toBeLessThanOrEqual(on.startMs + 810_000);
  });
});
