import { member, parseJson } from "./json.ts";
import type { LedgerEntry } from "./ledger.ts";
import { type LedgerSide, ledgerSideOf } from "./sides.ts";

const none: readonly string[] = [];
const text = '"[^"\\\\]*"';
const number = "[0-9]+";
/** The members of an entry up to its history, in the order in which they are written. */
const usualHead = new RegExp(
  [
    `^\\{"v":1,"chargeId":"([^"\\\\]+)","gateway":${text},"amount":"([0-9]+)","currency":"([A-Z]{3})"`,
    `,"fingerprint":${text}(?:,"notAfterMs":${number})?(?:,"instrumentRef":${text})?`,
    `(?:,"consumerMarks":\\[("[0-9a-f]+"(?:,"[0-9a-f]+")*)\\])?`,
    `,"token":${text},"openedAtMs":${number},"updatedAtMs":${number}`,
    `,"attempt":([0-9]+),"requestId":"([^"\\\\]+)","firstSendAtMs":([0-9]+),"openSends":`,
  ].join(""),
);
/** The members after its last list. Where an entry ends so, they are its own: what is within others is closed. */
const usualTail = new RegExp(
  [
    `\\],"lastSendAtMs":([0-9]+),"ids":\\{"transactionId":"([^"\\\\]+)","orderId":"([^"\\\\]+)"\\}`,
    `,"state":"approved",(?:"ending":\\{[^{}]*\\},)?"evidence":\\{[^{}]*\\},"finalAtMs":${number}\\}$`,
  ].join(""),
);
/** Members that few charges have, and that count wherever they stand. */
const rare = /"(?:earlierRequestIds|preparation|reason)":/;
/** The tail is no longer than this, so that the history is not gone through for it. */
const tailMax = 480;

/**
 * What an approved charge's entry says, read from its text without making the whole of it: most of an entry is
 * history. `undefined` for whatever is not as nearly every entry is: that is parsed.
 */
const usualSideOf = (entry: string): LedgerSide | undefined => {
  const head = usualHead.exec(entry);
  if (head === null || rare.test(entry)) return undefined;
  const tail = usualTail.exec(entry.slice(-tailMax));
  if (tail === null) return undefined;
  const [, chargeId = "", amount = "", currency = "", marks, attempt, requestId = "", firstSentAt] = head;
  if (marks === undefined && entry.includes('"consumerMarks":')) return undefined;
  const [, lastSentAt, transactionId = "", orderId = ""] = tail;
  return {
    chargeId,
    requestId,
    earlierRequestIds: none,
    attempt: Number(attempt),
    amount,
    currency,
    state: "approved",
    firstSentAtMs: Number(firstSentAt),
    consumerMarks: marks === undefined ? none : marks.slice(1, -1).split('","'),
    lastSentAtMs: Number(lastSentAt),
    transactionId,
    orderId,
  };
};

/** What an entry, as the ledger keeps it, says of its charge; `undefined`: of no version that is known here. */
export const ledgerSideOfText = (text: string): LedgerSide | undefined => {
  const usual = usualSideOf(text);
  if (usual !== undefined) return usual;
  const entry = parseJson(text);
  return member(entry, "v") === 1 ? ledgerSideOf(entry as unknown as LedgerEntry) : undefined;
};
