import { tmpdir } from "node:os";
import type { Context } from "aws-lambda";
import { ledgerReader } from "../lib/adapters/dynamodb-ledger.ts";
import { dynamodbReports } from "../lib/adapters/dynamodb-reconciliation.ts";
import { credentialsOfEnvironment } from "../lib/adapters/quick-form.ts";
import { s3Reports } from "../lib/adapters/s3-reports.ts";
import { type Written, writeReports } from "../lib/reports/write-reports.ts";
import { readReportSettings } from "../lib/settings.ts";
import { dynamodbClient } from "./parts/aws-clients.ts";
import { buildOrSay } from "./parts/build-or-say.ts";
import { logOf } from "./parts/function-log.ts";
import { clock, ids, sha256 } from "./parts/machine.ts";

const parts = buildOrSay("write-reports", (functionName) => {
  const log = logOf(functionName);
  const { ledgerTable, reportsUrl, region } = readReportSettings(process.env);
  const dynamodb = dynamodbClient();
  log.event("started");
  return {
    clock,
    ids,
    sha256,
    log,
    ledger: ledgerReader(dynamodb, ledgerTable),
    book: dynamodbReports(dynamodb, ledgerTable),
    reports: s3Reports({
      url: reportsUrl,
      region,
      credentials: () => credentialsOfEnvironment(process.env),
      clock,
      folder: tmpdir(),
    }),
  };
});

/** Runs by schedule: writes what is to be told of each reconciled day, where that is another thing than was told. */
export const handler = async (_event: unknown, context: Context): Promise<Written> => {
  try {
    return await writeReports({ ...parts, remainingMs: () => context.getRemainingTimeInMillis() });
  } finally {
    parts.log.flush();
  }
};
