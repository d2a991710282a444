import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { charge, runCommand, startCommand, testFolder, writeLines } from "./command.ts";

const review = (dataDir: string, ...args: readonly string[]) =>
  runCommand(["review", ...args, "--data-dir", dataDir]);
const decide = (
  dataDir: string,
  chargeId: string,
  decision: string,
  by: string,
  ...more: readonly string[]
) => review(dataDir, "decide", chargeId, decision, "--by", by, "--reason", `because of ${by}`, ...more);
const jsonOf = (stdout: string): Record<string, unknown> => JSON.parse(stdout) as Record<string, unknown>;

describe("review", () => {
  test("wrong usage: what and where, and nothing is opened", async () => {
    const folder = testFolder();
    const wrong: readonly (readonly [string[], string])[] = [
      [["list"], "which ledger?"],
      [["list", "--reason", "sad"], "--reason sad: no such reason"],
      [["list", "--gateway", "bank"], "--gateway bank: no such gateway"],
      [["list", "--older-than", "6"], "--older-than 6: must be a number with s, m, h or d"],
      [["list", "--min-money", "1e3"], "--min-money 1e3: must be an amount"],
      [["list", "--limit", "0"], "--limit 0: must be a whole number"],
      [["show", "no/id"], "charge id: must be 1 to 64 characters"],
      [["show", "a", "--data-dir", folder], "no run has kept its state there"],
      [["decide", "a", "pay-it", "--by", "Ann", "--reason", "so"], "decision: must be one of"],
      [["decide", "a", "drop"], "--by: is not given"],
      [["decide", "a", "drop", "--by", "Ann"], "--reason: is not given"],
      [
        ["decide", "a", "drop", "--by", "Ann", "--reason", "4111 1111 1111 1111"],
        "--reason: must not hold a card number",
      ],
      [[], "review: needs list, show, decide, verify or redrive, or --web"],
      [["nonsense"], "review: nonsense: no such subcommand; there are list, show, decide, verify, redrive"],
      [["nonsense", "--data-dir", folder], "review: nonsense: no such subcommand"],
      [["--web", "list2"], "review: list2: no such subcommand"],
      [["--web"], "which ledger?"],
      [["--web", "--port", "http"], "--port http: must be 0 to 65535"],
      [["--web", "--port", "65536"], "--port 65536: must be 0 to 65535"],
      [["--web", "--by", "4111 1111 1111 1111"], "--by: must not hold a card number"],
      [["--web", "--data-dir", folder], "no run has kept its state there"],
      // Before the subcommand's name they would be the web desk's, and the subcommand would work on another ledger.
      [["--data-dir", folder, "list"], "review: --data-dir must come behind list"],
      [["--env-file", "x", "--json", "decide", "a"], "review: --json, --env-file must come behind decide"],
      [["list", "--data-dir", folder, "--env-file", "x"], "--data-dir and --env-file name two ledgers"],
      [["show", "a", "--data-dir", folder, "--env-file", "x"], "--data-dir and --env-file name two ledgers"],
      [["redrive", "approved"], "queue: must be one of charges-dlq"],
      [["redrive", "charges-dlq", "--per-second", "0"], "--per-second 0: must be 1 to 9999"],
      [["verify", "--against", join(folder, "none"), "--data-dir", folder], "no such file or folder"],
    ];
    for (const [args, problem] of wrong) {
      const { status, stdout, stderr } = await runCommand(["review", ...args]);
      expect({ status, stdout }, args.join(" ")).toEqual({ status: 2, stdout: "" });
      expect(stderr).toContain(problem);
      expect(stderr).not.toContain("4111");
    }
  });

  test("a run's reviews are listed, shown, decided by two people, carried out by the next run, and verified", async () => {
    const folder = testFolder();
    const dataDir = join(folder, "state");
    const policy = join(folder, "p.json");
    writeFileSync(policy, JSON.stringify({ afterAbsence: "review", requestIdLifeMs: 3_000 }));
    const charges = writeLines(join(folder, "c.ndjson"), [
      charge("d-ok"),
      charge("d-wrong", { metadata: { scenario: "wrong-amount" } }),
      charge("d-lost", { amount: "5000", metadata: { scenario: "timeout-twice-never-processed" } }),
    ]);
    const run = ["run", "--charges", charges, "--policy", policy, "--data-dir", dataDir, "--json"];
    expect((await runCommand(run)).status).toBe(1);

    const listed = await review(dataDir, "list", "--json");
    expect(listed.status).toBe(1);
    expect(jsonOf(listed.stdout)).toMatchObject({
      count: 2,
      waiting: expect.arrayContaining([
        expect.objectContaining({ chargeId: "d-wrong", reason: "mismatch", gateway: "centrobill" }),
        expect.objectContaining({ chargeId: "d-lost", amount: "5000", currency: "EUR" }),
      ]),
    });
    expect((await review(dataDir, "list", "--reason", "mismatch")).stdout).toMatch(/d-wrong[\s\S]*1 wait/);
    expect(await review(dataDir, "list", "--older-than", "1d")).toMatchObject({
      status: 0,
      stdout: "nothing that waits for a person is like that\n",
    });

    const shown = await review(dataDir, "show", "d-lost");
    expect(shown.status).toBe(1);
    expect(shown.stdout).toContain("the gateway says now: absent by 3 searches");
    const version = /version: (\S+)/.exec(shown.stdout)?.[1] ?? "";

    // The same in a browser: a link that works once, until the command is interrupted.
    const web = startCommand(["review", "--web", "--by", "Zoe", "--json", "--data-dir", dataDir]);
    const told = await new Promise<string>((resolve, reject) => {
      web.child.stdout?.once("data", (line: Buffer) => resolve(line.toString()));
      void web.ended.then(({ stderr }) => reject(new Error(stderr)));
    });
    const link = String(jsonOf(told)["link"]);
    const entered = await fetch(link, { redirect: "manual" });
    const page = await fetch(new URL(`${entered.headers.get("location")}charge?id=d-lost&ask=1`, link), {
      headers: { cookie: entered.headers.get("set-cookie")?.split(";")[0] ?? "" },
    });
    expect(await page.text()).toContain("absent by 3 searches");
    expect((await fetch(link, { redirect: "manual" })).status).toBe(403);
    web.child.kill("SIGINT");
    expect((await web.ended).status).toBe(0);

    const dry = await decide(dataDir, "d-lost", "new-attempt", "Ann", "--dry-run");
    expect(dry).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("would send 50.00 EUR as attempt 2"),
    });
    expect(await decide(dataDir, "d-wrong", "settle-as-declined", "Ann")).toMatchObject({
      status: 1,
      stdout: expect.stringContaining("refused (S13)"),
    });
    expect(await decide(dataDir, "d-lost", "new-attempt", "Ann", "--on", version)).toMatchObject({
      status: 1,
      stdout: expect.stringContaining("proposed: send 50.00 EUR as attempt 2"),
    });
    expect(await decide(dataDir, "d-lost", "new-attempt", "Bo", "--on", version)).toMatchObject({
      status: 1,
      stdout: expect.stringContaining("refused (version)"),
    });
    expect((await review(dataDir, "list")).stdout).toContain("new-attempt proposed");
    expect((await decide(dataDir, "d-lost", "new-attempt", "Bo")).status).toBe(0);
    const again = await decide(dataDir, "d-lost", "new-attempt", "Cy", "--json");
    expect(jsonOf(again.stdout)).toMatchObject({ verdict: { kind: "already" } });
    expect(again.status).toBe(0);
    const accepted = ["--evidence", "the customer agreed to the other amount"];
    await decide(dataDir, "d-wrong", "settle-as-approved", "Ann", ...accepted);
    expect((await decide(dataDir, "d-wrong", "settle-as-approved", "Bo")).status).toBe(0);

    expect(await review(dataDir, "redrive", "charges-dlq", "--go")).toMatchObject({
      status: 0,
      stdout: "charges-dlq: no message to put back\n",
    });
    const heads = join(folder, "heads.ndjson");
    expect(await review(dataDir, "verify", "--heads", heads)).toMatchObject({
      status: 0,
      stdout: "3 charges, 2 of them with 4 decisions and proposals: every record is whole\n",
    });

    const results = join(folder, "r.ndjson");
    await runCommand([...run, "--results", results]);
    const rows = readFileSync(results, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(rows).toMatchObject([
      { chargeId: "d-ok", outcome: "approved", attempts: 1 },
      { chargeId: "d-wrong", outcome: "approved", evidence: { kind: "stated", by: ["Ann", "Bo"] } },
      // The sandbox loses the first two sends of every request id: it is back in review, as attempt 2.
      { chargeId: "d-lost", outcome: "review", attempts: 2, sends: 4 },
    ]);
    expect(await review(dataDir, "verify", "--against", heads, "--json")).toMatchObject({ status: 0 });
    writeFileSync(heads, readFileSync(heads, "utf8").replace(/"hash":"./, '"hash":"z'));
    expect(await review(dataDir, "verify", "--against", heads)).toMatchObject({
      status: 1,
      stdout: expect.stringContaining("its record is not the one of before"),
    });
  });
});
