import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { CreateQueueCommand, ReceiveMessageCommand, SendMessageCommand } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chargeFromFile, chargeFromQueue, chargeFromRun } from "../../cli/charge-message.ts";
import { type LocalClients, localClients } from "../../infra/local/local-clients.ts";
import { startSqsStandIn } from "../../infra/local/sqs-stand-in.ts";
import type { StandIn } from "../../infra/local/stand-in.ts";
import type { ChargeId } from "../../lib/core/charge.ts";
import { canonicalJson, type JsonObject } from "../../lib/core/json.ts";
import { chargeMessage } from "../doubles/samples.ts";
import { testFolder } from "./command.ts";

const sought = (message: JsonObject) => ({
  chargeId: message["chargeId"] as ChargeId,
  fingerprint: createHash("sha256").update(canonicalJson(message)).digest("hex"),
});
const route = (charge: JsonObject): string =>
  JSON.stringify({ v: 1, id: "x", outcome: "review", chargeId: charge["chargeId"] ?? "", charge });

describe("a charge's own message", () => {
  let standIn: StandIn;
  let clients: LocalClients;
  beforeAll(async () => {
    standIn = await startSqsStandIn();
    clients = localClients({ sqs: standIn.endpoint, dynamodb: standIn.endpoint });
  });
  afterAll(async () => {
    clients.destroy();
    await standIn.close();
  });
  const queueOf = async (name: string, bodies: readonly string[]): Promise<string> => {
    const url = (await clients.sqs.send(new CreateQueueCommand({ QueueName: name }))).QueueUrl ?? "";
    for (const body of bodies)
      await clients.sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: body }));
    return url;
  };
  const visibleIn = async (url: string): Promise<number> => {
    let count = 0;
    for (;;) {
      const answer = await clients.sqs.send(
        new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10, VisibilityTimeout: 60 }),
      );
      if (answer.Messages === undefined || answer.Messages.length === 0) return count;
      count += answer.Messages.length;
    }
  };

  test("is found among others on the queue review, and everything is given back", async () => {
    const message = chargeMessage("c-17");
    const url = await queueOf("review-1", [
      ...Array.from({ length: 25 }, (_, n) => route(chargeMessage(`c-${n}`))),
      "no JSON",
    ]);
    const found = await chargeFromQueue(clients.sqs, url, sought(message));
    expect(found?.message).toEqual(message);
    expect(await visibleIn(url)).toBe(26);
  });

  test("of another content is not the charge, however it is found", async () => {
    const other = chargeMessage("c-1", { amount: "2000" });
    const url = await queueOf("review-2", [route(other)]);
    expect(await chargeFromQueue(clients.sqs, url, sought(chargeMessage("c-1")))).toBeUndefined();
    expect(await visibleIn(url)).toBe(1);
    const file = join(testFolder(), "c.ndjson");
    writeFileSync(file, `${JSON.stringify(other)}\n`);
    expect(await chargeFromFile(file, sought(chargeMessage("c-1")))).toBeUndefined();
  });

  test("is found in a file of charges, and in one of route messages", async () => {
    const folder = testFolder();
    const message = chargeMessage("c-2");
    for (const line of [JSON.stringify(message), route(message)]) {
      const file = join(folder, "c.ndjson");
      writeFileSync(file, `${JSON.stringify(chargeMessage("c-1"))}\n{"half":\n${line}\n`);
      expect((await chargeFromFile(file, sought(message)))?.message).toEqual(message);
    }
  });

  test("of a run whose file has gone is not at hand", async () => {
    expect(await chargeFromRun(testFolder(), sought(chargeMessage("c-1")))).toBeUndefined();
  });
});
