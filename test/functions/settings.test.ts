import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { startFunctionProcess } from "../../infra/local/function-process.ts";
import { CHARGE_QUEUES } from "../../lib/core/queues.ts";
import { bundleOf, type FunctionName } from "./function-stand.ts";

const functions: readonly FunctionName[] = ["submit-charges", "resolve-unknowns"];
const complete: Readonly<Record<string, string>> = {
  LEDGER_TABLE: "ledger",
  ...Object.fromEntries(
    CHARGE_QUEUES.map(({ name, variable }) => [variable, `https://sqs.test/000000000000/${name}`]),
  ),
  CENTROBILL_API_KEY: "key-that-nobody-may-see",
  CENTROBILL_FEED_URL: "https://feed.test",
  AWS_REGION: "us-east-1",
};

/** Starts a deployed bundle and ends it: why it would not start, and what it wrote. */
const start = async (name: FunctionName, env: Readonly<Record<string, string>>) => {
  const lines: string[] = [];
  const process = startFunctionProcess({
    functionName: name,
    bundle: bundleOf(name),
    env,
    onLog: ({ line }) => lines.push(line),
  });
  const failure = await process.started;
  await process.stop();
  return { failure, text: lines.join("\n"), lines };
};
const without = (...names: readonly string[]): Record<string, string> =>
  Object.fromEntries(Object.entries(complete).filter(([name]) => !names.includes(name)));

describe.each(functions)("%s", (name) => {
  test("starts with what the contract asks for, and logs that as one JSON line", async () => {
    const { failure, lines } = await start(name, complete);
    expect(failure).toBeNull();
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ event: "started", function: name });
  });

  test("with nothing set does not start, and names everything that is missing", async () => {
    const { failure, text } = await start(name, {});
    expect(failure).toContain("exit status 1");
    for (const variable of [
      "LEDGER_TABLE",
      "CENTROBILL_API_KEY",
      ...CHARGE_QUEUES.map((queue) => queue.variable),
    ])
      expect(text).toContain(`${variable}: is not set`);
    expect(text).toContain("CENTROBILL_API_KEY_SECRET_ARN");
  });

  test.each(["LEDGER_TABLE", "QUEUE_URL_REVIEW", "CENTROBILL_API_KEY"])(
    "without %s does not start, and names it alone",
    async (variable) => {
      const { failure, text } = await start(name, without(variable));
      expect(failure).not.toBeNull();
      expect(text.match(/^.*is not set.*$/gm)?.every((line) => line.includes(variable))).toBe(true);
      expect(text).toContain(`${variable}: is not set`);
    },
  );

  test.each<readonly [variable: string, value: string, must: string]>([
    ["GATEWAY_TIMEOUT_MS", "1e3", "a whole number"],
    ["CONCURRENCY", "0", "a whole number"],
    ["CENTROBILL_URL", "ftp://pay.test", "a web address"],
    ["CENTROBILL_FEED_URL", "feed", "a web address"],
    ["CENTROBILL_FEED_PROFILE", "{", "must be JSON"],
    ["POLICY", '{"resendsMx":1}', "resendsMx"],
  ])("with %s=%s does not start, and says what it must be", async (variable, value, must) => {
    const { failure, text } = await start(name, { ...complete, [variable]: value });
    expect(failure).not.toBeNull();
    expect(text).toContain(`${variable}: `);
    expect(text).toContain(must);
  });

  test("a key that cannot be one is named, and not shown (S12)", async () => {
    const { failure, text } = await start(name, { ...complete, CENTROBILL_API_KEY: "s3cret\u00e9 word" });
    expect(failure).not.toBeNull();
    expect(text).toContain("CENTROBILL_API_KEY: ");
    expect(`${failure}${text}`).not.toContain("s3cret");
  });

  test("without CENTROBILL_FEED_URL it starts, and says what that means", async () => {
    const { failure, lines } = await start(name, without("CENTROBILL_FEED_URL"));
    expect(failure).toBeNull();
    const said = lines.map((line) => JSON.parse(line) as { event: string; reason?: string });
    expect(said.map(({ event }) => event)).toEqual(["started", "feed_missing"]);
    expect(said[1]?.reason).toContain("CENTROBILL_FEED_URL");
    expect(said[1]?.reason).toContain("review");
  });

  test("no line of a start shows the key", async () => {
    const { text } = await start(name, complete);
    expect(text).not.toContain("key-that-nobody-may-see");
  });
});

describe("receive-notices", () => {
  const ownOnly: Readonly<Record<string, string>> = {
    LEDGER_TABLE: "ledger",
    QUEUE_URL_UNKNOWN_OUTCOMES: "https://sqs.test/000000000000/unknown-outcomes",
    CENTROBILL_IPN_SECRET: "secret-that-nobody-may-see",
    AWS_REGION: "us-east-1",
  };
  const centrapay = { CENTRAPAY_NOTICE_AUDIENCE: "https://hooks.test" };
  const { CENTROBILL_IPN_SECRET: _secret, ...withoutSecret } = ownOnly;

  test.each<readonly [why: string, env: Readonly<Record<string, string>>, desks: number]>([
    ["its table, one queue and a secret; no key of any gateway", ownOnly, 1],
    ["everything that the other functions have beside it", { ...complete, ...ownOnly }, 1],
    ["two secrets, during a rotation", { ...ownOnly, CENTROBILL_IPN_SECRET_PREVIOUS: "before" }, 1],
    ["both gateways", { ...ownOnly, ...centrapay }, 2],
    ["Centrapay alone", { ...withoutSecret, ...centrapay }, 1],
  ])("starts with %s", async (_why, env, desks) => {
    const { failure, lines } = await start("receive-notices", env);
    expect(failure).toBeNull();
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { event: "started", function: "receive-notices", count: desks },
    ]);
    expect(lines.join()).not.toContain("nobody-may-see");
  });

  test("with nothing set does not start, and names what is missing, and no more than that", async () => {
    const { failure, text } = await start("receive-notices", {});
    expect(failure).toContain("exit status 1");
    for (const variable of ["LEDGER_TABLE", "QUEUE_URL_UNKNOWN_OUTCOMES", "CENTROBILL_IPN_SECRET"])
      expect(text).toContain(`${variable}: is not set`);
    expect(text).toContain("CENTROBILL_IPN_SECRET_SECRET_ARN");
    expect(text).not.toMatch(/API_KEY|QUEUE_URL_REVIEW/);
  });

  test.each<readonly [problem: string, env: Readonly<Record<string, string>>]>([
    [
      "CENTROBILL_IPN_SECRET: is not set",
      { ...withoutSecret, ...centrapay, CENTROBILL_IPN_SECRET_PREVIOUS: "b" },
    ],
    ["CENTROBILL_IPN_SECRET: must be visible ASCII", { ...ownOnly, CENTROBILL_IPN_SECRET: "s3cret \u00e9" }],
    [
      "CENTROBILL_IPN_SECRET_PREVIOUS: must be visible ASCII",
      { ...ownOnly, CENTROBILL_IPN_SECRET_PREVIOUS: "a b" },
    ],
    ["CENTRAPAY_NOTICE_AUDIENCE: must be a web address", { ...ownOnly, CENTRAPAY_NOTICE_AUDIENCE: "hooks" }],
    ["CENTRAPAY_JWKS_URL: must be a web address", { ...ownOnly, ...centrapay, CENTRAPAY_JWKS_URL: "x" }],
    ["CENTRAPAY_NOTICE_AUDIENCE: is not set", { ...ownOnly, CENTRAPAY_JWKS_URL: "https://keys.test" }],
  ])("does not start: %s", async (problem, env) => {
    const { failure, text } = await start("receive-notices", env);
    expect(failure).not.toBeNull();
    expect(text).toContain(problem);
    expect(text).not.toContain("s3cret");
  });

  test("jose is in its bundle, and in no other function's", () => {
    const hasJose = (name: FunctionName): boolean =>
      readFileSync(bundleOf(name), "utf8").includes("ERR_JWKS_NO_MATCHING_KEY");
    expect([...functions, "receive-notices" as const].filter(hasJose)).toEqual(["receive-notices"]);
  });
});
