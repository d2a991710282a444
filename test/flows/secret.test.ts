import { expect, test } from "vitest";
import { chargeMessage } from "../doubles/samples.ts";
import { type Act, declines, pays, paysUnheard, says, swallows } from "../doubles/scripted-bank.ts";
import { apiKey } from "../doubles/worker.ts";
import { stage } from "./stage.ts";

const charge = chargeMessage("order-1");
const token = "0bce192c-a476-4a84-b751-e1dfad1e4723";
const cardNumber = "4111111111111111";
const loose = `key ${apiKey} token ${token} card ${cardNumber} cvv: 123`;

/** What a gateway repeats of a charge goes nowhere as it came (S12); the charge itself rides in its route alone. */
test.each<readonly [what: string, acts: readonly Act[]]>([
  ["a decline's description", [declines(5041, { description: loose })]],
  [
    "a decline's description in the feed",
    [paysUnheard({ status: "fail", code: 5041, payment: { description: loose } }), swallows],
  ],
  ["an error's message", [says(400, { message: loose, errors: { paymentAccountId: token } })]],
  ["an approval", [pays({ description: loose, source: { paymentAccountId: token, number: cardNumber } })]],
  ["a body that is not JSON", [says(201, `<html>${loose}</html>`), paysUnheard()]],
  [
    "a body that was cut",
    [says(201, `{"payment":{"source":{"paymentAccountId":"${token}","number":"${cardNumber}"`)],
  ],
  ["an answer of an unknown status", [says(418, loose)]],
])("%s", async (_, acts) => {
  const on = stage({ bank: (_charge, nth) => acts[nth - 1] ?? says(400, loose) });
  on.send(charge);
  await on.run();
  const routes = on.queues.accepted.map(({ message: { charge: _own, ...told } }) => told);
  expect(routes.length).toBeGreaterThan(0);
  const kept = JSON.stringify([on.ledger.versionsOf("order-1"), routes, on.log.events, on.log.metrics]);
  for (const secret of [apiKey, token, cardNumber, "123 "]) expect(kept).not.toContain(secret);
  expect(kept).not.toMatch(/cvv\W+\d/i);
});
