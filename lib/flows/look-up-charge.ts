import type { FeedRow } from "../core/feed.ts";
import type { UnknownEntry } from "../core/ledger.ts";
import { keyLifeEndMs } from "../core/policy.ts";
import type { Replied } from "../core/transport.ts";
import type { Worker } from "../ports.ts";
import { type Addressed, worstCaseMs } from "./charge-worker.ts";
import { ask, type Scanned } from "./scan-feed.ts";

/** What asking for one charge brought; or that asking would be a send. */
export type LookedUpCharge =
  | { readonly kind: "looked"; readonly rows: readonly FeedRow[]; readonly scanned: Scanned }
  | { readonly kind: "send" };

/** Asks the gateway for one charge. A look that may move money is never made as a look. */
export const lookUpCharge = async (
  { entry, charge, gateway }: Addressed & { readonly entry: UnknownEntry },
  worker: Worker,
): Promise<LookedUpCharge> => {
  const lookUp = gateway.lookUpOf?.(charge);
  if (lookUp === undefined) throw new TypeError(`${gateway.name} has no look-up of one charge`);
  const prepared = entry.preparation?.prepared;
  const atMs = worker.clock.nowMs();
  const firstSendAtMs = entry.firstSendAtMs ?? entry.openedAtMs;
  const replies: Replied[] = [];
  const scanned = (rows: number, failure?: string): Scanned => {
    const scan = {
      atMs,
      fromMs: firstSendAtMs - worker.policy.clockSkewMs,
      toMs:
        Math.max(atMs, (entry.lastSendAtMs ?? atMs) + worker.gatewayTimeoutMs) + worker.policy.clockSkewMs,
      rows,
      whole: failure === undefined,
    };
    return failure === undefined ? { scan } : { scan, failure };
  };
  if (lookUp.maySetOff(prepared, atMs - worker.policy.clockSkewMs)) {
    if (atMs <= keyLifeEndMs(worker.policy, firstSendAtMs)) return { kind: "send" };
    return { kind: "looked", rows: [], scanned: scanned(0, "asking could still set the charge off") };
  }
  for (const request of lookUp.requests(charge, prepared)) {
    const reply = await ask(gateway, request, worker, worstCaseMs(worker), 2);
    if ("failure" in reply) return { kind: "looked", rows: [], scanned: scanned(0, reply.failure) };
    replies.push(reply);
  }
  const read = lookUp.read(replies, charge, entry.requestId);
  return read.kind === "unreadable"
    ? { kind: "looked", rows: [], scanned: scanned(0, read.why) }
    : { kind: "looked", rows: read.rows, scanned: scanned(read.rows.length) };
};
