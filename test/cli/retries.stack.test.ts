import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runCommand, testFolder, writeLines } from "./command.ts";

const attempt = (at: string, outcome: string, changes: object = {}): object => ({
  chargeId: "inv-1",
  at,
  amount: "1999",
  currency: "EUR",
  outcome,
  instrument: "card-1",
  network: "visa",
  networkCode: outcome === "declined" ? "51" : undefined,
  ...changes,
});

describe("chargeonce retries simulate", () => {
  test("plays a history anew, in words and for machines", async () => {
    const folder = testFolder();
    const file = writeLines(join(folder, "history.ndjson"), [
      attempt("2026-11-01T08:00:00Z", "declined"),
      attempt("2026-11-01T20:00:00Z", "approved"),
      attempt("2026-11-02T08:00:00Z", "declined", {
        chargeId: "inv-2",
        instrument: "card-2",
        networkCode: "41",
      }),
      attempt("2026-11-03T08:00:00Z", "declined", {
        chargeId: "inv-2",
        instrument: "card-2",
        networkCode: "41",
      }),
    ]);
    const told = await runCommand(["retries", "simulate", file]);
    expect([told.status, told.stderr]).toEqual([0, ""]);
    expect(told.stdout).toContain("4 attempts of 2 charges");
    expect(told.stdout).toContain("Saved in fees: 0.10 USD");
    const machine = await runCommand(["retries", "simulate", file, "--json"]);
    expect(JSON.parse(machine.stdout)).toMatchObject({
      sent: [2, 1],
      recovered: { count: 1, money: { EUR: "1999" } },
      refused: { visa_category_1: { count: 1 } },
    });
  });

  test("a wrong line or policy is told by its place, with status 2", async () => {
    const folder = testFolder();
    const file = writeLines(join(folder, "history.ndjson"), ["{}"]);
    const wrong = await runCommand(["retries", "simulate", file]);
    expect([wrong.status, wrong.stdout]).toEqual([2, ""]);
    expect(wrong.stderr).toContain(`${file}:1: chargeId: must be there`);
    const policy = writeLines(join(folder, "policy.json"), ['{"retryScheduleMs":[]}']);
    const refused = await runCommand(["retries", "simulate", file, "--policy", policy]);
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain("retryScheduleMs: must be a list of 1 to 50");
  });
});
