import { App, Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { type ISecret, Secret } from "aws-cdk-lib/aws-secretsmanager";
import { describe, expect, test } from "vitest";
import { Chargeonce, type ChargeonceProps } from "../../infra/aws/index.ts";
import { envFilesOf } from "../../infra/aws/outputs.ts";
import { secretParameterOf } from "../../infra/aws/stack.ts";
import { stageOf } from "../../infra/aws/stage.ts";

const stages = { dev: {}, prod: { submittersMax: 20 }, typo: { egres: { natGateways: 1 } } };
const read = (context: Readonly<Record<string, unknown>>) => {
  const all: Readonly<Record<string, unknown>> = { stages, ...context };
  return stageOf((name) => all[name]);
};

describe("a stage of the context", () => {
  test("has its name in every name, and Centrobill's credential", () => {
    expect(read({})).toEqual({
      name: "dev",
      stage: { prefix: "chargeonce-dev-", credentials: ["CENTROBILL_API_KEY"], teardown: false },
    });
  });

  test("is overruled by the command line, where everything is text", () => {
    const given = {
      stage: "prod",
      egress: '{"natGateways":1}',
      alarmEmail: "a@b.test",
      credentials: '["CENTROBILL_API_KEY","CENTRAPAY_API_KEY"]',
      submittersMax: "7",
    };
    expect(read(given).stage).toMatchObject({
      submittersMax: 7,
      egress: { natGateways: 1 },
      alarmEmail: "a@b.test",
      credentials: ["CENTROBILL_API_KEY", "CENTRAPAY_API_KEY"],
    });
  });

  test.each<[context: Record<string, unknown>, problem: string]>([
    [{ stage: "prdo" }, "stage: prdo is none of dev, prod, typo"],
    [{ stage: "toString" }, "stage: toString is none of"],
    [{ stage: "typo" }, "stages.typo.egres: is not a member of a stage"],
    [{ egress: "2" }, "stages.dev.egress: must be"],
    [{ egress: '{"natGateways":3}' }, "stages.dev.egress: must be"],
    [{ egress: '{"natGateways":1,"vpc":1}' }, "stages.dev.egress: must be"],
    [{ credentials: '["CENTROBILL_KEY"]' }, "stages.dev.credentials: must be a list of CENTROBILL_API_KEY"],
    [{ alarmEmail: "nobody" }, "stages.dev.alarmEmail: must be an e-mail address"],
    [{ tracing: "yes" }, "stages.dev.tracing: must be true or false"],
    [{ moneyLimits: '{"EUR":5}' }, "stages.dev.moneyLimits: must be"],
    [{ settings: '{"POLICY":{}}' }, "stages.dev.settings: must be"],
  ])("%j is refused: %s", (context, problem) => {
    expect(() => read(context)).toThrow(problem);
  });
});

describe("props", () => {
  const make = (props: Partial<ChargeonceProps>): Chargeonce => {
    const stack = new Stack(new App(), "stack");
    return new Chargeonce(stack, "chargeonce", {
      prefix: "test-",
      credentials: { CENTROBILL_API_KEY: new Secret(stack, "key") as ISecret },
      ...props,
    });
  };

  test.each<[props: Record<string, unknown>, problem: string]>([
    [{ reviewdesk: true }, "reviewdesk: is not a prop; there are prefix, credentials, "],
    [{ credentials: undefined }, "credentials: must be an object of secrets"],
    [{ credentials: { CENTROBILL_KEY: {} } }, "credentials.CENTROBILL_KEY: is not a credential; there are "],
    [
      { credentials: { CENTROBILL_API_KEY: "arn:aws:x" } },
      "credentials.CENTROBILL_API_KEY: must be a secret of",
    ],
    [{ settings: { CONCURRENCY: 10 } }, "settings.CONCURRENCY: must be a text"],
    [{ egress: { natGateways: 3 } }, "egress: must be {natGateways: 1 or 2}"],
    [{ egress: {} }, "egress: must be"],
    [{ egress: { vpc: undefined } }, "egress: must be"],
    [{ egress: { vpc: {}, natGateways: 1 } }, "egress: must be"],
    [{ prefix: "" }, "prefix: must be"],
    [{ prefix: "p".repeat(41) }, "prefix: must be"],
    [{ prefix: "with space" }, "prefix: must be"],
    [{ submittersMax: 1 }, "submittersMax: must be a whole number from 2 to 1000"],
    [{ submittersMax: 2.5 }, "submittersMax: must be"],
    [{ credentials: {} }, "CENTROBILL_API_KEY: is not set"],
    [{ settings: { GATEWAY_TIMEOUT: "1" } }, "settings.GATEWAY_TIMEOUT: is not a setting"],
    [{ settings: { POLICY: '{"resendsMx":1}' } }, "POLICY: resendsMx"],
    [{ settings: { CENTROBILL_URL: "ftp://x" } }, "CENTROBILL_URL: must be a web address"],
    [{ settings: { CENTROBILL_DECLINE_TABLE: `[${" ".repeat(3_000)}]` } }, "and Lambda has room for"],
    [
      { settings: { GATEWAY_TIMEOUT_MS: "120000", POLICY: '{"resendsMax":5,"resendDelayMs":60000}' } },
      "submit-charges may take",
    ],
    [{ settings: { CONCURRENCY: "1", GATEWAY_TIMEOUT_MS: "60000" } }, "submit-charges may take"],
    [{ moneyLimits: { XXQ: { unknown: "1", review: "1" } } }, "moneyLimits.XXQ: is not a currency"],
    [
      { moneyLimits: { JPY: { unknown: "1.50", review: "1" } } },
      "moneyLimits.JPY.unknown: must be an amount",
    ],
    [{ moneyLimits: { EUR: { unknown: "1.00", review: "0" } } }, "moneyLimits.EUR.review: must be an amount"],
    [{ moneyLimits: { EUR: { unknown: "1.00" } } }, "moneyLimits.EUR.review: must be an amount"],
  ])("%j are refused before anything is made: %s", (props, problem) => {
    expect(() => make(props as Partial<ChargeonceProps>)).toThrow(problem);
  });

  test("every problem is told at once", () => {
    expect(() => make({ prefix: "", submittersMax: 0, settings: { POLICY: "{" } })).toThrow(
      /prefix: .*submittersMax: .*POLICY: must be JSON/s,
    );
  });

  test("time-outs follow the settings", () => {
    const slow = make({ settings: { GATEWAY_TIMEOUT_MS: "60000" } });
    expect(slow.functions["submit-charges"].timeout?.toSeconds()).toBe(148);
    expect(make({}).functions["submit-charges"].timeout?.toSeconds()).toBe(88);
  });

  test.each<[concurrency: string | undefined, batchSize: number, reason: string]>([
    [undefined, 20, "two of SQS's tens, one request and one page of the ledger"],
    ["50", 20, "more would not go into the same request"],
    ["15", 15, "the others would wait for those"],
    ["5", 10, "what one receive brings"],
  ])("with a CONCURRENCY of %s a batch is %i charges: %s", (concurrency, batchSize) => {
    const made = make(concurrency === undefined ? {} : { settings: { CONCURRENCY: concurrency } });
    Template.fromStack(Stack.of(made)).hasResourceProperties("AWS::Lambda::EventSourceMapping", {
      BatchSize: batchSize,
      MaximumBatchingWindowInSeconds: 1,
    });
  });
});

test("a credential's parameter is named as CloudFormation names things", () => {
  expect(secretParameterOf("CENTROBILL_API_KEY")).toBe("CentrobillApiKeySecretArn");
});

test("the outputs of a deployment become an env file for each stack", () => {
  const outputs = {
    "chargeonce-dev": { Variables: '{"LEDGER_TABLE":"t","AWS_REGION":"eu-central-1"}', Other: "x" },
    "somebody-else": { Url: "https://x.test" },
  };
  expect(envFilesOf(JSON.stringify(outputs))).toEqual([
    { path: "chargeonce-dev.env", variables: { LEDGER_TABLE: "t", AWS_REGION: "eu-central-1" } },
  ]);
});
