import { Stack, Validations } from "aws-cdk-lib";
import type { Table } from "aws-cdk-lib/aws-dynamodb";
import { Effect, PolicyDocument, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { CfnLogGroup, ILogGroup } from "aws-cdk-lib/aws-logs";
import type { Bucket, CfnBucket } from "aws-cdk-lib/aws-s3";
import type { ISecret } from "aws-cdk-lib/aws-secretsmanager";
import type { Construct } from "constructs";
import { type FunctionRow, queueWorkedBy } from "../functions.ts";
import type { StackQueues } from "./queues.ts";

export type FunctionParts = {
  readonly row: FunctionRow;
  readonly table: Table;
  readonly queues: StackQueues;
  readonly reports: Bucket;
  /** that it may read */
  readonly secrets: readonly ISecret[];
  readonly logGroup: ILogGroup;
  readonly inVpc: boolean;
  readonly traced: boolean;
};

/** What Lambda itself does with a queue in the function's name. */
const pollActions = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];
/** What Lambda itself does in the function's name to put it into a network. */
const networkActions = [
  "ec2:CreateNetworkInterface",
  "ec2:DescribeNetworkInterfaces",
  "ec2:DescribeSubnets",
  "ec2:DeleteNetworkInterface",
  "ec2:AssignPrivateIpAddresses",
  "ec2:UnassignPrivateIpAddresses",
];
/** The part of the bucket that reports are put into. */
const reportsFolder = "reconciliation/";
const traceActions = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"];

/**
 * The role of a function: exactly the actions of its row, each on exactly what it is for. They are the role's
 * own, so that nothing that needs them is made before they are there.
 */
export const functionRole = (scope: Construct, parts: FunctionParts): Role => {
  const { row, logGroup, reports, inVpc, traced } = parts;
  const everywhere = [...(inVpc ? networkActions : []), ...(traced ? traceActions : [])];
  const role = new Role(scope, `${row.name}-role`, {
    assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
    description: `chargeonce ${row.name}`,
    inlinePolicies: {
      row: new PolicyDocument({
        statements: [...statementsOf(parts), ...(everywhere.length > 0 ? [allow(everywhere, ["*"])] : [])],
      }),
    },
  });
  const reportsId = Stack.of(scope).getLogicalId(reports.node.defaultChild as CfnBucket);
  const logId = Stack.of(scope).getLogicalId(logGroup.node.defaultChild as CfnLogGroup);
  Validations.of(role).acknowledge(
    {
      id: `AwsSolutions-IAM5[Resource::<${logId}.Arn>:*]`,
      reason: "The streams of the function's own log group: their names are Lambda's, one each process.",
    },
    ...(row.writesReports === true
      ? [
          {
            id: `AwsSolutions-IAM5[Resource::<${reportsId}.Arn>/${reportsFolder}*]`,
            reason:
              "A day's reports are named for the day: it may put those, and read, list and delete nothing.",
          },
        ]
      : []),
    ...(everywhere.length === 0
      ? []
      : [
          {
            id: "AwsSolutions-IAM5[Resource::*]",
            reason:
              "Lambda puts a function into a network, and X-Ray takes traces, by actions for which IAM knows no resource.",
          },
        ]),
  );
  return role;
};

const statementsOf = (parts: FunctionParts): PolicyStatement[] => {
  const { row, table, queues, reports, secrets, logGroup } = parts;
  const worked = row.trigger.kind === "queue" ? [queues[queueWorkedBy(row.name)].queue.queueArn] : [];
  return [
    allow(["logs:CreateLogStream", "logs:PutLogEvents"], [`${logGroup.logGroupArn}:*`]),
    allow(dynamodb(row.table), [table.tableArn]),
    allow(
      row.indexes.length > 0 ? ["dynamodb:Query"] : [],
      row.indexes.map((name) => `${table.tableArn}/index/${name}`),
    ),
    allow(pollActions, worked),
    allow(
      ["sqs:ReceiveMessage"],
      (row.looksInto ?? []).map((name) => queues[name].queue.queueArn),
    ),
    allow(["sqs:GetQueueAttributes"], row.countsQueues === true ? everyQueueOf(queues) : []),
    allow(
      ["sqs:ChangeMessageVisibility"],
      row.hides.map((name) => queues[name].queue.queueArn),
    ),
    allow(
      ["sqs:SendMessage"],
      row.sendsTo.map((name) => queues[name].queue.queueArn),
    ),
    allow(
      ["s3:GetObject", "s3:PutObject"],
      row.writesReports === true ? [reports.arnForObjects(`${reportsFolder}*`)] : [],
    ),
    allow(
      ["secretsmanager:GetSecretValue"],
      secrets.map(({ secretArn }) => secretArn),
    ),
    allow(
      ["kms:Decrypt"],
      secrets.flatMap(({ encryptionKey }) => encryptionKey?.keyArn ?? []),
    ),
  ].filter((statement) => statement.actions.length > 0 && statement.resources.length > 0);
};

const everyQueueOf = (queues: StackQueues): string[] =>
  Object.values(queues).flatMap(({ queue, deadLetters }) => [
    queue.queueArn,
    ...(deadLetters === undefined ? [] : [deadLetters.queueArn]),
  ]);

const dynamodb = (actions: readonly string[]): string[] => actions.map((action) => `dynamodb:${action}`);

const allow = (actions: readonly string[], resources: readonly string[]): PolicyStatement =>
  new PolicyStatement({ effect: Effect.ALLOW, actions: [...actions], resources: [...resources] });
