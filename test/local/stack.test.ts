import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { GetQueueAttributesCommand, ReceiveMessageCommand, SendMessageCommand } from "@aws-sdk/client-sqs";
import { afterAll, describe, expect, it } from "vitest";
import { DataDirInUse } from "../../infra/local/data-dir.ts";
import { FunctionUnstartable } from "../../infra/local/event-source.ts";
import { localClients } from "../../infra/local/local-clients.ts";
import { identify } from "../../infra/local/process-identity.ts";
import { type StackOptions, startStack } from "../../infra/local/stack.ts";
import { until } from "./until.ts";

const root = mkdtempSync(join(tmpdir(), "stack-"));
afterAll(() => rmSync(root, { recursive: true }));
const bundlesDir = fileURLToPath(new URL("fixtures/functions", import.meta.url));
const running = (pids: readonly number[]) => pids.filter((pid) => identify(pid));

function options(more: Partial<StackOptions> = {}): StackOptions {
  const one = { batchSize: 10, batchingWindowMs: 0, timeoutMs: 3_000, workers: 1 };
  return {
    env: { GATEWAY_TIMEOUT_MS: "1000" },
    bundlesDir,
    functions: [
      { ...one, name: "submit-charges", queue: "charges" },
      { ...one, name: "resolve-unknowns", queue: "unknown-outcomes", workers: 2 },
    ],
    ...more,
  };
}

interface Owned {
  env: Record<string, string>;
  hostPids: number[];
  standInPids: number[];
}
async function own(dataDir: string, mode?: "work"): Promise<[ChildProcess, Owned]> {
  const child = fork(
    fileURLToPath(new URL("fixtures/own-a-stack.ts", import.meta.url)),
    [dataDir, ...(mode ? [mode] : [])],
    { execArgv: [] },
  );
  const [said] = (await once(child, "message")) as [Owned];
  return [child, said];
}

describe("the embedded stack", () => {
  it("works on messages of every queue that has a function, and leaves nothing behind", async () => {
    const lines: string[] = [];
    const stack = await startStack(options({ prefix: "p-", onLog: ({ line }) => lines.push(line) }));
    expect(stack.env).toMatchObject({
      GATEWAY_TIMEOUT_MS: "1000",
      LEDGER_TABLE: "p-ledger",
      QUEUE_URL_CHARGES: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/000000000000\/p-charges$/),
      AWS_ENDPOINT_URL_SQS: expect.stringMatching(/^http:\/\/127\.0\.0\.1:/),
      AWS_ENDPOINT_URL_DYNAMODB: expect.stringMatching(/^http:\/\/127\.0\.0\.1:/),
      AWS_REGION: "us-east-1",
    });
    await stack.startFunctions();
    expect(stack.hostPids()).toHaveLength(3);
    for (const variable of ["QUEUE_URL_CHARGES", "QUEUE_URL_UNKNOWN_OUTCOMES"]) {
      await stack.sqs.send(new SendMessageCommand({ QueueUrl: stack.env[variable], MessageBody: "ok" }));
    }
    await until("both done", () => Object.values(stack.stats()).every((one) => one.succeeded === 1));
    expect(lines.map((line) => JSON.parse(line).functionName).sort()).toEqual([
      "resolve-unknowns",
      "submit-charges",
    ]);
    expect(JSON.parse(lines[0] ?? "{}").env).toMatchObject(stack.env);
    const pids = [...stack.hostPids(), ...stack.standInPids()];
    expect(running(pids)).toHaveLength(5);
    expect(existsSync(stack.dataDir)).toBe(true);
    await Promise.all([stack.close(), stack.close()]);
    expect(running(pids)).toEqual([]);
    expect(existsSync(stack.dataDir)).toBe(false);
  });

  it("hides a received message for little longer than the function may run", async () => {
    const stack = await startStack(options());
    const { Attributes } = await stack.sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl: stack.env["QUEUE_URL_CHARGES"],
        AttributeNames: ["VisibilityTimeout"],
      }),
    );
    expect(Attributes?.VisibilityTimeout).toBe("8");
    await stack.close();
  });

  it("keeps functions' lines in the data dir where nobody asks for them", async () => {
    const dataDir = join(root, "log");
    const stack = await startStack(options({ dataDir }));
    await stack.startFunctions();
    await stack.sqs.send(
      new SendMessageCommand({ QueueUrl: stack.env["QUEUE_URL_CHARGES"], MessageBody: "ok" }),
    );
    await until("done", () => stack.stats()["submit-charges"]?.succeeded === 1);
    await stack.close();
    expect(readFileSync(join(dataDir, "functions.log"), "utf8")).toContain('"functionName":"submit-charges"');
  });

  it("goes on from its data dir after a close", async () => {
    const dataDir = join(root, "kept");
    const first = await startStack(options({ dataDir }));
    await first.sqs.send(
      new SendMessageCommand({ QueueUrl: first.env["QUEUE_URL_CHARGES"], MessageBody: "ok" }),
    );
    await first.close();
    const second = await startStack(options({ dataDir }));
    await second.startFunctions();
    await until("done", () => second.stats()["submit-charges"]?.succeeded === 1);
    await second.close();
  });

  it("refuses a data dir that another stack has, and leaves that one alone", async () => {
    const dataDir = join(root, "shared");
    const first = await startStack(options({ dataDir }));
    await expect(startStack(options({ dataDir }))).rejects.toThrow(DataDirInUse);
    expect(running(first.standInPids())).toHaveLength(2);
    await first.close();
  });

  it("says why a function cannot start, and closes all the same", async () => {
    const stack = await startStack(options({ bundlesDir: join(root, "nowhere") }));
    await expect(stack.startFunctions()).rejects.toThrow(FunctionUnstartable);
    const pids = stack.standInPids();
    await stack.close();
    expect(running(pids)).toEqual([]);
  });

  it("tells when a stand-in breaks down", async () => {
    const fatal: string[] = [];
    const stack = await startStack(options({ onFatal: (error) => fatal.push(error.message) }));
    process.kill(stack.standInPids()[1] ?? 0, "SIGKILL");
    await until("it is told", () => fatal.length > 0);
    expect(fatal).toEqual([expect.stringMatching(/DynamoDB stand-in ended/)]);
    await stack.close();
  });

  it("lets its process end by itself after close", async () => {
    const script = `
      const { startStack } = await import(${JSON.stringify(new URL("../../infra/local/stack.ts", import.meta.url).href)});
      const stack = await startStack(${JSON.stringify({ ...options() })});
      await stack.startFunctions();
      await stack.close();
      const closedAt = performance.now();
      process.on("exit", () => process.stdout.write(String(performance.now() - closedAt)));
    `;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", 2],
    });
    let idle = "";
    child.stdout?.on("data", (chunk) => {
      idle += chunk;
    });
    const [code] = await once(child, "close");
    expect(code).toBe(0);
    expect(Number(idle)).toBeLessThan(500);
  });
});

describe("after a SIGKILL of the owner", () => {
  it("messages in flight return, rows are there, and no process is left over", async () => {
    const dataDir = join(root, "killed");
    const [owner, said] = await own(dataDir, "work");
    const { sqs, dynamodb, destroy } = localClients({
      sqs: said.env["AWS_ENDPOINT_URL_SQS"] ?? "",
      dynamodb: said.env["AWS_ENDPOINT_URL_DYNAMODB"] ?? "",
    });
    const row = { pk: { S: "charge#1" }, sk: { S: "attempt#1" }, state: { S: "opened" } };
    await dynamodb.send(new PutItemCommand({ TableName: said.env["LEDGER_TABLE"], Item: row }));
    const unknowns = said.env["QUEUE_URL_UNKNOWN_OUTCOMES"];
    const delayed = { QueueUrl: unknowns, MessageBody: "delayed", DelaySeconds: 3 };
    await sqs.send(new SendMessageCommand({ QueueUrl: unknowns, MessageBody: "in flight" }));
    await sqs.send(new SendMessageCommand(delayed));
    const held = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl: unknowns, VisibilityTimeout: 4, WaitTimeSeconds: 1 }),
    );
    expect(held.Messages).toHaveLength(1);
    // The owner's own function hangs on this one while it is killed.
    await sqs.send(new SendMessageCommand({ QueueUrl: said.env["QUEUE_URL_CHARGES"], MessageBody: "hang" }));
    await new Promise((resolve) => setTimeout(resolve, 300));
    destroy();

    const killedAt = Date.now();
    owner.kill("SIGKILL");
    await once(owner, "exit");
    // At once, without waiting for the leftovers to notice: that is the next owner's business.
    const next = await startStack(options({ dataDir, onLog: () => {} }));
    expect(running([...said.hostPids, ...said.standInPids])).toEqual([]);

    const found = await next.dynamodb.send(
      new GetItemCommand({ TableName: next.env["LEDGER_TABLE"], Key: { pk: row.pk, sk: row.sk } }),
    );
    expect(found.Item).toEqual(row);
    const bodies: (string | undefined)[] = [];
    await until(
      "both messages are there again",
      async () => {
        const { Messages = [] } = await next.sqs.send(
          new ReceiveMessageCommand({
            QueueUrl: next.env["QUEUE_URL_UNKNOWN_OUTCOMES"],
            MaxNumberOfMessages: 10,
            WaitTimeSeconds: 1,
          }),
        );
        bodies.push(...Messages.map((message) => message.Body));
        return bodies.length >= 2;
      },
      15_000,
    );
    expect(bodies.sort()).toEqual(["delayed", "in flight"]);
    expect(Date.now() - killedAt).toBeGreaterThan(1_500);
    const { Attributes } = await next.sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl: next.env["QUEUE_URL_CHARGES"],
        AttributeNames: ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
      }),
    );
    // Nobody is left who could still work on what the dead owner's function held: it is there at once.
    expect(Attributes).toMatchObject({
      ApproximateNumberOfMessages: "1",
      ApproximateNumberOfMessagesNotVisible: "0",
    });
    await next.close();
  });

  it("its processes end by themselves when nobody takes over", async () => {
    const [owner, said] = await own(join(root, "abandoned"), "work");
    const pids = [...said.hostPids, ...said.standInPids];
    expect(running(pids)).toHaveLength(3);
    owner.kill("SIGKILL");
    await once(owner, "exit");
    await until("all are gone", () => running(pids).length === 0, 5_000);
  });

  it("an interrupt at the terminal reaches the owner alone", async () => {
    const [owner, said] = await own(join(root, "interrupted"), "work");
    // What a terminal does on Ctrl-C: the signal goes to the whole foreground group, here the owner's.
    const groupOf = (pid: number) => readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[2];
    const ownersGroup = groupOf(owner.pid ?? 0);
    for (const pid of [...said.hostPids, ...said.standInPids]) expect(groupOf(pid)).not.toBe(ownersGroup);
    owner.kill("SIGKILL");
    await once(owner, "exit");
  });
});
