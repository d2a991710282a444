import { CfnOutput, RemovalPolicy, Validations } from "aws-cdk-lib";
import {
  type CfnStage,
  HttpApi,
  HttpMethod,
  HttpNoneAuthorizer,
  PayloadFormatVersion,
} from "aws-cdk-lib/aws-apigatewayv2";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import { FUNCTIONS, type FunctionRow } from "../functions.ts";
import type { StackFunctions } from "./functions.ts";
import type { ChargeonceProps } from "./props.ts";

/** Requests a second that may reach the functions: a flood must not take the account's other functions' turn. */
const throttling = { throttlingRateLimit: 200, throttlingBurstLimit: 400 };

/** The HTTP entry with a route for each function that answers one; none where no function does. */
export const httpEntry = (
  scope: Construct,
  functions: StackFunctions,
  { prefix, logRetention }: ChargeonceProps,
): HttpApi | undefined => {
  const answering = (FUNCTIONS as readonly FunctionRow[]).flatMap(({ name, trigger }) => {
    const made = functions[name as keyof StackFunctions];
    return trigger.kind === "http" && made !== undefined ? [{ name, made, ...trigger }] : [];
  });
  if (answering.length === 0) return undefined;
  const api = new HttpApi(scope, "http-entry", { apiName: `${prefix}notices`, createDefaultStage: false });
  for (const { name, made, method, path } of answering) {
    const [route] = api.addRoutes({
      path,
      methods: [HttpMethod[method]],
      integration: new HttpLambdaIntegration(name, made, {
        payloadFormatVersion: PayloadFormatVersion.VERSION_2_0,
      }),
      authorizer: new HttpNoneAuthorizer(),
    });
    if (route !== undefined)
      Validations.of(route).acknowledge({
        id: "AwsSolutions-APIG4",
        reason:
          "The gateways sign their notices, and the function verifies that before it reads anything (S15).",
      });
  }
  const logs = new LogGroup(scope, "http-entry-logs", {
    retention: logRetention ?? RetentionDays.THREE_MONTHS,
    removalPolicy: RemovalPolicy.RETAIN,
  });
  const stage = api.addStage("default", { stageName: "$default", autoDeploy: true });
  const resource = stage.node.defaultChild as CfnStage;
  resource.defaultRouteSettings = throttling;
  // No header and no body of a request: they may hold what no log may hold (S12).
  resource.accessLogSettings = {
    destinationArn: logs.logGroupArn,
    format: JSON.stringify({
      time: "$context.requestTime",
      id: "$context.requestId",
      ip: "$context.identity.sourceIp",
      route: "$context.routeKey",
      status: "$context.status",
      bytes: "$context.responseLength",
      ms: "$context.responseLatency",
    }),
  };
  new CfnOutput(scope, "NoticesUrl", { value: api.apiEndpoint, description: "where gateways send notices" });
  return api;
};
