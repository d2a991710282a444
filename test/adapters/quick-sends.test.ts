import { Readable } from "node:stream";
import {
  BatchExecuteStatementCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
} from "@aws-sdk/client-dynamodb";
import { ChangeMessageVisibilityBatchCommand, SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import { describe, expect, test } from "vitest";
import { quickItems } from "../../lib/adapters/quick-dynamodb.ts";
import { formOfEnvironment, type SignedRequest } from "../../lib/adapters/quick-form.ts";
import { type GivenUp, quickSends } from "../../lib/adapters/quick-sends.ts";
import { authorizationOf } from "../../lib/adapters/quick-signature.ts";
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

const lambda = {
  AWS_REGION: region,
  AWS_LAMBDA_FUNCTION_NAME: "f",
  AWS_ACCESS_KEY_ID: credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
};

const stage = (options: {
  readonly sdk?: readonly (readonly [number, object])[];
  readonly wire?: readonly (Transport | Error | Promise<Transport>)[];
  readonly endpoint?: string;
  /** nothing of the environment is known: the SDK has to show it */
  readonly learns?: true;
  readonly sessionToken?: string;
  readonly noCredentials?: true;
}) => {
  const handler = network(options.sdk);
  const quick: WireRequest[] = [];
  const givenUp: GivenUp[] = [];
  const left = [...(options.wire ?? [])];
  const nowMs = (): number => Date.UTC(2026, 10, 25, 12, 30, 5, 678);
  const own = {
    ...credentials,
    ...(options.sessionToken === undefined ? {} : { sessionToken: options.sessionToken }),
  };
  const of = <Client extends DynamoDBClient | SQSClient>(client: Client) =>
    quickSends(client, {
      clock: { nowMs },
      timeoutMs: 2_000,
      formOf: ({ service, operation }) =>
        options.learns === true ? undefined : formOfEnvironment(lambda, service, operation),
      credentials: () => (options.noCredentials === true ? undefined : own),
      onGivenUp: (why) => void givenUp.push(why),
      kinds: [...quickItems, ...quickMessages],
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
    credentials: own,
    requestHandler: handler as never,
    maxAttempts: 1,
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
  };
  return {
    dynamodb: of(new DynamoDBClient(settings)),
    sqs: of(new SQSClient({ ...settings, md5: false, useQueueUrlAsEndpoint: false })),
    sdk: handler.sent,
    quick,
    givenUp,
  };
};
const quickly = { abortSignal: never };

const put = () =>
  new PutItemCommand({
    TableName: "t",
    Item: { pk: { S: "a" }, entry: { B: bytes } },
    ConditionExpression: "#token = :previous",
    ExpressionAttributeNames: { "#token": "token" },
    ExpressionAttributeValues: { ":previous": { S: "t1" } },
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  });
const get = () => new GetItemCommand({ TableName: "t", Key: { pk: { S: "a" } }, ConsistentRead: true });
const hide = () =>
  new ChangeMessageVisibilityBatchCommand({
    QueueUrl: "https://sqs.example/1/q",
    Entries: [{ Id: "0", ReceiptHandle: "r", VisibilityTimeout: 7 }],
  });

type On = ReturnType<typeof stage>;
const kinds: readonly (readonly [string, "dynamodb" | "sqs", (on: On) => Promise<unknown>])[] = [
  ["BatchExecuteStatement", "dynamodb", (on) => on.dynamodb.send(statements(), quickly)],
  ["PutItem", "dynamodb", (on) => on.dynamodb.send(put(), quickly)],
  ["GetItem", "dynamodb", (on) => on.dynamodb.send(get(), quickly)],
  ["SendMessageBatch", "sqs", (on) => on.sqs.send(messages(), quickly)],
  ["ChangeMessageVisibilityBatch", "sqs", (on) => on.sqs.send(hide(), quickly)],
];

describe("a request", () => {
  test.each(kinds)("%s says what the SDK's own says, and is signed", async (operation, service, send) => {
    const bySdk = stage({ learns: true, sessionToken: "session" });
    await send(bySdk);
    const on = stage({ sessionToken: "session", wire: [replied({})] });
    await send(on);
    expect([on.sdk.length, on.quick.length]).toEqual([0, 1]);
    const [{ url, method, headers, body } = {} as WireRequest] = on.quick;
    expect([method, url]).toEqual(["POST", `https://${service}.${region}.amazonaws.com/`]);
    expect(JSON.parse(body ?? "")).toEqual(JSON.parse(textOf(bySdk.sdk[0])));
    const {
      authorization,
      "user-agent": _agent,
      "x-amzn-query-mode": _mode,
      ...signed
    } = headers as Record<string, string>;
    expect(Object.keys(signed).sort()).toEqual(
      ["content-type", "host", "x-amz-date", "x-amz-security-token", "x-amz-target"].sort(),
    );
    expect(signed["x-amz-date"]).toBe("20261125T123005Z");
    expect(signed["x-amz-target"]).toMatch(new RegExp(`\\.${operation}$`));
    expect(authorization).toBe(authorizationOf(signed, body ?? "", { region, service }, credentials));
  });

  test.each(kinds)("%s, of an address that the SDK alone knows, is made by it first", async (_, __, send) => {
    const on = stage({ learns: true, wire: [replied({}), replied({})] });
    for (let nth = 0; nth < 3; nth++) await send(on);
    expect([on.sdk.length, on.quick.length]).toEqual([1, 2]);
    const [{ headers: own, url } = {} as WireRequest] = on.quick;
    const { hostname, headers: theirs } = on.sdk[0] as Sent;
    expect(url).toBe(`https://${hostname}/`);
    const { authorization: _a, "x-amz-date": _d, ...form } = own as Record<string, string>;
    expect(theirs).toMatchObject(form);
  });
});

describe("an answer", () => {
  test("has bytes in what stands in a write's way", async () => {
    const item = { pk: { S: "a" }, entry: { B: Buffer.from(bytes).toString("base64") } };
    const on = stage({
      wire: [replied({ Responses: [{ Error: { Code: "DuplicateItem", Item: item } }, {}] })],
    });
    const { Responses: [first] = [] } = await on.dynamodb.send(statements(), quickly);
    expect(first?.Error?.Item).toEqual({ pk: { S: "a" }, entry: { B: Buffer.from(bytes) } });
  });

  test("and in what is read; nothing where there is nothing", async () => {
    const item = { pk: { S: "a" }, entry: { B: Buffer.from(bytes).toString("base64") } };
    const on = stage({ wire: [replied({ Item: item }), replied({})] });
    expect((await on.dynamodb.send(get(), quickly)).Item).toEqual({
      pk: { S: "a" },
      entry: { B: Buffer.from(bytes) },
    });
    expect((await on.dynamodb.send(get(), quickly)).Item).toBeUndefined();
  });

  test("of messages names those that were taken", async () => {
    const on = stage({ wire: [replied({ Successful: [{ Id: "0" }], Failed: [] })] });
    expect(await on.sqs.send(messages(), quickly)).toMatchObject({ Successful: [{ Id: "0" }] });
  });

  test("that refuses a write's condition is the service's word: the SDK is not asked, and it costs one unit", async () => {
    const on = stage({
      wire: [
        replied(
          {
            __type: "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
            Item: { pk: { S: "a" }, entry: { B: Buffer.from(bytes).toString("base64") } },
          },
          400,
        ),
      ],
    });
    await expect(on.dynamodb.send(put(), quickly)).rejects.toMatchObject({
      name: "ConditionalCheckFailedException",
      Item: { pk: { S: "a" }, entry: { B: Buffer.from(bytes) } },
    });
    expect([on.sdk.length, on.quick.length, on.givenUp.length]).toEqual([0, 1, 0]);
    await on.dynamodb.send(put(), quickly);
    expect([on.sdk.length, on.quick.length]).toEqual([0, 2]);
  });
});

const refused = (type: string, status = 400): Transport => replied({ __type: type }, status);

describe("what is no answer goes to the SDK", () => {
  /** what came of the quick try, and whether there is another one after the SDK's success */
  test.each<[string, Transport | Error, again: boolean, code: string]>([
    ["throttled", refused("com.amazonaws.dynamodb.v20120810#ThrottlingException"), true, ""],
    ["a table too busy", refused("x#ProvisionedThroughputExceededException"), true, ""],
    ["an account's limit", refused("x#RequestLimitExceeded"), true, ""],
    ["429", refused("x", 429), true, ""],
    ["a fault", replied({}, 500), true, ""],
    ["out of service, in HTML", replied("<html>", 503), true, ""],
    ["what is no JSON", replied("{"), true, ""],
    ["no answer in time", { kind: "sentUnanswered", cause: "timeout" }, true, ""],
    ["a reset", { kind: "sentUnanswered", cause: "reset" }, true, ""],
    ["no connection", { kind: "neverSent", cause: "refused" }, true, ""],
    [
      "DynamoDB's word for a wrong signature",
      refused("com.amazon.coral.service#InvalidSignatureException"),
      false,
      "InvalidSignatureException",
    ],
    ["SQS's", refused("com.amazon.coral.service#SignatureDoesNotMatch", 403), false, "SignatureDoesNotMatch"],
    [
      "a signature that lacks something",
      refused("x#IncompleteSignatureException"),
      false,
      "IncompleteSignatureException",
    ],
    ["a clock that is wrong", refused("x#RequestTimeTooSkewed", 403), false, "RequestTimeTooSkewed"],
    ["credentials that are over", refused("x#ExpiredTokenException"), false, "ExpiredTokenException"],
    [
      "a key that nobody knows",
      refused("x#UnrecognizedClientException"),
      false,
      "UnrecognizedClientException",
    ],
    [
      "a request that is not understood",
      refused("x#SerializationException"),
      false,
      "SerializationException",
    ],
    ["a proxy's refusal", replied("<html>", 403), false, ""],
    ["a redirect", replied("", 301), false, ""],
    ["a mistake", new TypeError("this wire was closed"), false, "TypeError"],
  ])("%s", async (_, answer, again, code) => {
    const on = stage({ wire: [answer], sdk: [[200, { Responses: [{}] }]] });
    expect(await on.dynamodb.send(statements(), quickly)).toMatchObject({ Responses: [{}] });
    expect([on.sdk.length, on.quick.length]).toEqual([1, 1]);
    for (let nth = 0; nth < 3; nth++) await on.dynamodb.send(statements(), quickly);
    expect([on.sdk.length, on.quick.length]).toEqual(again ? [1, 4] : [4, 1]);
    // Said once.
    expect(on.givenUp).toMatchObject(again ? [] : [{ operation: "BatchExecuteStatement", code }]);
  });

  test("one kind that is given up leaves the others", async () => {
    const on = stage({ wire: [refused("x#InvalidSignatureException")] });
    await on.dynamodb.send(statements(), quickly);
    await on.dynamodb.send(get(), quickly);
    expect([on.sdk.length, on.quick.length]).toEqual([1, 2]);
  });

  test("three tries in a row without an answer, where the SDK had one, are enough; one answer between starts anew", async () => {
    const lost: Transport = { kind: "neverSent", cause: "connect_timeout" };
    const on = stage({ wire: [lost, lost, replied({ Responses: [] }), lost, lost, lost] });
    for (let nth = 0; nth < 9; nth++) await on.dynamodb.send(statements(), quickly);
    expect(on.quick).toHaveLength(6);
    expect(on.givenUp).toEqual([{ operation: "BatchExecuteStatement", code: "connect_timeout" }]);
  });

  test("what fails at the SDK, too, says nothing about the quick way, which waits for its next success", async () => {
    const on = stage({
      wire: [refused("x#ValidationException")],
      sdk: [
        [400, { __type: "x#ValidationException" }],
        [400, { __type: "x#ValidationException" }],
      ],
    });
    for (let nth = 0; nth < 2; nth++)
      await expect(on.dynamodb.send(statements(), quickly)).rejects.toMatchObject({
        name: "ValidationException",
      });
    expect([on.sdk.length, on.quick.length]).toEqual([2, 1]);
    await on.dynamodb.send(statements(), quickly);
    await on.dynamodb.send(statements(), quickly);
    expect([on.sdk.length, on.quick.length, on.givenUp.length]).toEqual([3, 2, 0]);
  });

  test("without credentials, too", async () => {
    const on = stage({ noCredentials: true });
    for (let nth = 0; nth < 2; nth++) await on.dynamodb.send(statements(), quickly);
    expect([on.sdk.length, on.quick.length]).toEqual([2, 0]);
  });
});

describe("left to the SDK", () => {
  test("is every other command, and an endpoint that has a path", async () => {
    const on = stage({});
    const query = new QueryCommand({ TableName: "t", KeyConditionExpression: "pk = :a" });
    for (let nth = 0; nth < 2; nth++) await on.dynamodb.send(query, quickly);
    const elsewhere = stage({ learns: true, endpoint: "https://aws.example/dynamodb" });
    for (let nth = 0; nth < 2; nth++) await elsewhere.dynamodb.send(statements(), quickly);
    expect([on.quick.length, elsewhere.quick.length]).toEqual([0, 0]);
    expect([on.sdk.length, elsewhere.sdk.length]).toEqual([2, 2]);
  });

  test("nothing after its caller's deadline, whatever the server does", async () => {
    const on = stage({ wire: [new Promise<Transport>(() => {})] });
    const abortSignal = AbortSignal.timeout(20);
    await expect(on.dynamodb.send(statements(), { abortSignal })).rejects.toMatchObject({
      name: "TimeoutError",
    });
    expect(on.sdk).toHaveLength(0);
  });
});
