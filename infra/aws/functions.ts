import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Duration, RemovalPolicy, Size } from "aws-cdk-lib";
import type { Table } from "aws-cdk-lib/aws-dynamodb";
import { Architecture, Code, Function as Lambda, Runtime, Tracing } from "aws-cdk-lib/aws-lambda";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import type { Bucket } from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";
import { reportsVariable } from "../../lib/settings.ts";
import {
  type Durations,
  FUNCTIONS,
  type FunctionName,
  type FunctionRow,
  isThere,
  timeoutSecondsOf,
} from "../functions.ts";
import type { EgressNetwork } from "./egress.ts";
import { variablesOf } from "./function-settings.ts";
import { functionRole } from "./permissions.ts";
import type { ChargeonceProps } from "./props.ts";
import type { StackQueues } from "./queues.ts";
import { secretsExtension, secretsOf } from "./secrets.ts";
import { WrongProps } from "./wrong-props.ts";

type Optional = Extract<(typeof FUNCTIONS)[number], { readonly onlyWith: string }>["name"];

/** Every function of the list; the optional ones where they are wanted. */
export type StackFunctions = Readonly<
  Record<Exclude<FunctionName, Optional>, Lambda> & Partial<Record<Optional, Lambda>>
>;

export type FunctionsProps = {
  readonly props: ChargeonceProps;
  readonly durations: Durations;
  readonly table: Table;
  readonly queues: StackQueues;
  readonly reports: Bucket;
  readonly network: EgressNetwork | undefined;
};

/** The same from the source and from the built construct: both lie two folders below the bundles' `dist`. */
const bundles = fileURLToPath(new URL("../../dist/functions/", import.meta.url));

/** The functions of the list that are wanted, from their built bundles. */
export const stackFunctions = (scope: Construct, parts: FunctionsProps): StackFunctions =>
  Object.fromEntries(
    FUNCTIONS.filter((row) => isThere(row, parts.props)).map((row) => [row.name, make(scope, row, parts)]),
  ) as StackFunctions;

const make = (
  scope: Construct,
  row: FunctionRow,
  { props, durations, table, queues, reports, network }: FunctionsProps,
): Lambda => {
  const bundle = `${bundles}${row.name}`;
  if (!existsSync(`${bundle}/index.mjs`))
    throw new WrongProps([`${bundle}/index.mjs: is not there; run \`npm run build\` first`]);
  const traced = props.tracing === true;
  const placed = row.callsGateways ? network : undefined;
  const secrets = secretsOf(row.reads.credentials, props.credentials).map(([, secret]) => secret);
  const logGroup = new LogGroup(scope, `${row.name}-logs`, {
    retention: props.logRetention ?? RetentionDays.THREE_MONTHS,
    removalPolicy: RemovalPolicy.RETAIN,
  });
  return new Lambda(scope, row.name, {
    functionName: `${props.prefix}${row.name}`,
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    memorySize: 512,
    ...(row.diskMb !== undefined && { ephemeralStorageSize: Size.mebibytes(row.diskMb) }),
    timeout: Duration.seconds(timeoutSecondsOf(row, durations)),
    code: Code.fromAsset(bundle),
    handler: "index.handler",
    environment: {
      ...variablesOf(row, props, table.tableName, (queue) => queues[queue].queue.queueUrl),
      // Its own address, so that it is right in every partition.
      ...(row.writesReports === true && {
        [reportsVariable]: `https://${reports.bucketRegionalDomainName}`,
      }),
    },
    // Nothing is added to it by the library: what it may do is its row's to say.
    role: functionRole(scope, {
      row,
      table,
      queues,
      reports,
      secrets,
      logGroup,
      inVpc: placed !== undefined,
      traced,
    }).withoutPolicyUpdates(),
    logGroup,
    tracing: traced ? Tracing.ACTIVE : Tracing.DISABLED,
    ...(secrets.length > 0 && { paramsAndSecrets: secretsExtension(props.secretsExtensionArn) }),
    ...(placed && { vpc: placed.vpc, vpcSubnets: placed.subnets, securityGroups: [placed.securityGroup] }),
  });
};
