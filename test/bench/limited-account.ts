import type { Clock, Wire } from "../../lib/ports.ts";
import { sha256Of } from "../doubles/scripted-wire.ts";

/** A gateway account that takes so many requests in any stretch of so many milliseconds, and says so. */
export type LimitedAccount = {
  readonly wire: Wire;
  /** requests that were answered with their charge, and with 429 */
  readonly taken: () => number;
  readonly limited: () => number;
  /** requests that came while a pause was on, by how long after its 429 was answered; milliseconds */
  readonly inPause: () => readonly number[];
};

const latencyMs = 120;

/** In virtual time: a sliding window, and a `Retry-After` of `pauseMs` for everyone once it is full. */
export const limitedAccount = (
  clock: Clock,
  limit: { readonly requests: number; readonly perMs: number },
  pauseMs: number,
  fraction: () => number,
): LimitedAccount => {
  const recent: number[] = [];
  let taken = 0;
  let limited = 0;
  let pause: { readonly toldAtMs: number; readonly untilMs: number } | undefined;
  const inPause: number[] = [];
  const answer = (body: object, status: number, headers: Record<string, string> = {}) => {
    const text = JSON.stringify(body);
    return { kind: "replied" as const, status, headers, body: text, bodySha256: sha256Of(text) };
  };
  return {
    taken: () => taken,
    limited: () => limited,
    inPause: () => inPause,
    wire: {
      async send(request) {
        await clock.sleep(latencyMs / 2);
        const nowMs = clock.nowMs();
        while (recent.length > 0 && nowMs - (recent[0] ?? 0) >= limit.perMs) recent.shift();
        const paused = pause !== undefined && nowMs < pause.untilMs;
        if (paused && pause !== undefined && nowMs > pause.toldAtMs) inPause.push(nowMs - pause.toldAtMs);
        const full = paused || recent.length >= limit.requests;
        if (full) {
          limited += 1;
          if (!paused) pause = { toldAtMs: nowMs + latencyMs / 2, untilMs: nowMs + pauseMs };
        } else recent.push(nowMs);
        await clock.sleep(latencyMs / 2 + latencyMs * fraction() * 0.5);
        if (full)
          return answer({ message: "slow down" }, 429, { "retry-after": String(Math.ceil(pauseMs / 1_000)) });
        taken += 1;
        const { sku, metadata } = JSON.parse(request.body ?? "{}") as {
          readonly sku: { readonly price: readonly { readonly amount: number; readonly currency: string }[] };
          readonly metadata: object;
        };
        const { amount, currency } = sku.price[0] ?? { amount: 0, currency: "" };
        const ids = { transactionId: String(taken), orderId: String(taken) };
        return answer(
          {
            payment: { code: 0, status: "success", action: "charge", mode: "sale", amount, currency, ...ids },
            metadata,
          },
          201,
        );
      },
    },
  };
};
