import { Readable } from "node:stream";
import { DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { sqsClientLimits } from "../../lib/adapters/deadline.ts";
import {
  credentialsOfEnvironment,
  type Form,
  formOfEnvironment,
  formOfRequest,
  type QuickService,
  type SignedRequest,
} from "../../lib/adapters/quick-form.ts";

afterEach(() => vi.unstubAllEnvs());

type Env = Readonly<Record<string, string>>;
const lambda = {
  AWS_REGION: "eu-west-1",
  AWS_LAMBDA_FUNCTION_NAME: "submit-charges",
  AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
  AWS_SECRET_ACCESS_KEY: "secret",
};
const operations = { dynamodb: "GetItem", sqs: "SendMessageBatch" } as const;

/** What the SDK makes of an environment: the form of the request that it sends. */
const bySdk = async (env: Env, service: QuickService): Promise<Form | undefined> => {
  for (const name of Object.keys(process.env).filter((one) => one.startsWith("AWS_")))
    vi.stubEnv(name, undefined);
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  let sent: SignedRequest | undefined;
  const requestHandler = {
    async handle(request: SignedRequest) {
      sent = request;
      const body = Readable.from([Buffer.from("{}")]);
      return { response: { statusCode: 200, headers: {}, body } };
    },
  };
  const settings = { requestHandler: requestHandler as never, maxAttempts: 1 };
  if (service === "dynamodb")
    await new DynamoDBClient(settings).send(new GetItemCommand({ TableName: "t", Key: { pk: { S: "a" } } }));
  else
    await new SQSClient({ ...sqsClientLimits, ...settings }).send(
      new SendMessageBatchCommand({ QueueUrl: "https://elsewhere.test/1/q", Entries: [] }),
    );
  if (sent === undefined) throw new Error("nothing was sent");
  return formOfRequest(sent);
};

const withoutAgents = (form: Form | undefined): object => {
  const { "user-agent": _agent, "x-amz-user-agent": _own, ...headers } = form?.headers ?? {};
  return { ...form, headers };
};

describe("the form that the environment says is the one that the SDK sends", () => {
  test.each<[string, Env]>([
    ["a function in its region", {}],
    ["in another one", { AWS_REGION: "ap-southeast-2" }],
    ["an endpoint for everything", { AWS_ENDPOINT_URL: "http://127.0.0.1:4566" }],
    ["with a slash", { AWS_ENDPOINT_URL: "http://127.0.0.1:4566/" }],
    ["over TLS", { AWS_ENDPOINT_URL: "https://aws.example" }],
    ["at the port that is usual anyway", { AWS_ENDPOINT_URL: "https://aws.example:443" }],
    ["IPv6", { AWS_ENDPOINT_URL: "http://[::1]:8000" }],
    [
      "one for each service",
      { AWS_ENDPOINT_URL_DYNAMODB: "http://a.test:1", AWS_ENDPOINT_URL_SQS: "http://b.test:2" },
    ],
    [
      "one of them, and one for the rest",
      { AWS_ENDPOINT_URL_SQS: "http://b.test:2", AWS_ENDPOINT_URL: "http://c.test" },
    ],
    ["upper case in a name", { AWS_ENDPOINT_URL: "http://Local.Test:99" }],
  ])("%s", async (_, more) => {
    const env = { ...lambda, ...more };
    for (const service of ["dynamodb", "sqs"] as const) {
      const form = formOfEnvironment(env, service, operations[service]);
      expect(form).toBeDefined();
      expect(withoutAgents(form)).toEqual(withoutAgents(await bySdk(env, service)));
    }
  });

  test("for any region of the partition", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx"),
        fc.constantFrom("north", "south", "east", "west", "central", "northeast", "southeast"),
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom<QuickService>("dynamodb", "sqs"),
        async (part, where, nth, service) => {
          const env = { ...lambda, AWS_REGION: `${part}-${where}-${nth}` };
          const form = formOfEnvironment(env, service, operations[service]);
          expect(withoutAgents(form)).toEqual(withoutAgents(await bySdk(env, service)));
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe("what the environment alone does not say is the SDK's", () => {
  test.each<[string, Readonly<Record<string, string | undefined>>]>([
    ["no region", { AWS_REGION: undefined }],
    ["a region that is a host", { AWS_REGION: "x.attacker.test/" }],
    ["China, which has names of its own", { AWS_REGION: "cn-north-1" }],
    ["GovCloud", { AWS_REGION: "us-gov-west-1" }],
    ["FIPS", { AWS_USE_FIPS_ENDPOINT: "true" }],
    ["dual stack", { AWS_USE_DUALSTACK_ENDPOINT: "true" }],
    ["a profile", { AWS_PROFILE: "prod" }],
    ["a file of settings", { AWS_CONFIG_FILE: "/opt/aws" }],
    ["endpoints that are to be ignored", { AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: "true" }],
    ["an account's own address", { AWS_ACCOUNT_ID: "111122223333" }],
    ["no credentials", { AWS_ACCESS_KEY_ID: undefined }],
    ["half of them", { AWS_SECRET_ACCESS_KEY: "" }],
    ["a machine with files of its own", { AWS_LAMBDA_FUNCTION_NAME: undefined }],
    ["an endpoint with a path", { AWS_ENDPOINT_URL: "http://127.0.0.1:4566/aws" }],
    ["with a query", { AWS_ENDPOINT_URL: "http://127.0.0.1:4566/?a=b" }],
    ["with a password", { AWS_ENDPOINT_URL: "http://user:word@127.0.0.1:4566" }],
    ["of another protocol", { AWS_ENDPOINT_URL: "ftp://127.0.0.1" }],
    ["that is none", { AWS_ENDPOINT_URL: "127.0.0.1:4566" }],
  ])("%s", (_, more) => {
    for (const service of ["dynamodb", "sqs"] as const)
      expect(formOfEnvironment({ ...lambda, ...more }, service, operations[service])).toBeUndefined();
  });
});

test("credentials are those of the environment, with the session if there is one", () => {
  const own = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" };
  expect(credentialsOfEnvironment(lambda)).toEqual(own);
  expect(credentialsOfEnvironment({ ...lambda, AWS_SESSION_TOKEN: "t" })).toEqual({
    ...own,
    sessionToken: "t",
  });
});
