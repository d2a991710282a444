import { hash } from "node:crypto";
import { type ChargeId, parseChargeId } from "../lib/core/charge.ts";
import { canonicalJson, isDeeperThan, isJsonObject, type JsonObject, parseJson } from "../lib/core/json.ts";
import type { RoutedOutcome, RouteMessage } from "../lib/core/route-message.ts";
import type { ChargeLine } from "./charge-file.ts";

/**
 * The first half of a SHA-256, as 16 one-byte characters: enough to tell a million lines apart, and a quarter
 * of the memory that the hexadecimal text takes.
 */
export type Digest = string;

/** The digest of a SHA-256 that is at hand as hexadecimal text. */
export const digestOf = (sha256Hex: string): Digest =>
  Buffer.from(sha256Hex.slice(0, 32), "hex").toString("latin1");

/** The digest of a message's fingerprint: what it says, however it was written. */
export const fingerprintOf = (message: JsonObject): Digest =>
  digestOf(hash("sha256", canonicalJson(message), "hex"));

/** A text of the file, wherever it stands in it. */
export type Item = {
  /** the first line that has this text */
  readonly line: number;
  /** the other lines that have it */
  moreLines?: number[];
  readonly body: Digest;
  readonly chargeId?: ChargeId;
  readonly fingerprint?: Digest;
  /** whether its outcome has come */
  ended: boolean;
};

/** Where a refusal stands in the outcome file of request errors. */
export type Place = { readonly offset: number; readonly bytes: number };

export type EndedCharge = {
  readonly outcome: RoutedOutcome;
  readonly attempt: number;
  readonly fingerprint: Digest;
};

/** What a message's text says of itself, as far as it can be read. */
const read = (body: string): { readonly chargeId?: ChargeId; readonly fingerprint?: Digest } => {
  const message = parseJson(body);
  if (!isJsonObject(message)) return {};
  const chargeId = parseChargeId(message["chargeId"]);
  // What is nested deep is refused; to write it canonically would overflow the stack.
  if (chargeId === undefined || isDeeperThan(message, 50)) return {};
  return { chargeId, fingerprint: fingerprintOf(message) };
};

/**
 * Which lines of the file are accounted for. A line is when its charge has an outcome (same id, same content),
 * or its very text was refused. It decides nothing: outcomes are what the functions put onto the queues.
 */
export type Tally = {
  /** A line of the file, before it is sent. Returns its item. */
  noteLine(line: ChargeLine): Item;
  /**
   * A message of an outcome queue. `repeat`: it was noted before. `place` is where its outcome file has it.
   */
  noteOutcome(message: RouteMessage, place: Place): "new" | "repeat";
  /** Whether a message was noted before. */
  knows(message: RouteMessage): boolean;
  /** An ended charge that the ledger tells of though no outcome message did. */
  noteFromLedger(chargeId: ChargeId, ended: EndedCharge): void;
  /** Charges whose last outcome is `review`. */
  inReview(): ChargeId[];
  /** A charge whose review a person has decided: its outcome is still to come. */
  reopen(chargeId: ChargeId): void;
  /** Every distinct text of the file, in the order of its first line. */
  readonly items: readonly Item[];
  /** Items that no outcome was seen for. */
  openItems(): Item[];
  openCount(): number;
  /** Where the refusal of this text stands. */
  refusalOf(body: Digest): Place | undefined;
  endedCharge(chargeId: ChargeId): EndedCharge | undefined;
  /** Charges and refused texts by outcome, as they came. */
  counts(): ReadonlyMap<RoutedOutcome, number>;
};

/** The refused text that a message is about, or undefined where it is about a charge. */
const refusedBody = ({ evidence }: RouteMessage): Digest | undefined =>
  evidence?.kind === "message" ? digestOf(evidence.bodySha256) : undefined;

export const createTally = (): Tally => {
  const items: Item[] = [];
  const byBody = new Map<Digest, Item>();
  /** the items of a charge id; mostly one */
  const byCharge = new Map<ChargeId, Item | Item[]>();
  const ended = new Map<ChargeId, EndedCharge>();
  const reopened = new Map<ChargeId, Digest>();
  const refused = new Map<Digest, Place>();
  const counts = new Map<RoutedOutcome, number>();
  let open = 0;

  const count = (outcome: RoutedOutcome, by: number): void => {
    counts.set(outcome, (counts.get(outcome) ?? 0) + by);
  };
  const close = (item: Item): void => {
    if (item.ended) return;
    item.ended = true;
    open -= 1;
  };
  const itemsOf = (chargeId: ChargeId): readonly Item[] => {
    const found = byCharge.get(chargeId);
    return found === undefined ? [] : Array.isArray(found) ? found : [found];
  };
  const isEnded = (item: Item): boolean =>
    refused.has(item.body) ||
    (item.chargeId !== undefined && ended.get(item.chargeId)?.fingerprint === item.fingerprint);

  const endCharge = (chargeId: ChargeId, end: EndedCharge): void => {
    const before = ended.get(chargeId);
    if (before !== undefined) count(before.outcome, -1);
    ended.set(chargeId, end);
    count(end.outcome, 1);
    for (const item of itemsOf(chargeId)) if (item.fingerprint === end.fingerprint) close(item);
  };

  const knows = (message: RouteMessage): boolean => {
    const body = refusedBody(message);
    // Two refused texts of one charge id share a message id; they are told apart by their text.
    if (body !== undefined) return refused.has(body);
    const before = message.chargeId === undefined ? undefined : ended.get(message.chargeId);
    return before !== undefined && before.outcome === message.outcome && before.attempt === message.attempt;
  };

  return {
    items,
    noteLine({ line, body, bodySha256, unqueueable }) {
      const digest = digestOf(bodySha256);
      const same = byBody.get(digest);
      if (same !== undefined) {
        same.moreLines ??= [];
        same.moreLines.push(line);
        return same;
      }
      const item: Item = {
        line,
        body: digest,
        ...(unqueueable === undefined ? read(body) : {}),
        ended: false,
      };
      items.push(item);
      byBody.set(digest, item);
      open += 1;
      if (item.chargeId !== undefined) {
        const others = itemsOf(item.chargeId);
        byCharge.set(item.chargeId, others.length === 0 ? item : [...others, item]);
      }
      if (isEnded(item)) close(item);
      return item;
    },
    knows,
    noteOutcome(message, place) {
      if (knows(message)) return "repeat";
      const body = refusedBody(message);
      if (body !== undefined) {
        refused.set(body, place);
        count(message.outcome, 1);
        const item = byBody.get(body);
        if (item !== undefined) close(item);
      } else if (message.chargeId !== undefined && isJsonObject(message.charge)) {
        const { outcome, attempt, charge } = message;
        endCharge(message.chargeId, { outcome, attempt, fingerprint: fingerprintOf(charge) });
      } else if (message.chargeId !== undefined && message.outcome !== "review") {
        // What a person decided without the charge's message is told without it.
        const fingerprint = reopened.get(message.chargeId);
        const { outcome, attempt } = message;
        if (fingerprint !== undefined) endCharge(message.chargeId, { outcome, attempt, fingerprint });
      }
      return "new";
    },
    noteFromLedger: endCharge,
    inReview: () => [...ended].flatMap(([chargeId, { outcome }]) => (outcome === "review" ? [chargeId] : [])),
    reopen(chargeId) {
      const before = ended.get(chargeId);
      if (before === undefined) return;
      ended.delete(chargeId);
      reopened.set(chargeId, before.fingerprint);
      count(before.outcome, -1);
      for (const item of itemsOf(chargeId))
        if (item.ended) {
          item.ended = false;
          open += 1;
        }
    },
    openItems: () => items.filter((item) => !item.ended),
    openCount: () => open,
    refusalOf: (body) => refused.get(body),
    endedCharge: (chargeId) => ended.get(chargeId),
    counts: () => counts,
  };
};
