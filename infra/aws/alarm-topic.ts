import { Topic } from "aws-cdk-lib/aws-sns";
import type { Construct } from "constructs";

/**
 * The topic that alarms are told to. Not encrypted by AWS's own key for SNS: CloudWatch may not use that one,
 * and an alarm that cannot be told is worse than a readable one. No alarm holds a secret.
 */
export const alarmTopic = (scope: Construct, prefix: string): Topic =>
  new Topic(scope, "alarms", { topicName: `${prefix}alarms`, enforceSSL: true });
