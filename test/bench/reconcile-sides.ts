import type { LeaseToken, RequestId } from "../../lib/core/charge.ts";
import { openEntry } from "../../lib/core/ledger.ts";
import type { Replied } from "../../lib/core/transport.ts";
import { recordVerdict } from "../../lib/core/verdict.ts";
import { chargeMessage, chargeOf } from "../doubles/samples.ts";

/** Both sides of a reconciliation, made page by page: nothing of them is kept. */
export const startMs = Date.UTC(2026, 10, 1);
export const dayMs = 86_400_000;
export const perPage = 1_000;

const requestIdOf = (index: number): string =>
  `${(index * 2_654_435_761).toString(16).padStart(12, "0").slice(-12)}-4000-8000-${index.toString(16).padStart(12, "0")}`;

const amountOf = (index: number): number => 100 + ((index * 7_919) % 90_000);
const atOf = (index: number, count: number): number => startMs + Math.floor((index / count) * dayMs);

/** A page's rows in another order than the charges were sent: gateways answer when they answer. */
export const shuffled = (indexes: readonly number[]): readonly number[] =>
  indexes.map((_, at) => indexes[(at * 379) % indexes.length] ?? 0);

/** Charges that were refunded: one a page. Their row names nothing but the transaction that it gives back. */
const refundedOf = (indexes: readonly number[]): number => indexes[0] ?? 0;

const template = (() => {
  const entry = openEntry(chargeOf(chargeMessage("CHARGE")), {
    fingerprint: "f".repeat(64),
    requestId: "REQUEST" as RequestId,
    token: "token-000001" as LeaseToken,
    nowMs: 1_111_111_111_111,
    leaseMs: 72_000,
  });
  const settled = recordVerdict(
    {
      ...entry,
      sends: 1,
      lastSendAtMs: 1_111_111_111_111,
      history: [
        ...entry.history,
        { e: "replied", at: 1_111_111_111_111, ms: 412, status: 201, code: "0", sha256: "a".repeat(64) },
      ],
    },
    {
      kind: "settle",
      state: "approved",
      ending: { code: "0" },
      evidence: {
        kind: "reply",
        atMs: 1_111_111_111_111,
        status: 201,
        bodySha256: "a".repeat(64),
        code: "0",
      },
      ids: { transactionId: "TRANSACTION", orderId: "ORDER" },
    },
    { token: "token-000002" as LeaseToken, nowMs: 1_111_111_111_111 },
  );
  return JSON.stringify({ ...settled, amount: "AMOUNT" });
})();

const pieces = template.split(/(CHARGE|REQUEST|TRANSACTION|ORDER|AMOUNT|1111111111111)/);

/** An approved charge as the ledger keeps it: the JSON text of its entry. */
export const entryText = (index: number, count: number): string => {
  const values: Readonly<Record<string, string>> = {
    CHARGE: `inv-2026-${index}`,
    REQUEST: requestIdOf(index),
    TRANSACTION: String(404_000_000 + index),
    ORDER: String(2_394_000_000 + index),
    AMOUNT: String(amountOf(index)),
    "1111111111111": String(atOf(index, count)),
  };
  let text = "";
  for (const [at, piece] of pieces.entries()) text += at % 2 === 0 ? piece : values[piece];
  return text;
};

/** A page of the default feed profile. */
export const feedPage = (indexes: readonly number[], count: number): Replied => {
  const refunded = refundedOf(indexes);
  const rows = indexes.map(
    (index) =>
      `{"code":0,"description":"Approved","action":"charge","mode":"sale","status":"success","amount":${amountOf(index) / 100},"currency":"EUR","orderId":"${2_394_000_000 + index}","transactionId":"${404_000_000 + index}","descriptor":"Eurobill","source":{"method":"card","number":"513284****9161","brand":"mastercard"},"timestamp":{"dateTime":"2026-11-01 11:01:55","timezone":"+00:00","unixTime":${Math.floor(atOf(index, count) / 1000) + 2}},"consumer":{"id":"1000${index}","externalId":"user-${index}"},"metadata":{"chargeId":"inv-2026-${index}","requestId":"${requestIdOf(index)}"}}`,
  );
  rows.push(
    `{"code":0,"action":"credit","mode":"sale","status":"success","amount":${amountOf(refunded) / 100},"currency":"EUR","orderId":"${9_394_000_000 + refunded}","transactionId":"${904_000_000 + refunded}","parentTransactionId":"${404_000_000 + refunded}","timestamp":{"unixTime":${Math.floor(atOf(refunded, count) / 1000) + 3}}}`,
  );
  return {
    kind: "replied",
    status: 200,
    headers: {},
    body: flat(`{"data":[${rows.join(",")}],"meta":{"currentPage":1,"lastPage":1,"perPage":${perPage}}}`),
    bodySha256: "",
  };
};

/** A page of either side as the readers leave it, JSON. */
export const chargesPage = (indexes: readonly number[], count: number): string =>
  flat(
    `[${indexes
      .map(
        (index) =>
          `{"chargeId":"inv-2026-${index}","requestId":"${requestIdOf(index)}","earlierRequestIds":[],"attempt":1,"amount":"${amountOf(index)}","currency":"EUR","state":"approved","firstSentAtMs":${atOf(index, count)},"lastSentAtMs":${atOf(index, count)},"transactionId":"${404_000_000 + index}","orderId":"${2_394_000_000 + index}","consumerMarks":["0123456789ab"]}`,
      )
      .join(",")}]`,
  );
export const rowsPage = (indexes: readonly number[], count: number): string => {
  const refunded = refundedOf(indexes);
  return flat(
    `[${indexes
      .map(
        (index) =>
          `{"kind":"charge","says":"captured","code":"0","transactionId":"${404_000_000 + index}","orderId":"${2_394_000_000 + index}","requestId":"${requestIdOf(index)}","chargeId":"inv-2026-${index}","amount":"${amountOf(index)}","currency":"EUR","atMs":${atOf(index, count) + 2_000},"consumers":["1000${index}"]}`,
      )
      .join(
        ",",
      )},{"kind":"reversal","says":"unproven","transactionId":"${904_000_000 + refunded}","orderId":"${9_394_000_000 + refunded}","parentTransactionId":"${404_000_000 + refunded}","amount":"${amountOf(refunded)}","currency":"EUR","atMs":${atOf(refunded, count) + 3_000},"consumers":[]}]`,
  );
};

/** As it comes from the wire: one flat text. */
export const flat = (text: string): string => Buffer.from(text).toString("latin1");
