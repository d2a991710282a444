import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { ScanCommand } from "@aws-sdk/client-dynamodb";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startFunctionProcess } from "../../infra/local/function-process.ts";
import { centrapayClaims, centrobillSignature, createTokenKey } from "../../infra/local/notice-signing.ts";
import type { ChargeId } from "../../lib/core/charge.ts";
import { charge } from "../cli/command.ts";
import { centrapayPayload, centrobillPayload } from "../gateways/notices.ts";
import { bundleOf, type FunctionStand, functionStand } from "./function-stand.ts";

const secret = "s-code-example";
const audience = "https://hooks.merchant.test";
const key = createTokenKey("key-1");

type Event = APIGatewayProxyEventV2;
type Answer = APIGatewayProxyStructuredResultV2;
type Handler = (event: Event) => Promise<Answer>;

/** An event as a function URL or an HTTP API makes it (payload format 2.0). */
const eventOf = (
  path: string,
  body: string | undefined,
  headers: Readonly<Record<string, string>>,
  changes: Partial<Event> = {},
): Event => ({
  version: "2.0",
  routeKey: "$default",
  rawPath: path,
  rawQueryString: "",
  headers: { "content-type": "application/json", "x-forwarded-for": "203.0.113.7", ...headers },
  requestContext: {
    accountId: "anonymous",
    apiId: "abc",
    domainName: "abc.lambda-url.eu-west-1.on.aws",
    domainPrefix: "abc",
    http: { method: "POST", path, protocol: "HTTP/1.1", sourceIp: "203.0.113.7", userAgent: "gateway" },
    requestId: "r",
    routeKey: "$default",
    stage: "$default",
    time: "22/Nov/2026:12:00:00 +0000",
    timeEpoch: Date.now(),
  },
  ...(body === undefined ? {} : { body }),
  isBase64Encoded: false,
  ...changes,
});
const centrobillEvent = (payment: object = {}, metadata: object | null = {}): Event => {
  // The sandbox's own ids begin at that of the samples.
  const payload = centrobillPayload({ transactionId: "304168112", ...payment }, metadata) as {
    payment: { transactionId: string; status: string };
  };
  const { transactionId, status } = payload.payment;
  return eventOf("/notices/centrobill", JSON.stringify(payload), {
    "x-signature": centrobillSignature(secret, transactionId, status),
  });
};
const centrapayEvent = (activity: object = {}, changes: object = {}): Event => {
  const body = JSON.stringify(centrapayPayload(activity, changes));
  return eventOf("/notices/centrapay", body, {
    authorization: key.sign(centrapayClaims(body, audience, Date.now())),
  });
};

let stand: FunctionStand;
let keys: Server;
let keysUrl: string;
let handler: Handler;
const lines: string[] = [];

beforeAll(async () => {
  stand = await functionStand();
  keys = createServer((_request, response) => response.end(JSON.stringify({ keys: [key.jwk] })));
  keys.listen(0, "127.0.0.1");
  await once(keys, "listening");
  keysUrl = `http://127.0.0.1:${(keys.address() as { port: number }).port}/jwks.json`;
  // The built file, in this process: ten thousand events go through it.
  Object.assign(process.env, stand.env, {
    CENTROBILL_IPN_SECRET: secret,
    CENTROBILL_IPN_SECRET_PREVIOUS: "s-code-before",
    CENTRAPAY_NOTICE_AUDIENCE: audience,
    CENTRAPAY_JWKS_URL: keysUrl,
  });
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = ((chunk: string) => {
    if (!chunk.startsWith("{")) return write(chunk);
    lines.push(chunk);
    return true;
  }) as typeof process.stdout.write;
  ({ handler } = (await import(bundleOf("receive-notices"))) as { handler: Handler });
});
afterAll(async () => {
  keys.close();
  await stand.close();
});

/** What the table holds of notices. */
const keptItems = async (): Promise<number> => {
  const { Items = [] } = await stand.clients.dynamodb.send(
    new ScanCommand({
      TableName: stand.env["LEDGER_TABLE"],
      FilterExpression: "begins_with(pk, :p)",
      ExpressionAttributeValues: { ":p": { S: "notice#" } },
    }),
  );
  return Items.length;
};
const queued = async (): Promise<number> => (await stand.depth("unknown-outcomes")).visible;

describe("payload format 2.0", () => {
  test("a genuine notice of each gateway is kept and queued before 200 is said", async () => {
    stand.dynamodb.reset();
    stand.sqs.reset();
    expect(await handler(centrobillEvent())).toEqual({
      statusCode: 200,
      headers: { "Content-Type": "application/json" },
      body: '{"result":"OK"}',
    });
    expect(stand.dynamodb.counts()).toEqual({ PutItem: 1 });
    expect(stand.sqs.counts()).toEqual({ SendMessage: 1 });
    expect((await handler(centrapayEvent())).statusCode).toBe(200);
    expect(await keptItems()).toBe(2);
    const bodies = (await stand.receive("unknown-outcomes")).map(({ Body = "" }) => JSON.parse(Body));
    expect(bodies).toEqual([
      { v: 1, kind: "notice", gateway: "centrobill", reference: "304168112", notice: expect.any(String) },
      { v: 1, kind: "notice", gateway: "centrapay", reference: "pr-1", notice: "n-1" },
    ]);
  });

  const base64 = (event: Event): Event => ({
    ...event,
    body: Buffer.from(event.body ?? "").toString("base64"),
    isBase64Encoded: true,
  });
  const at = (event: Event, rawPath: string): Event => ({ ...event, rawPath });
  const by = (event: Event, method: string): Event => ({
    ...event,
    requestContext: {
      ...event.requestContext,
      http: { ...event.requestContext.http, method },
    },
  });
  const padded = (bytes: number): string =>
    JSON.stringify({ ...centrobillPayload({ transactionId: "304168112" }), pad: "x".repeat(bytes) });
  const { headers } = centrobillEvent();
  const capital = (event: Event): Event => ({
    ...event,
    headers: Object.fromEntries(
      Object.entries(event.headers).map(([name, value]) => [name.toUpperCase(), value]),
    ),
  });
  // biome-ignore format: one row a line
  const table: readonly (readonly [status: number, make: () => Event, why: string])[] = [
    [200, () => base64(centrobillEvent()), "a body in base64"],
    [200, () => base64(centrapayEvent()), "whose hash is of its bytes"],
    [200, () => base64(centrapayEvent({ note: "Zürich 東京 🎫" })), "more than ASCII"],
    [200, () => centrapayEvent({ note: "Zürich 東京 🎫" }), "as text, too"],
    [200, () => at(centrobillEvent(), "/prod/notices/centrobill"), "behind a stage's name"],
    [200, () => at(centrobillEvent(), "/notices/centrobill/"), "with a slash at its end"],
    [200, () => capital(centrobillEvent()), "names of headers have no case"],
    [200, () => eventOf("/notices/centrobill", padded(100_000), { "x-signature": headers["x-signature"] ?? "" }), "large, and read"],
    [413, () => eventOf("/notices/centrobill", padded(262_144), { "x-signature": headers["x-signature"] ?? "" }), "larger than any notice"],
    [413, () => eventOf("/notices/centrobill", "x".repeat(1_048_576), {}), "1 MiB of nothing"],
    [413, () => ({ ...eventOf("/notices/centrapay", Buffer.alloc(1_048_576).toString("base64"), {}), isBase64Encoded: true }), "1 MiB of nothing, in base64"],
    [413, () => eventOf("/notices/centrobill", "é".repeat(200_000), {}), "counted in bytes"],
    [404, () => at(centrobillEvent(), "/"), "no path"],
    [404, () => at(centrobillEvent(), "/notices"), "no gateway"],
    [404, () => at(centrobillEvent(), "/notices/centrobill2"), "another one"],
    [404, () => ({ ...centrobillEvent(), rawPath: undefined }) as never, "no path at all"],
    [405, () => by(centrobillEvent(), "GET"), "not a POST"],
    [401, () => at(centrobillEvent(), "/notices/centrapay"), "one gateway's signature is not the other's"],
    [401, () => at(centrapayEvent(), "/notices/centrobill"), "nor the other way round"],
    [401, () => eventOf("/notices/centrobill", undefined, {}), "nothing"],
    [401, () => ({ ...eventOf("/notices/centrobill", undefined, {}), body: null }) as never, "nothing, said so"],
    [400, () => eventOf("/notices/centrobill", undefined, { "x-signature": headers["x-signature"] ?? "" }), "a signature of nothing"],
    [400, () => eventOf("/notices/centrobill", "[[[", { "x-signature": headers["x-signature"] ?? "" }), "not JSON"],
    [401, () => eventOf("/notices/centrapay", undefined, { authorization: key.sign(centrapayClaims("x", audience, Date.now())) }), "a token of another body"],
    [401, () => eventOf("/notices/centrapay", "{}", { authorization: key.sign(centrapayClaims("{}", "https://other.test", Date.now())) }), "for somebody else"],
    [401, () => eventOf("/notices/centrapay", "{}", { authorization: key.sign(centrapayClaims("{}", audience, Date.now() - 3_600_000)) }), "of an hour ago"],
    [400, () => eventOf("/notices/centrapay", "[]", { authorization: key.sign(centrapayClaims("[]", audience, Date.now())) }), "signed, and no notice"],
    [400, () => ({ ...centrobillEvent(), isBase64Encoded: true }), "text that calls itself base64"],
    [401, () => ({ ...centrobillEvent(), headers: undefined }) as never, "no headers"],
  ];
  test.each(table)("%i ‹%#›", async (status, make, why) => {
    const before = [await keptItems(), await queued()] as const;
    expect((await handler(make())).statusCode, why).toBe(status);
    if (status !== 200) expect([await keptItems(), await queued()], why).toEqual(before);
  });

  test("the secret of before is believed while there is one", async () => {
    const event = centrobillEvent({ transactionId: "55501" });
    const signature = centrobillSignature("s-code-before", "55501", "success");
    expect((await handler({ ...event, headers: { "x-signature": signature } })).statusCode).toBe(200);
  });

  test("a secret of the store is read by the invocations; one that cannot be read any more stays in use", async () => {
    let has = false;
    const extension = createServer((_request, response) => {
      response.writeHead(has ? 200 : 500).end(JSON.stringify({ SecretString: secret }));
    });
    extension.listen(0, "127.0.0.1");
    await once(extension, "listening");
    const stored = startFunctionProcess({
      functionName: "receive-notices",
      bundle: bundleOf("receive-notices"),
      env: {
        ...stand.env,
        CENTROBILL_IPN_SECRET_SECRET_ARN: "arn:aws:secretsmanager:eu-west-1:1:secret:ipn",
        PARAMETERS_SECRETS_EXTENSION_HTTP_PORT: String((extension.address() as { port: number }).port),
      },
      onLog: () => {},
    });
    expect(await stored.started).toBeNull();
    const statusOf = async (transactionId: string) => {
      const end = await stored.invoke(centrobillEvent({ transactionId }), 30_000);
      return end.kind === "returned" ? (end.result as Answer).statusCode : end.kind;
    };
    expect(await statusOf("31")).toBe(503);
    has = true;
    expect(await statusOf("31")).toBe(200);
    has = false;
    expect(await statusOf("32")).toBe(200);
    await stored.stop();
    extension.close();
    extension.closeAllConnections();
  });

  test("a queue or a table that does not answer is not said yes to", async () => {
    const broken = startFunctionProcess({
      functionName: "receive-notices",
      bundle: bundleOf("receive-notices"),
      env: { ...stand.env, CENTROBILL_IPN_SECRET: secret, LEDGER_TABLE: "no-such-table" },
      onLog: () => {},
    });
    expect(await broken.started).toBeNull();
    expect(await broken.invoke(centrobillEvent({ transactionId: "9" }), 30_000)).toMatchObject({
      kind: "returned",
      result: { statusCode: 503 },
    });
    await broken.stop();
  });
});

describe("the notice fuzz: of ten thousand changed requests none is accepted", () => {
  /** Changes that a signature has to notice, each at a place and with a text by chance. */
  const mutation = fc.record({
    how: fc.nat(9),
    at: fc.nat(),
    text: fc.oneof(
      fc.string({ minLength: 1, maxLength: 12 }),
      fc.constantFrom('"', "}", "\u0000", "0", "success"),
    ),
  });
  const edit = (value: string, at: number, text: string): string => {
    const place = value.length === 0 ? 0 : at % value.length;
    return value.slice(0, place) + text + value.slice(place + text.length);
  };
  const flipped = (value: string, at: number): string => {
    const place = at % value.length;
    const code = value.charCodeAt(place) ^ (1 << (at % 6));
    return value.slice(0, place) + String.fromCharCode(code) + value.slice(place + 1);
  };

  const runs = 10_000;
  /** Every changed request of `genuine`, and how it was answered. */
  const fuzz = async (
    genuine: () => Event,
    mutate: (event: Event, m: { how: number; at: number; text: string }) => Event,
    isChanged: (event: Event, from: Event) => boolean,
  ): Promise<Record<string, number>> => {
    const from = genuine();
    const counts: Record<string, number> = {};
    let tried = 0;
    for (const m of fc.sample(mutation, { numRuns: runs * 2, seed: 20_261_122 })) {
      if (tried === runs) break;
      const event = mutate(from, m);
      if (!isChanged(event, from)) continue;
      tried += 1;
      const { statusCode } = await handler(event);
      counts[String(statusCode)] = (counts[String(statusCode)] ?? 0) + 1;
      if (statusCode === 200) throw new Error(`accepted: ${JSON.stringify(event)}`);
    }
    expect(tried).toBe(runs);
    return counts;
  };

  test("Centrobill: signature, transaction id and status; what is not signed cannot be told (S15)", async () => {
    const before = [await keptItems(), await queued()];
    const signedPart = (event: Event): string => {
      try {
        const { payment } = JSON.parse(event.body ?? "") as {
          payment?: { transactionId?: unknown; status?: unknown };
        };
        return JSON.stringify([String(payment?.transactionId), payment?.status]);
      } catch {
        return "unreadable";
      }
    };
    const counts = await fuzz(
      () => centrobillEvent({ transactionId: "718641118" }),
      (event, { how, at, text }) => {
        const signature = event.headers["x-signature"] ?? "";
        const withSignature = (value: string): Event => ({
          ...event,
          headers: { ...event.headers, "x-signature": value },
        });
        const withPayment = (change: (payment: Record<string, unknown>) => void): Event => {
          const payload = JSON.parse(event.body ?? "") as { payment: Record<string, unknown> };
          change(payload.payment);
          return { ...event, body: JSON.stringify(payload) };
        };
        switch (how) {
          case 0:
            return withSignature(flipped(signature, at));
          case 1:
            return withSignature(edit(signature, at, text));
          case 2:
            return withSignature(createHash("sha256").update(text).digest("hex"));
          case 3:
            return withPayment((payment) => {
              payment["transactionId"] = edit(String(payment["transactionId"]), at, text);
            });
          case 4:
            return withPayment((payment) => {
              payment["status"] = edit(String(payment["status"]), at, text);
            });
          case 5: {
            // The same text, cut in two elsewhere.
            const both = "718641118success";
            const cut = 1 + (at % (both.length - 1));
            return withPayment((payment) => {
              payment["transactionId"] = both.slice(0, cut);
              payment["status"] = both.slice(cut);
            });
          }
          case 6:
            return withPayment((payment) => {
              payment["transactionId"] = at;
            });
          case 7:
            return withPayment((payment) => {
              payment["status"] = [payment["status"]];
            });
          case 8:
            return { ...event, body: edit(event.body ?? "", at, text) };
          default:
            return { ...event, body: (event.body ?? "").slice(0, at % (event.body ?? "").length) };
        }
      },
      (event, from) =>
        signedPart(event) !== signedPart(from) ||
        event.headers["x-signature"]?.trim().toLowerCase() !== from.headers["x-signature"],
    );
    expect(Object.keys(counts).sort()).toEqual(["400", "401"]);
    expect([await keptItems(), await queued()]).toEqual(before);
  }, 240_000);

  test("Centrapay: any byte of the body, any part of the token", async () => {
    const before = [await keptItems(), await queued()];
    const counts = await fuzz(
      () => centrapayEvent({}, { id: "n-fuzz" }),
      (event, { how, at, text }) => {
        const token = event.headers["authorization"] ?? "";
        const parts = token.split(".") as [string, string, string];
        const withToken = (value: string): Event => ({
          ...event,
          headers: { ...event.headers, authorization: value },
        });
        const withClaims = (change: (claims: Record<string, unknown>) => void): Event => {
          const claims = JSON.parse(Buffer.from(parts[1], "base64url").toString()) as Record<string, unknown>;
          change(claims);
          const claimsPart = Buffer.from(JSON.stringify(claims)).toString("base64url");
          return withToken([parts[0], claimsPart, parts[2]].join("."));
        };
        switch (how) {
          case 0:
            return { ...event, body: flipped(event.body ?? "", at) };
          case 1:
            return { ...event, body: edit(event.body ?? "", at, text) };
          case 2:
            return { ...event, body: (event.body ?? "") + text };
          case 3:
            return withToken(flipped(token, at));
          case 4:
            return withToken(edit(token, at, text));
          case 5:
            return withClaims((claims) => {
              claims["exp"] = String(Math.floor(Date.now() / 1_000) + 300 + (at % 1_000) + 1);
            });
          case 6: {
            // Another body with its own hash, under the old signature.
            const body = edit(event.body ?? "", at, text);
            const changed = withClaims((claims) => {
              claims["request_body_sha256"] = createHash("sha256").update(body).digest("hex");
            });
            return { ...changed, body };
          }
          case 7: {
            const header = Buffer.from(
              JSON.stringify({ alg: at % 2 === 0 ? "none" : "HS256", kid: "key-1" }),
            );
            return withToken([header.toString("base64url"), parts[1], parts[2]].join("."));
          }
          case 8:
            // Genuine in all but the key that signed it.
            return withToken(
              createTokenKey("key-1").sign(centrapayClaims(event.body ?? "", audience, Date.now())),
            );
          default:
            return {
              ...event,
              body: Buffer.from(event.body ?? "")
                .toString("base64")
                .slice(at % 4 || 1),
              isBase64Encoded: true,
            };
        }
      },
      (event, from) =>
        (event.isBase64Encoded ? Buffer.from(event.body ?? "", "base64").toString() : event.body) !==
          from.body || bytesOfToken(event) !== bytesOfToken(from),
    );
    expect(Object.keys(counts)).toEqual(["401"]);
    expect([await keptItems(), await queued()]).toEqual(before);
  }, 240_000);

  /** The last character of base64url has bits that mean nothing: another text may be the same signature. */
  const bytesOfToken = (event: Event): string =>
    (event.headers["authorization"] ?? "")
      .trim()
      .replace(/^Bearer +/i, "")
      .split(".")
      .map((part) => (/^[\w-]*$/.test(part) ? Buffer.from(part, "base64url").toString("hex") : `not ${part}`))
      .join(".");
});

test("a flood of copies is answered in no time of table or queue", async () => {
  const event = centrobillEvent({ transactionId: "88801" });
  await handler(event);
  stand.dynamodb.reset();
  stand.sqs.reset();
  for (let n = 0; n < 2_000; n++) expect((await handler(event)).statusCode).toBe(200);
  expect(stand.dynamodb.counts()).toEqual({});
  expect(stand.sqs.counts()).toEqual({});
});

test("lost, and told by a notice: from the door to the queue of the approved", async () => {
  const submit = await stand.start("submit-charges", {
    CENTROBILL_FEED_URL: "",
    POLICY: JSON.stringify({ resendDelayMs: 100, lookupScheduleMs: [1_000, 600_000] }),
  });
  const resolve = await stand.start("resolve-unknowns", {
    CENTROBILL_FEED_URL: "",
    POLICY: JSON.stringify({ resendDelayMs: 100, lookupScheduleMs: [1_000, 600_000] }),
  });
  await stand.remove("unknown-outcomes", await stand.receive("unknown-outcomes", 1_000));
  const { hidden } = await stand.depth("unknown-outcomes");
  await stand.send("charges", [
    JSON.stringify(charge("lost-1", { metadata: { scenario: "timeout-twice-after-capture" } })),
  ]);
  await submit.invoke("charges", await stand.receive("charges"));
  const [capture] = stand.sandbox.capturesOf("lost-1");
  const read = async () => (await stand.ledger.read(["lost-1" as ChargeId])).get("lost-1" as ChargeId);
  expect(await read()).toMatchObject({ state: "unknown" });
  const round = async (): Promise<number> => {
    const messages = await stand.receive("unknown-outcomes");
    if (messages.length > 0) {
      const { batchItemFailures } = await resolve.invoke("unknown-outcomes", messages);
      const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
      await stand.remove(
        "unknown-outcomes",
        messages.filter(({ MessageId = "" }) => !failed.has(MessageId)),
      );
    }
    return messages.length;
  };
  // Its own message is received once, is not due for ten minutes, and is hidden.
  while ((await round()) === 0) await new Promise((wake) => setTimeout(wake, 100));
  expect(await read()).toMatchObject({ state: "unknown", receipt: expect.any(String) });
  expect((await stand.depth("unknown-outcomes")).hidden).toBe(hidden + 1);

  const { requestId = "" } = (await read()) ?? {};
  const event = centrobillEvent(
    { transactionId: capture?.transactionId ?? "", orderId: capture?.orderId ?? "", amount: 19.99 },
    { chargeId: "lost-1", requestId },
  );
  expect((await handler(event)).statusCode).toBe(200);
  await round();
  expect(await read()).toMatchObject({ state: "approved", evidence: { kind: "notice" } });
  // Woken, it is told now and not in ten minutes.
  await round();
  expect((await stand.told("approved")).map(({ id, evidence }) => [id, evidence?.kind])).toContainEqual([
    "lost-1#1#approved",
    "notice",
  ]);
});

test("log lines show neither secret, signature nor body", () => {
  const text = lines.join("\n");
  expect(text).toContain('"event":"notice_refused"');
  expect(text).toContain('"NoticesRefused":1');
  expect(text).toContain('"event":"notice_kept"');
  expect(text).not.toContain("s-code");
  expect(text).not.toContain("secret-account");
  expect(text).not.toContain("513284");
});
