import type { DeclineTable } from "../../core/decline.ts";
import type { Gateway } from "../../core/gateway.ts";
import { excerptOf, readReply, readRequestError } from "./charge-reply.ts";
import { chargeRequest, consumersOf, parseRequest, secretsOf } from "./charge-request.ts";
import { declineTable } from "./decline-table.ts";
import { centrobillFeed } from "./feed.ts";
import { defaultFeedProfile, type FeedProfile } from "./feed-profile.ts";
import { probeOf } from "./probe.ts";
import { statuses } from "./rules.ts";

export type CentrobillOptions = {
  /** `https://api.centrobill.com`, or another host without a slash at its end */
  readonly url: string;
  readonly apiKey: string;
  /** `undefined`: the host of the Feed API is not confirmed, so there is no default */
  readonly feedUrl?: string;
  readonly feedProfile?: FeedProfile;
  /** in place of the table in `decline-table.ts` */
  readonly declines?: DeclineTable;
};

/** Centrobill: `POST /payment` and the Feed API. */
export const centrobill = (options: CentrobillOptions): Gateway => {
  const { apiKey, feedUrl, feedProfile = defaultFeedProfile } = options;
  const feed = feedUrl === undefined ? undefined : centrobillFeed({ feedUrl, apiKey }, feedProfile);
  return {
    name: "centrobill",
    parseRequest,
    rules: {
      statuses,
      declines: options.declines ?? declineTable,
      // "Key missing or invalid"; "insufficient permission or IP not allow-listed" (error-handling).
      refusesAccount: ({ status }) => status === 401 || status === 403,
      readReply,
      readRequestError,
    },
    chargeRequest: (charge, requestId) => chargeRequest(charge, requestId, options),
    secretsOf: (charge) => [...secretsOf(charge), apiKey],
    consumersOf,
    excerptOf,
    probeOf: (because, _charge, nowMs) => probeOf(because, options, feed, nowMs),
    feed,
  };
};
