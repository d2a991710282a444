import type { GatewayName } from "./charge.ts";
import type { FeedWindow } from "./feed.ts";
import type { Finding, FindingKind, FindingMoney, NextStep, RefundProposal } from "./finding.ts";
import { lastWords } from "./last-words.ts";
import { type Payments, paymentsOf } from "./payment-in-parts.ts";
import type { GatewaySide, LedgerSide } from "./sides.ts";

/** What a run has read, and what it answers for. */
export type View = {
  readonly gateway: GatewayName;
  /** the stretch of the gateway's time that the run answers for, its end not in: the next run's begins there */
  readonly window: FeedWindow;
  /** the stretch of the feed that was read: the window, and a margin on both sides */
  readonly read: FeedWindow;
  /** every row of that stretch was read; otherwise nothing that was not seen proves anything */
  readonly whole: boolean;
  /** how long after a send its row may stand */
  readonly rowWithinMs: number;
  readonly clockSkewMs: number;
  readonly nowMs: number;
};

/** A charge and every row that is its own: either may be missing. */
export type Group = { readonly ledger?: LedgerSide; readonly rows: readonly GatewaySide[] };

/** Where the money of a charge is counted. `none`: nothing was taken, and both sides say so. */
export type MoneyClass = "matched" | "unmatched" | "unknown" | "none";

export type Judgement = {
  readonly findings: readonly Finding[];
  readonly money: MoneyClass;
  /** whether the charge has no row here though there might be one: it is compared with rows without references */
  readonly rowless: boolean;
};

const captured = (row: GatewaySide): boolean => row.kind === "charge" && row.says === "captured";

const moneyOf = (row: GatewaySide): FindingMoney | undefined =>
  row.amount === undefined || row.currency === undefined
    ? undefined
    : { amount: row.amount, currency: row.currency };

/** Whether two names of a transaction are of one; where neither can be compared, they may be. */
const mayBeSame = (
  a: Pick<GatewaySide, "transactionId" | "orderId">,
  b: Pick<GatewaySide, "transactionId" | "orderId">,
): boolean => {
  if (a.transactionId !== undefined && b.transactionId !== undefined)
    return a.transactionId === b.transactionId;
  return a.orderId === undefined || b.orderId === undefined || a.orderId === b.orderId;
};

const nameOf = (row: GatewaySide): string =>
  row.transactionId ?? row.orderId ?? row.requestId ?? row.chargeId ?? "row";

const within = (atMs: number, { fromMs, toMs }: FeedWindow): boolean => atMs >= fromMs && atMs < toMs;

/** Whether every row that this charge may have stands in the stretch that was read. */
const isCovered = (ledger: LedgerSide, { read, whole, rowWithinMs, clockSkewMs }: View): boolean =>
  whole &&
  ledger.lastSentAtMs !== undefined &&
  ledger.firstSentAtMs - clockSkewMs >= read.fromMs &&
  ledger.lastSentAtMs + rowWithinMs <= read.toMs;

/** The review reason that says the same as a finding, so that it is not told a second time. */
const reviewedAs: Readonly<Partial<Record<FindingKind, string>>> = {
  double_charge: "double_charge",
  amount_differs: "mismatch",
  currency_differs: "mismatch",
  refunded_or_charged_back: "refunded_or_charged_back",
};

/** Review reasons for which nobody knew whether the money was taken. */
const undecided: ReadonlySet<string | undefined> = new Set([
  "lookups_used_up",
  "absent_past_key_life",
  "absent",
  "absent_not_sendable",
  "weak_match",
  "contradiction",
  "unlisted_answer",
]);

/** States in which the ledger's amount says what was taken, if anything was. */
const comparesAmounts = new Set<LedgerSide["state"]>(["approved", "unknown", "pending", "review"]);

/**
 * What a charge and its rows prove about each other. Total. A capture counts wherever it is seen; what rests on
 * not having seen one needs a whole feed of the charge's whole time.
 */
export const judge = (group: Group, view: View): Judgement =>
  group.ledger === undefined ? judgeStrangers(group.rows, view) : judgeCharge(group.ledger, group.rows, view);

/** Rows that no charge explains. */
const judgeStrangers = (all: readonly GatewaySide[], view: View): Judgement => {
  const rows = lastWords(all, captured);
  const captures = rows.filter(captured);
  // A stranger's decline moved no money; one that carries our reference is a charge that we do not know of.
  const referenced = rows.filter(
    ({ requestId, chargeId }) => requestId !== undefined || chargeId !== undefined,
  );
  const reversals = rows.filter(({ kind, failed }) => kind === "reversal" && failed !== true);
  const telling = [...new Set([...captures, ...reversals, ...referenced])];
  const inWindow = telling.some(({ atMs }) => atMs === undefined || within(atMs, view.window));
  const [first] = telling;
  if (first === undefined || !inWindow) return { findings: [], money: "none", rowless: false };
  const finding = findingOf(view, { rows: telling, chargeId: first.chargeId });
  const lead = captures[0] ?? first;
  const findings = [finding("missing_in_ledger", nameOf(lead), "find_the_sender", { money: moneyOf(lead) })];
  const [kept, ...extras] = inOrder(captures);
  // Without any reference rows stand each for itself: they only share a place here when one names them all.
  if (kept !== undefined && extras.length > 0 && first.chargeId !== undefined)
    findings.push(doubleCharge(finding, kept, extras, reversals, view));
  return { findings, money: captures.length > 0 ? "unmatched" : "none", rowless: false };
};

const inOrder = (captures: readonly GatewaySide[]): GatewaySide[] =>
  [...captures].sort((a, b) => (a.atMs ?? 0) - (b.atMs ?? 0) || (nameOf(a) < nameOf(b) ? -1 : 1));

type MakeFinding = (
  kind: FindingKind,
  name: string,
  next: NextStep,
  more?: { [K in keyof Finding]?: Finding[K] | undefined },
) => Finding;

const findingOf =
  (
    view: View,
    about: {
      readonly chargeId?: string | undefined;
      readonly ledger?: LedgerSide;
      readonly rows: readonly GatewaySide[];
    },
  ): MakeFinding =>
  (kind, name, next, more = {}) => {
    const { ledger } = about;
    const inReview = ledger?.state === "review" && reviewedAs[kind] === ledger.reason ? true : undefined;
    const full = {
      id: `${about.chargeId ?? "row"}#reconcile#${kind}#${name}`,
      kind,
      gateway: view.gateway,
      chargeId: about.chargeId,
      ledger,
      rows: about.rows.slice(0, 8),
      next,
      inReview,
      atMs: about.rows[0]?.atMs ?? ledger?.firstSentAtMs,
      ...more,
    };
    return Object.fromEntries(
      Object.entries(full).filter(([, value]) => value !== undefined),
    ) as unknown as Finding;
  };

/** Whether a reversal is of this capture: by its transaction, or else by its order and, where it names one, its key. */
const givesBack = (reversal: GatewaySide, row: GatewaySide): boolean =>
  reversal.parentTransactionId !== undefined
    ? reversal.parentTransactionId === row.transactionId
    : reversal.orderId !== undefined &&
      reversal.orderId === row.orderId &&
      (reversal.requestId === undefined || reversal.requestId === row.requestId);

/** Captures beyond the first, and the refund of each that nobody gave back yet. */
const doubleCharge = (
  finding: MakeFinding,
  kept: GatewaySide,
  extras: readonly GatewaySide[],
  reversals: readonly GatewaySide[],
  view: View,
  partsOf: Payments["partsOf"] = (row) => [row],
): Finding => {
  const open = extras
    .flatMap(partsOf)
    .filter((row) => !reversals.some((reversal) => givesBack(reversal, row)));
  const refundProposal = open.flatMap((row): RefundProposal[] =>
    row.transactionId === undefined
      ? []
      : [{ gateway: view.gateway, transactionId: row.transactionId, ...moneyOf(row) }],
  );
  const currency = extras[0]?.currency;
  const amounts = extras.filter((row) => row.currency === currency).map(({ amount }) => amount);
  const money =
    currency === undefined || amounts.includes(undefined)
      ? undefined
      : { amount: String(amounts.reduce((sum, amount) => sum + BigInt(amount ?? "0"), 0n)), currency };
  const requestIds = new Set([kept, ...extras].map(({ requestId }) => requestId));
  return finding(
    "double_charge",
    extras.map(nameOf).join("+"),
    open.length > 0 ? "confirm_the_refund" : "book_the_reversal",
    {
      rows: [kept, ...extras].slice(0, 8),
      money,
      by: requestIds.size === 1 ? "one_request_id" : "several_request_ids",
      ...(refundProposal.length === 0 ? {} : { refundProposal }),
      atMs: extras[0]?.atMs,
    },
  );
};

const judgeCharge = (ledger: LedgerSide, all: readonly GatewaySide[], view: View): Judgement => {
  const charges = lastWords(
    all.filter(({ kind }) => kind === "charge"),
    captured,
  );
  const reversals = lastWords(
    all.filter(({ kind, failed }) => kind === "reversal" && failed !== true),
    captured,
  );
  const { captures, partsOf } = paymentsOf(charges.filter(captured), ledger);
  const finding = findingOf(view, { chargeId: ledger.chargeId, ledger, rows: all });
  const isOpen = ledger.state === "unknown" || ledger.state === "pending" || ledger.state === "opened";
  const anchors = all.flatMap(({ atMs }) => (atMs === undefined ? [] : [atMs]));
  const inWindow =
    all.length === 0
      ? within(ledger.firstSentAtMs, view.window)
      : anchors.length < all.length || anchors.some((atMs) => within(atMs, view.window));
  if (!inWindow) return { findings: [], money: "none", rowless: false };

  // What the ledger says was taken counts as a capture, though its row may stand in another run's window.
  const own = captures.find((row) => mayBeSame(row, ledger));
  const kept = (ledger.state === "approved" ? own : undefined) ?? inOrder(captures)[0];
  const knownElsewhere = ledger.state === "approved" && own === undefined;
  const extras = inOrder(knownElsewhere ? captures : captures.filter((row) => row !== kept));
  const findings: Finding[] = [];
  if (extras.length > 0) {
    const ownRow: GatewaySide = knownElsewhere
      ? {
          kind: "charge",
          says: "captured",
          chargeId: ledger.chargeId,
          requestId: ledger.requestId,
          ...(ledger.transactionId === undefined ? {} : { transactionId: ledger.transactionId }),
          ...(ledger.orderId === undefined ? {} : { orderId: ledger.orderId }),
          amount: ledger.amount,
          currency: ledger.currency,
          consumers: [],
        }
      : (kept as GatewaySide);
    findings.push(doubleCharge(finding, ownRow, extras, reversals, view, partsOf));
  }
  const [reversal] = reversals;
  if (reversal !== undefined)
    findings.push(
      finding("refunded_or_charged_back", reversals.map(nameOf).sort().join("+"), "book_the_reversal", {
        money: moneyOf(reversal) ?? (kept === undefined ? undefined : moneyOf(kept)),
        atMs: reversal.atMs,
      }),
    );

  if (kept !== undefined && !knownElsewhere && comparesAmounts.has(ledger.state)) {
    if (kept.currency !== ledger.currency)
      findings.push(
        finding("currency_differs", nameOf(kept), "settle_the_difference", {
          rows: [kept],
          money: moneyOf(kept),
        }),
      );
    else if (kept.amount !== ledger.amount)
      findings.push(
        finding("amount_differs", nameOf(kept), "settle_the_difference", {
          rows: [kept],
          money:
            kept.amount === undefined
              ? undefined
              : { amount: difference(kept.amount, ledger.amount), currency: ledger.currency },
        }),
      );
  }

  switch (ledger.state) {
    case "approved": {
      if (captures.length > 0 || reversals.length > 0) break;
      const [said] = charges;
      const ownWord = charges.find(
        (row) =>
          (row.transactionId !== undefined || row.orderId !== undefined) &&
          (ledger.transactionId !== undefined || ledger.orderId !== undefined) &&
          mayBeSame(row, ledger),
      );
      const word = ownWord ?? (isCovered(ledger, view) ? said : undefined);
      const money = { amount: ledger.amount, currency: ledger.currency };
      if (word !== undefined)
        findings.push(finding("state_differs", nameOf(word), "revoke_the_approval", { rows: [word], money }));
      else if (isCovered(ledger, view))
        return {
          findings: [finding("missing_at_gateway", String(ledger.attempt), "ask_the_gateway", { money })],
          money: "unmatched",
          rowless: true,
        };
      // Otherwise nothing was seen that could have been: what it is stays open for the run that can see it.
      break;
    }
    case "declined_permanent":
    case "declined_retryable":
    case "request_error":
    case "expired":
    case "waiting":
      if (kept !== undefined)
        findings.push(
          finding("state_differs", nameOf(kept), "do_not_charge_again", {
            rows: [kept],
            money: moneyOf(kept),
          }),
        );
      break;
    case "unknown":
    case "pending":
      if (findings.length === 0 && charges.some(({ says }) => says === "captured" || says === "refused"))
        findings.push(
          finding("late_outcome", String(ledger.attempt), "nothing", {
            money: kept === undefined ? undefined : moneyOf(kept),
          }),
        );
      break;
    case "opened":
      // A worker may be at it, or its message may still come: half a day is the longest that it can be hidden.
      if (kept !== undefined && view.nowMs > (ledger.leaseUntilMs ?? 0) + 86_400_000)
        findings.push(
          finding("late_outcome", String(ledger.attempt), "decide_the_review", { money: moneyOf(kept) }),
        );
      break;
    case "review":
      if (kept !== undefined && findings.length === 0 && undecided.has(ledger.reason))
        findings.push(
          finding("late_outcome", String(ledger.attempt), "decide_the_review", { money: moneyOf(kept) }),
        );
      break;
  }
  const money: MoneyClass =
    findings.length > 0
      ? "unmatched"
      : ledger.state === "approved" && captures.length > 0
        ? "matched"
        : isOpen || ledger.state === "review" || ledger.state === "approved"
          ? "unknown"
          : "none";
  const undetermined = isOpen || (ledger.state === "review" && undecided.has(ledger.reason));
  return { findings, money, rowless: undetermined && all.length === 0 };
};

const difference = (a: string, b: string): string => {
  const minor = BigInt(a) - BigInt(b);
  return String(minor < 0n ? -minor : minor);
};
