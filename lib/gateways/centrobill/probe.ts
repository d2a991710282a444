import type { Feed } from "../../core/feed.ts";
import type { Probe } from "../../core/gateway.ts";

const windowMs = 60_000;

/**
 * The feed of the last minute; without a feed, the list of exchange rates (`GET /currency-exchange-rate`, in
 * Centrobill's own SDK), which asks for the key like everything on that host and moves nothing.
 */
export const probeOf = (
  { url, apiKey }: { readonly url: string; readonly apiKey: string },
  feed: Feed | undefined,
  nowMs: number,
): Probe => ({
  request:
    feed === undefined
      ? {
          method: "GET",
          url: `${url}/currency-exchange-rate`,
          headers: { Accept: "application/json", Authorization: apiKey },
        }
      : feed.pageRequest({ fromMs: nowMs - windowMs, toMs: nowMs }, feed.firstCursor),
  // An outage is over when the host answers for itself; that the key is good, only a success shows.
  opens: ({ status }, because) =>
    because === "credential" ? status >= 200 && status < 300 : status < 500 && status !== 429,
});
