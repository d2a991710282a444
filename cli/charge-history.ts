import type { LedgerEntry, Rejection } from "../lib/core/ledger.ts";
import { formatMoney, parseAmountMinor, parseCurrency } from "../lib/core/money.ts";
import type { NotedNotice } from "../lib/core/notice.ts";
import { noticeWords, wordsOf } from "../lib/desk/history-words.ts";
import type { ChargeRecord } from "../lib/ports.ts";

const iso = (ms: number): string => new Date(ms).toISOString();

const moneyOf = ({ amount, currency }: LedgerEntry): string => {
  const [amountMinor, known] = [parseAmountMinor(amount), parseCurrency(currency)];
  return amountMinor === undefined || known === undefined
    ? `${amount} ${currency}`
    : formatMoney({ amountMinor, currency: known });
};

const historyLines = (entry: LedgerEntry, notices: readonly NotedNotice[]): string[] =>
  [
    ...entry.history.map((event) => ({ at: event.at, words: wordsOf(event) })),
    ...notices.map((notice) => ({ at: notice.atMs, words: noticeWords(notice) })),
  ]
    // Events of one moment keep their order.
    .sort((a, b) => (notices.length === 0 ? 0 : a.at - b.at))
    .map(({ at, words }) => `  ${iso(at)}  ${words}`);

const entryLines = (entry: LedgerEntry, notices: readonly NotedNotice[]): string[] => {
  const ended = "evidence" in entry ? entry : undefined;
  const ending = ended?.ending ?? {};
  const details = [
    ending.category,
    ending.code === undefined ? undefined : `code ${ending.code}`,
    ending.networkCode === undefined ? undefined : `network code ${ending.networkCode}`,
    ending.description,
    "reason" in entry ? entry.reason : undefined,
    entry.state === "review" && entry.droppedAtMs !== undefined ? "dropped" : undefined,
    ending.retry === undefined ? undefined : `retry: ${ending.retry}`,
  ].filter((part) => part !== undefined);
  return [
    `${entry.chargeId}  ${moneyOf(entry)}  ${entry.gateway}`,
    `${entry.state}${details.length === 0 ? "" : ` (${details.join(", ")})`}`,
    `attempts ${entry.attempt}, sends ${entry.sends}, look-ups ${entry.lookups}`,
    ...("nextAtMs" in entry && entry.state !== "waiting"
      ? [`next: ${entry.nextAct === "resend" ? "resend" : "look-up"} at ${iso(entry.nextAtMs)}`]
      : []),
    ...("mismatch" in entry && entry.mismatch !== undefined
      ? [`asked ${entry.mismatch.field} ${entry.mismatch.asked}, the gateway says ${entry.mismatch.got}`]
      : []),
    "",
    ...historyLines(entry, notices),
    ...(ended === undefined ? [] : ["", `evidence: ${JSON.stringify(ended.evidence)}`]),
  ];
};

const rejectionLines = (rejection: Rejection): string[] => [
  "",
  `refused message under this id at ${iso(rejection.atMs)}: ${rejection.code}`,
  ...rejection.problems.map(({ field, must }) => `  ${field} must ${must}`),
];

/** Everything that the ledger has under one charge id, as people read it. */
export const chargeHistory = ({ entry, rejections, notices }: ChargeRecord): string =>
  [...(entry === undefined ? [] : entryLines(entry, notices)), ...rejections.flatMap(rejectionLines)]
    .join("\n")
    .replace(/^\n/, "");
