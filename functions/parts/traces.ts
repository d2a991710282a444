import { type XrayDaemon, xrayDaemon } from "../../lib/adapters/xray-daemon.ts";
import { chargeTrace } from "../../lib/core/charge-trace.ts";
import type { Worker } from "../../lib/ports.ts";
import { sha256 } from "./machine.ts";

let daemon: XrayDaemon | undefined;

/**
 * Traces of charges, for an invocation that X-Ray samples: Lambda runs the daemon for those alone, and says so in
 * `_X_AMZN_TRACE_ID` (AWS Lambda, environment variables of the runtime).
 */
export const tracesOf = (env: NodeJS.ProcessEnv): Pick<Worker, "trace"> => {
  const address = env["AWS_XRAY_DAEMON_ADDRESS"];
  if (address === undefined || env["_X_AMZN_TRACE_ID"]?.includes("Sampled=1") !== true) return {};
  daemon ??= xrayDaemon(address);
  const { send } = daemon;
  return { trace: (entry) => send(chargeTrace(entry, sha256)) };
};
