import { globSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { beforeAll, describe, expect, test } from "vitest";
import { FUNCTIONS, type FunctionRow, queueWorkedBy } from "../../infra/functions.ts";
import { deadLetterNameOf, isConsumed, QUEUES } from "../../lib/core/queues.ts";
import { queueOf } from "../../lib/core/verdict.ts";
import {
  credentialNames,
  noticeCredentialNames,
  noticeSettingNames,
  settingNames,
} from "../../lib/settings.ts";
import { everything, type Resource, type Synthesized, synthesized } from "./synthesized.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const rows: readonly FunctionRow[] = FUNCTIONS;

/** What IAM calls an SDK call. A call that is not here fails the test, until somebody says what it needs. */
const actions: Readonly<Record<string, string>> = {
  // By its statements, below.
  BatchExecuteStatementCommand: "dynamodb:PartiQL",
  PutItemCommand: "dynamodb:PutItem",
  // A transaction needs what its parts need; ours are puts.
  TransactWriteItemsCommand: "dynamodb:PutItem",
  GetItemCommand: "dynamodb:GetItem",
  BatchGetItemCommand: "dynamodb:BatchGetItem",
  QueryCommand: "dynamodb:Query",
  ScanCommand: "dynamodb:Scan",
  SendMessageBatchCommand: "sqs:SendMessage",
  SendMessageCommand: "sqs:SendMessage of one",
  ChangeMessageVisibilityBatchCommand: "sqs:ChangeMessageVisibility",
  ReceiveMessageCommand: "sqs:ReceiveMessage",
  GetQueueAttributesCommand: "sqs:GetQueueAttributes",
};

const verbs: Readonly<Record<string, string>> = {
  "INSERT INTO": "Insert",
  UPDATE: "Update",
  SELECT: "Select",
  "DELETE FROM": "Delete",
};

/** The text of a call from its start to its closing bracket. */
const callAt = (text: string, start: number): string => {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    if (text[at] === "(") depth += 1;
    else if (text[at] === ")" && --depth === 0) return text.slice(start, at + 1);
  }
  throw new Error("a call without an end");
};

/** Every SDK call in a bundle's text: an action, and of DynamoDB whether on the table or an index. */
const callsIn = (text: string): ReadonlySet<string> => {
  const needs = new Set<string>();
  for (const { index, 1: command = "" } of text.matchAll(/new (\w+Command)\d*\(/g)) {
    const action = actions[command];
    if (action === undefined) throw new Error(`which action does ${command} need?`);
    if (action === "dynamodb:PartiQL") {
      const statements = [...text.matchAll(/`(INSERT INTO|UPDATE|SELECT|DELETE FROM) "/g)];
      if (statements.length === 0) throw new Error("which statements does it send?");
      for (const { 1: verb = "" } of statements) needs.add(`${action}${verbs[verb]} on table`);
    } else if (!action.startsWith("dynamodb:")) needs.add(action);
    else needs.add(`${action} on ${callAt(text, index).includes("IndexName") ? "index" : "table"}`);
  }
  // Signed by our own hand, and put.
  if (text.includes('service: "s3"') && text.includes('"PUT"')) needs.add("s3:PutObject on reports");
  // Who puts on the condition of what stands there has to be allowed to read it.
  if (text.includes('"if-match"')) needs.add("s3:GetObject on reports");
  if (text.includes("/secretsmanager/get?")) needs.add("secretsmanager:GetSecretValue");
  return needs;
};

/** Our code as the bundler leaves it when it has dropped what the function never reaches; the SDK is outside. */
const bundleOf = async (name: string): Promise<string> => {
  const { outputFiles } = await build({
    entryPoints: [`${root}functions/${name}.ts`],
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
    packages: "external",
    logLevel: "silent",
  });
  return outputFiles.map((file) => file.text).join("\n");
};

const list = <T>(value: T | readonly T[]): readonly T[] => (Array.isArray(value) ? value : [value as T]);

/** What a resource of a statement is, in words: a queue's or table's own name, or what kind of thing. */
const resourceName = (resource: unknown, on: Synthesized): string => {
  if (resource === "*") return "*";
  const text = JSON.stringify(resource);
  const named: Readonly<Record<string, Resource>> = {
    ...on.of("AWS::SQS::Queue"),
    ...on.of("AWS::DynamoDB::Table"),
    ...on.of("AWS::S3::Bucket"),
  };
  for (const [id, { Type, Properties }] of Object.entries(named)) {
    if (!text.includes(`"${id}"`)) continue;
    if (Type === "AWS::SQS::Queue") return String(Properties["QueueName"]).replace("chargeonce-prod-", "");
    if (Type === "AWS::S3::Bucket") {
      // What is put is a day's report, and nothing beside the folder of those.
      expect(text).toContain("/reconciliation/*");
      return "reports";
    }
    const [, index] = /\/index\/(work|desk)"/.exec(text) ?? [];
    return index ?? (text.includes("/index/") ? text : "table");
  }
  for (const id of Object.keys(on.of("AWS::Logs::LogGroup"))) if (text.includes(`"${id}"`)) return "its log";
  if (/"Ref":"Centr\w+SecretArn"/.test(text)) return "a secret";
  return text;
};

const grantedTo = (name: string, on: Synthesized): ReadonlySet<string> => {
  const [lambda] = Object.values(on.of("AWS::Lambda::Function")).filter(
    ({ Properties }) => Properties["FunctionName"] === `chargeonce-prod-${name}`,
  );
  const role = on.of("AWS::IAM::Role")[lambda?.Properties["Role"]["Fn::GetAtt"][0]];
  expect(role?.Properties["ManagedPolicyArns"]).toBeUndefined();
  const statements = role?.Properties["Policies"].flatMap(
    ({ PolicyDocument }: { PolicyDocument: { Statement: unknown[] } }) => PolicyDocument.Statement,
  );
  const granted = new Set<string>();
  for (const { Effect, Action, Resource: resources, Condition } of statements) {
    expect([Effect, Condition]).toEqual(["Allow", undefined]);
    for (const action of list<string>(Action))
      for (const resource of list<unknown>(resources))
        granted.add(`${action} on ${resourceName(resource, on)}`);
  }
  return granted;
};

/** What Lambda does in the function's name, and no code of it calls. */
const lambdaItself = (row: FunctionRow): readonly string[] => [
  ...["CreateLogStream", "PutLogEvents"].map((action) => `logs:${action} on its log`),
  ...["PutTraceSegments", "PutTelemetryRecords"].map((action) => `xray:${action} on *`),
  ...(row.trigger.kind === "queue"
    ? ["ReceiveMessage", "DeleteMessage", "GetQueueAttributes"].map(
        (action) => `sqs:${action} on ${queueWorkedBy(row.name)}`,
      )
    : []),
  ...(row.callsGateways
    ? [
        "CreateNetworkInterface",
        "DescribeNetworkInterfaces",
        "DeleteNetworkInterface",
        "DescribeSubnets",
        "AssignPrivateIpAddresses",
        "UnassignPrivateIpAddresses",
      ].map((action) => `ec2:${action} on *`)
    : []),
];

/** The queues that a flow tells, where it is not any outcome's. */
const told: Readonly<Record<string, readonly string[]>> = {
  reconcile: ["review"],
  "reconcile-window": ["review"],
  "schedule-retries": ["permanent-declines"],
  "release-retries": ["permanent-declines", "retryable-declines"],
  "review-desk": ["approved", "permanent-declines", "request-errors", "retryable-declines", "review"],
};

/** The queue to which a function sends its messages one at a time. */
const sentAlone: Readonly<Record<string, string>> = {
  "release-retries": "charges",
  "review-desk": "charges",
  reconcile: "reconcile-windows",
};
/** Whose messages are hidden and shown again, where it is not the queue that starts the function. */
const hidesOf = (row: FunctionRow): string =>
  reconciles(row) ? "unknown-outcomes" : row.name === "review-desk" ? "review" : queueWorkedBy(row.name);
/** Which indexes a function queries. */
const indexesOf = (row: FunctionRow): readonly string[] =>
  row.name === "review-desk" ? ["desk", "work"] : row.name === "pack-worklist" ? ["desk"] : ["work"];
const everyQueue = QUEUES.flatMap((queue) => [
  queue.name,
  ...(isConsumed(queue) ? [deadLetterNameOf(queue.name)] : []),
]);
const reconciles = ({ name }: FunctionRow): boolean => name.startsWith("reconcile");

describe("permissions", () => {
  let on: Synthesized;
  beforeAll(() => {
    on = synthesized(everything);
  });

  test("every function that there is, is in the list, and no other", () => {
    const there = globSync("functions/*.ts", { cwd: root }).map((file) => basename(file, ".ts"));
    expect(rows.map(({ name }) => name).sort()).toEqual(there.sort());
  });

  test("each role is one function's, and nothing is granted beside it", () => {
    const roles = Object.values(on.of("AWS::Lambda::Function")).map(
      ({ Properties }) => Properties["Role"]["Fn::GetAtt"][0],
    );
    expect(new Set(roles).size).toBe(rows.length);
    expect(on.of("AWS::IAM::ManagedPolicy")).toEqual({});
    for (const { Properties } of Object.values(on.of("AWS::IAM::Policy")))
      for (const { Ref } of Properties["Roles"]) expect(roles).not.toContain(Ref);
  });

  test.each(rows)("$name has what its code calls, on what it is for, and nothing else", async (row) => {
    const needed = new Set(lambdaItself(row));
    for (const call of callsIn(await bundleOf(row.name))) {
      if (call === "sqs:SendMessage") {
        // The code of a route can name any of them; some flows tell one or two.
        for (const queue of told[row.name] ?? Object.values(queueOf))
          if (queue !== undefined) needed.add(`${call} on ${queue}`);
      } else if (call === "sqs:SendMessage of one")
        needed.add(`sqs:SendMessage on ${sentAlone[row.name] ?? "unknown-outcomes"}`);
      else if (call === "sqs:ChangeMessageVisibility") needed.add(`${call} on ${hidesOf(row)}`);
      else if (call === "sqs:ReceiveMessage") needed.add(`${call} on review`);
      else if (call === "sqs:GetQueueAttributes")
        for (const name of everyQueue) needed.add(`${call} on ${name}`);
      else if (call === "dynamodb:Query on index")
        for (const name of indexesOf(row)) needed.add(`dynamodb:Query on ${name}`);
      else if (call === "secretsmanager:GetSecretValue") needed.add(`${call} on a secret`);
      else needed.add(call);
    }
    expect([...grantedTo(row.name, on)].sort()).toEqual([...needed].sort());
  });

  test.each(rows)(
    "$name is given the settings and credentials that its code reads, and no other",
    async (row) => {
      const text = await bundleOf(row.name);
      const named = (names: readonly string[]) =>
        names.filter((name) => text.includes(`"${name}"`)).toSorted();
      expect(row.reads.settings.toSorted()).toEqual(named([...settingNames, ...noticeSettingNames]));
      expect(row.reads.credentials.toSorted()).toEqual(named([...credentialNames, ...noticeCredentialNames]));
    },
  );

  test("nobody may delete or change a table, scan it or purge a queue; two functions put charges back", () => {
    for (const { name } of rows)
      for (const granted of grantedTo(name, on)) {
        expect(granted).not.toMatch(
          /dynamodb:(PartiQL)?Delete|dynamodb:(Update|Scan)|sqs:(Purge|DeleteQueue)|:\*/,
        );
        // A dead letter may be counted, and nothing else.
        if (granted.endsWith("-dlq")) expect(granted).toMatch(/^sqs:GetQueueAttributes /);
        if (name !== "release-retries" && name !== "review-desk")
          expect(granted).not.toBe("sqs:SendMessage on charges");
      }
  });

  test("one function writes to the bucket of reports and reads what it writes over; nobody lists or deletes there", () => {
    const granted = rows.flatMap(({ name }) =>
      [...grantedTo(name, on)].filter((one) => one.startsWith("s3:")).map((one) => `${name}: ${one}`),
    );
    expect(granted.toSorted()).toEqual([
      "write-reports: s3:GetObject on reports",
      "write-reports: s3:PutObject on reports",
    ]);
  });

  test("the reading of the code finds calls, tells table from index, and stops at what it does not know", () => {
    expect(
      callsIn('new QueryCommand({ TableName: f(t), IndexName: "work" }); new GetItemCommand({})'),
    ).toEqual(new Set(["dynamodb:Query on index", "dynamodb:GetItem on table"]));
    expect(() => callsIn("new DeleteItemCommand({})")).toThrow("which action does DeleteItemCommand need?");
    expect(callsIn('new BatchExecuteStatementCommand(f(`INSERT INTO "t"`, `DELETE FROM "t"`))')).toEqual(
      new Set(["dynamodb:PartiQLInsert on table", "dynamodb:PartiQLDelete on table"]),
    );
    expect(callsIn('f({ service: "s3", method: "PUT" })')).toEqual(new Set(["s3:PutObject on reports"]));
    expect(callsIn('f({ "if-match": etag })')).toEqual(new Set(["s3:GetObject on reports"]));
    expect(() => callsIn("new BatchExecuteStatementCommand({})")).toThrow("which statements");
  });

  test("without a network and traces there is no permission on everything", () => {
    for (const { Properties } of Object.values(synthesized({ stage: "dev" }).of("AWS::IAM::Role")))
      expect(JSON.stringify(Properties)).not.toContain('"*"');
  });
});
