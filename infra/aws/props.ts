import type { IVpc, SubnetSelection } from "aws-cdk-lib/aws-ec2";
import type { RetentionDays } from "aws-cdk-lib/aws-logs";
import type { ISecret } from "aws-cdk-lib/aws-secretsmanager";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { CredentialName, SettingName } from "../../lib/settings.ts";

/** Money of one currency above which an alarm is raised: decimals in major units, `"500.00"`. */
export interface MoneyLimit {
  /** unknown or pending for more than an hour */
  readonly unknown: string;
  /** waiting for a person, whatever its age */
  readonly review: string;
}

/**
 * Where the calls to the gateways come from. Without it: any of Lambda's own addresses. `natGateways`: a network
 * of its own with so many fixed addresses (two survive the loss of a zone). `vpc`: a network that you have.
 */
export type Egress =
  | { readonly natGateways: 1 | 2 }
  | { readonly vpc: IVpc; readonly subnets?: SubnetSelection };

export interface ChargeonceProps {
  /** Before the name of every queue, table, function and alarm: at most 40 letters, digits, `-` or `_`. */
  readonly prefix: string;
  /** The gateways' credentials, each a plain text secret. Centrobill's is required. */
  readonly credentials: Readonly<Partial<Record<CredentialName, ISecret>>>;
  /** The settings of the README, as the functions' variables have them. Checked when the stack is made. */
  readonly settings?: Readonly<Partial<Record<SettingName, string>>>;
  /**
   * `submit-charges` at once, 2 to 1000: with `CONCURRENCY` of each, the most charges on their way to a gateway.
   * @default 4
   */
  readonly submittersMax?: number;
  readonly egress?: Egress;
  /**
   * The AWS Parameters and Secrets extension for arm64 in your region.
   * @default the version that aws-cdk-lib knows for the region
   */
  readonly secretsExtensionArn?: string;
  /** @default three months */
  readonly logRetention?: RetentionDays;
  /** Told of every alarm. @default a topic of its own */
  readonly alarmTopic?: ITopic;
  /** Alarms on money, by currency. @default none: the alarms on charges by age are there for every currency */
  readonly moneyLimits?: Readonly<Record<string, MoneyLimit>>;
  /** X-Ray traces of invocations, about 5 USD a million. @default false */
  readonly tracing?: boolean;
  /**
   * The web desk, at a function URL that only IAM lets one in to. Its callers need `lambda:InvokeFunctionUrl` on it, and
   * `lambda:InvokeFunction` under the condition `lambda:InvokedViaFunctionUrl`: whoever invokes it directly can name
   * anybody. @default false
   */
  readonly reviewDesk?: boolean;
}
