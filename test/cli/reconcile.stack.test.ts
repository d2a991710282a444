import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { charge, runCommand, testFolder, writeLines } from "./command.ts";

const window = (): string[] => {
  const nowMs = Date.now();
  return [
    "--from",
    new Date(nowMs - 3_600_000).toISOString(),
    "--to",
    new Date(nowMs + 3_600_000).toISOString(),
  ];
};

describe("reconcile", () => {
  test("wrong usage: what and where, and nothing is written", async () => {
    const folder = testFolder();
    const page = join(folder, "p.html");
    const wrong: readonly (readonly [string[], string])[] = [
      [[], "--from: is not given"],
      [["--from", "yesterday", "--to", "2026-11-25"], "--from yesterday: must be a time with its zone"],
      [["--from", "2026-11-25T10:00:00", "--to", "2026-11-26"], "must be a time with its zone"],
      [["--from", "2026-11-25", "--to", "2026-11-25"], "--to: must be later than --from"],
      [["--from", "2026-11-24", "--to", "2026-11-25"], "which ledger?"],
      [["--from", "2026-11-24", "--to", "2026-11-25", "--csv", page], "must name a file each"],
      [
        ["--from", "2026-11-24", "--to", "2026-11-25", "--data-dir", folder],
        "no run has kept its state there",
      ],
    ];
    for (const [args, problem] of wrong) {
      const { status, stdout, stderr } = await runCommand(["reconcile", ...args, "--html", page]);
      expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
      expect(stderr).toContain(problem);
    }
    expect(existsSync(page)).toBe(false);
  });

  test("a run's state against its sandbox: clean is 0, differences are 1, and every file tells them", async () => {
    const folder = testFolder();
    const dataDir = join(folder, "state");
    const charges = writeLines(join(folder, "c.ndjson"), [
      charge("k-1"),
      charge("k-2", { amount: "500" }),
      charge("k-3", { metadata: { scenario: "timeout-twice-after-capture" } }),
    ]);
    expect((await runCommand(["run", "--charges", charges, "--data-dir", dataDir, "--quiet"])).status).toBe(
      0,
    );
    const clean = await runCommand(["reconcile", ...window(), "--data-dir", dataDir, "--json"]);
    expect(clean).toMatchObject({ status: 0, stderr: "" });
    expect(JSON.parse(clean.stdout)).toMatchObject({
      withoutFeed: [],
      runs: [
        {
          gateway: "centrobill",
          complete: true,
          feedRows: 3,
          ledgerEntries: 3,
          findings: {},
          money: { EUR: { matched: "4498", unmatched: "0", unknown: "0" } },
        },
        { gateway: "centrapay", complete: true, feedRows: 0, ledgerEntries: 0, findings: {} },
      ],
    });

    const other = join(folder, "other");
    const wrong = writeLines(join(folder, "w.ndjson"), [
      charge("k-1"),
      charge("k-9", { metadata: { scenario: "wrong-amount" } }),
    ]);
    await runCommand(["run", "--charges", wrong, "--data-dir", other, "--quiet"]);
    const files = [
      "--html",
      join(folder, "p.html"),
      "--csv",
      join(folder, "f.csv"),
      "--ndjson",
      join(folder, "f.ndjson"),
    ];
    const found = await runCommand(["reconcile", ...window(), "--data-dir", other, ...files]);
    const written = ["p.html", "f.csv", "f.ndjson"].map((name) => `written: ${join(folder, name)}\n`);
    expect(found).toMatchObject({ status: 1, stderr: written.join("") });
    expect(found.stdout).toMatch(/amount_differs +1/);
    expect(readFileSync(join(folder, "p.html"), "utf8")).toContain("Amounts differ");
    expect(readFileSync(join(folder, "f.csv"), "utf8").trim().split("\r\n")).toHaveLength(2);
    expect(JSON.parse(readFileSync(join(folder, "f.ndjson"), "utf8"))).toMatchObject({
      kind: "amount_differs",
      chargeId: "k-9",
      inReview: true,
      history: expect.arrayContaining([expect.objectContaining({ e: "opened" })]),
    });
  });
});
