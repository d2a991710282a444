import { Readable } from "node:stream";
import { BatchExecuteStatementCommand, DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import { describe, expect, test } from "vitest";
import { quickStatements } from "../../lib/adapters/quick-dynamodb.ts";
import { authorizationOf, quickSends, type SignedRequest } from "../../lib/adapters/quick-sends.ts";
import { quickMessages } from "../../lib/adapters/quick-sqs.ts";
import type { Transport, WireRequest } from "../../lib/core/transport.ts";

const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret/of+example" };
const region = "eu-west-1";
type Sent = SignedRequest & { readonly body: Uint8Array };
const textOf = (request: Sent | undefined): string => Buffer.from(request?.body ?? []).toString();

/** An SDK's way to the network that keeps what it is given, and answers as it is told. */
const network = (answers: readonly (readonly [status: number, json: object])[] = []) => {
  const sent: Sent[] = [];
  const left = [...answers];
  return {
    sent,
    async handle(request: Sent) {
      sent.push(request);
      const [statusCode, json] = left.shift() ?? [200, {}];
      return {
        response: {
          statusCode,
          headers: { "content-type": "application/x-amz-json-1.0" },
          body: Readable.from([Buffer.from(JSON.stringify(json))]),
        },
      };
    },
  };
};

const replied = (json: unknown, status = 200): Transport => ({
  kind: "replied",
  status,
  headers: {},
  body: typeof json === "string" ? json : JSON.stringify(json),
  bodySha256: "",
});

const bytes = new Uint8Array(Buffer.from("xx\u0000\u00ff!!", "latin1")).subarray(2, 4);
const statements = () =>
  new BatchExecuteStatementCommand({
    Statements: [
      {
        Statement: `INSERT INTO "ledger" VALUE {'pk': ?, 'at': ?, 'entry': ?}`,
        Parameters: [{ S: "ü \ud83d" }, { N: "5" }, { B: bytes }],
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      },
    ],
  });
const messages = () =>
  new SendMessageBatchCommand({
    QueueUrl: "https://sqs.example/1/q",
    Entries: [{ Id: "0", MessageBody: "m", DelaySeconds: 7 }],
  });
const { signal: never } = new AbortController();

const stage = (options: {
  readonly sdk?: readonly (readonly [number, object])[];
  readonly wire?: readonly (Transport | Error | Promise<Transport>)[];
  readonly endpoint?: string;
  readonly sdkFirst?: number;
  readonly sessionToken?: string;
}) => {
  const handler = network(options.sdk);
  const quick: WireRequest[] = [];
  const left = [...(options.wire ?? [])];
  const nowMs = (): number => Date.UTC(2026, 10, 25, 12, 30, 5, 678);
  const of = <Client extends DynamoDBClient | SQSClient>(client: Client) =>
    quickSends(client, {
      clock: { nowMs },
      timeoutMs: 2_000,
      sdkFirst: options.sdkFirst ?? 1,
      kinds: [quickStatements, quickMessages],
      wire: {
        async send(request) {
          quick.push(request);
          const answer = left.shift() ?? replied({ Responses: [] });
          if (answer instanceof Error) throw answer;
          return answer;
        },
      },
    });
  const settings = {
    region,
    credentials: {
      ...credentials,
      ...(options.sessionToken === undefined ? {} : { sessionToken: options.sessionToken }),
    },
    requestHandler: handler as never,
    maxAttempts: 1,
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
  };
  return {
    dynamodb: of(new DynamoDBClient(settings)),
    sqs: of(new SQSClient({ ...settings, md5: false })),
    sdk: handler.sent,
    quick,
  };
};
const quickly = { abortSignal: never };

describe("the signature", () => {
  test.each<[string, (on: ReturnType<typeof stage>) => Promise<unknown>]>([
    ["DynamoDB", (on) => on.dynamodb.send(statements(), quickly)],
    ["SQS", (on) => on.sqs.send(messages(), quickly)],
  ])("of a request to %s is the one that the SDK makes", async (_, send) => {
    for (const sessionToken of ["", "a/session+token=="]) {
      const on = stage(sessionToken === "" ? {} : { sessionToken });
      await send(on);
      const [request] = on.sdk;
      if (request === undefined) throw new Error("nothing was sent");
      const headers = Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value]),
      );
      const authorization = headers["authorization"] ?? "";
      const names = /SignedHeaders=([^,]+)/.exec(authorization)?.[1]?.split(";") ?? [];
      const [, service = ""] = new RegExp(`${region}/([a-z]+)/`).exec(authorization) ?? [];
      const signed = Object.fromEntries(names.map((name) => [name, headers[name] ?? ""]));
      expect(authorizationOf(signed, textOf(request), { region, service }, credentials)).toBe(authorization);
    }
  });
});

describe("a client that sends quickly", () => {
  test("lets the SDK make the first request of a kind, and repeats it with a body of its own", async () => {
    const on = stage({ sessionToken: "session" });
    await on.dynamodb.send(statements(), quickly);
    await on.dynamodb.send(statements(), quickly);
    expect([on.sdk.length, on.quick.length]).toEqual([1, 1]);
    const [{ url, headers, body } = {} as WireRequest] = on.quick;
    expect(url).toBe(`https://dynamodb.${region}.amazonaws.com/`);
    expect(headers).toMatchObject({
      host: `dynamodb.${region}.amazonaws.com`,
      "content-type": "application/x-amz-json-1.0",
      "x-amz-target": "DynamoDB_20120810.BatchExecuteStatement",
      "x-amz-date": "20261125T123005Z",
      "x-amz-security-token": "session",
    });
    const { authorization, "user-agent": _agent, ...rest } = headers as Record<string, string>;
    const { "x-amz-user-agent": _own, ...signed } = rest;
    expect(authorization).toBe(
      authorizationOf(signed, body ?? "", { region, service: "dynamodb" }, credentials),
    );
    // The SDK's own body says the same.
    expect(JSON.parse(body ?? "")).toEqual(JSON.parse(textOf(on.sdk[0])));
  });

  test("lets the SDK make as many as it is told, and after a refusal only one", async () => {
    const on = stage({ sdkFirst: 2, wire: [replied({}, 500)] });
    for (let nth = 0; nth < 5; nth++) await on.dynamodb.send(statements(), quickly);
    // Two by the SDK, one quick that is refused and goes to the SDK, two quick ones.
    expect([on.sdk.length, on.quick.length]).toEqual([3, 3]);
  });

  test("of messages, the body is the SDK's, too", async () => {
    const on = stage({ wire: [replied({ Successful: [{ Id: "0" }], Failed: [] })] });
    await on.sqs.send(messages(), quickly);
    expect(await on.sqs.send(messages(), quickly)).toMatchObject({ Successful: [{ Id: "0" }] });
    expect(JSON.parse(on.quick[0]?.body ?? "")).toEqual(JSON.parse(textOf(on.sdk[0])));
  });

  test("reads bytes in what stands in a write's way", async () => {
    const item = { pk: { S: "a" }, entry: { B: Buffer.from(bytes).toString("base64") } };
    const on = stage({
      wire: [replied({ Responses: [{ Error: { Code: "DuplicateItem", Item: item } }, {}] })],
    });
    await on.dynamodb.send(statements(), quickly);
    const { Responses: [first] = [] } = await on.dynamodb.send(statements(), quickly);
    expect(first?.Error?.Item).toEqual({ pk: { S: "a" }, entry: { B: Buffer.from(bytes) } });
  });

  test.each<[string, Transport | Error]>([
    ["a refusal", replied({ __type: "ThrottlingException" }, 400)],
    ["a signature that is not taken", replied({ __type: "InvalidSignatureException" }, 403)],
    ["a fault", replied({}, 500)],
    ["what is no JSON", replied("{")],
    ["no answer", { kind: "sentUnanswered", cause: "timeout" }],
    ["no connection", { kind: "neverSent", cause: "refused" }],
    ["a mistake", new TypeError("this wire was closed")],
  ])("after %s asks the SDK, and so it does the next time", async (_, answer) => {
    const on = stage({
      wire: [answer],
      sdk: [
        [200, {}],
        [400, { __type: "ValidationException" }],
      ],
    });
    await on.dynamodb.send(statements(), quickly);
    await expect(on.dynamodb.send(statements(), quickly)).rejects.toMatchObject({
      name: "ValidationException",
    });
    expect([on.sdk.length, on.quick.length]).toEqual([2, 1]);
    await on.dynamodb.send(statements(), quickly);
    expect([on.sdk.length, on.quick.length]).toEqual([3, 1]);
    await on.dynamodb.send(statements(), quickly);
    expect([on.sdk.length, on.quick.length]).toEqual([3, 2]);
  });

  test("what failed at the SDK is not repeated", async () => {
    const on = stage({ sdk: [[500, {}]] });
    await expect(on.dynamodb.send(statements(), quickly)).rejects.toThrow();
    await on.dynamodb.send(statements(), quickly);
    expect([on.sdk.length, on.quick.length]).toEqual([2, 0]);
  });

  test("everything else is the SDK's, and so is an endpoint that has a path", async () => {
    const on = stage({});
    const put = new PutItemCommand({ TableName: "t", Item: { pk: { S: "a" } } });
    for (let nth = 0; nth < 2; nth++) await on.dynamodb.send(put, quickly);
    const elsewhere = stage({ endpoint: "https://aws.example/dynamodb" });
    for (let nth = 0; nth < 2; nth++) await elsewhere.dynamodb.send(statements(), quickly);
    expect([on.quick.length, elsewhere.quick.length]).toEqual([0, 0]);
  });

  test("ends when its caller's deadline is over, whatever the server does", async () => {
    const on = stage({ wire: [new Promise<Transport>(() => {})] });
    await on.dynamodb.send(statements(), quickly);
    const abortSignal = AbortSignal.timeout(20);
    await expect(on.dynamodb.send(statements(), { abortSignal })).rejects.toMatchObject({
      name: "TimeoutError",
    });
    expect(on.sdk).toHaveLength(1);
  });
});
