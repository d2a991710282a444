import type { Finding, FindingMoney } from "./finding.ts";
import type { View } from "./judgement.ts";
import type { GatewaySide, LedgerSide } from "./sides.ts";

/** A row without our references, with the marks of the consumers that it names. */
export type LooseRow = { readonly row: GatewaySide; readonly marks: readonly string[] };

/** A finding of a charge and a row, each of which has a time and an amount. */
export type WeakMatch = Finding & {
  readonly chargeId: string;
  readonly money: FindingMoney;
  readonly atMs: number;
};

export type WeakMatches = {
  readonly findings: readonly WeakMatch[];
  /** what no pair was proposed for */
  readonly rows: readonly GatewaySide[];
  readonly charges: readonly LedgerSide[];
};

const nameOf = (row: GatewaySide): string => row.transactionId ?? row.orderId ?? "row";

/**
 * Pairs of a row without references and a charge without a row that look alike: the same amount, currency and
 * consumer, and near in time. Nearest first, one row to one charge (S13). Only ever proposals (S14).
 */
export const weakMatches = (
  loose: readonly LooseRow[],
  charges: readonly LedgerSide[],
  view: View,
): WeakMatches => {
  const byKey = new Map<string, LooseRow[]>();
  const keyOf = (amount: string | undefined, currency: string | undefined, mark: string) =>
    `${amount} ${currency} ${mark}`;
  for (const one of loose)
    for (const mark of one.marks) {
      const key = keyOf(one.row.amount, one.row.currency, mark);
      byKey.set(key, [...(byKey.get(key) ?? []), one]);
    }
  const pairs = charges
    .flatMap((charge) => {
      const alike = new Set(
        charge.consumerMarks.flatMap((mark) => byKey.get(keyOf(charge.amount, charge.currency, mark)) ?? []),
      );
      return [...alike].flatMap(({ row }) => {
        const { atMs } = row;
        if (atMs === undefined) return [];
        const awayMs = atMs - charge.firstSentAtMs;
        return awayMs >= -view.clockSkewMs && awayMs <= view.rowWithinMs + view.clockSkewMs
          ? [{ charge, row, atMs, awayMs: Math.abs(awayMs) }]
          : [];
      });
    })
    .sort(
      (a, b) =>
        a.awayMs - b.awayMs ||
        (`${a.charge.chargeId} ${nameOf(a.row)}` < `${b.charge.chargeId} ${nameOf(b.row)}` ? -1 : 1),
    );
  const [takenRows, takenCharges] = [new Set<GatewaySide>(), new Set<LedgerSide>()];
  const findings: WeakMatch[] = [];
  for (const { charge, row, atMs } of pairs) {
    if (takenRows.has(row) || takenCharges.has(charge)) continue;
    takenRows.add(row);
    takenCharges.add(charge);
    findings.push({
      id: `${charge.chargeId}#reconcile#unmatched_weak#${nameOf(row)}`,
      kind: "unmatched_weak",
      gateway: view.gateway,
      chargeId: charge.chargeId,
      ledger: charge,
      rows: [row],
      money: { amount: charge.amount, currency: charge.currency },
      next: "confirm_the_match",
      ...(charge.state === "review" && charge.reason === "weak_match" ? { inReview: true as const } : {}),
      atMs,
    });
  }
  return {
    findings,
    rows: loose.map(({ row }) => row).filter((row) => !takenRows.has(row)),
    charges: charges.filter((charge) => !takenCharges.has(charge)),
  };
};
