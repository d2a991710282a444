import type { GatewayName } from "../core/charge.ts";
import { canonicalJson } from "../core/json.ts";
import type { Policy } from "../core/policy.ts";
import { type RedriveEnd, type RedriveMessage, readRedriveMessage, redriveEndOf } from "../core/redrive.ts";
import type { Clock, HeldMessage, Ledger, RedriveQueue, Sha256 } from "../ports.ts";
import { readEntries } from "./read-entries.ts";

export type RedriveFilter = {
  readonly gateway?: GatewayName;
  readonly chargeIds?: readonly string[];
  /** of the code in a route message */
  readonly code?: string;
  /** since the message was first sent */
  readonly olderThanMs?: number;
};

export type RedriveParts = {
  readonly clock: Clock;
  readonly sha256: Sha256;
  readonly ledger: Pick<Ledger, "read">;
  readonly policy: Policy;
  readonly queue: RedriveQueue;
};

/** What became, or would become, of one message. */
export type Redriven = {
  readonly messageId: string;
  readonly message: RedriveMessage;
  readonly firstSentAtMs: number;
  readonly end: RedriveEnd;
};

/**
 * Puts messages back that pass the filter, so many a second at the most. Nothing is sent to a gateway here: a message
 * keeps its body, and with it its charge, and the ledger, which whoever gets it asks first, has the age of its request
 * id (S2, S3). A message is deleted here only when the other queue has accepted it (S8): one that is put back twice is
 * a duplicate, which every worker knows.
 * @param dryRun look at all of them, give them back, and say what would follow
 */
export const redriveQueue = async (
  filter: RedriveFilter,
  limits: {
    readonly most: number;
    readonly perSecond: number;
    readonly dryRun: boolean;
    readonly bodyOf: "message" | "charge";
  },
  { clock, sha256, ledger, policy, queue }: RedriveParts,
  onMessage: (redriven: Redriven) => void,
): Promise<void> => {
  /** everything that is hidden because of this run, by its receipt: it is given back, however this ends */
  const held = new Map<string, HeldMessage>();
  const seen = new Set<string>();
  let chosen = 0;
  try {
    for (;;) {
      const batch = await queue.receive();
      for (const one of batch) held.set(one.receipt, one);
      // What was seen before comes again when it has been hidden for too long: then all has been seen.
      const fresh = batch.filter(({ messageId }) => !seen.has(messageId));
      if (fresh.length === 0) return;
      const messages = fresh.map((one) => ({ one, message: readRedriveMessage(one.body) }));
      const ids = messages.flatMap(({ message }) => (message.kind === "charge" ? [message.chargeId] : []));
      const entries = await readEntries([...new Set(ids)], ledger);
      for (const { one, message } of messages) {
        seen.add(one.messageId);
        const entry = message.kind === "charge" ? entries.get(message.chargeId) : undefined;
        const fingerprint = message.kind === "charge" ? sha256(canonicalJson(message.charge)) : undefined;
        const nowMs = clock.nowMs();
        const end =
          entry instanceof Error
            ? "left_unreadable"
            : redriveEndOf(message, entry, fingerprint, policy, nowMs);
        if (!passes(filter, one, message, nowMs)) continue;
        chosen += 1;
        onMessage({ messageId: one.messageId, message, firstSentAtMs: one.firstSentAtMs, end });
        if (!limits.dryRun && end !== "left_unreadable") {
          const ofCharge = limits.bodyOf === "charge" && message.kind === "charge";
          await queue.putBack(one, ofCharge ? JSON.stringify(message.charge) : one.body);
          held.delete(one.receipt);
          await clock.sleep(1_000 / limits.perSecond);
        }
        if (chosen >= limits.most) return;
      }
    }
  } finally {
    await queue.giveBack([...held.values()]);
  }
};

const passes = (
  { gateway, chargeIds, code, olderThanMs }: RedriveFilter,
  held: HeldMessage,
  message: RedriveMessage,
  nowMs: number,
): boolean => {
  if (olderThanMs !== undefined && nowMs - held.firstSentAtMs < olderThanMs) return false;
  if (gateway !== undefined && (message.kind === "unreadable" || message.gateway !== gateway)) return false;
  if (chargeIds !== undefined && (message.kind !== "charge" || !chargeIds.includes(message.chargeId)))
    return false;
  return code === undefined || (message.kind === "charge" && message.code === code);
};
