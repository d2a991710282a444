import { keyHashOfBytes } from "./key-hash.ts";
import { agreeingEnd, type GatewaySide, type LedgerSide, ledgerText } from "./sides.ts";

/*
 * A charge and the row that agrees with it, kept outside the memory as one line:
 *
 *     the charge's line | \x1d | the row's time, order and code
 */
const separator = "\x1d";

/** A pair as a line, its newline included. */
export const pairLine = (ledger: LedgerSide, row: GatewaySide): string =>
  `${ledgerText(ledger)}${separator}${row.atMs ?? ""}\t${row.orderId ?? ""}\t${row.code ?? ""}\n`;

/** The lines of both sides, newlines included, of a pair's line without one. */
export const sidesOfPair = (line: string): { readonly ledger: string; readonly row: string } => {
  const ledgerEnd = line.indexOf(separator);
  return {
    ledger: `${line.slice(0, ledgerEnd)}\n`,
    row: `${line.slice(0, agreeingEnd(line))}${line.slice(ledgerEnd + 1)}\n`,
  };
};

const [tab, newline] = [0x09, 0x0a];
/** By which a charge may be known, at the fields of its line: charge, request, transaction and order id. */
const kinds = [0, 0, 0x63, 0x72, 0x74, 0, 0x6f] as const;

/** Whether all by which a charge may be known stands in those fields: only then it may be half of a pair. */
export const mayPair = (charge: LedgerSide): boolean =>
  charge.earlierRequestIds.length === 0 && charge.preparedId === undefined;

/**
 * Hands on each line, without its newline, whose charge may be known by a key that `mayBe` knows by its hash. Few
 * are, of very many: so texts are made of these alone.
 * @param asked the kinds of keys that are looked for: `c`, `r`, `t` and `o`
 */
export const pairsKnownBy = (
  bytes: Uint8Array,
  asked: ReadonlySet<string>,
  mayBe: (hash: number) => boolean,
  each: (line: string) => void,
): void => {
  const wanted = kinds.map((kind) => (asked.has(String.fromCharCode(kind)) ? kind : 0));
  for (let at = 0; at < bytes.length; ) {
    const lineFrom = at;
    let known = false;
    for (const kind of wanted) {
      const from = at;
      while (bytes[at] !== tab) at += 1;
      if (kind !== 0 && at > from && !known) known = mayBe(keyHashOfBytes(kind, bytes, from, at));
      at += 1;
    }
    const end = bytes.indexOf(newline, at);
    if (known) each(String.fromCharCode(...bytes.subarray(lineFrom, end)));
    at = end + 1;
  }
};
