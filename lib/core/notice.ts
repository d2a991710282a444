import type { ChargeId, GatewayName, RequestId } from "./charge.ts";
import type { NoticeEvidence } from "./evidence.ts";
import { asString, isJsonObject, type JsonObject, member, parseJson } from "./json.ts";
import type { LedgerState, ReviewReason } from "./ledger.ts";
import type { Mismatch } from "./outcome.ts";
import type { GatewayReply } from "./reply.ts";

/** What a gateway told of a transaction by itself. Its signature was checked before a word of it was read. */
export type Notice = {
  readonly v: 1;
  readonly gateway: GatewayName;
  /**
   * The same for every copy of it: made of what is signed and of words from a list, so that whoever repeats a
   * signature under another body makes no more than a few of them.
   */
  readonly id: string;
  /** the gateway's own name for what it is about; all notices about it are kept under that */
  readonly reference: string;
  readonly receivedAtMs: number;
  /** lower-case hex SHA-256 of the body's bytes */
  readonly bodySha256: string;
  /** money taken or refused, or money given back */
  readonly kind: "charge" | "reversal";
  /** the gateway's own words, for people: `charge sale success` */
  readonly words: string;
  /** read as an answer of this gateway is */
  readonly reply: GatewayReply;
  readonly chargeId?: ChargeId;
  readonly requestId?: string;
  readonly transactionId?: string;
  readonly orderId?: string;
  /** the notices of what it gives back are kept under this */
  readonly parentReference?: string;
  /** what the signature covers: all of it, or no more than the reference and the status */
  readonly signed: "whole" | "reference_and_status";
};

/** A notice that a person is told of, as it is kept beside its charge. The first one of an id stands. */
export type NotedNotice = {
  readonly v: 1;
  readonly id: string;
  readonly chargeId: ChargeId;
  readonly gateway: GatewayName;
  readonly atMs: number;
  /** of the charge, when the notice was read: what is told of it stays the same, whatever follows */
  readonly attempt: number;
  readonly requestId: RequestId;
  readonly state: LedgerState;
  readonly reason: ReviewReason;
  readonly words: string;
  readonly mismatch?: Mismatch;
  readonly evidence: NoticeEvidence;
};

/** A request that claims to be a notice, before anybody believes a word of it. */
export type NoticeRequest = {
  /** names in lower case */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** of the bytes as they came */
  readonly bodySha256: string;
  readonly atMs: number;
};

/** Why a request is not believed. Words of the log and of a metric's series. */
export type RefusedWhy =
  | "no_signature"
  | "wrong_signature"
  | "unknown_key"
  | "other_audience"
  | "over_time"
  | "other_body";

export type NoticeProof =
  | { readonly kind: "verified"; readonly payload: JsonObject }
  | { readonly kind: "refused"; readonly why: RefusedWhy }
  /** not the shape of a notice: there is nothing that a signature could be compared with */
  | { readonly kind: "malformed"; readonly why: string }
  /** the gateway's keys could not be had: it may send it again */
  | { readonly kind: "unavailable"; readonly why: string };

/** What a signed token proved: its claims, if one of the gateway's keys signed it. */
export type TokenProof =
  | { readonly kind: "verified"; readonly claims: JsonObject }
  | Extract<NoticeProof, { kind: "refused" | "unavailable" }>;

/** Checks a token's signature, and nothing of its claims. Never rejects. */
export type VerifyToken = (token: string) => Promise<TokenProof>;

/** Whether two texts are the same, in a time that does not tell how much of them is. */
export type SameText = (a: string, b: string) => boolean;

export type NoticeReading =
  | { readonly kind: "notice"; readonly notice: Notice }
  /** believed, and nothing that a charge could follow from */
  | { readonly kind: "ignored"; readonly why: string }
  | { readonly kind: "malformed"; readonly why: string };

/** Where one gateway's notices come in: how each is proved, and then read. */
export type NoticeDesk = {
  readonly gateway: GatewayName;
  verify(request: NoticeRequest): Promise<NoticeProof>;
  /** reads what was verified */
  read(payload: JsonObject, request: NoticeRequest): NoticeReading;
};

export const noticeEvidenceOf = (notice: Notice): NoticeEvidence => ({
  kind: "notice",
  atMs: notice.receivedAtMs,
  id: notice.id,
  ...("code" in notice.reply ? { code: notice.reply.code } : {}),
  bodySha256: notice.bodySha256,
  ...(notice.transactionId === undefined ? {} : { transactionId: notice.transactionId }),
  ...(notice.orderId === undefined ? {} : { orderId: notice.orderId }),
});

/** What is put onto the queue of unknowns when a notice was kept: where to find it, and nothing of what it says. */
export type WakeUp = {
  readonly v: 1;
  readonly kind: "notice";
  readonly gateway: GatewayName;
  readonly reference: string;
  readonly notice: string;
};

export const wakeUpOf = (notice: Notice): WakeUp => ({
  v: 1,
  kind: "notice",
  gateway: notice.gateway,
  reference: notice.reference,
  notice: notice.id,
});

/** The wake-up that a message of the `unknown-outcomes` queue is, or `undefined` where it is a charge. */
export const parseWakeUp = (body: string): WakeUp | undefined => {
  // A charge message is parsed by whoever works it, and not here too.
  if (body.length > 2_000 || !body.includes('"notice"')) return undefined;
  const message = parseJson(body);
  if (!isJsonObject(message) || message["v"] !== 1 || message["kind"] !== "notice") return undefined;
  const [gateway, reference, notice] = ["gateway", "reference", "notice"].map((name) =>
    asString(member(message, name)),
  );
  if (gateway === undefined || reference === undefined || notice === undefined) return undefined;
  return { v: 1, kind: "notice", gateway: gateway as GatewayName, reference, notice };
};
