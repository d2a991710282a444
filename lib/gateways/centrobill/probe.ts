import type { Feed } from "../../core/feed.ts";
import type { Probe } from "../../core/gateway.ts";
import type { ProbedReason } from "../../core/pace.ts";

const windowMs = 60_000;

/**
 * After an outage the host that charges has to answer for itself, whatever it says: the feed has another one,
 * which may be well all the time. A key is proved by the last minute of the feed.
 *
 * What is asked for on the charging host is the list of exchange rates (`GET /currency-exchange-rate`, in
 * Centrobill's own SDK): it asks for the key like everything there, and moves nothing.
 */
export const probeOf = (
  because: ProbedReason,
  { url, apiKey }: { readonly url: string; readonly apiKey: string },
  feed: Feed | undefined,
  nowMs: number,
): Probe => {
  const rates = {
    method: "GET" as const,
    url: `${url}/currency-exchange-rate`,
    headers: { Accept: "application/json", Authorization: apiKey },
  };
  if (because === "outage") return { request: rates, opens: ({ status }) => status < 500 && status !== 429 };
  return {
    request: feed?.pageRequest({ fromMs: nowMs - windowMs, toMs: nowMs }, feed.firstCursor) ?? rates,
    opens: ({ status }) => status >= 200 && status < 300,
  };
};
