import { expect, test } from "vitest";
import { chargeMessage } from "../doubles/samples.ts";
import { pays, paysUnheard, swallows } from "../doubles/scripted-bank.ts";
import { stage } from "./stage.ts";

const charge = chargeMessage("order-1");

test("an approved charge is one outcome and one value of sends", async () => {
  const on = stage({ bank: [pays()] });
  on.send(charge);
  await on.round();
  expect(on.log.sumOf("ChargeOutcome", { outcome: "approved", gateway: "centrobill" })).toBe(1);
  expect(on.log.metrics.filter(({ name }) => name === "Sends")).toMatchObject([{ value: 1 }]);
});

test("a charge that expired unsent is an outcome, too, with no send", async () => {
  const on = stage();
  on.send(chargeMessage("order-1", { notAfter: "2020-01-01T00:00:00Z" }));
  await on.round();
  expect(on.log.sumOf("ChargeOutcome", { outcome: "expired" })).toBe(1);
  expect(on.log.metrics.filter(({ name }) => name === "Sends")).toMatchObject([{ value: 0 }]);
});

test("each look-up says how late it was, and a charge's sends are told once, when it has ended", async () => {
  const on = stage({ bank: [paysUnheard(), swallows] });
  on.send(charge);
  await on.run();
  expect(on.log.sumOf("ChargeOutcome", { outcome: "approved" })).toBe(1);
  expect(on.log.metrics.filter(({ name }) => name === "Sends")).toMatchObject([{ value: 2 }]);
  const lags = on.log.metrics.filter(({ name }) => name === "LookupLagMs");
  expect(lags).toHaveLength(on.log.sumOf("Lookups"));
  expect(lags.length).toBeGreaterThan(0);
  for (const { value } of lags) expect(value).toBeGreaterThanOrEqual(0);
});
