import { CfnOutput, CfnParameter, Stack, type StackProps, Validations } from "aws-cdk-lib";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import type { Topic } from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import type { Construct } from "constructs";
import { type CredentialName, secretVariableOf } from "../../lib/settings.ts";
import { Chargeonce } from "./chargeonce.ts";
import type { Stage } from "./stage.ts";

/** `CENTROBILL_API_KEY` as a parameter: `CentrobillApiKeySecretArn`. */
export const secretParameterOf = (name: CredentialName): string =>
  secretVariableOf(name)
    .toLowerCase()
    .replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());

const secretPattern =
  "^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+-[A-Za-z0-9]{6}$";

/**
 * One stage of chargeonce as a stack of its own. Secrets are parameters, so that one template serves every
 * account and no name of an account's is in the repository; CloudFormation keeps them for the next deployment.
 */
export class ChargeonceStack extends Stack {
  readonly chargeonce: Chargeonce;

  constructor(scope: Construct, id: string, stage: Stage, props: StackProps = {}) {
    super(scope, id, {
      description: "chargeonce: queued charges, each submitted at most once in effect",
      terminationProtection: !stage.teardown,
      ...props,
    });
    const { credentials, alarmEmail, teardown: _teardown, ...rest } = stage;
    this.chargeonce = new Chargeonce(this, "chargeonce", {
      ...rest,
      credentials: Object.fromEntries(
        credentials.map((name) => {
          const parameter = new CfnParameter(this, secretParameterOf(name), {
            type: "String",
            description: `the whole ARN of the secret that holds ${name}`,
            allowedPattern: secretPattern,
          });
          Validations.of(this).acknowledge({
            id: "CloudFormation-Validate::W2509",
            reason: "It is the name of a secret, and names may be read.",
          });
          return [name, Secret.fromSecretCompleteArn(this, name, parameter.valueAsString)];
        }),
      ),
    });
    if (alarmEmail !== undefined)
      (this.chargeonce.alarmTopic as Topic).addSubscription(new EmailSubscription(alarmEmail));
    new CfnOutput(this, "Variables", {
      value: this.toJsonString({ AWS_REGION: this.region, ...this.chargeonce.variables }),
      description: "what the command reads with --env-file",
    });
  }
}
