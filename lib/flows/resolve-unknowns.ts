import { type Charge, type ChargeId, readCharge } from "../core/charge.ts";
import {
  type LedgerEntry,
  leaseEntry,
  type OpenedEntry,
  openAttempt,
  type UnknownEntry,
} from "../core/ledger.ts";
import { maskedExcerpt } from "../core/masked-message.ts";
import { type Matcher, matcherFor } from "../core/matching.ts";
import { parseWakeUp } from "../core/notice.ts";
import { keyLifeEndMs } from "../core/policy.ts";
import { certifyAbsent, type Resolution, resolveWithoutFeed, windowOf } from "../core/resolution.ts";
import { parseUnknownMessage, routeOfEntry } from "../core/route-message.ts";
import { recordVerdict } from "../core/verdict.ts";
import { groupWindows } from "../core/window-groups.ts";
import type { Delivery, DeliveryEnd, Worker } from "../ports.ts";
import { admit, begunTurnWaitMs, openGate } from "./admit.ts";
import { applyNotice } from "./apply-notice.ts";
import { type Addressed, giveBack, parsersOf, stamp, type Worked, worstCaseMs } from "./charge-worker.ts";
import { continueCharge, type InHand, isOpen, sendLeased, soonMs } from "./continue-charge.ts";
import { lookUpCharge } from "./look-up-charge.ts";
import { pacedSend } from "./paced-send.ts";
import { readEntries } from "./read-entries.ts";
import { replaceEntry, replaceOpening } from "./replace-entry.ts";
import { idAtGateway, lookUpById, type Scanned, scanFeed } from "./scan-feed.ts";
import { weighLookUp } from "./weigh-look-up.ts";
import { workDeliveries } from "./work-deliveries.ts";

/** What cannot be worked now but must not be lost waits this long. */
const parkedMs = 900_000;
/** Look-ups by id that one round may add to its scans. */
const idLookUpsMax = 5;
/** A look-up that is due this soon is made now: SQS counts in seconds. */
const dueWithinMs = 500;

type Unknown = InHand & { readonly entry: UnknownEntry };

/**
 * One round over a batch of the `unknown-outcomes` queue: first the notices that came, for what they prove need
 * not be asked, then the unknowns. The answer names every delivery.
 */
export const resolveUnknowns = async (
  deliveries: readonly Delivery[],
  worker: Worker,
): Promise<ReadonlyMap<string, DeliveryEnd>> => {
  const wakeUps = new Map(deliveries.map((delivery) => [delivery, parseWakeUp(delivery.body)]));
  const apply = async (delivery: Delivery): Promise<Worked> => {
    const wakeUp = wakeUps.get(delivery);
    return wakeUp === undefined ? giveBack(0) : applyNotice(delivery, wakeUp, worker);
  };
  const isWakeUp = (delivery: Delivery): boolean => wakeUps.get(delivery) !== undefined;
  const notices = deliveries.filter(isWakeUp);
  const unknowns = deliveries.filter((delivery) => !isWakeUp(delivery));
  const applied = notices.length === 0 ? [] : await workDeliveries(notices, apply, worker, worker.limit);
  const resolved = unknowns.length === 0 ? [] : await roundOver(unknowns, worker);
  return new Map([...applied, ...resolved]);
};

/**
 * A round over unknowns. The gateway's feed is asked once for the windows of all that are due, however many
 * they are.
 */
const roundOver = (
  deliveries: readonly Delivery[],
  worker: Worker,
): Promise<ReadonlyMap<string, DeliveryEnd>> => {
  const round = planRound(deliveries, worker);
  return workDeliveries(
    deliveries,
    async ({ messageId }) => {
      const work = (await round).get(messageId);
      if (work === undefined) throw new Error("a delivery without a plan");
      return work();
    },
    worker,
    worker.limit,
  );
};

/** Reads the ledger and the feeds, and says of every delivery what is to be done. */
const planRound = async (
  deliveries: readonly Delivery[],
  worker: Worker,
): Promise<ReadonlyMap<string, () => Promise<Worked>>> => {
  const works = new Map<string, () => Promise<Worked>>();
  const plan = (delivery: Delivery, work: () => Promise<Worked>): void => {
    works.set(delivery.messageId, work);
  };

  const addressed = new Map<ChargeId, InHand & { readonly fingerprint: string }>();
  for (const delivery of deliveries) {
    const read = readMessage(delivery, worker);
    if ("problem" in read) {
      worker.log.event("message_failed", { messageId: delivery.messageId, error: read.problem });
      plan(delivery, async () => giveBack(parkedMs));
    } else if (addressed.has(read.charge.chargeId)) {
      // The same unknown twice in one batch: the other copy is worked, this one sees its result.
      plan(delivery, async () => giveBack(30_000));
    } else
      addressed.set(read.charge.chargeId, {
        ...read,
        delivery,
        tell: (entry) => tell(entry, read.charge, worker),
      });
  }

  const entries = await readEntries([...addressed.keys()], worker.ledger);
  const due: Unknown[] = [];
  for (const [chargeId, item] of addressed) {
    const entry = entries.get(chargeId);
    if (entry instanceof Error) {
      plan(item.delivery, () => Promise.reject(entry));
      continue;
    }
    if (entry === undefined || entry.fingerprint !== item.fingerprint) {
      worker.log.event("message_failed", {
        chargeId,
        messageId: item.delivery.messageId,
        error: entry === undefined ? "not in the ledger" : "another content than the ledger knows",
      });
      plan(item.delivery, async () => giveBack(parkedMs));
    } else if (isOpen(entry)) {
      const waitMs = entry.nextAtMs - worker.clock.nowMs();
      if (waitMs > dueWithinMs) plan(item.delivery, () => waitOn({ ...item, entry }, waitMs, worker));
      else due.push({ ...item, entry });
    } else plan(item.delivery, () => continueInTime(entry, item, worker));
  }

  const lookUps: Unknown[] = [];
  for (const unknown of due) {
    const gate = await openGate(unknown, worker);
    if (gate.kind === "closed" && gate.because === "rate_limited") {
      // Not even a look-up may be made: nothing of it counts, or is written.
      const waitMs = gate.untilMs - worker.clock.nowMs();
      plan(unknown.delivery, async () => giveBack(waitMs + soonMs * worker.ids.fraction()));
      continue;
    }
    if (resendIsDue(unknown, worker))
      plan(unknown.delivery, () => resendAgain(unknown, "faultResends", worker));
    else if (unknown.gateway.lookUpOf !== undefined) plan(unknown.delivery, () => lookUpOne(unknown, worker));
    else if (unknown.gateway.feed === undefined)
      plan(unknown.delivery, () => workWithoutFeed(unknown, worker));
    else lookUps.push(unknown);
  }
  for (const { unknown, scanned, matcher } of await lookUpAll(lookUps, worker))
    plan(unknown.delivery, () => conclude(unknown, scanned, matcher, worker));
  return works;
};

const readMessage = (
  delivery: Delivery,
  worker: Worker,
): (Addressed & { readonly fingerprint: string }) | { readonly problem: string } => {
  const message = parseUnknownMessage(delivery.body);
  if ("problem" in message) return message;
  const parsed = readCharge(message.charge, parsersOf(worker));
  if (!parsed.ok)
    return {
      problem: `charge: ${parsed.refusal.problems.map(({ field, must }) => `${field} must ${must}`).join("; ")}`,
    };
  const gateway = worker.gateways[parsed.charge.gateway];
  if (gateway === undefined) return { problem: "charge.gateway: not a gateway that this worker has" };
  return { charge: parsed.charge, gateway, fingerprint: worker.sha256(parsed.charge.canonical) };
};

/** A wait that is worth a write, so that a notice can end it. */
const longWaitMs = 300_000;

/** Not due yet. Received again, the message has another receipt, and the one in the entry wakes nobody any more. */
const waitOn = async ({ entry, delivery }: Unknown, waitMs: number, worker: Worker): Promise<Worked> => {
  const { receipt } = delivery;
  if (waitMs > longWaitMs && receipt !== undefined && receipt !== entry.receipt) {
    const { token, nowMs } = stamp(worker);
    // Whoever wrote in between knows better.
    await worker.ledger.replace(entry.token, { ...entry, receipt, token, updatedAtMs: nowMs });
  }
  return giveBack(waitMs);
};

/** An unknown stays on its queue until its next act is due; what has ended goes where it belongs. */
const tell = (entry: LedgerEntry, charge: Charge, worker: Worker): Worked => {
  if (isOpen(entry)) return giveBack(entry.nextAtMs - worker.clock.nowMs());
  const route = routeOfEntry(entry, charge);
  return route === undefined ? giveBack(soonMs) : { kind: "route", route };
};

/** What was never sent is begun only in time for its worst case, as when it is first submitted. */
const continueInTime = async (entry: LedgerEntry, inHand: InHand, worker: Worker): Promise<Worked> => {
  if (entry.state === "waiting") {
    if (worker.remainingMs() < worstCaseMs(worker)) return giveBack(0);
    const held = await admit(inHand, worker);
    if (held !== undefined) return held;
  }
  return continueCharge(entry, inHand, worker);
};

const resendIsDue = ({ entry }: Unknown, worker: Worker): boolean =>
  entry.state === "unknown" &&
  entry.nextAct === "resend" &&
  worker.clock.nowMs() <= keyLifeEndMs(worker.policy, entry.firstSendAtMs ?? entry.openedAtMs);

/** Takes the lease for a send and makes it, if the time that is left covers its worst case. */
const leaseAndSend = async (unknown: Unknown, leased: OpenedEntry, worker: Worker): Promise<Worked> => {
  if (worker.remainingMs() < worstCaseMs(worker)) return giveBack(0);
  const held = await admit(unknown, worker, begunTurnWaitMs);
  if (held !== undefined) return held;
  if (!(await replaceEntry(unknown.entry, leased, worker))) return giveBack(soonMs);
  return sendLeased(leased, unknown, worker);
};

/** A new attempt in place of one that is certified absent, if the networks' rules leave room for it. */
const attemptAnew = async (unknown: Unknown, certified: UnknownEntry, worker: Worker): Promise<Worked> => {
  if (worker.remainingMs() < worstCaseMs(worker)) return giveBack(0);
  const held = await admit(unknown, worker, begunTurnWaitMs);
  if (held !== undefined) return held;
  const opened = openAttempt(certified, { ...stamp(worker), requestId: worker.ids.requestId() });
  const written = await replaceOpening(unknown.entry, opened, worker);
  if (typeof written === "boolean") return written ? sendLeased(opened, unknown, worker) : giveBack(soonMs);
  const reviewed = recordVerdict(
    certified,
    {
      kind: "review",
      reason: "absent_not_sendable",
      evidence: { kind: "absence", searches: certified.absences },
    },
    stamp(worker),
  );
  return (await replaceEntry(unknown.entry, reviewed, worker)) ? unknown.tell(reviewed) : giveBack(soonMs);
};

/** The same request id again, where the gateway's own word allows it before any look-up (S2, S3). */
const resendAgain = (
  unknown: Unknown,
  counter: "resends" | "faultResends",
  worker: Worker,
): Promise<Worked> => {
  const leased = leaseEntry(unknown.entry, stamp(worker));
  worker.log.metric("Resends", 1, { gateway: unknown.gateway.name });
  return leaseAndSend(unknown, { ...leased, [counter]: leased[counter] + 1 }, worker);
};

const workWithoutFeed = async (unknown: Unknown, worker: Worker): Promise<Worked> => {
  const resolution = resolveWithoutFeed(unknown.entry, worker.policy, worker.clock.nowMs());
  return resolution === "resend"
    ? resendAgain(unknown, "resends", worker)
    : carryOut(unknown, unknown.entry, resolution, worker);
};

/** The look-up of one charge, at a gateway without a feed; where asking may set it off, it is a send. */
const lookUpOne = async (unknown: Unknown, worker: Worker): Promise<Worked> => {
  const looked = await lookUpCharge(unknown, worker);
  switch (looked.kind) {
    case "looked": {
      const matcher = matcherFor([{ entry: unknown.entry, consumers: [] }]);
      for (const row of looked.rows) matcher.add(row);
      return conclude(unknown, looked.scanned, matcher, worker);
    }
    case "send":
      return resendAgain(unknown, "resends", worker);
  }
};

type LookedUp = { readonly unknown: Unknown; readonly scanned: Scanned; readonly matcher: Matcher };

/** Scans the feed of each gateway once for each stretch of time in which something is looked for. */
const lookUpAll = async (unknowns: readonly Unknown[], worker: Worker): Promise<readonly LookedUp[]> => {
  const lookedUp: LookedUp[] = [];
  const nowMs = worker.clock.nowMs();
  let idLookUps = 0;
  for (const [gateway, own] of Map.groupBy(unknowns, (unknown) => unknown.gateway)) {
    const { feed } = gateway;
    if (feed === undefined) continue;
    const wanted = own.map((unknown) => ({
      window: windowOf(unknown.entry, worker.policy, worker.gatewayTimeoutMs, nowMs),
      item: unknown,
    }));
    for (const { window, items } of groupWindows(wanted, worker.policy.feedLagMs)) {
      const matcher = matcherFor(
        items.map(({ entry, charge }) => ({ entry, consumers: gateway.consumersOf(charge) })),
      );
      const scanned = await scanFeed({ gateway, feed }, window, matcher, worker, worstCaseMs(worker));
      for (const { entry } of items) {
        // A row outside the window, or one whose references were lost, may still be known by its id.
        const found = matcher.foundOf(entry.chargeId);
        if (found.own.length > 0 || idLookUps >= idLookUpsMax || scanned.failure !== undefined) continue;
        const id = idAtGateway(entry.ids);
        if (id === undefined) continue;
        idLookUps += 1;
        await lookUpById({ gateway, feed }, id, matcher, worker, worstCaseMs(worker));
      }
      for (const unknown of items) lookedUp.push({ unknown, scanned, matcher });
    }
  }
  return lookedUp;
};

/** What one look-up proved, recorded and carried out. */
const conclude = async (
  unknown: Unknown,
  scanned: Scanned,
  matcher: Matcher,
  worker: Worker,
): Promise<Worked> => {
  const { entry, gateway } = unknown;
  worker.log.metric("Lookups", 1, { gateway: gateway.name });
  worker.log.metric("LookupLagMs", Math.max(0, worker.clock.nowMs() - entry.nextAtMs), {
    gateway: gateway.name,
  });
  const found = matcher.foundOf(entry.chargeId);
  const { noted, resolution, looked } = weighLookUp(entry, found, scanned, gateway, worker);
  if (looked && found.own.length > 0 && entry.lastSendAtMs !== undefined)
    await worker.paces[gateway.name].noteWorked(entry.lastSendAtMs);
  return carryOut(unknown, noted, resolution, worker);
};

/** Records a resolution, or sends what the absence certificate allows. */
const carryOut = async (
  unknown: Unknown,
  noted: UnknownEntry,
  resolution: Resolution,
  worker: Worker,
): Promise<Worked> => {
  const by = stamp(worker);
  const certified = certifyAbsent(noted, by.nowMs);
  switch (resolution.kind) {
    case "resendAbsent":
      worker.log.metric("Resends", 1, { gateway: unknown.gateway.name });
      return leaseAndSend(unknown, leaseEntry(certified, by), worker);
    case "newAttempt":
      return attemptAnew(unknown, certified, worker);
    case "settle":
    case "review":
    case "wait": {
      const voided = await voidIfLastChance(unknown, noted, resolution, worker);
      if (voided !== undefined) return voided;
      const secrets = unknown.gateway.secretsOf(unknown.charge);
      const recorded = withReceipt(recordVerdict(noted, maskedVerdict(resolution, secrets), by), unknown);
      if (!(await replaceEntry(unknown.entry, recorded, worker))) return giveBack(soonMs);
      return unknown.tell(recorded);
    }
  }
};

/** A charge that goes on waiting, with the receipt by which its message can be woken: a notice may come first. */
const withReceipt = (recorded: LedgerEntry, { delivery: { receipt } }: Unknown): LedgerEntry =>
  isOpen(recorded) && receipt !== undefined ? { ...recorded, receipt } : recorded;

/** Soon enough to be looked at again within the same run of a worker, late enough for the gateway. */
const afterVoidMs = 1_000;

/**
 * What stays undetermined is taken back while the gateway still allows it: when no look-up is left, or the
 * next one would come too late. Then it is looked at once more; a void never ends a charge by itself.
 */
const voidIfLastChance = async (
  unknown: Unknown,
  noted: UnknownEntry,
  resolution: Extract<Resolution, { kind: "settle" | "review" | "wait" }>,
  worker: Worker,
): Promise<Worked | undefined> => {
  const { charge, gateway } = unknown;
  const prepared = noted.preparation?.prepared;
  const nowMs = worker.clock.nowMs();
  if (gateway.voidOf === undefined || noted.voidedAtMs !== undefined || resolution.kind === "settle")
    return undefined;
  const undetermined =
    resolution.kind === "wait"
      ? gateway.voidOf(charge, prepared, resolution.atMs) === undefined
      : resolution.reason === "lookups_used_up" || resolution.reason === "absent_past_key_life";
  const request = undetermined ? gateway.voidOf(charge, prepared, nowMs) : undefined;
  if (request === undefined) return undefined;
  // Written before the first byte: a notice that says "paid" may come while it is on its way, and from now on it
  // proves nothing, and a notice that came first keeps the charge from being voided.
  const begun = voidStep(unknown, { ...noted, voidingAtMs: nowMs }, worker);
  if (!(await replaceEntry(unknown.entry, begun, worker))) return giveBack(soonMs);
  const { transport } = await pacedSend(
    gateway,
    "lookUp",
    request,
    { timeoutMs: worker.gatewayTimeoutMs },
    worker,
  );
  const status = transport.kind === "replied" ? `HTTP ${transport.status}` : transport.cause;
  const voidedAtMs = worker.clock.nowMs();
  const history = [...begun.history, { e: "voided", at: voidedAtMs, status } as const];
  const recorded = voidStep(unknown, { ...begun, voidedAtMs, history }, worker);
  // Whoever wrote first knows better. Either way it is looked at once more, soon.
  await replaceEntry(begun, recorded, worker);
  return giveBack(afterVoidMs);
};

/** The entry of a charge that is being taken back: it is looked at once more, soon. */
const voidStep = (unknown: Unknown, entry: UnknownEntry, worker: Worker): UnknownEntry => {
  const by = stamp(worker);
  const { state, reason } = entry;
  const atMs = by.nowMs + afterVoidMs;
  return withReceipt(
    recordVerdict(entry, { kind: "wait", state, reason, nextAct: "lookUp", atMs }, by),
    unknown,
  ) as UnknownEntry;
};

const maskedVerdict = <V extends Extract<Resolution, { kind: "settle" | "review" | "wait" }>>(
  verdict: V,
  secrets: readonly string[],
): V =>
  "ending" in verdict && verdict.ending?.description !== undefined
    ? {
        ...verdict,
        ending: { ...verdict.ending, description: maskedExcerpt(verdict.ending.description, secrets, 200) },
      }
    : verdict;
