import type { StatusRow } from "../../core/reply.ts";

/** docs.centrapay.com/api/status-codes. */
const statusCodes = "docs.centrapay.com/api/status-codes";

/** What Centrapay's HTTP statuses mean. A status without a row is unknown. */
export const statuses: Readonly<Record<number, StatusRow>> = {
  200: { meaning: "read", source: statusCodes },
  400: { meaning: "requestError", source: statusCodes },
  401: { meaning: "requestError", source: statusCodes },
  // Three meanings; the message tells them apart.
  403: { meaning: "read", source: statusCodes },
  404: { meaning: "requestError", source: statusCodes },
  // Neither a decline nor a failure: the same idempotencyKey again, later.
  429: { meaning: "fault", source: `${statusCodes}; rate limits` },
  500: { meaning: "fault", source: `${statusCodes} ("Retrying should solve the issue")` },
  502: { meaning: "fault", source: statusCodes },
  503: { meaning: "fault", source: statusCodes },
  504: { meaning: "fault", source: statusCodes },
};
