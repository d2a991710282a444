import { member, parseJson } from "./json.ts";
import type { LedgerEntry } from "./ledger.ts";
import { type LedgerSide, ledgerSideOf } from "./sides.ts";

const none: readonly string[] = [];
const [backslash, zero, nine] = [0x5c, 0x30, 0x39];

/** Behind a whole number; where none stands, the place itself. */
const pastDigits = (entry: string, at: number): number => {
  let end = at;
  for (let code = entry.charCodeAt(end); code >= zero && code <= nine; code = entry.charCodeAt(end)) end += 1;
  return end;
};

/** The end of a text, its quotation mark; -1: it ends nowhere, or in an escape, which is left to the parser. */
const endOfText = (entry: string, at: number): number => {
  const end = entry.indexOf('"', at);
  return end > 0 && entry.charCodeAt(end - 1) !== backslash ? end : -1;
};

/** The end of an object that has no other within it, its bracket; -1: it has one, or no end. */
const endOfFlat = (entry: string, at: number): number => {
  const end = entry.indexOf("}", at);
  const inner = entry.indexOf("{", at);
  return inner >= 0 && inner < end ? -1 : end;
};

/** Longer numbers are left to the parser. */
const digitsMax = 15;

const numberOf = (entry: string, from: number, to: number): number => {
  let value = 0;
  for (let at = from; at < to; at++) value = value * 10 + (entry.charCodeAt(at) - zero);
  return value;
};

const head = '{"v":1,"chargeId":"';
const gatewayMember = '","gateway":"';
const amountMember = '","amount":"';
const currencyMember = '","currency":"';
const fingerprintMember = '","fingerprint":"';
const marksMember = ',"consumerMarks":["';
const tokenMember = ',"token":"';
const openedMember = '","openedAtMs":';
const updatedMember = ',"updatedAtMs":';
const attemptMember = ',"attempt":';
const requestIdMember = ',"requestId":"';
const firstSendMember = '","firstSendAtMs":';
const counts = ["openSends", "resends", "faultResends", "sends", "lookups", "looked", "lookFailures"].map(
  (name) => `,"${name}":`,
);
/** The counts of a charge that was sent once and answered. */
const usualCounts = counts.map((name) => `${name}${name === ',"sends":' ? 1 : 0}`).join("");
const historyMember = ',"absences":[],"history":[';
const lastSendMember = '],"lastSendAtMs":';
const transactionIdMember = ',"ids":{"transactionId":"';
const orderIdMember = '","orderId":"';
const stateMember = '"},"state":"approved"';
const endingMember = ',"ending":{';
const evidenceMember = ',"evidence":{';
const finalMember = ',"finalAtMs":';

/** Members that not every charge has, in their order. */
const optionalMembers = ["notAfterMs", "instrumentRef", "instrumentNetwork"].map((name) => `,"${name}":`);

/** Behind those of them that stand there; -1: one has no end that is its own. */
const pastOptionals = (entry: string, from: number): number => {
  let at = from;
  for (const name of optionalMembers) {
    if (!entry.startsWith(name, at)) continue;
    const value = at + name.length;
    if (entry.charCodeAt(value) !== 0x22) at = pastDigits(entry, value);
    else {
      const end = endOfText(entry, value + 1);
      if (end < 0) return -1;
      at = end + 1;
    }
  }
  return at;
};

const pastCounts = (entry: string, from: number): number => {
  if (entry.startsWith(usualCounts, from)) return from + usualCounts.length;
  let at = from;
  for (const name of counts) {
    if (!entry.startsWith(name, at)) return -1;
    at = pastDigits(entry, at + name.length);
  }
  return at;
};

const isEscaped = (text: string): boolean => text.includes("\\");

/**
 * What an approved charge's entry says, read from its text without making the whole of it: most of an entry is
 * history. Every member is gone past in the order in which they are written, but for the inside of the history,
 * which has no list of its own: so the first end of a list that a member follows is its own. `undefined` for
 * whatever is not as nearly every entry is: that is parsed.
 */
const usualSideOf = (entry: string): LedgerSide | undefined => {
  if (!entry.startsWith(head)) return undefined;
  const chargeIdEnd = endOfText(entry, head.length);
  if (!entry.startsWith(gatewayMember, chargeIdEnd)) return undefined;
  const gatewayEnd = endOfText(entry, chargeIdEnd + gatewayMember.length);
  if (!entry.startsWith(amountMember, gatewayEnd)) return undefined;
  const amountAt = gatewayEnd + amountMember.length;
  const amountEnd = pastDigits(entry, amountAt);
  if (!entry.startsWith(currencyMember, amountEnd)) return undefined;
  const currencyAt = amountEnd + currencyMember.length;
  const currencyEnd = currencyAt + 3;
  if (!entry.startsWith(fingerprintMember, currencyEnd)) return undefined;
  const fingerprintEnd = endOfText(entry, currencyEnd + fingerprintMember.length);
  if (fingerprintEnd < 0) return undefined;

  let at = fingerprintEnd + 1;
  let consumerMarks = none;
  if (!entry.startsWith(tokenMember, at)) {
    at = pastOptionals(entry, at);
    if (at < 0) return undefined;
    if (entry.startsWith(marksMember, at)) {
      const marksEnd = entry.indexOf('"]', at);
      const marks = entry.slice(at + marksMember.length, marksEnd);
      if (marksEnd < 0 || isEscaped(marks)) return undefined;
      consumerMarks = marks.split('","');
      at = marksEnd + 2;
    }
    if (!entry.startsWith(tokenMember, at)) return undefined;
  }
  const tokenEnd = endOfText(entry, at + tokenMember.length);
  if (!entry.startsWith(openedMember, tokenEnd)) return undefined;
  const openedEnd = pastDigits(entry, tokenEnd + openedMember.length);
  if (!entry.startsWith(updatedMember, openedEnd)) return undefined;
  const updatedEnd = pastDigits(entry, openedEnd + updatedMember.length);
  if (!entry.startsWith(attemptMember, updatedEnd)) return undefined;
  const attemptAt = updatedEnd + attemptMember.length;
  const attemptEnd = pastDigits(entry, attemptAt);
  if (!entry.startsWith(requestIdMember, attemptEnd)) return undefined;
  const requestIdAt = attemptEnd + requestIdMember.length;
  const requestIdEnd = endOfText(entry, requestIdAt);
  if (!entry.startsWith(firstSendMember, requestIdEnd)) return undefined;
  const firstSendAt = requestIdEnd + firstSendMember.length;
  const firstSendEnd = pastDigits(entry, firstSendAt);
  const countsEnd = pastCounts(entry, firstSendEnd);
  if (!entry.startsWith(historyMember, countsEnd)) return undefined;

  const historyEnd = entry.indexOf('],"', countsEnd + historyMember.length);
  if (!entry.startsWith(lastSendMember, historyEnd)) return undefined;
  const lastSendAt = historyEnd + lastSendMember.length;
  const lastSendEnd = pastDigits(entry, lastSendAt);
  if (!entry.startsWith(transactionIdMember, lastSendEnd)) return undefined;
  const transactionIdAt = lastSendEnd + transactionIdMember.length;
  const transactionIdEnd = endOfText(entry, transactionIdAt);
  if (!entry.startsWith(orderIdMember, transactionIdEnd)) return undefined;
  const orderIdAt = transactionIdEnd + orderIdMember.length;
  const orderIdEnd = endOfText(entry, orderIdAt);
  if (!entry.startsWith(stateMember, orderIdEnd)) return undefined;
  at = orderIdEnd + stateMember.length;
  if (entry.startsWith(endingMember, at)) at = endOfFlat(entry, at + endingMember.length) + 1;
  if (!entry.startsWith(evidenceMember, at)) return undefined;
  at = endOfFlat(entry, at + evidenceMember.length) + 1;
  if (!entry.startsWith(finalMember, at)) return undefined;
  const finalEnd = pastDigits(entry, at + finalMember.length);
  if (finalEnd !== entry.length - 1 || !entry.endsWith("}")) return undefined;

  if (Math.max(attemptEnd - attemptAt, firstSendEnd - firstSendAt, lastSendEnd - lastSendAt) > digitsMax)
    return undefined;
  const chargeId = entry.slice(head.length, chargeIdEnd);
  const requestId = entry.slice(requestIdAt, requestIdEnd);
  const transactionId = entry.slice(transactionIdAt, transactionIdEnd);
  const orderId = entry.slice(orderIdAt, orderIdEnd);
  const currency = entry.slice(currencyAt, currencyEnd);
  if (isEscaped(currency) || isEscaped(chargeId) || isEscaped(requestId)) return undefined;
  if (isEscaped(transactionId) || isEscaped(orderId)) return undefined;
  return {
    chargeId,
    requestId,
    earlierRequestIds: none,
    attempt: numberOf(entry, attemptAt, attemptEnd),
    amount: entry.slice(amountAt, amountEnd),
    currency,
    state: "approved",
    firstSentAtMs: numberOf(entry, firstSendAt, firstSendEnd),
    consumerMarks,
    lastSentAtMs: numberOf(entry, lastSendAt, lastSendEnd),
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
