import { holdsCardNumber, maskCardNumbers } from "./card-number.ts";
import type { ChargeId, RequestId } from "./charge.ts";
import type { Finding } from "./finding.ts";
import { defined } from "./json.ts";
import type { RouteMessage } from "./route-message.ts";
import type { GatewaySide, LedgerSide } from "./sides.ts";

/** What the gateway wrote in a row, beside amounts and our own references: any of it may be anything. */
const gatewayWords = [
  "transactionId",
  "orderId",
  "parentTransactionId",
  "code",
  "written",
  "currency",
] as const satisfies readonly (keyof GatewaySide)[];
const ledgerIds = ["transactionId", "orderId", "preparedId"] as const satisfies readonly (keyof LedgerSide)[];

/**
 * An id of the gateway's without a card number: masked by the rule by which a charge is refused. One in ten of its long
 * numbers has a right check digit, and a person has to find the transaction by it.
 */
const idWithoutCard = (id: string): string => (holdsCardNumber(id) ? maskCardNumbers(id) : id);

/**
 * Tells numbers apart that look alike when they are masked, by the order in which they come: `411111******1111` and
 * `411111******1111(2)`. A hash would tell: six digits are soon tried.
 */
const numbered = (): ((text: string, mask: (text: string) => string) => string) => {
  const numbers = new Map<string, string[]>();
  return (text, mask) => {
    const masked = mask(text);
    const alike = numbers.get(masked) ?? [];
    numbers.set(masked, alike);
    const known = alike.indexOf(text);
    const nth = known === -1 ? alike.push(text) : known + 1;
    return nth === 1 ? masked : `${masked}(${nth})`;
  };
};

type Growing<Side> = { -readonly [K in keyof Side]: Side[K] };

/**
 * The finding as it leaves the run: to a queue, a report or the ledger's table (S12). Nobody who was charged is named,
 * and no word of the gateway is a card number. A charge id of the ledger's is none, and stays whole.
 */
export const shownFinding = (finding: Finding): Finding => {
  const { id, chargeId, ledger, refundProposal, atMs } = finding;
  const shownText = numbered();
  const ours = new Set(ledger && [ledger.chargeId, ledger.requestId, ...ledger.earlierRequestIds]);
  /** A stranger may have written anything in our place: whatever could be a number is masked. */
  const reference = (text: string): string => (ours.has(text) ? text : shownText(text, maskCardNumbers));
  const gatewayId = (text: string): string => shownText(text, idWithoutCard);

  const rows = finding.rows.map((row): GatewaySide => {
    const shown: Growing<GatewaySide> = { ...row, consumers: [] };
    if (shown.chargeId !== undefined) shown.chargeId = reference(shown.chargeId);
    if (shown.requestId !== undefined) shown.requestId = reference(shown.requestId);
    for (const word of gatewayWords) if (row[word] !== undefined) shown[word] = gatewayId(row[word]);
    return shown;
  });
  const shownLedger: Growing<LedgerSide> | undefined =
    ledger === undefined ? undefined : { ...ledger, consumerMarks: [] };
  if (shownLedger !== undefined)
    for (const name of ledgerIds) {
      const own = shownLedger[name];
      if (own !== undefined) shownLedger[name] = gatewayId(own);
    }
  return defined({
    ...finding,
    id: shownId(id, ours, atMs),
    chargeId: chargeId === undefined ? undefined : reference(chargeId),
    rows,
    ledger: shownLedger,
    refundProposal: refundProposal?.map((one) => ({ ...one, transactionId: gatewayId(one.transactionId) })),
  }) as Finding;
};

/**
 * The same in every run, in whatever order its rows come: the time of the difference, and no number, stands for the
 * digits that are gone.
 */
const shownId = (id: string, ours: ReadonlySet<string>, atMs: number | undefined): string => {
  const masked = id
    .split(/([#+])/)
    .map((part, place) => (place > 0 ? idWithoutCard(part) : ours.has(part) ? part : maskCardNumbers(part)))
    .join("");
  return masked === id || atMs === undefined ? masked : `${masked}@${atMs}`;
};

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
