import { credentialNames, noticeCredentialNames } from "../../lib/settings.ts";
import type { ChargeonceProps } from "./props.ts";

const everyCredential: readonly string[] = [...credentialNames, ...noticeCredentialNames];

/** Every prop there is: one that is missing here does not compile. */
const known: Readonly<Record<keyof ChargeonceProps, true>> = {
  prefix: true,
  credentials: true,
  settings: true,
  submittersMax: true,
  egress: true,
  secretsExtensionArn: true,
  logRetention: true,
  alarmTopic: true,
  moneyLimits: true,
  tracing: true,
  reviewDesk: true,
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isSecret = (value: unknown): boolean => isObject(value) && typeof value["secretArn"] === "string";

const isEgress = (egress: unknown): boolean =>
  isObject(egress) &&
  (isObject(egress["vpc"]) ? !("natGateways" in egress) : [1, 2].includes(egress["natGateways"] as number));

/** What the types say, for apps that have none and for props that are put together: a typo would be left out unsaid. */
export const propProblems = (props: ChargeonceProps): readonly string[] => [
  ...Object.keys(props)
    .filter((name) => !Object.hasOwn(known, name))
    .map((name) => `${name}: is not a prop; there are ${Object.keys(known).join(", ")}`),
  ...(isObject(props.credentials)
    ? Object.entries(props.credentials).flatMap(([name, secret]) => {
        if (!everyCredential.includes(name))
          return [`credentials.${name}: is not a credential; there are ${everyCredential.join(", ")}`];
        return secret === undefined || isSecret(secret)
          ? []
          : [`credentials.${name}: must be a secret of aws-cdk-lib/aws-secretsmanager`];
      })
    : ["credentials: must be an object of secrets"]),
  ...Object.entries(props.settings ?? {})
    .filter(([, value]) => value !== undefined && typeof value !== "string")
    .map(([name]) => `settings.${name}: must be a text, as a variable has it`),
  ...(props.egress === undefined || isEgress(props.egress)
    ? []
    : ["egress: must be {natGateways: 1 or 2}, or {vpc} with or without subnets"]),
];
