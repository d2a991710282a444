import type { Charge, ChargeId, LeaseToken, RequestId } from "../../lib/core/charge.ts";
import type { Search } from "../../lib/core/evidence.ts";
import type { FeedRow } from "../../lib/core/feed.ts";
import type { InstrumentRecord } from "../../lib/core/instrument-record.ts";
import type { JsonObject } from "../../lib/core/json.ts";
import {
  type FinalEntry,
  leaseEntry,
  type OpenedEntry,
  openEntry,
  type ReviewEntry,
  type UnknownEntry,
  type WaitingEntry,
} from "../../lib/core/ledger.ts";
import type { Found } from "../../lib/core/matching.ts";
import { defaultPolicy, type Policy } from "../../lib/core/policy.ts";
import type { Asked, GatewayReply } from "../../lib/core/reply.ts";
import type { Scan } from "../../lib/core/resolution.ts";
import type { Replied, Transport } from "../../lib/core/transport.ts";
import { recordVerdict } from "../../lib/core/verdict.ts";
import { centrobill } from "../../lib/gateways/centrobill/index.ts";
import { chargeMessage, chargeOf } from "../doubles/samples.ts";

/** The moment at which the samples' first byte leaves. */
export const t0 = Date.UTC(2026, 10, 22, 12);
export const timeoutMs = 30_000;
export const gateway = centrobill({ url: "https://pay.test", apiKey: "test-key-0123456789" });
export const { rules } = gateway;

export const chargeIdOf = (text: string): ChargeId => text as ChargeId;
export const requestIdOf = (text: string): RequestId => text as RequestId;
export const tokenOf = (text: string): LeaseToken => text as LeaseToken;

/** Who writes next: another token, `seconds` after the first send. */
export const by = (seconds: number, token = `token-at-${seconds}`) => ({
  token: tokenOf(token),
  nowMs: t0 + seconds * 1_000,
  leaseMs: 72_000,
});

export const policyOf = (changes: Partial<Policy> = {}): Policy => ({ ...defaultPolicy, ...changes });

export const aCharge = (changes: JsonObject = {}): Charge => chargeOf(chargeMessage("order-1", changes));

export const asked: Asked = {
  chargeId: "order-1",
  requestId: requestIdOf("request-1"),
  amountMinor: 1999n,
  currency: "EUR",
};

/** `order-1` as a worker opens it: nothing was sent yet. */
export const opened = (changes: Partial<OpenedEntry> = {}): OpenedEntry => ({
  ...openEntry(aCharge(), {
    fingerprint: "f".repeat(64),
    requestId: requestIdOf("request-1"),
    token: tokenOf("token-0"),
    nowMs: t0,
    leaseMs: 72_000,
  }),
  ...changes,
});

export const waiting = (seconds = 1): WaitingEntry =>
  recordVerdict(opened(), { kind: "sendAgain", atMs: t0 }, by(seconds)) as WaitingEntry;

/** `order-1` after one send at `t0` that nobody answered. */
export const unknown = (changes: Partial<UnknownEntry> = {}): UnknownEntry =>
  ({
    ...recordVerdict(
      { ...opened(), sends: 1, openSends: 1, lastSendAtMs: t0 },
      { kind: "wait", state: "unknown", reason: "no_answer", nextAct: "lookUp", atMs: t0 + 60_000 },
      by(32),
    ),
    ...changes,
  }) as UnknownEntry;

export const pending = (changes: Partial<UnknownEntry> = {}): UnknownEntry =>
  unknown({ state: "pending", reason: "gateway_pending", ...changes });

const replyEvidence = { kind: "reply", atMs: t0 + 900, status: 201, bodySha256: "b".repeat(64) } as const;

export const final = (state: FinalEntry["state"] = "approved"): FinalEntry =>
  ({
    ...recordVerdict(
      { ...opened(), sends: 1, lastSendAtMs: t0 },
      { kind: "settle", state: "approved", ending: { code: "0" }, evidence: replyEvidence },
      by(1),
    ),
    state,
  }) as FinalEntry;

export const review = (changes: Partial<ReviewEntry> = {}): ReviewEntry =>
  ({
    ...recordVerdict(
      { ...opened(), sends: 1, lastSendAtMs: t0 },
      { kind: "review", reason: "lookups_used_up", evidence: replyEvidence },
      by(1),
    ),
    ...changes,
  }) as ReviewEntry;

/** Leased once more, to send the same request id again. */
export const leased = (entry: WaitingEntry | UnknownEntry, seconds: number): OpenedEntry =>
  leaseEntry(entry, by(seconds));

/** A search that counts: later than time-out and feed lag, over the whole window. */
export const search = (seconds = 400): Search => ({
  atMs: t0 + seconds * 1_000,
  fromMs: t0 - 120_000,
  toMs: t0 + 1_200_000,
  rows: 3,
});

export const scan = (seconds = 400, changes: Partial<Scan> = {}): Scan => ({
  ...search(seconds),
  whole: true,
  ...changes,
});

const echo = { amount: "19.99", currency: "EUR", chargeId: "order-1", requestId: "request-1" };

export const replies = {
  captured: { kind: "captured", echo, ids: {}, code: "0" },
  accepted: { kind: "accepted", echo, ids: {}, code: "0" },
  refused: { kind: "refused", echo, ids: {}, code: "5051" },
  unproven: { kind: "unproven", why: "unlisted", ids: {} },
  invalid: { kind: "invalid", code: "http_400" },
} as const satisfies Record<string, GatewayReply>;
export type ReplyKind = keyof typeof replies;

/** A row of `order-1`'s attempt in the feed: its own transaction `tx-1`, unless `changes` says else. */
export const row = (kind: ReplyKind, changes: Partial<FeedRow> = {}): FeedRow => {
  const transactionId = "transactionId" in changes ? changes.transactionId : "tx-1";
  const read = replies[kind];
  return {
    kind: "charge",
    reply:
      "echo" in read
        ? {
            ...read,
            ids: transactionId === undefined ? {} : { transactionId },
            echo: {
              ...echo,
              ...(changes.chargeId === undefined ? {} : { chargeId: changes.chargeId }),
              ...(changes.requestId === undefined ? {} : { requestId: changes.requestId }),
            },
          }
        : read,
    transactionId: "tx-1",
    chargeId: "order-1",
    requestId: "request-1",
    consumers: ["user-of-order-1"],
    amount: "19.99",
    currency: "EUR",
    atMs: t0 + 2_000,
    raw: { transactionId: transactionId ?? null, kind, at: changes.atMs ?? 0 },
    ...changes,
  } as FeedRow;
};

/** A row that carries no reference of ours. */
export const stranger = (kind: ReplyKind, changes: Partial<FeedRow> = {}): FeedRow => {
  const { chargeId: _chargeId, requestId: _requestId, ...rest } = row(kind, changes);
  return rest;
};

/** Money given back on `tx-1`. */
export const reversal = (changes: Partial<FeedRow> = {}): FeedRow =>
  row("unproven", { kind: "reversal", transactionId: "tx-9", parentTransactionId: "tx-1", ...changes });

export const found = (changes: Partial<Found> = {}): Found => ({
  own: [],
  otherAttempt: [],
  reversals: [],
  weak: [],
  ...changes,
});

export const replied = (status: number, body: unknown): Replied => ({
  kind: "replied",
  status,
  headers: {},
  body: typeof body === "string" ? body : JSON.stringify(body),
  bodySha256: "b".repeat(64),
});

/** A whole answer to `POST /payment` that approves the sample charge; `payment` replaces members. */
export const paid = (payment: JsonObject = {}, metadata: JsonObject = {}): Replied =>
  replied(201, {
    payment: {
      code: 0,
      status: "success",
      action: "charge",
      mode: "sale",
      amount: 19.99,
      currency: "EUR",
      transactionId: "tx-1",
      orderId: "or-1",
      ...payment,
    },
    metadata: { chargeId: "order-1", requestId: "request-1", ...metadata },
  });

export const declined = (code: JsonObject[string] = 5051): Replied => paid({ code, status: "fail" });

export const timedOut: Transport = { kind: "sentUnanswered", cause: "timeout" };
export const notConnected: Transport = { kind: "neverSent", cause: "refused" };

/** What the ledger keeps of a card that nothing was counted on. */
export const card = (changes: Partial<InstrumentRecord> = {}): InstrumentRecord => ({
  v: 1,
  merchant: "all",
  ref: "card-1",
  token: tokenOf("i-0"),
  spends: [],
  ...changes,
});
