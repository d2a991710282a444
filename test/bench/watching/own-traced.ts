import { createHash } from "node:crypto";
import { xrayDaemon } from "../../../lib/adapters/xray-daemon.ts";
import { chargeTrace, type EndedEntry } from "../../../lib/core/charge-trace.ts";
import { handler as own } from "./own.ts";

/** As much of an approved charge as its trace tells. */
const entry = {
  chargeId: "order-1",
  token: "t-1",
  gateway: "centrobill",
  state: "approved",
  attempt: 1,
  sends: 1,
  lookups: 0,
  openedAtMs: 1_763_800_000_000,
  finalAtMs: 1_763_800_000_300,
  ending: { code: "0" },
  history: [
    { e: "opened", at: 1_763_800_000_000, attempt: 1, requestId: "r-1" },
    { e: "replied", at: 1_763_800_000_010, ms: 280, status: 201, code: "0" },
    { e: "recorded", at: 1_763_800_000_300, state: "approved" },
  ],
} as unknown as EndedEntry;
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** The same, and the charge's trace. */
export const handler = async () => {
  xrayDaemon("127.0.0.1:2000").send(chargeTrace(entry, sha256));
  return own();
};
