import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { charge, readRows, runCommand, shortPolicy, testFolder, writeLines } from "./command.ts";

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
    const policy = writeLines(join(folder, "policy.json"), ['{"retryScheduleMs":[-1]}']);
    const refused = await runCommand(["retries", "simulate", file, "--policy", policy]);
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain("retryScheduleMs: must be a list of up to 50");
  });
});

describe("a run whose policy names a schedule of later attempts", () => {
  test("tries again what time may heal, and ends when each charge has its last word", async () => {
    const folder = testFolder();
    const declining = (id: string, scenario: string) =>
      charge(id, { instrument: { ref: id, network: "visa" }, metadata: { scenario } });
    const charges = writeLines(join(folder, "charges.ndjson"), [
      declining("heals", "decline-insufficient-funds-then-approve"),
      declining("stays", "decline-insufficient-funds"),
      declining("lost", "decline-lost"),
      charge("pays"),
    ]);
    const policy = writeLines(join(folder, "policy.json"), [
      JSON.stringify({ ...shortPolicy, retryScheduleMs: [200, 300], attemptsMax: 3 }),
    ]);
    const results = join(folder, "results.ndjson");
    const data = join(folder, "data");
    const ran = await runCommand([
      "run",
      ...["--charges", charges, "--policy", policy, "--results", results, "--data-dir", data, "--quiet"],
    ]);
    expect(ran.stderr).toBe("");
    expect(ran.status).toBe(0);
    const rows = Object.fromEntries(readRows(results).map((row) => [row.chargeId, row]));
    expect(rows["heals"]).toMatchObject({ outcome: "approved", attempts: 2 });
    expect(rows["stays"]).toMatchObject({ outcome: "declined_retryable", attempts: 3 });
    expect(rows["lost"]).toMatchObject({ outcome: "declined_permanent", attempts: 1 });
    expect(rows["pays"]).toMatchObject({ outcome: "approved", attempts: 1 });

    const shown = await runCommand(["show", "stays", "--data-dir", data]);
    expect(shown.stdout).toContain("no attempt after attempt 3: attempts_used_up");
    expect((await runCommand(["show", "lost", "--data-dir", data])).stdout).toMatch(
      /instrument lost: closed since .* by lost's 41 \(visa_category_1\)/,
    );

    // And what they brought.
    const [html, lines] = [join(folder, "page.html"), join(folder, "meter.ndjson")];
    const told = await runCommand([
      "retries",
      "report",
      "--data-dir",
      data,
      "--html",
      html,
      "--ndjson",
      lines,
    ]);
    expect([told.status, told.stderr]).toEqual([0, `written: ${html}\nwritten: ${lines}\n`]);
    expect(told.stdout).toContain("4 charges; 1 recovered by a later attempt: 19.99 EUR");
    expect(told.stdout).toContain("closed instruments: 1 by visa_category_1");
    expect(readFileSync(html, "utf8")).toContain("Recovered EUR, by attempt");
    expect(readFileSync(lines, "utf8")).toContain('"because":"attempts_used_up"');
    const machine = await runCommand(["retries", "report", "--data-dir", data, "--json"]);
    expect(JSON.parse(machine.stdout)).toMatchObject({
      attempts: [
        { attempt: 1, made: 4, approved: 1 },
        { attempt: 2, made: 2, approved: 1, money: { EUR: "1999" } },
        { attempt: 3, made: 1, approved: 0 },
      ],
      recovered: { count: 1 },
      unreadable: 0,
    });
  });
});
