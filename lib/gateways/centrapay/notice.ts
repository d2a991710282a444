import {
  asString,
  isDeeperThan,
  isJsonObject,
  type Json,
  type JsonObject,
  member,
  parseJson,
} from "../../core/json.ts";
import type {
  Notice,
  NoticeDesk,
  NoticeProof,
  NoticeReading,
  NoticeRequest,
  RefusedWhy,
  SameText,
  VerifyToken,
} from "../../core/notice.ts";
import type { GatewayReply } from "../../core/reply.ts";
import { idOf, readActivity } from "./charge-reply.ts";

export type CentrapayNoticeOptions = {
  /** what `aud` has to be: the base address of the webhook, as it was given to Centrapay */
  readonly audience: string;
  readonly verifyToken: VerifyToken;
  readonly sameText: SameText;
};

/** How far the two clocks may be apart: `exp` is five minutes after `iat` (guides/webhooks.mdoc). */
const clockSkewMs = 60_000;
const tokenLengthMax = 8_192;
const nestingMax = 50;
/** Base64url in three parts. Whatever is not that is not worth a look at the keys. */
const tokenForm = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** Whether the docs' "in the Authorization header" means with a scheme before it is not said: both are read. */
const tokenOf = (header: string | undefined): string | undefined => {
  const token = header?.trim().replace(/^Bearer +/i, "");
  return token !== undefined && token.length <= tokenLengthMax && tokenForm.test(token) ? token : undefined;
};

/** Seconds since 1970. The docs show them as strings. */
const secondsOf = (value: Json | undefined): number | undefined => {
  const seconds = typeof value === "string" && /^\d{1,12}$/.test(value) ? Number(value) : value;
  return Number.isFinite(seconds) ? Number(seconds) : undefined;
};

const withoutSlash = (address: string): string => address.replace(/\/+$/, "");

/** What is wrong with the claims of a token that one of the gateway's keys signed. */
export const claimsProblem = (
  claims: JsonObject,
  { atMs, bodySha256 }: Pick<NoticeRequest, "atMs" | "bodySha256">,
  audience: string,
  sameText: SameText,
): RefusedWhy | undefined => {
  const expires = secondsOf(claims["exp"]);
  if (expires === undefined || atMs > expires * 1_000 + clockSkewMs) return "over_time";
  const { aud } = claims;
  const audiences = (Array.isArray(aud) ? (aud as readonly Json[]) : [aud]).map(asString);
  if (!audiences.some((one) => one !== undefined && withoutSlash(one) === withoutSlash(audience)))
    return "other_audience";
  const hash = asString(claims["request_body_sha256"])?.toLowerCase() ?? "";
  return sameText(hash, bodySha256) ? undefined : "other_body";
};

/** Typed as a string in the documents' table, and described as the activity itself: both are read. */
const activityOf = (data: Json | undefined): JsonObject | undefined => {
  const activity = typeof data === "string" ? parseJson(data) : data;
  return isJsonObject(activity) && !isDeeperThan(activity, nestingMax) ? activity : undefined;
};

/** `payment-request:paid` says that the money was taken; of one that was authorised beforehand it was not yet. */
const readPaid = (activity: JsonObject): GatewayReply => {
  if (activity["preAuth"] === true) return { kind: "unproven", why: "not_a_capture", ids: {} };
  if (activity["type"] !== "paid") return readActivity(activity);
  // Its id is not that of the payment, by which the ledger knows it.
  const { id: _id, ...paid } = activity;
  return readActivity({ ...paid, type: "payment" });
};

const kinds: Readonly<Record<string, Notice["kind"]>> = {
  "payment-request:paid": "charge",
  "payment-request:refund-initiated": "reversal",
  "payment-request:refund-completed": "reversal",
};

/** Centrapay's webhooks: an ES256 token in `Authorization` that holds the hash of the whole body. */
export const centrapayNotices = ({
  audience,
  verifyToken,
  sameText,
}: CentrapayNoticeOptions): NoticeDesk => ({
  gateway: "centrapay",

  async verify(request): Promise<NoticeProof> {
    const token = tokenOf(request.headers["authorization"]);
    if (token === undefined) return { kind: "refused", why: "no_signature" };
    const proof = await verifyToken(token);
    if (proof.kind !== "verified") return proof;
    const problem = claimsProblem(proof.claims, request, audience, sameText);
    if (problem !== undefined) return { kind: "refused", why: problem };
    const payload = parseJson(request.body);
    return isJsonObject(payload)
      ? { kind: "verified", payload }
      : { kind: "malformed", why: "not a JSON object" };
  },

  read(payload, { atMs, bodySha256 }): NoticeReading {
    const id = idOf(payload["id"]);
    const type = asString(payload["type"]);
    if (id === undefined || type === undefined) return { kind: "malformed", why: "no id or no type" };
    const kind = Object.hasOwn(kinds, type) ? kinds[type] : undefined;
    if (kind === undefined) return { kind: "ignored", why: "a type that is not about money" };
    const activity = activityOf(payload["data"]);
    const paymentRequestId = idOf(activity?.["paymentRequestId"]);
    if (activity === undefined || paymentRequestId === undefined)
      return { kind: "malformed", why: "data is not an activity of a Payment Request" };
    const reply: GatewayReply =
      kind === "reversal" ? { kind: "unproven", why: "not_a_capture", ids: {} } : readPaid(activity);
    const activityType = idOf(activity["type"]) ?? "other";
    const requestId = asString(member(activity, "idempotencyKey"))?.slice(0, 64);
    const transactionId = "ids" in reply ? reply.ids.transactionId : undefined;
    return {
      kind: "notice",
      notice: {
        v: 1,
        gateway: "centrapay",
        id,
        reference: referenceOf(activity, paymentRequestId),
        receivedAtMs: atMs,
        bodySha256,
        kind,
        words: `${type} ${activityType}`,
        reply,
        ...(requestId === undefined || kind === "reversal" ? {} : { requestId }),
        ...(transactionId === undefined ? {} : { transactionId }),
        orderId: paymentRequestId,
        signed: "whole",
      },
    };
  },
});

/** Confirmations share a Payment Request, and are told apart by their keys; what else is on it is by itself. */
const referenceOf = (activity: JsonObject, paymentRequestId: string): string => {
  const key =
    activity["type"] === "confirmation" ? activity["idempotencyKey"] : activity["confirmationIdempotencyKey"];
  return idOf(key) ?? paymentRequestId;
};
