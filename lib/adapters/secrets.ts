import type { Replied } from "../core/transport.ts";
import type { Wire } from "../ports.ts";

/** A secret that could not be read; the message names it and never its value. */
export class SecretUnavailable extends Error {
  override readonly name = "SecretUnavailable";
}

/**
 * Reads a secret through the AWS Parameters and Secrets Lambda extension, which caches it beside the function:
 * one HTTP request to this machine, and no SDK client in the bundle.
 * @param extension its address and the token that it wants to see (the function's session token)
 */
export const readSecret = async (
  arn: string,
  wire: Wire,
  extension: { readonly url: string; readonly token: string },
): Promise<string> => {
  const transport = await wire.send(
    {
      method: "GET",
      url: `${extension.url}/secretsmanager/get?secretId=${encodeURIComponent(arn)}`,
      headers: { "X-Aws-Parameters-Secrets-Token": extension.token },
    },
    { timeoutMs: 5_000 },
  );
  if (transport.kind !== "replied" || transport.status !== 200)
    throw new SecretUnavailable(
      `${arn}: ${transport.kind === "replied" ? `HTTP ${transport.status}` : transport.cause}`,
    );
  return secretOf(arn, transport);
};

const secretOf = (arn: string, reply: Replied): string => {
  let secret: unknown;
  try {
    secret = (JSON.parse(reply.body) as { SecretString?: unknown }).SecretString;
  } catch {
    secret = undefined;
  }
  // A secret that was made from a file has the file's line end.
  const value = typeof secret === "string" ? secret.trim() : "";
  if (value === "") throw new SecretUnavailable(`${arn}: no SecretString`);
  return value;
};
