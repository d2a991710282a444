import { type GatewayName, gatewayNames } from "../core/charge.ts";
import {
  aheadOf,
  closeOf,
  type Exchange,
  localPace,
  noteExchange,
  reopenedPace,
  widthOf,
  workedPace,
} from "../core/local-pace.ts";
import {
  type Close,
  type Closing,
  closedUntilMs,
  closeGate,
  type Gate,
  gateOf,
  noteProbe,
  noteWorked,
  type PaceRecord,
  type ProbedReason,
  type RateLimit,
  takeTurns,
} from "../core/pace.ts";
import { documentedRates, type Policy, probeDelaysOf } from "../core/policy.ts";
import type { Clock, GatewayPace, Ids, Limit, Log, PaceBook, Purpose, Turn } from "../ports.ts";

/** A limit whose width can be changed: p-limit is one. */
export type WideLimit = Limit & { concurrency: number };

export type GatewayPaceOptions = {
  readonly gateway: GatewayName;
  readonly book: PaceBook;
  readonly clock: Clock;
  readonly ids: Pick<Ids, "leaseToken">;
  readonly log: Log;
  readonly policy: Policy;
  /** exchanges at once; its width at the start is the ceiling */
  readonly exchange: WideLimit;
  /** charges in hand */
  readonly inHand: WideLimit;
};

const readEveryMs = 1_000;
/** Writes of one change: each loss shows what stands, and the next try starts from there. */
const writesMax = 12;
/** A turn that nobody used by then is lost: later it would stand beside others. */
const turnLifeMs = 1_000;

/** Who finds no turn comes back no sooner than this. */
const minHeldMs = 250;

/** Whether by one closing charges, or look-ups, wait longer than by another. */
const isLonger = (one: Closing, other: Closing | undefined): boolean =>
  other === undefined ||
  closedUntilMs(one) > closedUntilMs(other) ||
  (one.pausedUntilMs ?? 0) > (other.pausedUntilMs ?? 0);

type Changed = Omit<PaceRecord, "version">;
const go: Turn = { kind: "go" };

/** A worker's part in the pace at one gateway account. */
export const gatewayPace = (options: GatewayPaceOptions): GatewayPace => {
  const { gateway, book, clock, ids, log, policy, exchange, inHand } = options;
  const limits = { ...policy, concurrencyMax: exchange.concurrency };
  const delays = probeDelaysOf(policy);
  let local = localPace(limits);
  let record: PaceRecord | undefined;
  /** the account's rate, where it is known; one that is only documented counts once a 429 has shown that there is one */
  const rateNow = (): RateLimit | undefined =>
    policy.rateLimits[gateway] ?? (record?.limited === true ? documentedRates[gateway] : undefined);
  /** when the last opening was seen: whoever opened it may have another clock */
  let reopenedAtMs = Number.NEGATIVE_INFINITY;
  let readAtMs = Number.NEGATIVE_INFINITY;
  /** when `record` last was what stands: what could not be read since may have changed */
  let seenAtMs = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;
  /** the last closing that this worker asked for: obeyed here even where it could not be written */
  let closing: Closing | undefined;
  /** what the others know of it by this worker, or are being told */
  let shared: Closing | undefined;
  /** turns of charges that were admitted and have not sent yet */
  let admitted: number[] = [];
  /** those who ask for turns together get them with one write */
  let asking: number[] = [];
  let taking: Promise<readonly (number | undefined)[]> | undefined;

  /** p-limit looks through its queue whenever it is told of a width, so it is told of a new one alone. */
  const setWidth = (limited: WideLimit, width: number): void => {
    if (limited.concurrency !== width) limited.concurrency = width;
  };
  const widen = (): void => {
    setWidth(exchange, widthOf(local));
    setWidth(inHand, widthOf(local) + aheadOf(local));
  };
  widen();

  /** What was read or written; an account that was opened meanwhile begins anew. */
  const see = (standing: PaceRecord | undefined, atMs: number): void => {
    const openedAtMs = standing?.closing?.openedAtMs;
    if (openedAtMs !== undefined && openedAtMs !== record?.closing?.openedAtMs) {
      reopenedAtMs = atMs;
      local = reopenedPace(local, limits, atMs);
      widen();
    }
    const workedAtMs = standing?.workedAtMs;
    if (workedAtMs !== undefined && workedAtMs !== record?.workedAtMs) local = workedPace(local, workedAtMs);
    record = standing;
    seenAtMs = atMs;
    readAtMs = atMs;
  };

  const unread = (error: unknown): void =>
    log.event("pace_unread", { gateway, error: error instanceof Error ? error.name : "unknown" });

  const refresh = (): Promise<void> => {
    reading ??= (async () => {
      // What is read is as old as its asking: a worker may be stopped in between.
      const askedAtMs = clock.nowMs();
      try {
        see(await book.read(gateway), askedAtMs);
      } catch (error) {
        // What is known stays in force; the ledger itself will say so if it is gone.
        unread(error);
      } finally {
        readAtMs = askedAtMs;
        reading = undefined;
      }
    })();
    return reading;
  };

  /** Changes the shared record; `undefined` from `change` leaves it. @throws `LedgerUnavailable` */
  const write = async (
    change: (standing: PaceRecord | undefined) => Changed | undefined,
  ): Promise<boolean> => {
    for (let nth = 0; nth < writesMax; nth++) {
      const changed = change(record);
      if (changed === undefined) return false;
      const next: PaceRecord = { ...changed, version: ids.leaseToken() };
      const askedAtMs = clock.nowMs();
      const answer = await book.replace(gateway, record?.version, next);
      see(answer.kind === "replaced" ? next : answer.record, askedAtMs);
      if (answer.kind === "replaced") return true;
    }
    return false;
  };

  const gateNow = (): Gate => {
    const nowMs = clock.nowMs();
    const shared = gateOf(record, nowMs);
    if (closing === undefined) return shared;
    // What this worker heard itself is in force here, whatever became of the write.
    const own = gateOf({ closing }, nowMs);
    if (own.kind === "closed") return shared.kind === "open" || own.because === "rate_limited" ? own : shared;
    // It waits for a look-up: whether one has opened it since, only the record says.
    return own.kind === "probe" && seenAtMs < closing.sinceMs && shared.kind === "open" ? own : shared;
  };

  const close = async (asked: Close): Promise<void> => {
    const closed = closeGate(record, asked, delays)?.closing;
    if (closed === undefined) return;
    if (!isLonger(closed, shared)) return;
    if (isLonger(closed, closing)) {
      // At once for this worker, whatever becomes of the write.
      closing = closed;
      log.event("gateway_closed", {
        gateway,
        reason: asked.because,
        delayMs: closedUntilMs(closed) - asked.atMs,
      });
      log.metric("GatewayClosed", 1, { gateway, reason: asked.because });
    }
    shared = closed;
    try {
      await write((standing) => closeGate(standing, asked, delays));
    } catch (error) {
      // The others do not know of it: the next answer that says so is written again.
      shared = undefined;
      unread(error);
    }
  };

  /** One write for all who ask in the same moment: each gets the first turn that is free, if soon enough. */
  const takeForAll = async (limitOf: RateLimit): Promise<readonly (number | undefined)[]> => {
    await Promise.resolve();
    await Promise.resolve();
    const all = asking;
    asking = [];
    taking = undefined;
    let at: (number | undefined)[] = [];
    try {
      const taken = await write((standing) => {
        let turns = standing?.turns;
        at = all.map((untilMs) => {
          const took = takeTurns(turns, limitOf, 1, clock.nowMs(), untilMs);
          turns = took.turns;
          return took.at[0];
        });
        if (turns === undefined || at.every((turn) => turn === undefined)) return undefined;
        return { ...standing, v: 1, turns };
      });
      return taken ? at : [];
    } catch (error) {
      unread(error);
      return [];
    }
  };

  const take = async (untilMs: number): Promise<Turn> => {
    const rate = rateNow();
    if (rate === undefined) return go;
    const place = asking.push(untilMs) - 1;
    taking ??= takeForAll(rate);
    const mine = (await taking)[place];
    const nowMs = clock.nowMs();
    if (mine === undefined)
      return { kind: "held", untilMs: Math.max(record?.turns?.nextMs ?? nowMs, nowMs + minHeldMs) };
    if (mine > nowMs) await clock.sleep(mine - nowMs);
    return go;
  };

  const gate: GatewayPace["gate"] = async () => {
    if (clock.nowMs() - readAtMs >= readEveryMs) await refresh();
    return gateNow();
  };

  /** What a gate holds back: charges whatever it is closed for, and look-ups while a Retry-After runs. */
  const heldFor = async (purpose: Purpose): Promise<Turn | undefined> => {
    const now = await gate();
    if (now.kind === "open" || (purpose !== "charge" && now.because !== "rate_limited")) return undefined;
    return { kind: "held", untilMs: now.kind === "closed" ? now.untilMs : clock.nowMs() };
  };

  const noteOf = async (claimedUntilMs: number, passed: boolean): Promise<void> => {
    try {
      const noted = await write(
        (standing) => standing && noteProbe(standing, passed, claimedUntilMs, clock.nowMs(), delays),
      );
      if (noted && passed) log.event("gateway_opened", { gateway });
    } catch (error) {
      unread(error);
    }
  };

  return {
    limit: inHand,
    exchange,
    gate,

    async admit(waitMs) {
      const turn = await take(clock.nowMs() + waitMs);
      if (turn.kind === "go" && rateNow() !== undefined) admitted.push(clock.nowMs());
      return turn;
    },

    async turn(purpose, waitMs) {
      const held = await heldFor(purpose);
      if (held !== undefined || rateNow() === undefined) return held ?? go;
      const nowMs = clock.nowMs();
      admitted = admitted.filter((atMs) => nowMs - atMs < turnLifeMs);
      if (purpose === "charge" && admitted.shift() !== undefined) return go;
      const turn = await take(nowMs + waitMs);
      // The account may have been closed while this one waited.
      return turn.kind === "go" ? ((await heldFor(purpose)) ?? go) : turn;
    },

    async note(purpose, answered, begunAtMs, tookMs) {
      if (answered === undefined) return;
      // A feed may be down while charges are taken: only what stops charges closes the account to them.
      if (purpose !== "charge" && answered.kind !== "limited") return;
      // What was on its way when a look-up opened the account says nothing of it as it is now.
      if (begunAtMs < reopenedAtMs && answered.kind !== "limited") return;
      const exchange: Exchange = { answered, begunAtMs, tookMs };
      local = noteExchange(local, exchange, limits);
      widen();
      const asked = closeOf(local, exchange, limits, reopenedAtMs);
      if (asked !== undefined) await close(asked);
    },

    async noteWorked(sentAtMs) {
      try {
        await write((standing) => noteWorked(standing, sentAtMs, clock.nowMs(), delays));
      } catch (error) {
        unread(error);
      }
    },

    async claimProbe(forMs) {
      let untilMs = 0;
      let because: ProbedReason | undefined;
      try {
        const claimed = await write((standing) => {
          const nowMs = clock.nowMs();
          const found = gateOf(standing, nowMs);
          if (standing === undefined || found.kind !== "probe") return undefined;
          because = found.because;
          untilMs = nowMs + forMs;
          return { ...standing, probeUntilMs: untilMs };
        });
        return claimed && because !== undefined
          ? { because, note: (passed) => noteOf(untilMs, passed) }
          : undefined;
      } catch (error) {
        unread(error);
        return undefined;
      }
    },
  };
};

/** A worker's part in the pace at every gateway. */
export const gatewayPaces = (
  options: Omit<GatewayPaceOptions, "gateway" | "exchange" | "inHand"> & { limit(): WideLimit },
): Readonly<Record<GatewayName, GatewayPace>> =>
  Object.fromEntries(
    gatewayNames.map((gateway) => [
      gateway,
      gatewayPace({ ...options, gateway, exchange: options.limit(), inHand: options.limit() }),
    ]),
  ) as Record<GatewayName, GatewayPace>;
