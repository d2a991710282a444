import type { Transaction } from "./transaction.ts";

/** One line of the file: something the gateway must still know after it was killed. */
export type MemoryLine =
  | { readonly line: "sent"; readonly requestId: string; readonly at: number }
  /** The transaction and its request id in one line: there is no state in which only one of them is kept. */
  | { readonly line: "processed"; readonly transaction: Transaction }
  | { readonly line: "forgotten"; readonly at: number };

export function isMemoryLine(value: unknown): value is MemoryLine {
  const kind = typeof value === "object" && value !== null && "line" in value ? value.line : undefined;
  return kind === "sent" || kind === "processed" || kind === "forgotten";
}
