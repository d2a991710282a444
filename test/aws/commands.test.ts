import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { bootstrap } from "../../infra/bootstrap.ts";
import { writeEnvFile } from "../../infra/env-file.ts";
import { startDynamodbStandIn } from "../../infra/local/dynamodb-stand-in.ts";
import {
  LOCAL_CREDENTIALS,
  LOCAL_REGION,
  type LocalClients,
  localClients,
} from "../../infra/local/local-clients.ts";
import { startSqsStandIn } from "../../infra/local/sqs-stand-in.ts";
import type { StandIn } from "../../infra/local/stand-in.ts";
import { dynamodbLedger } from "../../lib/adapters/dynamodb-ledger.ts";
import { unknown } from "../core/builders.ts";

/** A `cdk` that notes what it is asked for, and fails or writes outputs when it is told to. */
const cdk = `#!/bin/sh
echo "$*" >> "$CDK_CALLS"
[ -n "$CDK_FAILS" ] && exit 3
while [ $# -gt 0 ]; do
  [ "$1" = "--outputs-file" ] && printf '%s' "$CDK_OUTPUTS" > "$2"
  shift
done
exit 0
`;

let folder: string;
let standIns: StandIn[];
let clients: LocalClients;
let endpoints: Record<string, string>;
beforeAll(async () => {
  const [sqs, dynamodb] = await Promise.all([startSqsStandIn(), startDynamodbStandIn()]);
  standIns = [sqs, dynamodb];
  clients = localClients({ sqs: sqs.endpoint, dynamodb: dynamodb.endpoint });
  endpoints = {
    AWS_ENDPOINT_URL_SQS: sqs.endpoint,
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb.endpoint,
    AWS_REGION: LOCAL_REGION,
    AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
  };
  folder = mkdtempSync(join(tmpdir(), "cdk-"));
  writeFileSync(join(folder, "cdk"), cdk);
  chmodSync(join(folder, "cdk"), 0o755);
});
afterAll(async () => {
  clients.destroy();
  await Promise.all(standIns.map((standIn) => standIn.close()));
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => writeFileSync(join(folder, "calls"), ""));

const calls = (): string[] => readFileSync(join(folder, "calls"), "utf8").split("\n").filter(Boolean);

const run = (script: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  new Promise<{ status: number | null; text: string }>((resolve) => {
    const path = fileURLToPath(new URL(`../../infra/aws/${script}.ts`, import.meta.url));
    const child = spawn(process.execPath, [path, ...args], {
      cwd: folder,
      env: {
        PATH: `${folder}:${process.env["PATH"] ?? ""}`,
        CDK_CALLS: join(folder, "calls"),
        ...env,
      },
    });
    let text = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
    child.on("close", (status) => resolve({ status, text }));
  });

describe("npm run teardown", () => {
  const stackOf = async (prefix: string) => {
    const variables = await bootstrap(clients, prefix);
    writeEnvFile(join(folder, `${prefix}.env`), { ...variables, ...endpoints });
    return variables;
  };

  test("refuses while an unknown is in the ledger, and asks cdk for nothing", async () => {
    const variables = await stackOf("open");
    await dynamodbLedger(clients.dynamodb, variables["LEDGER_TABLE"] ?? "").open(unknown());
    const { status, text } = await run("teardown", ["open.env", "-c", "stage=dev"]);
    expect([status, calls()]).toEqual([1, []]);
    expect(text).toContain("charges unknown: 1");
    expect(text).toContain("The stack stays");
  });

  test("with nothing left lifts the protection, then removes the stack of that stage", async () => {
    await stackOf("ended");
    const { status } = await run("teardown", ["ended.env", "-c", "stage=dev"]);
    expect(status).toBe(0);
    expect(calls()).toEqual([
      "deploy --require-approval never -c teardown=true --no-notices -c stage=dev",
      "destroy --force -c teardown=true --no-notices -c stage=dev",
    ]);
  });

  test("goes no further when the first step fails", async () => {
    await stackOf("fails");
    const { status } = await run("teardown", ["fails.env"], { CDK_FAILS: "1" });
    expect([status, calls().length]).toEqual([1, 1]);
  });

  test.each([[[]], [["-c", "stage=dev"]]])("without a file says how it is used: %j", async (args) => {
    const { status, text } = await run("teardown", args);
    expect([status, calls()]).toEqual([2, []]);
    expect(text).toContain("usage: ");
  });

  test("with a file that is not there, or not one, touches nothing", async () => {
    writeFileSync(join(folder, "empty.env"), "");
    for (const file of ["none.env", "empty.env"]) {
      const { status, text } = await run("teardown", [file], endpoints);
      expect([status, calls()]).toEqual([2, []]);
      expect(text).toMatch(/^none\.env: no such file|^empty\.env: LEDGER_TABLE: is not set/);
      expect(text).not.toContain("    at ");
    }
  });
});

describe("npm run deploy", () => {
  const outputs = JSON.stringify({ "chargeonce-dev": { Variables: '{"LEDGER_TABLE":"t"}' } });

  test("hands its flags on, and keeps the stack's variables in a file", async () => {
    const { status, text } = await run("deploy", ["-c", "stage=dev"], { CDK_OUTPUTS: outputs });
    expect(status).toBe(0);
    expect(calls()[0]).toMatch(/^deploy --no-notices --outputs-file \S+ -c stage=dev$/);
    expect(readFileSync(join(folder, "chargeonce-dev.env"), "utf8")).toBe("LEDGER_TABLE=t\n");
    expect(text).toContain("1 variables in chargeonce-dev.env");
    rmSync(join(folder, "chargeonce-dev.env"));
  });

  test("that failed writes nothing, and fails as cdk did", async () => {
    const { status } = await run("deploy", [], { CDK_FAILS: "1", CDK_OUTPUTS: outputs });
    expect(status).toBe(3);
    expect(existsSync(join(folder, "chargeonce-dev.env"))).toBe(false);
  });
});

test("any command of cdk finds what it deploys in a fresh clone: the app builds it first", () => {
  const { app } = JSON.parse(readFileSync(new URL("../../cdk.json", import.meta.url), "utf8")) as {
    app: string;
  };
  const [first, ...then] = app.split(" && ");
  expect([first, then]).toEqual(["node infra/build.ts", ["node infra/aws/app.ts"]]);
});
