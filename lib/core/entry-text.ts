import { member, parseJson } from "./json.ts";
import type { LedgerEntry } from "./ledger.ts";
import { type LedgerSide, ledgerSideOf } from "./sides.ts";

const none: readonly string[] = [];

/** A text with an escape is left to the parser, and so is a longer number. */
const text = String.raw`"([^"\\]*)"`;
const anyText = String.raw`"[^"\\]*"`;
const number = "([0-9]{1,15})";
const anyNumber = "[0-9]+";

/** Members that not every charge has, in their order. */
const optional = ["notAfterMs", "instrumentRef", "instrumentNetwork"]
  .map((name) => `(?:,"${name}":(?:${anyNumber}|${anyText}))?`)
  .join("");
const counts = ["openSends", "resends", "faultResends", "sends", "lookups", "looked", "lookFailures"]
  .map((name) => `,"${name}":${anyNumber}`)
  .join("");
const marks = String.raw`(?:,"consumerMarks":\["([^\]\\]*)"\])?`;

/** An entry of an approved charge at Centrobill up to its history, and behind it: its members in the order in which they are written. */
const beforeHistory = new RegExp(
  String.raw`\{"v":1,"chargeId":${text},"gateway":"centrobill","amount":"([0-9]*)","currency":"([^"\\]{3})","fingerprint":${anyText}${optional}${marks},"token":${anyText},"openedAtMs":${anyNumber},"updatedAtMs":${anyNumber},"attempt":${number},"requestId":${text},"firstSendAtMs":${number}${counts},"absences":\[\],"history":\[`,
  "y",
);
const behindHistory = new RegExp(
  String.raw`\],"lastSendAtMs":${number},"ids":\{"transactionId":${text},"orderId":${text}\},"state":"approved"(?:,"ending":\{[^{}]*\})?,"evidence":\{[^{}]*\},"finalAtMs":${anyNumber}\}$`,
  "y",
);

/**
 * What the entry of an approved charge at Centrobill says, read from its text without making the whole of it: most of an entry is
 * history. That is gone past: it has no list of its own, so the first end of a list that a member follows is its end.
 * `undefined` for whatever is not as nearly every entry is: that is parsed.
 */
const usualSideOf = (entry: string): LedgerSide | undefined => {
  beforeHistory.lastIndex = 0;
  const before = beforeHistory.exec(entry);
  if (before === null) return undefined;
  behindHistory.lastIndex = entry.indexOf('],"', beforeHistory.lastIndex);
  const behind = behindHistory.exec(entry);
  if (behind === null) return undefined;
  const [, chargeId = "", amount = "", currency = "", consumers, attempt, requestId = "", firstSendAt] =
    before;
  const [, lastSendAt, transactionId = "", orderId = ""] = behind;
  return {
    chargeId,
    requestId,
    earlierRequestIds: none,
    attempt: Number(attempt),
    amount,
    currency,
    state: "approved",
    firstSentAtMs: Number(firstSendAt),
    consumerMarks: consumers === undefined ? none : consumers.split('","'),
    lastSentAtMs: Number(lastSendAt),
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
