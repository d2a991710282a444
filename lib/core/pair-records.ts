import { keyHashOfBytes } from "./key-hash.ts";
import type { GatewaySide, LedgerSide } from "./sides.ts";

/*
 * A charge and the row that agrees with it, kept outside the memory as bytes:
 *
 *     length, 2 | flags, 1 | lengths of the texts, 8 | first send, last send, row: milliseconds, 3 × 8 | the texts
 *
 * A moment that is not known is NaN, a text that is not there has no length. What both sides say stands there once.
 */
const flagsAt = 2;
const lengthsAt = 3;
const textsMax = 8;
const momentsAt = lengthsAt + textsMax;
const textsAt = momentsAt + 3 * 8;
const textMax = 255;
const [sameOrder] = [1];
/** The texts by their place. */
const [charge, request, transaction, order, amount, currency, rowOrder, code] = [0, 1, 2, 3, 4, 5, 6, 7];
/** A pair takes no more. The marks of a consumer stand behind the texts, as one more. */
const pairMax = textsAt + (textsMax + 1) * textMax;

/** Pairs that are written at once. */
export type PairBlock = { readonly bytes: Uint8Array; readonly view: DataView; end: number };

export const pairBlock = (size: number): PairBlock => {
  const bytes = new Uint8Array(size);
  return { bytes, view: new DataView(bytes.buffer), end: 0 };
};

export const isFull = ({ bytes, end }: PairBlock): boolean => end + pairMax > bytes.length;

/** Whether all by which a charge may be known stands in a pair, and nothing else does that would be lost. */
const mayPair = (side: LedgerSide): boolean =>
  side.attempt === 1 &&
  side.earlierRequestIds.length === 0 &&
  side.preparedId === undefined &&
  side.reason === undefined &&
  side.leaseUntilMs === undefined;

/** The place behind a text of printable ASCII; -1: it is none, or too long. */
const put = (bytes: Uint8Array, at: number, text: string): number => {
  if (at < 0 || text.length > textMax) return -1;
  for (let index = 0; index < text.length; index++) {
    const letter = text.charCodeAt(index);
    if (letter < 0x20 || letter > 0x7e) return -1;
    bytes[at + index] = letter;
  }
  return at + text.length;
};

/** Adds a pair that agrees to a block that is not full; `false`: it is none that can be kept so. */
export const addPair = (block: PairBlock, ledger: LedgerSide, row: GatewaySide): boolean => {
  if (!mayPair(ledger) || ledger.consumerMarks.length > 4) return false;
  const { bytes, view, end: from } = block;
  const isSameOrder = row.orderId === ledger.orderId;
  let at = from + textsAt;
  const add = (place: number, text: string | undefined): void => {
    bytes[from + lengthsAt + place] = text === undefined ? 0 : text.length;
    if (text !== undefined) at = put(bytes, at, text);
  };
  // Of what both say the row's own text is taken: the ledger's may be a part of its whole entry.
  add(charge, row.chargeId);
  add(request, row.requestId);
  add(transaction, row.transactionId);
  add(order, ledger.orderId);
  add(amount, row.amount);
  add(currency, row.currency);
  add(rowOrder, isSameOrder ? undefined : row.orderId);
  add(code, row.code);
  const [mark, ...others] = ledger.consumerMarks;
  if (mark !== undefined) at = put(bytes, at, others.length === 0 ? mark : ledger.consumerMarks.join(" "));
  if (at < 0) return false;
  bytes[from + flagsAt] = isSameOrder ? sameOrder : 0;
  view.setFloat64(from + momentsAt, ledger.firstSentAtMs);
  view.setFloat64(from + momentsAt + 8, ledger.lastSentAtMs ?? Number.NaN);
  view.setFloat64(from + momentsAt + 16, row.atMs ?? Number.NaN);
  view.setUint16(from, at - from);
  block.end = at;
  return true;
};

/** By which a charge may be known: the kind of key at the place of its text. */
const kinds = ["c", "r", "t", "o"] as const;

/**
 * Hands on each pair whose charge may be known by a key that `mayBe` knows by its hash. Few are, of very many: so
 * sides are made of these alone.
 * @param asked the kinds of keys that are looked for: `c`, `r`, `t` and `o`
 */
export const pairsKnownBy = (
  bytes: Uint8Array,
  asked: ReadonlySet<string>,
  mayBe: (hash: number) => boolean,
  each: (ledger: LedgerSide, row: GatewaySide) => void,
): void => {
  const wanted = kinds.map((kind) => (asked.has(kind) ? kind.charCodeAt(0) : 0));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let from = 0; from < bytes.length; from += view.getUint16(from)) {
    let at = from + textsAt;
    let known = false;
    for (let place = 0; place < kinds.length && !known; place++) {
      const end = at + (bytes[from + lengthsAt + place] ?? 0);
      const kind = wanted[place] ?? 0;
      if (kind !== 0 && end > at) known = mayBe(keyHashOfBytes(kind, bytes, at, end));
      at = end;
    }
    if (known) sidesAt(bytes, view, from, each);
  }
};

const sidesAt = (
  bytes: Uint8Array,
  view: DataView,
  from: number,
  each: (ledger: LedgerSide, row: GatewaySide) => void,
): void => {
  let at = from + textsAt;
  const textTo = (end: number): string => {
    const text = String.fromCharCode(...bytes.subarray(at, end));
    at = end;
    return text;
  };
  const texts = Array.from({ length: textsMax }, (_, place) =>
    textTo(at + (bytes[from + lengthsAt + place] ?? 0)),
  );
  const marks = textTo(from + view.getUint16(from));
  const text = (place: number): string => texts[place] ?? "";
  const optional = <K extends string>(key: K, value: string): { [P in K]?: string } =>
    (value === "" ? {} : { [key]: value }) as { [P in K]?: string };
  const moment = <K extends string>(key: K, place: number): { [P in K]?: number } => {
    const ms = view.getFloat64(from + momentsAt + 8 * place);
    return (Number.isNaN(ms) ? {} : { [key]: ms }) as { [P in K]?: number };
  };
  const own = { chargeId: text(charge), requestId: text(request), transactionId: text(transaction) };
  const money = { amount: text(amount), currency: text(currency) };
  const isSameOrder = (bytes[from + flagsAt] ?? 0) === sameOrder;
  each(
    {
      ...own,
      ...money,
      ...optional("orderId", text(order)),
      earlierRequestIds: [],
      attempt: 1,
      state: "approved",
      firstSentAtMs: view.getFloat64(from + momentsAt),
      ...moment("lastSentAtMs", 1),
      consumerMarks: marks === "" ? [] : marks.split(" "),
    },
    {
      kind: "charge",
      says: "captured",
      ...own,
      ...money,
      ...optional("code", text(code)),
      ...optional("orderId", text(isSameOrder ? order : rowOrder)),
      ...moment("atMs", 2),
      consumers: [],
    },
  );
};
