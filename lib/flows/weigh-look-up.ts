import type { Gateway } from "../core/gateway.ts";
import type { UnknownEntry } from "../core/ledger.ts";
import type { Found } from "../core/matching.ts";
import {
  afterLookUpFailure,
  noteLookUp,
  noteLookUpFailure,
  type Resolution,
  resolve,
} from "../core/resolution.ts";
import { asTakenBack } from "../core/taken-back.ts";
import type { Worker } from "../ports.ts";
import type { Scanned } from "./scan-feed.ts";

/** What a look-up proved of one unknown: the entry with the look-up in it, and what follows. Writes nothing. */
export const weighLookUp = (
  entry: UnknownEntry,
  found: Found,
  { scan, failure }: Scanned,
  gateway: Gateway,
  worker: Worker,
): {
  readonly noted: UnknownEntry;
  readonly resolution: Resolution;
  /** whether the gateway could be asked, as far as it matters */
  readonly looked: boolean;
} => {
  const { policy, gatewayTimeoutMs } = worker;
  const nowMs = worker.clock.nowMs();
  const seesCapture = [...found.own, ...found.otherAttempt].some((row) => row.reply.kind === "captured");
  if (failure !== undefined && !seesCapture) {
    const noted = noteLookUpFailure(entry, scan.atMs, failure);
    return { noted, resolution: afterLookUpFailure(noted, policy, nowMs), looked: false };
  }
  const noted = noteLookUp(entry, scan, found, policy, gatewayTimeoutMs);
  const resolution = resolve(
    { entry: noted, found, scan, rowSha256: (row) => worker.sha256(JSON.stringify(row.raw)) },
    {
      chargeId: entry.chargeId,
      requestId: entry.requestId,
      amountMinor: BigInt(entry.amount),
      currency: entry.currency,
    },
    gateway.rules,
    policy,
    gatewayTimeoutMs,
    nowMs,
  );
  return { noted, resolution: asTakenBack(resolution, noted, gateway.voidedAs), looked: true };
};
