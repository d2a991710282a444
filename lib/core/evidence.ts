import type { GatewayIds } from "./reply.ts";

/** One feed search: when it began, the window it covered, and how much it read. All milliseconds since 1970. */
export type Search = {
  readonly atMs: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly rows: number;
};

/** The gateway's own answer to a send. */
export type ReplyEvidence = {
  readonly kind: "reply";
  readonly atMs: number;
  readonly status: number;
  readonly code?: string;
  readonly bodySha256: string;
} & GatewayIds;

/** A row of the gateway's feed. */
export type FeedRowEvidence = {
  readonly kind: "feed_row";
  /** when we read it */
  readonly atMs: number;
  readonly code?: string;
  readonly rowSha256: string;
} & GatewayIds;

/** So many rows an evidence names at the most: an entry has to fit into its item. */
export const evidenceRowsMax = 8;

/** A notice of the gateway's, whose signature was checked (S15). */
export type NoticeEvidence = {
  readonly kind: "notice";
  /** when it came */
  readonly atMs: number;
  readonly id: string;
  readonly code?: string;
  readonly bodySha256: string;
} & GatewayIds;

/** Searches that found nothing (S5). */
export type AbsenceEvidence = { readonly kind: "absence"; readonly searches: readonly Search[] };

/**
 * A person's word, and nobody else's: what was stated, by whom, and what the gateway showed beside it. `decision` is
 * the hash of the decision in the entry's history.
 */
export type StatedEvidence = {
  readonly kind: "stated";
  readonly atMs: number;
  readonly by: readonly string[];
  readonly stated: string;
  readonly decision: string;
  readonly rows?: readonly FeedRowEvidence[];
} & GatewayIds;

/**
 * What a final state rests on (S4). `never_sent`: no byte ever left, by the ledger's own record. `lookups`:
 * why a person has to look, where the gateway gave nothing to go by.
 */
export type Evidence =
  | ReplyEvidence
  | FeedRowEvidence
  | NoticeEvidence
  /** a decline that was answered while an earlier send was open, and the searches that found no capture */
  | {
      readonly kind: "reply_and_absence";
      readonly reply: ReplyEvidence;
      readonly searches: readonly Search[];
    }
  | AbsenceEvidence
  | { readonly kind: "never_sent"; readonly atMs: number; readonly notAfterMs: number }
  /** never sent: a network's count of attempts on the instrument is full until then */
  | {
      readonly kind: "network_limit";
      readonly atMs: number;
      readonly limit: string;
      readonly untilMs: number;
    }
  /** never sent: a decline of this charge closed the instrument */
  | {
      readonly kind: "instrument_closed";
      readonly atMs: number;
      readonly rule: string;
      readonly code: string;
      readonly byChargeId: string;
      readonly closedAtMs: number;
    }
  | { readonly kind: "feed_rows"; readonly rows: readonly FeedRowEvidence[] }
  | StatedEvidence
  | {
      readonly kind: "lookups";
      readonly atMs: number;
      readonly made: number;
      readonly failed: number;
      readonly lastSendAtMs: number;
    };
