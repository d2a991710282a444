import type { HistoryEvent } from "../core/ledger.ts";
import type { NotedNotice } from "../core/notice.ts";

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
      return `looked up: ${event.rows} rows at the gateway from ${iso(event.from)} to ${iso(event.to)}${event.whole ? "" : " (not read to the end)"}, ${event.found} of this charge${event.weak === undefined ? "" : `, ${event.weak} that only look like it`}`;
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

/** What a person was told of stands beside the entry, and is read in its place in time. */
export const noticeWords = ({ words, id, reason, mismatch }: NotedNotice): string =>
  `the gateway's notice says: ${words}${mismatch === undefined ? "" : ` (${mismatch.field} ${mismatch.got}, asked ${mismatch.asked})`}; told to review as ${reason}  [${id}]`;
