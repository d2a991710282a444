import { type Charge, canonicalOfRefused, type ParsedCharge, parseCharge } from "../core/charge.ts";
import { consumerMarks } from "../core/consumer-marks.ts";
import { type LedgerEntry, openEntry, openExpired, openRefused, type Rejection } from "../core/ledger.ts";
import { maskedText } from "../core/masked-message.ts";
import { routeOfEntry, routeOfRejection } from "../core/route-message.ts";
import type { Delivery, DeliveryEnd, Worker } from "../ports.ts";
import { admit } from "./admit.ts";
import { giveBack, parsersOf, stamp, type Worked, worstCaseMs } from "./charge-worker.ts";
import { continueCharge, type InHand, isOpen, sendLeased, soonMs } from "./continue-charge.ts";
import { noteState } from "./replace-entry.ts";
import { workDeliveries } from "./work-deliveries.ts";
import { openOnInstrument } from "./write-on-instrument.ts";

/**
 * The way of one charge message: read it, open its charge in the ledger, send it, record what became of it.
 * What a redelivery finds in the ledger decides what it does. The caller deletes the message only after the
 * route it gets back was accepted (S8).
 * @throws `LedgerUnavailable`, with nothing lost: the message comes back.
 */
export const submitCharge = async (delivery: Delivery, worker: Worker): Promise<Worked> => {
  const parsed = parseCharge(delivery.body, parsersOf(worker));
  if (!parsed.ok) {
    await leaveAccepted(delivery, parsed, worker);
    return reject(delivery, { ...parsed.refusal, v: 1, ...seen(delivery, worker) }, worker);
  }
  const { charge } = parsed;
  const gateway = worker.gateways[charge.gateway];
  if (gateway === undefined) throw new Error(`no gateway ${charge.gateway}, though its parser is there`);
  const { limit, exchange } = worker.paces[gateway.name];
  const inHand: InHand = {
    charge,
    gateway,
    delivery,
    exchange,
    tell: (entry) => tell(entry, charge, worker),
  };
  return limit(() => openAndSend(inHand, worker));
};

const openAndSend = async (inHand: InHand, worker: Worker): Promise<Worked> => {
  const { charge, gateway, delivery } = inHand;
  // What may not finish must not begin: the invocation would end between send and record.
  if (worker.remainingMs() < worstCaseMs(worker)) return giveBack(0);
  // A charge that is late is not sent, so it need not wait for its gateway to end.
  const held = isLate(charge, worker.clock.nowMs()) ? undefined : await admit(inHand, worker);
  if (held !== undefined) return held;
  const made = {
    fingerprint: worker.sha256(charge.canonical),
    requestId: worker.ids.requestId(),
    consumerMarks: consumerMarks(gateway.consumersOf(charge), worker.sha256),
    needsPreparation: gateway.preparationOf?.(charge) !== undefined,
  };
  const { entry, opened } = await openOnInstrument((refusal) => {
    const by = { ...made, ...stamp(worker) };
    if (isLate(charge, by.nowMs)) return openExpired(charge, by);
    return refusal === undefined ? openEntry(charge, by) : openRefused(charge, refusal, by);
  }, worker);
  if (opened.kind === "exists") {
    if (opened.entry.fingerprint === made.fingerprint) return continueCharge(opened.entry, inHand, worker);
    return reject(
      delivery,
      {
        v: 1,
        chargeId: charge.chargeId,
        code: "conflicting_duplicate",
        problems: [{ field: "chargeId", must: "be new: it names a charge with another content" }],
        ...seen(delivery, worker),
      },
      worker,
    );
  }
  worker.log.event("charge_opened", {
    chargeId: charge.chargeId,
    requestId: entry.requestId,
    gateway: gateway.name,
    attempt: entry.attempt,
  });
  if (entry.state === "opened") return sendLeased(entry, inHand, worker);
  noteState(entry, worker);
  return inHand.tell(entry);
};

/** A batch of the `charges` queue. The answer names every delivery. */
export const submitCharges = (
  deliveries: readonly Delivery[],
  worker: Worker,
): Promise<ReadonlyMap<string, DeliveryEnd>> =>
  // Each gateway's own limit bounds what is done at once: one that is slow holds up none of the others.
  workDeliveries(
    deliveries,
    (delivery) => submitCharge(delivery, worker),
    worker,
    (task) => task(),
  );

type LateCharge = Charge & { readonly notAfterMs: number };

const isLate = (charge: Charge, nowMs: number): charge is LateCharge =>
  charge.notAfterMs !== undefined && nowMs > charge.notAfterMs;

/** The route of what the ledger holds; an unknown is delivered when its next act is due. */
const tell = (entry: LedgerEntry, charge: Charge, worker: Worker): Worked => {
  const route = routeOfEntry(entry, charge);
  if (route === undefined) return giveBack(soonMs);
  if (!isOpen(entry)) return { kind: "route", route };
  return { kind: "route", route, delayMs: Math.max(0, entry.nextAtMs - worker.clock.nowMs()) };
};

const seen = (delivery: Delivery, worker: Worker) => ({
  bodySha256: worker.sha256(delivery.body),
  atMs: worker.clock.nowMs(),
});

/** This version refuses a message that an earlier one accepted. */
class AcceptedBefore extends Error {
  override readonly name = "AcceptedBefore";
}

/**
 * A message of a charge that the ledger holds, word for word, is no request error, whatever this version is stricter in:
 * the charge may have been taken. Neither is it sent on by rules that it breaks. It stays for a person.
 * @throws `AcceptedBefore`: the message comes back, and is a dead letter in the end
 */
const leaveAccepted = async (
  { body }: Delivery,
  { refusal: { chargeId, problems } }: Extract<ParsedCharge, { ok: false }>,
  worker: Worker,
): Promise<void> => {
  if (chargeId === undefined) return;
  const entry = (await worker.ledger.read([chargeId])).get(chargeId);
  if (entry?.fingerprint === worker.sha256(canonicalOfRefused(body)))
    throw new AcceptedBefore(
      `${chargeId} is ${entry.state} in the ledger, and is refused now: ${problems.map(({ field }) => field).join(" ")}`,
    );
};

/** Keeps a refused message and tells of it; its text rides, masked, in the route message alone. */
const reject = async (delivery: Delivery, rejection: Rejection, worker: Worker): Promise<Worked> => {
  await worker.ledger.reject(rejection);
  worker.log.event("charge_rejected", {
    ...(rejection.chargeId === undefined ? {} : { chargeId: rejection.chargeId }),
    messageId: delivery.messageId,
    code: rejection.code,
    reason: rejection.problems.map(({ field }) => field).join(" "),
  });
  worker.log.metric("Rejections", 1);
  return { kind: "route", route: routeOfRejection(rejection, maskedText(delivery.body)) };
};
