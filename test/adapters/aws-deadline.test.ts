import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { clientLimits } from "../../lib/adapters/deadline.ts";
import { dynamodbLedger, readChargeRecord } from "../../lib/adapters/dynamodb-ledger.ts";
import { dynamodbPace } from "../../lib/adapters/dynamodb-pace.ts";
import { readWork } from "../../lib/adapters/dynamodb-work.ts";
import { hideMessages, sqsQueues } from "../../lib/adapters/sqs-queues.ts";
import type { ChargeId, LeaseToken } from "../../lib/core/charge.ts";
import { type Hang, hangs, startHanging } from "../doubles/hanging-server.ts";
import { memoryLog } from "../doubles/memory-log.ts";
import { quickClientsOf } from "../doubles/quick-clients.ts";
import { chargeMessage, openedEntry } from "../doubles/samples.ts";
import { seededIds } from "../doubles/seeded-ids.ts";

/** And one that is not a hang: the SDK tries it again, which must end, too. */
const faults = {
  "answers each try with a fault": (socket) =>
    socket.write("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"),
} as const satisfies Record<string, Hang>;

const deadlineMs = 100;
/** A busy machine is late, but never by a whole try. */
const slackMs = 900;

type Way = "by the SDK" | "past the SDK";
const cases = Object.entries<Hang>({ ...hangs, ...faults }).flatMap(([does, hang]) =>
  (["by the SDK", "past the SDK"] as const).map((way): [string, Way, Hang] => [does, way, hang]),
);

describe.each(cases)("an AWS endpoint that %s, asked %s", (_, way, hang) => {
  let server: Awaited<ReturnType<typeof startHanging>>;
  let dynamodb: Pick<DynamoDBClient, "send">;
  let sqs: Pick<SQSClient, "send">;
  const closes: (() => void)[] = [];
  beforeAll(async () => {
    server = await startHanging(hang);
    const settings = {
      ...clientLimits,
      endpoint: server.url,
      region: "us-east-1",
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
    };
    const sdk = { dynamodb: new DynamoDBClient(settings), sqs: new SQSClient(settings) };
    const quick = quickClientsOf(sdk, { dynamodb: server.url, sqs: server.url });
    ({ dynamodb, sqs } = way === "by the SDK" ? sdk : quick);
    closes.push(
      () => sdk.dynamodb.destroy(),
      () => sdk.sqs.destroy(),
      quick.close,
    );
  });
  afterAll(async () => {
    for (const close of closes) close();
    await server.close();
  });

  const entry = openedEntry(chargeMessage("order-1"), seededIds());
  const ledger = () => dynamodbLedger(dynamodb, "ledger", deadlineMs);
  const another = openedEntry(chargeMessage("order-2"), seededIds());
  /** Both are told, and both alike. */
  const openTogether = async (): Promise<void> => {
    const shared = ledger();
    const ends = await Promise.allSettled([shared.open(entry), shared.open(another)]);
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  };
  const rejection = {
    v: 1,
    bodySha256: "0".repeat(64),
    code: "invalid_message",
    problems: [],
    atMs: 0,
  } as const;
  const queues = () => sqsQueues({ client: sqs, urlOf: () => "https://sqs.test/q", lingerMs: 0, deadlineMs });
  const message = {
    v: 1,
    id: "1",
    attempt: 1,
    outcome: "approved",
    at: "2026-11-22T12:00:00.000Z",
  } as const;

  const calls: readonly (readonly [what: string, error: string | undefined, call: () => Promise<unknown>])[] =
    [
      ["open", "LedgerUnavailable", () => ledger().open(entry)],
      ["open, of several together", "LedgerUnavailable", () => openTogether()],
      ["pace", "LedgerUnavailable", () => dynamodbPace(dynamodb, "ledger", deadlineMs).read("centrobill")],
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

test("a client that knows no region says what is not set", async () => {
  vi.stubEnv("AWS_REGION", undefined);
  vi.stubEnv("AWS_CONFIG_FILE", "/dev/null");
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const dynamodb = new DynamoDBClient({ ...clientLimits, credentials });
  await expect(readWork(dynamodb, "ledger", "unknown", 1)).rejects.toThrow("AWS_REGION is not set");
  dynamodb.destroy();
  vi.unstubAllEnvs();
});
