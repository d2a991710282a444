import type { LedgerEntry } from "../lib/core/ledger.ts";
import type { GatewayTruth } from "./run-summary.ts";
import type { SandboxesTruth } from "./sandboxes.ts";

/** A run's ledger beside what the sandbox gateways really did. */
export type TruthCheck = {
  /** each charge that reached the ledger, once */
  see(entry: LedgerEntry): void;
  /** when every charge was seen */
  result(): GatewayTruth;
};

export const truthCheck = (known: SandboxesTruth): TruthCheck => {
  const captures = new Map(known.captures);
  const captureOfKey = new Map(known.captureOfKey);
  const disagreeing: string[] = [];
  let capturedInReview = 0;
  const note = (chargeId: string): void => {
    captures.set(chargeId, (captures.get(chargeId) ?? 0) + 1);
  };
  return {
    see({ chargeId, state, requestId, earlierRequestIds = [] }) {
      for (const key of [requestId, ...earlierRequestIds]) if (captureOfKey.delete(key)) note(chargeId);
      const wasCaptured = captures.has(chargeId);
      if (wasCaptured && state === "review") capturedInReview += 1;
      else if (wasCaptured !== (state === "approved")) disagreeing.push(chargeId);
    },
    result() {
      // What no charge has the key of is known by the merchant's reference, which may be a charge's id.
      for (const reference of captureOfKey.values()) note(reference);
      captureOfKey.clear();
      return {
        chargesCaptured: captures.size,
        doubleCharges: [...captures].filter(([, count]) => count > 1).map(([chargeId]) => ({ chargeId })),
        capturedByCurrency: known.capturedByCurrency,
        capturedInReview,
        disagreeing,
      };
    },
  };
};
