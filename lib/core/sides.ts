import { digitsOf } from "./currency.ts";
import type { FeedPage, FeedRow } from "./feed.ts";
import { type LedgerEntry, type LedgerState, ledgerStates } from "./ledger.ts";
import { fromDecimal, parseCurrency } from "./money.ts";
import type { GatewayReply } from "./reply.ts";

/** What the ledger says of a charge, as far as it is compared. */
export type LedgerSide = {
  readonly chargeId: string;
  readonly requestId: string;
  /** of the attempts before this one */
  readonly earlierRequestIds: readonly string[];
  readonly attempt: number;
  /** minor units, digits */
  readonly amount: string;
  readonly currency: string;
  readonly state: LedgerState;
  /** why it is not final, or in review */
  readonly reason?: string;
  readonly transactionId?: string;
  readonly orderId?: string;
  /** what was made at the gateway for this charge before it was sent */
  readonly preparedId?: string;
  /** when the first byte of this attempt can have left; where nothing did, when the charge was opened */
  readonly firstSentAtMs: number;
  /** the latest moment at which something of this charge can have left; `undefined`: nothing ever did */
  readonly lastSentAtMs?: number;
  /** a worker has it in hand until then */
  readonly leaseUntilMs?: number;
  /** who was charged, as the ledger keeps it: hashes */
  readonly consumerMarks: readonly string[];
};

/** What one row of the gateway's feed says. */
export type GatewaySide = {
  readonly kind: FeedRow["kind"];
  readonly says: GatewayReply["kind"];
  readonly code?: string;
  readonly transactionId?: string;
  readonly orderId?: string;
  readonly parentTransactionId?: string;
  readonly requestId?: string;
  readonly chargeId?: string;
  /** minor units, digits, perhaps with a minus; absent where the gateway's amount is none of the currency */
  readonly amount?: string;
  /** the amount as the gateway writes it, where it is no amount of the currency */
  readonly written?: string;
  readonly currency?: string;
  readonly atMs?: number;
  readonly consumers: readonly string[];
  /** a reversal that the gateway itself says did not take place */
  readonly failed?: true;
};

/** The minor units of a decimal, as text; the common form is read without a number. */
const minorText = (decimal: string, currency: string): string | undefined => {
  const known = parseCurrency(currency);
  if (known === undefined) return undefined;
  const digits = digitsOf(known);
  if (digits === 2 && decimal.length <= 15 && /^[1-9][0-9]*\.[0-9]{2}$/.test(decimal))
    return decimal.slice(0, -3) + decimal.slice(-2);
  const minor = fromDecimal(decimal, known);
  return minor === undefined ? undefined : String(minor);
};

type Growing<Side> = { -readonly [K in keyof Side]: Side[K] };
const none: readonly string[] = [];

/**
 * What the gateway calls the order of this charge alone. A Payment Request that was authorised beforehand is drawn on
 * by several charges (facts, Centrapay: one confirmation each), and names none of them.
 */
const ownOrderOf = ({ gateway, ids, preparation }: LedgerEntry): string | undefined =>
  gateway === "centrapay" && preparation === undefined ? undefined : ids?.orderId;

export const ledgerSideOf = (entry: LedgerEntry): LedgerSide => {
  const side: Growing<LedgerSide> = {
    chargeId: entry.chargeId,
    requestId: entry.requestId,
    earlierRequestIds: entry.earlierRequestIds ?? none,
    attempt: entry.attempt,
    amount: entry.amount,
    currency: entry.currency,
    state: entry.state,
    firstSentAtMs: entry.firstSendAtMs ?? entry.openedAtMs,
    consumerMarks: entry.consumerMarks ?? none,
  };
  const neverSent = entry.state === "waiting" || entry.state === "expired";
  const lastSentAtMs = neverSent ? undefined : (entry.lastSendAtMs ?? entry.firstSendAtMs);
  if (lastSentAtMs !== undefined) side.lastSentAtMs = lastSentAtMs;
  if (entry.ids?.transactionId !== undefined) side.transactionId = entry.ids.transactionId;
  const orderId = ownOrderOf(entry);
  if (orderId !== undefined) side.orderId = orderId;
  const preparedId = entry.preparation?.prepared?.id;
  if (preparedId !== undefined) side.preparedId = preparedId;
  if ("reason" in entry) side.reason = entry.reason;
  if (entry.state === "opened") side.leaseUntilMs = entry.leaseUntilMs;
  return side;
};

export const gatewaySideOf = (row: FeedRow): GatewaySide => {
  const { reply, amount, currency } = row;
  const side: Growing<GatewaySide> = { kind: row.kind, says: reply.kind, consumers: row.consumers };
  if ("code" in reply) side.code = reply.code;
  if (row.transactionId !== undefined) side.transactionId = row.transactionId;
  if (row.orderId !== undefined) side.orderId = row.orderId;
  if (row.parentTransactionId !== undefined) side.parentTransactionId = row.parentTransactionId;
  if (row.requestId !== undefined) side.requestId = row.requestId;
  if (row.chargeId !== undefined) side.chargeId = row.chargeId;
  if (currency !== undefined) side.currency = currency;
  if (amount !== undefined) {
    const minor = currency === undefined ? undefined : minorText(amount, currency);
    if (minor === undefined) side.written = amount;
    else side.amount = minor;
  }
  if (row.atMs !== undefined) side.atMs = row.atMs;
  if (row.failed === true) side.failed = true;
  return side;
};

/** A page of a feed as it is compared. */
export const comparedPage = (page: FeedPage): FeedPage<GatewaySide> =>
  page.kind === "page" ? { ...page, rows: page.rows.map(gatewaySideOf) } : page;

/*
 * Each side is kept outside the memory as one line of fields between tabs. The first fields are the same on
 * both sides, so that two lines which agree begin with the same text:
 *
 *     | length of what must agree, 3 digits | verdict | currency | amount | charge | request | transaction | …
 *
 * The verdict is `A` for money that was taken, on either side; for the rest the letters never meet.
 */
const verdictOfState = (state: LedgerState): string =>
  state === "approved" ? "A" : String.fromCharCode(0x61 + ledgerStates.indexOf(state));
const replyKinds = ["captured", "accepted", "refused", "invalid", "unproven"] as const;
const verdictOfRow = (kind: FeedRow["kind"], says: GatewayReply["kind"], failed: true | undefined): string =>
  failed === true
    ? "F"
    : kind === "reversal"
      ? "R"
      : says === "captured"
        ? "A"
        : String.fromCharCode(0x4a + replyKinds.indexOf(says));

const separator = "\x1e";
const unprintable = /[^\x20-\x7e]/;
const unprintables = /[^\x20-\x7e]/g;

/** A text of the gateway's, on one line and of bounded length. What was changed in it can be no id of ours. */
const plain = (text: string | undefined): string => {
  if (text === undefined) return "";
  if (text.length > 64) return `${text.slice(0, 63).replace(unprintables, "?")}?`;
  return unprintable.test(text) ? text.replace(unprintables, "?") : text;
};

const lineOf = (agreeing: string, rest: string): string =>
  `${agreeing.length < 10 ? "00" : agreeing.length < 100 ? "0" : ""}${agreeing.length}${agreeing}${rest}`;

/** A side as a line, its newline included. */
export const ledgerLine = (side: LedgerSide): string => `${ledgerText(side)}\n`;

/** What nearly every charge has in common takes no room. */
export const ledgerText = (side: LedgerSide): string => {
  const lastSent =
    side.lastSentAtMs === side.firstSentAtMs
      ? "="
      : side.lastSentAtMs === undefined
        ? ""
        : String(side.lastSentAtMs);
  const marks = side.consumerMarks.length === 1 ? side.consumerMarks[0] : side.consumerMarks.join(separator);
  const rare =
    side.attempt === 1 &&
    side.earlierRequestIds.length === 0 &&
    side.preparedId === undefined &&
    side.leaseUntilMs === undefined &&
    side.reason === undefined
      ? ""
      : `\t${side.attempt}\t${side.earlierRequestIds.join(separator)}\t${side.preparedId ?? ""}\t${side.leaseUntilMs ?? ""}\t${side.reason ?? ""}`;
  return lineOf(
    `${verdictOfState(side.state)}${side.currency}\t${side.amount}\t${side.chargeId}\t${side.requestId}\t${side.transactionId ?? ""}\t`,
    `${side.firstSentAtMs}\t${side.orderId ?? ""}\t${lastSent}\t${marks}${rare}`,
  );
};

export const gatewayLine = (side: GatewaySide): string => {
  const consumers = side.consumers.length === 0 ? "" : side.consumers.slice(0, 4).map(plain).join(separator);
  const rare =
    side.parentTransactionId === undefined && side.written === undefined && consumers === ""
      ? ""
      : `\t${side.parentTransactionId ?? ""}\t${side.written ?? ""}\t${consumers}`;
  return `${lineOf(
    `${verdictOfRow(side.kind, side.says, side.failed)}${plain(side.currency)}\t${side.amount ?? ""}\t${plain(side.chargeId)}\t${plain(side.requestId)}\t${side.transactionId ?? ""}\t`,
    `${side.atMs ?? ""}\t${side.orderId ?? ""}\t${side.code ?? ""}${rare}`,
  )}\n`;
};

const listOf = (field: string | undefined): readonly string[] =>
  field === undefined || field === "" ? [] : field.split(separator);
const optional = <K extends string>(key: K, field: string | undefined): { [P in K]?: string } =>
  (field === undefined || field === "" ? {} : { [key]: field }) as { [P in K]?: string };
const moment = <K extends string>(key: K, field: string | undefined): { [P in K]?: number } =>
  (field === undefined || field === "" ? {} : { [key]: Number(field) }) as { [P in K]?: number };

export const readLedgerLine = (line: string): LedgerSide => {
  const [head = "", amount = "", chargeId = "", requestId = "", transactionId, ...rest] = line
    .slice(3)
    .split("\t");
  const [firstSentAt, orderId, lastSentAt, marks, attempt, earlier, preparedId, leaseUntil, reason] = rest;
  const letter = head.charCodeAt(0);
  return {
    chargeId,
    requestId,
    earlierRequestIds: listOf(earlier),
    attempt: attempt === undefined ? 1 : Number(attempt),
    amount,
    currency: head.slice(1),
    state: head.startsWith("A") ? "approved" : (ledgerStates[letter - 0x61] ?? "opened"),
    ...optional("reason", reason),
    ...optional("transactionId", transactionId),
    ...optional("orderId", orderId),
    ...optional("preparedId", preparedId),
    firstSentAtMs: Number(firstSentAt),
    ...moment("lastSentAtMs", lastSentAt === "=" ? firstSentAt : lastSentAt),
    ...moment("leaseUntilMs", leaseUntil),
    consumerMarks: listOf(marks),
  };
};

export const readGatewayLine = (line: string): GatewaySide => {
  const [head = "", amount, chargeId, requestId, transactionId, ...rest] = line.slice(3).split("\t");
  const [at, orderId, code, parent, written, consumers] = rest;
  const letter = head.charAt(0);
  const reversal = letter === "R" || letter === "F";
  const says = letter === "A" ? "captured" : replyKinds[letter.charCodeAt(0) - 0x4a];
  return {
    kind: reversal ? "reversal" : "charge",
    says: reversal ? "unproven" : (says ?? "unproven"),
    ...optional("code", code),
    ...optional("transactionId", transactionId),
    ...optional("orderId", orderId),
    ...optional("parentTransactionId", parent),
    ...optional("requestId", requestId),
    ...optional("chargeId", chargeId),
    ...optional("amount", amount),
    ...optional("written", written),
    ...optional("currency", head.slice(1)),
    ...moment("atMs", at),
    consumers: listOf(consumers),
    ...(letter === "F" ? { failed: true as const } : {}),
  };
};

/** The charge id of a line of either side. */
export const chargeIdOfLine = (line: string): string => {
  const amountAt = line.indexOf("\t", 4) + 1;
  const idAt = line.indexOf("\t", amountAt) + 1;
  return line.slice(idAt, line.indexOf("\t", idAt));
};

/** How much of a line has to be the same on the other side. */
export const agreeingEnd = (line: string): number =>
  3 + (line.charCodeAt(0) - 48) * 100 + (line.charCodeAt(1) - 48) * 10 + (line.charCodeAt(2) - 48);

/** Whether a charge and a row say the same of a capture, word for word; the rules need not be asked then. */
export const sidesAgree = (ledger: LedgerSide, row: GatewaySide): boolean =>
  row.says === "captured" &&
  row.kind === "charge" &&
  ledger.state === "approved" &&
  // Without a transaction id the rules have to be asked.
  row.transactionId !== undefined &&
  row.amount !== undefined &&
  row.transactionId === ledger.transactionId &&
  row.requestId === ledger.requestId &&
  row.chargeId === ledger.chargeId &&
  row.amount === ledger.amount &&
  row.currency === ledger.currency;

/** What two lines that agree about a capture have in common; `undefined` where they do not, or may not. */
export const agreed = (
  ledger: string,
  row: string,
): { readonly amount: number; readonly currency: string; readonly atMs: number } | undefined => {
  const end = agreeingEnd(row);
  // Without a transaction id, or in another verdict than a capture, the rules have to be asked.
  if (row.charCodeAt(3) !== 0x41 || row.charCodeAt(end - 2) === 0x09) return undefined;
  if (!ledger.startsWith(row.slice(0, end))) return undefined;
  const currencyEnd = row.indexOf("\t", 4);
  const atText = row.slice(end, row.indexOf("\t", end));
  return {
    amount: Number(row.slice(currencyEnd + 1, row.indexOf("\t", currencyEnd + 1))),
    currency: row.slice(4, currencyEnd),
    atMs: atText === "" ? Number.NaN : Number(atText),
  };
};
