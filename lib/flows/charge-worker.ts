import type { Charge, RequestParser } from "../core/charge.ts";
import type { Gateway } from "../core/gateway.ts";
import { leaseMsOf, worstCaseMsOf, writesMs } from "../core/policy.ts";
import type { Route } from "../core/route-message.ts";
import type { Worker } from "../ports.ts";

/** What a flow holds when it is through with a charge: what to tell, or when to see it again. */
export type Worked =
  | { readonly kind: "route"; readonly route: Route; readonly delayMs?: number }
  | { readonly kind: "giveBack"; readonly delayMs: number }
  /** there is nothing to tell */
  | { readonly kind: "done" };

export const giveBack = (delayMs: number): Worked => ({ kind: "giveBack", delayMs: Math.max(0, delayMs) });

/** A charge with the gateway that it goes to. */
export type Addressed = { readonly charge: Charge; readonly gateway: Gateway };

type Parsers = Readonly<Partial<Record<Gateway["name"], RequestParser>>>;
const parsers = new WeakMap<Worker["gateways"], Parsers>();

/** The parser of each gateway that a worker has; a worker's gateways change with its credentials at the most. */
export const parsersOf = ({ gateways }: Worker): Parsers => {
  const own =
    parsers.get(gateways) ??
    Object.fromEntries(Object.values(gateways).map((gateway) => [gateway.name, gateway.parseRequest]));
  parsers.set(gateways, own);
  return own;
};

/** The next version's token and the worker's time: what every write of an entry needs. */
export const stamp = (worker: Worker) => ({
  token: worker.ids.leaseToken(),
  nowMs: worker.clock.nowMs(),
  leaseMs: leaseMsOf(worker.policy, worker.gatewayTimeoutMs),
});

/** How long one attempt may take at the worst. */
export const worstCaseMs = (worker: Worker): number => worstCaseMsOf(worker.policy, worker.gatewayTimeoutMs);

/** How long a send may be put off and still be answered and recorded by this invocation. */
export const timeForWaitMs = (worker: Worker): number =>
  worker.remainingMs() - worker.gatewayTimeoutMs - writesMs;

/** Whether a send that begins after `waitMs` may still be answered and recorded by this invocation. */
export const hasTimeFor = (worker: Worker, waitMs: number): boolean => timeForWaitMs(worker) >= waitMs;
