import { appendFileSync, closeSync, existsSync, openSync, readFileSync, truncateSync } from "node:fs";
import type { Transaction } from "./transaction.ts";

/** One line of the file: something the gateway must still know after it was killed. */
export type MemoryLine =
  | { readonly line: "sent"; readonly requestId: string; readonly at: number }
  /** The transaction and its request id in one line: there is no state in which only one of them is kept. */
  | { readonly line: "processed"; readonly transaction: Transaction }
  | { readonly line: "forgotten"; readonly at: number };

export interface MemoryFile {
  /** What an earlier gateway wrote, oldest first. */
  readonly lines: readonly MemoryLine[];
  /**
   * Writes a line before it returns. There is no fsync: the file has to outlive this process, not the machine,
   * and what was written survives a SIGKILL in the system's page cache.
   */
  append(line: MemoryLine): void;
  close(): void;
}

/** A memory that lasts as long as the process. */
export const noMemoryFile: MemoryFile = { lines: [], append: () => {}, close: () => {} };

/**
 * Opens an NDJSON file, which need not exist yet. A last line without its end was being written when the
 * process died; its answer never went out, so it is dropped. Any other line that cannot be read is an error.
 */
export function openMemoryFile(path: string): MemoryFile {
  const bytes = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  const whole = bytes.lastIndexOf(0x0a) + 1;
  if (whole < bytes.length) truncateSync(path, whole);
  const texts = bytes.subarray(0, whole).toString("utf8").split("\n").slice(0, -1);
  const lines = texts.map((text, index) => readLine(text, `${path}:${index + 1}`));
  // Consumers are named in it.
  const file = openSync(path, "a", 0o600);
  return {
    lines,
    append: (line) => appendFileSync(file, `${JSON.stringify(line)}\n`),
    close: () => closeSync(file),
  };
}

function readLine(text: string, where: string): MemoryLine {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch {
    throw new Error(`${where}: not JSON`);
  }
  const kind = typeof line === "object" && line !== null && "line" in line ? line.line : undefined;
  if (kind !== "sent" && kind !== "processed" && kind !== "forgotten") {
    throw new Error(`${where}: not a line of a sandbox gateway's memory`);
  }
  return line as MemoryLine;
}
