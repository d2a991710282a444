import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { GetQueueUrlCommand, SQSClient } from "@aws-sdk/client-sqs";
import { readEnvFile } from "../infra/env-file.ts";
import { type DataDir, DataDirInUse, openDataDir } from "../infra/local/data-dir.ts";
import { startDynamodbStandIn } from "../infra/local/dynamodb-stand-in.ts";
import { LOCAL_CREDENTIALS, LOCAL_REGION } from "../infra/local/local-clients.ts";
import { startSqsStandIn } from "../infra/local/sqs-stand-in.ts";
import type { StandIn } from "../infra/local/stand-in.ts";
import { clientLimits, sqsClientLimits } from "../lib/adapters/deadline.ts";
import { QUEUES } from "../lib/core/queues.ts";
import { fileTrouble, UsageProblem } from "./usage-problem.ts";

/** Where a command that works on a ledger finds it. */
export type LedgerFlags = { readonly dataDir?: string; readonly envFile?: string };

export type LedgerAccess = {
  readonly dynamodb: DynamoDBClient;
  readonly table: string;
  close(): Promise<void>;
};

/** A ledger with its stack's queues. */
export type StackAccess = LedgerAccess & {
  readonly sqs: SQSClient;
  /** the queues' addresses, by the variables that carry them */
  readonly queues: Environment;
};

type Environment = Readonly<Record<string, string | undefined>>;

/** The environment with the variables of a file, which `bootstrap` writes. Throws `UsageProblem`. */
export const withEnvFile = (env: Environment, path: string | undefined): Environment => {
  if (path === undefined) return env;
  try {
    return { ...env, ...readEnvFile(path) };
  } catch (error) {
    throw new UsageProblem(`--env-file ${path}: ${fileTrouble(error)}`);
  }
};

/** The SDK reads endpoint, region and credentials of the process: a file's are put there. */
export const useAwsVariables = (env: Environment): void => {
  for (const [name, value] of Object.entries(env))
    if (name.startsWith("AWS_") && value !== undefined) process.env[name] = value;
};

/** Throws `UsageProblem` where nothing names a region: each call would fail, some after a minute of tries. */
export const refuseNoRegion = async ({ config }: DynamoDBClient | SQSClient): Promise<void> => {
  try {
    await config.region();
  } catch {
    throw new UsageProblem("AWS_REGION: is not set, and no AWS profile names a region");
  }
};

/** Throws `UsageProblem` where the flags name two ledgers: a decision would be made on one that was not meant. */
export const refuseTwoLedgers = ({ dataDir, envFile }: LedgerFlags): void => {
  if (dataDir !== undefined && envFile !== undefined)
    throw new UsageProblem("--data-dir and --env-file name two ledgers: give one of them");
};

/**
 * Opens the ledger of a data dir (whose run has ended), or the one that the environment names.
 * Throws `UsageProblem` where there is none.
 */
export const openLedgerAccess = async (
  flags: LedgerFlags,
  processEnv: Environment,
): Promise<LedgerAccess> => {
  refuseTwoLedgers(flags);
  if (flags.dataDir !== undefined) return openLocal(flags.dataDir);
  return openDeployed(withEnvFile(processEnv, flags.envFile));
};

/** The same with its queues, for a command that puts messages onto them. */
export const openStackAccess = async (flags: LedgerFlags, processEnv: Environment): Promise<StackAccess> => {
  if (flags.dataDir !== undefined) return openLocalStack(flags.dataDir);
  const env = withEnvFile(processEnv, flags.envFile);
  const ledger = await openDeployed(env);
  const sqs = new SQSClient({ ...sqsClientLimits });
  return {
    ...ledger,
    sqs,
    queues: Object.fromEntries(QUEUES.map(({ variable }) => [variable, env[variable]])),
    async close() {
      sqs.destroy();
      await ledger.close();
    },
  };
};

const openDeployed = async (env: Environment): Promise<LedgerAccess> => {
  const table = env["LEDGER_TABLE"];
  if (table === undefined || table === "")
    throw new UsageProblem(
      "which ledger? Give --data-dir DIR (of a run), or --env-file FILE or LEDGER_TABLE (a deployed one)",
    );
  useAwsVariables(env);
  const dynamodb = new DynamoDBClient({ ...clientLimits });
  await refuseNoRegion(dynamodb);
  return { dynamodb, table, close: async () => dynamodb.destroy() };
};

/** A data dir that belongs to this process, and what has to be given up with it, last first. */
type OpenedDir = LedgerAccess & { readonly dataDir: DataDir; readonly opened: (() => Promise<void>)[] };

const openLocal = async (path: string): Promise<OpenedDir> => {
  const file = join(resolve(path), "ledger.db");
  if (!existsSync(file)) throw new UsageProblem(`--data-dir ${path}: no run has kept its state there`);
  const dataDir = await openDataDir(path).catch((error: unknown) => {
    if (error instanceof DataDirInUse) throw new UsageProblem(`--data-dir: ${error.message}`);
    throw error;
  });
  const opened: (() => Promise<void>)[] = [async () => dataDir.close()];
  const close = async (): Promise<void> => {
    for (let last = opened.pop(); last !== undefined; last = opened.pop()) await last();
  };
  try {
    const endpoint = standInOf(
      await startDynamodbStandIn({ file, onSpawn: (pid) => dataDir.noteChild(pid) }),
      dataDir,
      opened,
    );
    const dynamodb = new DynamoDBClient({ ...clientLimits, ...localClientOf(endpoint) });
    opened.push(async () => dynamodb.destroy());
    return { dynamodb, table: "ledger", close, dataDir, opened };
  } catch (error) {
    await close();
    throw error;
  }
};

const openLocalStack = async (path: string): Promise<StackAccess> => {
  const local = await openLocal(path);
  try {
    const standIn = await startSqsStandIn({ folder: join(resolve(path), "sqs") });
    if (standIn.pid !== null) local.dataDir.noteChild(standIn.pid);
    const endpoint = standInOf(standIn, local.dataDir, local.opened);
    const sqs = new SQSClient({ ...sqsClientLimits, ...localClientOf(endpoint) });
    local.opened.push(async () => sqs.destroy());
    const urls = await Promise.all(
      QUEUES.map(async ({ name, variable }) => {
        const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: name }));
        return [variable, QueueUrl] as const;
      }),
    );
    return { ...local, sqs, queues: Object.fromEntries(urls) };
  } catch (error) {
    await local.close();
    throw error;
  }
};

const localClientOf = (endpoint: string) => ({
  endpoint,
  region: LOCAL_REGION,
  credentials: LOCAL_CREDENTIALS,
});

const standInOf = (standIn: StandIn, dataDir: DataDir, opened: (() => Promise<void>)[]): string => {
  opened.push(async () => {
    await standIn.close();
    if (standIn.pid !== null) dataDir.forgetChild(standIn.pid);
  });
  return standIn.endpoint;
};
