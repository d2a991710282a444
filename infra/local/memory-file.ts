import { appendFileSync, closeSync, existsSync, openSync, readFileSync, truncateSync } from "node:fs";

/** The file of a sandbox gateway: what it must still know after it was killed, a JSON line each. */
export interface MemoryFile<Line> {
  /** What an earlier gateway wrote, oldest first. */
  readonly lines: readonly Line[];
  /**
   * Writes a line before it returns. There is no fsync: the file has to outlive this process, not the machine,
   * and what was written survives a SIGKILL in the system's page cache.
   */
  append(line: Line): void;
  close(): void;
}

/** A memory that lasts as long as the process. */
export const noMemoryFile: MemoryFile<never> = { lines: [], append: () => {}, close: () => {} };

/**
 * Opens an NDJSON file, which need not exist yet. A last line without its end was being written when the
 * process died; its answer never went out, so it is dropped. Any other line that cannot be read is an error.
 */
export function openMemoryFile<Line>(
  path: string,
  isLine: (value: unknown) => value is Line,
): MemoryFile<Line> {
  const bytes = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  const whole = bytes.lastIndexOf(0x0a) + 1;
  if (whole < bytes.length) truncateSync(path, whole);
  const texts = bytes.subarray(0, whole).toString("utf8").split("\n").slice(0, -1);
  const lines = texts.map((text, index) => readLine(text, `${path}:${index + 1}`, isLine));
  // Customers are named in it.
  const file = openSync(path, "a", 0o600);
  return {
    lines,
    append: (line) => appendFileSync(file, `${JSON.stringify(line)}\n`),
    close: () => closeSync(file),
  };
}

function readLine<Line>(text: string, where: string, isLine: (value: unknown) => value is Line): Line {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch {
    throw new Error(`${where}: not JSON`);
  }
  if (!isLine(line)) throw new Error(`${where}: not a line of a sandbox gateway's memory`);
  return line;
}
