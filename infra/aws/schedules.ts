import { Duration } from "aws-cdk-lib";
import { Rule, Schedule } from "aws-cdk-lib/aws-events";
import { LambdaFunction } from "aws-cdk-lib/aws-events-targets";
import type { Construct } from "constructs";
import { FUNCTIONS } from "../functions.ts";
import type { StackFunctions } from "./functions.ts";

/** Each schedule function by its clock. A run that failed is not repeated: the next one comes by itself. */
export const schedules = (scope: Construct, functions: StackFunctions, prefix: string): void => {
  for (const { name, trigger } of FUNCTIONS) {
    const made = functions[name];
    if (trigger.kind !== "schedule" || made === undefined) continue;
    new Rule(scope, `${name}-schedule`, {
      ruleName: `${prefix}${name}`,
      schedule: Schedule.rate(Duration.minutes(trigger.everyMinutes)),
      targets: [
        new LambdaFunction(made, {
          retryAttempts: 0,
          maxEventAge: Duration.minutes(Math.max(1, trigger.everyMinutes)),
        }),
      ],
    });
  }
};
