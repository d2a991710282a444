import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { startSandboxCentrapay } from "../../infra/local/sandbox-centrapay/server.ts";
import {
  charge,
  readRows,
  runCommand,
  shortPolicy,
  startCommand,
  testFolder,
  writeLines,
} from "./command.ts";
import { startOutsideGateway, treatments } from "./outside-gateway.ts";

const outsideGateway = async () => {
  const gateway = await startOutsideGateway();
  onTestFinished(() => gateway.close());
  return gateway;
};

/** The flags of a run against an outside gateway, and where its results go. */
const outsideRun = (
  gateway: { url: string; feedUrl: string },
  lines: readonly (object | string)[],
  ownPolicy: object = {},
) => {
  const folder = testFolder();
  const results = join(folder, "out.ndjson");
  const policy = join(folder, "policy.json");
  writeFileSync(policy, JSON.stringify({ ...shortPolicy, ...ownPolicy }));
  const args = [
    "run",
    "--charges",
    writeLines(join(folder, "charges.ndjson"), lines),
    "--centrobill-url",
    gateway.url,
    "--centrobill-feed-url",
    gateway.feedUrl,
    "--policy",
    policy,
    "--gateway-timeout-ms",
    "1000",
    "--results",
    results,
  ];
  return { folder, results, args };
};

describe("run against a gateway that is not the sandbox", () => {
  test("every line has a row, nothing is captured twice, approved is said of what was captured, with evidence", async () => {
    const gateway = await outsideGateway();
    const names = Object.keys(treatments);
    const lines = names.flatMap((name) => [charge(`${name}-1`), charge(`${name}-2`, { amount: "50" })]);
    // What is absent is sent again until its key life ends: a short one, so that the test does.
    const { args, results } = outsideRun(gateway, lines, { requestIdLifeMs: 10_000 });
    const ended = await runCommand(args);
    const rows = readRows(results);
    expect(rows.map(({ chargeId }) => chargeId)).toEqual(
      lines.map((line) => (line as { chargeId: string }).chargeId),
    );
    for (const row of rows) {
      const captures = gateway.capturesOf(row.chargeId ?? "");
      expect(captures, row.chargeId).toBeLessThanOrEqual(1);
      expect(row.evidence, row.chargeId).toBeDefined();
      if (row.outcome === "approved") expect(captures, row.chargeId).toBe(1);
      else if (row.outcome !== "review") expect(captures, row.chargeId).toBe(0);
    }
    const outcomeOf = (name: string) => rows.find(({ chargeId }) => chargeId === `${name}-1`)?.outcome;
    expect(Object.fromEntries(names.map((name) => [name, outcomeOf(name)]))).toEqual({
      plain: "approved",
      stringCode: "approved",
      declineString: "declined_retryable",
      lateCapture: "approved",
      lateAnswer: "approved",
      conflict: "approved",
      noCode: "approved",
      status200: "approved",
      declinedThenCaptured: "approved",
      html201: "approved",
      // Absent, and past its key life nothing may send it (S3): a person's turn.
      never: "review",
      emptyObject: "approved",
      teapot: "review",
    });
    expect(ended.status).toBe(1);
  });

  test("killed six times and taken up each time: nothing lost, nothing captured twice, few in review", async () => {
    const gateway = await outsideGateway();
    const kinds = ["plain", "plain", "plain", "lateAnswer", "declineString", "html201", "conflict", "plain"];
    const lines = Array.from({ length: 160 }, (_, n) => charge(`${kinds[n % kinds.length]}-${n}`));
    const { args, results, folder } = outsideRun(gateway, lines);
    const all = [...args, "--data-dir", join(folder, "state"), "--concurrency", "8"];
    for (const afterMs of [900, 1_700, 2_600, 1_300, 3_400, 2_100]) {
      const { child, ended } = startCommand(all);
      await Promise.race([wait(afterMs), ended]);
      child.kill("SIGKILL");
      await ended;
    }
    const ended = await runCommand(all);
    expect(ended.stderr).not.toMatch(/error/i);
    const rows = readRows(results);
    expect(rows).toHaveLength(lines.length);
    for (const row of rows) {
      const captures = gateway.capturesOf(row.chargeId ?? "");
      expect(captures, row.chargeId).toBeLessThanOrEqual(1);
      if (row.outcome === "approved") expect(captures, row.chargeId).toBe(1);
      else if (row.outcome !== "review") expect(captures, row.chargeId).toBe(0);
      expect(row.evidence, row.chargeId).toBeDefined();
    }
    expect(rows.filter(({ outcome }) => outcome === "review").length).toBeLessThan(lines.length / 10);
  });
});

describe("run against a Centrapay of somebody else", () => {
  const outsideCentrapay = async () => {
    const gateway = await startSandboxCentrapay({ stallMs: 3_000, expiryMs: 60_000 });
    onTestFinished(() => gateway.close());
    return gateway;
  };
  const centrapayCharge = (chargeId: string, request: object): object =>
    charge(chargeId, { gateway: "centrapay", currency: "NZD", request });
  /** The flags of a run against it, and where its results go. */
  const centrapayRun = (gateway: { url: string }, lines: readonly object[]) => {
    const folder = testFolder();
    const [policy, results] = [join(folder, "policy.json"), join(folder, "out.ndjson")];
    writeFileSync(policy, JSON.stringify({ ...shortPolicy, requestIdLifeMs: 15_000 }));
    const args = [
      ...["run", "--charges", writeLines(join(folder, "c.ndjson"), lines), "--policy", policy],
      ...["--centrapay-url", gateway.url, "--gateway-timeout-ms", "800", "--results", results],
      ...["--data-dir", join(folder, "state")],
    ];
    return { args, results };
  };

  // What a kill leaves of a barcode's payment is found out when it has lapsed, minutes later: the simulator's part.
  test("barcodes are asked for until they are paid or refused", async () => {
    const gateway = await outsideCentrapay();
    const quickPay = (barcode: string) => ({
      mode: "quickPay",
      configId: "mc_1",
      merchantAccountId: "acct",
      barcode,
    });
    const { args, results } = centrapayRun(gateway, [
      centrapayCharge("quick-0", quickPay("424242424")),
      centrapayCharge("quick-1", quickPay("454545454")),
    ]);
    const ended = await runCommand(args);
    expect(readRows(results).map(({ chargeId, outcome }) => [chargeId, outcome])).toEqual([
      ["quick-0", "approved"],
      ["quick-1", "declined_permanent"],
    ]);
    expect(gateway.captures().map(({ chargeId }) => chargeId)).toEqual(["quick-0"]);
    expect(ended.status).toBe(0);
  });

  // What a kill leaves may have to wait until its Payment Request has lapsed, a minute after it was made, or a message
  // until its visibility is over: rarely, and then more than once.
  const rarelyMs = 400_000;
  test("killed twice: no second Payment Request is paid, approved is said of what was captured", {
    timeout: rarelyMs,
  }, async () => {
    const gateway = await outsideCentrapay();
    const pay = (assetId: string, tag?: string) => ({
      mode: "pay",
      configId: "mc_1",
      merchantAccountId: "acct",
      assetType: "centrapay.nzd.test",
      assetId,
      ...(tag === undefined ? {} : { lineItems: [{ name: tag, qty: "1", price: "1999" }] }),
    });
    const confirm = (id: string, invoiceRef: string) => ({
      mode: "confirm",
      paymentRequestId: id,
      invoiceRef,
      lineItems: [{ name: "Order", qty: "1", price: "1999" }],
    });
    const requests = [
      ...["wallet-1", "wallet-2", "wallet-3"].map((asset) => pay(asset)),
      ...["lost-after", "lost-twice-after", "lost-before", "half-body", "unconfirmed-paid"].map((name) =>
        pay(`sandbox-${name}`),
      ),
      pay("wallet-1", "sandbox-create-lost"),
      pay("sandbox-INSUFFICIENT_ASSET_VALUE"),
      pay("sandbox-A_NEW_WORD"),
    ];
    const lines = [
      ...requests.map((request, n) => centrapayCharge(`cp-${n}`, request)),
      ...["preauth-1", "sandbox-lost-after-1", "sandbox-PRE_AUTH_RELEASED"].map((id, n) =>
        centrapayCharge(`cap-${n}`, confirm(id, `cap-${n}`)),
      ),
    ];
    const { args, results } = centrapayRun(gateway, lines);
    for (const afterMs of [1_400, 2_300]) {
      const { child, ended } = startCommand(args);
      await wait(afterMs);
      child.kill("SIGKILL");
      await ended;
    }
    await runCommand(args);
    const rows = readRows(results);
    expect(rows).toHaveLength(lines.length);
    const captures = gateway.captures().map(({ chargeId }) => chargeId);
    for (const { chargeId = "", outcome, evidence } of rows) {
      const count = captures.filter((one) => one === chargeId).length;
      expect(count, chargeId).toBeLessThanOrEqual(1);
      if (outcome === "approved") expect(count, chargeId).toBe(1);
      else if (outcome !== "review") expect(count, chargeId).toBe(0);
      expect(evidence, chargeId).toBeDefined();
      expect(gateway.requestsOf(chargeId), chargeId).toBeLessThanOrEqual(1);
    }
    // A kill between an answer and its record leaves the charge to be found out, and what is not found is taken back.
    const takenBack = "declined_retryable CANCELLED:CANCELLED_BY_MERCHANT";
    const endOf = (id: string): string => {
      const { outcome = "", code = "" } = rows.find(({ chargeId }) => chargeId === id) ?? {};
      return `${outcome} ${code}`.trim();
    };
    expect(endOf("cp-9")).toBeOneOf(["declined_retryable INSUFFICIENT_ASSET_VALUE", takenBack]);
    expect(endOf("cp-10")).toBeOneOf(["review", takenBack]);
    // Ten may be in hand at a kill; the key life here is short, so those of them that were not sent are taken back.
    expect(rows.filter(({ outcome }) => outcome === "approved").length).toBeGreaterThanOrEqual(4);
  });
});

describe("bad input", () => {
  const card = "4111 1111 1111 1111";
  const refused: readonly [string, object | string, RegExp][] = [
    ["a float", charge("bad-float", { amount: 19.99 }), /amount/],
    ["a number", charge("bad-number", { amount: 1999 }), /amount/],
    ["a decimal", charge("bad-decimal", { amount: "19.99" }), /amount/],
    ["negative", charge("bad-negative", { amount: "-5" }), /amount/],
    ["an exponent", charge("bad-exponent", { amount: "1e3" }), /amount/],
    ["zero", charge("bad-zero", { amount: "0" }), /amount/],
    ["too much", charge("bad-much", { amount: "100000000" }), /amount/],
    ["lower case", charge("bad-lower", { currency: "eur" }), /currency/],
    ["no currency", charge("bad-currency", { currency: "XXX" }), /currency/],
    ["an unknown field", charge("bad-field", { ammount: "1" }), /ammount/],
    ["a wrong version", charge("bad-version", { v: 2 }), /v must be 1/],
    ["a card number", charge("bad-card", { metadata: { note: card } }), /card number/],
    ["a long id", charge("x".repeat(65)), /chargeId/],
    ["an id with a space", charge("bad id"), /chargeId/],
    ["not JSON", "{not json", /JSON/],
    ["null", "null", /object/],
    ["a string", '"charge"', /object/],
    ["a megabyte of [", "[".repeat(1 << 20), /bytes/],
  ];

  test("ends as request errors that name the place, and the charges between them are worked", async () => {
    const gateway = await outsideGateway();
    const good = Array.from({ length: 5 }, (_, n) => charge(`plain-${n}`));
    const same = JSON.stringify(charge("plain-0"));
    const other = charge("plain-1", { amount: "2000" });
    const { args, results, folder } = outsideRun(gateway, [
      ...good,
      ...refused.map(([, line]) => line),
      same,
      other,
      "null",
    ]);
    const ended = await runCommand([...args, "--data-dir", join(folder, "state")]);
    const rows = readRows(results);
    for (const [index, [name, , problem]] of refused.entries()) {
      const row = rows.find(({ line }) => line === good.length + index + 1);
      expect(row?.outcome, name).toBe("request_error");
      expect(row?.description, name).toMatch(problem);
      expect(row?.sends, name).toBe(0);
      expect(row?.evidence?.kind, name).toBe("message");
    }
    expect(rows.filter(({ outcome }) => outcome === "approved")).toHaveLength(good.length);
    expect(rows.filter(({ code }) => code === "conflicting_duplicate")).toHaveLength(1);
    expect(rows.filter(({ chargeId }) => chargeId === "plain-0")).toHaveLength(1);
    // Two lines of nothing readable are two rows, each with its place.
    expect(rows.filter(({ description }) => /be a JSON object/.test(description ?? ""))).toHaveLength(3);
    expect(gateway.sends()).toBe(good.length);
    expect(ended.status).toBe(0);
    const written = everythingIn(folder, ["charges.ndjson"]) + ended.stdout + ended.stderr;
    expect(/4111[ -]?1111[ -]?1111[ -]?1111/.test(written)).toBe(false);
  });

  test.each([
    [["run", "--charges", "/nowhere/charges.ndjson"], /charges\.ndjson: no such file/],
    [["run", "--policy", "/nowhere/policy.json"], /--policy .*no such file/],
    [["run", "--gateway-timeout-ms", "soon"], /--gateway-timeout-ms: must be a whole number/],
    [["run", "--concurrency", "0"], /--concurrency: must be a whole number/],
    [["run", "--centrobill-url", "nonsense"], /--centrobill-url: must be a web address/],
    [["run", "--centrobill-url", "https://pay.example"], /CENTROBILL_API_KEY: is not set/],
    [["run", "--results", "/nowhere/out.ndjson"], /--results .*no such file or folder/],
    [["run", "--nonsense"], /unknown option '--nonsense'/],
    [["nonsense", "more"], /nonsense: no such command; there are run, /],
    [["help", "nonsense"], /nonsense: no such command; there are run, /],
    [["show"], /missing required argument/],
    [["show", "some-charge"], /which ledger/],
    [["show", "some-charge", "--data-dir", "/nowhere"], /no run has kept its state there/],
    [["enqueue", "/nowhere/charges.ndjson"], /QUEUE_URL_CHARGES: is not set/],
    [["bootstrap", "--prefix", "p"], /--env-file/],
  ])("%j is refused with status 2 and one line that says what", async (args, problem) => {
    const ended = await runCommand(args);
    expect(ended.stderr).toMatch(problem);
    expect(ended.status).toBe(2);
    expect(ended.stdout).toBe("");
  });
});

test("no secret and no card number is in anything that a run wrote", async () => {
  const gateway = await outsideGateway();
  const secrets = {
    apiKey: "live-key-4f5c0a1b2d3e",
    token: "tok-9a8b7c6d5e4f-secret",
    account: "6f1c2b3a-aaaa-4bbb-8ccc-1234567890ab",
    card: "5555555555554444",
  };
  const withSource = (chargeId: string, paymentSource: object) =>
    charge(chargeId, {
      request: {
        paymentSource,
        consumer: { id: `c-${chargeId}`, ip: "192.0.2.7" },
        sku: { siteId: "site-4471" },
      },
    });
  const { args, results, folder } = outsideRun(gateway, [
    withSource("plain-token", { type: "token", value: secrets.token }),
    withSource("declineString-account", { type: "paymentAccountId", paymentAccountId: secrets.account }),
    withSource("html201-token", { type: "token", value: secrets.token }),
    charge("plain-card", { metadata: { note: `call ${secrets.card} now` } }),
    withSource("plain-cvv", { type: "token", value: secrets.token, cvv: "987" }),
    `{"broken": "${secrets.card}`,
  ]);
  const ended = await runCommand([...args, "--data-dir", join(folder, "state")], {
    CENTROBILL_API_KEY: secrets.apiKey,
  });
  expect(readRows(results)).toHaveLength(6);
  const written = everythingIn(folder, ["charges.ndjson"]) + ended.stdout + ended.stderr;
  expect(written.length).toBeGreaterThan(5_000);
  // Not `toContain`: its message would print all of it.
  const found = (secret: string, text: string): boolean => text.includes(secret);
  expect(found(secrets.apiKey, written)).toBe(false);
  expect(found(secrets.card, written)).toBe(false);
  expect(found('"cvv":"987"', written)).toBe(false);
  // A card token lives in the charge message alone, which queues and outcome files hold and nothing else does.
  const elsewhere = everythingIn(folder, ["charges.ndjson", "sqs", "outcomes"]) + ended.stdout + ended.stderr;
  expect(found(secrets.token, elsewhere)).toBe(false);
  expect(found(secrets.account, elsewhere)).toBe(false);
});

/** Every byte of every file below a folder, as text; SQLite keeps texts as they are. */
const everythingIn = (folder: string, without: readonly string[]): string =>
  !existsSync(folder)
    ? ""
    : readdirSync(folder)
        .filter((name) => !without.includes(name))
        .map((name) => {
          const path = join(folder, name);
          return statSync(path).isDirectory() ? everythingIn(path, without) : readFileSync(path, "latin1");
        })
        .join("\n");
