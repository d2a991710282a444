import { closeSync, openSync, writeSync } from "node:fs";
import type { Finding } from "../lib/core/finding.ts";
import type { LedgerEntry } from "../lib/core/ledger.ts";
import { proposalWords, rowWords } from "./finding-words.ts";
import { fileTrouble, UsageProblem } from "./usage-problem.ts";

/** A finding with the charge as the ledger has it now. */
export type ToldFinding = { readonly finding: Finding; readonly entry: LedgerEntry | undefined };

/** Takes findings as they come, so that none has to be kept. */
export type FindingFile = { add(told: ToldFinding): void; close(): void };

/** Opens a file for writing, or throws a `UsageProblem` that names the flag. */
export const openForWriting = (flag: string, path: string): number => {
  try {
    return openSync(path, "w", 0o600);
  } catch (error) {
    throw new UsageProblem(`${flag} ${path}: ${fileTrouble(error)}`);
  }
};

/** One JSON object a finding, with its charge's history. */
export const ndjsonFile = (path: string): FindingFile => {
  const file = openForWriting("--ndjson", path);
  return {
    add({ finding, entry }) {
      writeSync(
        file,
        `${JSON.stringify({ ...finding, ...(entry === undefined ? {} : { history: entry.history }) })}\n`,
      );
    },
    close: () => closeSync(file),
  };
};

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

/** A cell that a spreadsheet takes for a formula is what the gateway wrote, and must stay a text. */
const cell = (value: string | number | undefined): string => {
  const text = value === undefined ? "" : String(value);
  const harmless = /^[=+\-@\t\r]/.test(text) && !/^-?\d+$/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
};

/** One line a finding; both sides in words. */
export const csvFile = (path: string): FindingFile => {
  const file = openForWriting("--csv", path);
  writeSync(file, `${csvColumns.join(",")}\r\n`);
  return {
    add({ finding }) {
      const { ledger } = finding;
      const cells: Readonly<Record<(typeof csvColumns)[number], string | undefined>> = {
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
      writeSync(file, `${csvColumns.map((name) => cell(cells[name])).join(",")}\r\n`);
    },
    close: () => closeSync(file),
  };
};
