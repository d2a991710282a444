import { jsonLog } from "../../../lib/adapters/log.ts";

const log = jsonLog({
  gathers: true,
  write: (line) => process.stdout.write(`${line}\n`),
  nowMs: Date.now,
  functionName: "own",
});

/** A line and a metric by our own log. */
export const handler = async () => {
  log.event("charge_recorded", { chargeId: "order-1", gateway: "centrobill", state: "approved" });
  log.metric("ChargeOutcome", 1, { gateway: "centrobill", outcome: "approved" });
  log.flush();
  return { batchItemFailures: [] };
};
