import { randomUUID } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  type EventSource,
  type EventSourceOptions,
  EventSourceRefused,
  FunctionUnstartable,
  type InvocationReport,
  startEventSource,
} from "../../infra/local/event-source.ts";
import type { FunctionLogLine } from "../../infra/local/function-process.ts";
import { type LocalClients, localClients } from "../../infra/local/local-clients.ts";
import { identify } from "../../infra/local/process-identity.ts";
import { startSqsStandIn } from "../../infra/local/sqs-stand-in.ts";
import type { StandIn } from "../../infra/local/stand-in.ts";
import { until } from "./until.ts";

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

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}.mjs`, import.meta.url));
const open: EventSource[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((source) => source.stop(0)));
});

/** The real client, with faults between it and the event source. */
function faulty(act: (command: unknown, pass: () => Promise<unknown>) => Promise<unknown>): SQSClient {
  const send = (command: never, options: never) => act(command, () => clients.sqs.send(command, options));
  return { send } as unknown as SQSClient;
}

async function queue(visibilitySeconds = 2): Promise<string> {
  const { QueueUrl } = await clients.sqs.send(
    new CreateQueueCommand({
      QueueName: randomUUID(),
      Attributes: { VisibilityTimeout: String(visibilitySeconds) },
    }),
  );
  return QueueUrl ?? "";
}

async function send(queueUrl: string, ...bodies: string[]): Promise<void> {
  for (let from = 0; from < bodies.length; from += 10) {
    const Entries = bodies
      .slice(from, from + 10)
      .map((MessageBody, index) => ({ Id: String(index), MessageBody }));
    await clients.sqs.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
  }
}

async function depth(queueUrl: string): Promise<number> {
  const { Attributes } = await clients.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ["All"] }),
  );
  return (
    Number(Attributes?.ApproximateNumberOfMessages) +
    Number(Attributes?.ApproximateNumberOfMessagesNotVisible)
  );
}

interface Seen {
  pid: number;
  requestId: string;
  functionName: string;
  remainingMs: number;
  env: Record<string, string>;
  // biome-ignore lint/suspicious/noExplicitAny: what the function was given is under test, not assumed
  records: any[];
}

async function start(queueUrl: string, options: Partial<EventSourceOptions> = {}) {
  const lines: FunctionLogLine[] = [];
  const reports: InvocationReport[] = [];
  const source = await startEventSource({
    sqs: clients.sqs,
    queueUrl,
    functionName: "submit-charges",
    bundle: fixture("acts-by-body"),
    env: {},
    workers: 1,
    batchSize: 10,
    batchingWindowMs: 0,
    functionTimeoutMs: 1_500,
    onLog: (line) => lines.push(line),
    onInvocation: (report) => reports.push(report),
    ...options,
  });
  open.push(source);
  const seen = () =>
    lines.filter((one) => one.line.startsWith("{")).map((one) => JSON.parse(one.line) as Seen);
  return { source, lines, reports, seen };
}

describe("an event source", () => {
  it("hands over the event as Lambda builds it, and deletes what succeeded", async () => {
    const queueUrl = await queue();
    await clients.sqs.send(
      new SendMessageCommand({
        QueueUrl: queueUrl,
        MessageBody: "ok",
        MessageAttributes: {
          text: { DataType: "String", StringValue: "value" },
          bytes: { DataType: "Binary", BinaryValue: new Uint8Array([1, 2, 255]) },
        },
      }),
    );
    const { source, seen } = await start(queueUrl, { env: { LEDGER_TABLE: "ledger" } });
    await until("it is deleted", async () => (await depth(queueUrl)) === 0);
    const [invocation] = seen();
    expect(invocation).toMatchObject({
      functionName: "submit-charges",
      records: [
        {
          messageId: expect.stringMatching(/^[0-9a-f-]{36}$/),
          receiptHandle: expect.any(String),
          body: "ok",
          md5OfBody: "444bcb3a3fcf8389296c49467f27e1d6",
          attributes: {
            ApproximateReceiveCount: "1",
            SentTimestamp: expect.stringMatching(/^\d{13}$/),
            ApproximateFirstReceiveTimestamp: expect.stringMatching(/^\d{13}$/),
          },
          messageAttributes: {
            text: { stringValue: "value", dataType: "String", stringListValues: [], binaryListValues: [] },
            bytes: { binaryValue: "AQL/", dataType: "Binary", stringListValues: [], binaryListValues: [] },
          },
          eventSource: "aws:sqs",
          eventSourceARN: `arn:aws:sqs:us-east-1:000000000000:${queueUrl.split("/").at(-1)}`,
          awsRegion: "us-east-1",
        },
      ],
    });
    expect(invocation?.remainingMs).toBeGreaterThan(1_000);
    expect(invocation?.remainingMs).toBeLessThanOrEqual(1_500);
    expect(source.stats()).toMatchObject({ received: 1, succeeded: 1, failed: 0, invocations: 1 });
  });

  it("gives the function its own environment and nothing of this process's", async () => {
    process.env["OF_THE_PARENT"] = "secret";
    const queueUrl = await queue();
    await send(queueUrl, "ok");
    const { seen } = await start(queueUrl, { env: { LEDGER_TABLE: "ledger" } });
    await until("it ran", () => seen().length === 1);
    expect(
      Object.keys(seen()[0]?.env ?? {})
        .filter((name) => !/^(NODE_CHANNEL|NODE_UNIQUE)/.test(name))
        .sort(),
    ).toEqual(["AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_NAME", "LEDGER_TABLE", "PATH", "TZ"]);
    delete process.env["OF_THE_PARENT"];
  });

  it("takes an answer of nothing as success", async () => {
    const queueUrl = await queue();
    await send(queueUrl, "nothing");
    await start(queueUrl);
    await until("it is deleted", async () => (await depth(queueUrl)) === 0);
  });

  it("deletes the others and leaves what the function names as failed, which comes back", async () => {
    const queueUrl = await queue(2);
    await send(queueUrl, "one", "fail", "two");
    const { source, seen } = await start(queueUrl);
    await until("first batch settled", async () => (await depth(queueUrl)) === 1);
    expect(source.stats()).toMatchObject({ succeeded: 2, failed: 1 });
    await until("it came back", () => seen().length === 2);
    expect(seen()[1]?.records).toMatchObject([
      { body: "fail", attributes: { ApproximateReceiveCount: "2" } },
    ]);
  });

  it.each(["throw", "unknown-id", "empty-id", "circular"])("fails the whole batch on: %s", async (kind) => {
    const queueUrl = await queue(2);
    await send(queueUrl, "ok", kind);
    const { source, reports } = await start(queueUrl);
    await until("it ran", () => reports.length >= 1);
    expect(source.stats()).toMatchObject({ succeeded: 0, failed: 2, restarts: 0 });
    expect(await depth(queueUrl)).toBe(2);
    if (kind === "throw") expect(reports[0]?.reason).toBe("RangeError: as the body says");
    await until("both came back", () => source.stats().received >= 4);
  });

  it.each(["hang", "block"])(
    "kills a function that is past its time (%s) and goes on with another",
    async (kind) => {
      const queueUrl = await queue(60);
      await send(queueUrl, kind);
      const { source, reports } = await start(queueUrl, { functionTimeoutMs: 700 });
      const [before] = source.hostPids();
      await until("it was killed", () => reports.length === 1);
      expect(reports[0]).toMatchObject({ end: "timedOut", failed: 1 });
      expect(reports[0]?.durationMs).toBeGreaterThanOrEqual(690);
      await send(queueUrl, "ok");
      await until("the next message succeeds", () => source.stats().succeeded === 1);
      expect(identify(before ?? 0)).toBeUndefined();
      expect(source.stats()).toMatchObject({ timeouts: 1, restarts: 1, failed: 1 });
      expect(await depth(queueUrl)).toBe(1);
    },
  );

  it("replaces a function that exits under an invocation", async () => {
    const queueUrl = await queue(60);
    await send(queueUrl, "exit");
    const { source, reports } = await start(queueUrl);
    await until("it exited", () => reports.length === 1);
    expect(reports[0]).toMatchObject({ end: "died", reason: "exit status 7", failed: 1 });
    await send(queueUrl, "ok");
    await until("the next message succeeds", () => source.stats().succeeded === 1);
  });

  it("goes on when its idle process is killed from outside", async () => {
    const queueUrl = await queue(60);
    const { source } = await start(queueUrl);
    const [killed] = source.hostPids();
    process.kill(killed ?? 0, "SIGKILL");
    await until("its end was seen", () => !source.hostPids().includes(killed ?? 0));
    await send(queueUrl, "ok");
    await until("it is worked on", () => source.stats().succeeded === 1);
  });

  it("collects more than ten by several receives", async () => {
    const queueUrl = await queue();
    await send(queueUrl, ...Array.from({ length: 25 }, (_, index) => `message ${index}`));
    const { seen } = await start(queueUrl, { batchSize: 100 });
    await until("all are deleted", async () => (await depth(queueUrl)) === 0);
    expect(seen().map((one) => one.records.length)).toEqual([25]);
  });

  it("waits for more while the batching window is open, and not once the batch is full", async () => {
    const queueUrl = await queue(5);
    const { seen } = await start(queueUrl, { batchSize: 3, batchingWindowMs: 800 });
    await send(queueUrl, "one");
    await new Promise((resolve) => setTimeout(resolve, 300));
    await send(queueUrl, "two");
    await until("the window closed", () => seen().length === 1, 3_000);
    expect(seen()[0]?.records.map((record) => record.body)).toEqual(["one", "two"]);
    const sentAt = performance.now();
    await send(queueUrl, "three", "four", "five");
    await until("the full batch ran", () => seen().length === 2);
    expect(performance.now() - sentAt).toBeLessThan(600);
  });

  it("runs as many processes as it has workers, each one batch at a time", async () => {
    const queueUrl = await queue(10);
    const { source, seen } = await start(queueUrl, { workers: 3, batchSize: 1, functionTimeoutMs: 5_000 });
    expect(source.hostPids()).toHaveLength(3);
    const startedAt = performance.now();
    await send(queueUrl, "sleep 400", "sleep 400", "sleep 400");
    await until("all done", () => source.stats().succeeded === 3);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    expect(new Set(seen().map((one) => one.pid)).size).toBe(3);
  });

  it("lets a running invocation end when it stops, deletes its messages, and leaves no process", async () => {
    const queueUrl = await queue(10);
    await send(queueUrl, "sleep 600");
    const { source } = await start(queueUrl, { functionTimeoutMs: 5_000 });
    await until("it runs", () => source.stats().running === 1);
    const pids = source.hostPids();
    await source.stop();
    expect(source.stats()).toMatchObject({ succeeded: 1, running: 0 });
    expect(await depth(queueUrl)).toBe(0);
    expect(pids.filter((pid) => identify(pid))).toEqual([]);
    expect(source.hostPids()).toEqual([]);
  });

  it("ends a running invocation by force when it must stop sooner", async () => {
    const queueUrl = await queue(60);
    await send(queueUrl, "hang");
    const { source } = await start(queueUrl, { functionTimeoutMs: 50_000 });
    await until("it runs", () => source.stats().running === 1);
    const startedAt = performance.now();
    await source.stop(100);
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    expect(source.stats()).toMatchObject({ failed: 1, running: 0 });
    expect(await depth(queueUrl)).toBe(1);
  });

  it("gives back at once what it received while stopping", async () => {
    const queueUrl = await queue(600);
    const { source } = await start(queueUrl, { batchSize: 10, batchingWindowMs: 5_000 });
    await send(queueUrl, "held in the window");
    await until("it was received", () => source.stats().received === 1);
    await source.stop();
    expect(source.stats()).toMatchObject({ invocations: 0, givenBack: 1 });
    const { source: next } = await start(queueUrl);
    await until("the next event source has it", () => next.stats().succeeded === 1, 3_000);
  });

  it("passes what the function writes to the callback, and nothing to the terminal", async () => {
    const queueUrl = await queue();
    await send(queueUrl, "ok");
    const { source, lines } = await start(queueUrl);
    await until("it ran", () => lines.length === 1);
    expect(lines[0]).toMatchObject({
      functionName: "submit-charges",
      stream: "stdout",
      pid: source.hostPids()[0],
    });
  });

  it.each([
    ["refuses-start", /LEDGER_TABLE is missing/],
    ["no-handler", /exports no function named handler/],
    ["not-there", /Cannot find module/],
  ])("says why a function cannot start (%s), instead of spinning", async (name, reason) => {
    const queueUrl = await queue();
    await send(queueUrl, "ok");
    const failure = await start(queueUrl, { bundle: fixture(name), workers: 2 }).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(FunctionUnstartable);
    expect(String(failure)).toMatch(reason);
    expect(await depth(queueUrl)).toBe(1);
  });

  it("tells once, and stops, when the function cannot be started any more later on", async () => {
    const marker = join(tmpdir(), randomUUID());
    const queueUrl = await queue(60);
    const fatal: Error[] = [];
    const { source } = await start(queueUrl, {
      bundle: fixture("starts-once"),
      env: { MARKER: marker },
      onFatal: (error) => fatal.push(error),
    });
    expect(existsSync(marker)).toBe(true);
    await send(queueUrl, "exit");
    await until("it is told", () => fatal.length > 0);
    expect(fatal).toHaveLength(1);
    expect(fatal[0]).toBeInstanceOf(FunctionUnstartable);
    expect(fatal[0]?.message).toMatch(/second start refused/);
    expect(source.hostPids()).toEqual([]);
    await source.stop();
    rmSync(marker);
  });

  it("deletes again what SQS would not delete at first", async () => {
    const queueUrl = await queue(60);
    await send(queueUrl, "one", "two", "three");
    const asked: number[] = [];
    const sqs = faulty(async (command, pass) => {
      if (!(command instanceof DeleteMessageBatchCommand)) return pass();
      asked.push(command.input.Entries?.length ?? 0);
      if (asked.length === 2) throw new Error("connection reset");
      if (asked.length > 2) return pass();
      command.input.Entries = command.input.Entries?.slice(0, 2);
      await pass();
      return { Successful: [{ Id: "0" }, { Id: "1" }], Failed: [{ Id: "2", Code: "InternalError" }] };
    });
    const { source } = await start(queueUrl, { sqs });
    await until("all are deleted", async () => (await depth(queueUrl)) === 0);
    expect(asked).toEqual([3, 1, 1]);
    expect(source.stats()).toMatchObject({ succeeded: 3, undeleted: 0, queueFaults: 1 });
  });

  it("gives up deleting after three attempts, says so, and goes on", async () => {
    const queueUrl = await queue(60);
    await send(queueUrl, "one");
    const sqs = faulty(async (command, pass) => {
      if (command instanceof DeleteMessageBatchCommand) throw new Error("connection reset");
      return pass();
    });
    const { source } = await start(queueUrl, { sqs });
    await until("it gave up", () => source.stats().undeleted === 1);
    expect(await depth(queueUrl)).toBe(1);
    await send(queueUrl, "two");
    await until("the next one ran", () => source.stats().succeeded === 2);
  });

  it("outlasts a queue that does not answer", async () => {
    const queueUrl = await queue();
    let faults = 3;
    const sqs = faulty(async (command, pass) => {
      if (command instanceof ReceiveMessageCommand && faults-- > 0) throw new Error("connection refused");
      return pass();
    });
    await send(queueUrl, "ok");
    const { source } = await start(queueUrl, { sqs });
    await until("it is worked on", () => source.stats().succeeded === 1);
    expect(source.stats().queueFaults).toBe(3);
  });

  it("refuses a function that may run longer than its queue hides a message", async () => {
    await expect(start(await queue(1), { functionTimeoutMs: 1_001 })).rejects.toThrow(EventSourceRefused);
  });
});
