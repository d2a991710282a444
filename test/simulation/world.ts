import { retryAfterMsOf } from "../../lib/core/answered.ts";
import {
  type ChargeId,
  type GatewayName,
  gatewayNames,
  type LeaseToken,
  type RequestId,
} from "../../lib/core/charge.ts";
import type { Gateway } from "../../lib/core/gateway.ts";
import { finalStates, type LedgerEntry, type OpenedEntry } from "../../lib/core/ledger.ts";
import type { Notice } from "../../lib/core/notice.ts";
import type { PaceRecord, RateLimit } from "../../lib/core/pace.ts";
import {
  type AfterAbsence,
  defaultPolicy,
  leaseMsOf,
  type Policy,
  worstCaseMsOf,
} from "../../lib/core/policy.ts";
import { type RouteMessage, routeIdOf } from "../../lib/core/route-message.ts";
import { type SentMark, sentMarkOf } from "../../lib/core/sent-page.ts";
import type { Transport } from "../../lib/core/transport.ts";
import { gatewayPaces } from "../../lib/flows/gateway-pace.ts";
import { resolveUnknowns } from "../../lib/flows/resolve-unknowns.ts";
import { submitCharges } from "../../lib/flows/submit-charge.ts";
import { centrapay } from "../../lib/gateways/centrapay/index.ts";
import { centrobill } from "../../lib/gateways/centrobill/index.ts";
import type { Clock, Delivery, DeliveryEnd, Desk, Ids, Log, PaceBook, Worker } from "../../lib/ports.ts";
import { paceTable } from "../doubles/memory-pace.ts";
import { wideLimit } from "../doubles/wide-limit.ts";
import { type CheckerName, checkWrite, Violation } from "./checkers.ts";
import { closingsOf } from "./closings.ts";
import { deployedFor, type WorkedQueue } from "./deployed.ts";
import { drawFaults, type FaultName, type Faults, faultNames } from "./faults.ts";
import type { Mutant } from "./mutants/mutant.ts";
import { checkDecision, lookOf, startOperators } from "./operators.ts";
import { type Random, randomOf } from "./random.ts";
import { startReconcilers } from "./reconcilers.ts";
import { startRedrivers } from "./redrivers.ts";
import { runReady } from "./run-ready.ts";
import { type Appointment, type Schedule, scheduleFrom, still } from "./schedule.ts";
import { type SimAccount, simAccount } from "./sim-account.ts";
import { simCentrapay } from "./sim-centrapay.ts";
import { simCentrobill } from "./sim-centrobill.ts";
import { type ChargeWay, chargeMessage, drawnWays } from "./sim-charges.ts";
import type { Asking, Capture, SimAnswer, SimGateway } from "./sim-gateway.ts";
import { instrumentWatch, onCard } from "./sim-instruments.ts";
import { simTable } from "./sim-ledger.ts";
import { noticeTable, type SimWord, simNotices } from "./sim-notices.ts";
import type { SimProcess } from "./sim-process.ts";
import { type SimMessage, type SimQueue, simQueue } from "./sim-queue.ts";
import { startRetries } from "./sim-retries.ts";
import { defaultSettings, settingsOfSeed } from "./sim-settings.ts";
import { drawRates, drawTroubles, isOutage, type Trouble } from "./sim-trouble.ts";
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
  /** in place of those that the faults bring: stretches of trouble at an account, from the first moment on */
  readonly troubles?: readonly Trouble[];
  /** what an account may ask for in truth, in place of what the faults bring */
  readonly rates?: Readonly<Partial<Record<GatewayName, RateLimit>>>;
  /** the ways of charging, of which each charge has one by chance */
  readonly ways?: readonly ChargeWay[];
  /** charges come until then; by default for the first hour and a half */
  readonly arrivingMs?: number;
  /** whether charges come many at once; the seed draws it by default */
  readonly bursts?: boolean;
  readonly policy?: Partial<Policy>;
  /** the seed draws the settings, too; `policy` counts before theirs */
  readonly settings?: boolean;
  /** receives after which a message becomes a dead letter; as deployed by default */
  readonly maxReceives?: number;
  /** after acts that say that nobody waits for them, too: changes nothing if they are right */
  readonly settlesAlways?: boolean;
  /** false: count what went wrong and go on, for workers that keep no ledger of ours */
  readonly checked?: boolean;
  /** whether people decide what is in review; the seed draws it by default */
  readonly operators?: boolean;
  /** whether charges name instruments and later attempts are made; the seed draws it by default */
  readonly onCards?: boolean;
  /**
   * Centrobill takes the money of what it declined after all, some minutes to hours later, and tells it in a notice: no
   * promise about what was declined holds then, but that nothing is sent on top of it once that was heard.
   */
  readonly turnsOver?: boolean;
  /** whether the world is reconciled; the seed draws it by default */
  readonly reconciled?: boolean;
  /** whether messages die after few receives, and a person puts them back; the seed draws it by default */
  readonly redriven?: boolean;
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

/** One charge as its merchant saw it. Times from the world's first moment on. */
export type ToldCharge = {
  readonly chargeId: string;
  readonly way: ChargeWay;
  readonly arrivedMs: number;
  /** when its first outcome was told */
  readonly toldMs?: number;
  readonly state: string;
  /** a request of its own got no answer, or the gateway's fault, in an outage */
  readonly lostInOutage: boolean;
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
  /** charges in review whose own send was lost in an outage, which is what they are there for */
  readonly reviewOfOutage: number;
  /** charges that ended as request errors because the account was refused for a while */
  readonly burned: number;
  /** 429s of each account */
  readonly limited: Readonly<Record<GatewayName, number>>;
  /** the most deliveries of one message */
  readonly mostReceives: number;
  readonly kills: number;
  readonly tally: Tally;
  /** charges that reconciliation named as captured twice */
  readonly doublesNamed: number;
  readonly told: readonly ToldCharge[];
  /** charges that were declined, then captured, and of which that was heard */
  readonly turnedAndHeard: number;
  /** how often each fault struck */
  readonly struck: Readonly<Partial<Record<FaultName, number>>>;
  readonly violation?: Violation;
  readonly story: readonly StoryLine[];
  readonly startMs: number;
};

const startMs = Date.UTC(2026, 10, 22);
/** Before the name of a notice, where a queue has the charge of a message. */
const noticePrefix = "notice ";
const deployedMaxReceives = 240;
/** Faults strike until then, and charges arrive. */
const troubleMs = 2 * 3_600_000;
/** The look-up schedule ends after a day; then a person's turn. */
const endMs = troubleMs + 30 * 3_600_000;
const daysLaterMs = 9 * 86_400_000;

/** Short waits: what has to come out does so before the world ends. */
const retryPolicy: Partial<Policy> = { retryScheduleMs: [1_200_000, 7_200_000], attemptsMax: 3 };

const shippedFlows: Flows = { submit: submitCharges, resolve: resolveUnknowns };

/** Reviews that a better worker would not spare: another amount, no row that names us, or the policy's own wish. */
const owedReasons = new Set<string>(["mismatch", "weak_match", "absent", "unlisted_answer"]);
/** Reviews because too little could be known: each needs a send or a worker of its own that was lost. */
const causedReasons = new Set<string>(["lookups_used_up", "absent_past_key_life", "absent_not_sendable"]);
const silent: Log = { event() {}, metric() {} };

class Unavailable extends Error {
  override readonly name = "LedgerUnavailable";

  constructor(message: string) {
    // Thrown by the thousand, and nobody looks where from.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/**
 * Stands for SHA-256 within one history: a text has always the same 64 hexadecimal digits, and no other has them, nor
 * the same first eight. Real sums would be a fiftieth of all the work, and show nothing of the flows.
 */
const sumsOf = (): ((text: string) => string) => {
  const known = new Map<string, string>();
  return (text) => {
    let sum = known.get(text);
    if (sum === undefined) {
      // An odd factor: the first 2 ** 28 texts have products of their own. The letter: no digits as long as a card's.
      const product = Math.imul(known.size + 1, 0x9e3779b1) & 0xfff_ffff;
      sum = `${product.toString(16).padStart(7, "0")}f`.repeat(8);
      known.set(text, sum);
    }
    return sum;
  };
};

const apiKey = "sim-key";
const gatewaysOfWorld: Readonly<Record<GatewayName, Gateway>> = {
  centrobill: centrobill({ url: "https://pay.test", apiKey, feedUrl: "https://feed.test" }),
  centrapay: centrapay({ url: "https://centrapay.test", apiKey, merchantId: "m1" }),
};
const gatewayOfUrl = (url: string): GatewayName =>
  url.startsWith("https://centrapay.test/") ? "centrapay" : "centrobill";
/** Whether a gateway refuses the account by this status, as its own rules say. */
const refusesAccount = (name: GatewayName, status: number): boolean => {
  const known = refusals[name].get(status);
  if (known !== undefined) return known;
  const silent = { kind: "replied", status, headers: {}, body: "", bodySha256: "" } as const;
  const refuses = gatewaysOfWorld[name].rules.refusesAccount(silent);
  refusals[name].set(status, refuses);
  return refuses;
};
const refusals: Readonly<Record<GatewayName, Map<number, boolean>>> = {
  centrobill: new Map(),
  centrapay: new Map(),
};
/** Statuses after which a sender knows what became of its request, whatever the body says. */
const plainStatuses = new Set([200, 201, 400, 401, 403, 404]);

/** Runs one history to its end, and says whether every promise was kept. */
export const runWorld = async (options: WorldOptions): Promise<WorldResult> => {
  const { seed } = options;
  // What the dead wait for: one of this world's own, or the worlds that are over would be kept alive by it.
  const never = new Promise<never>(() => {});
  const random = randomOf(seed);
  const strength = random.fork();
  // Drawn whether they are used or not: what follows must be the same with faults that are given.
  const ownFaults = drawFaults(random.fork(), options.strength ?? 0.1 + 0.9 * strength.fraction());
  const turnsOver = options.turnsOver === true;
  const drawn: Faults = {
    ...(options.faults ?? ownFaults),
    // Who sends with a slow clock while another has taken over cannot have heard; a stolen name makes a notice doubtful.
    ...(turnsOver ? { decline: 0.7, noticeComes: 1, noticeStolen: 0, clockSkew: 0 } : {}),
  };
  const schedule = scheduleFrom(startMs);
  const story = storyOf(schedule.nowMs, options.told === true);
  const struck = new Map<FaultName, number>();
  const calmAtMs = startMs + troubleMs;
  // A stream of chance for each fault: with one taken away, the others strike where they did.
  const faultRandom = random.fork();
  const chances = new Map<FaultName, { readonly rate: number; readonly random: Random }>();
  for (const name of faultNames) {
    // It is there from the first moment to the last, or not at all.
    if (name === "clockSkew") continue;
    const rate = drawn[name];
    if (rate > 0) chances.set(name, { rate, random: faultRandom.fork() });
    // As much is drawn as for a stream.
    else faultRandom.fraction();
  }
  const struckNow = (name: FaultName): void => {
    struck.set(name, (struck.get(name) ?? 0) + 1);
    story.tell(() => ({ who: "FAULT", what: name }));
  };
  /** Whether a fault strikes now: one question, for whoever asks at every step. */
  const strikerOf = (name: FaultName): (() => boolean) => {
    const chance = chances.get(name);
    if (chance === undefined) return () => false;
    return () => {
      if (schedule.nowMs() >= calmAtMs || chance.random.fraction() >= chance.rate) return false;
      struckNow(name);
      return true;
    };
  };
  const strikers = new Map(faultNames.map((name) => [name, strikerOf(name)]));
  const strikes = (name: FaultName): boolean => strikers.get(name)?.() === true;
  // A stream of its own: what is drawn on it moves nothing else's chance.
  const cardRandom = randomOf(seed ^ 0x5eed_ca2d);
  const drawsCards = cardRandom.chance(0.25) && options.flows === undefined && options.mutant === undefined;
  const onCards = options.onCards ?? options.mutant?.onCards ?? drawsCards;
  const settings = options.settings === true ? settingsOfSeed(seed) : defaultSettings;
  const { gatewayTimeoutMs, concurrency } = settings;
  const policy: Policy = {
    ...defaultPolicy,
    ...(onCards ? retryPolicy : {}),
    ...settings.policy,
    ...options.policy,
    afterAbsence: random.pick<AfterAbsence>(["resendWithinLife", "resendWithinLife", "newAttempt", "review"]),
  };
  const deployed = deployedFor({ worstCaseMs: worstCaseMsOf(policy, gatewayTimeoutMs), concurrency });
  const burstRandom = randomOf(seed ^ 0x5eed_b257);
  const drawsBursts = burstRandom.chance(0.3) && options.arrivingMs === undefined;
  const burst = (options.bursts ?? drawsBursts) ? 0.5 + burstRandom.fraction() / 2 : 0;
  const turnRandom = randomOf(seed ^ 0x5eed_70b2);
  const sha256 = sumsOf();
  /** How far one clock is from the true time; between two of them is what the policy allows at the most. */
  const skewOf = (chance: Random): number =>
    Math.round((drawn.clockSkew * policy.clockSkewMs * chance.between(-20_000, 20_000)) / 40_000);
  if (drawn.clockSkew > 0) struck.set("clockSkew", 1);
  /** charges that were declined and then captured, by the transaction */
  const turnedBy = new Map<string, string>();
  const turned = new Set<string>();
  const turnedAndHeard = new Set<string>();
  let violation: Violation | undefined;
  const breach = (found: Violation): void => {
    if (options.checked === false) return;
    if (turned.has(found.chargeId ?? "") && turnedMay.has(found.checker)) return;
    if (options.mutant?.forReconciliation === true && found.checker !== "reconciliationNamesEveryDouble")
      return;
    violation ??= found;
    const { message, chargeId } = found;
    story.tell(() => ({ who: "CHECKER", what: message, ...(chargeId === undefined ? {} : { chargeId }) }));
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

  // The gateways, and what they really did.
  const onCapture = (one: Capture): void => {
    if (capturesOf(one.chargeId).length > 1)
      breach(new Violation("noChargeTwice", one.chargeId, `captured again as ${one.transactionId}`));
    const entry = table.entryOf(one.chargeId);
    if (entry !== undefined && saysNo(entry))
      breach(new Violation("declinedMeansNotCaptured", one.chargeId, `captured after ${entry.state}`));
  };
  const chargeIds = Array.from({ length: options.charges }, (_, n) => `c${n + 1}`);
  const notices = noticeTable();
  let notify: (word: SimWord) => void = () => {};
  const onWord = (word: SimWord): void => notify(word);
  const modelled = { schedule, strikes, requestIdLifeMs: policy.requestIdLifeMs, story, onCapture, onWord };
  const banks: Readonly<Record<GatewayName, SimGateway>> = {
    centrobill: simCentrobill({
      ...modelled,
      random: random.fork(),
      feedLagMs: policy.feedLagMs,
      turnsAfterMs({ chargeId, transactionId }) {
        if (!turnsOver || turned.has(chargeId) || turnRandom.chance(0.3)) return undefined;
        turned.add(chargeId);
        turnedBy.set(transactionId, chargeId);
        return turnRandom.between(60_000, 5_400_000);
      },
    }),
    centrapay: simCentrapay({ ...modelled, random: random.fork(), lagMs: policy.feedLagMs }),
  };
  const capturesOf = (chargeId: string): readonly Capture[] => [
    ...banks.centrobill.capturesOf(chargeId),
    ...banks.centrapay.capturesOf(chargeId),
  ];
  const everCapturedOf = (chargeId: string): readonly Capture[] =>
    gatewayNames.flatMap((name) => banks[name].everCapturedOf(chargeId));
  const troubleRandom = random.fork();
  const drawnTroubles = drawTroubles(troubleRandom.fork(), drawn, troubleMs);
  const drawnRates = drawRates(troubleRandom.fork(), drawn);
  const rates = options.rates ?? { ...policy.rateLimits, ...drawnRates };
  const accounts = Object.fromEntries(
    gatewayNames.map((name): [GatewayName, SimAccount] => [
      name,
      simAccount({
        gateway: name,
        schedule,
        startMs,
        random: troubleRandom.fork(),
        strikes,
        struck: (fault) => {
          struck.set(fault, (struck.get(fault) ?? 0) + 1);
          story.tell(() => ({ who: "FAULT", what: `${fault} at ${name}` }));
        },
        troubles: options.troubles ?? drawnTroubles,
        rate: rates[name],
      }),
    ]),
  ) as Record<GatewayName, SimAccount>;
  const closings = closingsOf(schedule.nowMs, refusesAccount);

  const watch = instrumentWatch((checker, chargeId, what) => breach(new Violation(checker, chargeId, what)));
  /** What a person decides was in review all the same: it is counted as that. */
  const firstReviews = new Map<string, LedgerEntry>();
  // The ledger.
  const table = simTable((before, after, named) => {
    story.tell(() => ({
      who: "ledger",
      what: `${before?.state ?? "-"} → ${after.state}${"reason" in after ? ` (${after.reason})` : ""} attempt ${after.attempt}`,
      chargeId: after.chargeId,
    }));
    guarded(() => checkWrite(before, after, named));
    guarded(() => checkDecision(before, after, policy, sha256));
    watch.wrote(before, after);
    if (after.state === "review" && !firstReviews.has(after.chargeId))
      firstReviews.set(after.chargeId, after);
    if (saysNo(after) && capturesOf(after.chargeId).length > 0)
      breach(
        new Violation("declinedMeansNotCaptured", after.chargeId, `${after.state}, though it was captured`),
      );
    if (after.state === "approved") {
      const captures = capturesOf(after.chargeId);
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
  const told = new Map<string, RouteMessage>();
  const toldAtMs = new Map<string, number>();
  const toldTo = new Map<string, Set<string>>();
  const wake = new Map<string, () => void>();
  /** when each queue is looked into next, for the message that will be visible then */
  const looks = new Map<string, Appointment>();
  // A stream of its own, again: with it off, everything is as it was.
  const redriveRandom = randomOf(seed ^ 0x5eed_dead);
  const drawsRedrivers =
    redriveRandom.chance(0.15) &&
    options.flows === undefined &&
    options.troubles === undefined &&
    options.mutant === undefined &&
    options.maxReceives === undefined;
  const redriven = options.redriven ?? (options.mutant?.redriver !== undefined || drawsRedrivers);
  const maxReceives = redriven ? redriveRandom.between(1, 6) : (options.maxReceives ?? deployedMaxReceives);
  const queueOf = (name: WorkedQueue): SimQueue =>
    simQueue(name, schedule.nowMs, maxReceives, {
      onVisible(atMs) {
        looks.get(name)?.cancel();
        looks.set(
          name,
          schedule.after(atMs - schedule.nowMs(), () => {
            wake.get(name)?.();
            return still;
          }),
        );
      },
      onDead({ id, chargeId }) {
        if (redriven) story.tell(() => ({ who: "queue", what: `${id} is a dead letter`, chargeId }));
        else breach(new Violation("noDeadLetters", chargeId, `${id} was received too often`));
      },
    });
  const charges = queueOf("charges");
  const unknowns = queueOf("unknown-outcomes");
  const queueRandom = random.fork();

  notify = simNotices({
    schedule,
    random: faultRandom.fork(),
    strikes,
    story,
    sha256,
    table: notices,
    // Its message is about a notice: it is no charge's, and none is kept by it.
    wakeUp: (wakeUp) => void unknowns.send(JSON.stringify(wakeUp), `${noticePrefix}${wakeUp.notice}`, 0),
    openNames() {
      const open = chargeIds
        .map((chargeId) => table.entryOf(chargeId))
        .find((entry) => entry?.state === "unknown" && entry.gateway === "centrobill");
      return (
        open && {
          chargeId: open.chargeId,
          requestId: open.requestId,
          amount: Number(open.amount) / 100,
          currency: open.currency,
        }
      );
    },
    onBelievedForgery: (chargeId) =>
      breach(new Violation("noticeIsVerified", chargeId, "a forged notice was believed")),
  });

  let retries: ReturnType<typeof startRetries> | undefined;
  const acceptRoute = (queue: string, message: RouteMessage, delayMs: number): void => {
    const chargeId = message.chargeId ?? "";
    story.tell(() => ({ who: "queue", what: `${queue} accepts ${message.id}`, chargeId }));
    if (queue === "unknown-outcomes") {
      const late = strikes("deliverLate") ? queueRandom.between(1_000, 1_800_000) : 0;
      unknowns.send(JSON.stringify(message), chargeId, delayMs + late);
      return;
    }
    if (!toldAtMs.has(chargeId)) toldAtMs.set(chargeId, schedule.nowMs() - startMs);
    const queuesTold = toldTo.get(chargeId) ?? new Set<string>();
    toldTo.set(chargeId, queuesTold.add(queue));
    const before = told.get(message.id);
    if (before !== undefined && before !== message && saidBy(before) !== saidBy(message))
      breach(
        new Violation(
          "routedExactlyOncePerId",
          chargeId,
          `${message.id} tells something else the second time`,
        ),
      );
    if (before === undefined) told.set(message.id, message);
    if (queue === "retryable-declines") retries?.hear(message);
  };

  // The workers.
  let kills = 0;
  const processes: SimProcess[] = [];
  const workerRandom = random.fork();
  const start = (queue: SimProcess["queue"]): SimProcess => {
    const process: SimProcess = {
      name: `w${processes.length + 1}`,
      skewMs: skewOf(workerRandom),
      queue,
      alive: true,
      busy: false,
      frozenUntilMs: 0,
      ledgerFailedAtMs: 0,
      troubledAtMs: 0,
      deadlineMs: 0,
    };
    processes.push(process);
    return process;
  };
  /** Who holds the lease of a charge, by what they wrote, until they write something else or lose it. */
  const holders = new Map<string, Map<SimProcess, OpenedEntry>>();
  /** charges of which a send, or the worker that held them, was lost: all that may leave one undetermined */
  const caused = new Set<string>();
  const troubled = (process: SimProcess): void => {
    process.troubledAtMs = schedule.nowMs();
    for (const [chargeId, holding] of holders) if (holding.has(process)) caused.add(chargeId);
  };
  const fullLeaseMs = leaseMsOf(policy, gatewayTimeoutMs);
  const lateWriteMs = 5_000;
  const noteLease = (
    process: SimProcess,
    previous: LeaseToken | undefined,
    entry: LedgerEntry,
    taken: boolean,
  ): void => {
    const { chargeId } = entry;
    const holding = holders.get(chargeId) ?? new Map<SimProcess, OpenedEntry>();
    if (holding.get(process)?.token === previous) holding.delete(process);
    if (taken && entry.state === "opened") {
      holding.set(process, entry);
      // A write may take hold when its worker has already died or stands still, or has stood still before it.
      const leftMs = entry.leaseUntilMs - schedule.nowMs() - process.skewMs;
      if (!process.alive || process.frozenUntilMs > schedule.nowMs() || leftMs < fullLeaseMs - lateWriteMs)
        caused.add(chargeId);
    }
    if (holding.size > 0) holders.set(chargeId, holding);
    else holders.delete(chargeId);
  };
  const kill = (process: SimProcess, why: string): void => {
    if (!process.alive) return;
    process.alive = false;
    kills += 1;
    troubled(process);
    story.tell(() => ({ who: process.name, what: `dies ${why}` }));
    if (process.desk === true) return;
    schedule.after(workerRandom.between(500, 10_000), () => {
      start(process.queue);
      wake.get(process.queue)?.();
      return still;
    });
  };

  const freeze = (process: SimProcess, what: string, when: "before" | "after"): void => {
    const frozen = workerRandom.between(10_000, 1_500_000);
    process.frozenUntilMs = Math.max(process.frozenUntilMs, schedule.nowMs() + frozen);
    troubled(process);
    story.tell(() => ({ who: process.name, what: `freezes for ${frozen} ms ${when} ${what}` }));
  };
  const freezes = strikerOf("freeze");
  const killsBefore = strikerOf("killBeforeEffect");
  const killsAfter = strikerOf("killAfterEffect");
  /**
   * Stands between a worker and each effect: it may die or freeze there. What it gives is to be awaited, come what
   * may; nothing, as nearly always, is not: a promise that waits for nothing costs as much as one that does.
   */
  const gate = (process: SimProcess, what: string, when: "before" | "after"): Promise<void> | undefined => {
    if (!process.alive) return never;
    if (freezes()) freeze(process, what, when);
    if (when === "before" ? killsBefore() : killsAfter()) {
      kill(process, `${when} ${what}`);
      return never;
    }
    return process.frozenUntilMs > schedule.nowMs() ? thaws(process) : undefined;
  };
  const thaws = async (process: SimProcess): Promise<void> => {
    while (process.frozenUntilMs > schedule.nowMs())
      await schedule.sleep(process.frozenUntilMs - schedule.nowMs());
    return process.alive ? undefined : never;
  };

  /** A process beside the queues' own: a desk's, or of a function that the clock calls. None takes its place. */
  const aside = (
    name: string,
    skewMs = skewOf(cardRandom),
    deadlineMs = Number.POSITIVE_INFINITY,
  ): SimProcess => ({
    name,
    skewMs,
    queue: "charges",
    desk: true,
    alive: true,
    busy: false,
    frozenUntilMs: 0,
    ledgerFailedAtMs: 0,
    troubledAtMs: 0,
    deadlineMs,
  });
  /** Puts a charge's message onto its queue again. */
  const putBack = async (
    process: SimProcess,
    text: string,
    delayMs: number,
    chance: Random = cardRandom,
  ): Promise<void> => {
    const { chargeId } = JSON.parse(text) as { chargeId: string };
    await gate(process, "put the charge back", "before");
    await schedule.sleep(chance.between(1, 10));
    if (strikes("sendRefused")) throw new Unavailable("send to charges: refused");
    charges.send(text, chargeId, delayMs);
    await gate(process, "put the charge back", "after");
    if (strikes("sendAnswerLost")) throw new Unavailable("send to charges: no answer");
  };

  const ledgerFailure = (process: SimProcess, what: string): Unavailable => {
    process.ledgerFailedAtMs = schedule.nowMs();
    troubled(process);
    return new Unavailable(what);
  };
  const throttles = strikerOf("ledgerThrottled");
  const losesAnswer = strikerOf("ledgerAnswerLost");
  const ledgerAct = <T>(process: SimProcess, what: string, apply: () => T): Promise<T> =>
    // One promise, and not an asynchronous function: of all that there is to be called, this is called most.
    new Promise((resolve, reject) => {
      schedule.after(workerRandom.between(1, 8), () => {
        if (throttles()) return reject(ledgerFailure(process, `${what}: throttled`));
        const result = apply();
        const answer = (): void => {
          if (losesAnswer()) reject(ledgerFailure(process, `${what}: no answer`));
          else resolve(result);
        };
        const held = gate(process, what, "after");
        if (held === undefined) answer();
        else void held.then(answer);
      });
    });
  const ledgerCall = <T>(process: SimProcess, what: string, apply: () => T): Promise<T> => {
    const held = gate(process, what, "before");
    return held === undefined
      ? ledgerAct(process, what, apply)
      : held.then(() => ledgerAct(process, what, apply));
  };

  /**
   * One write of an entry. Where a lease is taken by it, its page goes out with it, and takes hold or not by itself:
   * before the entry or after it, and the worker is told of the lease when both stand.
   */
  const written = <T extends { readonly kind: string }>(
    process: SimProcess,
    what: string,
    entry: LedgerEntry,
    apply: () => T,
  ): Promise<T> => {
    const mark = sentMarkOf(entry);
    return mark === undefined
      ? ledgerCall(process, what, apply)
      : writtenWithPage(process, what, mark, apply);
  };
  const writtenWithPage = async <T extends { readonly kind: string }>(
    process: SimProcess,
    what: string,
    mark: SentMark,
    apply: () => T,
  ): Promise<T> => {
    const list = () => ledgerCall(process, "list", () => table.list(mark));
    const pageFirst = workerRandom.chance(0.5);
    if (pageFirst) await list();
    const answer = await ledgerCall(process, what, apply);
    if (!pageFirst && (answer.kind === "opened" || answer.kind === "replaced")) await list();
    return answer;
  };

  const breaks = (checker: CheckerName, chargeId: string | undefined, what: string | undefined): void => {
    if (what !== undefined) breach(new Violation(checker, chargeId, what));
  };
  const firstSends = new Map<string, number>();
  /** charges with a create that may have made a Payment Request which nobody knows of */
  const unknownMakes = new Set<string>();
  const lostInOutage = new Set<string>();

  /** What may not be handed to the wire, whoever does it. */
  const checkBegin = (process: SimProcess, name: GatewayName, asking: Asking): void => {
    const { kind, chargeId } = asking;
    breaks("noSendWhileClosed", chargeId, closings.begins(process, name, asking));
    if ((kind !== "charge" && kind !== "make") || chargeId === undefined) return;
    const refused = closings.refusedInRow(process, name);
    if (refused >= policy.closeAfterRefusals && accounts[name].trouble()?.kind === "credential")
      breaks(
        "badCredentialBurnsLittle",
        chargeId,
        `sent by ${process.name}, which had heard ${refused} refusals of the account in a row`,
      );
  };

  /** What is on its way now, by the first byte. */
  const checkFirstByte = (process: SimProcess, asking: Asking): void => {
    const { kind, chargeId, requestId, mayMoveMoney } = asking;
    if (kind === "charge" || kind === "make" || mayMoveMoney === true) {
      const held = chargeId === undefined ? undefined : holders.get(chargeId)?.get(process);
      // Others may have taken it over where clocks differ; they know that it may have been sent until then.
      const holds = held !== undefined && schedule.nowMs() + process.skewMs <= held.leaseUntilMs;
      breaks(
        "sentOnlyUnderLease",
        chargeId,
        holds ? undefined : `${kind} sent by ${process.name}, which holds no lease`,
      );
    }
    if (kind === "make" && chargeId !== undefined) {
      if (unknownMakes.has(chargeId))
        breaks("noSecondPaymentRequest", chargeId, "made again, and the first was not looked for");
      unknownMakes.add(chargeId);
    }
    if (kind !== "charge") return;
    if (turnedAndHeard.has(chargeId ?? ""))
      breaks("noSendOnceTold", chargeId, `sent by ${process.name}, though it was heard that it is captured`);
    const sentAtMs = schedule.nowMs();
    const sentEntry = chargeId === undefined ? undefined : table.entryOf(chargeId);
    if (sentEntry !== undefined) {
      watch.sent(sentEntry, sentAtMs);
      breaks(
        "everySendIsListed",
        chargeId,
        table.isListed(sentEntry) ? undefined : `sent by ${process.name}, and no page names it`,
      );
    }
    story.tell(() => ({
      who: process.name,
      what: `sends ${requestId?.slice(0, 8) ?? "the GET that pays"}`,
      ...(chargeId === undefined ? {} : { chargeId }),
    }));
    if (requestId === undefined) return;
    const first = firstSends.get(requestId) ?? sentAtMs;
    firstSends.set(requestId, first);
    if (sentAtMs - first > policy.requestIdLifeMs)
      breaks("noResendPastKeyLife", chargeId, `sent ${sentAtMs - first} ms after its first send`);
  };

  /** What the worker knows now. */
  const noteHeard = (
    process: SimProcess,
    name: GatewayName,
    asking: Asking,
    transport: Transport,
    causedAnyway: boolean,
  ) => {
    const { kind, chargeId } = asking;
    if (transport.kind !== "replied") return closings.hears(process, name, asking, undefined);
    const { status, headers } = transport;
    const retryAfterMs = retryAfterMsOf(headers["retry-after"], schedule.nowMs());
    closings.hears(process, name, asking, {
      status,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
    if (chargeId === undefined) return;
    // Whoever lost the lease meanwhile cannot write down what was heard: the send stays lost.
    const holds = holders.get(chargeId)?.get(process)?.token === table.entryOf(chargeId)?.token;
    if ((kind === "charge" || kind === "make") && plainStatuses.has(status) && holds && !causedAnyway)
      caused.delete(chargeId);
    if (kind === "find" && status === 200) unknownMakes.delete(chargeId);
    if (kind === "make" && status >= 400 && status < 500) unknownMakes.delete(chargeId);
  };

  const wireSend = async (
    process: SimProcess,
    request: Parameters<Worker["wire"]["send"]>[0],
    limits: Parameters<Worker["wire"]["send"]>[1],
  ): Promise<Transport> => {
    const name = gatewayOfUrl(request.url);
    const asked = banks[name].ask(request);
    const { asking } = asked;
    const { kind, chargeId } = asking;
    checkBegin(process, name, asking);
    const held = gate(process, kind, "before");
    if (held !== undefined) await held;
    await schedule.sleep(workerRandom.between(2, 40));
    if (strikes("connectionRefused") || accounts[name].trouble()?.kind === "refused")
      return { kind: "neverSent", cause: "refused" };
    const heldBack = gate(process, `${kind}'s first byte`, "before");
    if (heldBack !== undefined) await heldBack;
    if (limits.notAfterMs !== undefined && schedule.nowMs() + process.skewMs > limits.notAfterMs)
      return { kind: "neverSent", cause: "too_late" };
    checkFirstByte(process, asking);
    const sentAtMs = schedule.nowMs();
    const causedBefore = chargeId !== undefined && caused.has(chargeId);
    const moves = kind === "charge" || kind === "make";
    if (moves && chargeId !== undefined) caused.add(chargeId);
    let muddled = false;
    const answered = new Promise<Transport>((resolve) => {
      const timeout = schedule.after(limits.timeoutMs, () =>
        resolve({ kind: "sentUnanswered", cause: "timeout" }),
      );
      const comes = (transport: Transport): void => {
        timeout.cancel();
        resolve(transport);
      };
      if (strikes("requestLost")) return;
      const onTheWay = strikes("requestStuck")
        ? workerRandom.between(1_000, gatewayTimeoutMs)
        : workerRandom.between(5, 80);
      const lost = strikes("answerLost");
      const reset = workerRandom.chance(0.5);
      const back = strikes("answerLate") ? limits.timeoutMs + 1 : workerRandom.between(5, 80);
      const answer = ({ status, headers = {}, body, muddled: unclear = false }: SimAnswer): void => {
        muddled = unclear;
        if (lost) {
          if (reset) schedule.after(back, () => comes({ kind: "sentUnanswered", cause: "reset" }));
          return;
        }
        schedule.after(back, () =>
          comes({ kind: "replied", status, headers, body, bodySha256: sha256(body) }),
        );
      };
      schedule.after(onTheWay, () => {
        const now = accounts[name].trouble();
        if (moves && chargeId !== undefined && now !== undefined && isOutage(now)) lostInOutage.add(chargeId);
        const met = accounts[name].meets();
        if (met.kind === "answers") answer(met.answer);
        else if (met.kind === "lets") asked.receive(answer);
        else if (met.kind === "letsUnheard") asked.receive(() => {});
        // An answer is under way at the most: nobody has heard it yet.
        return still;
      });
    });
    // The request is on its way: the worker may die now without anybody knowing.
    const heldOn = gate(process, `${kind}'s answer`, "before");
    if (heldOn !== undefined) await heldOn;
    const transport = await answered;
    const heldUp = gate(process, kind, "after");
    if (heldUp !== undefined) await heldUp;
    noteHeard(process, name, asking, transport, muddled || causedBefore || process.troubledAtMs >= sentAtMs);
    return transport;
  };

  const paceBook = paceTable();
  const paceTold = new Map<GatewayName, string | undefined>();
  /** What a worker's process keeps of the pace; it dies with the process. */
  const pacesOf = (process: SimProcess, clock: Clock, ids: Ids): Worker["paces"] => {
    const shared: PaceBook = {
      read: (name) => ledgerCall(process, "read pace", () => paceBook.read(name)),
      replace: (name, previous, record) =>
        ledgerCall(process, `pace ${record.closing?.because ?? "turns"}`, () => {
          const answer = paceBook.replace(name, previous, record);
          if (answer.kind === "replaced") {
            breaks("noSendWhileClosed", undefined, closings.written(process, name, record));
            if (options.told === true && JSON.stringify(record.closing) !== paceTold.get(name)) {
              paceTold.set(name, JSON.stringify(record.closing));
              story.tell(() => ({ who: "pace", what: `${name}: ${paceText(record, startMs)}` }));
            }
          }
          return answer;
        }),
    };
    const made = (): Worker["paces"] =>
      gatewayPaces({
        book: options.mutant?.book?.(shared) ?? shared,
        clock,
        ids,
        log: silent,
        policy,
        limit: () => wideLimit(concurrency),
      });
    process.paces ??= new PacesWhenAsked(made);
    return process.paces;
  };

  const receiptOf = ({ id, receipt }: SimMessage): string => `${id}/${receipt}`;
  let requestIds = 0;
  let tokens = 0;
  const workerOf = (process: SimProcess): SimWorker => {
    const clock: Clock = {
      nowMs: () => schedule.nowMs() + process.skewMs,
      async sleep(ms) {
        await schedule.sleep(ms);
        const held = gate(process, "waking", "after");
        if (held !== undefined) await held;
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
    const effect: SimWorker["effect"] = (what, apply) => ledgerCall(process, what, apply);
    return {
      clock,
      ids,
      sha256,
      wire: { send: (request, limits) => wireSend(process, request, limits) },
      ledger: {
        open: (entry) =>
          written(process, "open", entry, () => {
            const opened = table.open(entry);
            if (opened.kind === "opened") noteLease(process, undefined, entry, true);
            return opened;
          }),
        replace: (previous, entry) =>
          written(process, `record ${entry.state}`, entry, () => {
            const replaced = table.replace(previous, entry);
            noteLease(process, previous, entry, replaced.kind === "replaced");
            if ("preparation" in entry && entry.preparation?.prepared !== undefined)
              unknownMakes.delete(entry.chargeId);
            return replaced;
          }),
        read: (ids: readonly ChargeId[]) => ledgerCall(process, "read", () => table.read(ids)),
        reject: (rejection) => ledgerCall(process, "reject", () => table.reject(rejection)),
      },
      instruments: {
        read: (key) => ledgerCall(process, "read instrument", () => table.instruments.read(key)),
        open: (entry, change) =>
          written(process, "open", entry, () => {
            const opened = table.instruments.open(entry, change);
            if (opened.kind === "opened") noteLease(process, undefined, entry, true);
            return opened;
          }),
        replace: (previous, entry, change) =>
          written(process, `record ${entry.state}`, entry, () => {
            const replaced = table.instruments.replace(previous, entry, change);
            if (replaced.kind !== "contended")
              noteLease(process, previous, entry, replaced.kind === "replaced");
            if ("preparation" in entry && entry.preparation?.prepared !== undefined)
              unknownMakes.delete(entry.chargeId);
            return replaced;
          }),
      },
      notices: {
        keep: async () => {},
        refer: (name, reference, chargeId) =>
          ledgerCall(process, "refer", () => notices.refer(name, reference, chargeId)),
        read: (name, reference) => ledgerCall(process, "read notices", () => notices.read(name, reference)),
        note: (noted) => ledgerCall(process, "note", () => notices.note(noted)),
      },
      async wake(receipt) {
        // Only the latest delivery of a message can wake it.
        const message = unknowns.find(receipt.slice(0, receipt.indexOf("/")));
        if (message !== undefined && receiptOf(message) === receipt) unknowns.hide(message, 0);
      },
      queues: {
        async send(queue, message, delayMs = 0) {
          const held = gate(process, `route to ${queue}`, "before");
          if (held !== undefined) await held;
          await schedule.sleep(workerRandom.between(1, 10));
          if (strikes("sendRefused")) throw new Unavailable(`send to ${queue}: refused`);
          acceptRoute(queue, message, delayMs);
          const heldUp = gate(process, `route to ${queue}`, "after");
          if (heldUp !== undefined) await heldUp;
          if (strikes("sendAnswerLost")) throw new Unavailable(`send to ${queue}: no answer`);
        },
        flush() {},
      },
      log: silent,
      // One invocation at a time has a process, so that one limit does for all of them.
      limit(task) {
        process.limit ??= wideLimit(concurrency);
        return process.limit(task);
      },
      gateways: gatewaysOfWorld,
      paces: pacesOf(process, clock, ids),
      policy,
      gatewayTimeoutMs,
      remainingMs: () => process.deadlineMs - schedule.nowMs(),
      effect,
      ...(retries === undefined ? {} : { retries: retries.bookOf({ effect }) }),
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
    const heard = turnedOf(message);
    if (heard !== undefined) turnedAndHeard.add(heard);
    if (chargeId.startsWith(noticePrefix)) return;
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

  /** The charge of which a message tells that it was declined and then captured. */
  const turnedOf = ({ chargeId }: SimMessage): string | undefined => {
    if (!chargeId.startsWith(noticePrefix)) return undefined;
    const [transactionId = "", status] = chargeId.slice(noticePrefix.length).split(".");
    return status === "success" ? turnedBy.get(transactionId) : undefined;
  };
  const unsentOf = (chargeId: string): LedgerEntry | undefined => {
    const entry = table.entryOf(chargeId);
    return entry?.state === "waiting" ? entry : undefined;
  };

  /** After a dead letter has gone, which may be all that there was of a charge. */
  const checkGone = (chargeId: string): void => {
    if (chargeId.startsWith(noticePrefix)) return;
    const entry = table.entryOf(chargeId);
    if (entry !== undefined) checkKept(entry);
    else if (charges.live(chargeId) === 0)
      breach(new Violation("noChargeLost", chargeId, "its message is gone, the ledger is empty"));
  };

  /** After a message has gone: the charge is told, or somebody still has it. */
  const checkKept = (entry: LedgerEntry): void => {
    const { chargeId, state } = entry;
    const live = charges.live(chargeId) + unknowns.live(chargeId);
    if (state === "unknown" || state === "pending" || state === "opened" || state === "waiting") {
      // A retry that is written as released stays due until its message was accepted, and so it does where somebody has
      // taken it up by an older message, which may go under its hands.
      const isUnended = state === "waiting" || state === "opened";
      const isDue = isUnended && retries?.waits(chargeId) === true;
      if (live === 0 && !isDue)
        breach(
          new Violation("unknownIsNeverForgotten", chargeId, `${state}, and no message is left to work it`),
        );
    } else if (!told.has(routeIdOf(entry)) && live === 0)
      breach(new Violation("noChargeLost", chargeId, `${state}, but its route was never accepted`));
  };

  let mostReceives = 0;
  /** each process works one invocation at a time, with one worker for all of them */
  const workers = new Map<SimProcess, SimWorker>();
  const invoke = async (
    process: SimProcess,
    queue: SimQueue,
    batch: readonly SimMessage[],
  ): Promise<void> => {
    process.busy = true;
    const { timeoutMs } = deployed[process.queue];
    process.deadlineMs = schedule.nowMs() + timeoutMs;
    const timeout = schedule.after(timeoutMs, () => {
      // A frozen process outlives its time-out as a zombie; a running one is stopped by its platform.
      if (process.frozenUntilMs <= schedule.nowMs()) kill(process, "at its time-out");
      return still;
    });
    for (const { receives } of batch) mostReceives = Math.max(mostReceives, receives);
    const receipts = batch.map(({ receipt }) => receipt);
    const sound = workers.get(process) ?? workerOf(process);
    workers.set(process, sound);
    const worker =
      options.mutant?.worker === undefined ? sound : { ...sound, ...options.mutant.worker(sound) };
    const flow = process.queue === "charges" ? flows.submit : flows.resolve;
    const startedAtMs = schedule.nowMs();
    const unsent = new Map<string, LedgerEntry>();
    for (const message of batch) {
      const chargeId = turnedOf(message);
      const entry = chargeId === undefined ? undefined : unsentOf(chargeId);
      if (chargeId !== undefined && entry !== undefined) unsent.set(chargeId, entry);
    }
    const ends = await flow(
      batch.map((message) => ({
        messageId: message.id,
        body: message.body,
        receives: message.receives,
        receipt: receiptOf(message),
      })),
      worker,
    );
    // Whoever saw it waiting, and could write, has no reason to leave it so.
    for (const [chargeId, entry] of unsent)
      if (unsentOf(chargeId) === entry && process.ledgerFailedAtMs < startedAtMs)
        turnedAndHeard.add(chargeId);
    await gate(process, "batch response", "before");
    timeout.cancel();
    for (const [place, message] of batch.entries()) {
      const end = ends.get(message.id);
      const receipt = receipts[place] ?? 0;
      if (end?.kind === "done") deleteMessage(queue, message, receipt);
      else if (message.receipt === receipt) queue.hide(message, end?.delayMs ?? 0);
    }
    process.busy = false;
    wake.get(process.queue)?.();
  };

  const pollOf = (name: WorkedQueue, queue: SimQueue) => {
    const { batchSize, batchingWindowMs, visibilityMs, processes: most } = deployed[name];
    for (let nth = 0; nth < most; nth++) start(name);
    let waiting = false;
    let retrying = false;
    wake.set(name, () => {
      if (waiting) return;
      waiting = true;
      // A batching window, so that messages that come together are worked together.
      schedule.after(queueRandom.between(0, batchingWindowMs), () => {
        waiting = false;
        const process = processes.find(
          (one) => one.queue === name && one.alive && !one.busy && one.frozenUntilMs <= schedule.nowMs(),
        );
        if (process === undefined) {
          // All are busy, frozen or dead.
          if (retrying) return still;
          retrying = true;
          schedule.after(60_000, () => {
            retrying = false;
            wake.get(name)?.();
            return still;
          });
          return still;
        }
        const batch = queue.receive(batchSize, visibilityMs);
        if (batch.length === 0) return still;
        for (const message of batch) {
          // The queue delivers again while the first worker still works.
          if (strikes("deliverTwice") || strikes("visibilityLost"))
            queue.hide(message, queueRandom.between(0, 120_000));
        }
        void invoke(process, queue, batch).catch((error: unknown) => {
          crash ??= error;
        });
        wake.get(name)?.();
        return undefined;
      });
    });
  };
  let crash: unknown;
  pollOf("charges", charges);
  pollOf("unknown-outcomes", unknowns);

  // The charges arrive while the trouble lasts.
  const arrivals = random.fork();
  const bodies = new Map<string, string>();
  const arrived: Pick<ToldCharge, "chargeId" | "way" | "arrivedMs">[] = [];
  for (let n = 1; n <= options.charges; n++) {
    const chargeId = `c${n}`;
    const way = arrivals.pick(options.ways ?? options.mutant?.ways ?? drawnWays);
    const plain = chargeMessage(chargeId, way, arrivals);
    const body = onCards ? onCard(plain, cardRandom) : plain;
    bodies.set(chargeId, body);
    const alone = arrivals.between(0, options.arrivingMs ?? troubleMs * 0.7);
    const before = arrived.at(-1)?.arrivedMs;
    // A merchant puts many onto the queue at once, and their messages are worked together.
    const arrivedMs =
      before !== undefined && burstRandom.chance(burst) ? before + burstRandom.between(0, 100) : alone;
    arrived.push({ chargeId, way, arrivedMs });
    schedule.after(arrivedMs, () => {
      charges.send(body, chargeId, 0);
      if (strikes("deliverTwice")) charges.send(body, chargeId, arrivals.between(0, 5_000));
      return still;
    });
  }
  retries = onCards
    ? startRetries({
        schedule,
        random: cardRandom,
        table,
        workerOf: (name) => workerOf(aside(name)),
        sendCharge: (name, charge) => putBack(aside(name), JSON.stringify(charge), 0),
        crashed: (error) => {
          crash ??= error;
        },
      })
    : undefined;
  // People at two desks, in some of the histories: what they do moves nothing else's chance.
  const operatorRandom = random.fork();
  const drawsOperators = operatorRandom.chance(0.25);
  const hasDeskMutant = options.mutant?.desk !== undefined || options.mutant?.look !== undefined;
  const operates = options.operators ?? (hasDeskMutant || (drawsOperators && options.flows === undefined));
  const deskOf = (name: string): Desk => {
    const process = aside(name, skewOf(operatorRandom));
    const { effect, ...worker } = workerOf(process);
    const sound: Desk = {
      ...worker,
      recordOf: (chargeId) =>
        effect("read record", () => ({ entry: table.entryOf(chargeId), notices: notices.notedOf(chargeId) })),
      charges: {
        send: (text, delayMs) => putBack(process, text, delayMs, operatorRandom),
      },
    };
    return options.mutant?.desk?.(sound) ?? sound;
  };
  const operators = operates
    ? startOperators({
        random: operatorRandom,
        schedule,
        story,
        chargeIds,
        entryOf: (chargeId) => table.entryOf(chargeId),
        messageOf: (chargeId) => bodies.get(chargeId) ?? "{}",
        capturesOf,
        deskOf,
        look: lookOf(options.mutant),
        crashed: (error) => {
          crash ??= error;
        },
      })
    : undefined;
  // In some of the histories, too.
  const reconcilerRandom = random.fork();
  const drawsReconcilers = reconcilerRandom.chance(0.05);
  const reconcilers =
    (options.reconciled ??
    (options.mutant?.forReconciliation === true ||
      options.mutant?.reconciler !== undefined ||
      (drawsReconcilers && options.flows === undefined && options.troubles === undefined)))
      ? startReconcilers({
          schedule,
          random: reconcilerRandom,
          story,
          startMs,
          troubleMs,
          endMs: daysLaterMs,
          chargeIds,
          entryOf: (chargeId) => table.entryOf(chargeId),
          marks: () => table.marks(),
          capturesOf,
          everCapturedOf,
          sha256,
          workerOf: (name, forMs) =>
            workerOf(aside(name, skewOf(reconcilerRandom), schedule.nowMs() + forMs)),
          mutant: options.mutant,
          crashed: (error) => {
            crash ??= error;
          },
        })
      : undefined;
  if (redriven)
    startRedrivers({
      schedule,
      random: redriveRandom,
      story,
      chargeIds,
      queues: [charges, unknowns],
      workerOf: (name) => workerOf(aside(name, skewOf(redriveRandom))),
      async send(name, queue, { chargeId }, body) {
        const process = aside(name, 0);
        await gate(process, "put a dead letter back", "before");
        await schedule.sleep(redriveRandom.between(1, 10));
        if (strikes("sendRefused")) throw new Unavailable(`send to ${queue.name}: refused`);
        queue.send(body, chargeId, 0);
        await gate(process, "put a dead letter back", "after");
        if (strikes("sendAnswerLost")) throw new Unavailable(`send to ${queue.name}: no answer`);
      },
      async drop(name, queue, message) {
        await gate(aside(name, 0), "delete a dead letter", "before");
        await schedule.sleep(redriveRandom.between(1, 10));
        if (strikes("deleteLost") || message.state !== "dead") return;
        queue.delete(message);
        checkGone(message.chargeId);
      },
      mutant: options.mutant,
      crashed: (error) => {
        crash ??= error;
      },
    });
  for (const at of redriven ? [] : [troubleMs, 2 * 86_400_000, 5 * 86_400_000])
    schedule.after(at, () => {
      charges.redriveDeadLetters();
      unknowns.redriveDeadLetters();
    });

  let steps = 0;
  const run = (untilMs: number): Promise<void> =>
    // By itself, and not in a promise's turn: in one, nothing else that is ready could be run to its end.
    new Promise((resolve, reject) => {
      setImmediate(() => {
        try {
          while (violation === undefined && crash === undefined) {
            const act = schedule.step(startMs + untilMs);
            if (act === "over") break;
            steps += 1;
            if (act !== still || options.settlesAlways === true) runReady();
          }
          resolve();
        } catch (error) {
          reject(error);
        }
      });
    });

  await run(endMs);
  if (crash !== undefined) throw crash;
  // What a person has decided a day ago or later is still being found out.
  const settling = (chargeId: string): boolean =>
    operators?.touchedSince(chargeId, 28 * 3_600_000) === true ||
    // A dead letter waits for a person, for days.
    redriven ||
    // A later attempt may be under way, as long as some are made.
    (onCards && table.entryOf(chargeId)?.instrumentRef !== undefined);
  if (violation === undefined) for (const chargeId of chargeIds) if (!settling(chargeId)) checkEnd(chargeId);
  if (violation === undefined) for (const notice of notices.all()) checkGivenBack(notice);
  await run(daysLaterMs);
  if (crash !== undefined) throw crash;
  if (violation === undefined) for (const chargeId of chargeIds) checkEnd(chargeId);
  for (const found of reconcilers?.check() ?? []) breach(found);

  /** What is given back of a charge that the ledger has, or that a name of it stands for, is told. */
  function checkGivenBack({ kind, id, gateway, reference, chargeId: named }: Notice): void {
    const chargeId = named ?? notices.read(gateway, reference).chargeId;
    if (kind !== "reversal" || chargeId === undefined) return;
    if (![...told.keys()].some((one) => one.startsWith(`${chargeId}#`) && one.endsWith(`#review#${id}`)))
      breach(new Violation("givenBackIsTold", chargeId, `${id} was never told`));
  }

  function checkEnd(chargeId: string): void {
    const found = endViolationOf(chargeId);
    if (found !== undefined) breach(found);
  }

  function endViolationOf(chargeId: string): Violation | undefined {
    const entry = table.entryOf(chargeId);
    const captures = capturesOf(chargeId);
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
    if (entry.state === "review" && causedReasons.has(entry.reason) && !caused.has(chargeId))
      return new Violation(
        "reviewHasACause",
        chargeId,
        `in review for ${entry.reason}, though none of its sends and none of its workers was lost`,
      );
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
    captures: capturesOf(chargeId).length,
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

  const burnedAt = (entry: LedgerEntry): boolean => {
    if (entry.state !== "request_error" || entry.evidence.kind !== "reply") return false;
    const { status, atMs } = entry.evidence;
    return (
      (status === 401 || status === 403) &&
      (options.troubles ?? drawnTroubles).some(
        ({ gateway, kind, fromMs, untilMs }) =>
          gateway === entry.gateway &&
          kind === "credential" &&
          atMs >= startMs + fromMs - 60_000 &&
          atMs <= startMs + untilMs + 60_000,
      )
    );
  };
  const states: Record<string, number> = {};
  let reviewOwed = 0;
  let reviewOfOutage = 0;
  let burned = 0;
  for (const chargeId of chargeIds) {
    const entry = firstReviews.get(chargeId) ?? table.entryOf(chargeId);
    const state = entry?.state ?? "none";
    const name = entry?.state === "review" ? `review:${entry.reason}` : state;
    states[name] = (states[name] ?? 0) + 1;
    if (entry?.state === "review") {
      if (owedReasons.has(entry.reason)) reviewOwed += 1;
      else if (lostInOutage.has(chargeId)) reviewOfOutage += 1;
    }
    if (entry !== undefined && burnedAt(entry)) burned += 1;
  }
  return {
    seed,
    faults: drawn,
    charges: options.charges,
    steps,
    states,
    captured: gatewayNames.reduce((sum, name) => sum + banks[name].captured(), 0),
    reviewOwed,
    reviewOfOutage,
    burned,
    limited: { centrobill: accounts.centrobill.limited(), centrapay: accounts.centrapay.limited() },
    mostReceives,
    kills,
    tally,
    turnedAndHeard: turnedAndHeard.size,
    doublesNamed: reconcilers?.doubles().size ?? 0,
    told: arrived.map((one) => ({
      ...one,
      ...(toldAtMs.has(one.chargeId) ? { toldMs: toldAtMs.get(one.chargeId) ?? 0 } : {}),
      state: table.entryOf(one.chargeId)?.state ?? "none",
      lostInOutage: lostInOutage.has(one.chargeId),
    })),
    struck: Object.fromEntries(struck),
    ...(violation === undefined ? {} : { violation }),
    story: story.lines(),
    startMs,
  };
};

/**
 * The paces of a process when it first asks for one: most of those beside the queues never do. A class: what an object
 * of its own gets by accessors is kept by its hidden class, and a world with it, until all garbage is collected.
 */
class PacesWhenAsked {
  readonly #make: () => Worker["paces"];
  #made: Worker["paces"] | undefined;

  constructor(make: () => Worker["paces"]) {
    this.#make = make;
  }

  get centrobill() {
    return this.#all().centrobill;
  }

  get centrapay() {
    return this.#all().centrapay;
  }

  #all(): Worker["paces"] {
    this.#made ??= this.#make();
    return this.#made;
  }
}

/** What a route message tells: the same under one id, however often. */
const saidBy = ({ outcome, requestId, code, evidence }: RouteMessage): string =>
  JSON.stringify([outcome, requestId, code, evidence]);

/** What nobody can promise of a charge that the gateway first declined, and then took. */
const turnedMay: ReadonlySet<CheckerName> = new Set<CheckerName>([
  "declinedMeansNotCaptured",
  "noChargeTwice",
  "ledgerAgreesWithGateway",
]);

const saysNo = (entry: LedgerEntry): boolean =>
  entry.state === "declined_permanent" ||
  entry.state === "declined_retryable" ||
  entry.state === "request_error" ||
  entry.state === "expired";

/** What a story says of a record that all workers share. */
const paceText = ({ closing }: PaceRecord, startMs: number): string => {
  const at = (ms: number): string => new Date(ms - startMs).toISOString().slice(11, 23);
  if (closing === undefined || closing.openedAtMs !== undefined) return "open";
  const paused = closing.pausedUntilMs === undefined ? "" : `, paused until ${at(closing.pausedUntilMs)}`;
  return `closed for ${closing.because} until ${at(closing.untilMs)}${paused}`;
};

export type { Schedule };
