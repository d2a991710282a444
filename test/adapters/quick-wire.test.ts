import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { BatchExecuteStatementCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { afterEach, describe, expect, test } from "vitest";
import { httpWire } from "../../lib/adapters/http-wire.ts";
import { quickItems } from "../../lib/adapters/quick-dynamodb.ts";
import { formOfEnvironment } from "../../lib/adapters/quick-form.ts";
import { type GivenUp, quickSends } from "../../lib/adapters/quick-sends.ts";
import { authorizationOf } from "../../lib/adapters/quick-signature.ts";

const credentials = {
  accessKeyId: "AKIDEXAMPLE",
  secretAccessKey: "secret/of+example",
  sessionToken: "s=/+",
};
const region = "eu-west-1";
const answer = { Responses: [{ TableName: "ledger" }] };
type Acts = (response: ServerResponse, request: IncomingMessage) => unknown;

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

const json = (response: ServerResponse, status: number, body: object): void => {
  response.writeHead(status, { "content-type": "application/x-amz-json-1.0" });
  response.end(JSON.stringify(body));
};
const says: Acts = (response) => json(response, 200, answer);
const refuses =
  (status: number, type: string): Acts =>
  (response) =>
    json(response, status, { __type: `com.amazon.coral.service#${type}`, message: "no" });

type Seen = { readonly bySdk: boolean; readonly isSigned: boolean };

/**
 * DynamoDB as far as it matters here, on the loopback: it checks each signature by what arrived, answers the SDK well,
 * and what comes past the SDK as it is told, in turn; when nothing is left, well.
 */
const service = async (host: "127.0.0.1" | "::1", acts: readonly Acts[]) => {
  const left = [...acts];
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { authorization = "" } = request.headers;
      const names = /SignedHeaders=([^,]+)/.exec(authorization)?.[1]?.split(";") ?? [];
      const headers = Object.fromEntries(names.map((name) => [name, String(request.headers[name])]));
      const body = Buffer.concat(chunks).toString();
      const bySdk = request.headers["user-agent"] !== "chargeonce";
      const own = authorizationOf(headers, body, { region, service: "dynamodb" }, credentials);
      seen.push({ bySdk, isSigned: own === authorization && request.url === "/" });
      if (bySdk) says(response, request);
      else (left.shift() ?? says)(response, request);
    });
  });
  server.listen(0, host);
  await once(server, "listening");
  open.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { seen, url: `http://${host === "::1" ? "[::1]" : host}:${port}` };
};

const clientOf = (endpoint: string, timeoutMs = 2_000) => {
  const clock = { nowMs: Date.now };
  const wire = httpWire({ clock });
  const sdk = new DynamoDBClient({ endpoint, region, credentials, maxAttempts: 1 });
  const givenUp: GivenUp[] = [];
  open.push(() => {
    wire.close();
    sdk.destroy();
  });
  const env = {
    AWS_REGION: region,
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  };
  const client = quickSends(sdk, {
    wire,
    clock,
    timeoutMs,
    kinds: quickItems,
    credentials: () => credentials,
    formOf: (kind) => formOfEnvironment(env, kind.service, kind.operation),
    onGivenUp: (why) => void givenUp.push(why),
  });
  const send = () =>
    client.send(
      new BatchExecuteStatementCommand({
        Statements: [{ Statement: "ü \u{1f600}", Parameters: [{ N: "1" }] }],
      }),
      { abortSignal: AbortSignal.timeout(20_000) },
    );
  return { send, givenUp };
};

describe("on the wire", () => {
  test.each(["127.0.0.1", "::1"] as const)(
    "at %s and a port of its own every request is signed for it",
    async (host) => {
      const on = await service(host, []);
      const { send } = clientOf(on.url);
      for (let nth = 0; nth < 3; nth++) expect(await send()).toMatchObject(answer);
      expect(on.seen).toEqual(Array.from({ length: 3 }, () => ({ bySdk: false, isSigned: true })));
    },
  );

  const whole = JSON.stringify(answer);
  test.each<[string, Acts, bySdk: boolean, givenUp: boolean]>([
    [
      "an answer in pieces",
      (response) => {
        response.writeHead(200);
        for (const piece of whole) response.write(piece);
        response.end();
      },
      false,
      false,
    ],
    ["a connection that is reset", (_, request) => request.socket.resetAndDestroy(), true, false],
    ["a connection that is closed", (_, request) => request.socket.end(), true, false],
    [
      "half an answer",
      (response) => {
        response.writeHead(200, { "content-length": whole.length });
        response.write(whole.slice(0, 9), () => response.destroy());
      },
      true,
      false,
    ],
    ["no answer", () => undefined, true, false],
    ["throttled", refuses(400, "ThrottlingException"), true, false],
    ["a fault", refuses(500, "InternalServerError"), true, false],
    ["out of service", refuses(503, "ServiceUnavailable"), true, false],
    ["a signature that is not taken", refuses(403, "InvalidSignatureException"), true, true],
    ["a session that is over", refuses(400, "ExpiredTokenException"), true, true],
    ["a clock that is wrong", refuses(403, "RequestTimeTooSkewed"), true, true],
  ])("%s", async (_, acts, bySdk, givesUp) => {
    const on = await service("127.0.0.1", [acts]);
    const { send, givenUp } = clientOf(on.url, 200);
    expect(await send()).toMatchObject(answer);
    expect(on.seen.map((one) => one.bySdk)).toEqual(bySdk ? [false, true] : [false]);
    expect(await send()).toMatchObject(answer);
    expect(on.seen.at(-1)).toEqual({ bySdk: givesUp, isSigned: true });
    expect(givenUp).toHaveLength(givesUp ? 1 : 0);
  });
});
