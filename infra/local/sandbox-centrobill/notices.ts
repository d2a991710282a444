import type { NoticeManner, NoticeSender, OutgoingNotice } from "../notice-sender.ts";
import { noticeManners } from "../notice-sender.ts";
import { centrobillSignature } from "../notice-signing.ts";
import { noticeBody } from "./payment-answer.ts";
import type { Scenario } from "./scenario.ts";
import type { Transaction } from "./transaction.ts";

/** Where the sandbox's IPNs go, and what they are signed with. */
export interface CentrobillNotices {
  readonly sender: NoticeSender;
  readonly secret: string;
}

/** Of what goes well every so many are told of: ten thousand charges need not be ten thousand notices. */
const plainEvery = 10;

/** How a transaction is told of, by its number; undefined for one that is not. */
export function mannerOf(serial: number, scenario: Scenario): NoticeManner | undefined {
  const isPlain = scenario.sends.length === 0 && scenario.later.answer.kind === "result";
  const isPending = scenario.results.some(({ kind }) => kind === "pending");
  if (isPlain && !isPending && serial % plainEvery !== 0) return undefined;
  // Each plain one takes the next manner, and each of the others.
  return noticeManners[((isPlain ? serial / plainEvery : serial) % noticeManners.length) | 0];
}

/** Sends what there is to tell of a transaction at this moment. */
export function notify(
  { sender, secret }: CentrobillNotices,
  manner: NoticeManner,
  transaction: Transaction,
  at: () => number,
): void {
  const made = (by: string): OutgoingNotice => {
    const body = noticeBody(transaction, at());
    const { status } = body["payment"] as { readonly status: string };
    return {
      path: "/notices/centrobill",
      headers: { "X-Signature": centrobillSignature(by, transaction.transactionId, status) },
      body: JSON.stringify(body),
    };
  };
  sender.send(
    manner,
    () => made(secret),
    () => made("somebody else's"),
  );
}
