import type { GatewayName, LeaseToken } from "./charge.ts";
import type { FeedWindow } from "./feed.ts";
import type { Finding, FindingKind } from "./finding.ts";
import type { DayMoney, MoneySums } from "./money-tally.ts";

/** Why a run is not complete. Stored words. */
export const incompleteReasons = [
  /** the feed was cut short, or answered with what could not be read */
  "feed_incomplete",
  /** rows moved while the feed was paged: some came twice, and so many others may have been missed */
  "feed_moved",
  /** entries of the ledger that this version cannot read */
  "ledger_unreadable",
] as const;
export type IncompleteReason = (typeof incompleteReasons)[number];

/** What one run over a window of a gateway's time found. */
export type RunRecord = {
  readonly v: 1;
  readonly gateway: GatewayName;
  /** the stretch of the gateway's time that it answers for */
  readonly window: FeedWindow;
  /** the stretch of the feed that was read */
  readonly read: FeedWindow;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** nothing that was to be read is missing: without it no run is clean */
  readonly complete: boolean;
  readonly incomplete?: { readonly reason: IncompleteReason; readonly why: string };
  readonly pages: number;
  readonly feedRows: number;
  /** rows that came more than once, word for word */
  readonly repeatedRows: number;
  readonly ledgerEntries: number;
  /** unknowns that the run closed */
  readonly closed: number;
  readonly findings: Readonly<Partial<Record<FindingKind, number>>>;
  /** how many of them wait for a person */
  readonly waiting: number;
  readonly money: Readonly<Record<string, MoneySums>>;
  readonly days: readonly DayMoney[];
  /** the first findings; the queue `review` was told of all that wait */
  readonly first: readonly Finding[];
};

/** Findings that the record of a run itself holds. */
export const firstFindingsMax = 50;

/** A window of the gateway's time that is to be reconciled, and where that stands. The words are stored. */
export type WindowRecord = {
  readonly v: 1;
  readonly gateway: GatewayName;
  readonly fromMs: number;
  readonly toMs: number;
  /** which look at this window it is: later ones see what came late */
  readonly pass: number;
  /** names this version of the record */
  readonly token: LeaseToken;
  /** how often it was begun */
  readonly begun: number;
} & (
  | { readonly state: "waiting" }
  /** somebody works on it until then; afterwards the next may take it up */
  | { readonly state: "leased"; readonly leaseUntilMs: number }
  /** it did not fit into one invocation: its halves are windows of their own */
  | { readonly state: "split" }
  | {
      readonly state: "done";
      readonly run: RunRecord;
      /** findings beyond the first ones, which are kept under this record's token; not there: none are */
      readonly kept?: number;
    }
);
