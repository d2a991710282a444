import { type Finding, type FindingKind, waitsForPerson } from "../core/finding.ts";
import type { LedgerEntry } from "../core/ledger.ts";
import type { ToldFinding } from "./finding-lines.ts";

/** Findings that a page shows; the files for machines have all of them. */
const shownMax = 2_000;

/** What a page says of findings, gathered as they come: however many there are, some of them are kept. */
export type FindingTally = {
  add(finding: Finding, entry: LedgerEntry | undefined): void;
  totals(): FindingTotals;
};

export type FindingTotals = {
  readonly counts: Readonly<Partial<Record<FindingKind, number>>>;
  readonly waiting: number;
  readonly shown: readonly ToldFinding[];
  /** findings that are not among the shown ones */
  readonly more: number;
};

export const findingTally = (): FindingTally => {
  const counts: Partial<Record<FindingKind, number>> = {};
  const shown: ToldFinding[] = [];
  let [waiting, more] = [0, 0];
  return {
    add(finding, entry) {
      counts[finding.kind] = (counts[finding.kind] ?? 0) + 1;
      if (waitsForPerson(finding)) waiting += 1;
      if (shown.length < shownMax) shown.push({ finding, entry });
      else more += 1;
    },
    totals: () => ({ counts, waiting, shown, more }),
  };
};
