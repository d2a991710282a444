import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { readEnvFile } from "../infra/env-file.ts";
import { DataDirInUse, openDataDir } from "../infra/local/data-dir.ts";
import { startDynamodbStandIn } from "../infra/local/dynamodb-stand-in.ts";
import { LOCAL_CREDENTIALS, LOCAL_REGION } from "../infra/local/local-clients.ts";
import { clientLimits } from "../lib/adapters/deadline.ts";
import { fileTrouble, UsageProblem } from "./usage-problem.ts";

/** Where a command that works on a ledger finds it. */
export type LedgerFlags = { readonly dataDir?: string; readonly envFile?: string };

export type LedgerAccess = {
  readonly dynamodb: DynamoDBClient;
  readonly table: string;
  close(): Promise<void>;
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

/**
 * Opens the ledger of a data dir (whose run has ended), or the one that the environment names.
 * Throws `UsageProblem` where there is none.
 */
export const openLedgerAccess = async (
  flags: LedgerFlags,
  processEnv: Environment,
): Promise<LedgerAccess> => {
  if (flags.dataDir !== undefined) return openLocal(flags.dataDir);
  const env = withEnvFile(processEnv, flags.envFile);
  const table = env["LEDGER_TABLE"];
  if (table === undefined || table === "")
    throw new UsageProblem(
      "which ledger? Give --data-dir DIR (of a run), or --env-file FILE or LEDGER_TABLE (a deployed one)",
    );
  useAwsVariables(env);
  const dynamodb = new DynamoDBClient({ ...clientLimits });
  return { dynamodb, table, close: async () => dynamodb.destroy() };
};

const openLocal = async (path: string): Promise<LedgerAccess> => {
  const file = join(resolve(path), "ledger.db");
  if (!existsSync(file)) throw new UsageProblem(`--data-dir ${path}: no run has kept its state there`);
  const dataDir = await openDataDir(path).catch((error: unknown) => {
    if (error instanceof DataDirInUse) throw new UsageProblem(`--data-dir: ${error.message}`);
    throw error;
  });
  const standIn = await startDynamodbStandIn({ file, onSpawn: (pid) => dataDir.noteChild(pid) }).catch(
    (error: unknown) => {
      dataDir.close();
      throw error;
    },
  );
  const dynamodb = new DynamoDBClient({
    ...clientLimits,
    endpoint: standIn.endpoint,
    region: LOCAL_REGION,
    credentials: LOCAL_CREDENTIALS,
  });
  return {
    dynamodb,
    table: "ledger",
    async close() {
      dynamodb.destroy();
      await standIn.close();
      if (standIn.pid !== null) dataDir.forgetChild(standIn.pid);
      dataDir.close();
    },
  };
};
