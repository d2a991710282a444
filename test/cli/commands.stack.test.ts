import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { GetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import { buildApp } from "fauxqs";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type Stack, startStack } from "../../infra/local/stack.ts";
import {
  charge,
  readRows,
  runCommand,
  shortPolicy,
  startCommand,
  testFolder,
  writeLines,
} from "./command.ts";
import { startOutsideGateway } from "./outside-gateway.ts";

describe("commands on an endpoint of somebody else", () => {
  let stack: Stack;
  let env: Record<string, string>;
  beforeAll(async () => {
    stack = await startStack({ env: {}, bundlesDir: ".", functions: [] });
    env = Object.fromEntries(Object.entries(stack.env).filter(([name]) => name.startsWith("AWS_")));
  });
  afterAll(() => stack.close());

  const waiting = async (queueUrl: string): Promise<number> => {
    const { Attributes } = await stack.sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl: queueUrl,
        AttributeNames: ["ApproximateNumberOfMessages"],
      }),
    );
    return Number(Attributes?.ApproximateNumberOfMessages);
  };
  const urlIn = (envFile: string): string =>
    /^QUEUE_URL_CHARGES=(.*)$/m.exec(readFileSync(envFile, "utf8"))?.[1] ?? "";

  test("bootstrap makes everything, a second time changes nothing, and a user's own lines stay", async () => {
    const envFile = join(testFolder(), "stack.env");
    const args = ["bootstrap", "--prefix", "boot-", "--env-file", envFile];
    expect(await runCommand(args, env)).toMatchObject({ status: 0, stderr: "" });
    writeFileSync(envFile, `${readFileSync(envFile, "utf8")}CENTROBILL_API_KEY=mine\n`);
    const before = readFileSync(envFile, "utf8");
    expect((await runCommand(args, env)).status).toBe(0);
    expect(readFileSync(envFile, "utf8")).toBe(before);
    expect(before).toContain("LEDGER_TABLE=boot-ledger");
    expect(before.match(/^QUEUE_URL_/gm)).toHaveLength(7);
  });

  test("enqueue sends every line of a good file, NDJSON or CSV", async () => {
    const folder = testFolder();
    const envFile = join(folder, "stack.env");
    await runCommand(["bootstrap", "--prefix", "enq-", "--env-file", envFile], env);
    const file = writeLines(
      join(folder, "c.ndjson"),
      Array.from({ length: 23 }, (_, n) => charge(`e-${n}`)),
    );
    const sent = await runCommand(["enqueue", file, "--env-file", envFile, "--json"], env);
    expect(sent).toMatchObject({ status: 0, stdout: '{"sent":23}\n' });
    expect(await waiting(urlIn(envFile))).toBe(23);
    const csv = writeLines(join(folder, "c.csv"), [
      "chargeId,gateway,amount,currency,request.paymentSource.type,request.paymentSource.value,request.consumer.id,request.sku.siteId",
      "csv-1,centrobill,500,JPY,consumer,c-1,c-1,site-1",
    ]);
    expect(await runCommand(["enqueue", csv, "--env-file", envFile], env)).toMatchObject({
      status: 0,
      stdout: "1 charges sent\n",
    });
    expect(await waiting(urlIn(envFile))).toBe(24);
  });

  test("status tells queues, pace and money without an outcome; a ledger that is not there is told, too", async () => {
    const folder = testFolder();
    const envFile = join(folder, "stack.env");
    await runCommand(["bootstrap", "--prefix", "stat-", "--env-file", envFile], env);
    const file = writeLines(join(folder, "c.ndjson"), [charge("s-1"), charge("s-2")]);
    await runCommand(["enqueue", file, "--env-file", envFile], env);
    const told = await runCommand(["status", "--env-file", envFile], env);
    expect(told).toMatchObject({ status: 0, stderr: "" });
    expect(told.stdout).toMatch(/^charges +2 +0$/m);
    expect(told.stdout).toMatch(/^charges-dlq +0 +0$/m);
    expect(told.stdout).toMatch(/^centrapay +open$/m);
    expect(told.stdout).toContain("nothing is unknown, pending or in review");
    const json = JSON.parse((await runCommand(["status", "--env-file", envFile, "--json"], env)).stdout);
    expect(json).toMatchObject({
      paces: { centrobill: { gate: { kind: "open" } } },
      waiting: [],
      notRead: 0,
    });
    const watching = startCommand(["status", "--env-file", envFile, "--watch", "--json"], env);
    await wait(4_000);
    watching.child.kill("SIGINT");
    expect((await watching.ended).stdout.trim().split("\n").length).toBeGreaterThan(1);
    // And until nobody reads it any more.
    const left = startCommand(["status", "--env-file", envFile, "--watch", "--json"], env);
    left.child.stdout?.once("data", () => left.child.stdout?.destroy());
    expect(await left.ended).toMatchObject({ stderr: "" });
    expect(await runCommand(["status"])).toMatchObject({ status: 2, stdout: "" });
  });

  test("the endpoint is the environment's, whatever host its queue URLs name", async () => {
    const queues = buildApp({ logger: false, host: "queues.invalid" });
    onTestFinished(() => queues.close());
    const elsewhere = { ...env, AWS_ENDPOINT_URL_SQS: await queues.listen({ host: "127.0.0.1", port: 0 }) };
    const folder = testFolder();
    const envFile = join(folder, "stack.env");
    const args = ["bootstrap", "--prefix", "far-", "--env-file", envFile];
    expect(await runCommand(args, elsewhere)).toMatchObject({ status: 0, stderr: "" });
    expect(urlIn(envFile)).toContain("queues.invalid");
    const file = writeLines(join(folder, "c.ndjson"), [charge("far-1")]);
    expect(await runCommand(["enqueue", file, "--env-file", envFile], elsewhere)).toEqual({
      status: 0,
      stdout: "1 charges sent\n",
      stderr: "",
    });
    const told = await runCommand(["status", "--env-file", envFile], elsewhere);
    expect(told).toMatchObject({ status: 0, stderr: "" });
    expect(told.stdout).toMatch(/^charges +1 +0$/m);
  });

  test("enqueue sends nothing when a line is wrong, and names each by its place", async () => {
    const folder = testFolder();
    const envFile = join(folder, "stack.env");
    await runCommand(["bootstrap", "--prefix", "bad-", "--env-file", envFile], env);
    const file = writeLines(join(folder, "c.ndjson"), [
      charge("ok-1"),
      charge("wrong", { amount: 19.99 }),
      charge("card", { metadata: { note: "4111111111111111" } }),
      "{",
    ]);
    const ended = await runCommand(["enqueue", file, "--env-file", envFile], env);
    expect(ended.status).toBe(2);
    expect(ended.stderr).toMatch(/c\.ndjson:2: amount must/);
    expect(ended.stderr).toMatch(/c\.ndjson:3: metadata\.note must not hold a card number/);
    expect(ended.stderr).toMatch(/c\.ndjson:4: message must be JSON/);
    expect(ended.stderr).toMatch(/3 lines are wrong: nothing was sent/);
    expect(ended.stderr).not.toContain("4111111111111111");
    expect(await waiting(urlIn(envFile))).toBe(0);
  });
});

describe("a run and its state", () => {
  const prepared = async (count: number, kind = "plain") => {
    const gateway = await startOutsideGateway();
    onTestFinished(() => gateway.close());
    const folder = testFolder();
    const policy = join(folder, "policy.json");
    writeFileSync(policy, JSON.stringify(shortPolicy));
    const state = join(folder, "state");
    const results = join(folder, "out.ndjson");
    const charges = writeLines(
      join(folder, "c.ndjson"),
      Array.from({ length: count }, (_, n) => charge(`${kind}-${n}`)),
    );
    const args = [
      ...["run", "--charges", charges, "--policy", policy, "--gateway-timeout-ms", "1000"],
      ...["--centrobill-url", gateway.url, "--centrobill-feed-url", gateway.feedUrl],
      ...["--data-dir", state, "--results", results],
    ];
    return { gateway, folder, state, results, args, charges };
  };

  test("an interrupt ends it with 130, keeps the state, and the next run finishes", async () => {
    const { gateway, args, results } = await prepared(12, "lateAnswer");
    const { child, ended } = startCommand(args);
    await wait(2_000);
    child.kill("SIGINT");
    const interrupted = await ended;
    expect(interrupted.status).toBe(130);
    expect(interrupted.stderr).toMatch(/state is kept in .*state/);
    expect(existsSync(results)).toBe(false);
    const finished = await runCommand(args);
    expect(finished.status).toBe(0);
    expect(readRows(results).map(({ outcome }) => outcome)).toEqual(Array(12).fill("approved"));
    for (let n = 0; n < 12; n++) expect(gateway.capturesOf(`lateAnswer-${n}`)).toBe(1);
  });

  test("a finished run asked again sends nothing, and shows the same", async () => {
    const { gateway, args, results, state } = await prepared(12);
    expect((await runCommand(args)).status).toBe(0);
    const [sends, rows] = [gateway.sends(), readRows(results)];
    expect((await runCommand(args)).status).toBe(0);
    expect(gateway.sends()).toBe(sends);
    expect(readRows(results)).toEqual(rows);
    const shown = await runCommand(["show", "plain-3", "--data-dir", state]);
    expect(shown.status).toBe(0);
    expect(shown.stdout).toMatch(/plain-3 {2}19\.99 EUR/);
    expect(shown.stdout).toMatch(/attempt 1 opened[\s\S]*HTTP 201, code 0[\s\S]*recorded: approved/);
    const json = await runCommand(["show", "plain-3", "--data-dir", state, "--json"]);
    expect(JSON.parse(json.stdout)).toMatchObject({ entry: { state: "approved" }, rejections: [] });
    expect(await runCommand(["show", "plain-99", "--data-dir", state])).toMatchObject({ status: 2 });
  });

  test("another file or another gateway on the same state is refused", async () => {
    const { args, folder } = await prepared(3);
    await runCommand(args);
    const other = writeLines(join(folder, "other.ndjson"), [charge("other-1")]);
    const refused = await runCommand(args.map((arg, at) => (args[at - 1] === "--charges" ? other : arg)));
    expect(refused).toMatchObject({ status: 2, stdout: "" });
    expect(refused.stderr).toMatch(/--charges .*not what the run in/);
    const elsewhere = await runCommand(
      args.map((arg, at) => (args[at - 1] === "--centrobill-url" ? "http://127.0.0.1:9" : arg)),
    );
    expect(elsewhere.status).toBe(2);
    expect(elsewhere.stderr).toMatch(/another gateway does not know its charges/);
  });

  test("two runs at once on one state: the second is told to wait", async () => {
    const { args } = await prepared(30, "lateAnswer");
    const first = startCommand(args);
    await wait(1_500);
    const second = await runCommand(args);
    expect(second.status).toBe(2);
    expect(second.stderr).toMatch(/is in use by process \d+/);
    first.child.kill("SIGINT");
    await first.ended;
  });
});

describe("the sample", () => {
  test("ends with nothing unknown and nothing charged twice", async () => {
    const ended = await runCommand(["run", "--json"]);
    const summary = JSON.parse(ended.stdout) as Record<string, unknown>;
    expect(summary).toMatchObject({ doubleCharges: 0, unknown: 0, disagreeing: [], lines: 369 });
    // Some of it is there for people to see: another amount was taken, or nothing that names us.
    expect(summary["reviewReasons"]).toMatchObject({ mismatch: 6, weak_match: 2 });
    expect(ended.status).toBe(1);
    expect(ended.stderr).toBe("");
  });

  test.each(["run", "enqueue", "show", "status", "bootstrap", "prove"])(
    "%s --help tells its flags",
    async (command) => {
      const ended = await runCommand([command, "--help"]);
      expect(ended.status).toBe(0);
      expect(ended.stdout).toContain(`Usage: chargeonce ${command}`);
      expect(ended.stdout).toContain("--json");
    },
  );

  test("a command that there is not is named", async () => {
    const ended = await runCommand(["nonsense"]);
    expect(ended.status).toBe(2);
    expect(ended.stderr).toMatch(/^chargeonce: nonsense: no such command; there are run, enqueue, /);
  });

  test("without a region nothing is called, and what is missing is named", async () => {
    const folder = testFolder();
    const env = {
      AWS_CONFIG_FILE: join(folder, "none"),
      AWS_SHARED_CREDENTIALS_FILE: join(folder, "none"),
      LEDGER_TABLE: "ledger",
      QUEUE_URL_CHARGES: "http://127.0.0.1:1/000000000000/charges",
    };
    const file = writeLines(join(folder, "c.ndjson"), [charge("order-1")]);
    for (const args of [
      ["bootstrap", "--prefix", "p-", "--env-file", join(folder, "stack.env")],
      ["enqueue", file],
      ["show", "order-1"],
      ["status"],
    ])
      expect(await runCommand(args, env), args[0]).toStrictEqual({
        status: 2,
        stdout: "",
        stderr: "chargeonce: AWS_REGION: is not set, and no AWS profile names a region\n",
      });
  });

  test("prove keeps every promise in a few histories, and says what it did", async () => {
    const ended = await runCommand(["prove", "--seeds", "30", "--json"]);
    expect(ended.status).toBe(0);
    expect(JSON.parse(ended.stdout)).toMatchObject({
      seeds: 30,
      charges: 600,
      violations: 0,
      chargesPerSecond: expect.any(Number),
      chargesPerCpuSecond: expect.any(Number),
    });
  });

  test("prove tells a failure's seed, and the shortest history of it", async () => {
    const ended = await runCommand(["prove", "--mutant", "time-out-means-decline", "--quiet"]);
    expect(ended.status).toBe(1);
    expect(ended.stdout).toMatch(/VIOLATION in seed \d+: declinedMeansNotCaptured/);
    expect(ended.stdout).toMatch(/again: chargeonce prove --seed \d+ --charges \d+ --faults/);
  });

  test("prove's --json is JSON whatever happens: the story of a failure is beside it", async () => {
    const ended = await runCommand(["prove", "--mutant", "record-after-send", "--seeds", "20", "--json"]);
    expect(ended.status).toBe(1);
    expect(JSON.parse(ended.stdout)).toMatchObject({ violations: 1, seed: expect.any(Number) });
    expect(ended.stderr).toMatch(/again: chargeonce prove --seed/);
  });

  test.each([
    [["--faults", "requestLost=0.5"], "chargeonce: --faults: needs --seed\n"],
    [
      ["--seed", "3", "--seeds", "4", "--first", "2"],
      "--seeds: not with --seed\nchargeonce: --first: not with --seed\n",
    ],
    [["--mutants", "--seeds", "4"], "chargeonce: --seeds: not with --mutants\n"],
    [["--mutants", "--mutant", "no-echo-check"], "chargeonce: --mutant: not with --mutants\n"],
    [["--compare", "--mutants"], "chargeonce: --mutants: not together with --compare\n"],
    [["--outage", "100", "--strength", "0.5"], "chargeonce: --strength: not with --outage\n"],
    [["--seed", "3", "--faults", "crash=1"], "no fault crash; there are deliverTwice, "],
  ])("prove %j: what would not be obeyed is wrong usage", async (flags, problem) => {
    const { status, stdout, stderr } = await runCommand(["prove", ...flags]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toContain(problem);
  });

  test("one charge id with two contents is a wrong line: which is charged would be chance; the same again is none", async () => {
    const env = { AWS_REGION: "us-east-1", QUEUE_URL_CHARGES: "http://127.0.0.1:1/000000000000/charges" };
    const file = writeLines(join(testFolder(), "c.ndjson"), [
      charge("order-1"),
      charge("order-2"),
      charge("order-1"),
      charge("order-1", { amount: "5" }),
    ]);
    expect(await runCommand(["enqueue", file], env)).toEqual({
      status: 2,
      stdout: "",
      stderr: `chargeonce: ${file}:4: chargeId must be another one: line 1 has it with another content\nchargeonce: 1 lines are wrong: nothing was sent\n`,
    });
  });

  test.each([
    ["c.ndjson", "", "an empty file"],
    ["c.ndjson", "\n \r\n", "blank lines"],
    ["c.csv", "chargeId,gateway,amount,currency\r\n", "a head without rows"],
  ])("a file without a charge is warned of: %s of %j (%s)", async (name, content) => {
    const folder = testFolder();
    const file = join(folder, name);
    writeFileSync(file, content);
    const env = { AWS_REGION: "us-east-1", QUEUE_URL_CHARGES: "http://127.0.0.1:1/000000000000/charges" };
    const stderr = `warning: ${file}: holds no charge\n`;
    expect(await runCommand(["enqueue", file], env)).toEqual({
      status: 0,
      stdout: "0 charges sent\n",
      stderr,
    });
    expect(await runCommand(["run", "--charges", file, "--quiet"])).toMatchObject({ status: 0, stderr });
  });
});
