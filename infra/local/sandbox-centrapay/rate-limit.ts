/** Admits a request of a key, or says after how many seconds the next one will be (the `Retry-After`). */
export type RateLimit = (key: string, at: number) => number | undefined;

const minuteMs = 60_000;

/** So many requests in any minute that begins with the first one. */
export const createRateLimit = (requestsPerMinute: number | undefined): RateLimit => {
  const minutes = new Map<string, { readonly from: number; count: number }>();
  return (key, at) => {
    if (requestsPerMinute === undefined) return undefined;
    const minute = minutes.get(key);
    if (minute === undefined || at - minute.from >= minuteMs) {
      minutes.set(key, { from: at, count: 1 });
      return undefined;
    }
    minute.count += 1;
    return minute.count <= requestsPerMinute ? undefined : Math.ceil((minute.from + minuteMs - at) / 1_000);
  };
};
