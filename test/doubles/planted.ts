import type { FindingKind } from "../../lib/core/finding.ts";
import { type Judgement, judge, type View } from "../../lib/core/judgement.ts";
import { moneyTally } from "../../lib/core/money-tally.ts";
import type { GatewaySide, LedgerSide } from "../../lib/core/sides.ts";
import { weakMatches } from "../../lib/core/weak-matches.ts";
import { joinSides } from "../../lib/flows/join-sides.ts";
import type { Spills } from "../../lib/ports.ts";

const dayMs = 86_400_000;
export const plantedStartMs = Date.UTC(2026, 10, 1);
export const plantedView: View = {
  gateway: "centrobill",
  window: { fromMs: plantedStartMs, toMs: plantedStartMs + dayMs },
  read: { fromMs: plantedStartMs - dayMs, toMs: plantedStartMs + 2 * dayMs },
  whole: true,
  rowWithinMs: 3_720_000,
  clockSkewMs: 120_000,
  nowMs: plantedStartMs + 10 * dayMs,
};

/** Differences that can be planted; `noise` ones are none and must not be found. */
export const plants = [
  "missing_in_ledger",
  "missing_in_ledger, no reference",
  "missing_at_gateway",
  "amount_differs",
  "currency_differs",
  "state_differs, we say declined",
  "state_differs, it says declined",
  "double_charge, one request id",
  "double_charge, two request ids",
  "late_outcome",
  "refunded_or_charged_back",
  "unmatched_weak",
  "noise: the row twice",
  "noise: pending, then captured",
  "noise: known by its request id alone",
  "noise: known by its charge id alone",
  "noise: known by its transaction alone",
  "noise: another charge's id, our request id",
] as const;
export type Plant = (typeof plants)[number];

export const kindOfPlant = (plant: Plant): FindingKind | undefined =>
  plant.startsWith("noise") ? undefined : (plant.split(",")[0] as FindingKind);

const mark = (index: number): string => (index * 7).toString(16).padStart(12, "0");
const requestIdOf = (index: number): string => `r-${(index * 2_654_435_761) % 4_294_967_296}-${index}`;

/** The two sides of one charge, with a difference where one is planted. */
export const sidesOf = (
  index: number,
  count: number,
  plant?: Plant,
): { readonly ledger?: LedgerSide; readonly rows: readonly GatewaySide[] } => {
  const atMs = plantedStartMs + Math.floor(((index + 0.5) / count) * dayMs);
  const chargeId = `inv-${index}`;
  const requestId = requestIdOf(index);
  const ids = { transactionId: `${404_000_000 + index}`, orderId: `${2_394_000_000 + index}` };
  const amount = String(100 + ((index * 7_919) % 90_000));
  const { transactionId, orderId } = ids;
  const unheard: LedgerSide = {
    chargeId,
    requestId,
    earlierRequestIds: [],
    attempt: 1,
    amount,
    currency: "EUR",
    state: "approved",
    firstSentAtMs: atMs,
    lastSentAtMs: atMs,
    consumerMarks: [mark(index)],
  };
  const ledger: LedgerSide = { ...unheard, ...ids };
  const row: GatewaySide = {
    kind: "charge",
    says: "captured",
    code: "0",
    transactionId,
    orderId,
    requestId,
    chargeId,
    amount,
    currency: "EUR",
    atMs: atMs + 2_000,
    consumers: [`user-${index}`],
  };
  const { chargeId: _chargeId, requestId: _requestId, ...loose } = row;
  const other = { transactionId: `${904_000_000 + index}`, orderId: `${9_394_000_000 + index}` };
  switch (plant) {
    case undefined:
      return { ledger, rows: [row] };
    case "missing_in_ledger":
      return { rows: [row] };
    case "missing_in_ledger, no reference":
      return { rows: [{ ...loose, ...other }] };
    case "missing_at_gateway":
      return { ledger, rows: [] };
    case "amount_differs":
      return { ledger, rows: [{ ...row, amount: String(Number(amount) + 1) }] };
    case "currency_differs":
      return { ledger, rows: [{ ...row, currency: "USD" }] };
    case "state_differs, we say declined":
      return { ledger: { ...unheard, state: "declined_permanent" }, rows: [row] };
    case "state_differs, it says declined":
      return { ledger, rows: [{ ...row, says: "refused", code: "5051" }] };
    case "double_charge, one request id":
      return { ledger, rows: [row, { ...row, ...other, atMs: atMs + 5_000 }] };
    case "double_charge, two request ids":
      return { ledger, rows: [row, { ...row, ...other, requestId: `${requestId}-b`, atMs: atMs + 5_000 }] };
    case "late_outcome":
      return { ledger: { ...unheard, state: "unknown", reason: "no_answer" }, rows: [row] };
    case "refunded_or_charged_back":
      return {
        ledger,
        rows: [
          row,
          { ...loose, ...other, kind: "reversal", says: "unproven", parentTransactionId: transactionId },
        ],
      };
    case "unmatched_weak":
      return {
        ledger: { ...unheard, state: "unknown", reason: "no_answer" },
        rows: [{ ...loose, ...other }],
      };
    case "noise: the row twice":
      return { ledger, rows: [row, row] };
    case "noise: pending, then captured":
      return {
        ledger,
        rows: [
          { ...row, says: "accepted" },
          { ...row, atMs: atMs + 9_000 },
        ],
      };
    case "noise: known by its request id alone":
      return { ledger, rows: [{ ...loose, requestId }] };
    case "noise: known by its charge id alone":
      return { ledger, rows: [{ ...loose, chargeId }] };
    case "noise: known by its transaction alone":
      return { ledger, rows: [loose] };
    case "noise: another charge's id, our request id":
      return { ledger, rows: [{ ...row, chargeId: `inv-${count + index}` }] };
  }
};

/** How the sides come: charges so far before their rows (all of them by default), and how many of each may wait. */
export type Arrival = { readonly lead?: number; readonly waitingMax?: number };

/** Finds what was planted, as a run does: joined, judged, and what is loose compared by its looks. */
export const findPlanted = (
  count: number,
  planted: ReadonlyMap<number, Plant>,
  spills: Spills,
  order: (index: number) => number = (index) => index,
  arrival: Arrival = {},
): { readonly found: ReadonlyMap<string, readonly FindingKind[]>; readonly matched: string } => {
  const tally = moneyTally(plantedStartMs);
  const sides = joinSides(
    spills,
    plantedView.window,
    {
      agree: ({ amount, currency, atMs }) => tally.add("matched", amount, currency, atMs),
      takeBack: ({ amount, currency, atMs }) => tally.add("matched", -amount, currency, atMs),
    },
    arrival.waitingMax,
  );
  const found = new Map<string, FindingKind[]>();
  const { lead = count } = arrival;
  for (let at = Math.min(0, lead); at < count + Math.max(0, lead); at++) {
    const index = order(at);
    if (at >= 0 && at < count) {
      const { ledger } = sidesOf(index, count, planted.get(index));
      if (ledger !== undefined) sides.addCharge(ledger);
    }
    const rowAt = at - lead;
    if (rowAt >= 0 && rowAt < count)
      for (const row of sidesOf(rowAt, count, planted.get(rowAt)).rows) sides.addRow(row);
  }
  const tell = ({ findings }: Judgement): void => {
    for (const { kind, chargeId, rows } of findings) {
      const name = chargeId ?? rows[0]?.transactionId ?? "";
      found.set(name, [...(found.get(name) ?? []), kind]);
    }
  };
  const [loose, rowless]: [GatewaySide[], LedgerSide[]] = [[], []];
  for (const group of sides.groups()) {
    const judged = judge(group, plantedView);
    const [row] = group.rows;
    if (judged.rowless && group.ledger !== undefined) rowless.push(group.ledger);
    else if (
      group.ledger === undefined &&
      row?.chargeId === undefined &&
      row?.requestId === undefined &&
      row?.kind === "charge"
    )
      loose.push(row);
    else {
      tell(judged);
      if (judged.money === "matched" && group.ledger !== undefined)
        tally.add("matched", BigInt(group.ledger.amount), group.ledger.currency, plantedStartMs);
    }
  }
  const weak = weakMatches(
    loose.map((row) => ({ row, marks: row.consumers.map((name) => mark(Number(name.slice(5)))) })),
    rowless,
    plantedView,
  );
  tell({ findings: weak.findings, money: "none", rowless: false });
  for (const row of weak.rows) tell(judge({ rows: [row] }, plantedView));
  for (const ledger of weak.charges) tell(judge({ ledger, rows: [] }, plantedView));
  sides.close();
  return { found, matched: tally.byCurrency()["EUR"]?.matched ?? "0" };
};

/** What has to be found, by the charge or the transaction that it is about. */
export const expectedOf = (
  planted: ReadonlyMap<number, Plant>,
): ReadonlyMap<string, readonly FindingKind[]> =>
  new Map(
    [...planted].flatMap(([index, plant]) => {
      const kind = kindOfPlant(plant);
      const name = plant === "missing_in_ledger, no reference" ? `${904_000_000 + index}` : `inv-${index}`;
      return kind === undefined ? [] : [[name, [kind]] as const];
    }),
  );
