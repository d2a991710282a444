import { type Charge, parseCharge } from "../../lib/core/charge.ts";
import { canonicalJson, type JsonObject } from "../../lib/core/json.ts";
import { type LedgerEntry, type OpenedEntry, openEntry } from "../../lib/core/ledger.ts";
import type { Notice } from "../../lib/core/notice.ts";
import { parseRequest } from "../../lib/gateways/centrobill/charge-request.ts";
import type { Ids } from "../../lib/ports.ts";
import { sha256Of } from "./scripted-wire.ts";

/** A charge message as merchants send it; `changes` replaces top-level fields. */
export const chargeMessage = (chargeId: string, changes: JsonObject = {}): JsonObject => ({
  v: 1,
  chargeId,
  gateway: "centrobill",
  amount: "1999",
  currency: "EUR",
  request: {
    paymentSource: { type: "paymentAccountId", paymentAccountId: "0bce192c-a476-4a84-b751-e1dfad1e4723" },
    consumer: { externalId: `user-of-${chargeId}`, ip: "192.0.2.134", email: "lena@example.net" },
    sku: { siteId: "site-4471", title: "Top-up" },
  },
  ...changes,
});

export const chargeOf = (message: JsonObject): Charge => {
  const parsed = parseCharge(JSON.stringify(message), { centrobill: parseRequest });
  if (!parsed.ok) throw new Error(`not a charge: ${JSON.stringify(parsed.refusal)}`);
  return parsed.charge;
};

/** The first entry of a charge, as a worker opens it. */
export const openedEntry = (
  message: JsonObject,
  ids: Ids,
  nowMs = Date.UTC(2026, 10, 22, 12),
  leaseMs = 72_000,
): OpenedEntry => {
  const charge = chargeOf(message);
  return openEntry(charge, {
    fingerprint: sha256Of(canonicalJson(charge.message)),
    requestId: ids.requestId(),
    token: ids.leaseToken(),
    nowMs,
    leaseMs,
  });
};

/** A notice of Centrobill that it took the money of this entry's attempt. */
export const captureNotice = ({ chargeId, requestId }: LedgerEntry, own: Partial<Notice> = {}): Notice => ({
  v: 1,
  gateway: "centrobill",
  id: "1001.success.charge.sale",
  reference: "1001",
  receivedAtMs: 1,
  bodySha256: "b0",
  kind: "charge",
  words: "charge sale success",
  reply: {
    kind: "captured",
    code: "0",
    echo: { amount: "19.99", currency: "EUR", chargeId, requestId },
    ids: { transactionId: "1001" },
  },
  chargeId,
  requestId,
  transactionId: "1001",
  signed: "reference_and_status",
  ...own,
});
