import type { Context } from "aws-lambda";
import { packWorklist } from "../lib/adapters/dynamodb-pack.ts";
import { readLedgerSettings } from "../lib/settings.ts";
import { dynamodbClient } from "./parts/aws-clients.ts";
import { logOf } from "./parts/function-log.ts";

const log = logOf("pack-worklist");
const { ledgerTable } = readLedgerSettings(process.env);
const dynamodb = dynamodbClient();
log.event("started");

/** What one page takes at the worst. */
const pageMs = 30_000;

/** Runs by schedule: puts the rows of a long worklist onto pages, so that a list of them takes less than a second. */
export const handler = async (_event: unknown, context: Context): Promise<void> => {
  const { waiting, packed } = await packWorklist(dynamodb, ledgerTable, {
    hasTime: () => context.getRemainingTimeInMillis() > pageMs,
  });
  log.event("backlog_read", { count: waiting, rows: packed });
  log.flush();
};
