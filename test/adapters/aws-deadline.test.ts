import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { clientLimits } from "../../lib/adapters/deadline.ts";
import { dynamodbLedger, readChargeRecord } from "../../lib/adapters/dynamodb-ledger.ts";
import { readWork } from "../../lib/adapters/dynamodb-work.ts";
import { hideMessages, sqsQueues } from "../../lib/adapters/sqs-queues.ts";
import type { ChargeId, LeaseToken } from "../../lib/core/charge.ts";
import { memoryLog } from "../doubles/memory-log.ts";
import { chargeMessage, openedEntry } from "../doubles/samples.ts";
import { seededIds } from "../doubles/seeded-ids.ts";

/** How a server can leave a caller waiting. */
const hangs = {
  "takes the request and says nothing": () => {},
  "sends its headers and no body": (socket) =>
    socket.write(
      "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: 400\r\n\r\n",
    ),
  "sends half a body": (socket) =>
    socket.write(
      'HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: 400\r\n\r\n{"Succ',
    ),
  "sends a body drop by drop": (socket) => {
    socket.write(
      "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: 4000\r\n\r\n",
    );
    const drip = setInterval(() => socket.write(" "), 20);
    socket.once("close", () => clearInterval(drip));
  },
  "answers each try with a fault": (socket) =>
    socket.write("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"),
} as const satisfies Record<string, (socket: Socket) => void>;

const deadlineMs = 100;
/** A busy machine is late, but never by a whole try. */
const slackMs = 900;

describe.each(Object.entries(hangs))("an AWS endpoint that %s", (_, hang) => {
  let server: Server;
  let dynamodb: DynamoDBClient;
  let sqs: SQSClient;
  beforeAll(async () => {
    server = createServer((request) => {
      request.resume();
      request.once("end", () => hang(request.socket));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const settings = {
      ...clientLimits,
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      region: "us-east-1",
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
    };
    dynamodb = new DynamoDBClient(settings);
    sqs = new SQSClient(settings);
  });
  afterAll(async () => {
    dynamodb.destroy();
    sqs.destroy();
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });

  const entry = openedEntry(chargeMessage("order-1"), seededIds());
  const ledger = () => dynamodbLedger(dynamodb, "ledger", deadlineMs);
  const rejection = {
    v: 1,
    bodySha256: "0".repeat(64),
    code: "invalid_message",
    problems: [],
    atMs: 0,
  } as const;
  const queues = () => sqsQueues({ client: sqs, urlOf: () => "https://sqs.test/q", lingerMs: 0, deadlineMs });
  const message = { v: 1, id: "1", attempt: 1, outcome: "approved", at: "2026-11-22T12:00:00.000Z" } as const;

  const calls: readonly (readonly [what: string, error: string | undefined, call: () => Promise<unknown>])[] =
    [
      ["open", "LedgerUnavailable", () => ledger().open(entry)],
      ["replace", "LedgerUnavailable", () => ledger().replace("t" as LeaseToken, entry)],
      ["read", "LedgerUnavailable", () => ledger().read([entry.chargeId])],
      ["reject", "LedgerUnavailable", () => ledger().reject(rejection)],
      ["work", "LedgerUnavailable", () => readWork(dynamodb, "ledger", "unknown", 5, deadlineMs)],
      ["record", undefined, () => readChargeRecord(dynamodb, "ledger", "order-1" as ChargeId, deadlineMs)],
      ["send", "QueueUnavailable", () => queues().send("approved", message)],
    ];

  test.concurrent.each(calls)(
    "%s ends at its deadline, with the error that its port promises",
    async (__, name, call) => {
      const beganMs = performance.now();
      const end = await Promise.race([
        call().then(
          () => "answered",
          (error: unknown) => error,
        ),
        new Promise((resolve) => setTimeout(resolve, deadlineMs + slackMs, "still waiting")),
      ]);
      expect(end).toBeInstanceOf(Error);
      if (name !== undefined) expect(end).toMatchObject({ name });
      expect(performance.now() - beganMs).toBeLessThan(deadlineMs + slackMs);
    },
  );

  test.concurrent("hide ends at its deadline and tells the log", async () => {
    const log = memoryLog();
    const end = await Promise.race([
      hideMessages(sqs, "https://sqs.test/q", [{ receiptHandle: "h", delayMs: 0 }], log, deadlineMs).then(
        () => "ended",
      ),
      new Promise((resolve) => setTimeout(resolve, deadlineMs + slackMs, "still waiting")),
    ]);
    expect(end).toBe("ended");
    expect(log.eventsOf("queue_failed")).toMatchObject([{ count: 1 }]);
  });
});
