import { CfnOutput, RemovalPolicy, Stack } from "aws-cdk-lib";
import {
  CfnEIP,
  FlowLogDestination,
  FlowLogTrafficType,
  GatewayVpcEndpointAwsService,
  type ISecurityGroup,
  type IVpc,
  NatProvider,
  SecurityGroup,
  type SubnetSelection,
  SubnetType,
  Vpc,
} from "aws-cdk-lib/aws-ec2";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import type { Egress } from "./props.ts";

/** Where functions that call gateways are placed. */
export type EgressNetwork = {
  readonly vpc: IVpc;
  readonly subnets: SubnetSelection;
  readonly securityGroup: ISecurityGroup;
};

/**
 * A network whose calls come from addresses that do not change, for gateways that take calls only from
 * addresses they were told. The addresses outlive the stack: a gateway has them on its list.
 */
export const egressNetwork = (scope: Construct, egress: Egress | undefined): EgressNetwork | undefined => {
  if (egress === undefined) return undefined;
  const { vpc, subnets } =
    "vpc" in egress
      ? { vpc: egress.vpc, subnets: egress.subnets ?? { subnetType: SubnetType.PRIVATE_WITH_EGRESS } }
      : { vpc: ownVpc(scope, egress.natGateways), subnets: { subnetType: SubnetType.PRIVATE_WITH_EGRESS } };
  const securityGroup = new SecurityGroup(scope, "egress-group", {
    vpc,
    description: "chargeonce functions: they call out and are never called",
    allowAllOutbound: true,
  });
  return { vpc, subnets, securityGroup };
};

const ownVpc = (scope: Construct, natGateways: 1 | 2): IVpc => {
  const addresses = Array.from({ length: natGateways }, (_, index) => {
    const address = new CfnEIP(scope, `egress-address-${index + 1}`, {
      domain: "vpc",
      tags: [{ key: "Name", value: `${Stack.of(scope).stackName}-egress` }],
    });
    address.applyRemovalPolicy(RemovalPolicy.RETAIN);
    new CfnOutput(scope, `EgressAddress${index + 1}`, {
      value: address.attrPublicIp,
      description: "for the gateways' allow-lists",
    });
    return address;
  });
  const vpc = new Vpc(scope, "egress", {
    maxAzs: 2,
    natGateways,
    natGatewayProvider: NatProvider.gateway({
      eipAllocationIds: addresses.map(({ attrAllocationId }) => attrAllocationId),
    }),
    subnetConfiguration: [
      { name: "public", subnetType: SubnetType.PUBLIC, cidrMask: 26, mapPublicIpOnLaunch: false },
      { name: "functions", subnetType: SubnetType.PRIVATE_WITH_EGRESS, cidrMask: 20 },
    ],
    // DynamoDB is most of what a function talks to, and its endpoint in the network costs nothing.
    gatewayEndpoints: { dynamodb: { service: GatewayVpcEndpointAwsService.DYNAMODB } },
    restrictDefaultSecurityGroup: false,
  });
  vpc.addFlowLog("refused", {
    trafficType: FlowLogTrafficType.REJECT,
    destination: FlowLogDestination.toCloudWatchLogs(
      new LogGroup(scope, "egress-refused", { retention: RetentionDays.ONE_MONTH }),
    ),
  });
  // The library's own class does not have its own interface, where optional members are told from absent ones.
  return vpc as IVpc;
};
