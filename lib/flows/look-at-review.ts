import type { Charge } from "../core/charge.ts";
import { asUnknown, type GatewayWord, wordOfLook } from "../core/gateway-word.ts";
import type { ReviewEntry } from "../core/ledger.ts";
import { windowOf } from "../core/resolution.ts";
import type { Worker } from "../ports.ts";
import { lookUpCharge } from "./look-up-charge.ts";
import { markedMatcher } from "./marked-matcher.ts";
import { idAtGateway, lookUpById, type Scanned, scanFeed } from "./scan-feed.ts";

/**
 * What the gateway says of a charge in review now. Asked only where that is harmless: a look that may set the charge
 * off is a send, and is not made here. Nothing is written.
 * @param charge its own message; `undefined` where it is not at hand
 */
export const lookAtReview = async (
  entry: ReviewEntry,
  charge: Charge | undefined,
  worker: Worker,
): Promise<GatewayWord> => {
  const gateway = worker.gateways[entry.gateway];
  if (gateway === undefined) return { says: "not_asked", why: "failed", text: "no credential for it here" };
  const unknown = asUnknown(entry);
  const matcher = markedMatcher([entry], worker.sha256);
  const weigh = ({ scan, failure }: Scanned): GatewayWord => {
    const found = matcher.foundOf(entry.chargeId);
    // A capture cannot be unseen, however the rest of the look went.
    const isCaptured = [...found.own, ...found.otherAttempt].some((row) => row.reply.kind === "captured");
    if (failure !== undefined && !isCaptured)
      return { says: "not_asked", why: "failed", text: failure.slice(0, 120) };
    return wordOfLook(
      entry,
      { found, scan, rowSha256: (row) => worker.sha256(JSON.stringify(row.raw)) },
      gateway.rules,
      worker.policy,
      worker.gatewayTimeoutMs,
      worker.clock.nowMs(),
    );
  };

  if (gateway.lookUpOf !== undefined) {
    if (charge === undefined) return { says: "not_asked", why: "no_charge_message" };
    const earliestMs = worker.clock.nowMs() - worker.policy.clockSkewMs;
    if (gateway.lookUpOf(charge).maySetOff(entry.preparation?.prepared, earliestMs))
      return { says: "not_asked", why: "asking_moves_money" };
    if (gateway.preparationOf?.(charge) !== undefined && entry.preparation?.prepared === undefined)
      return { says: "not_asked", why: "failed", text: "what was made for it at the gateway is not known" };
    const looked = await lookUpCharge({ entry: unknown, charge, gateway }, worker);
    if (looked.kind === "send") return { says: "not_asked", why: "asking_moves_money" };
    for (const row of looked.rows) matcher.add(row);
    return weigh(looked.scanned);
  }
  const { feed } = gateway;
  if (feed === undefined) return { says: "not_asked", why: "no_feed" };
  const window = windowOf(unknown, worker.policy, worker.gatewayTimeoutMs, worker.clock.nowMs());
  const scanned = await scanFeed({ gateway, feed }, window, matcher, worker, 0);
  const id = idAtGateway(entry.ids);
  // A row outside the window, or one whose references were lost, may still be known by its id.
  if (id !== undefined && matcher.foundOf(entry.chargeId).own.length === 0)
    await lookUpById({ gateway, feed }, id, matcher, worker, 0);
  return weigh(scanned);
};
