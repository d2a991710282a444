import { createHash, hash } from "node:crypto";
import { createReadStream, statSync } from "node:fs";
import { findCardDataInText } from "../lib/core/card-data.ts";
import type { Problem, RefusalCode } from "../lib/core/charge.ts";
import { queueJson } from "../lib/core/queue-json.ts";
import { type Columns, cellsOf, messageOfRow, readColumns } from "./csv-row.ts";
import { type PhysicalLine, physicalLines } from "./file-lines.ts";
import { fileTrouble, UsageProblem } from "./usage-problem.ts";

/** SQS takes 256 KiB a message (1 MiB since 2025, which not every endpoint knows). */
export const queueBytesMax = 262_144;

/** What every queue takes of what JSON has: no control characters but tab, line feed and carriage return. */
const takenByQueue = /^[\t\n\r\u{20}-\u{ffff}]*$/u;

/**
 * Why a line of the file can be no message: no queue takes it, or none may have it (S12: card data is refused
 * before it reaches a queue). The words are the worker's own.
 */
export type Unqueueable = { readonly code: RefusalCode; readonly problems: readonly Problem[] };

/** One line of a file of charges (of CSV: one row, which may stretch over several). */
export type ChargeLine = {
  /** of its beginning, counted from 1 */
  readonly line: number;
  /** the message for the queue; of a line that cannot be queued, its beginning */
  readonly body: string;
  /** lower-case hex SHA-256 of the whole message, or of the line's bytes where it cannot be queued */
  readonly bodySha256: string;
  readonly unqueueable?: Unqueueable;
  /** the file's bytes up to the end of this line */
  readonly endsAt: number;
};

/** What tells a file from another one of the same name. */
export type FileIdentity = { readonly bytes: number; readonly sha256: string };

export type ChargeFile = {
  readonly path: string;
  readonly identity: FileIdentity;
  /** The lines that are not blank, one at a time: the file is never in memory as a whole. */
  lines(): AsyncGenerator<ChargeLine>;
};

const isCsv = (path: string): boolean => /\.csv$/i.test(path);
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const sha256 = (content: string | Buffer): string => hash("sha256", content, "hex");

const decode = (bytes: Buffer): string | undefined => {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
};

const refusedAs = (code: RefusalCode, field: string, must: string): Unqueueable => ({
  code,
  problems: [{ field, must }],
});
const tooLarge = refusedAs(
  "message_too_large",
  "message",
  `have at most ${queueBytesMax} bytes: no queue takes more`,
);
const notText = refusedAs("invalid_message", "message", "be UTF-8 text");
const notTaken = refusedAs("invalid_message", "message", "be text that a queue takes: no control characters");

/** The message as the queue gets it, or why it cannot get it. The hash is of the message, as a worker takes it. */
const queueable = ({ line, endsAt }: Pick<ChargeLine, "line" | "endsAt">, text: string): ChargeLine => {
  const body = queueJson(text);
  const whole = { line, endsAt, body, bodySha256: sha256(body) };
  if (Buffer.byteLength(body) > queueBytesMax) return { ...whole, unqueueable: tooLarge };
  if (!takenByQueue.test(body)) return { ...whole, unqueueable: notTaken };
  const cardData = findCardDataInText(body);
  if (cardData === undefined) return whole;
  return { ...whole, unqueueable: refusedAs(cardData.code, cardData.field, cardData.must) };
};

const isBlank = (text: string): boolean => text.trim() === "";

async function* jsonLines(path: string): AsyncGenerator<ChargeLine> {
  let hasher = createHash("sha256");
  const onPiece = (piece: Buffer): void => {
    hasher.update(piece);
  };
  for await (const one of physicalLines(path, { keepBytes: queueBytesMax + 1, onPiece })) {
    const { line, bytes, endsAt } = one;
    const bytesSha256 = one.whole ? sha256(bytes) : hasher.digest("hex");
    hasher = createHash("sha256");
    const text = decode(bytes);
    if (!one.whole || bytes.length > queueBytesMax) {
      const body = bytes.toString("utf8", 0, 40_000);
      yield { line, endsAt, body, bodySha256: bytesSha256, unqueueable: tooLarge };
    } else if (text === undefined)
      yield { line, endsAt, body: bytes.toString("latin1"), bodySha256: bytesSha256, unqueueable: notText };
    else if (!isBlank(text)) yield queueable(one, text);
  }
}

/** The most physical lines that a quoted cell may stretch over. */
const rowLinesMax = 200;

/** `text` is undefined where the line is too long or not UTF-8; then `refusal` says which, and `start` shows it. */
type TextLine = { readonly line: number; readonly endsAt: number } & (
  | { readonly text: string }
  | { readonly text: undefined; readonly start: string; readonly refusal: Unqueueable }
);

const textLine = ({ line, endsAt, bytes, whole }: PhysicalLine): TextLine => {
  const text = whole ? decode(bytes) : undefined;
  if (text !== undefined) return { line, endsAt, text };
  const start = bytes.toString("latin1", 0, 40_000);
  return { line, endsAt, text, start, refusal: whole ? notText : tooLarge };
};

const hasOddQuotes = (text: string): boolean => {
  let odd = false;
  for (let at = text.indexOf('"'); at !== -1; at = text.indexOf('"', at + 1)) odd = !odd;
  return odd;
};

/**
 * A row is a line, or several where a quoted cell holds line ends. Where the quotes do not come out even, the
 * first line alone is wrong: what follows is read again, so that no row is lost to another row's mistake.
 */
async function* csvLines(path: string, columns: Columns): AsyncGenerator<ChargeLine> {
  const source = physicalLines(path, { keepBytes: queueBytesMax + 1 });
  const ahead: TextLine[] = [];
  let header = true;
  const read = async (at: number): Promise<TextLine | undefined> => {
    while (ahead.length <= at) {
      const next = await source.next();
      if (next.done) return undefined;
      if (header) {
        header = isBlank(next.value.bytes.toString("latin1"));
        continue;
      }
      ahead.push(textLine(next.value));
    }
    return ahead[at];
  };
  for (let first = await read(0); first !== undefined; first = await read(0)) {
    const { line, endsAt } = first;
    const refused = (text: string, unqueueable: Unqueueable): ChargeLine => ({
      line,
      endsAt,
      body: text.slice(0, 40_000),
      bodySha256: sha256(text),
      unqueueable,
    });
    if (first.text === undefined) {
      ahead.shift();
      yield refused(first.start, first.refusal);
      continue;
    }
    let row: string | undefined = first.text;
    let taken = 1;
    while (hasOddQuotes(row)) {
      const more: TextLine | undefined = taken < rowLinesMax ? await read(taken) : undefined;
      if (more?.text === undefined || row.length > queueBytesMax) {
        row = undefined;
        break;
      }
      row = `${row}\n${more.text}`;
      taken += 1;
    }
    if (row !== undefined && isBlank(row)) {
      ahead.shift();
      continue;
    }
    const cells = row === undefined ? undefined : cellsOf(row);
    if (cells === undefined || row === undefined) {
      ahead.shift();
      yield refused(first.text, refusedAs("invalid_message", "row", "have its quotes in pairs"));
      continue;
    }
    const last = ahead[taken - 1] ?? first;
    ahead.splice(0, taken);
    if (cells.length !== columns.length)
      yield refused(
        row,
        refusedAs(
          "invalid_message",
          "row",
          `have ${columns.length} cells as the first row has; it has ${cells.length}`,
        ),
      );
    else yield queueable({ line, endsAt: last.endsAt }, messageOfRow(columns, cells));
  }
}

const headerOf = async (path: string): Promise<{ line: number; text: string | undefined } | undefined> => {
  for await (const { line, bytes, whole } of physicalLines(path, { keepBytes: 65_536 })) {
    const text = whole ? decode(bytes) : undefined;
    if (text === undefined || !isBlank(text)) return { line, text };
  }
  return undefined;
};

/**
 * Opens a file of charges: NDJSON, or CSV by its ending. Reads it once, for its identity. Throws
 * `UsageProblem` where it cannot be read, is no plain file, or its row of column names is wrong.
 */
export const openChargeFile = async (path: string): Promise<ChargeFile> => {
  let bytes = 0;
  const hasher = createHash("sha256");
  try {
    const stat = statSync(path);
    // It is read more than once, and again by a run that goes on after a kill.
    if (!stat.isFile()) throw new UsageProblem(`${path}: must be a plain file`);
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      hasher.update(chunk);
    }
  } catch (error) {
    if (error instanceof UsageProblem) throw error;
    throw new UsageProblem(`${path}: ${fileTrouble(error)}`);
  }
  const identity = { bytes, sha256: hasher.digest("hex") };
  if (!isCsv(path)) return { path, identity, lines: () => jsonLines(path) };
  const header = await headerOf(path);
  if (header === undefined) throw new UsageProblem(`${path}: is empty: no row of column names`);
  const read =
    header.text === undefined
      ? { problems: ["the row of column names must be UTF-8 text"] }
      : readColumns(header.text);
  if ("problems" in read)
    throw new UsageProblem(read.problems.map((problem) => `${path}:${header.line}: ${problem}`));
  return { path, identity, lines: () => csvLines(path, read.columns) };
};
