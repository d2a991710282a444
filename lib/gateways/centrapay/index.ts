import type { DeclineTable } from "../../core/decline.ts";
import type { Gateway } from "../../core/gateway.ts";
import { excerptOf, readReply, readRequestError } from "./charge-reply.ts";
import {
  chargeModeOf,
  chargeRequest,
  consumersOf,
  type Endpoint,
  parseRequest,
  paymentRequestIdOf,
  paymentRequestPath,
  postRequest,
  secretsOf,
} from "./charge-request.ts";
import { centrapayFeed } from "./feed.ts";
import { lookUpFor } from "./look-up.ts";
import { cancelledCode, declineTable } from "./messages.ts";
import { preparationFor } from "./preparation.ts";
import { probeOf } from "./probe.ts";
import { refusesAccount, statuses } from "./rules.ts";

/** `url`: `https://service.centrapay.com`, or another host without a slash at its end. */
export type CentrapayOptions = Endpoint & {
  /** whose activities are reconciled; without it there is no list of them */
  readonly merchantId?: string;
  /** in place of the table in `messages.ts` */
  readonly declines?: DeclineTable;
};

/** "Every second" (docs, requesting payment), against a limit of 200 requests a minute: every two. */
const pollMs = 2_000;
/** "24 h from createdAt" (docs, Void), less an hour. */
const voidWithinMs = 23 * 3_600_000;

/** Centrapay: Payment Requests that are paid, captured, or paid by barcode. */
export const centrapay = (options: CentrapayOptions): Gateway => ({
  name: "centrapay",
  parseRequest,
  rules: {
    statuses,
    declines: options.declines ?? declineTable,
    refusesAccount,
    readReply,
    readRequestError,
  },
  chargeRequest: (charge, requestId, prepared) => chargeRequest(charge, requestId, prepared, options),
  secretsOf: (charge) => [...secretsOf(charge), options.apiKey],
  consumersOf,
  excerptOf,
  probeOf: (because, charge) => probeOf(because, charge, options),
  feed: undefined,
  ...(options.merchantId === undefined
    ? {}
    : { reconciliationFeed: centrapayFeed(options, options.merchantId) }),
  preparationOf(charge) {
    const mode = chargeModeOf(charge);
    return mode === "confirm" ? undefined : preparationFor(options, mode === "quickPay");
  },
  lookUpOf: (charge) => lookUpFor(charge, options),
  // Their activities name the Payment Request, and a confirmation its key; neither names the charge.
  noticeReferenceOf: (charge, requestId, prepared) =>
    chargeModeOf(charge) === "confirm" ? requestId : prepared?.id,
  pollMsOf: (charge) => (chargeModeOf(charge) === "quickPay" ? pollMs : undefined),
  voidedAs: cancelledCode("CANCELLED_BY_MERCHANT"),
  voidOf: (charge, prepared, nowMs) =>
    // A confirmation is one of several on a Payment Request: a void would take the others with it.
    chargeModeOf(charge) === "confirm" || nowMs - (prepared?.madeAtMs ?? nowMs) > voidWithinMs
      ? undefined
      : postRequest(options, `${paymentRequestPath(paymentRequestIdOf(charge, prepared))}/void`, {}),
});
