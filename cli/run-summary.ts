import type { NoticeCounts } from "../infra/local/notice-sender.ts";
import { formatMoney, parseCurrency } from "../lib/core/money.ts";
import type { OutcomeTotal, RunTotals } from "./run-totals.ts";
import { textTable } from "./text-table.ts";

/** What the gateway itself says it did; only the sandbox can be asked. */
export type GatewayTruth = {
  readonly chargesCaptured: number;
  readonly doubleCharges: readonly { readonly chargeId: string }[];
  readonly capturedByCurrency: Readonly<Record<string, string>>;
  /** captured, and a person has to look: another amount, or no row that names us */
  readonly capturedInReview: number;
  /** charges of which ledger and gateway tell another story; there must be none */
  readonly disagreeing: readonly string[];
};

export type RunSummary = {
  readonly lines: number;
  readonly totals: RunTotals;
  /** `undefined`: an outside gateway, of which nobody knows but by its answers and its feed */
  readonly truth?: GatewayTruth;
  /** what the sandboxes sent by themselves; `undefined`: there is none that could */
  readonly notices?: NoticeCounts;
  readonly gatewayName: string;
  readonly elapsedMs: number;
};

const moneyText = ({ minorByCurrency }: OutcomeTotal): string =>
  [...minorByCurrency]
    .map(([code, amountMinor]) => {
      const currency = parseCurrency(code);
      return currency === undefined ? `${amountMinor} ${code}` : formatMoney({ amountMinor, currency });
    })
    .join(", ");

const isUnknown = (outcome: string): boolean =>
  outcome === "unknown" || outcome === "pending" || outcome === "opened" || outcome === "waiting";

const unknownCount = (totals: RunTotals): number =>
  totals
    .outcomes()
    .filter(({ outcome }) => isUnknown(outcome))
    .reduce((sum, { count }) => sum + count, 0);

const inReviewFor = (reason: string, totals: RunTotals): number => totals.reviewReasons().get(reason) ?? 0;

/** The sentence that matters. */
export const verdictSentence = ({ totals, truth }: RunSummary): string => {
  const unknown = unknownCount(totals);
  if (truth === undefined)
    return `charges ${totals.charges}, approved by the gateway's own word ${totals.countOf("approved")}, double charges seen ${inReviewFor("double_charge", totals)}, unknown ${unknown}`;
  return `charges ${totals.charges}, captured at the gateway ${truth.chargesCaptured}, double charges ${truth.doubleCharges.length}, unknown ${unknown}`;
};

/** The line about notices. */
const noticesText = (
  { sent, believed, refused, forgedAndNotRefused }: NoticeCounts,
  endedByNotice: number,
): string =>
  [
    `notices: ${sent.early} early, ${sent.late} late, ${sent.twice} twice, ${sent.forged} after a forged one`,
    `${believed} requests believed, ${refused} refused`,
    `${endedByNotice} charges ended by one`,
    ...(forgedAndNotRefused > 0 ? [`FORGED AND NOT REFUSED: ${forgedAndNotRefused}`] : []),
  ].join("; ");

/** The summary as people read it. */
export const summaryText = (summary: RunSummary): string => {
  const { totals, truth, notices, elapsedMs, lines, gatewayName } = summary;
  const table = textTable(
    [{ title: "outcome" }, { title: "count", align: "right" }, { title: "money" }],
    totals.outcomes().map((total) => [total.outcome, String(total.count), moneyText(total)]),
  );
  const inReview = totals.countOf("review");
  const reasons = [...totals.reviewReasons()].map(([reason, count]) => `${reason} ${count}`).join(", ");
  return [
    "",
    ...table,
    "",
    `${lines} lines at ${gatewayName} in ${(elapsedMs / 1_000).toFixed(1)} s; ${totals.refusals} of them are no charge (request_error)`,
    // A gateway that is not the sandbox sends none to this machine.
    ...(notices === undefined || notices.believed + notices.refused === 0
      ? []
      : [noticesText(notices, totals.endedByNotice)]),
    ...(truth !== undefined && truth.capturedInReview > 0
      ? [`${truth.capturedInReview} of the captured are in review and not approved`]
      : []),
    ...(truth !== undefined && truth.disagreeing.length > 0
      ? [
          `LEDGER AND GATEWAY DISAGREE on ${truth.disagreeing.length}: ${truth.disagreeing.slice(0, 5).join(", ")}`,
        ]
      : []),
    ...(inReview > 0 ? [`${inReview} wait for a person: ${reasons}`] : []),
    "",
    verdictSentence(summary),
  ].join("\n");
};

/** The summary for machines. */
export const summaryJson = (summary: RunSummary): object => {
  const { totals, truth, notices, elapsedMs, lines, gatewayName } = summary;
  return {
    lines,
    charges: totals.charges,
    refusedLines: totals.refusals,
    gateway: gatewayName,
    outcomes: Object.fromEntries(
      totals.outcomes().map(({ outcome, count, minorByCurrency }) => [
        outcome,
        {
          count,
          amountMinor: Object.fromEntries(
            [...minorByCurrency].map(([currency, minor]) => [currency, String(minor)]),
          ),
        },
      ]),
    ),
    reviewReasons: Object.fromEntries(totals.reviewReasons()),
    unknown: unknownCount(totals),
    ...(truth === undefined
      ? {}
      : {
          capturedAtGateway: truth.chargesCaptured,
          doubleCharges: truth.doubleCharges.length,
          capturedByCurrency: truth.capturedByCurrency,
          capturedInReview: truth.capturedInReview,
          disagreeing: truth.disagreeing,
        }),
    ...(notices === undefined ? {} : { notices: { ...notices, endedByNotice: totals.endedByNotice } }),
    elapsedMs: Math.round(elapsedMs),
  };
};
