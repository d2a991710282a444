import type { ChargeId, GatewayName, LeaseToken } from "./charge.ts";
import { member, parseJson } from "./json.ts";
import type { LedgerEntry } from "./ledger.ts";

/** That a charge may be sent under a lease: what has to be on a page before anything is. */
export type SentMark = {
  readonly gateway: GatewayName;
  readonly chargeId: ChargeId;
  /** when the attempt was first sent, as its entry says; milliseconds since 1970 */
  readonly atMs: number;
  /** of the version that took the lease */
  readonly token: LeaseToken;
};

/** Marks of one gateway that are written together, under the earliest moment of them. */
export type SentPage<Mark extends SentMark = SentMark> = {
  readonly gateway: GatewayName;
  readonly fromMs: number;
  readonly marks: readonly Mark[];
};

/** A page has no mark that is later than its first by more: so whoever knows where it begins knows where it ends. */
export const pageSpanMs = 1_000;

/**
 * So long may a page's text be: with its keys, which take 77 bytes, it stays within 1 KiB, which is one write unit.
 * Twenty UUIDs fit, the charges of a batch as it is deployed.
 */
const textMax = 940;

/** Under which moment reconciliation finds a charge: its attempt's first send, or its opening where nothing was sent. */
export const sentAtMsOf = (entry: { readonly openedAtMs: number; readonly firstSendAtMs?: number }): number =>
  Math.round(entry.firstSendAtMs ?? entry.openedAtMs);

/**
 * The mark of a version of an entry by which a lease is taken: nothing is sent without a lease (S1, S7), so what has
 * no such version was never sent. Leases that are taken anew are marked anew: the mark before may have been lost.
 */
export const sentMarkOf = (entry: LedgerEntry): SentMark | undefined => {
  const last = entry.history.at(-1)?.e;
  if (entry.state !== "opened" || (last !== "opened" && last !== "leased")) return undefined;
  const { gateway, chargeId, token } = entry;
  return { gateway, chargeId, atMs: sentAtMsOf(entry), token };
};

/** What a mark adds to the text of its page, its comma with it. */
const lengthOf = ({ chargeId, atMs }: SentMark, fromMs: number): number =>
  `["${chargeId}",${atMs - fromMs}],`.length;
const emptyLength = '{"v":1,"at":1234567890123,"sent":[]}'.length;

/** The pages on which these marks stand. */
export const pagesOf = <Mark extends SentMark>(marks: readonly Mark[]): readonly SentPage<Mark>[] => {
  const pages: { gateway: GatewayName; fromMs: number; marks: Mark[]; length: number }[] = [];
  for (const mark of [...marks].sort((a, b) => a.atMs - b.atMs)) {
    const page = pages.findLast(({ gateway }) => gateway === mark.gateway);
    if (
      page === undefined ||
      mark.atMs > page.fromMs + pageSpanMs ||
      page.length + lengthOf(mark, page.fromMs) > textMax
    ) {
      const { gateway, atMs: fromMs } = mark;
      pages.push({ gateway, fromMs, marks: [mark], length: emptyLength + lengthOf(mark, fromMs) });
    } else {
      page.marks.push(mark);
      page.length += lengthOf(mark, page.fromMs);
    }
  }
  return pages.map(({ length: _length, ...page }) => page);
};

/** A page as it is kept: each charge with how much later than the page's first moment it is. */
export const textOfPage = ({ fromMs, marks }: SentPage): string =>
  JSON.stringify({ v: 1, at: fromMs, sent: marks.map(({ chargeId, atMs }) => [chargeId, atMs - fromMs]) });

/** What a page names; `undefined`: it is of no version that is known here. */
export const readPage = (
  text: string,
): readonly { readonly chargeId: string; readonly atMs: number }[] | undefined => {
  const page = parseJson(text);
  if (member(page, "v") !== 1) return undefined;
  const { at, sent } = page as unknown as { at: number; sent: readonly (readonly [string, number])[] };
  return sent.map(([chargeId, afterMs]) => ({ chargeId, atMs: at + afterMs }));
};
