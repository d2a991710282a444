import { ParamsAndSecretsLayerVersion, ParamsAndSecretsVersions } from "aws-cdk-lib/aws-lambda";
import type { ISecret } from "aws-cdk-lib/aws-secretsmanager";
import { type CredentialName, secretVariableOf } from "../../lib/settings.ts";
import type { ChargeonceProps } from "./props.ts";

type Credentials = ChargeonceProps["credentials"];

/** The secrets of these credentials, as far as they are given, in the order of the list. */
export const secretsOf = (
  names: readonly CredentialName[],
  credentials: Credentials,
): readonly (readonly [CredentialName, ISecret])[] =>
  names.flatMap((name) => {
    const secret = credentials[name];
    return secret === undefined ? [] : [[name, secret] as const];
  });

/** The variables by which a function knows its secrets: their names in the store, never their values. */
export const secretVariables = (
  names: readonly CredentialName[],
  credentials: Credentials,
): Record<string, string> =>
  Object.fromEntries(
    secretsOf(names, credentials).map(([name, secret]) => [secretVariableOf(name), secret.secretArn]),
  );

/** The extension through which they are read. */
export const secretsExtension = (arn: string | undefined): ParamsAndSecretsLayerVersion =>
  arn === undefined
    ? ParamsAndSecretsLayerVersion.fromVersion(ParamsAndSecretsVersions.V1_0_103)
    : ParamsAndSecretsLayerVersion.fromVersionArn(arn);
