import { afterAll, beforeAll, expect, test } from "vitest";
import { chargeMessage } from "../doubles/samples.ts";
import { until } from "../local/until.ts";
import { type FunctionStand, functionStand } from "./function-stand.ts";

let stand: FunctionStand;
beforeAll(async () => {
  stand = await functionStand();
});
afterAll(() => stand.close());

test("the deployed gauge-money reads what waits from the index and the ledger, and tells it as metrics", async () => {
  const submit = await stand.start("submit-charges");
  await stand.send(
    "charges",
    [0, 1].map((index) =>
      JSON.stringify(chargeMessage(`u-${index}`, { metadata: { scenario: "timeout-twice-after-capture" } })),
    ),
  );
  await submit.invoke("charges", await stand.receive("charges", 2));
  const gauge = await stand.start("gauge-money");
  const { LEDGER_TABLE = "" } = stand.env;
  // It needs the table and nothing else: no queue, no credential.
  const alone = await stand.start("gauge-money", {
    ...Object.fromEntries(
      Object.keys(stand.env)
        .filter((name) => /QUEUE|CENTRO/.test(name))
        .map((name) => [name, ""]),
    ),
    LEDGER_TABLE,
  });
  for (const started of [gauge, alone]) {
    await until("the index has them", async () => {
      const end = await started.process.invoke({}, 10_000);
      expect(end).toMatchObject({ kind: "returned" });
      return started.lines.some(
        (line) => line.includes('"event":"backlog_read"') && line.includes('"count":2'),
      );
    });
    const lines = started.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toContainEqual(
      expect.objectContaining({ function: "gauge-money", state: "unknown", age: "all", BacklogCharges: 2 }),
    );
    expect(lines).toContainEqual(
      expect.objectContaining({ state: "unknown", age: "all", currency: "EUR", BacklogMoney: 2 * 1999 }),
    );
  }
});

test("without a table it does not start, and says so", async () => {
  await expect(stand.start("gauge-money", { LEDGER_TABLE: "" })).rejects.toThrow("exit status 1");
});
