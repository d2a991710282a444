import type { GatewayName } from "../core/charge.ts";
import type { Finding } from "../core/finding.ts";
import type { LedgerEntry } from "../core/ledger.ts";
import type { MissingPart } from "../core/reconciled-day.ts";
import { missingWords, proposalWords, rowWords } from "./finding-words.ts";

/** A finding with the charge as the ledger has it now. */
export type ToldFinding = { readonly finding: Finding; readonly entry: LedgerEntry | undefined };

/** A part that was not compared stands among the findings, so that no file without any looks like a clean one. */
const missingId = (gateway: GatewayName, { fromMs, toMs }: MissingPart): string =>
  `${gateway}#incomplete#${new Date(fromMs).toISOString()}#${new Date(toMs).toISOString()}`;

/** One JSON object a finding, with its charge's history; its line end is included. */
export const findingJson = ({ finding, entry }: ToldFinding): string =>
  `${JSON.stringify({ ...finding, ...(entry === undefined ? {} : { history: entry.history }) })}\n`;

export const missingJson = (gateway: GatewayName, part: MissingPart): string =>
  `${JSON.stringify({
    id: missingId(gateway, part),
    kind: "incomplete",
    gateway,
    from: new Date(part.fromMs).toISOString(),
    to: new Date(part.toMs).toISOString(),
    reason: part.reason,
    ...(part.why === undefined ? {} : { why: part.why }),
  })}\n`;

export const csvColumns = [
  "id",
  "kind",
  "gateway",
  "chargeId",
  "amountMinor",
  "currency",
  "next",
  "closedAs",
  "inReview",
  "at",
  "ledgerState",
  "ledgerAmountMinor",
  "ledgerCurrency",
  "ledgerRequestId",
  "ledgerTransactionId",
  "gatewayRows",
  "refundProposal",
] as const;

type Cells = Readonly<Record<(typeof csvColumns)[number], string | undefined>>;

/** A cell that a spreadsheet takes for a formula is what the gateway wrote, and must stay a text. */
const cell = (text = ""): string => {
  const harmless = /^[=+\-@\t\r]/.test(text) && !/^-?\d+$/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
};

const csvLine = (cells: Partial<Cells>): string =>
  `${csvColumns.map((name) => cell(cells[name])).join(",")}\r\n`;

export const csvHead = `${csvColumns.join(",")}\r\n`;

/** One line a finding; both sides in words. */
export const findingCsv = ({ finding }: ToldFinding): string => {
  const { ledger } = finding;
  const cells: Cells = {
    id: finding.id,
    kind: finding.kind,
    gateway: finding.gateway,
    chargeId: finding.chargeId,
    amountMinor: finding.money?.amount,
    currency: finding.money?.currency,
    next: finding.next,
    closedAs: finding.closedAs,
    inReview: finding.inReview === true ? "yes" : "",
    at: finding.atMs === undefined ? undefined : new Date(finding.atMs).toISOString(),
    ledgerState: ledger?.state,
    ledgerAmountMinor: ledger?.amount,
    ledgerCurrency: ledger?.currency,
    ledgerRequestId: ledger?.requestId,
    ledgerTransactionId: ledger?.transactionId,
    gatewayRows: finding.rows.map(rowWords).join(" | "),
    refundProposal: proposalWords(finding).join(" | "),
  };
  return csvLine(cells);
};

export const missingCsv = (gateway: GatewayName, part: MissingPart): string =>
  csvLine({
    id: missingId(gateway, part),
    kind: "incomplete",
    gateway,
    next: missingWords(part),
    at: new Date(part.fromMs).toISOString(),
  });
