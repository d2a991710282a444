import { pauseMs } from "../core/backoff.ts";
import type { Gate } from "../core/pace.ts";
import type { Worker } from "../ports.ts";
import { type Addressed, giveBack, type Worked, worstCaseMs } from "./charge-worker.ts";
import type { InHand } from "./continue-charge.ts";
import { pacedSend, sendTurnWaitMs } from "./paced-send.ts";

/** Turns this far ahead may be taken by a charge that has not begun. */
const newTurnWaitMs = 5_000;
/** And by one that has: its key life runs out, and the timetable may be full of new ones for longer than that. */
export const begunTurnWaitMs = sendTurnWaitMs.lookUp;
/** So long a worker asks for one before the message goes back: giving back at once would only churn the queue. */
const turnHoldMs = 15_000;
/** A gateway that opens again within this is waited for; a longer wait belongs to the queue. */
const holdMaxMs = 5_000;
/** Those who waited begin again at moments of their own, over a stretch that is part of how long they waited. */
const spreadMinMs = 250;
const spreadMaxMs = 30_000;
const spreadShare = 0.2;
/** What else a worker may have to do between a probe's answer and its note. */
const probeSlackMs = 5_000;

/**
 * The look-up that may open a closed account again, made by one worker of all when it is due; never somebody's
 * charge.
 */
export const openGate = async ({ charge, gateway }: Addressed, worker: Worker): Promise<Gate> => {
  const pace = worker.paces[gateway.name];
  const gate = await pace.gate();
  if (gate.kind !== "probe") return gate;
  const claim = await pace.claimProbe(sendTurnWaitMs.probe + worker.gatewayTimeoutMs + probeSlackMs);
  if (claim !== undefined) {
    const probe = gateway.probeOf(claim.because, charge, worker.clock.nowMs());
    const { transport } = await pacedSend(
      gateway,
      "probe",
      probe.request,
      { timeoutMs: worker.gatewayTimeoutMs },
      worker,
    );
    await claim.note(transport.kind === "replied" && probe.opens(transport));
  }
  return pace.gate();
};

/**
 * Lets a charge through to its gateway, or says when its message comes back: while the account is closed, and
 * beyond its rate, nothing is begun and nothing is written.
 * @param turnWaitMs how far ahead its turn may be
 */
export const admit = async (
  inHand: InHand,
  worker: Worker,
  turnWaitMs = newTurnWaitMs,
): Promise<Worked | undefined> => {
  const { clock, ids } = worker;
  const pace = worker.paces[inHand.gateway.name];
  const waitUntil = (untilMs: number): Worked => {
    const waitMs = Math.max(0, untilMs - clock.nowMs());
    const { notAfterMs } = inHand.charge;
    // A charge whose time runs out while it waits has to end then, and not with the pause.
    const expiresMs =
      notAfterMs === undefined ? Number.POSITIVE_INFINITY : Math.max(0, notAfterMs - clock.nowMs()) + 1_000;
    return giveBack(
      Math.min(
        expiresMs,
        Math.max(
          waitMs + spreadOf(waitMs) * ids.fraction(),
          pauseMs(inHand.delivery.receives, ids.fraction()),
        ),
      ),
    );
  };
  const roomMs = (): number => Math.max(0, worker.remainingMs() - worstCaseMs(worker));
  const turnBy = clock.nowMs() + Math.min(turnHoldMs, roomMs());
  for (;;) {
    const gate = await openGate(inHand, worker);
    if (gate.kind === "open") {
      const turn = await pace.admit(Math.min(turnWaitMs, roomMs()));
      if (turn.kind === "go") return undefined;
      const againMs = (turnWaitMs * (1 + ids.fraction())) / 2;
      if (clock.nowMs() + againMs > turnBy) return waitUntil(turn.untilMs);
      await clock.sleep(againMs);
      continue;
    }
    const untilMs = gate.kind === "closed" ? gate.untilMs : clock.nowMs() + probeSlackMs;
    const waitMs = untilMs - clock.nowMs();
    const heldMs = waitMs + spreadOf(waitMs) * ids.fraction();
    if (gate.because !== "rate_limited" || waitMs > holdMaxMs || heldMs > roomMs()) return waitUntil(untilMs);
    await clock.sleep(heldMs);
  }
};

const spreadOf = (waitMs: number): number =>
  Math.min(Math.max(waitMs * spreadShare, spreadMinMs), spreadMaxMs);
