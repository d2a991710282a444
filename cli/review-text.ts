import { wordText } from "../lib/core/gateway-word.ts";
import type { Effect } from "../lib/core/judge-decision.ts";
import type { LedgerEntry } from "../lib/core/ledger.ts";
import { formatMoney, parseCurrency } from "../lib/core/money.ts";
import { sinceReview } from "../lib/core/review-decision.ts";
import type { MadeDecision, Shown } from "../lib/flows/decide-review.ts";
import type { WaitingReview } from "../lib/ports.ts";
import { moneyText } from "./finding-words.ts";
import { textTable } from "./text-table.ts";

const iso = (ms: number): string => new Date(ms).toISOString();

/** How long ago, in its largest unit: `3 d`, `5 h`, `12 min`. */
export const ageText = (ms: number): string => {
  if (ms >= 86_400_000) return `${Math.floor(ms / 86_400_000)} d`;
  if (ms >= 3_600_000) return `${Math.floor(ms / 3_600_000)} h`;
  return `${Math.max(0, Math.floor(ms / 60_000))} min`;
};

/** Money by currency, as one line. */
const sumText = (rows: readonly WaitingReview[]): string => {
  const sums = new Map<string, bigint>();
  for (const { currency, amount } of rows) sums.set(currency, (sums.get(currency) ?? 0n) + BigInt(amount));
  return [...sums]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, amountMinor]) => {
      const currency = parseCurrency(code);
      return currency === undefined ? `${amountMinor} ${code}` : formatMoney({ amountMinor, currency });
    })
    .join(", ");
};

/** A worklist for people: the first of it, and what there is in all. */
export const worklistText = (rows: readonly WaitingReview[], most: number, nowMs: number): string => {
  if (rows.length === 0) return "nothing waits for a person";
  const table = textTable(
    [
      { title: "charge" },
      { title: "money", align: "right" },
      { title: "waits", align: "right" },
      { title: "gateway" },
      { title: "reason" },
      { title: "" },
    ],
    rows
      .slice(0, most)
      .map(({ chargeId, amount, currency, sinceMs, gateway, reason, mark }) => [
        chargeId,
        moneyText(amount, currency),
        ageText(nowMs - sinceMs),
        gateway,
        reason,
        mark === undefined ? "" : `${mark.decision} ${mark.e}`,
      ]),
  );
  return [
    ...table.map((line) => line.trimEnd()),
    "",
    `${rows.length} wait: ${sumText(rows)}${rows.length > most ? `; the first ${most} are shown (--limit)` : ""}`,
  ].join("\n");
};

/** What a decision would do, in words. */
export const effectText = (effect: Effect, entry: LedgerEntry): string => {
  switch (effect.kind) {
    case "settle":
      return `record ${effect.state} on ${effect.evidence.kind === "persons_word" ? "a person's word" : `the evidence ${effect.evidence.kind}`}, and tell it as ${entry.chargeId}#${entry.attempt}#${effect.state}`;
    case "resend":
      return `send ${moneyText(entry.amount, entry.currency)} once more under the same request id ${effect.requestId}, until ${iso(effect.untilMs)}; past that a worker looks up and does not send`;
    case "newAttempt":
      return `send ${moneyText(entry.amount, entry.currency)} as attempt ${effect.attempt}, under a new request id`;
    case "refund": {
      const { transactionId, amount, currency } = effect.refund;
      const money =
        amount === undefined || currency === undefined ? "all of it" : moneyText(amount, currency);
      return `record that transaction ${transactionId} (${money}) is given back, and tell review; the charge stays in review. ${refundWords[entry.gateway]}`;
    }
    case "drop":
      return "end the review: nothing is sent, and no outcome is told";
  }
};

/** What a person does at the gateway's own desk. The calls are the gateways' own; nothing here makes them. */
const refundWords = {
  centrobill:
    "Nothing here refunds: do it at Centrobill's desk (their SDK documents POST /payment/{transactionId}/credit with a reason and an amount)",
  centrapay:
    "Nothing here refunds: do it at Centrapay's desk (documented: POST /api/payment-requests/{id}/refund with value and an externalRef of your own, which makes it repeatable; how long a refund is possible is not)",
} as const;

/** A verdict, and what became of it. */
export const decisionText = ({ entry, verdict, event, lost }: MadeDecision, dryRun: boolean): string => {
  switch (verdict.kind) {
    case "refused":
      return `refused (${verdict.rule}): ${verdict.why}`;
    case "already":
      return `nothing to do: ${verdict.why}`;
    case "proposes":
    case "decides": {
      const lines = [`would ${effectText(verdict.effect, entry)}`, `why: ${verdict.why}`];
      if (dryRun) return lines.join("\n");
      if (lost) return "refused (version): the charge has changed meanwhile: look at it again";
      const made = verdict.kind === "proposes" ? "proposed" : "decided";
      return [
        `${made}: ${effectText(verdict.effect, entry)}`,
        `why: ${verdict.why}`,
        ...(event === undefined ? [] : [`record: ${event.hash}`]),
      ].join("\n");
    }
  }
};

/** What stands beside a charge's history on the desk. */
export const deskLines = ({ entry, word }: Shown): string =>
  [
    "",
    entry.state === "review"
      ? `the gateway says now: ${wordText(word)}`
      : `it is ${entry.state}, and not in review`,
    ...sinceReview(entry).map(
      (event) =>
        `${event.e} by ${event.by} at ${iso(event.at)}: ${event.decision}${event.transactionId === undefined ? "" : ` of ${event.transactionId}`} (${event.reason})`,
    ),
    `version: ${entry.token}`,
  ].join("\n");
