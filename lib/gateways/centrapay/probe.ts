import type { Charge } from "../../core/charge.ts";
import type { Probe } from "../../core/gateway.ts";
import type { ProbedReason } from "../../core/pace.ts";
import {
  chargeModeOf,
  type Endpoint,
  getRequest,
  merchantAccountIdOf,
  paymentRequestIdOf,
  paymentRequestPath,
} from "./charge-request.ts";

/** A reference under which nothing is ever made: a list by it finds nothing, and can start nothing. */
const nobody = "chargeonce.probe";

/** A list by a reference that nobody has; for a confirmation the request that it confirms, which no GET pays. */
export const probeOf = (because: ProbedReason, charge: Charge, endpoint: Endpoint): Probe => ({
  request:
    chargeModeOf(charge) === "confirm"
      ? getRequest(endpoint, paymentRequestPath(paymentRequestIdOf(charge, undefined)))
      : getRequest(
          endpoint,
          `/api/payment-requests/external-ref/${nobody}?${new URLSearchParams({ merchantAccountId: merchantAccountIdOf(charge) })}`,
        ),
  opens: ({ status }) =>
    because === "outage"
      ? status < 500 && status !== 429
      : // Its 403 and 404 answer for what was asked, and come after the key was accepted.
        (status >= 200 && status < 300) || status === 403 || status === 404,
});
