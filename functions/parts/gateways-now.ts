import { gatewaysOf } from "../../lib/gateways/registry.ts";
import type { Log } from "../../lib/ports.ts";
import type { Settings } from "../../lib/settings.ts";
import { credentialOf } from "./credential.ts";

type Gateways = ReturnType<typeof gatewaysOf>;

/**
 * The gateways, with the credentials of now. A secret is asked for by each invocation: the extension beside the
 * function keeps it for minutes, so a changed one comes into use by itself; and it serves only while an
 * invocation runs, so nothing is asked at start. One that cannot be read any more stays in use.
 * @throws `SecretUnavailable` while there is nothing to go on with
 */
export const gatewaysNow = (settings: Settings, log: Log): (() => Promise<Gateways>) => {
  let last: { readonly keys: string; readonly gateways: Gateways } | undefined;
  return async () => {
    const { centrobill, centrapay } = settings;
    try {
      const [apiKey, centrapayKey] = await Promise.all(
        [centrobill.apiKey, centrapay?.apiKey].map(
          (credential) => credential && credentialOf(credential, process.env),
        ),
      );
      const keys = JSON.stringify([apiKey, centrapayKey]);
      if (last?.keys !== keys)
        last = {
          keys,
          gateways: gatewaysOf({
            centrobill: { ...centrobill, apiKey: apiKey ?? "" },
            ...(centrapay && { centrapay: { ...centrapay, apiKey: centrapayKey ?? "" } }),
          }),
        };
    } catch (error) {
      if (last === undefined) throw error;
      log.event("secret_unread", { error: error instanceof Error ? error.message : "unknown" });
    }
    return last.gateways;
  };
};
