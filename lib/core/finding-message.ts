import { maskCardNumbers } from "./card-number.ts";
import type { ChargeId, RequestId } from "./charge.ts";
import type { Finding } from "./finding.ts";
import { defined } from "./json.ts";
import type { RouteMessage } from "./route-message.ts";
import type { GatewaySide } from "./sides.ts";

/** A row as it may be shown: who was charged is nobody's business here, and no reference is a card number. */
const shownRow = ({ consumers: _consumers, chargeId, requestId, ...row }: GatewaySide): GatewaySide => ({
  ...row,
  consumers: [],
  ...(chargeId === undefined ? {} : { chargeId: maskCardNumbers(chargeId) }),
  ...(requestId === undefined ? {} : { requestId: maskCardNumbers(requestId) }),
});

/** The finding as it leaves the run: to a queue, a report or the ledger's table (S12). */
export const shownFinding = (finding: Finding): Finding => ({
  ...finding,
  id: maskCardNumbers(finding.id),
  ...(finding.chargeId === undefined ? {} : { chargeId: maskCardNumbers(finding.chargeId) }),
  rows: finding.rows.map(shownRow),
  ...(finding.ledger === undefined ? {} : { ledger: { ...finding.ledger, consumerMarks: [] } }),
});

/**
 * What the queue `review` is told of a finding. Its `id` is the finding's: however many runs find it, a consumer
 * sees one. The ledger's state does not change, and the charge's own message is not part of it.
 */
export const messageOfFinding = (finding: Finding, nowMs: number): RouteMessage =>
  defined({
    v: 1 as const,
    id: finding.id,
    chargeId: finding.chargeId as ChargeId | undefined,
    gateway: finding.gateway,
    attempt: finding.ledger?.attempt ?? 0,
    requestId: finding.ledger?.requestId as RequestId | undefined,
    outcome: "review" as const,
    amount: finding.money?.amount,
    currency: finding.money?.currency,
    reason: finding.kind,
    refundProposal: finding.refundProposal,
    at: new Date(nowMs).toISOString(),
    finding,
  }) as RouteMessage;
