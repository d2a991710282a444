import { CfnOutput } from "aws-cdk-lib";
import { FunctionUrlAuthType } from "aws-cdk-lib/aws-lambda";
import type { Construct } from "constructs";
import type { StackFunctions } from "./functions.ts";

/** The address of the web desk, where it is wanted. Nobody is let in but by IAM, and no other origin is answered. */
export const deskUrl = (scope: Construct, { "review-desk": desk }: StackFunctions): void => {
  if (desk === undefined) return;
  const { url } = desk.addFunctionUrl({ authType: FunctionUrlAuthType.AWS_IAM });
  new CfnOutput(scope, "ReviewDeskUrl", {
    value: url,
    description: "the web desk; requests are signed (SigV4)",
  });
};
