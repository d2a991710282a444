import { type Charge, type ChargeId, parseCharge } from "../../lib/core/charge.ts";
import { chainProblems } from "../../lib/core/decision-chain.ts";
import { isFinal, type LedgerEntry } from "../../lib/core/ledger.ts";
import type { Policy } from "../../lib/core/policy.ts";
import {
  decisionsOf,
  type ReviewDecision,
  reviewDecisions,
  sinceReview,
  type Wish,
} from "../../lib/core/review-decision.ts";
import { decideReview, type Look } from "../../lib/flows/decide-review.ts";
import { lookAtReview } from "../../lib/flows/look-at-review.ts";
import { requestParsers } from "../../lib/gateways/registry.ts";
import type { Desk } from "../../lib/ports.ts";
import { Violation } from "./checkers.ts";
import type { Mutant } from "./mutants/mutant.ts";
import type { Random } from "./random.ts";
import { type Act, type Schedule, still } from "./schedule.ts";
import type { Capture } from "./sim-gateway.ts";
import type { Story } from "./story.ts";

const people = ["Ann", "Bo", "Cy"] as const;
const hourMs = 3_600_000;
/** Nobody decides later than that: what was begun has to come to its end. */
const lastVisitMs = 7 * 24 * hourMs;
/** An answer that comes later than that after a send comes from nowhere in this world. */
const certainAfterMs = 6 * hourMs;
/** How often a person repeats a command that ended without a word. */
const repeatsMax = 12;

export type OperatorParts = {
  readonly random: Random;
  readonly schedule: Schedule;
  readonly story: Story;
  readonly chargeIds: readonly string[];
  readonly entryOf: (chargeId: string) => LedgerEntry | undefined;
  readonly messageOf: (chargeId: string) => string;
  /** what an honest person finds out elsewhere */
  readonly capturesOf: (chargeId: string) => readonly Capture[];
  readonly deskOf: (name: string) => Desk;
  readonly look: Look;
  readonly crashed: (error: unknown) => void;
};

export type Operators = {
  /** whether somebody decided about a charge in so many last milliseconds */
  touchedSince(chargeId: string, ms: number): boolean;
};

export const lookOf = (mutant: Mutant | undefined): Look => mutant?.look?.(lookAtReview) ?? lookAtReview;

/**
 * People who decide what is in review, at random: any decision on any charge, by one or two of three persons, from two
 * desks at once, on versions of long ago, with the charge's message at hand or not. They say only what is true, and
 * repeat a command that ended without an answer.
 */
export const startOperators = (parts: OperatorParts): Operators => {
  const { random, schedule, story, chargeIds, entryOf, capturesOf } = parts;
  const touchedAtMs = new Map<string, number>();
  const seen = new Map<string, string>();
  let desks = 0;

  const charges = new Map<string, Charge | undefined>();
  const chargeOf = (chargeId: string): Charge | undefined => {
    if (!charges.has(chargeId)) {
      const parsed = parseCharge(parts.messageOf(chargeId), requestParsers);
      charges.set(chargeId, parsed.ok ? parsed.charge : undefined);
    }
    return charges.get(chargeId);
  };
  /** Somebody decided about it, who else but at a desk. */
  const isDecided = (entry: LedgerEntry): boolean =>
    touchedAtMs.has(entry.chargeId) && decisionsOf(entry).length > 0;

  /** What a person can truthfully say of a charge. */
  const truthOf = (entry: LedgerEntry, decision: ReviewDecision): Partial<Wish> => {
    const captures = capturesOf(entry.chargeId);
    const [capture] = captures;
    const stated = { stated: "asked at the gateway's desk" };
    if (decision === "settle-as-approved")
      return captures.length === 1 && capture?.amount === capture?.asked
        ? { ...stated, transactionId: capture?.transactionId ?? "" }
        : {};
    if (captures.length > 0 || decision !== "settle-as-declined") return {};
    const isCertain = schedule.nowMs() > (entry.lastSendAtMs ?? entry.openedAtMs) + certainAfterMs;
    return isCertain ? stated : {};
  };

  const wishFor = (entry: LedgerEntry): Wish => {
    const proposal = sinceReview(entry).findLast(({ e }) => e === "proposed");
    const decision =
      proposal !== undefined && random.chance(0.7) ? proposal.decision : random.pick(reviewDecisions);
    const terms = random.chance(0.5) ? truthOf(entry, decision) : {};
    return { decision, by: random.pick(people), reason: "so", ...terms };
  };

  const decide = async (
    chargeId: string,
    wish: Wish,
    withMessage: boolean,
    on: string | undefined,
  ): Promise<void> => {
    const charge = withMessage ? chargeOf(chargeId) : undefined;
    for (let repeat = 0; repeat < repeatsMax; repeat++) {
      desks += 1;
      touchedAtMs.set(chargeId, schedule.nowMs());
      const ended = decideReview(
        {
          chargeId: chargeId as ChargeId,
          wish,
          ...(charge === undefined ? {} : { charge }),
          ...(on === undefined || repeat > 0 ? {} : { on }),
          dryRun: random.chance(0.1),
        },
        parts.deskOf(`desk${desks}`),
        parts.look,
      ).then(
        ({ verdict, lost }) => (lost ? "lost" : verdict.kind),
        (error: unknown) => {
          if (error instanceof Error && error.name === "LedgerUnavailable") return undefined;
          parts.crashed(error);
          return "crashed";
        },
      );
      const outcome = await withinAnHour(ended);
      story.tell(() => ({
        who: wish.by,
        what: `wants ${wish.decision}: ${outcome ?? "no answer"}`,
        chargeId,
      }));
      if (outcome !== undefined) return;
      await schedule.sleep(random.between(60_000, hourMs));
    }
  };

  /** A desk that died says nothing, ever. */
  const withinAnHour = <T>(ended: Promise<T>): Promise<T | undefined> =>
    new Promise((resolve) => {
      const over = schedule.after(hourMs, () => resolve(undefined));
      void ended.then((outcome) => {
        over.cancel();
        resolve(outcome);
      });
    });

  /** Whether there was something to decide. */
  const visit = (): boolean => {
    const waiting: LedgerEntry[] = [];
    for (const chargeId of chargeIds) {
      const entry = entryOf(chargeId);
      if (entry !== undefined && (entry.state === "review" || isDecided(entry))) waiting.push(entry);
    }
    if (waiting.length === 0) return false;
    const entry = random.pick(waiting);
    const { chargeId } = entry;
    const times = random.chance(0.3) ? 2 : 1;
    for (let time = 0; time < times; time++) {
      const stale = random.chance(0.2) ? seen.get(chargeId) : undefined;
      const on = stale ?? (random.chance(0.3) ? entry.token : undefined);
      void decide(chargeId, wishFor(entry), random.chance(0.85), on).catch(parts.crashed);
    }
    seen.set(chargeId, entry.token);
    return true;
  };

  const startMs = schedule.nowMs();
  const next: Act = () => {
    const sinceMs = schedule.nowMs() - startMs;
    if (sinceMs > lastVisitMs) return still;
    const decides = visit();
    // Often while there is much to decide, and a few times a day later on.
    schedule.after(random.between(300_000, sinceMs < 36 * hourMs ? hourMs : 6 * hourMs), next);
    return decides ? undefined : still;
  };
  schedule.after(random.between(600_000, hourMs), next);
  return {
    touchedSince: (chargeId, ms) => schedule.nowMs() - (touchedAtMs.get(chargeId) ?? -Infinity) < ms,
  };
};

const versionOf = ({ token, updatedAtMs }: LedgerEntry) => ({ token, updatedAtMs });

/** What a write of a decision has to keep, whoever makes it. */
export const checkDecision = (
  before: LedgerEntry | undefined,
  after: LedgerEntry,
  policy: Policy,
  sha256: (text: string) => string,
): void => {
  if (before?.state !== "review") return;
  // A notice was noted beside it: whoever decides has to look again.
  if (
    JSON.stringify({ ...before, ...versionOf(after) }) === JSON.stringify({ ...after, ...versionOf(after) })
  )
    return;
  const broken = (what: string): Violation => new Violation("everyDecisionIsOnRecord", after.chargeId, what);
  const [problem] = chainProblems(after, sha256);
  if (problem !== undefined) throw broken(problem);
  const isKept = before.history.every(
    (event, place) => JSON.stringify(event) === JSON.stringify(after.history[place]),
  );
  if (!isKept) throw broken("what was on record before is not there any more");
  const decided =
    sinceReview(before).length < decisionsOf(after).length ? decisionsOf(after).at(-1) : undefined;
  if (decided === undefined) throw broken(`${after.state} without a decision`);
  const isGatewaysWord =
    isFinal(after) && (after.evidence.kind === "feed_row" || after.evidence.kind === "reply_and_absence");
  if (
    decided.e === "decided" &&
    decided.confirms === undefined &&
    policy.secondPersonFor.includes(decided.decision) &&
    !isGatewaysWord
  )
    throw broken(`${decided.decision} by ${decided.by} alone`);
};
