import { createHash } from "node:crypto";
import pLimit from "p-limit";
import type { ChargeId, LeaseToken, RequestId } from "../../lib/core/charge.ts";
import { finalStates, type LedgerEntry } from "../../lib/core/ledger.ts";
import { type AfterAbsence, defaultPolicy, type Policy } from "../../lib/core/policy.ts";
import type { RouteMessage } from "../../lib/core/route-message.ts";
import type { Transport } from "../../lib/core/transport.ts";
import { gatewayPaces } from "../../lib/flows/gateway-pace.ts";
import { resolveUnknowns } from "../../lib/flows/resolve-unknowns.ts";
import { submitCharges } from "../../lib/flows/submit-charge.ts";
import { centrobill } from "../../lib/gateways/centrobill/index.ts";
import type { Clock, Delivery, DeliveryEnd, Ids, Log, Worker } from "../../lib/ports.ts";
import { paceTable } from "../doubles/memory-pace.ts";
import { checkWrite, Violation } from "./checkers.ts";
import { drawFaults, type FaultName, type Faults, faultNames, noFaults } from "./faults.ts";
import type { Mutant } from "./mutants/mutant.ts";
import { type Random, randomOf } from "./random.ts";
import { type Schedule, scheduleFrom } from "./schedule.ts";
import { simCentrobill } from "./sim-centrobill.ts";
import { simTable } from "./sim-ledger.ts";
import { type SimMessage, type SimQueue, simQueue } from "./sim-queue.ts";
import { type StoryLine, storyOf } from "./story.ts";

/** What one world is made of. Everything else follows from it. */
export type WorldOptions = {
  readonly seed: number;
  readonly charges: number;
  /** 0 to 1: how hard the faults strike at the most; drawn by the seed where not given */
  readonly strength?: number;
  /** in place of those that the seed draws: shrinking takes faults away one by one */
  readonly faults?: Faults;
  /** keep a line of everything that happens */
  readonly told?: boolean;
  /** the flows under test; the shipped ones by default */
  readonly flows?: Flows;
  /** a deliberate mistake in them: the checkers have to find it */
  readonly mutant?: Mutant;
  /** receives after which a message becomes a dead letter; as deployed by default */
  readonly maxReceives?: number;
  /** false: count what went wrong and go on, for workers that keep no ledger of ours */
  readonly checked?: boolean;
};

/** A worker of the world. `effect` is one call to a store of its own kind, with the ledger's latency and faults. */
export type SimWorker = Worker & { effect<T>(what: string, apply: () => T): Promise<T> };

export type Flow = (
  deliveries: readonly Delivery[],
  worker: SimWorker,
) => Promise<ReadonlyMap<string, DeliveryEnd>>;
export type Flows = { readonly submit: Flow; readonly resolve: Flow };

/** What a merchant would find at the end, whatever the worker believes: charges, not events. */
export type Tally = {
  readonly chargedTwice: number;
  /** told as declined or failed, though the money was taken */
  readonly falseFailures: number;
  /** told as approved, though the money was not taken */
  readonly falseApprovals: number;
  /** no outcome was ever told, not even to a person */
  readonly lost: number;
  /** left to a person */
  readonly inReview: number;
};

export type WorldResult = {
  readonly seed: number;
  readonly faults: Faults;
  readonly charges: number;
  readonly steps: number;
  readonly states: Readonly<Record<string, number>>;
  readonly captured: number;
  /** charges in review that a person has to see: the gateway took something else or hid it, or the policy says so */
  readonly reviewOwed: number;
  readonly kills: number;
  readonly tally: Tally;
  /** how often each fault struck */
  readonly struck: Readonly<Partial<Record<FaultName, number>>>;
  readonly violation?: Violation;
  readonly story: readonly StoryLine[];
  readonly startMs: number;
};

const startMs = Date.UTC(2026, 10, 22);
const gatewayTimeoutMs = 30_000;
const functionTimeoutMs = 150_000;
const concurrency = 10;
const visibilityMs = 6 * functionTimeoutMs;
const deployedMaxReceives = 240;
/** Faults strike until then, and charges arrive. */
const troubleMs = 2 * 3_600_000;
/** The look-up schedule ends after a day; then a person's turn. */
const endMs = troubleMs + 30 * 3_600_000;
const daysLaterMs = 9 * 86_400_000;

const shippedFlows: Flows = { submit: submitCharges, resolve: resolveUnknowns };

/** Reviews that a better worker would not spare: another amount, no row that names us, or the policy's own wish. */
const owedReasons = new Set<string>(["mismatch", "weak_match", "absent"]);
const silent: Log = { event() {}, metric() {} };

class Unavailable extends Error {
  override readonly name = "LedgerUnavailable";
}

const hash = (text: string): string => createHash("sha256").update(text).digest("hex");

/** Lets everything that is ready run, before the world's clock moves on. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

type Process = {
  readonly name: string;
  readonly skewMs: number;
  readonly queue: "charges" | "unknown-outcomes";
  alive: boolean;
  busy: boolean;
  frozenUntilMs: number;
  paces?: Worker["paces"];
};

/** Runs one history to its end, and says whether every promise was kept. */
export const runWorld = async (options: WorldOptions): Promise<WorldResult> => {
  const { seed } = options;
  // What the dead wait for: one of this world's own, or the worlds that are over would be kept alive by it.
  const never = new Promise<never>(() => {});
  const random = randomOf(seed);
  const strength = random.fork();
  // Drawn whether they are used or not: what follows must be the same with faults that are given.
  const ownFaults = drawFaults(random.fork(), options.strength ?? 0.1 + 0.9 * strength.fraction());
  const drawn = options.faults ?? ownFaults;
  const schedule = scheduleFrom(startMs);
  const story = storyOf(schedule.nowMs, options.told === true);
  const struck: Partial<Record<FaultName, number>> = {};
  const faults = (): Faults => (schedule.nowMs() - startMs < troubleMs ? drawn : noFaults);
  // A stream of chance for each fault: with one taken away, the others strike where they did.
  const faultRandom = random.fork();
  const chanceOf = Object.fromEntries(faultNames.map((name) => [name, faultRandom.fork()])) as Record<
    FaultName,
    Random
  >;
  /** Whether a fault strikes now. */
  const strikes = (name: FaultName): boolean => {
    const hit = chanceOf[name].fraction() < faults()[name];
    if (hit) {
      struck[name] = (struck[name] ?? 0) + 1;
      story.tell(() => ({ who: "FAULT", what: name }));
    }
    return hit;
  };
  const policy: Policy = {
    ...defaultPolicy,
    afterAbsence: random.pick<AfterAbsence>(["resendWithinLife", "resendWithinLife", "newAttempt", "review"]),
  };
  let violation: Violation | undefined;
  const breach = (found: Violation): void => {
    if (options.checked === false) return;
    violation ??= found;
    story.tell(() => ({ who: "CHECKER", what: found.message, chargeId: found.chargeId }));
  };
  const guarded = <T>(check: () => T): T | undefined => {
    try {
      return check();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      breach(error);
      return undefined;
    }
  };

  // The gateway, and what it really did.
  const gatewayRandom = random.fork();
  const bank = simCentrobill({
    schedule,
    random: gatewayRandom,
    strikes,
    requestIdLifeMs: policy.requestIdLifeMs,
    feedLagMs: policy.feedLagMs,
    story,
    onCapture(one) {
      if (bank.capturesOf(one.chargeId).length > 1)
        breach(new Violation("noChargeTwice", one.chargeId, `captured again as ${one.transactionId}`));
      const entry = table.entryOf(one.chargeId);
      if (entry !== undefined && saysNo(entry))
        breach(new Violation("declinedMeansNotCaptured", one.chargeId, `captured after ${entry.state}`));
    },
  });
  const gateway = centrobill({ url: "https://pay.test", apiKey: "sim-key", feedUrl: "https://feed.test" });

  // The ledger.
  const table = simTable((before, after, named) => {
    story.tell(() => ({
      who: "ledger",
      what: `${before?.state ?? "-"} → ${after.state}${"reason" in after ? ` (${after.reason})` : ""} attempt ${after.attempt}`,
      chargeId: after.chargeId,
    }));
    guarded(() => checkWrite(before, after, named));
    if (saysNo(after) && bank.capturesOf(after.chargeId).length > 0)
      breach(
        new Violation("declinedMeansNotCaptured", after.chargeId, `${after.state}, though it was captured`),
      );
    if (after.state === "approved") {
      const captures = bank.capturesOf(after.chargeId);
      if (!captures.some((one) => one.amount === one.asked))
        breach(
          new Violation(
            "approvedMeansCaptured",
            after.chargeId,
            "approved, though it was not captured in full",
          ),
        );
    }
  });

  // The queues.
  const told = new Map<string, string>();
  const toldTo = new Map<string, Set<string>>();
  const wake = new Map<string, () => void>();
  const queueOf = (name: "charges" | "unknown-outcomes"): SimQueue =>
    simQueue(name, schedule.nowMs, options.maxReceives ?? deployedMaxReceives, (atMs) => {
      schedule.after(atMs - schedule.nowMs(), () => wake.get(name)?.());
    });
  const charges = queueOf("charges");
  const unknowns = queueOf("unknown-outcomes");
  const queueRandom = random.fork();

  const acceptRoute = (queue: string, message: RouteMessage, delayMs: number): void => {
    const chargeId = message.chargeId ?? "";
    story.tell(() => ({ who: "queue", what: `${queue} accepts ${message.id}`, chargeId }));
    if (queue === "unknown-outcomes") {
      const late = strikes("deliverLate") ? queueRandom.between(1_000, 1_800_000) : 0;
      unknowns.send(JSON.stringify(message), chargeId, delayMs + late);
      return;
    }
    const queuesTold = toldTo.get(chargeId) ?? new Set<string>();
    toldTo.set(chargeId, queuesTold.add(queue));
    const text = JSON.stringify([message.outcome, message.requestId, message.code, message.evidence]);
    const before = told.get(message.id);
    if (before !== undefined && before !== text)
      breach(
        new Violation(
          "routedExactlyOncePerId",
          chargeId,
          `${message.id} tells something else the second time`,
        ),
      );
    told.set(message.id, text);
  };

  // The workers.
  let kills = 0;
  const processes: Process[] = [];
  const workerRandom = random.fork();
  const start = (queue: Process["queue"]): Process => {
    const process: Process = {
      name: `w${processes.length + 1}`,
      skewMs: workerRandom.between(-20_000, 20_000),
      queue,
      alive: true,
      busy: false,
      frozenUntilMs: 0,
    };
    processes.push(process);
    return process;
  };
  const kill = (process: Process, why: string): void => {
    if (!process.alive) return;
    process.alive = false;
    kills += 1;
    story.tell(() => ({ who: process.name, what: `dies ${why}` }));
    schedule.after(workerRandom.between(500, 10_000), () => {
      start(process.queue);
      wake.get(process.queue)?.();
    });
  };

  /** Stands between a worker and each effect: it may die or freeze there. */
  const gate = async (process: Process, what: string, when: "before" | "after"): Promise<void> => {
    if (!process.alive) return never;
    if (strikes("freeze")) {
      const frozen = workerRandom.between(10_000, 1_500_000);
      process.frozenUntilMs = Math.max(process.frozenUntilMs, schedule.nowMs() + frozen);
      story.tell(() => ({ who: process.name, what: `freezes for ${frozen} ms ${when} ${what}` }));
    }
    if (strikes(when === "before" ? "killBeforeEffect" : "killAfterEffect")) {
      kill(process, `${when} ${what}`);
      return never;
    }
    while (process.frozenUntilMs > schedule.nowMs())
      await schedule.sleep(process.frozenUntilMs - schedule.nowMs());
    return process.alive ? undefined : never;
  };

  const ledgerCall = async <T>(process: Process, what: string, apply: () => T): Promise<T> => {
    await gate(process, what, "before");
    await schedule.sleep(workerRandom.between(1, 8));
    if (strikes("ledgerThrottled")) throw new Unavailable(`${what}: throttled`);
    const result = apply();
    await gate(process, what, "after");
    if (strikes("ledgerAnswerLost")) throw new Unavailable(`${what}: no answer`);
    return result;
  };

  const firstSends = new Map<string, number>();
  const wireSend = async (
    process: Process,
    request: Parameters<Worker["wire"]["send"]>[0],
    limits: Parameters<Worker["wire"]["send"]>[1],
  ): Promise<Transport> => {
    const isPayment = request.method === "POST";
    const what = isPayment ? "send" : "look-up";
    await gate(process, what, "before");
    await schedule.sleep(workerRandom.between(2, 40));
    if (strikes("connectionRefused")) return { kind: "neverSent", cause: "refused" };
    await gate(process, `${what}'s first byte`, "before");
    if (limits.notAfterMs !== undefined && schedule.nowMs() + process.skewMs > limits.notAfterMs)
      return { kind: "neverSent", cause: "too_late" };
    const sentAtMs = schedule.nowMs();
    const requestId = request.headers["X-Request-ID"] ?? "";
    if (isPayment) {
      const first = firstSends.get(requestId) ?? sentAtMs;
      firstSends.set(requestId, first);
      const chargeId = chargeOfRequest(request.body ?? "");
      story.tell(() => ({ who: process.name, what: `sends ${requestId.slice(0, 8)}`, chargeId }));
      if (sentAtMs - first > policy.requestIdLifeMs)
        breach(
          new Violation("noResendPastKeyLife", chargeId, `sent ${sentAtMs - first} ms after its first send`),
        );
    }
    const answered = new Promise<Transport>((resolve) => {
      const unanswered = (): void => resolve({ kind: "sentUnanswered", cause: "timeout" });
      schedule.after(limits.timeoutMs, unanswered);
      if (strikes("requestLost")) return;
      const onTheWay = strikes("requestStuck")
        ? workerRandom.between(1_000, gatewayTimeoutMs)
        : workerRandom.between(5, 80);
      const lost = strikes("answerLost");
      const reset = workerRandom.chance(0.5);
      const back = strikes("answerLate") ? limits.timeoutMs + 1 : workerRandom.between(5, 80);
      const answer = ({ status, body }: { status: number; body: string }): void => {
        if (lost) {
          if (reset) schedule.after(back, () => resolve({ kind: "sentUnanswered", cause: "reset" }));
          return;
        }
        schedule.after(back, () =>
          resolve({ kind: "replied", status, headers: {}, body, bodySha256: hash(body) }),
        );
      };
      schedule.after(onTheWay, () => {
        if (isPayment) bank.pay(requestId, request.body ?? "", answer);
        else {
          const page = bank.feed(request.url);
          if (page !== undefined) answer(page);
        }
      });
    });
    // The request is on its way: the worker may die now without anybody knowing.
    await gate(process, `${what}'s answer`, "before");
    const transport = await answered;
    await gate(process, what, "after");
    return transport;
  };

  const paceBook = paceTable();
  /** What a worker's process keeps of the pace; it dies with the process. */
  const pacesOf = (process: Process, clock: Clock, ids: Ids): Worker["paces"] => {
    process.paces ??= gatewayPaces({
      book: {
        read: (name) => ledgerCall(process, "read pace", () => paceBook.read(name)),
        replace: (name, previous, record) =>
          ledgerCall(process, `pace ${record.closing?.because ?? "turns"}`, () =>
            paceBook.replace(name, previous, record),
          ),
      },
      clock,
      ids,
      log: silent,
      policy,
      limit: () => pLimit(concurrency),
    });
    return process.paces;
  };

  let requestIds = 0;
  let tokens = 0;
  const workerOf = (process: Process, deadlineMs: number): SimWorker => {
    const sends: Promise<unknown>[] = [];
    const clock: Clock = {
      nowMs: () => schedule.nowMs() + process.skewMs,
      async sleep(ms) {
        await schedule.sleep(ms);
        await gate(process, "waking", "after");
      },
    };
    const ids: Ids = {
      requestId: () => {
        requestIds += 1;
        return `${String(requestIds).padStart(8, "0")}-r` as RequestId;
      },
      leaseToken: () => {
        tokens += 1;
        return `t${tokens}` as LeaseToken;
      },
      fraction: () => workerRandom.fraction(),
    };
    return {
      clock,
      ids,
      sha256: hash,
      wire: { send: (request, limits) => wireSend(process, request, limits) },
      ledger: {
        open: (entry) => ledgerCall(process, "open", () => table.open(entry)),
        replace: (previous, entry) =>
          ledgerCall(process, `record ${entry.state}`, () => table.replace(previous, entry)),
        read: (ids: readonly ChargeId[]) => ledgerCall(process, "read", () => table.read(ids)),
        reject: (rejection) => ledgerCall(process, "reject", () => table.reject(rejection)),
      },
      queues: {
        send(queue, message, delayMs = 0) {
          const sent = (async () => {
            await gate(process, `route to ${queue}`, "before");
            await schedule.sleep(workerRandom.between(1, 10));
            if (strikes("sendRefused")) throw new Unavailable(`send to ${queue}: refused`);
            acceptRoute(queue, message, delayMs);
            await gate(process, `route to ${queue}`, "after");
            if (strikes("sendAnswerLost")) throw new Unavailable(`send to ${queue}: no answer`);
          })();
          sends.push(sent);
          return sent;
        },
        flush() {},
      },
      log: silent,
      limit: pLimit(concurrency),
      gateways: { centrobill: gateway },
      paces: pacesOf(process, clock, ids),
      policy,
      gatewayTimeoutMs,
      remainingMs: () => deadlineMs - schedule.nowMs(),
      effect: (what, apply) => ledgerCall(process, what, apply),
    };
  };

  const flows = options.mutant?.flows?.(options.flows ?? shippedFlows) ?? options.flows ?? shippedFlows;

  /** What the event source does with a message that the flow calls done. */
  const deleteMessage = (queue: SimQueue, message: SimMessage, receipt: number): void => {
    if (strikes("deleteLost")) return;
    const { chargeId } = message;
    queue.delete(message);
    story.tell(() => ({
      who: "queue",
      what: `${queue.name} deletes ${message.id} (delivery ${receipt})`,
      chargeId,
    }));
    const entry = table.entryOf(chargeId);
    if (entry === undefined)
      breach(new Violation("noChargeLost", chargeId, "its message is gone, the ledger is empty"));
    else checkKept(entry);
    if (queue === charges && strikes("messageAgainDaysLater"))
      schedule.after(queueRandom.between(3_600_000, daysLaterMs - 86_400_000), () => {
        story.tell(() => ({ who: "operator", what: "redrives the charge message", chargeId }));
        charges.send(message.body, chargeId, 0);
      });
  };

  const routeIdOf = (entry: LedgerEntry): string => `${entry.chargeId}#${entry.attempt}#${entry.state}`;

  /** After a message has gone: the charge is told, or somebody still has it. */
  const checkKept = (entry: LedgerEntry): void => {
    const { chargeId, state } = entry;
    const live = charges.live(chargeId) + unknowns.live(chargeId);
    if (state === "unknown" || state === "pending" || state === "opened" || state === "waiting") {
      if (live === 0)
        breach(
          new Violation("unknownIsNeverForgotten", chargeId, `${state}, and no message is left to work it`),
        );
    } else if (!told.has(routeIdOf(entry)) && live === 0)
      breach(new Violation("noChargeLost", chargeId, `${state}, but its route was never accepted`));
  };

  const invoke = async (process: Process, queue: SimQueue, batch: readonly SimMessage[]): Promise<void> => {
    process.busy = true;
    const deadlineMs = schedule.nowMs() + functionTimeoutMs;
    let ended = false;
    schedule.after(functionTimeoutMs, () => {
      // A frozen process outlives its time-out as a zombie; a running one is stopped by its platform.
      if (!ended && process.frozenUntilMs <= schedule.nowMs()) kill(process, "at its time-out");
    });
    const receipts = new Map(batch.map((message) => [message, message.receipt]));
    const sound = workerOf(process, deadlineMs);
    const worker = { ...sound, ...options.mutant?.worker?.(sound) };
    const flow = process.queue === "charges" ? flows.submit : flows.resolve;
    const ends = await flow(
      batch.map((message) => ({ messageId: message.id, body: message.body, receives: message.receives })),
      worker,
    );
    await gate(process, "batch response", "before");
    ended = true;
    for (const message of batch) {
      const end = ends.get(message.id);
      const receipt = receipts.get(message) ?? 0;
      if (end?.kind === "done") deleteMessage(queue, message, receipt);
      else if (message.receipt === receipt) queue.hide(message, end?.delayMs ?? 0);
    }
    process.busy = false;
    wake.get(process.queue)?.();
  };

  const pollOf = (name: Process["queue"], queue: SimQueue, batchSize: number) => {
    let waiting = false;
    wake.set(name, () => {
      if (waiting) return;
      waiting = true;
      // A batching window, so that messages that come together are worked together.
      schedule.after(queueRandom.between(0, name === "charges" ? 200 : 5_000), () => {
        waiting = false;
        const process = processes.find(
          (one) => one.queue === name && one.alive && !one.busy && one.frozenUntilMs <= schedule.nowMs(),
        );
        if (process === undefined) {
          if (processes.some((one) => one.queue === name && one.alive && one.busy))
            schedule.after(60_000, () => wake.get(name)?.());
          return;
        }
        const batch = queue.receive(batchSize, visibilityMs);
        if (batch.length === 0) return;
        for (const message of batch) {
          // The queue delivers again while the first worker still works.
          if (strikes("deliverTwice") || strikes("visibilityLost"))
            queue.hide(message, queueRandom.between(0, 120_000));
        }
        void invoke(process, queue, batch).catch((error: unknown) => {
          crash ??= error;
        });
        wake.get(name)?.();
      });
    });
  };
  let crash: unknown;
  pollOf("charges", charges, 10);
  pollOf("unknown-outcomes", unknowns, 100);
  for (let n = 0; n < 3; n++) start("charges");
  for (let n = 0; n < 2; n++) start("unknown-outcomes");

  // The charges arrive while the trouble lasts.
  const arrivals = random.fork();
  for (let n = 1; n <= options.charges; n++) {
    const chargeId = `c${n}`;
    const body = chargeMessage(chargeId, arrivals);
    schedule.after(arrivals.between(0, troubleMs * 0.7), () => {
      charges.send(body, chargeId, 0);
      if (strikes("deliverTwice")) charges.send(body, chargeId, arrivals.between(0, 5_000));
    });
  }
  for (const at of [troubleMs, 2 * 86_400_000, 5 * 86_400_000])
    schedule.after(at, () => {
      charges.redriveDeadLetters();
      unknowns.redriveDeadLetters();
    });

  let steps = 0;
  const run = async (untilMs: number): Promise<void> => {
    while (violation === undefined && crash === undefined && schedule.step(startMs + untilMs)) {
      steps += 1;
      await settled();
    }
  };

  await run(endMs);
  if (crash !== undefined) throw crash;
  const chargeIds = Array.from({ length: options.charges }, (_, n) => `c${n + 1}`);
  if (violation === undefined) for (const chargeId of chargeIds) checkEnd(chargeId);
  await run(daysLaterMs);
  if (crash !== undefined) throw crash;
  if (violation === undefined) for (const chargeId of chargeIds) checkEnd(chargeId);

  function checkEnd(chargeId: string): void {
    const found = endViolationOf(chargeId);
    if (found !== undefined) breach(found);
  }

  function endViolationOf(chargeId: string): Violation | undefined {
    const entry = table.entryOf(chargeId);
    const captures = bank.capturesOf(chargeId);
    if (entry === undefined) return new Violation("noChargeLost", chargeId, "never reached the ledger");
    const final = (finalStates as readonly string[]).includes(entry.state);
    if (!final && entry.state !== "review")
      return new Violation(
        "everyChargeEnds",
        chargeId,
        `still ${entry.state} a day after the faults stopped`,
      );
    if (!told.has(routeIdOf(entry)))
      return new Violation("routedExactlyOncePerId", chargeId, `${routeIdOf(entry)} was never told`);
    if (captures.length > 0 && entry.state !== "approved" && entry.state !== "review")
      return new Violation(
        "ledgerAgreesWithGateway",
        chargeId,
        `captured, and the ledger says ${entry.state}`,
      );
    if (entry.state === "approved" && captures.length !== 1)
      return new Violation(
        "ledgerAgreesWithGateway",
        chargeId,
        `approved, and the gateway has ${captures.length} captures`,
      );
    return undefined;
  }

  const tellings = chargeIds.map((chargeId) => ({
    queues: toldTo.get(chargeId) ?? new Set<string>(),
    captures: bank.capturesOf(chargeId).length,
  }));
  const saysFailed = ["permanent-declines", "retryable-declines", "request-errors"];
  const count = (test: (telling: (typeof tellings)[number]) => boolean): number =>
    tellings.filter(test).length;
  const tally: Tally = {
    chargedTwice: count(({ captures }) => captures > 1),
    falseFailures: count(
      ({ queues, captures }) => captures > 0 && saysFailed.some((queue) => queues.has(queue)),
    ),
    falseApprovals: count(({ queues, captures }) => captures === 0 && queues.has("approved")),
    lost: count(({ queues }) => queues.size === 0),
    inReview: count(({ queues }) => queues.has("review")),
  };

  const states: Record<string, number> = {};
  let reviewOwed = 0;
  for (const chargeId of chargeIds) {
    const entry = table.entryOf(chargeId);
    const state = entry?.state ?? "none";
    const name = entry?.state === "review" ? `review:${entry.reason}` : state;
    states[name] = (states[name] ?? 0) + 1;
    if (entry?.state === "review" && owedReasons.has(entry.reason)) reviewOwed += 1;
  }
  return {
    seed,
    faults: drawn,
    charges: options.charges,
    steps,
    states,
    captured: bank.captures().length,
    reviewOwed,
    kills,
    tally,
    struck,
    ...(violation === undefined ? {} : { violation }),
    story: story.lines(),
    startMs,
  };
};

const saysNo = (entry: LedgerEntry): boolean =>
  entry.state === "declined_permanent" ||
  entry.state === "declined_retryable" ||
  entry.state === "request_error" ||
  entry.state === "expired";

const chargeOfRequest = (body: string): string => /"chargeId":"([^"]+)"/.exec(body)?.[1] ?? "";

const chargeMessage = (chargeId: string, random: Random): string =>
  JSON.stringify({
    v: 1,
    chargeId,
    gateway: "centrobill",
    amount: String(random.between(1, 99_999)),
    currency: "EUR",
    request: {
      paymentSource: { type: "consumer", value: `consumer-${chargeId}` },
      consumer: { externalId: `consumer-${chargeId}`, ip: "192.0.2.1" },
      sku: { siteId: "site-1" },
    },
  });

export type { Schedule };
