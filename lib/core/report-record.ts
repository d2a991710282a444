import type { GatewayName, LeaseToken } from "./charge.ts";

/** The reports of one day of a gateway, and what they told. The words are stored. */
export type ReportRecord = {
  readonly v: 1;
  readonly gateway: GatewayName;
  /** a day of UTC, `2026-11-24` */
  readonly day: string;
  /** names this version of the record */
  readonly token: LeaseToken;
} & (
  | {
      readonly state: "written";
      /** a hash of all that they were made of: another one, and they are written again */
      readonly of: string;
      readonly complete: boolean;
      readonly writtenAtMs: number;
    }
  /** somebody writes them until then: which ones stand is not known while it lasts, nor if nothing follows it */
  | { readonly state: "leased"; readonly leaseUntilMs: number }
);
