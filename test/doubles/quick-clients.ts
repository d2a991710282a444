import { LOCAL_CREDENTIALS, LOCAL_REGION, type LocalClients } from "../../infra/local/local-clients.ts";
import { httpWire } from "../../lib/adapters/http-wire.ts";
import { quickItems } from "../../lib/adapters/quick-dynamodb.ts";
import { formOfEnvironment, type QuickService } from "../../lib/adapters/quick-form.ts";
import { type QuickKind, quickSends } from "../../lib/adapters/quick-sends.ts";
import { quickMessages } from "../../lib/adapters/quick-sqs.ts";

/** Clients of the stand-ins, as a function has them: what is frequent goes past the SDK, and may not be given up. */
export const quickClientsOf = (
  clients: Pick<LocalClients, "dynamodb" | "sqs">,
  endpoints: Readonly<Record<QuickService, string>>,
) => {
  const clock = { nowMs: Date.now };
  const wires = [httpWire({ clock }), httpWire({ clock })] as const;
  const env = {
    AWS_REGION: LOCAL_REGION,
    AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
    AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodb,
    AWS_ENDPOINT_URL_SQS: endpoints.sqs,
  };
  const options = {
    clock,
    timeoutMs: 5_000,
    credentials: () => LOCAL_CREDENTIALS,
    formOf({ service, operation }: QuickKind) {
      const form = formOfEnvironment(env, service, operation);
      if (form === undefined) throw new Error(`the way to ${service} is not plain`);
      return form;
    },
    onGivenUp(why: object) {
      throw new Error(`given up: ${JSON.stringify(why)}`);
    },
  };
  return {
    dynamodb: quickSends(clients.dynamodb, { ...options, wire: wires[0], kinds: quickItems }),
    sqs: quickSends(clients.sqs, { ...options, wire: wires[1], kinds: quickMessages }),
    close: () => {
      for (const wire of wires) wire.close();
    },
  };
};
