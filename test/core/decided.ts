import type { FeedRowEvidence } from "../../lib/core/evidence.ts";
import type { GatewayWord } from "../../lib/core/gateway-word.ts";
import { judgeDecision } from "../../lib/core/judge-decision.ts";
import type { LedgerEntry } from "../../lib/core/ledger.ts";
import type { Policy } from "../../lib/core/policy.ts";
import { recordDecision } from "../../lib/core/record-decision.ts";
import type { DecisionEvent, ReviewDecision, Wish } from "../../lib/core/review-decision.ts";
import { sha256Of } from "../doubles/scripted-wire.ts";
import { requestIdOf, search, t0, tokenOf } from "./builders.ts";

export const feedRow = (transactionId = "tx-1"): FeedRowEvidence => ({
  kind: "feed_row",
  atMs: t0 + 400_000,
  code: "0",
  rowSha256: "a".repeat(64),
  transactionId,
});

/** What the gateway can say of a charge that is shown to a person. */
export const words = {
  captured: { says: "captured", evidence: feedRow(), code: "0", ids: { transactionId: "tx-1" } },
  twice: { says: "captured_otherwise", reason: "double_charge", rows: [feedRow("tx-1"), feedRow("tx-2")] },
  thrice: {
    says: "captured_otherwise",
    reason: "double_charge",
    rows: [feedRow("tx-1"), feedRow("tx-2"), feedRow("tx-3")],
  },
  mismatch: {
    says: "captured_otherwise",
    reason: "mismatch",
    rows: [feedRow()],
    mismatch: { field: "amount", asked: "1999", got: "999" },
  },
  givenBack: { says: "captured_otherwise", reason: "refunded_or_charged_back", rows: [feedRow()] },
  declined: { says: "declined", evidence: feedRow(), ending: { code: "5051", retry: "later" } },
  pending: { says: "pending" },
  absent: { says: "absent", searches: [search(400), search(500)] },
  weak: { says: "weak", rows: [feedRow("tx-7")], absent: true, searches: [search(400), search(500)] },
  weakOnce: { says: "weak", rows: [feedRow("tx-7")], absent: false, searches: [search(400)] },
  nothing: { says: "nothing", whole: true },
  failed: { says: "not_asked", why: "failed" },
  moves: { says: "not_asked", why: "asking_moves_money" },
} as const satisfies Record<string, GatewayWord>;
export type WordName = keyof typeof words;

export const wish = (decision: ReviewDecision, changes: Partial<Wish> = {}): Wish => ({
  decision,
  by: "Ann",
  reason: "called the gateway",
  ...changes,
});
/** What a person knows of it. */
export const stated = { stated: "mail of 25 November, case 4711" };

/** The entry after a decision so many minutes later, as it is written. */
export const decideOn = (
  entry: LedgerEntry,
  by: Wish,
  word: GatewayWord,
  policy: Policy,
  minutes: number,
): { readonly entry: LedgerEntry; readonly event: DecisionEvent } => {
  if (entry.state !== "review") throw new Error(entry.state);
  const nowMs = t0 + minutes * 60_000;
  const judged = judgeDecision({ entry, notices: [], wish: by, word, hasMessage: true }, policy, nowMs);
  if (judged.kind === "refused" || judged.kind === "already")
    throw new Error(`${judged.kind}: ${judged.why}`);
  return recordDecision(entry, judged, by, word, {
    token: tokenOf(`token-${minutes}`),
    nowMs,
    requestId: requestIdOf("request-2"),
    sha256: sha256Of,
  });
};
