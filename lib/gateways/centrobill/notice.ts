import { parseChargeId } from "../../core/charge.ts";
import { asString, isDeeperThan, isJsonObject, type Json, member, parseJson } from "../../core/json.ts";
import { maskedExcerpt } from "../../core/masked-message.ts";
import type { NoticeDesk, NoticeProof, NoticeReading, NoticeRequest, SameText } from "../../core/notice.ts";
import type { GatewayReply } from "../../core/reply.ts";
import { paymentOf, readPayment } from "./charge-reply.ts";

export type CentrobillNoticeOptions = {
  /** the "s code" of the account; while it is changed, the one before it, too */
  readonly secrets: readonly string[];
  readonly sha256: (text: string) => string;
  readonly sameText: SameText;
};

/**
 * What is signed is secret, transaction id and status without a mark between them (readme.centrobill.com,
 * instant-payment-notification-ipn; php-sdk-v1, SignatureCalculator). Digits first and a letter after them leave
 * one way to cut the text in two: otherwise "12" + "3fail" would be signed by "123" + "fail".
 */
const transactionIdForm = /^\d{1,32}$/;
const statusForm = /^[A-Za-z][A-Za-z0-9_]{0,31}$/;
const signatureForm = /^[0-9a-f]{64}$/i;
const nestingMax = 50;

/** Facts §2.6, with the words of fixtures. Any other is one word in an id: it is not signed, and must not make many. */
const actions = new Set(["charge", "redirect", "credit", "chargeback"]);
const modes = new Set([
  "auth",
  "settle",
  "sale",
  "payout",
  "refund",
  "void",
  "credit",
  "test",
  "chargebackRetrieval",
  "chargebackRepresent",
  "chargebackFirst",
  "chargebackSecond",
  "chargebackCollector",
]);
const reversalModes = /^(refund|void|credit|chargeback\w*)$/;

const wordOf = (value: Json | undefined, known: ReadonlySet<string>): string =>
  value === undefined || value === null
    ? "none"
    : typeof value === "string" && known.has(value)
      ? value
      : "other";

const transactionIdOf = (value: Json | undefined): string | undefined => {
  const text = Number.isSafeInteger(value) ? String(value) : asString(value);
  return text !== undefined && transactionIdForm.test(text) ? text : undefined;
};

/** The two members that are signed, or what is wrong with the body. */
const signedOf = (
  body: string,
): { readonly transactionId: string; readonly status: string } | { readonly malformed: string } => {
  const payload = parseJson(body);
  if (!isJsonObject(payload) || isDeeperThan(payload, nestingMax)) return { malformed: "not a JSON object" };
  const payment = member(payload, "payment");
  const transactionId = transactionIdOf(member(payment, "transactionId"));
  const status = asString(member(payment, "status"));
  return transactionId === undefined || status === undefined || !statusForm.test(status)
    ? { malformed: "payment.transactionId or payment.status is not one" }
    : { transactionId, status };
};

const keptReply = (reply: GatewayReply): GatewayReply =>
  reply.kind === "refused" && reply.description !== undefined
    ? { ...reply, description: maskedExcerpt(reply.description, [], 200) }
    : reply;

/** Centrobill's Instant Payment Notifications: `X-Signature` over transaction id and status, and nothing else. */
export const centrobillNotices = ({ secrets, sha256, sameText }: CentrobillNoticeOptions): NoticeDesk => ({
  gateway: "centrobill",

  async verify({ headers, body }: NoticeRequest): Promise<NoticeProof> {
    const signature = headers["x-signature"]?.trim() ?? "";
    if (!signatureForm.test(signature)) return { kind: "refused", why: "no_signature" };
    const signed = signedOf(body);
    if ("malformed" in signed) return { kind: "malformed", why: signed.malformed };
    // All are compared, whichever fits. What is empty is no secret: anybody could sign with it.
    const fits = secrets
      .map(
        (secret) =>
          sameText(sha256(`${secret}${signed.transactionId}${signed.status}`), signature.toLowerCase()) &&
          secret !== "",
      )
      .includes(true);
    return fits
      ? { kind: "verified", payload: parseJson(body) as { readonly [key: string]: Json } }
      : { kind: "refused", why: "wrong_signature" };
  },

  read(payload, { atMs, bodySha256 }): NoticeReading {
    const payment = member(payload, "payment");
    const metadata = member(payload, "metadata");
    const transactionId = transactionIdOf(member(payment, "transactionId"));
    if (!isJsonObject(payment) || transactionId === undefined)
      return { kind: "malformed", why: "no payment" };
    const read = paymentOf(payment, metadata);
    const words = [
      wordOf(read.action, actions),
      wordOf(read.mode, modes),
      asString(read.status) ?? "none",
    ] as const;
    const [action, mode, status] = words;
    const reply = keptReply(readPayment(read));
    const chargeId = parseChargeId(read.chargeId);
    const requestId = asString(read.requestId)?.slice(0, 64);
    const parentReference = transactionIdOf(member(payment, "parentTransactionId"));
    return {
      kind: "notice",
      notice: {
        v: 1,
        gateway: "centrobill",
        id: `${transactionId}.${status}.${action}.${mode}`,
        reference: transactionId,
        receivedAtMs: atMs,
        bodySha256,
        kind:
          action === "credit" || action === "chargeback" || reversalModes.test(mode) ? "reversal" : "charge",
        words: words.join(" "),
        reply,
        ...(chargeId === undefined ? {} : { chargeId }),
        ...(requestId === undefined ? {} : { requestId }),
        ...("ids" in reply ? reply.ids : {}),
        transactionId,
        ...(parentReference === undefined ? {} : { parentReference }),
        signed: "reference_and_status",
      },
    };
  },
});
