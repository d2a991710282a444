import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Context } from "aws-lambda";
import { clientLimits } from "../lib/adapters/deadline.ts";
import { ledgerReader } from "../lib/adapters/dynamodb-ledger.ts";
import { paceReader } from "../lib/adapters/dynamodb-pace.ts";
import { readWork } from "../lib/adapters/dynamodb-work.ts";
import { jsonLog } from "../lib/adapters/log.ts";
import { gaugeMoney } from "../lib/flows/gauge-money.ts";
import type { Clock } from "../lib/ports.ts";
import { readLedgerSettings } from "../lib/settings.ts";

const clock: Clock = {
  nowMs: () => Date.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};
const log = jsonLog({
  write: (line) => process.stdout.write(`${line}\n`),
  nowMs: clock.nowMs,
  functionName: process.env["AWS_LAMBDA_FUNCTION_NAME"] ?? "gauge-money",
});
const { ledgerTable } = readLedgerSettings(process.env);
const dynamodb = new DynamoDBClient({ ...clientLimits });
const ledger = ledgerReader(dynamodb, ledgerTable);
const paces = paceReader(dynamodb, ledgerTable);
log.event("started");

/** Runs by schedule: measures what waits. */
export const handler = (_event: unknown, context: Context): Promise<void> =>
  gaugeMoney({
    clock,
    work: {
      chargesIn: async (state) =>
        (await readWork(dynamodb, ledgerTable, state, Number.POSITIVE_INFINITY)).first.map(
          ({ chargeId }) => chargeId,
        ),
    },
    ledger,
    paces,
    log,
    remainingMs: () => context.getRemainingTimeInMillis(),
  });
