import { asString, member, parseJson } from "../../core/json.ts";
import type { StatusRow } from "../../core/reply.ts";
import type { Replied } from "../../core/transport.ts";
import { normalMessage } from "./messages.ts";

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

/**
 * A 401 is about the key. A 403 "Forbidden" may be about one missing resource as well as about what the key
 * may do: one alone ends its charge, but several in a row with no success between are taken for the key's.
 */
export const refusesAccount = ({ status, body }: Replied): boolean =>
  status === 401 ||
  (status === 403 && normalMessage(asString(member(parseJson(body), "message")) ?? "") === "FORBIDDEN");
