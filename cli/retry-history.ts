import { findCardDataInText } from "../lib/core/card-data.ts";
import { type DeclineCategory, declineCategories } from "../lib/core/decline.ts";
import { isJsonObject, type JsonObject, parseJson } from "../lib/core/json.ts";
import { parseAmountMinor, parseCurrency } from "../lib/core/money.ts";
import { visaCategoryOf } from "../lib/core/retry-rules/visa.ts";
import type { PastAttempt } from "../lib/core/retry-simulation.ts";
import { cellsOf } from "./csv-row.ts";
import { physicalLines } from "./file-lines.ts";
import { fileTrouble, UsageProblem } from "./usage-problem.ts";

/** What a file of past attempts looks like, for `--help`. */
export const historyHelp = `FILE has one attempt a line, NDJSON, or CSV by the ending .csv with a first row of column names:
  chargeId      the charge that the attempt belongs to
  at            when it was made: ISO 8601 UTC, 2026-11-22T18:00:00Z
  amount        a string of digits, minor units of the currency (1999 is 19.99 EUR)
  currency      ISO 4217
  outcome       approved or declined
  instrument    your reference of the card or account; without it no limit can be counted
  network       visa, mastercard, …; without it the strictest rules of all count
  networkCode   the network's own response code (51, 05, R1)
  adviceCode    Mastercard's own advice code (03, 24)
  category      one of ${declineCategories.slice(0, 6).join(", ")},
                ${declineCategories.slice(6).join(", ")};
                without it Visa's category of networkCode decides, and else time may heal it
The last five may be left out. Attempts may stand in any order. A charge on another instrument is another charge.`;

const fields = new Set([
  "chargeId",
  "at",
  "amount",
  "currency",
  "outcome",
  "instrument",
  "network",
  "networkCode",
  "adviceCode",
  "category",
]);

const lineBytesMax = 65_536;
const problemsMax = 20;

const categoryOf = (networkCode: string | undefined, nowMs: number): DeclineCategory => {
  const visa = networkCode === undefined ? 4 : visaCategoryOf(networkCode, { nowMs, region: "global" });
  if (visa === 1) return "never_approved";
  return visa === 3 ? "wrong_details" : "issuer_refused";
};

/** One attempt, or what is wrong with its line. No problem shows a value. */
export const readAttempt = (row: JsonObject): PastAttempt | { readonly problems: readonly string[] } => {
  const problems: string[] = [];
  const text = (name: string, must: string, pattern: RegExp): string | undefined => {
    const value = row[name];
    if (value === undefined) return undefined;
    if (typeof value === "string" && pattern.test(value)) return value;
    problems.push(`${name}: must be ${must}`);
    return undefined;
  };
  const required = (name: string, must: string, pattern: RegExp): string => {
    if (row[name] === undefined) problems.push(`${name}: must be there`);
    return text(name, must, pattern) ?? "";
  };
  for (const name of Object.keys(row))
    if (!fields.has(name)) problems.push(`${name.slice(0, 40)}: no such field`);
  const chargeId = required("chargeId", "a text of 1 to 200 characters", /^.{1,200}$/s);
  const at = required(
    "at",
    "a UTC time like 2026-11-22T18:00:00Z",
    /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?Z$/,
  );
  const atMs = at === "" ? 0 : Date.parse(at);
  if (Number.isNaN(atMs)) problems.push("at: must be a day that there is");
  const amountMinor = parseAmountMinor(row["amount"]);
  if (amountMinor === undefined) problems.push("amount: must be a string of digits, in minor units");
  const currency = parseCurrency(String(row["currency"] ?? ""));
  if (currency === undefined) problems.push("currency: must be an ISO 4217 code of three capital letters");
  const outcome = required("outcome", "approved or declined", /^(approved|declined)$/);
  const instrument = text("instrument", "a text of 1 to 200 characters", /^.{1,200}$/s);
  const network = text("network", "a name", /^[A-Za-z0-9 _-]{1,40}$/);
  const networkCode = text("networkCode", "two letters or digits", /^[A-Za-z0-9]{2}$/);
  const adviceCode = text("adviceCode", "Mastercard's own two digits", /^\d\d$/);
  const category = row["category"];
  if (category !== undefined && !(declineCategories as readonly unknown[]).includes(category))
    problems.push("category: must be one of the list (--help)");
  if (problems.length > 0) return { problems };
  return {
    chargeId,
    atMs,
    amountMinor: amountMinor ?? 0n,
    currency: currency ?? "",
    outcome: outcome as PastAttempt["outcome"],
    ...(instrument === undefined ? {} : { instrument }),
    ...(network === undefined ? {} : { network }),
    ...(networkCode === undefined ? {} : { networkCode }),
    ...(adviceCode === undefined ? {} : { adviceCode }),
    category: (category as DeclineCategory | undefined) ?? categoryOf(networkCode, atMs),
  };
};

/** A row of a CSV file as the members that its cells fill; an empty cell fills none. */
const rowOfCells = (columns: readonly string[], text: string): JsonObject | string => {
  const cells = cellsOf(text);
  if (cells === undefined) return "must have its quotes in pairs, on one line";
  if (cells.length !== columns.length)
    return `must have ${columns.length} cells as the first row has; it has ${cells.length}`;
  return Object.fromEntries(
    columns.flatMap((name, at) => (cells[at] ? [[name, cells[at]]] : [])),
  ) as JsonObject;
};

const columnsOf = (
  text: string,
): { readonly columns: readonly string[] } | { readonly problems: string[] } => {
  const columns = (cellsOf(text) ?? []).map((name) => name.trim());
  const problems = columns.flatMap((name, at) => {
    if (!fields.has(name)) return [`column ${at + 1}: no such column`];
    return columns.indexOf(name) < at ? [`column ${at + 1}: is there twice`] : [];
  });
  for (const name of ["chargeId", "at", "amount", "currency", "outcome"])
    if (!columns.includes(name)) problems.push(`column ${name}: must be there`);
  return problems.length === 0 ? { columns } : { problems };
};

/**
 * Reads a whole file of past attempts.
 * @throws `UsageProblem` with every wrong line, up to twenty; a card number is never shown (S12)
 */
export const readHistory = async (path: string): Promise<readonly PastAttempt[]> => {
  const attempts: PastAttempt[] = [];
  const problems: string[] = [];
  const isCsv = /\.csv$/i.test(path);
  const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let columns: readonly string[] | undefined;
  const read = (line: number, text: string): readonly string[] => {
    const cardData = findCardDataInText(text);
    if (cardData !== undefined) return [`${cardData.field}: must ${cardData.must}`];
    if (isCsv && columns === undefined) {
      const header = columnsOf(text);
      if ("problems" in header)
        throw new UsageProblem(header.problems.map((one) => `${path}:${line}: ${one}`));
      columns = header.columns;
      return [];
    }
    const row = columns === undefined ? parseJson(text) : rowOfCells(columns, text);
    if (typeof row === "string" && isCsv) return [row];
    if (!isJsonObject(row)) return ["must be a JSON object"];
    const attempt = readAttempt(row);
    if ("problems" in attempt) return attempt.problems;
    attempts.push(attempt);
    return [];
  };
  try {
    for await (const { line, bytes, whole } of physicalLines(path, { keepBytes: lineBytesMax })) {
      let wrong: readonly string[];
      try {
        const text = whole ? utf8.decode(bytes) : "";
        wrong = !whole
          ? [`must have at most ${lineBytesMax} bytes`]
          : text.trim() === ""
            ? []
            : read(line, text);
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        wrong = ["must be UTF-8 text"];
      }
      problems.push(...wrong.map((problem) => `${path}:${line}: ${problem}`));
      if (problems.length >= problemsMax) break;
    }
  } catch (error) {
    if (error instanceof UsageProblem) throw error;
    throw new UsageProblem(`${path}: ${fileTrouble(error)}`);
  }
  if (problems.length >= problemsMax)
    throw new UsageProblem([
      ...problems.slice(0, problemsMax),
      `${path}: and perhaps more: nothing further was read`,
    ]);
  if (problems.length > 0) throw new UsageProblem(problems);
  if (attempts.length === 0) throw new UsageProblem(`${path}: has no attempt`);
  return attempts;
};
