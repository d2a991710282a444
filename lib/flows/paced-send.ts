import { answeredOf } from "../core/answered.ts";
import type { Gateway } from "../core/gateway.ts";
import type { Transport, WireRequest } from "../core/transport.ts";
import type { Purpose, Worker } from "../ports.ts";
import { timeForWaitMs } from "./charge-worker.ts";

/**
 * How long a request may wait for its turn. Charges that have not begun wait less (`admit`), so that what has
 * begun, and what asks for outcomes, always finds one: the timetable is never full for longer than they wait.
 */
export const sendTurnWaitMs: Readonly<Record<Purpose, number>> = {
  charge: 20_000,
  lookUp: 10_000,
  probe: 10_000,
};

/** What became of a request, when it began, and how long the gateway took. */
export type PacedSend = { readonly transport: Transport; readonly atMs: number; readonly tookMs: number };

/**
 * Every request to a gateway goes this way: not while its account is closed, not beyond its rate, and what it
 * brings is learnt from. What is held back was never sent (`held_back`).
 */
export const pacedSend = async (
  gateway: Gateway,
  purpose: Purpose,
  request: WireRequest,
  limits: Parameters<Worker["wire"]["send"]>[1],
  worker: Worker,
): Promise<PacedSend> => {
  const { clock, wire } = worker;
  const pace = worker.paces[gateway.name];
  const leftMs = (limits.notAfterMs ?? Number.POSITIVE_INFINITY) - clock.nowMs();
  const waitMs = Math.min(sendTurnWaitMs[purpose], leftMs, timeForWaitMs(worker));
  const turn = await pace.turn(purpose, Math.max(0, waitMs));
  const atMs = clock.nowMs();
  if (turn.kind === "held") return { transport: { kind: "neverSent", cause: "held_back" }, atMs, tookMs: 0 };
  const transport = await wire.send(request, limits);
  const nowMs = clock.nowMs();
  const tookMs = Math.max(0, nowMs - atMs);
  await pace.note(purpose, answeredOf(transport, gateway.rules, nowMs), atMs, tookMs);
  return { transport, atMs, tookMs };
};
