import { httpWire } from "../../lib/adapters/http-wire.ts";
import { readSecret } from "../../lib/adapters/secrets.ts";
import type { Credential } from "../../lib/settings.ts";
import { clock } from "./machine.ts";

/** A credential of the settings, or of the secret that they name. @throws `SecretUnavailable` */
export const credentialOf = async (credential: Credential, env: NodeJS.ProcessEnv): Promise<string> => {
  if (credential.kind === "value") return credential.value;
  const wire = httpWire({ clock });
  try {
    return await readSecret(credential.arn, wire, {
      url: `http://localhost:${env["PARAMETERS_SECRETS_EXTENSION_HTTP_PORT"] ?? "2773"}`,
      token: env["AWS_SESSION_TOKEN"] ?? "",
    });
  } finally {
    wire.close();
  }
};
