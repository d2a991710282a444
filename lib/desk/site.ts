import type { Charge, ChargeId } from "../core/charge.ts";
import type { LedgerEntry } from "../core/ledger.ts";
import type { ChargeRecord, Desk, QueueDepth } from "../ports.ts";
import type { KeptIndex } from "./kept-index.ts";

/** What the pages of the desk are made from. Whatever asks or writes goes through the flows that the commands use. */
export type DeskSite = {
  readonly desk: Desk;
  readonly index: KeptIndex;
  /** everything under a charge id, strongly consistent */
  recordOf(chargeId: ChargeId): Promise<ChargeRecord>;
  /**
   * The charge's own message, which the ledger never has (S12), where it is at hand.
   * @param search look for it on its queue, too
   */
  messageOf(entry: LedgerEntry, search: boolean): Promise<Charge | undefined>;
  /** what is unknown or pending, and how many more there are that were not read */
  unknowns(): Promise<{ readonly entries: readonly LedgerEntry[]; readonly notRead: number }>;
  depths(): Promise<readonly QueueDepth[]>;
  /** What broke, for whoever runs the desk: no page tells it. */
  trouble(error: unknown): void;
};

/** A request that was let in: whoever calls has checked where it comes from, and who sent it. */
export type DeskRequest = {
  readonly method: "GET" | "POST";
  /** what comes after the desk's own root: `""`, `charge`, `decide` … */
  readonly page: string;
  /** the query of a GET, the form of a POST */
  readonly fields: URLSearchParams;
  /** who decides */
  readonly person: string;
  /** goes into each form, and comes back with it */
  readonly formToken: string;
};

export type DeskResponse = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};
