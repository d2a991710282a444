import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { chargeMessage } from "../doubles/samples.ts";
import { type FunctionStand, functionStand } from "./function-stand.ts";

const arn = "arn:aws:secretsmanager:us-east-1:000000000000:secret:centrobill-AbCdEf";

/** The extension as Lambda has it: it serves only while an invocation runs, and refuses during start-up. */
describe("a credential by the name of its secret", () => {
  let stand: FunctionStand;
  let extension: Server;
  const asked: { url: string | undefined; token: unknown }[] = [];
  let serves: "secret" | "not ready" = "not ready";
  let secret = "sandbox-key";

  beforeAll(async () => {
    stand = await functionStand();
    extension = createServer((request, response) => {
      asked.push({ url: request.url, token: request.headers["x-aws-parameters-secrets-token"] });
      if (serves === "secret") response.end(JSON.stringify({ SecretString: secret }));
      else response.writeHead(400).end("not ready to serve traffic, please wait");
    });
    await new Promise<void>((resolve) => extension.listen(0, "localhost", resolve));
  });
  afterAll(async () => {
    await stand.close();
    await new Promise((resolve) => extension.close(resolve));
  });
  beforeEach(() => {
    asked.length = 0;
    serves = "not ready";
    secret = "sandbox-key";
  });

  const start = (more: Readonly<Record<string, string>> = {}) =>
    stand.start("submit-charges", {
      ...more,
      CENTROBILL_API_KEY: "",
      CENTROBILL_API_KEY_SECRET_ARN: arn,
      AWS_SESSION_TOKEN: "session",
      PARAMETERS_SECRETS_EXTENSION_HTTP_PORT: String((extension.address() as AddressInfo).port),
    });
  const charge = async (id: string) => {
    await stand.send("charges", [JSON.stringify(chargeMessage(id))]);
    return stand.receive("charges", 1);
  };

  test("is read by the first invocation, never at start-up, when the extension does not serve yet", async () => {
    const submit = await start();
    expect(asked).toEqual([]);
    serves = "secret";
    expect(await submit.invoke("charges", await charge("by-secret"))).toEqual({ batchItemFailures: [] });
    expect(asked).toEqual([
      { url: `/secretsmanager/get?secretId=${encodeURIComponent(arn)}`, token: "session" },
    ]);
    expect(await stand.told("approved")).toMatchObject([{ chargeId: "by-secret" }]);
  });

  test("that cannot be read fails the invocation before anything is sent, and the next one asks again", async () => {
    const submit = await start();
    const messages = await charge("not-yet");
    await expect(submit.invoke("charges", messages)).rejects.toThrow("HTTP 400");
    expect(await stand.ledger.read(["not-yet" as never])).toEqual(new Map());
    serves = "secret";
    expect(await submit.invoke("charges", messages)).toEqual({ batchItemFailures: [] });
    expect(await stand.told("approved")).toMatchObject([{ chargeId: "not-yet" }]);
  });

  test("that changes is used from the next invocation on; that cannot be read any more stays in use", async () => {
    const keys: (string | undefined)[] = [];
    const gateway = createServer((request, response) => {
      keys.push(request.headers.authorization);
      response.writeHead(400).end("{}");
    });
    await new Promise<void>((resolve) => gateway.listen(0, "localhost", resolve));
    const submit = await start({
      CENTROBILL_URL: `http://localhost:${(gateway.address() as AddressInfo).port}`,
    });
    serves = "secret";
    secret = "a-key-of-yesterday";
    await submit.invoke("charges", await charge("old-key"));
    secret = "a-key-of-today\n";
    await submit.invoke("charges", await charge("new-key"));
    serves = "not ready";
    await submit.invoke("charges", await charge("kept-key"));
    await new Promise((resolve) => gateway.close(resolve));
    expect(keys).toEqual(["a-key-of-yesterday", "a-key-of-today", "a-key-of-today"]);
    expect(submit.lines.filter((line) => line.includes('"event":"secret_unread"'))).toHaveLength(1);
    expect(submit.lines.join("\n")).not.toMatch(/a-key-of/);
  });
});
