import type { ChargeRecord } from "../lib/adapters/dynamodb-ledger.ts";
import type { HistoryEvent, LedgerEntry, Rejection } from "../lib/core/ledger.ts";
import { formatMoney, parseAmountMinor, parseCurrency } from "../lib/core/money.ts";
import type { NotedNotice } from "../lib/core/notice.ts";

const iso = (ms: number): string => new Date(ms).toISOString();

/** A moment of a charge's history in words. Total: an event without words does not compile. */
export const wordsOf = (event: HistoryEvent): string => {
  switch (event.e) {
    case "opened":
      return `attempt ${event.attempt} opened, request id ${event.requestId}`;
    case "leased":
      return "leased, to be sent again under the same request id";
    case "replied":
      return `sent; HTTP ${event.status}${event.code === undefined ? "" : `, code ${event.code}`} after ${event.ms} ms${event.excerpt === undefined || event.excerpt === "" ? "" : `: ${event.excerpt}`}  [body sha256 ${event.sha256.slice(0, 16)}…]`;
    case "unanswered":
      return `sent; no answer after ${event.ms} ms (${event.cause})`;
    case "never_sent":
      return `not sent: ${event.cause}`;
    case "taken_over":
      return `its worker let the lease of ${iso(event.leaseUntil)} run out; taken over`;
    case "looked_up":
      return `looked up: ${event.rows} feed rows from ${iso(event.from)} to ${iso(event.to)}${event.whole ? "" : " (not read to the end)"}, ${event.found} of this charge${event.weak === undefined ? "" : `, ${event.weak} that only look like it`}`;
    case "lookup_failed":
      return `look-up failed: ${event.why}`;
    case "prepared":
      return `prepared: ${event.id}`;
    case "prepare_failed":
      return `could not be prepared: ${event.why}`;
    case "voided":
      return `voided, since it stayed undetermined: ${event.status}`;
    case "notice":
      return `the gateway's notice says: ${event.words}  [${event.id}]`;
    case "absent":
      return "certified absent at the gateway";
    case "proposed":
    case "decided":
      return `${event.by} ${event.e} ${event.decision}${event.transactionId === undefined ? "" : ` of ${event.transactionId}`}: ${event.reason}${event.stated === undefined ? "" : `; states: ${event.stated}`}; the gateway said: ${event.saw}  [${event.hash.slice(0, 16)}…]`;
    case "recorded":
      return `recorded: ${event.state}${event.route === undefined ? "" : ` → ${event.route}`}`;
  }
};

const moneyOf = ({ amount, currency }: LedgerEntry): string => {
  const [amountMinor, known] = [parseAmountMinor(amount), parseCurrency(currency)];
  return amountMinor === undefined || known === undefined
    ? `${amount} ${currency}`
    : formatMoney({ amountMinor, currency: known });
};

/** What a person was told of stands beside the entry, and is read in its place in time. */
const noticeWords = ({ words, id, reason, mismatch }: NotedNotice): string =>
  `the gateway's notice says: ${words}${mismatch === undefined ? "" : ` (${mismatch.field} ${mismatch.got}, asked ${mismatch.asked})`}; told to review as ${reason}  [${id}]`;

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
