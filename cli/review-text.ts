import { wordText } from "../lib/core/gateway-word.ts";
import { moneyText } from "../lib/core/money.ts";
import { sinceReview } from "../lib/core/review-decision.ts";
import { ageText } from "../lib/desk/age-text.ts";
import { effectText } from "../lib/desk/effect-words.ts";
import { sumText } from "../lib/desk/money-sum.ts";
import type { MadeDecision, Shown } from "../lib/flows/decide-review.ts";
import type { WaitingReview } from "../lib/ports.ts";
import { textTable } from "./text-table.ts";

const iso = (ms: number): string => new Date(ms).toISOString();

/** A worklist for people: the first of it, and what there is in all (`rows`) of what the filter lets through. */
export const worklistText = (
  rows: readonly WaitingReview[],
  first: readonly WaitingReview[],
  nowMs: number,
  isFiltered: boolean,
): string => {
  if (rows.length === 0)
    return isFiltered ? "nothing that waits for a person is like that" : "nothing waits for a person";
  const table = textTable(
    [
      { title: "charge" },
      { title: "money", align: "right" },
      { title: "waits", align: "right" },
      { title: "gateway" },
      { title: "reason" },
      { title: "" },
    ],
    first.map(({ chargeId, amount, currency, sinceMs, gateway, reason, mark }) => [
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
    `${rows.length} wait: ${sumText(rows)}${rows.length > first.length ? `; the first ${first.length} are shown (--limit)` : ""}`,
  ].join("\n");
};

const placesMost = 20;

/** What waits and could not be read, a line each, for standard error; none where all was read. */
export const unreadableLines = (places: readonly string[]): readonly string[] =>
  places.length === 0
    ? []
    : [
        `review list: ${places.length} more cannot be read and ${places.length === 1 ? "is" : "are"} not in the list`,
        ...places.slice(0, placesMost).map((place) => `review list: ${place}`),
        ...(places.length > placesMost ? [`review list: and ${places.length - placesMost} more`] : []),
      ];

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
