import { Match } from "aws-cdk-lib/assertions";
import { beforeAll, describe, expect, test } from "vitest";
import { FUNCTIONS, type FunctionRow, queueWorkedBy } from "../../infra/functions.ts";
import { MAX_RECEIVE_COUNT } from "../../infra/queue-limits.ts";
import { ledgerTable } from "../../lib/adapters/ledger-item.ts";
import { defaultPolicy, worstCaseMsOf } from "../../lib/core/policy.ts";
import { deadLetterNameOf, isConsumed, QUEUES } from "../../lib/core/queues.ts";
import { credentialNames, reportsVariable, secretVariableOf } from "../../lib/settings.ts";
import { everything, type Resource, type Synthesized, synthesized } from "./synthesized.ts";

const rows: readonly FunctionRow[] = FUNCTIONS;
const prefix = "chargeonce-prod-";
let on: Synthesized;
beforeAll(() => {
  on = synthesized(everything);
});

const named = (type: string, property: string, name: string): readonly [string, Resource] => {
  const found = Object.entries(on.of(type)).filter(([, { Properties }]) => Properties[property] === name);
  expect(found, `${type} ${name}`).toHaveLength(1);
  return found[0] as [string, Resource];
};
const queueNamed = (name: string) => named("AWS::SQS::Queue", "QueueName", `${prefix}${name}`);
const functionNamed = (name: string) => named("AWS::Lambda::Function", "FunctionName", `${prefix}${name}`);
const arnOf = (id: string) => ({ "Fn::GetAtt": [id, "Arn"] });

describe("queues", () => {
  test.each(QUEUES)("$name: encrypted, long polls, TLS alone, fourteen days, never removed", ({ name }) => {
    const [id, { Properties, DeletionPolicy, UpdateReplacePolicy }] = queueNamed(name);
    expect(Properties).toMatchObject({
      SqsManagedSseEnabled: true,
      ReceiveMessageWaitTimeSeconds: 20,
      MessageRetentionPeriod: 1_209_600,
    });
    expect([DeletionPolicy, UpdateReplacePolicy]).toEqual(["Retain", "Retain"]);
    on.template.hasResourceProperties("AWS::SQS::QueuePolicy", {
      Queues: [{ Ref: id }],
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: "Deny", Condition: { Bool: { "aws:SecureTransport": "false" } } }),
        ]),
      },
    });
  });

  test.each(QUEUES.filter(isConsumed))("$name: a dead-letter queue that keeps as long", ({ name }) => {
    const [, { Properties }] = queueNamed(name);
    const [deadId, dead] = queueNamed(deadLetterNameOf(name));
    expect(Properties["RedrivePolicy"]).toEqual({
      deadLetterTargetArn: arnOf(deadId),
      maxReceiveCount: MAX_RECEIVE_COUNT,
    });
    expect(dead.Properties).toMatchObject({ SqsManagedSseEnabled: true, MessageRetentionPeriod: 1_209_600 });
    expect(dead.DeletionPolicy).toBe("Retain");
  });
});

test("the ledger is the table that its items are drawn for, and hard to lose", () => {
  const [, { Properties, DeletionPolicy, UpdateReplacePolicy }] = named(
    "AWS::DynamoDB::Table",
    "TableName",
    `${prefix}ledger`,
  );
  const schema = ({ partition, sort }: { partition: { name: string }; sort: { name: string } }) => [
    { AttributeName: partition.name, KeyType: "HASH" },
    { AttributeName: sort.name, KeyType: "RANGE" },
  ];
  expect(Properties).toMatchObject({
    BillingMode: "PAY_PER_REQUEST",
    DeletionProtectionEnabled: true,
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    SSESpecification: { SSEEnabled: true },
    TimeToLiveSpecification: { AttributeName: ledgerTable.timeToLive, Enabled: true },
    KeySchema: schema(ledgerTable.key),
    GlobalSecondaryIndexes: ledgerTable.indexes.map(({ name, key }) => ({
      IndexName: name,
      KeySchema: schema(key),
      Projection: { ProjectionType: "KEYS_ONLY" },
    })),
  });
  expect([DeletionPolicy, UpdateReplacePolicy]).toEqual(["Retain", "Retain"]);
});

describe("functions", () => {
  test.each(rows)("$name: Node 24 on arm64, nothing reserved, a log of its own that ends", ({ name }) => {
    const [, { Properties }] = functionNamed(name);
    expect(Properties).toMatchObject({
      Runtime: "nodejs24.x",
      Architectures: ["arm64"],
      Handler: "index.handler",
      MemorySize: 512,
    });
    expect(Properties["ReservedConcurrentExecutions"]).toBeUndefined();
    const log = on.of("AWS::Logs::LogGroup")[Properties["LoggingConfig"].LogGroup.Ref];
    expect(log?.Properties["RetentionInDays"]).toBeGreaterThan(0);
  });

  test("those of queues answer by message, are bounded by their mapping, and hide what they hold for six time-outs", () => {
    for (const { name, trigger } of rows) {
      if (trigger.kind !== "queue") continue;
      const [queueId, queue] = queueNamed(queueWorkedBy(name));
      const [functionId, lambda] = functionNamed(name);
      on.template.hasResourceProperties("AWS::Lambda::EventSourceMapping", {
        FunctionName: { Ref: functionId },
        EventSourceArn: arnOf(queueId),
        FunctionResponseTypes: ["ReportBatchItemFailures"],
        ScalingConfig: { MaximumConcurrency: trigger.invocationsMax },
        Enabled: true,
      });
      expect(queue.Properties["VisibilityTimeout"]).toBeGreaterThanOrEqual(
        6 * lambda.Properties["Timeout"] + trigger.batchingWindowSeconds,
      );
    }
  });

  test("a policy without later attempts leaves retryable declines to the merchant, and their alarm is an unread queue's", () => {
    const alarm = (of: Synthesized) =>
      Object.values(of.of("AWS::CloudWatch::Alarm")).find(
        ({ Properties }) => Properties["AlarmName"] === "chargeonce-dev-retryable-declines-age",
      )?.Properties["Threshold"];
    const own = synthesized({ stage: "dev", settings: { POLICY: JSON.stringify({ retryScheduleMs: [] }) } });
    const enabled = Object.values(own.of("AWS::Lambda::EventSourceMapping")).map(
      ({ Properties }) => Properties["Enabled"],
    );
    expect(enabled.filter((one) => one === false)).toHaveLength(1);
    expect(alarm(synthesized({ stage: "dev" }))).toBe(900);
    expect(alarm(own)).toBeGreaterThan(900);
  });

  test("those of schedules are called by their clock", () => {
    for (const { name, trigger } of rows) {
      if (trigger.kind !== "schedule") continue;
      on.template.hasResourceProperties("AWS::Events::Rule", {
        ScheduleExpression: Match.stringLikeRegexp("^rate\\("),
        State: "ENABLED",
        Targets: [Match.objectLike({ Arn: arnOf(functionNamed(name)[0]) })],
      });
    }
  });

  test("what a function begins it has time for, at the worst", () => {
    const worst = worstCaseMsOf(defaultPolicy, 30_000) / 1_000;
    for (const name of ["submit-charges", "resolve-unknowns"])
      expect(functionNamed(name)[1].Properties["Timeout"]).toBeGreaterThan(worst);
  });

  test("secrets come by their name, from a parameter, and only to those who read them", () => {
    for (const { name, reads } of rows) {
      const { Variables } = functionNamed(name)[1].Properties["Environment"];
      for (const credential of credentialNames) {
        expect(Variables).not.toHaveProperty(credential);
        const arn = Variables[secretVariableOf(credential)];
        if (reads.credentials.includes(credential)) expect(arn.Ref).toMatch(/SecretArn$/);
        else expect(arn).toBeUndefined();
      }
    }
    expect(Object.keys(on.template.toJSON()["Parameters"])).toEqual(
      expect.arrayContaining(["CentrobillApiKeySecretArn", "CentrapayApiKeySecretArn"]),
    );
  });

  test("the secrets extension is the one for arm64 of the region, or the one that is given", () => {
    expect(JSON.stringify(functionNamed("submit-charges")[1].Properties["Layers"])).toContain("arm64");
    const arn =
      "arn:aws:lambda:eu-central-1:000000000000:layer:AWS-Parameters-and-Secrets-Lambda-Extension-Arm64:99";
    synthesized({ stage: "dev", secretsExtensionArn: arn }).template.hasResourceProperties(
      "AWS::Lambda::Function",
      { FunctionName: "chargeonce-dev-submit-charges", Layers: [arn] },
    );
  });
});

describe("a fixed address", () => {
  test("is one for each NAT gateway, kept when the stack goes, and told as an output", () => {
    const addresses = on.of("AWS::EC2::EIP");
    const gateways = Object.values(on.of("AWS::EC2::NatGateway"));
    expect([Object.keys(addresses).length, gateways.length]).toEqual([2, 2]);
    for (const address of Object.values(addresses)) expect(address.DeletionPolicy).toBe("Retain");
    for (const { Properties } of gateways)
      expect(Object.keys(addresses)).toContain(Properties["AllocationId"]["Fn::GetAtt"][0]);
    const outputs = Object.keys(on.template.toJSON()["Outputs"]);
    expect(outputs.filter((name) => name.includes("EgressAddress"))).toHaveLength(2);
  });

  test("is what the functions that call gateways go through, and no other function", () => {
    for (const { name, callsGateways } of rows)
      expect("VpcConfig" in functionNamed(name)[1].Properties, name).toBe(callsGateways);
  });

  test("is not there unless it is asked for: it costs by the hour", () => {
    const plain = synthesized({ stage: "dev" });
    expect([plain.of("AWS::EC2::NatGateway"), plain.of("AWS::EC2::VPC")]).toEqual([{}, {}]);
  });
});

test("reports are encrypted, private, versioned, and kept", () => {
  const [bucket] = Object.values(on.of("AWS::S3::Bucket"));
  expect(bucket?.Properties).toMatchObject({
    PublicAccessBlockConfiguration: { BlockPublicAcls: true, RestrictPublicBuckets: true },
    VersioningConfiguration: { Status: "Enabled" },
    BucketEncryption: expect.anything(),
  });
  expect(bucket?.DeletionPolicy).toBe("Retain");
});

test("the function that writes reports is told where, by the bucket's own address, and has room for them", () => {
  const [[bucketId] = []] = Object.entries(on.of("AWS::S3::Bucket"));
  for (const { name, writesReports } of rows) {
    const { Environment, EphemeralStorage } = functionNamed(name)[1].Properties;
    const address = Environment.Variables[reportsVariable];
    if (writesReports !== true) expect(address).toBeUndefined();
    else {
      expect(address).toEqual({
        "Fn::Join": ["", ["https://", { "Fn::GetAtt": [bucketId, "RegionalDomainName"] }]],
      });
      expect(EphemeralStorage).toEqual({ Size: 2_048 });
    }
  }
  expect(rows.filter(({ writesReports }) => writesReports).map(({ name }) => name)).toEqual([
    "write-reports",
  ]);
});

test("no number of an account is in a template but those of AWS's own layers", () => {
  const { Mappings: _layers, ...rest } = on.template.toJSON();
  expect(JSON.stringify(rest)).not.toMatch(/\b\d{12}\b/);
});

test("the stack is protected against its removal until a teardown has looked at what is open", () => {
  expect(on.stack.terminationProtection).toBe(true);
  expect(synthesized({ stage: "dev", teardown: "true" }).stack.terminationProtection).toBe(false);
});

test("the web desk is there where it is wanted, and lets nobody in but by IAM", () => {
  const urls = Object.values(on.of("AWS::Lambda::Url"));
  expect(urls.map(({ Properties }) => [Properties["AuthType"], Properties["Cors"]])).toEqual([
    ["AWS_IAM", undefined],
  ]);
  const without = synthesized({ stage: "dev" });
  expect(without.of("AWS::Lambda::Url")).toEqual({});
  expect(Object.keys(without.of("AWS::Lambda::Function")).filter((id) => /review.?desk/i.test(id))).toEqual(
    [],
  );
  expect(Object.keys(without.of("AWS::IAM::Role")).filter((id) => /review.?desk/i.test(id))).toEqual([]);
});
