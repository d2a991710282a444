import { spawn } from "node:child_process";
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sampleLines } from "../../infra/local/samples/make-centrobill.ts";
import { decimalOf, minorOf, usdCentsOf } from "../../infra/local/sandbox-centrobill/amount.ts";
import {
  type ScenarioName,
  scenarioNamed,
  scenarioNames,
} from "../../infra/local/sandbox-centrobill/scenario.ts";
import {
  type SandboxCentrobill,
  type SandboxCentrobillOptions,
  startSandboxCentrobill,
} from "../../infra/local/sandbox-centrobill/server.ts";
import { parseCharge } from "../../lib/core/charge.ts";

type Fields = Record<string, unknown>;

/** How one send ended, as a client sees it. */
type Seen =
  | { readonly kind: "replied"; readonly status: number; readonly headers: Fields; readonly text: string }
  /** The connection ended first; `headers` says whether an answer had begun. */
  | { readonly kind: "broken"; readonly code: string | undefined; readonly headersCame: boolean };

let sandbox: SandboxCentrobill;
const started: SandboxCentrobill[] = [];
let folder: string;
/** The sandbox's clock; tests move it, and nothing waits for it. */
let time: number;

async function start(options: SandboxCentrobillOptions = {}): Promise<SandboxCentrobill> {
  const one = await startSandboxCentrobill({
    latencyMs: { min: 0, max: 0 },
    stallMs: 40,
    now: () => time,
    random: () => 0.5,
    ...options,
  });
  started.push(one);
  return one;
}

beforeEach(async () => {
  time = Date.UTC(2026, 10, 22, 12, 0, 0, 250);
  folder = mkdtempSync(join(tmpdir(), "sandbox-centrobill-"));
  sandbox = await start();
});

afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.close()));
  rmSync(folder, { recursive: true });
});

function send(
  method: string,
  url: string,
  headers: Record<string, string>,
  body?: string,
  signal?: AbortSignal,
): Promise<Seen> {
  return new Promise((resolve) => {
    let headersCame = false;
    const broken = (error: NodeJS.ErrnoException) =>
      resolve({ kind: "broken", code: error.code, headersCame });
    const request = httpRequest(
      url,
      { method, headers, agent: false, ...(signal ? { signal } : {}) },
      (response) => {
        headersCame = true;
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", broken);
        response.on("end", () =>
          resolve({
            kind: "replied",
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString(),
          }),
        );
      },
    );
    request.on("error", broken);
    request.end(body);
  });
}

interface Pay {
  readonly scenario?: ScenarioName;
  readonly requestId?: string;
  readonly chargeId?: string;
  readonly amount?: number;
  readonly currency?: string;
  readonly body?: Fields;
  readonly to?: SandboxCentrobill;
  readonly signal?: AbortSignal;
}

function payBody({ scenario, chargeId = "inv-1", amount = 19.9, currency = "EUR" }: Pay = {}): Fields {
  return {
    paymentSource: { type: "paymentAccountId", paymentAccountId: "0bce192c-a476-4a84-b751-e1dfad1e4723" },
    sku: { siteId: "site-4471", title: "Order", price: [{ offset: "0d", amount, currency, repeat: false }] },
    consumer: { externalId: "user-12345", ip: "203.0.113.9", email: "user-12345@example.com" },
    metadata: { chargeId, requestId: "as the worker sends it", ...(scenario ? { scenario } : {}) },
  };
}

function pay(one: Pay = {}): Promise<Seen> {
  const { requestId = "r-1", to = sandbox, body = payBody(one), signal } = one;
  const headers = { Authorization: "any", "Content-Type": "application/json", "X-Request-ID": requestId };
  return send("POST", `${to.url}/payment`, headers, JSON.stringify(body), signal);
}

function json(seen: Seen): Fields {
  if (seen.kind !== "replied") throw new Error(`no reply: ${seen.code}`);
  return JSON.parse(seen.text) as Fields;
}

function payment(seen: Seen): Fields {
  return json(seen)["payment"] as Fields;
}

function feed(query: Record<string, string>, to = sandbox): Promise<Seen> {
  return send("GET", `${to.feedUrl}/transactions?${new URLSearchParams(query)}`, { Authorization: "any" });
}

/** The window that holds everything the tests do. */
const always = { dateFrom: "2026-11-22T00:00:00Z", dateTo: "2026-11-23T00:00:00Z" };

async function feedRows(query: Record<string, string> = always, to = sandbox): Promise<Fields[]> {
  return json(await feed(query, to))["data"] as Fields[];
}

/** One word for how a send ended, so that a scenario's sends fit on one line. */
function wordFor(seen: Seen): string {
  if (seen.kind === "broken") return seen.headersCame ? "cut" : (seen.code ?? "broken");
  const type = String(seen.headers["content-type"] ?? "");
  if (seen.status !== 201) return `${seen.status}${type === "text/html" ? " html" : ""}`;
  if (seen.text === "") return "201 empty";
  try {
    const { status, code } = (JSON.parse(seen.text) as { payment: Fields }).payment;
    return `${status} ${JSON.stringify(code)}`;
  } catch {
    return "201 not json";
  }
}

/** What three sends of one id get, what has been captured after each, and the row a patient reader finds. */
const rows: readonly (readonly [
  ScenarioName,
  sends: readonly [string, string, string],
  captured: readonly [number, number, number],
  row: string,
])[] = [
  ["approve", ["success 0", "success 0", "success 0"], [1, 1, 1], "success 0"],
  ["approve-string-code", ['success "0"', 'success "0"', 'success "0"'], [1, 1, 1], 'success "0"'],
  ["decline-insufficient-funds", ["fail 5051", "fail 5051", "fail 5051"], [0, 0, 0], "fail 5051"],
  [
    "decline-insufficient-funds-then-approve",
    ["fail 5051", "fail 5051", "fail 5051"],
    [0, 0, 0],
    "fail 5051",
  ],
  ["decline-do-not-honor", ["fail 5005", "fail 5005", "fail 5005"], [0, 0, 0], "fail 5005"],
  ["decline-stolen", ["fail 5043", "fail 5043", "fail 5043"], [0, 0, 0], "fail 5043"],
  ["decline-lost", ["fail 5041", "fail 5041", "fail 5041"], [0, 0, 0], "fail 5041"],
  ["decline-closed-account", ["fail 5046", "fail 5046", "fail 5046"], [0, 0, 0], "fail 5046"],
  ["decline-expired-card", ["fail 5054", "fail 5054", "fail 5054"], [0, 0, 0], "fail 5054"],
  ["decline-cvv", ["fail 5082", "fail 5082", "fail 5082"], [0, 0, 0], "fail 5082"],
  ["decline-validation", ["fail 3001", "fail 3001", "fail 3001"], [0, 0, 0], "fail 3001"],
  ["decline-blacklist", ["fail 6801", "fail 6801", "fail 6801"], [0, 0, 0], "fail 6801"],
  ["decline-scheme-limit", ["fail 6001", "fail 6001", "fail 6001"], [0, 0, 0], "fail 6001"],
  ["decline-unlisted", ["fail 5999", "fail 5999", "fail 5999"], [0, 0, 0], "fail 5999"],
  ["pending-then-approved", ["pending 0", "pending 0", "pending 0"], [0, 0, 0], "success 0"],
  ["pending-then-declined", ["pending 0", "pending 0", "pending 0"], [0, 0, 0], "fail 5005"],
  ["redirect", ["pending 0", "pending 0", "pending 0"], [0, 0, 0], "success 0"],
  ["bad-request", ["400", "400", "400"], [0, 0, 0], "none"],
  ["unauthorized", ["401", "401", "401"], [0, 0, 0], "none"],
  ["forbidden", ["403", "403", "403"], [0, 0, 0], "none"],
  ["not-found", ["404", "404", "404"], [0, 0, 0], "none"],
  ["fault-then-approve", ["500", "500", "success 0"], [0, 0, 1], "success 0"],
  ["fault-after-capture", ["500", "success 0", "success 0"], [1, 1, 1], "success 0"],
  ["rate-limited", ["429", "success 0", "success 0"], [0, 1, 1], "success 0"],
  ["unavailable-503", ["503", "success 0", "success 0"], [0, 1, 1], "success 0"],
  ["html-502-before-capture", ["502 html", "success 0", "success 0"], [0, 1, 1], "success 0"],
  ["html-502-after-capture", ["502 html", "success 0", "success 0"], [1, 1, 1], "success 0"],
  ["timeout-before-capture", ["ECONNRESET", "success 0", "success 0"], [0, 1, 1], "success 0"],
  ["timeout-after-capture", ["ECONNRESET", "success 0", "success 0"], [1, 1, 1], "success 0"],
  ["timeout-twice-after-capture", ["ECONNRESET", "ECONNRESET", "success 0"], [1, 1, 1], "success 0"],
  ["timeout-twice-never-processed", ["ECONNRESET", "ECONNRESET", "success 0"], [0, 0, 1], "success 0"],
  ["reset-before-capture", ["ECONNRESET", "success 0", "success 0"], [0, 1, 1], "success 0"],
  ["reset-after-capture", ["ECONNRESET", "success 0", "success 0"], [1, 1, 1], "success 0"],
  ["half-body", ["cut", "success 0", "success 0"], [1, 1, 1], "success 0"],
  ["truncated", ["201 not json", "success 0", "success 0"], [1, 1, 1], "success 0"],
  ["empty-201", ["201 empty", "success 0", "success 0"], [1, 1, 1], "success 0"],
  ["wrong-amount", ["success 0", "success 0", "success 0"], [1, 1, 1], "success 0"],
  ["wrong-currency", ["success 0", "success 0", "success 0"], [1, 1, 1], "success 0"],
  [
    "approve-no-metadata",
    ["ECONNRESET", "ECONNRESET", "ECONNRESET"],
    [1, 1, 1],
    "success 0 without metadata",
  ],
];

describe("scenarios", () => {
  it("are all in the table of this test", () => {
    expect(rows.map(([name]) => name).toSorted()).toEqual(scenarioNames.toSorted());
    expect(scenarioNamed("toString")).toBeUndefined();
  });

  it.each(rows)("%s: three sends get %j, %j are captured", async (scenario, sends, captured, row) => {
    for (const [index, word] of sends.entries()) {
      expect(wordFor(await pay({ scenario }))).toBe(word);
      expect(sandbox.truth().captures).toBe(captured[index]);
    }
    time += 1500;
    const [found, ...more] = await feedRows();
    expect(more).toEqual([]);
    const text = found && `${found["status"]} ${JSON.stringify(found["code"])}`;
    expect(found ? `${text}${found["metadata"] ? "" : " without metadata"}` : "none").toBe(row);
    expect(sandbox.truth().doubleCharges).toEqual([]);
    expect(sandbox.sendsOf("r-1")).toHaveLength(3);
  });

  it("hold a swallowed request for stallMs, and let go when the client does", async () => {
    const patient = await start({ stallMs: 150 });
    const from = performance.now();
    await pay({ scenario: "timeout-before-capture", to: patient });
    expect(performance.now() - from).toBeGreaterThanOrEqual(140);
    const stalling = await start({ stallMs: 60_000 });
    const gone = await pay({
      scenario: "timeout-after-capture",
      to: stalling,
      signal: AbortSignal.timeout(60),
    });
    expect(gone).toMatchObject({ kind: "broken", headersCame: false });
    expect(wordFor(await pay({ scenario: "timeout-after-capture", to: stalling }))).toBe("success 0");
    expect(stalling.truth().captures).toBe(1);
  });

  it.each([
    ["reset-after-capture", "ECONNRESET"],
    ["timeout-after-capture", "end"],
  ] as const)("%s ends the connection itself with %s", async (scenario, expected) => {
    const body = JSON.stringify(payBody({ scenario }));
    const socket = connect(Number(new URL(sandbox.url).port), "127.0.0.1");
    const ended = new Promise<string | undefined>((resolve) => {
      socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code));
      socket.once("end", () => resolve("end"));
    });
    socket.resume();
    socket.write(
      `POST /payment HTTP/1.1\r\nHost: x\r\nAuthorization: k\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    expect(await ended).toBe(expected);
    socket.destroy();
  });

  it("capture also when the client has gone before the answer", async () => {
    const slow = await start({ latencyMs: { min: 120, max: 120 } });
    await pay({ to: slow, signal: AbortSignal.timeout(40) });
    expect(slow.truth().captures).toBe(0);
    await expect.poll(() => slow.truth().captures).toBe(1);
  });

  it("retry-after: 429 says one second", async () => {
    expect(await pay({ scenario: "rate-limited" })).toMatchObject({ headers: { "retry-after": "1" } });
  });

  it("wrong-amount and wrong-currency say what they captured, not what was asked", async () => {
    const more = payment(await pay({ scenario: "wrong-amount", amount: 19.9 }));
    expect(more).toMatchObject({ amount: 19.91, currency: "EUR" });
    for (const [currency, another] of [
      ["EUR", "USD"],
      ["GBP", "EUR"],
      ["JPY", "KRW"],
      ["KWD", "BHD"],
      ["CLF", "UYW"],
    ] as const) {
      const seen = await pay({ scenario: "wrong-currency", amount: 7, currency, requestId: currency });
      expect(payment(seen)).toMatchObject({ amount: 7, currency: another });
    }
    expect(sandbox.truth().capturedByCurrency).toMatchObject({
      EUR: "2691",
      KRW: "7",
      BHD: "7000",
      UYW: "70000",
    });
  });

  it("a retry after a decline is another attempt", async () => {
    const scenario = "decline-insufficient-funds-then-approve";
    expect(wordFor(await pay({ scenario, requestId: "a" }))).toBe("fail 5051");
    expect(wordFor(await pay({ scenario, requestId: "b" }))).toBe("success 0");
    expect(sandbox.truth()).toMatchObject({ captures: 1, declines: 1, doubleCharges: [] });
  });
});

describe("the answer", () => {
  it("has the documented shape, and no more of the card than its mask", async () => {
    const card = {
      type: "card",
      number: "4111111111111111",
      expirationMonth: "12",
      expirationYear: "29",
      cvv: "123",
    };
    const seen = await pay({ body: { ...payBody(), paymentSource: card } });
    expect(json(seen)).toEqual({
      payment: {
        code: 0,
        description: "Approved",
        action: "charge",
        mode: "sale",
        status: "success",
        amount: 19.9,
        amountUsd: 21.49,
        currency: "EUR",
        orderId: "2394649562",
        transactionId: "404168112",
        descriptor: "SANDBOX",
        source: {
          method: "card",
          number: "411111****1111",
          brand: expect.any(String),
          paymentAccountId: expect.stringMatching(
            /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/,
          ),
          expirationMonth: "12",
          expirationYear: "29",
        },
        apiPaymentSource: "card",
        timestamp: { dateTime: "2026-11-22 12:00:00", timezone: "+00:00", unixTime: time / 1000 - 0.25 },
      },
      consumer: {
        id: expect.stringMatching(/^\d+$/),
        externalId: "user-12345",
        email: "user-12345@example.com",
      },
      metadata: { chargeId: "inv-1", requestId: "as the worker sends it" },
    });
    expect(JSON.stringify([seen, await feedRows()])).not.toContain("4111111111111111");
  });

  it("a token and a whole card never reach the file", async () => {
    const dataFile = join(folder, "memory.ndjson");
    const to = await start({ dataFile });
    const card = { type: "card", number: "4111111111111111", cvv: "987" };
    await pay({ to, body: { ...payBody(), paymentSource: card } });
    const token = { type: "token", value: "a-token-worth-money" };
    await pay({ to, requestId: "r-2", body: { ...payBody(), paymentSource: token } });
    const kept = readFileSync(dataFile, "utf8");
    expect(kept).not.toMatch(/4111111111111111|987|a-token-worth-money/);
    expect(to.truth().captures).toBe(2);
  });

  it("a redirect is pending, with a url; it becomes a charge", async () => {
    expect(payment(await pay({ scenario: "redirect" }))).toMatchObject({
      action: "redirect",
      status: "pending",
      url: expect.stringMatching(/^https:/),
    });
    expect(await feedRows()).toMatchObject([{ action: "redirect", status: "pending" }]);
    expect(sandbox.truth()).toMatchObject({ pendings: 1, captures: 0 });
    time += 1500;
    const [row] = await feedRows();
    expect(row).toMatchObject({ action: "charge", status: "success", transactionId: "404168112" });
    expect(row).not.toHaveProperty("url");
    expect(sandbox.truth()).toMatchObject({ pendings: 0, captures: 1 });
  });

  it("codeCategory comes with 5082 alone, as in the gateway's sample", async () => {
    expect(payment(await pay({ scenario: "decline-cvv" }))).toMatchObject({ codeCategory: 3 });
    expect(payment(await pay({ scenario: "decline-lost", requestId: "r-2" }))).not.toHaveProperty(
      "codeCategory",
    );
  });
});

describe("amounts", () => {
  const decimals: readonly (readonly [decimal: string, currency: string, minor: string | undefined])[] = [
    ["19.99", "EUR", "1999"],
    ["19.9", "EUR", "1990"],
    ["0.01", "EUR", "1"],
    ["500", "JPY", "500"],
    ["1.5", "KWD", "1500"],
    ["12.3456", "CLF", "123456"],
    ["0", "EUR", undefined], // nothing to charge
    ["500.5", "JPY", undefined], // finer than the currency
    ["0.30000000000000004", "EUR", undefined], // somebody added floats
    ["1e21", "EUR", undefined], // no plain decimal
    ["-1", "EUR", undefined],
    ["01", "EUR", undefined],
  ];
  it.each(decimals)("%s %s is %s", (decimal, currency, minor) => {
    expect(minorOf(decimal, currency)).toBe(minor);
    if (minor !== undefined) expect(Number(decimalOf(minor, currency))).toBe(Number(decimal));
  });

  it("US cents are rounded half up", () => {
    expect([usdCentsOf("1990", "EUR"), usdCentsOf("500", "JPY"), usdCentsOf("1500", "KWD")]).toEqual([
      "2149",
      "335",
      "488",
    ]);
  });
});

describe("what the gateway refuses", () => {
  const source = payBody()["paymentSource"];
  const price = { offset: "0d", amount: 5, currency: "EUR", repeat: false };
  const bodies: readonly (readonly [field: string, change: Fields])[] = [
    ["paymentSource", { paymentSource: undefined }],
    ["paymentSource.type", { paymentSource: { type: "gold" } }],
    ["paymentSource.value", { paymentSource: { type: "token" } }],
    [
      "paymentSource.paymentAccountId",
      { paymentSource: { type: "paymentAccountId", paymentAccountId: "x" } },
    ],
    ["sku", { sku: undefined }],
    ["sku", { sku: { price: [price] } }],
    ["sku.price[0]", { sku: { siteId: "site-4471" } }],
    ["sku.price[0].amount", { sku: { siteId: "site-4471", price: [{ ...price, amount: "5.00" }] } }],
    ["sku.price[0].amount", { sku: { siteId: "site-4471", price: [{ ...price, amount: 0.1 + 0.2 }] } }],
    ["sku.price[0].currency", { sku: { siteId: "site-4471", price: [{ ...price, currency: "eur" }] } }],
    ["sku.price[0].offset", { sku: { siteId: "site-4471", price: [{ ...price, offset: 0 }] } }],
    ["sku.price[0].repeat", { sku: { siteId: "site-4471", price: [{ ...price, repeat: "no" }] } }],
    ["consumer", { consumer: undefined }],
    ["consumer", { consumer: { ip: "203.0.113.9" } }],
    ["consumer.country", { consumer: { externalId: "user-1", country: "DE" } }],
    ["metadata", { metadata: "inv-1" }],
    ["metadata.scenario", { metadata: { scenario: "aprove" } }],
    ["url", { url: "https://shop.example" }],
  ];
  it.each(bodies)("400 names %s", async (field, change) => {
    const seen = await pay({ body: { ...payBody(), ...change } });
    expect(seen).toMatchObject({ status: 400 });
    expect(json(seen)).toMatchObject({ message: "Bad Request", errors: { [field]: expect.any(String) } });
    // The id was not used up by what was never processed.
    expect(payment(await pay({ body: { ...payBody(), paymentSource: source } }))).toMatchObject({ code: 0 });
  });

  it("no key is 401, no JSON 400, another path 404, a body without end 413", async () => {
    const body = JSON.stringify(payBody());
    expect(await send("POST", `${sandbox.url}/payment`, {}, body)).toMatchObject({ status: 401 });
    expect(await send("POST", `${sandbox.url}/payment`, { Authorization: "k" }, "{")).toMatchObject({
      status: 400,
    });
    expect(await send("GET", `${sandbox.url}/payment`, { Authorization: "k" })).toMatchObject({
      status: 404,
    });
    const endless = "x".repeat(1_000_001);
    expect(await send("POST", `${sandbox.url}/payment`, { Authorization: "k" }, endless)).toMatchObject({
      status: 413,
    });
    expect(sandbox.truth()).toMatchObject({ captures: 0, sends: 0 });
  });
});

describe("X-Request-ID", () => {
  it("a second request gets the first one's result, byte for byte", async () => {
    const first = await pay();
    time += 5000;
    expect((await pay()) as Fields).toMatchObject({ text: (first as { text: string }).text });
    expect(sandbox.truth()).toMatchObject({ captures: 1, sends: 2, replays: 1, changedReplays: 0 });
  });

  it("so does one with another body; that it had one is noticed", async () => {
    const first = payment(await pay());
    expect(payment(await pay({ amount: 5 }))).toEqual(first);
    expect(sandbox.truth()).toMatchObject({ captures: 1, replays: 1, changedReplays: 1 });
  });

  it("a pending payment's resend is told pending, also when it has become final", async () => {
    const first = payment(await pay({ scenario: "pending-then-approved" }));
    time += 60_000;
    expect(payment(await pay({ scenario: "pending-then-approved" }))).toEqual(first);
    expect(sandbox.truth().captures).toBe(1);
  });

  it("a second request waits for the first while that is in flight", async () => {
    const slow = await start({ latencyMs: { min: 60, max: 60 } });
    const answers = await Promise.all(Array.from({ length: 20 }, () => pay({ to: slow })));
    expect(new Set(answers.map((one) => payment(one)["transactionId"])).size).toBe(1);
    expect(slow.truth()).toMatchObject({ captures: 1, sends: 20, replays: 19 });
  });

  it("is forgotten when its life has run out, and the charge is captured again", async () => {
    await pay();
    time += 899_999;
    await pay();
    expect(sandbox.truth().captures).toBe(1);
    time += 1;
    await pay();
    expect(sandbox.truth()).toMatchObject({
      captures: 2,
      chargesCaptured: 1,
      capturedChargeIds: ["inv-1"],
      doubleCharges: [{ chargeId: "inv-1", transactions: [{ requestId: "r-1" }, { requestId: "r-1" }] }],
      capturedByCurrency: { EUR: "3980" },
    });
    expect(sandbox.capturesOf("inv-1").map((one) => one.transactionId)).toEqual(["404168112", "404168113"]);
  });

  it("is forgotten on demand, here and over HTTP", async () => {
    await pay();
    sandbox.forgetRequestIds();
    await pay();
    await send("POST", `${sandbox.url}/sandbox/forget-request-ids`, {});
    await pay();
    expect(sandbox.truth().captures).toBe(3);
  });

  it("another id for the same charge is a double charge", async () => {
    await pay({ requestId: "a" });
    await pay({ requestId: "b" });
    await pay({ requestId: "c", chargeId: "inv-2" });
    expect(sandbox.truth()).toMatchObject({
      captures: 3,
      chargesCaptured: 2,
      doubleCharges: [{ chargeId: "inv-1" }],
    });
    expect(sandbox.truth().doubleCharges).toHaveLength(1);
  });

  it("without one, every request is a payment of its own", async () => {
    const body = JSON.stringify(payBody());
    await send("POST", `${sandbox.url}/payment`, { Authorization: "k" }, body);
    await send("POST", `${sandbox.url}/payment`, { Authorization: "k" }, body);
    expect(sandbox.truth().captures).toBe(2);
  });
});

describe("the file", () => {
  it("a gateway that is started again knows ids, sends and the truth", async () => {
    const dataFile = join(folder, "memory.ndjson");
    const first = await start({ dataFile });
    const answer = payment(await pay({ to: first }));
    await pay({ to: first, scenario: "fault-then-approve", requestId: "r-2", chargeId: "inv-2" });
    await pay({ to: first, requestId: "r-3", chargeId: "inv-3" });
    first.forgetRequestIds();
    await pay({ to: first, requestId: "r-4", chargeId: "inv-4" });
    await first.close();

    const second = await start({ dataFile });
    expect(second.truth()).toMatchObject({ captures: 3, chargesCaptured: 3 });
    expect(second.capturesOf("inv-1")).toMatchObject([{ transactionId: answer["transactionId"] }]);
    const again = {
      to: second,
      requestId: "r-2",
      scenario: "fault-then-approve",
      chargeId: "inv-2",
    } as const;
    expect(wordFor(await pay(again))).toBe("500");
    expect(wordFor(await pay(again))).toBe("success 0");
    await pay({ to: second, requestId: "r-4", chargeId: "inv-4" });
    expect(second.truth().doubleCharges).toEqual([]);
    await pay({ to: second, requestId: "r-3", chargeId: "inv-3" });
    expect(second.truth().doubleCharges).toMatchObject([{ chargeId: "inv-3" }]);
    const rows = await feedRows(always, second);
    expect(new Set(rows.map((row) => row["transactionId"])).size).toBe(rows.length);
  });

  it("survives SIGKILL: no capture that was answered, or lost on the way, is forgotten", async () => {
    const dataFile = join(folder, "memory.ndjson");
    const server = new URL("../../infra/local/sandbox-centrobill/server.ts", import.meta.url).href;
    const code = `
      import { startSandboxCentrobill } from ${JSON.stringify(server)};
      const options = { dataFile: process.argv[1], latencyMs: { min: 0, max: 0 } };
      console.log((await startSandboxCentrobill(options)).url);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", code, dataFile], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const url = await new Promise<string>((resolve) => {
      child.stdout.once("data", (chunk: Buffer) => resolve(chunk.toString().trim()));
    });
    const to = { ...sandbox, url };
    const answer = payment(await pay({ to }));
    const lost = { to, scenario: "timeout-after-capture", requestId: "r-2", chargeId: "inv-2" } as const;
    await pay({ ...lost, signal: AbortSignal.timeout(300) });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;

    time = Date.now();
    const next = await start({ dataFile });
    expect(payment(await pay({ to: next }))).toEqual(answer);
    expect(wordFor(await pay({ ...lost, to: next }))).toBe("success 0");
    expect(next.truth()).toMatchObject({ captures: 2, doubleCharges: [] });
  });

  it("drops a last line that was cut, and names any other that it cannot read", async () => {
    const dataFile = join(folder, "memory.ndjson");
    const first = await start({ dataFile });
    await pay({ to: first });
    await first.close();
    appendFileSync(dataFile, '{"line":"processed","transact');
    const second = await start({ dataFile });
    await pay({ to: second, requestId: "r-2" });
    expect(second.truth().captures).toBe(2);
    await second.close();
    const third = await start({ dataFile });
    expect(third.truth().captures).toBe(2);
    await third.close();
    appendFileSync(dataFile, "{}\n");
    await expect(start({ dataFile })).rejects.toThrow(/memory\.ndjson:5: not a line/);
  });
});

describe("the feed", () => {
  it("needs a key, and a window or an id", async () => {
    const url = `${sandbox.feedUrl}/transactions`;
    expect(await send("GET", url, {})).toMatchObject({ status: 401 });
    for (const [query, errors] of [
      [{}, ["dateFrom", "dateTo"]],
      [{ ...always, dateTo: "2026-11-23 00:00:00" }, ["dateTo"]],
      [{ ...always, dateFrom: "2026-11-22T00:00:00" }, ["dateFrom"]],
      [{ ...always, page: "0", limit: "1001" }, ["page", "limit"]],
    ] as const) {
      const seen = await feed(query);
      expect(seen).toMatchObject({ status: 400 });
      expect(Object.keys(json(seen)["errors"] as Fields)).toEqual(errors);
    }
  });

  it("has its rows by time, page by page", async () => {
    for (let nth = 1; nth <= 5; nth += 1) {
      await pay({ requestId: `r-${nth}`, chargeId: `inv-${nth}` });
      time += 1000;
    }
    const pages = await Promise.all(
      ["1", "2", "3", "4"].map((page) => feed({ ...always, page, limit: "2" })),
    );
    const ids = pages.map((seen) =>
      (json(seen)["data"] as { metadata: Fields }[]).map((row) => row.metadata["chargeId"]),
    );
    expect(ids).toEqual([["inv-1", "inv-2"], ["inv-3", "inv-4"], ["inv-5"], []]);
    expect(pages.map((seen) => json(seen)["meta"])).toEqual(
      [1, 2, 3, 4].map((currentPage) => ({ currentPage, lastPage: 3, perPage: 2, total: 5 })),
    );
  });

  it("finds by window, both ends included, by order and by transaction", async () => {
    const at = new Date(time).toISOString();
    const before = new Date(time - 1).toISOString();
    const after = new Date(time + 1).toISOString();
    const { orderId, transactionId } = payment(await pay());
    expect(await feedRows({ dateFrom: at, dateTo: at })).toHaveLength(1);
    expect(await feedRows({ dateFrom: before, dateTo: before })).toHaveLength(0);
    expect(await feedRows({ dateFrom: after, dateTo: after })).toHaveLength(0);
    expect(await feedRows({ orderId: String(orderId) })).toHaveLength(1);
    expect(await feedRows({ transactionId: String(transactionId) })).toHaveLength(1);
    expect(await feedRows({ orderId: String(orderId), transactionId: "1" })).toHaveLength(0);
  });

  it("has the row's payment, consumer and metadata, declines too, and shows it after the lag", async () => {
    const late = await start({ feedLagMs: 5000 });
    await pay({ to: late, scenario: "decline-stolen" });
    expect(late.truth().declines).toBe(1);
    time += 4999;
    expect(await feedRows(always, late)).toEqual([]);
    time += 1;
    expect(await feedRows(always, late)).toMatchObject([
      {
        code: 5043,
        status: "fail",
        amount: 19.9,
        consumer: { externalId: "user-12345" },
        metadata: { chargeId: "inv-1", scenario: "decline-stolen" },
      },
    ]);
  });

  it("without metadata a row still has its consumer, amount and time: a weak match", async () => {
    await pay({ scenario: "approve-no-metadata" });
    const [row] = await feedRows();
    expect(row).toMatchObject({ amount: 19.9, consumer: { externalId: "user-12345" } });
    expect(row).not.toHaveProperty("metadata");
  });

  async function fault(body: Fields): Promise<Seen> {
    return send("POST", `${sandbox.url}/sandbox/feed-fault`, {}, JSON.stringify(body));
  }

  it("can fail, for as many requests as said", async () => {
    await pay();
    await fault({ kind: "500", count: 2 });
    const seen = [await feed(always), await feed(always), await feed(always)];
    expect(seen.map((one) => one.kind === "replied" && one.status)).toEqual([500, 500, 200]);
    await fault({ kind: "html" });
    expect(await feed(always)).toMatchObject({ status: 200, text: expect.stringMatching(/^<html>/) });
    expect(await feed(always)).toMatchObject({ text: expect.stringMatching(/^<html>/) });
    await fault({ kind: "other-shape" });
    expect(json(await feed(always))).toMatchObject({ result: { transactions: [{ code: 0 }] } });
    sandbox.setFeedFault({ kind: "none" });
    expect(await feedRows()).toHaveLength(1);
    expect(await fault({ kind: "fire" })).toMatchObject({ status: 400 });
    expect(await fault({ kind: "500", count: 0 })).toMatchObject({ status: 400 });
  });

  it("can be slow, and can be without an end", async () => {
    await pay();
    await fault({ kind: "slow", count: 1 });
    const from = performance.now();
    expect(await feedRows()).toHaveLength(1);
    expect(performance.now() - from).toBeGreaterThanOrEqual(35);
    await fault({ kind: "endless" });
    for (const page of ["1", "2", "900"]) {
      expect(json(await feed({ ...always, page, limit: "1" }))).toMatchObject({
        data: [{ code: 0 }],
        meta: { currentPage: Number(page), lastPage: Number(page) + 1 },
      });
    }
  });
});

describe("the truth over HTTP", () => {
  it("is the summary", async () => {
    await pay();
    expect(json(await send("GET", `${sandbox.url}/sandbox/truth`, {}))).toEqual({ ...sandbox.truth() });
  });
});

describe("close", () => {
  it("ends held connections and captures nothing more", async () => {
    const to = await start({ stallMs: 60_000, latencyMs: { min: 200, max: 200 } });
    const held = pay({ to, scenario: "timeout-before-capture" });
    const working = pay({ to, requestId: "r-2", chargeId: "inv-2" });
    await expect.poll(() => to.truth().sends).toBe(2);
    const from = performance.now();
    await Promise.all([to.close(), to.close()]);
    expect(performance.now() - from).toBeLessThan(150);
    expect([wordFor(await held), wordFor(await working)]).toEqual(["ECONNRESET", "ECONNRESET"]);
    expect(to.truth().captures).toBe(0);
  });

  it("does not wait for a request that never ends", async () => {
    const socket = connect(Number(new URL(sandbox.url).port), "127.0.0.1");
    const gone = new Promise((resolve) => socket.once("close", resolve));
    socket.on("error", () => {});
    socket.write("POST /payment HTTP/1.1\r\nHost: x\r\nAuthorization: k\r\nContent-Length: 100\r\n\r\n{");
    await expect.poll(() => socket.bytesWritten).toBeGreaterThan(0);
    await new Promise((resolve) => setTimeout(resolve, 30));
    await sandbox.close();
    await gone;
  });

  it("rejects a port that is taken", async () => {
    const port = Number(new URL(sandbox.url).port);
    await expect(start({ port })).rejects.toThrow(/EADDRINUSE/);
  });
});

describe("the sample charges", () => {
  const lines = readFileSync(
    new URL("../../infra/local/samples/centrobill.ndjson", import.meta.url),
    "utf8",
  ).split("\n");
  /** Wrong by themselves: whoever sends them gets a request error. */
  const wrong = [
    "inv-2026-11-float",
    "inv-2026-11-decimal",
    "inv-2026-11-lower-case",
    "inv-2026-11-no-such-currency",
    "inv-2026-11-typo",
    "inv-2026-11-own-price",
    "inv-2026-11-card-as-ref",
    "inv-2026-11-card-as-source",
    "inv-2026-11-nothing",
  ];
  const parsed = lines.flatMap((line) => {
    try {
      return [JSON.parse(line) as Fields];
    } catch {
      return [];
    }
  });
  const good = parsed.filter(({ chargeId }) => chargeId !== undefined && !wrong.includes(String(chargeId)));

  it("are what the script makes, one line each", () => {
    expect(lines.pop()).toBe("");
    expect(lines).toEqual(sampleLines());
    expect(lines).toHaveLength(297);
    expect(parsed).toHaveLength(296);
    expect(good).toHaveLength(286);
  });

  it("the good ones are charges, by the contract and by the product", () => {
    for (const one of good) {
      expect(one).toMatchObject({
        v: 1,
        gateway: "centrobill",
        chargeId: expect.stringMatching(/^[A-Za-z0-9._:-]{1,64}$/),
        amount: expect.stringMatching(/^[1-9]\d{0,7}$/),
        currency: expect.stringMatching(/^(EUR|USD|GBP|JPY|KWD|CLF)$/),
        request: { paymentSource: {}, consumer: {}, sku: {} },
      });
      expect(Object.keys((one["request"] as { sku: Fields }).sku)).not.toContain("price");
      expect(parseCharge(JSON.stringify(one), { centrobill: () => [] })).toMatchObject({ ok: true });
    }
  });

  it("the gateway takes every good one as the worker would send it", async () => {
    const scenarios = new Map<string, number>();
    for (const one of good) {
      const { request, chargeId, currency, amount, notAfter, metadata } = one as {
        request: { sku: Fields };
        chargeId: string;
        currency: string;
        amount: string;
        notAfter?: string;
        metadata?: Record<string, string>;
      };
      if (notAfter?.startsWith("2026-01")) continue;
      const scenario = metadata?.["scenario"] ?? "none";
      scenarios.set(scenario, (scenarios.get(scenario) ?? 0) + 1);
      // Without its scenario each must be approved: what the sample says otherwise is wanted, not a mistake.
      const price = [{ offset: "0d", amount: Number(decimalOf(amount, currency)), currency, repeat: false }];
      const body = { ...request, sku: { ...request.sku, price }, metadata: { chargeId } };
      const seen = await pay({ body, requestId: `${chargeId}/${amount}` });
      expect(payment(seen)).toMatchObject({ status: "success", currency });
    }
    expect([...scenarios.keys()].toSorted()).toEqual(["none", ...scenarioNames].toSorted());
    expect(scenarios.get("none")).toBeGreaterThan(good.length / 2);
  });

  it("has one charge twice over, one id for two charges, and two that come too late", () => {
    const counts = new Map<unknown, string[]>();
    for (const one of good) {
      counts.set(one["chargeId"], [...(counts.get(one["chargeId"]) ?? []), JSON.stringify(one)]);
    }
    const twice = [...counts].filter(([, texts]) => texts.length > 1);
    expect(twice.map(([id, texts]) => [id, new Set(texts).size])).toEqual([
      ["inv-2026-11-sent-twice", 1],
      ["inv-2026-11-sent-as-two", 2],
    ]);
    expect(good.filter(({ notAfter }) => String(notAfter).startsWith("2026-01"))).toHaveLength(2);
  });
});
