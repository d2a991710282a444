import { finalResult, type Transaction } from "./transaction.ts";

/** One line of the truth: what the gateway did, whatever it told anybody. */
export interface TruthRow {
  readonly transactionId: string;
  readonly orderId: string;
  readonly requestId?: string;
  readonly chargeId?: string;
  /** Minor units of `currency`. */
  readonly amountMinor: string;
  readonly currency: string;
  readonly status: "captured" | "declined" | "pending";
  readonly code: number | string;
  /** When it was processed, epoch ms. */
  readonly at: number;
}

export interface TruthSummary {
  /** Transactions that took money. A pending one counts from when it becomes a success. */
  readonly captures: number;
  readonly declines: number;
  /** Transactions that are neither yet. */
  readonly pendings: number;
  /** Charges (`metadata.chargeId`) with at least one capture. */
  readonly chargesCaptured: number;
  readonly capturedChargeIds: readonly string[];
  /** Charges captured more than once, with their captures. */
  readonly doubleCharges: readonly {
    readonly chargeId: string;
    readonly transactions: readonly TruthRow[];
  }[];
  /** What was captured, in minor units, by currency: `{EUR: "12345"}`. */
  readonly capturedByCurrency: Readonly<Record<string, string>>;
}

/** What the gateway really did, in the order it did it. */
export interface Truth {
  add(transaction: Transaction): void;
  /** Every transaction, oldest first. */
  transactions(): readonly Transaction[];
  /** How often this charge was processed, whatever came of it. */
  processedTimes(chargeId: string): number;
  /** The captures of one charge at a time (epoch ms), oldest first. More than one is a double charge. */
  capturesOf(chargeId: string, at: number): readonly TruthRow[];
  summary(at: number): TruthSummary;
}

export function createTruth(): Truth {
  const all: Transaction[] = [];
  const byCharge = new Map<string, Transaction[]>();

  const capturesOf = (chargeId: string, at: number): TruthRow[] =>
    (byCharge.get(chargeId) ?? []).map((one) => truthRow(one, at)).filter(isCapture);

  return {
    add(transaction) {
      all.push(transaction);
      if (transaction.chargeId === undefined) return;
      const same = byCharge.get(transaction.chargeId);
      if (same) same.push(transaction);
      else byCharge.set(transaction.chargeId, [transaction]);
    },
    transactions: () => all,
    processedTimes: (chargeId) => byCharge.get(chargeId)?.length ?? 0,
    capturesOf,
    summary(at) {
      const rows = all.map((one) => truthRow(one, at));
      const byId = [...byCharge.keys()]
        .map((chargeId) => ({ chargeId, transactions: capturesOf(chargeId, at) }))
        .filter(({ transactions }) => transactions.length > 0);
      return {
        captures: rows.filter(isCapture).length,
        declines: rows.filter(({ status }) => status === "declined").length,
        pendings: rows.filter(({ status }) => status === "pending").length,
        chargesCaptured: byId.length,
        capturedChargeIds: byId.map(({ chargeId }) => chargeId),
        doubleCharges: byId.filter(({ transactions }) => transactions.length > 1),
        capturedByCurrency: sumByCurrency(rows.filter(isCapture)),
      };
    },
  };
}

function truthRow(transaction: Transaction, at: number): TruthRow {
  const { transactionId, orderId, requestId, chargeId, amountMinor, currency } = transaction;
  const final = finalResult(transaction, at);
  return {
    transactionId,
    orderId,
    ...(requestId === undefined ? {} : { requestId }),
    ...(chargeId === undefined ? {} : { chargeId }),
    amountMinor,
    currency,
    status: final ? (final.kind === "approved" ? "captured" : "declined") : "pending",
    code: final?.code ?? 0,
    at: transaction.at,
  };
}

function isCapture(row: TruthRow): boolean {
  return row.status === "captured";
}

function sumByCurrency(rows: readonly TruthRow[]): Record<string, string> {
  const sums = new Map<string, bigint>();
  for (const { currency, amountMinor } of rows) {
    sums.set(currency, (sums.get(currency) ?? 0n) + BigInt(amountMinor));
  }
  return Object.fromEntries([...sums].sort().map(([currency, minor]) => [currency, minor.toString()]));
}
