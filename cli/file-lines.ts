import { createReadStream } from "node:fs";

/** One physical line of a file, without its end. */
export type PhysicalLine = {
  /** counted from 1 */
  readonly line: number;
  /** its bytes, at most `keepBytes` of them */
  readonly bytes: Buffer;
  /** all the bytes it has */
  readonly length: number;
  /** what `bytes` leaves out, in pieces, is told to `onRest` as it goes by */
  readonly whole: boolean;
  /** the file's bytes up to and including the line's end */
  readonly endsAt: number;
};

export type LineOptions = {
  /** how much of a line is kept in memory */
  readonly keepBytes: number;
  /** told of every piece of every line, in order: for a hash of lines that are too long to be kept */
  readonly onPiece?: ((piece: Buffer) => void) | undefined;
};

const newline = 0x0a;
const carriageReturn = 0x0d;
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * Reads a file line by line. Memory is bounded by `keepBytes` and a read buffer, however long a line is.
 * A byte order mark at the file's start and a carriage return at a line's end are not part of the line.
 * Throws what the file system throws.
 */
export async function* physicalLines(path: string, options: LineOptions): AsyncGenerator<PhysicalLine> {
  let line = 1;
  let kept: Buffer[] = [];
  let keptBytes = 0;
  let length = 0;
  let endsAt = 0;
  let first = true;

  const take = (piece: Buffer): void => {
    length += piece.length;
    options.onPiece?.(piece);
    if (keptBytes >= options.keepBytes) return;
    const part = piece.subarray(0, options.keepBytes - keptBytes);
    kept.push(part);
    keptBytes += part.length;
  };
  const end = (): PhysicalLine => {
    let bytes = kept.length === 1 && kept[0] !== undefined ? kept[0] : Buffer.concat(kept);
    const whole = bytes.length === length;
    if (first && bytes.subarray(0, 3).equals(byteOrderMark)) bytes = bytes.subarray(3);
    if (whole && bytes.at(-1) === carriageReturn) bytes = bytes.subarray(0, -1);
    const ended = { line, bytes, length: whole ? bytes.length : length, whole, endsAt };
    first = false;
    line += 1;
    kept = [];
    keptBytes = 0;
    length = 0;
    return ended;
  };

  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 18 }) as AsyncIterable<Buffer>) {
    let from = 0;
    for (let to = chunk.indexOf(newline); to !== -1; to = chunk.indexOf(newline, from)) {
      if (to > from) take(chunk.subarray(from, to));
      endsAt += to - from + 1;
      yield end();
      from = to + 1;
    }
    if (from < chunk.length) {
      // Copied: the rest of the chunk must not be kept alive by the beginning of one line.
      take(Buffer.from(chunk.subarray(from)));
      endsAt += chunk.length - from;
    }
  }
  if (length > 0) yield end();
}
