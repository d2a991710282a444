import type { StatusRow } from "../../core/reply.ts";

/** readme.centrobill.com/docs/error-handling, the table "HTTP status codes and what to do". */
const errorHandling = "readme.centrobill.com/docs/error-handling";
const policy = "policy: not documented by Centrobill";

/**
 * What Centrobill's HTTP statuses mean. A status without a row is unknown: 200 (documented for retrievals
 * and updates only), 409 and 429 (not documented) among them.
 */
export const statuses: Readonly<Record<number, StatusRow>> = {
  201: { meaning: "read", source: errorHandling },
  400: { meaning: "requestError", source: errorHandling },
  401: { meaning: "requestError", source: errorHandling },
  403: { meaning: "requestError", source: errorHandling },
  404: { meaning: "requestError", source: errorHandling },
  500: { meaning: "fault", source: errorHandling },
  // A proxy's word, not the gateway's: it may have passed the request on.
  502: { meaning: "noAnswer", source: policy },
  503: { meaning: "noAnswer", source: policy },
  504: { meaning: "noAnswer", source: policy },
};
