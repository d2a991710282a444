import { hash, randomFillSync, randomUUID } from "node:crypto";
import type { LeaseToken, RequestId } from "../../lib/core/charge.ts";
import type { Clock, Ids, Sha256 } from "../../lib/ports.ts";

export const clock: Clock = {
  nowMs: () => Date.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

/** A name for one version of one entry: 72 bits keep it apart from every other version of it. */
const tokenBytes = 9;
/** Chance is asked for many at a time: each time costs as much as a few hundred bytes of it. */
const chance = Buffer.alloc(128 * tokenBytes);
let used = chance.length;

const leaseToken = (): LeaseToken => {
  if (used === chance.length) {
    randomFillSync(chance);
    used = 0;
  }
  used += tokenBytes;
  return chance.toString("base64url", used - tokenBytes, used) as LeaseToken;
};

export const ids: Ids = {
  requestId: () => randomUUID() as RequestId,
  leaseToken,
  fraction: Math.random,
};

export const sha256: Sha256 = (text) => hash("sha256", text, "hex");
