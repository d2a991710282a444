import { spawnSync } from "node:child_process";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SQSClient } from "@aws-sdk/client-sqs";
import { clientLimits, sqsClientLimits } from "../../lib/adapters/deadline.ts";
import { readEnvFile } from "../env-file.ts";
import { MissingVariable, whatRemains } from "./what-remains.ts";

/**
 * `npm run teardown -- FILE [flags of cdk]`: removes the stack whose variables are in FILE, if nothing is left
 * undone in it. Exit status 1: something is, and nothing was touched; 2: wrong usage.
 *
 * The ledger, the queues, the reports and the fixed addresses stay: no command of this repository deletes them.
 */
const [file, ...flags] = process.argv.slice(2);

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

const refuseWhileAnythingRemains = async (variables: Readonly<Record<string, string>>): Promise<boolean> => {
  const sqs = new SQSClient({ ...sqsClientLimits });
  const dynamodb = new DynamoDBClient({ ...clientLimits });
  try {
    const remains = await whatRemains({ sqs, dynamodb }, variables);
    for (const line of remains) say(line);
    if (remains.length > 0) say("The stack stays: stop what sends charges, and end what is open first.");
    return remains.length > 0;
  } finally {
    sqs.destroy();
    dynamodb.destroy();
  }
};

const cdk = (command: readonly string[]): boolean =>
  spawnSync("cdk", [...command, "-c", "teardown=true", "--no-notices", ...flags], { stdio: "inherit" })
    .status === 0;

const teardown = async (): Promise<number> => {
  if (file === undefined || file.startsWith("-")) {
    say("usage: npm run teardown -- chargeonce-dev.env -c stage=dev");
    return 2;
  }
  const variables = readEnvFile(file);
  for (const [name, value] of Object.entries(variables))
    if (name.startsWith("AWS_")) process.env[name] = value;
  if (await refuseWhileAnythingRemains(variables)) return 1;
  // The stack is protected: first that is lifted, then, if still nothing came in, it goes.
  if (!cdk(["deploy", "--require-approval", "never"])) return 1;
  if (await refuseWhileAnythingRemains(variables)) return 1;
  return cdk(["destroy", "--force"]) ? 0 : 1;
};

try {
  process.exitCode = await teardown();
} catch (error) {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  if (!(error instanceof MissingVariable) && code !== "ENOENT") throw error;
  say(`${file}: ${code === "ENOENT" ? "no such file" : (error as Error).message}`);
  process.exitCode = 2;
}
