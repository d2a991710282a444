import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
} from "@aws-sdk/client-sqs";
import { afterAll, describe, expect, it } from "vitest";
import { startDynamodbStandIn } from "../../infra/local/dynamodb-stand-in.ts";
import { localClients } from "../../infra/local/local-clients.ts";
import { identify } from "../../infra/local/process-identity.ts";
import { startSqsStandIn } from "../../infra/local/sqs-stand-in.ts";
import { StandInUnavailable } from "../../infra/local/stand-in.ts";
import { until } from "./until.ts";

const root = mkdtempSync(join(tmpdir(), "stand-ins-"));
afterAll(() => rmSync(root, { recursive: true }));
const running = (pid: number | null) => identify(pid ?? 0) !== undefined;

/** Every process whose command line has the text in it. */
function processesWith(text: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return identify(Number(pid)) && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(text);
      } catch {
        return false;
      }
    });
}

describe("the SQS stand-in", () => {
  it("answers on loopback alone, and its process is gone after close", async () => {
    const standIn = await startSqsStandIn();
    expect(running(standIn.pid)).toBe(true);
    expect((await fetch(`${standIn.endpoint}/health`)).ok).toBe(true);
    const outside = Object.values(networkInterfaces())
      .flat()
      .find((address) => address?.family === "IPv4" && !address.internal);
    if (outside) {
      const port = new URL(standIn.endpoint).port;
      await expect(fetch(`http://${outside.address}:${port}/health`)).rejects.toThrow();
    }
    await standIn.close();
    await standIn.close();
    expect(running(standIn.pid)).toBe(false);
  });

  it("keeps queues and messages in its folder; the queue's address follows the new port", async () => {
    const folder = join(root, "sqs");
    const first = await startSqsStandIn({ folder });
    const { sqs, destroy } = localClients({ sqs: first.endpoint, dynamodb: first.endpoint });
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: "q" }));
    expect(QueueUrl).toBe(`${first.endpoint}/000000000000/q`);
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "kept" }));
    destroy();
    process.kill(first.pid ?? 0, "SIGKILL");
    expect(await first.brokeDown).toMatch(/SQS stand-in ended/);
    await first.close();

    const second = await startSqsStandIn({ folder });
    const again = localClients({ sqs: second.endpoint, dynamodb: second.endpoint });
    const found = await again.sqs.send(new GetQueueUrlCommand({ QueueName: "q" }));
    expect(found.QueueUrl).toBe(`${second.endpoint}/000000000000/q`);
    const received = await again.sqs.send(new ReceiveMessageCommand({ QueueUrl: found.QueueUrl }));
    expect(received.Messages?.[0]?.Body).toBe("kept");

    // A visibility of 0 on disk: as fauxqs is shipped, this loses the message until a restart.
    await again.sqs.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl: found.QueueUrl,
        ReceiptHandle: received.Messages?.[0]?.ReceiptHandle,
        VisibilityTimeout: 0,
      }),
    );
    const back = await again.sqs.send(
      new ReceiveMessageCommand({ QueueUrl: found.QueueUrl, MessageSystemAttributeNames: ["All"] }),
    );
    expect(back.Messages?.[0]).toMatchObject({ Body: "kept", Attributes: { ApproximateReceiveCount: "2" } });
    again.destroy();
    await second.close();
  });
});

describe("the DynamoDB stand-in", () => {
  it("answers, and its process is gone after close", async () => {
    const standIn = await startDynamodbStandIn();
    expect(running(standIn.pid)).toBe(true);
    await standIn.close();
    await standIn.close();
    expect(running(standIn.pid)).toBe(false);
    expect(processesWith(new URL(standIn.endpoint).port)).toEqual([]);
  });

  it("dies with an owner that is SIGKILLed, and so does its guard", async () => {
    const file = join(root, "guarded.db");
    const owner: ChildProcess = fork(
      fileURLToPath(new URL("fixtures/own-a-dynamodb.ts", import.meta.url)),
      [file],
      { execArgv: [] },
    );
    const [said] = (await once(owner, "message")) as [{ pid: number }];
    expect(running(said.pid)).toBe(true);
    expect(processesWith(file).length).toBeGreaterThanOrEqual(2);
    owner.kill("SIGKILL");
    await once(owner, "exit");
    await until("no process names the file", () => processesWith(file).length === 0);
    expect(running(said.pid)).toBe(false);
  });

  it("says so when it ends by itself", async () => {
    const standIn = await startDynamodbStandIn();
    process.kill(standIn.pid ?? 0, "SIGKILL");
    expect(await standIn.brokeDown).toMatch(/DynamoDB stand-in ended/);
    await standIn.close();
  });

  it("uses the named endpoint where dynoxide is not installed", async () => {
    const standIn = await startDynamodbStandIn({ binary: null, otherEndpoint: "http://127.0.0.1:8000" });
    expect(standIn).toMatchObject({ endpoint: "http://127.0.0.1:8000", pid: null });
    await standIn.close();
  });

  it("names the alternatives where there is neither", async () => {
    const failure = await startDynamodbStandIn({ binary: null, otherEndpoint: "" }).catch((e: unknown) => e);
    expect(failure).toBeInstanceOf(StandInUnavailable);
    expect(String(failure)).toMatch(/dynoxide.*DynamoDB Local.*AWS_ENDPOINT_URL_DYNAMODB/s);
  });

  it("says what the store said when it cannot start", async () => {
    await expect(startDynamodbStandIn({ file: "/nonexistent/dir/x.db" })).rejects.toThrow(StandInUnavailable);
  });
});
